"""A picture as it is kept: the coded pixels of the file that came in, without anything else, or coded anew.

Metadata are cut losslessly: what is copied is on a list of what decides pixel values, and all else (EXIF, GPS, ICC,
XMP, IPTC, comments, thumbnails, what follows the end) is left out. A file that is not built by the book is not cut,
but coded anew from its pixels.
"""

import io
import re
import struct
import zlib

import numpy as np
from PIL import Image

_QUALITY = 95  # of a JPEG coded anew, full colour resolution
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_JFIF = b"JFIF\0\1\2\0\0\1\0\1\0\0"  # version 1.2, no density, no thumbnail
_ENTROPY_END = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)  # neither a stuffed byte nor a restart
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a PNG, by its colour type
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def stripped(data: bytes) -> tuple[bytes, str] | None:
    """Return a JPEG, PNG or WebP without metadata and its suffix, or None if it has to be coded anew.

    Coded anew are files that are not built by the book, of more than 8 bits, of four inks, animated, or cut short.
    Transparency in a chunk of its own (tRNS, ALPH) is cut too: the caller sees to it that it hides nothing.

    Example:
        >>> stripped(b"GIF89a") is None
        True

    Source:
        ITU-T T.81 annex B, ITU-T T.871 (JFIF), Adobe technical note 5116 (APP14); PNG specification (W3C 2003);
        RFC 9649 (WebP).
    """
    try:
        if data.startswith(b"\xff\xd8"):
            found, suffix = _jpeg(data), "jpg"
        elif data.startswith(_PNG_HEAD):
            found, suffix = _png(data), "png"
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            found, suffix = _webp(data), "webp"
        else:
            return None
    except (IndexError, struct.error, zlib.error):  # it ends too early
        return None
    return (found, suffix) if found else None


def is_lossy(data: bytes) -> bool:
    """Whether a file's coding loses something, as a photo's does: JPEG, AVIF, WebP of that kind."""
    if data[:4] == b"RIFF":
        at = 12
        while at + 8 <= len(data) and data[at : at + 4] not in (b"VP8L", b"ANMF"):
            if data[at : at + 4] == b"VP8 ":
                return True
            length = int.from_bytes(data[at + 4 : at + 8], "little")
            at += 8 + length + length % 2
        return False
    return data.startswith(b"\xff\xd8") or data[4:8] == b"ftyp"


def lossless(pixels: np.ndarray) -> tuple[bytes, str]:
    """Return the pixels coded without loss, and the suffix: photos take two thirds of a quick PNG, in less time.

    Args:
        pixels: uint8 (H, W, 3).
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=20, method=0, exact=True)
    return buffer.getvalue(), "webp"


def photo(image: Image.Image) -> tuple[bytes, str]:
    """Return an RGB picture as a JPEG of high quality, and the suffix: for what came from a lossy file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return buffer.getvalue(), "jpg"


def _jpeg(data: bytes) -> bytes | None:
    kept, at, has_frame, has_scan = [b"\xff\xd8"], 2, False, False
    while True:
        if data[at] != 0xFF:
            return None
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            return b"".join((*kept, b"\xff\xd9")) if has_scan else None
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2 or 0xD0 <= marker <= 0xD8 or marker in (0, 1):
            return None
        at += 2 + length
        if marker in (0xC0, 0xC1, 0xC2):
            if has_frame or body[0] != 8 or body[5] not in (1, 3):
                return None
            has_frame = True
        elif marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14 and not has_scan:
            body = _JFIF
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12 and not has_scan:
            body = b"Adobe\0\x64\0\0\0\0" + body[11:12]
        elif 0xE0 <= marker <= 0xEF or marker == 0xFE:
            continue
        elif marker not in (0xC4, 0xDA, 0xDB, 0xDD):
            return None
        kept += [bytes((0xFF, marker)), struct.pack(">H", len(body) + 2), body]
        if marker == 0xDA:
            end = _ENTROPY_END.search(data, at)
            if not end or not has_frame:
                return None
            kept.append(data[at : end.start()])
            at, has_scan = end.start(), True


def _png(data: bytes) -> bytes | None:
    at, header, palette, pixels = 8, b"", b"", []
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        at += 12 + length
        if at > len(data) or kind == b"acTL":
            return None
        if kind == b"IHDR" and length == 13:
            header = body
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            pixels.append(body)
        elif kind == b"IEND":
            break
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth > 8 or colour not in _CHANNELS or interlaced > 1:
        return None
    packed = b"".join(pixels)
    inflating, expected = zlib.decompressobj(), _raw_size(width, height, depth * _CHANNELS[colour], bool(interlaced))
    if len(inflating.decompress(packed, expected + 1)) != expected:
        return None
    while not inflating.eof:  # the checksum may be left
        if inflating.decompress(inflating.unconsumed_tail, 1) or not inflating.unconsumed_tail:
            break
    if not inflating.eof:
        return None
    packed = packed[: len(packed) - len(inflating.unused_data)]
    chunks = [(b"IHDR", header), *([(b"PLTE", palette)] if colour == 3 else []), (b"IDAT", packed), (b"IEND", b"")]
    return _PNG_HEAD + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _raw_size(width: int, height: int, bits: int, interlaced: bool) -> int:
    """Return how many bytes a PNG's rows take with their filter bytes."""
    size = 0
    for left, top, right, down in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // right), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            size += rows * (1 + (columns * bits + 7) // 8)
    return size


def _webp(data: bytes) -> bytes | None:
    end = 8 + int.from_bytes(data[4:8], "little")
    at, found = 12, []
    if end > len(data):
        return None
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            return None
        if kind in (b"ANIM", b"ANMF"):
            return None
        if kind in (b"VP8 ", b"VP8L"):
            found.append((kind, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    if len(found) != 1:
        return None
    return _webp_of(*found[0])


def _webp_of(kind: bytes, body: bytes) -> bytes:
    chunk = kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def has_tail(data: bytes, suffix: str, image: Image.Image | None = None) -> bool:
    """Whether a stripped WebP carries bytes behind its pixels: without the last eight it is the same picture.

    Args:
        data, suffix: From `stripped`.
        image: The same, decoded, if it is at hand.
    """
    if suffix != "webp":
        return False
    length = int.from_bytes(data[16:20], "little")
    try:
        with Image.open(io.BytesIO(_webp_of(data[12:16], data[20 : 12 + length])), formats=("WEBP",)) as cut:
            image = image or Image.open(io.BytesIO(data), formats=("WEBP",))
            return cut.mode == image.mode and cut.tobytes() == image.tobytes()
    except (OSError, ValueError, RuntimeError):  # they are needed
        return False
