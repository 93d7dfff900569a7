"""Numbers of any depth to 8 bits: what a file says of its white, or what it holds.

Cameras, microscopes and depth sensors write 10, 12 or 14 bits into 16-bit files. Taken for 16 bits these pictures are
all but black, so values are stretched by the depth that the file declares, or else by the least usual depth that
holds them; the note says so. A truly 16-bit picture that is very dark cannot be told from one of fewer bits, unless it
was 8 bits to begin with: it is stretched too, and noted.
"""

import io

import numpy as np
from PIL import Image, ImageFile

from cnn_core.pictures import tiff
from cnn_core.pictures.formats import SAVE_AS, SAVE_AS_PNG, ImageRefused

_USUAL_DEPTHS = (8, 10, 12, 14, 16)  # bits
_ORIENTATION, _PHOTOMETRIC, _EXTRA, _COLOUR_MAP = 274, 262, 338, 320
_LARGEST, _SIGNED_LARGEST = 281, 341  # MaxSampleValue, SMaxSampleValue


def deep_png(data: bytes, raw_mode: str) -> np.ndarray | None:
    """Return the samples of a 16-bit PNG, uint16 (H, W, channels), or None for any other picture.

    Pillow keeps the high bytes of colours only: the file is read twice, once as of the other byte order.

    Args:
        data: The whole file.
        raw_mode: How Pillow calls its samples.
    """
    if not data.startswith(b"\x89PNG"):
        return None
    if raw_mode == "I;16B":
        return np.asarray(_read_as(data, "I;16", raw_mode)).astype(np.uint16)[..., None]
    if raw_mode == "LA;16B":
        four = np.asarray(_read_as(data, "RGBA", "RGBA")).astype(np.uint16)
        return four[..., ::2] << 8 | four[..., 1::2]
    if raw_mode in ("RGB;16B", "RGBA;16B"):
        mode = raw_mode.partition(";")[0]
        high = np.asarray(_read_as(data, mode, f"{mode};16B")).astype(np.uint16)
        return high << 8 | np.asarray(_read_as(data, mode, f"{mode};16L"))
    return None


def raw_mode(image: ImageFile.ImageFile) -> str:
    """Return how the file stores its samples, such as "RGB;16B"."""
    arguments = image.tile[0].args if image.tile else ""
    if isinstance(arguments, tuple):
        arguments = arguments[0] if arguments else ""
    return arguments if isinstance(arguments, str) else ""


def _read_as(data: bytes, mode: str, raw_mode: str) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("PNG",))
    image._mode = mode
    image.tile = [tile._replace(args=raw_mode) for tile in image.tile]
    image.load()
    return image


def declared_bits(data: bytes) -> tuple[int, int]:
    """Return how many bits of a 16-bit PNG's colours and alpha are significant by its sBIT chunk, 0 if it does not say.

    Source:
        PNG specification (W3C 2003) 11.3.3.4.
    """
    at = data.find(b"sBIT", 8, data.find(b"IDAT"))
    if at < 4:
        return 0, 0
    bits = data[at + 4 : at + 4 + min(int.from_bytes(data[at - 4 : at], "big"), 4)]
    colours = len(bits) - (len(bits) % 2 == 0)
    return max(bits[:colours], default=0), max(bits[colours:], default=0)


def from_png(values: np.ndarray, key: object, declared: tuple[int, int]) -> tuple[Image.Image, str]:
    """Return a 16-bit PNG's samples as a picture of mode L, LA, RGB or RGBA, and what was done.

    Args:
        values: uint16 (H, W, 1 to 4).
        key: The colour that the file declares transparent, or None.
        declared: Significant bits of colours and of alpha by the file, or 0.
    """
    colours = values.shape[2] - (values.shape[2] % 2 == 0)
    alpha = values[..., colours] if values.shape[2] > colours else None
    if key is not None and alpha is None:
        wanted = np.array(key, np.uint16).reshape(-1)
        alpha = np.where((values == wanted).all(axis=2), 0, 65535).astype(np.uint16)
    seen = values[..., :colours]
    bits = _told(seen, declared[0]), 0 if key is not None or alpha is None else _told(alpha, declared[1])
    return _picture(seen, alpha, bits, 16, white_is_zero=False)


def _told(values: np.ndarray, declared: int) -> int:
    """Return the declared bits, or 16 where values were scaled up, as the specification asks for."""
    low_bits = (1 << max(16 - declared, 0)) - 1
    return 16 if 0 < declared < 16 and values.any() and not (values & low_bits).any() else declared


