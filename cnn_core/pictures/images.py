"""Untrusted bytes to pixels: the one place where a picture from outside becomes an array.

`decode` either returns a `Picture` (upright, opaque, 8 bits, three channels, at most 1024 pixels a side) or raises
`ImageRejected` with a sentence for the person who chose the file. What was done to the pixels on the way is noted,
never hidden. Colour profiles are not applied: the values are taken as sRGB, as training pipelines do.
"""

import codecs
import hashlib
import io
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # never all of Pillow's: EPS would start Ghostscript
MAX_BYTES = 32 * 2**20  # of one file
MAX_PIXELS = 50_000_000  # in the header; decoding costs 8 bytes a pixel at its peak, 12 if it has to be turned too
MAX_ASPECT = 50  # longer side : shorter side, so that scaling down never leaves a side of 0
MAX_SIDE = 1024  # of a decoded picture, in pixels

_FORMAT_NAMES = "JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
_COPY_AGAIN = "copy or download it again, or open it elsewhere and save it as PNG"
_SCALE_DOWN = f"scale it down to at most {MAX_PIXELS // 10**6} megapixels"
_SAVE_AS = "save it as JPEG or PNG and load that"

# What Pillow raises on damaged data, by format and depth in the file, or warns of where warnings are errors.
_DECODING_ERRORS = (
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

# The first bytes of what people choose by mistake: (pattern, what it is, what to do; nothing for our own formats).
_KNOWN = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), what, remedy)
    for pattern, what, remedy in (
        (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file", "export it as PNG and load that"),
        (rb"%PDF", "a PDF document", "export the page as PNG and load that"),
        (rb"[\s\xef\xbb\xbf]*<(!doctype html|html)", "a web page", "save the picture itself, not its page"),
        (rb"[^\0]{0,900}<svg", "an SVG drawing", "export it as PNG and load that"),
        (rb".{4}ftyp(hei|hev|mif1|msf1)", "a HEIC photo", "save it as JPEG (iPhone: Camera, Formats, Most Compatible)"),
        (rb"PK(\x03\x04|\x05\x06)", "a zip archive", "load it as an archive of pictures, or unpack it first"),
        (rb"Rar!|7z\xbc\xaf|\x1f\x8b", "a compressed archive", "unpack it and load the pictures"),
        (rb"8BPS", "a Photoshop file", _SAVE_AS),
        (rb".{4}jP  |\xff\x4f\xff\x51", "a JPEG 2000 picture", _SAVE_AS),
        (rb".{4}JXL |\xff\x0a", "a JPEG XL picture", _SAVE_AS),
        (rb"\0\0\x01\0", "a Windows icon", _SAVE_AS),
        (rb"\x89PNG", "a PNG file", ""),
        (rb"\xff\xd8\xff", "a JPEG file", ""),
        (rb"GIF8", "a GIF file", ""),
        (rb"RIFF.{4}WEBP", "a WebP file", ""),
        (rb"BM.{4}\0\0\0\0", "a BMP file", ""),
        (rb"II\*\0|MM\0\*", "a TIFF file", ""),
        (rb".{4}ftypavi[fs]", "an AVIF file", ""),
        (rb".{4}ftyp|\x1aE\xdf\xa3", "a video", "save one of its frames as PNG and load that"),
    )
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


class Rejected(ValueError):
    """A file from outside that is not taken; `str` is one sentence: its name, what was received, what to do.

    Example:
        >>> print(Rejected("cat.jpg", "this is a PDF document", "export the page as PNG"))
        cat.jpg: this is a PDF document; export the page as PNG.
    """

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(name, reason, remedy)
        self.name, self.reason, self.remedy = printable(name)[:200], reason, remedy

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}; {self.remedy}."


