"""Untrusted bytes to pixels: the one place where a picture from outside becomes an array.

`take` either returns a `Picture` (upright, opaque, 8 bits, three channels, at most 1024 pixels a side) with the bytes
that are kept of it, or raises `ImageRefused` with a sentence for the person who chose the file. What was done to the
pixels on the way is noted, never hidden. Colour profiles are not applied: the values are taken as sRGB, as training
pipelines do.
"""

import io
import itertools
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from cnn_core.pictures import coded, formats, samples, seen, tiff
from cnn_core.pictures.formats import FORMATS, FileRefused, ImageRefused, printable, recognise
from cnn_core.pictures.limits import FILE_BYTES, MB, PHOTO_PIXELS, PICTURE_PIXELS, SIDE, megabytes
from cnn_core.pictures.picture import MAX_SIDE, Picture, square, thumbnail

__all__ = [
    "DECODING_ERRORS",
    "FORMATS",
    "MAX_ASPECT",
    "MAX_SIDE",
    "FileRefused",
    "ImageRefused",
    "Picture",
    "Taken",
    "decode",
    "printable",
    "recognise",
    "restored",
    "square",
    "take",
    "thumbnail",
]

MAX_ASPECT = 50  # longer side : shorter side, so that scaling down never leaves a side of 0
_MAX_FRAMES = 50  # of an animation, in search of the first that shows something

# What Pillow raises on damaged data, by format and depth in the file, or warns of where warnings are errors.
DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    Warning,
    struct.error,
    zlib.error,
)

# EXIF orientation -> what makes the picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION, _TILE_WIDTH, _TILE_LENGTH = 0x0112, 0x0142, 0x0143  # EXIF and TIFF tags
_PHOTOS = ("JPEG", "MPO")
_PLAIN_MODES = ("1", "L", "P", "RGB", "LA", "RGBA")


@dataclass(frozen=True, eq=False)
class Taken:
    """A picture that came in, and what is kept of it.

    Args:
        picture: Its pixels are exactly what `restored(coded, orientation)` gives.
        coded: A JPEG, PNG or WebP file without metadata.
        suffix: Of that file: "jpg", "png" or "webp".
        orientation: EXIF orientation, 1 to 8, in which the coded pixels lie.
    """

    picture: Picture
    coded: bytes
    suffix: str
    orientation: int = 1


def decode(data: bytes, name: str) -> Picture:
    """Return the picture in a file's bytes, as `take` does.

    Raises:
        ImageRefused: If this is no picture, none of a supported format, damaged, cut short or too large.

    Example:
        >>> decode(b"%PDF-1.7", "cat.jpg")
        Traceback (most recent call last):
        cnn_core.pictures.formats.ImageRefused: cat.jpg: this is a PDF document; export the page as PNG and load that.
    """
    return take(data, name).picture