def from_tiff(data: bytes, page: tiff.Directory, name: str) -> tuple[Image.Image, list[str]]:
    """Return a page that Pillow does not read right as a picture of mode L, LA, RGB, RGBA or CMYK, and what was done.

    Raises:
        ImageRefused: If it is of a kind that is not read here, or its white is not defined.
        OSError: If it is cut short, and what else Pillow raises on damaged data.
    """
    photometric, channels = page.photometric, page.channels
    colours = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4}.get(photometric, 0)
    extra = page.tags.get(_EXTRA, ())
    if not extra and photometric == 2 and channels == 4:
        extra = (2,)  # as Pillow: left out by many writers
    has_alpha = channels > colours and extra[:1] in ((1,), (2,))
    if (photometric in (0, 1) and channels - has_alpha > 2) or (colours and channels > colours and not extra):
        remedy = "save three of them as RGB" if channels > 2 else "save one of them as grey"
        raise ImageRefused(name, f"this TIFF file has {channels} channels and does not say what they mean", remedy)
    if not colours:
        raise ImageRefused(name, tiff.unread(data) or "this TIFF file does not say what its numbers mean", SAVE_AS_PNG)
    if channels < colours:
        reason = f"the picture is damaged or cut short ({channels} channels where {colours} are needed)"
        raise ImageRefused(name, reason, SAVE_AS_PNG)
    try:
        values = tiff.samples(data, page, colours + has_alpha)
    except tiff.Unread as error:
        raise ImageRefused(name, str(error), SAVE_AS_PNG) from error
    notes = []
    left_out = channels - colours - has_alpha
    if left_out:
        notes.append(f"{left_out} of {channels} channels left out, which the file does not call colours")
    alpha = values[..., colours] if has_alpha else None
    seen = values[..., :colours]
    if photometric == 3:
        table = np.array(page.tags.get(_COLOUR_MAP, ()), np.uint16).reshape(3, -1)
        if seen.dtype.kind != "u" or int(seen.max()) >= table.shape[1]:
            raise ImageRefused(name, "the picture is damaged (colours beyond its palette)", SAVE_AS_PNG)
        picture = Image.fromarray((table.T[seen[..., 0]] >> 8).astype(np.uint8))
        return picture, notes
    bits = max(page.bits)
    if seen.dtype.kind == "f":
        seen, note = _from_floats(seen, bits, name)
        if alpha is not None:
            alpha, _ = _from_floats(alpha, bits, name)
        notes.append(note)
        bits = 8
    low, high = int(seen.min()), int(seen.max())
    if low < 0 or high > 65535:
        reason = f"its pixels are integers from {low} to {high}, whose white is not defined"
        raise ImageRefused(name, reason, "save it with 8 or 16 bits a channel")
    is_signed = seen.dtype.kind == "i" and bits <= 16
    declared = max((int(each) for each in page.tags.get(_LARGEST) or page.tags.get(_SIGNED_LARGEST) or (0,)), default=0)
    is_depth = high <= declared < 65535 and declared & (declared + 1) == 0
    if alpha is not None and (int(alpha.min()) < 0 or int(alpha.max()) > 65535):
        raise ImageRefused(
            name, "its alpha channel holds numbers beyond 16 bits", "save it with 8 or 16 bits a channel"
        )
    picture, note = _picture(
        seen.astype(np.uint16, copy=False),
        None if alpha is None else alpha.astype(np.uint16, copy=False),
        (declared.bit_length() if is_depth and declared > 1 else 0,) * 2,
        bits - is_signed,
        white_is_zero=photometric == 0,
        is_premultiplied=has_alpha and extra[0] == 1,
    )
    return picture, [*notes, note] if note else notes


def _from_floats(values: np.ndarray, bits: int, name: str) -> tuple[np.ndarray, str]:
    """Return fractions from 0 to 1 as 8 bits; of other floating-point numbers no white is known."""
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        reason = "its pixels are floating-point numbers, some of them no number or infinite"
        raise ImageRefused(name, reason, SAVE_AS)
    if low < 0 or high > 1:
        reason = f"its pixels are floating-point numbers from {low:.6g} to {high:.6g}, whose white is not defined"
        raise ImageRefused(name, reason, SAVE_AS)
    return np.rint(values * 255).astype(np.uint8), f"{bits}-bit floating-point values from 0 to 1 scaled to 8-bit"


def _picture(
    seen: np.ndarray,
    alpha: np.ndarray | None,
    declared: tuple[int, int],
    file_bits: int,
    *,
    white_is_zero: bool,
    is_premultiplied: bool = False,
) -> tuple[Image.Image, str]:
    """Bring colours and alpha to 8 bits, each by its own depth."""
    bits = min(file_bits, 16)
    depth = _depth(seen, declared[0], bits)
    eight = _to_8(seen, depth)
    if white_is_zero:
        eight = 255 - eight
    note = "" if bits <= 8 else f"{bits}-bit values scaled to 8-bit"
    if depth < bits and bits > 8:
        note = f"{depth}-bit values in a {file_bits}-bit file stretched to 8-bit"
    opacity = None
    if alpha is not None:
        own = _depth(alpha, declared[1], bits)
        # Its white tells; where nothing is opaque, it is of the depth of the colours.
        is_told = declared[1] or depth == bits or int(alpha.max()) == (1 << own) - 1
        opacity = _to_8(alpha, own if is_told else max(own, depth))
    if opacity is not None and is_premultiplied:
        whole = np.maximum(opacity, 1).astype(np.uint16)[..., None]
        eight = np.minimum((eight * np.uint16(255) + whole // 2) // whole, 255).astype(np.uint8)
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[eight.shape[2]]
    picture = Image.fromarray(np.ascontiguousarray(eight[..., 0] if mode == "L" else eight), mode)
    if opacity is not None:
        picture = picture.convert("RGB") if mode == "CMYK" else picture
        picture.putalpha(Image.fromarray(opacity))
    return picture, note


def _depth(values: np.ndarray, declared: int, bits: int) -> int:
    """Return how many bits the values are of: declared, or the least usual depth that holds them."""
    largest = int(values.max())
    if bits < 15:  # told by the file itself; 15 are those of signed 16-bit numbers
        return bits
    if 0 < declared <= bits and largest < 1 << declared:
        return declared
    if bits == 16 and largest and (values >> 8 == values & 255).all():
        return bits  # 8-bit values, each multiplied by 257
    return min([depth for depth in _USUAL_DEPTHS if largest < 1 << depth and depth < bits], default=bits)


def _to_8(values: np.ndarray, depth: int) -> np.ndarray:
    if depth < 8:
        white = (1 << depth) - 1
        return ((values.astype(np.uint16) * 255 + white // 2) // white).astype(np.uint8)
    return (values >> (depth - 8)).astype(np.uint8)