class ImageRejected(Rejected):
    """A picture that is not taken, alone or as an entry of an archive."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture. Two pictures are the same picture when their digests agree.

    Args:
        pixels: uint8 (H, W, 3), sRGB 0..255, at most `MAX_SIDE` a side; kept read-only (copied if it was writeable).
        name: The file's name, for people; no identity.
        notes: What was done to the pixels, one phrase each.

    Raises:
        ValueError: If the pixels have another type or shape.

    Example:
        >>> picture = Picture(np.zeros((2, 3, 3), np.uint8), "black.png")
        >>> picture.digest[:12], picture.pixels.flags.writeable
        ('045811a72b23', False)
    """

    pixels: np.ndarray
    name: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
            raise ValueError(f"A picture is uint8 (H, W, 3); received {pixels.dtype} {pixels.shape}.")
        if max(pixels.shape) > MAX_SIDE:
            raise ValueError(f"A picture is at most {MAX_SIDE} pixels a side; received {pixels.shape}.")
        pixels = np.array(pixels, order="C") if pixels.flags.writeable else np.ascontiguousarray(pixels)
        pixels.flags.writeable = False  # the digest is computed once
        object.__setattr__(self, "pixels", pixels)

    def __reduce__(self) -> tuple[type["Picture"], tuple[np.ndarray, str, tuple[str, ...]]]:
        return Picture, (self.pixels, self.name, self.notes)  # a plain copy or pickle would come back writeable

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 over height, width and pixels: the same for the same pixels, whatever file they came in."""
        height, width, _ = self.pixels.shape
        return hashlib.sha256(struct.pack(">II", height, width) + self.pixels.tobytes()).hexdigest()

    def png(self) -> bytes:
        """Return the pixels as a PNG file: lossless, without the metadata of the file they came in."""
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()


def decode(data: bytes, name: str) -> Picture:
    """Return the picture in a file's bytes.

    Turned upright as its EXIF data says, laid on white where transparent, scaled down to `MAX_SIDE` with an
    antialiasing filter (after the other steps, so that the same pixels in another format give the same digest).
    16-bit values keep their high byte. Of an animation the first frame is taken.

    Args:
        data: The whole file.
        name: The file's name, for the messages only: the format is told by the bytes.

    Returns:
        A `Picture`, whose notes say what was changed.

    Raises:
        ImageRejected: If this is no picture, none of a supported format, damaged, cut short or too large.

    Example:
        >>> decode(b"%PDF-1.7", "cat.jpg")
        Traceback (most recent call last):
        cnn_core.pictures.images.ImageRejected: cat.jpg: this is a PDF document; export the page as PNG and load that.

    Source:
        PNG specification (W3C 2003) 13.12, sample depth; EXIF 2.3 tag 0x0112, orientation.
    """
    name = printable(name)
    if not data:
        raise ImageRejected(name, "this file is empty (0 bytes)", "copy or download it again")
    if len(data) > MAX_BYTES:
        reason = f"this file has {len(data) / 2**20:.1f} MiB and the limit is {MAX_BYTES // 2**20} MiB"
        raise ImageRejected(name, reason, "save it smaller, for instance as JPEG")
    try:
        # Pillow warns of bombs, which _check_size refuses, and of odd metadata, which is not read. Filters belong to
        # the process: where threads interleave, a warning may still come through, or this filter stay.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_size(image, name)
                return _picture(image, name)
    except ImageRejected:
        raise
    except UnidentifiedImageError as error:
        what, remedy = recognise(data) or ("a file of no known format", f"choose a picture: {_FORMAT_NAMES}")
        if not remedy:
            what, remedy = f"{what} with a damaged header", _COPY_AGAIN
        raise ImageRejected(name, f"this is {what}", remedy) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own limit comes first
        reason = f"this picture has far more than {MAX_PIXELS // 10**6} megapixels"
        raise ImageRejected(name, reason, _SCALE_DOWN) from error
    except _DECODING_ERRORS as error:
        reason = f"the picture is damaged or cut short ({printable(str(error)) or type(error).__name__})"
        raise ImageRejected(name, reason, _COPY_AGAIN) from error


def recognise(data: bytes) -> tuple[str, str] | None:
    """Return what a file seems to be and what to do about it (nothing if it is a picture of our formats), or None.

    Example:
        >>> recognise(b"Rar!...")
        ('a compressed archive', 'unpack it and load the pictures')
    """
    head = data[:1024]
    for pattern, what, remedy in _KNOWN:
        if pattern.match(head):
            return what, remedy
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # a character cut at the end is no error
    except UnicodeDecodeError:
        return None
    is_text = all(character.isprintable() or character.isspace() for character in text)
    return ("plain text", f"choose a picture: {_FORMAT_NAMES}") if is_text else None


def printable(name: str) -> str:
    """Return a name that is safe to show and to encode: no control, direction or broken characters.

    Example:
        >>> printable("cat\\n\\u202egpj.exe")
        'cat �gpj.exe'
    """
    joiners = "\u200c\u200d"  # invisible, but part of Persian and Indic words
    return "".join(
        " " if character.isspace() else character if character.isprintable() or character in joiners else "\ufffd"
        for character in name
    )


def square(pixels: np.ndarray, size: int, crop_fraction: float) -> np.ndarray:
    """Return the middle of a picture as a network is evaluated on it.

    The shorter side is scaled to round(size / crop_fraction), bicubic, and the central size x size taken.

    Args:
        pixels: uint8 (H, W, 3).
        size: The network's input, in pixels.
        crop_fraction: Share of the shorter side that is kept, above 0 and at most 1.

    Returns:
        uint8 (size, size, 3).

    Raises:
        ValueError: If the fraction or the size is out of range.

    Example:
        >>> square(np.zeros((300, 400, 3), np.uint8), size=224, crop_fraction=0.875).shape  # shorter side to 256
        (224, 224, 3)

    Source:
        Krizhevsky et al. 2012, section 5 (256, central crop); rounding as torchvision's Resize and CenterCrop,
        which timm evaluates with (crop_pct).
    """
    if size < 1 or not 0 < crop_fraction <= 1:
        raise ValueError(f"size must be positive and crop_fraction in (0, 1]; received {size} and {crop_fraction}.")
    height, width, _ = pixels.shape
    shorter = round(size / crop_fraction)
    scaled_width, scaled_height = (side * shorter // min(height, width) for side in (width, height))
    image = Image.fromarray(pixels).resize((scaled_width, scaled_height), Image.Resampling.BICUBIC)
    left, top = round((scaled_width - size) / 2), round((scaled_height - size) / 2)
    return np.asarray(image.crop((left, top, left + size, top + size)))


def thumbnail(pixels: np.ndarray, side: int) -> bytes:
    """Return a small JPEG file for a contact sheet: the central square, side x side pixels.

    Args:
        pixels: uint8 (H, W, 3).
        side: Of the thumbnail, in pixels.

    Example:
        >>> thumbnail(np.zeros((30, 40, 3), np.uint8), side=16)[:3]
        b'\\xff\\xd8\\xff'
    """
    buffer = io.BytesIO()
    ImageOps.fit(Image.fromarray(pixels), (side, side), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _check_size(image: ImageFile.ImageFile, name: str) -> None:
    """Refuse by the header alone what would cost too much memory or vanish when scaled down."""
    width, height = image.size
    tags = getattr(image, "tag_v2", {})  # a TIFF is decoded by the tile, which may be far larger than the picture
    pixels = max(width * height, tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0))
    if pixels > MAX_PIXELS:
        reason = f"this picture of {width} x {height} pixels takes {pixels / 1e6:.0f} megapixels to decode"
        raise ImageRejected(name, reason, _SCALE_DOWN)
    if min(width, height) < 1 or max(width, height) > MAX_ASPECT * min(width, height):
        reason = f"this picture has {width} x {height} pixels, a side more than {MAX_ASPECT} times the other"
        raise ImageRejected(name, reason, "crop it to a less extreme shape")


def _picture(image: ImageFile.ImageFile, name: str) -> Picture:
    """Decode the opened file; every step that changes the pixels leaves a note."""
    notes = [_frame_note(image)]
    raw_mode = _raw_mode(image)
    orientation = _orientation(image)  # before load: Pillow turns a TIFF itself while loading and drops the tag
    image.load()  # in full: JPEG's quicker draft() gives other pixels than the same picture in another format
    upright: Image.Image = image
    if orientation is None:
        notes.append("not turned: its EXIF data could not be read")
    elif orientation in _TURNS:
        upright = image if image.format == "TIFF" else image.transpose(_TURNS[orientation])
        notes.append(f"turned upright (EXIF orientation {orientation})")

    flat, note = _eight_bits(upright, raw_mode, name)
    notes.append(note)
    flat, note = _on_white(flat)
    notes.append(note)

    if max(flat.size) > MAX_SIDE:
        width, height = flat.size
        scale = MAX_SIDE / max(flat.size)
        target = (round(width * scale), round(height * scale))
        flat = flat.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
        notes.append(f"scaled down from {width} x {height} to {target[0]} x {target[1]} pixels")
    return Picture(np.asarray(flat), name, tuple(filter(None, notes)))


def _frame_note(image: ImageFile.ImageFile) -> str:
    """Say that only the first frame is taken, if there are more."""
    if not getattr(image, "is_animated", False):
        return ""
    if image.format == "TIFF":
        return "first page of several"  # to count them, Pillow takes quadratic time
    frames: int = getattr(image, "n_frames")  # noqa: B009 (only some formats have it)
    if image.format == "MPO":  # a JPEG of a phone, with a depth or brightness map behind the photo
        return f"first of {frames} pictures in the file"
    return f"first frame of an animation of {frames}"


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """Return how the file stores its samples, such as "RGB;16B": after loading, Pillow no longer knows."""
    arguments = image.tile[0].args if image.tile else ""
    if isinstance(arguments, tuple):
        arguments = arguments[0] if arguments else ""
    return arguments if isinstance(arguments, str) else ""


def _orientation(image: ImageFile.ImageFile) -> int | None:
    """Return the EXIF orientation, 1 if there is none, None if the EXIF data is damaged (the picture may be well)."""
    try:
        orientation: int = image.getexif().get(_ORIENTATION, 1)
        return orientation
    except _DECODING_ERRORS:
        return None


def _eight_bits(image: Image.Image, raw_mode: str, name: str) -> tuple[Image.Image, str]:
    """Bring every sample, and the colour that PNG declares transparent, to 8 bits."""
    key = image.info.get("transparency")
    if raw_mode in ("L;2", "L;4") and isinstance(key, int):
        image.info["transparency"] = key * {"L;2": 85, "L;4": 17}[raw_mode]  # Pillow widens the samples, not the key
    if image.mode == "F":
        raise ImageRejected(name, "its pixels are floating-point numbers, whose white is not defined", _SAVE_AS)
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:  # only 32-bit samples can be
            reason = f"its pixels are integers from {values.min()} to {values.max()}, whose white is not defined"
            raise ImageRejected(name, reason, "save it with 8 or 16 bits a channel")
        bits = 12 if raw_mode == "I;12" else 16
        grey = Image.fromarray((values >> (bits - 8)).astype(np.uint8))
        if key is not None:
            grey.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
        return grey, f"{bits}-bit values scaled to 8-bit"
    if ";16" in raw_mode:  # Pillow has kept the high bytes
        if isinstance(key, tuple):
            image.info["transparency"] = tuple(value >> 8 for value in key)
        return image, "16-bit values scaled to 8-bit"
    return image, ""


def _on_white(image: Image.Image) -> tuple[Image.Image, str]:
    """Return the picture as RGB, what is transparent laid on white."""
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB"), ""  # convert would copy
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    white = Image.new("RGB", layer.size, "white")
    white.paste(layer, mask=layer)
    is_opaque = layer.getchannel("A").getextrema()[0] == 255
    return white, "" if is_opaque else "transparency laid on white"