def take(data: bytes, name: str) -> Taken:
    """Return the picture in a file's bytes and what is kept of it.

    Turned upright as its EXIF data says, laid on white where transparent, scaled down to `MAX_SIDE` with an
    antialiasing filter. More than 8 bits are brought to 8 by what the file says of its white, or holds. Of an animation
    the first frame that shows something is taken. A JPEG, PNG or WebP that fits and needs no mending but turning keeps
    its coded pixels, with all metadata cut away. All else is coded anew: without loss where it fits or came from a
    lossless file, as a JPEG of high quality where a photo was scaled down; the decoded JPEG is then the picture.

    Args:
        data: The whole file.
        name: The file's name, for the messages only: the format is told by the bytes.

    Returns:
        A `Taken`, whose picture's notes say what was changed and what there is little of to see.

    Raises:
        ImageRefused: If this is no picture, none of a supported format, damaged, cut short, too large or empty.

    Example:
        >>> black = Picture(np.zeros((40, 60, 3), np.uint8), "black.png")
        >>> taken = take(black.png(), "black.png")
        >>> taken.suffix, taken.orientation, taken.picture.notes
        ('png', 1, ('nearly black',))

    Source:
        PNG specification (W3C 2003) 13.12, sample depth; EXIF 2.3 tag 0x0112, orientation.
    """
    name = printable(name)
    if not data:
        raise ImageRefused(name, "this file is empty (0 bytes)", "copy or download it again")
    if len(data) > FILE_BYTES:
        reason = f"this file has {megabytes(len(data))} MB and the limit is {FILE_BYTES // MB} MB"
        raise ImageRefused(name, reason, "save it smaller, for instance as JPEG")
    if other := formats.left_alone(data):
        raise ImageRefused(name, f"this is {other[0]}", other[1])
    page = tiff.main_page(data)
    try:
        # Pillow warns of bombs, which _check_size refuses, and of odd metadata, which is not read. Filters belong to
        # the process: where threads interleave, a warning may still come through, or this filter stay.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            if page and not tiff.is_plain(page):
                return _taken_tiff(data, page, name)
            try:
                image = Image.open(io.BytesIO(data), formats=FORMATS)
            except UnidentifiedImageError:
                if page and tiff.is_whole(page, len(data)):
                    return _taken_tiff(data, page, name)
                raise
            with image:
                _check_size(image, name)
                if lacking := formats.cut_short(data):
                    raise ImageRefused(name, f"the picture is cut short ({lacking})", formats.COPY_AGAIN)
                return _taken(image, data, name)
    except ImageRefused:
        raise
    except UnidentifiedImageError as error:
        what, remedy = recognise(data) or ("a file of no known format", f"choose a picture: {formats.FORMAT_NAMES}")
        if remedy:
            raise ImageRefused(name, f"this is {what}", remedy) from error
        reason, remedy = formats.unread(data, "") or (f"this is {what} with a damaged header", formats.COPY_AGAIN)
        raise ImageRefused(name, reason, remedy) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own limit comes first
        reason = f"this picture has far more than {PICTURE_PIXELS // 10**6} megapixels"
        raise ImageRefused(name, reason, _scale_down(PICTURE_PIXELS)) from error
    except DECODING_ERRORS as error:
        said = printable(str(error)) or type(error).__name__
        reason, remedy = formats.unread(data, said) or (
            f"the picture is damaged or cut short ({said})",
            formats.COPY_AGAIN,
        )
        raise ImageRefused(name, reason, remedy) from error


def restored(data: bytes, orientation: int = 1) -> np.ndarray:
    """Return the pixels of a file that `take` kept.

    Args:
        data: `Taken.coded`, or a PNG file of version 0.1.
        orientation: `Taken.orientation`.

    Returns:
        uint8 (H, W, 3), upright, read-only.

    Raises:
        OSError: If the file is damaged, and what else Pillow raises then.

    Example:
        >>> restored(Picture(np.zeros((2, 3, 3), np.uint8), "black.png").png(), orientation=6).shape
        (3, 2, 3)
    """
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
        image.load()
        return _upright_pixels(image, orientation)


def _check_size(image: ImageFile.ImageFile, name: str) -> None:
    """Refuse by the header alone what would cost too much memory or vanish when scaled down."""
    tags = getattr(image, "tag_v2", {})  # a TIFF is decoded by the tile, which may be far larger than the picture
    tile = (tags.get(_TILE_WIDTH, 0), tags.get(_TILE_LENGTH, 0))
    _check_sides(image.size, tile, PHOTO_PIXELS if image.format in _PHOTOS else PICTURE_PIXELS, name)


def _check_sides(size: tuple[int, int], tile: tuple[int, int], limit: int, name: str) -> None:
    width, height = size
    if (pixels := max(width * height, tile[0] * tile[1])) > limit:
        has = math.ceil(pixels / 1e5) / 10 if pixels < limit + 5e5 else round(pixels / 1e6)
        reason = f"this picture of {width} x {height} pixels takes {has} megapixels to decode"
        raise ImageRefused(name, reason, _scale_down(limit))
    if min(width, height) < 1 or max(width, height) > MAX_ASPECT * min(width, height):
        reason = f"this picture has {width} x {height} pixels, a side more than {MAX_ASPECT} times the other"
        raise ImageRefused(name, reason, "crop it to a less extreme shape")
    if max(width, height, *tile) > SIDE:
        reason = f"this picture has {width} x {height} pixels, a side more than {SIDE:,}"
        raise ImageRefused(name, reason, f"scale it down to at most {SIDE:,} pixels a side")


