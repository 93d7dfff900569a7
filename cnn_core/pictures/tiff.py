"""TIFF's tags, and the samples of those TIFF files that Pillow reads wrongly or not at all.

Pillow opens a fixed table of combinations, of which it takes 16-bit planes for 8-bit ones, ignores that white is
zero, and wraps signed numbers round. Here the file is shown to it as one plain grey picture of bytes: it undoes the
compression, and NumPy does what the tags say. Tag and page numbers are those of TIFF 6.0 (Adobe 1992).
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

_MAX_PREVIEWS = 10  # before the picture itself
_MAX_SAMPLE_BYTES = 600 * 10**6  # of one picture, unpacked: 50 MP of four 16-bit channels and a half

_SUBFILE, _WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL = 254, 256, 257, 258, 259, 262, 266
_STRIPS, _SAMPLES, _ROWS, _STRIP_COUNTS, _PLANAR, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_COUNTS, _SUB_IFDS, _EXTRA, _FORMAT = 322, 323, 324, 325, 330, 338, 339
_NEEDED = {_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIPS, _SAMPLES, _STRIP_COUNTS, _PLANAR, _PREDICTOR}
_NEEDED |= {_TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_COUNTS, _EXTRA, _FORMAT}
_OLD_SUBFILE = 255
_DNG = 50706
_RAW_PHOTOMETRICS = (32803, 34892)  # colour filter array, linear raw
_RAW_COMPRESSIONS = (
    32767,
    32769,
    32770,
    32772,
    32867,
    34713,
    65000,
    65535,
)  # Sony, Epson, Samsung, Kodak, Nikon, Pentax

_BYTE_CODINGS = (1, 5, 8, 32773, 32946, 34925, 50000)  # that give rows of bytes, whatever the samples are
_CODINGS = {
    1: "none",
    2: "CCITT",
    3: "fax group 3",
    4: "fax group 4",
    5: "LZW",
    6: "old JPEG",
    7: "JPEG",
    8: "deflate",
    9: "JBIG",
    10: "JBIG",
    32766: "NeXT",
    32771: "CCITT",
    32773: "PackBits",
    32809: "ThunderScan",
    32946: "deflate",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    34712: "JPEG 2000",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG",
    34925: "LZMA",
    34926: "Zstandard",
    34927: "WebP",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4}  # channels by PhotometricInterpretation
_COLOUR_SPACES = {4: "a mask", 6: "YCbCr", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*", 32844: "LogL"}
_COLOUR_SPACES |= {32845: "LogLuv", 32803: "a colour filter array", 34892: "linear raw"}
_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_OTHER_TYPES = {2: 1, 5: 8, 7: 1, 10: 8}  # texts, fractions, bytes of no meaning: how many bytes each takes
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}  # SampleFormat to NumPy


class Unread(ValueError):
    """A TIFF that is whole and not read here; `str` says what it is."""


@dataclass(frozen=True)
class Directory:
    """One picture's tags, in the file's byte order.

    Args:
        order: "<" or ">".
        tags: Numbers by tag; texts and fractions are left out.
        following: Where the directory of the next page begins, 0 if it is the last.
        before: How many previews stand before it in the file.
        is_cut: Some tag's values, of whatever kind, lie beyond the end of the file.
    """

    order: str
    tags: dict[int, tuple[Any, ...]]
    following: int = 0
    is_cut: bool = False
    before: int = 0

    def number(self, tag: int, default: int = 0) -> int:
        """The first value of a tag."""
        values = self.tags.get(tag)
        return int(values[0]) if values else default

    @property
    def bits(self) -> tuple[int, ...]:
        """Bits of each channel."""
        return self.tags.get(_BITS) or (1,)

    @property
    def channels(self) -> int:
        """Channels, SamplesPerPixel."""
        return self.number(_SAMPLES, 1)

    @property
    def photometric(self) -> int:
        """PhotometricInterpretation, -1 if it is not told."""
        return self.number(_PHOTOMETRIC, -1)

    @property
    def sample_kinds(self) -> set[int]:
        """SampleFormats: 1 whole numbers, 2 signed ones, 3 floating-point, 5 and 6 complex."""
        return set(self.tags.get(_FORMAT) or (1,))

    @property
    def is_preview(self) -> bool:
        """Whether it says that it is a smaller copy of another page."""
        return bool(self.number(_SUBFILE) & 1 or self.number(_OLD_SUBFILE) == 2)

    @property
    def is_tiled(self) -> bool:
        """Whether the picture is stored by the tile."""
        return _TILE_WIDTH in self.tags

    @property
    def pieces(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Offsets and lengths of the strips or tiles; some writers give those of tiles under the strips' tags."""
        places, counts = (_TILES, _TILE_COUNTS) if _TILES in self.tags else (_STRIPS, _STRIP_COUNTS)
        return self.tags.get(places, ()), self.tags.get(counts, ())