def _scale_down(limit: int) -> str:
    return f"scale it down to at most {limit // 10**6} megapixels"


def _taken(image: ImageFile.ImageFile, data: bytes, name: str) -> Taken:
    """Take the opened file; every step that changes the pixels leaves a note."""
    raw_mode = samples.raw_mode(image)  # before anything loads it: afterwards Pillow no longer knows
    orientation, turn = _orientation(image, data)
    kept = coded.stripped(data) if max(image.size) <= MAX_SIDE else None
    if kept and "transparency" not in image.info:
        with Image.open(io.BytesIO(kept[0]), formats=("JPEG", "PNG", "WEBP")) as bare:
            bare.load()
            is_opaque = "A" not in bare.mode or bare.getchannel("A").getextrema()[0] == 255
            if bare.mode == image.mode and is_opaque and not coded.has_tail(*kept, bare):
                pixels = _upright_pixels(bare, orientation)
                return _with_notes(pixels, name, [seen.frame_note(image), turn], *kept, orientation)
    size = image.size
    if image.format in _PHOTOS and max(size) > MAX_SIDE:  # decode at 1/2, 1/4 or 1/8 where that leaves enough to filter
        image.draft(None, tuple(math.ceil(1.5 * side) for side in _target(size)))  # type: ignore[arg-type]
    flat, notes = _first_shown(image, data, raw_mode, name)
    if image.format != "TIFF":  # Pillow turns a TIFF itself while loading
        size, flat = _turned_size(size, orientation), _turned(flat, orientation)
    else:
        size = flat.size
    notes.insert(1, turn)
    if kept and notes[-1] == "" and not coded.has_tail(*kept):  # what was cut hid nothing
        return _with_notes(restored(kept[0], orientation), name, notes, *kept, orientation)
    return _coded_anew(flat, size, name, notes, is_lossy=coded.is_lossy(data))


def _taken_tiff(data: bytes, page: tiff.Directory, name: str) -> Taken:
    """Take a TIFF that Pillow reads wrongly or not at all."""
    shown: tuple[Image.Image, list[str]] | None = None
    pixels = 0
    for index, each in enumerate(itertools.islice(tiff.pages(data, page), _MAX_FRAMES)):
        pixels += each.number(256) * each.number(257)
        if shown and pixels > PICTURE_PIXELS:
            break
        try:
            flat, notes = _tiff_page(data, each, name)
        except (ImageRefused, *DECODING_ERRORS):
            if shown is None:
                raise
            break  # the first page is well, one further on is not
        if not index or seen.shows(flat):
            number, what = index + page.before + 1, "blank" if index else "previews"
            first = "first page of several" if each.following else ""
            shown = flat, [f"page {number}: those before it are {what}" if number > 1 else first, *notes]
        if seen.shows(flat):
            break
    assert shown is not None
    return _coded_anew(shown[0], shown[0].size, name, shown[1], is_lossy=False)


def _tiff_page(data: bytes, page: tiff.Directory, name: str) -> tuple[Image.Image, list[str]]:
    """Return one page upright, as RGB, and what was done."""
    size, tile = (page.number(256), page.number(257)), (page.number(_TILE_WIDTH), page.number(_TILE_LENGTH))
    _check_sides(size, tile, PICTURE_PIXELS, name)
    image, notes = samples.from_tiff(data, page, name)
    flat, note = seen.laid(image, name)
    orientation = page.number(_ORIENTATION, 1)
    turn = f"turned upright (EXIF orientation {orientation})" if orientation in _TURNS else ""
    return _turned(flat, orientation), [turn, *notes, note]


def _coded_anew(flat: Image.Image, size: tuple[int, int], name: str, notes: list[str], *, is_lossy: bool) -> Taken:
    """Scale an upright RGB picture down to what is kept, and code it."""
    if max(size) <= MAX_SIDE:
        pixels = np.asarray(flat)
        return _with_notes(pixels, name, notes, *coded.lossless(pixels), 1)
    target = _target(size)
    flat = flat.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
    notes = [*notes, f"scaled down from {size[0]} x {size[1]} to {target[0]} x {target[1]} pixels"]
    if not is_lossy:
        pixels = np.asarray(flat)
        return _with_notes(pixels, name, notes, *coded.lossless(pixels), 1)
    data, suffix = coded.photo(flat)
    return _with_notes(restored(data), name, notes, data, suffix, 1)