def directory(data: bytes, at: int | None = None) -> Directory | None:
    """Return the directory at an offset, or the first; None where there is none to be read."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if not order:
        return None
    big = data[2:4] in (b"+\0", b"\0+")
    try:
        if at is None:
            (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
        at += 8 if big else 2
        size, inline = (20, 8) if big else (12, 4)
        if count > 4096:
            return None
        tags, is_cut = {}, False
        for entry in range(at, at + count * size, size):
            tag, kind, length = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, entry)
            code = _TYPES.get(kind)
            taken = length * (struct.calcsize(code) if code else _OTHER_TYPES.get(kind, 0))
            value = entry + size - inline
            if taken > inline:
                (value,) = struct.unpack_from(order + ("Q" if big else "I"), data, value)
            is_here = value + taken <= len(data)
            is_cut |= not is_here
            if code is None:
                continue
            if is_here:
                tags[tag] = struct.unpack_from(f"{order}{length}{code}", data, value)
            elif tag in _NEEDED:
                return None  # cut short: without it, the others mean something else
        end = at + count * size
        following = int.from_bytes(data[end : end + inline], "little" if order == "<" else "big")
    except (struct.error, OverflowError):
        return None
    return Directory(order, tags, following, is_cut)


def main_page(data: bytes) -> Directory | None:
    """Return the first page that is no preview of another by its own words; the first if all are."""
    first = directory(data)
    if first is None or not first.is_preview:
        return first
    for before, page in enumerate(islice(pages(data, first), _MAX_PREVIEWS)):
        if not page.is_preview:
            return replace(page, before=before)
    return first


def pages(data: bytes, page: Directory) -> Iterator[Directory]:
    """Yield a page and those after it, each once."""
    met = set()
    while True:
        yield page
        after = directory(data, page.following) if page.following and page.following not in met else None
        if after is None:
            return
        met.add(page.following)
        page = after


def is_raw(data: bytes) -> bool:
    """Whether this is a camera's raw file, by its first directory and those below it."""
    first = directory(data)
    if first is None:
        return False
    below = [sub for at in first.tags.get(_SUB_IFDS, ())[:16] if (sub := directory(data, at))]
    if _DNG in first.tags or any(
        each.photometric in _RAW_PHOTOMETRICS or each.number(_COMPRESSION) in _RAW_COMPRESSIONS
        for each in (first, *below)
    ):
        return True
    return bool(first.number(_SUBFILE) & 1 and _SUB_IFDS in first.tags)  # a preview; the picture lies below


def is_plain(page: Directory) -> bool:
    """Whether Pillow reads this right: whole numbers of at most 8 bits, colours side by side and nothing besides."""
    if page.before or max(page.bits) > 8 or not page.sample_kinds <= {1, 4}:
        return False
    is_odd = page.number(_PLANAR, 1) == 2 or page.channels > 4 or 0 in page.tags.get(_EXTRA, ())
    is_odd |= page.is_tiled and _TILES not in page.tags
    return not (is_odd and page.number(_COMPRESSION, 1) in _BYTE_CODINGS and page.photometric in (0, 1, 2, 5))


def unread(data: bytes) -> str:
    """Return what a TIFF is that is whole and not read here; nothing where it may be damaged."""
    page = directory(data)
    if page is None or page.is_cut or not is_whole(page, len(data)):
        return ""
    coding = page.number(_COMPRESSION, 1)
    if coding not in (*_BYTE_CODINGS, 2, 3, 4, 6, 7, 50001):
        return f"this is a TIFF file with compression {coding} ({_CODINGS.get(coding, 'unknown')}), not read here"
    space = _COLOUR_SPACES.get(page.photometric, "colours" if page.photometric in _COLOURS else "of no known meaning")
    bits = ", ".join(map(str, sorted(set(page.bits))))
    what = f"{page.channels} channel{'s' * (page.channels != 1)} of {bits} bits, {space}, compression {coding}"
    return f"this is a TIFF file of a kind that is not read here ({what}: {_CODINGS.get(coding, 'unknown')})"


def samples(data: bytes, page: Directory, needed: int) -> np.ndarray:
    """Return a page's samples as they are in the file.

    Args:
        data: The whole file.
        page: One of its directories.
        needed: How many channels are.

    Returns:
        (H, W, needed) of whole or floating-point numbers, in this machine's byte order.

    Raises:
        Unread: If its compression or its samples are of a kind that is not read here.
        OSError: If it is cut short, and what else Pillow raises on damaged data.

    Source:
        TIFF 6.0, sections 14 (predictor) and 15 (tiles); Adobe Photoshop TIFF technical note 3 (predictor 3).
    """
    coding, width, height = page.number(_COMPRESSION, 1), page.number(_WIDTH), page.number(_LENGTH)
    if coding not in _BYTE_CODINGS:
        raise Unread(
            f"this is a TIFF file of {max(page.bits)} bits a channel with compression {coding} "
            f"({_CODINGS.get(coding, 'unknown')}), which is not read here"
        )
    kinds = page.sample_kinds
    if len(set(page.bits)) > 1 or len(kinds) > 1 or not kinds <= set(_KINDS):
        kind = "complex numbers" if kinds & {5, 6} else f"channels of {', '.join(map(str, page.bits))} bits"
        raise Unread(f"this is a TIFF file of {kind}, which is not read here")
    bits, kind = page.bits[0], _KINDS[kinds.pop()]
    if not 1 <= bits <= 64 or (bits not in (8, 16, 32, 64) and kind != "u") or (kind == "f" and bits == 8):
        raise Unread(f"this is a TIFF file of {bits} bits a channel, which is not read here")
    planes = page.channels if page.number(_PLANAR, 1) == 2 else 1
    beside = page.channels // planes
    tile_width = page.number(_TILE_WIDTH) if page.is_tiled else width
    across = -(-width // tile_width) if tile_width > 0 else 0
    if min(width, height, across, beside) < 1:
        raise OSError("its size is missing")
    if (
        tile_width * across * (height + page.number(_TILE_LENGTH)) * page.channels * max(bits, 8)
        > 8 * _MAX_SAMPLE_BYTES
    ):
        raise Unread(f"this TIFF file of {width} x {height} pixels takes too much memory to unpack")
    row_bytes = -(-tile_width * beside * bits // 8)
    found = []
    for plane in range(min(planes, needed)):
        rows = _rows(data, page, plane, planes, row_bytes, across)
        numbers = _numbers(rows.reshape(len(rows) * across, row_bytes), page, bits, kind, beside)
        numbers = numbers[:, : tile_width * beside]  # packed samples leave some bits at the end of a row
        found.append(numbers.reshape(len(rows), across * tile_width, beside)[:height, :width])
    return found[0][..., :needed] if planes == 1 else np.concatenate(found, axis=2)


def _rows(data: bytes, page: Directory, plane: int, planes: int, row_bytes: int, across: int) -> np.ndarray:
    """Return the uncompressed bytes of a plane, (rows, across * row_bytes), by Pillow and libtiff."""
    tiled = page.is_tiled
    places, counts = (_TILES, _TILE_COUNTS) if tiled else (_STRIPS, _STRIP_COUNTS)
    offsets, lengths = page.pieces
    height = page.number(_LENGTH)
    rows = page.number(_TILE_LENGTH) if tiled else min(page.number(_ROWS) or height, height)
    down = -(-height // rows) if rows > 0 else 0
    each = len(offsets) // planes
    mine = slice(plane * each, (plane + 1) * each)
    if each < down * across or not down:
        raise OSError(f"{each} strips or tiles of {down * across}")
    for index, start in enumerate(offsets[mine]):  # Pillow would read on, into the directory appended
        size = (lengths[mine] or (0,) * each)[index]
        if page.number(_COMPRESSION, 1) == 1:
            size = row_bytes * (rows if tiled else max(0, min(rows, height - index * rows)))
        if start + size > len(data):
            raise OSError("a strip or tile ends beyond the file")
    height = down * rows if tiled else height
    coding = page.number(_COMPRESSION, 1)
    coding = 8 if coding == 32946 else coding
    tags: dict[int, tuple[int, ...]] = {
        _WIDTH: (row_bytes * across,),
        _LENGTH: (height,),
        _BITS: (8,),
        _COMPRESSION: (coding,),
        _PHOTOMETRIC: (1,),
        _FILL: (page.number(_FILL, 1),),
        _SAMPLES: (1,),
        places: offsets[mine],
        counts: lengths[mine],
    }
    if tiled:
        tags |= {_TILE_WIDTH: (row_bytes,), _TILE_LENGTH: (rows,)}
    else:
        tags |= {_ROWS: (rows,)}
    file = _file(data, tags, page.order)
    with TiffImageFile(io.BytesIO(file)) as image:
        image.im = Image.new("L", image.size).im  # else Pillow counts these bytes as pixels, and takes them for a bomb
        image.load()
        return np.asarray(image)


def _file(data: bytes, tags: dict[int, tuple[int, ...]], order: str) -> bytes:
    """Return a file with a directory of 32-bit numbers appended, to which its header now points."""
    tags = {tag: values for tag, values in tags.items() if values}
    start = len(data) + len(data) % 2
    beyond = start + 2 + 12 * len(tags) + 4
    table, after = b"", b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        place = packed if len(values) == 1 else struct.pack(order + "I", beyond + len(after))
        table += struct.pack(order + "HHI", tag, 4, len(values)) + place
        after += packed if len(values) > 1 else b""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    directory = struct.pack(order + "H", len(tags)) + table + bytes(4) + after
    return b"".join((head, data[8:], bytes(len(data) % 2), directory))


def _numbers(rows: np.ndarray, page: Directory, bits: int, kind: str, beside: int) -> np.ndarray:
    """Return rows of bytes as rows of samples, the predictor undone."""
    predictor = page.number(_PREDICTOR, 1) if page.number(_COMPRESSION, 1) in (5, 8, 32946, 34925, 50000) else 1
    if predictor == 3 and kind == "f":
        summed = np.cumsum(rows.reshape(len(rows), -1, beside), axis=1, dtype=np.uint8).reshape(rows.shape)
        size = bits // 8
        turned = summed.reshape(len(rows), size, -1).swapaxes(1, 2)  # highest bytes first, plane after plane
        return np.ascontiguousarray(turned).view(f">f{size}").reshape(len(rows), -1).astype(f"f{size}")
    if predictor not in (1, 2) or (predictor == 2 and bits not in (8, 16, 32, 64)):
        raise Unread(f"this is a TIFF file with predictor {predictor} at {bits} bits, which is not read here")
    if bits not in (8, 16, 32, 64):
        return np.concatenate([_unpacked(part, bits) for part in _chunks(rows)])
    size = bits // 8
    numbers = np.ascontiguousarray(rows).view(f"{page.order}u{size}").astype(f"u{size}")
    if predictor == 2:
        numbers = np.cumsum(numbers.reshape(len(rows), -1, beside), axis=1, dtype=numbers.dtype)
    return numbers.reshape(len(rows), -1).view(f"{kind}{size}")


def _chunks(rows: np.ndarray) -> Iterator[np.ndarray]:
    step = max(1, 2**20 // max(rows.shape[1], 1))
    return (rows[at : at + step] for at in range(0, len(rows), step))


def _unpacked(rows: np.ndarray, bits: int) -> np.ndarray:
    """Return packed samples of an odd number of bits, the highest bit first."""
    ones = np.unpackbits(rows, axis=1)
    ones = ones[:, : ones.shape[1] // bits * bits].reshape(len(rows), -1, bits)
    kind = np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint64
    numbers = np.zeros(ones.shape[:2], kind)
    for bit in range(bits):
        numbers = (numbers << kind(1)) | ones[..., bit]
    return numbers


def is_whole(page: Directory, length: int) -> bool:
    """Whether all strips or tiles lie within the file."""
    offsets, lengths = page.pieces
    return (
        bool(offsets)
        and len(lengths) == len(offsets)
        and all(size > 0 and start + size <= length for start, size in zip(offsets, lengths, strict=True))
    )