def _with_notes(pixels: np.ndarray, name: str, notes: list[str], data: bytes, suffix: str, orientation: int) -> Taken:
    found = tuple(filter(None, (*notes, *seen.quality_notes(pixels))))
    return Taken(Picture(pixels, name, found), data, suffix, orientation)


def _target(size: tuple[int, int]) -> tuple[int, int]:
    scale = MAX_SIDE / max(size)
    return round(size[0] * scale), round(size[1] * scale)


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation >= 5 else size


def _upright_pixels(image: Image.Image, orientation: int) -> np.ndarray:
    """Return a loaded opaque picture of any plain mode as upright RGB pixels."""
    pixels = np.asarray(_turned(image if image.mode == "RGB" else image.convert("RGB"), orientation))
    pixels.flags.writeable = False
    return pixels


def _first_shown(image: ImageFile.ImageFile, data: bytes, raw_mode: str, name: str) -> tuple[Image.Image, list[str]]:
    """Return the first frame or page that shows something, as RGB, or the first; the ground's note comes last."""
    first: tuple[Image.Image, list[str]] | ImageRefused | None = None
    for index in _frames(image):
        try:
            flat, notes = _flat(image, data, "" if index else raw_mode, name)
        except ImageRefused as refusal:
            first = first or refusal
            continue
        except (*DECODING_ERRORS, Image.DecompressionBombError):
            if first is None:
                raise
            break  # the first frame is well, one further on is not
        notes = [seen.frame_note(image, index), *notes]
        if seen.shows(flat):
            return flat, notes
        if first is None:
            first = flat.copy(), notes
    if isinstance(first, ImageRefused):
        raise first
    if first is None:
        raise OSError("it has no frame")
    return first


def _frames(image: ImageFile.ImageFile) -> Iterator[int]:
    """Seek the frames one by one, as long as they cost no more than a large picture."""
    yield 0
    if image.format not in ("GIF", "PNG", "WEBP", "AVIF", "TIFF") or not getattr(image, "is_animated", False):
        return
    pixels = 0
    for index in range(1, _MAX_FRAMES):
        pixels += image.size[0] * image.size[1]
        try:
            image.seek(index)
        except (*DECODING_ERRORS, Image.DecompressionBombError):  # no more, or damaged further on
            return
        if pixels + image.size[0] * image.size[1] > PICTURE_PIXELS or max(image.size) > SIDE:
            return
        yield index


def _flat(image: ImageFile.ImageFile, data: bytes, raw_mode: str, name: str) -> tuple[Image.Image, list[str]]:
    """Return the current frame as RGB of 8 bits, and what was done."""
    key = image.info.get("transparency")
    deep = samples.deep_png(data, raw_mode)
    if deep is not None:
        flat, note = samples.from_png(deep, key, samples.declared_bits(data))
        flat, ground = seen.laid(flat, name)
        return flat, [note, ground]
    image.load()
    if raw_mode in ("L;2", "L;4") and isinstance(key, int):
        image.info["transparency"] = key * {"L;2": 85, "L;4": 17}[raw_mode]  # Pillow widens the samples, not the key
    flat, ground = seen.laid(image, name)
    return flat, [ground]


def _orientation(image: ImageFile.ImageFile, data: bytes) -> tuple[int, str]:
    """Return the EXIF orientation, 1 if there is none or its data is damaged (the picture may be well), and a note."""
    if image.format == "PNG" and not any(kind in data for kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt")):
        return 1, ""  # for a PNG without EXIF data, Pillow would decode all pixels to look behind them
    try:
        orientation: int = image.getexif().get(_ORIENTATION, 1)
    except DECODING_ERRORS:
        return 1, "not turned: its EXIF data could not be read"
    if orientation not in _TURNS:
        return 1, ""
    return orientation, f"turned upright (EXIF orientation {orientation})"
