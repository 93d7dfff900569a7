"""Untrusted zip to labelled pictures: the folder that holds a file is its class.

Nothing is written to disk and nothing in the archive is believed: its table of contents is checked as a whole before
the first byte is unpacked, every entry is unpacked up to the size that it declares, and what does not fit is refused.
"""

import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from cnn_core.pictures.images import MAX_BYTES, ImageRejected, Rejected, printable, recognise

MAX_ARCHIVE_BYTES = 256 * 2**20  # as uploaded
MAX_ENTRIES = 10_000
MAX_TOTAL_BYTES = 2**30  # unpacked, all entries that are taken
MAX_RATIO = (
    200  # unpacked : packed, of an entry above MIN_RATIO_BYTES; most picture formats are packed already and stay near 1
)
MIN_RATIO_BYTES = 2**20

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # LZMA reserves what its header asks for, up to 4 GB
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # flag bits: encrypted, strongly, table of contents too
_UTF8_NAME = 0x800  # flag bit
_CENTRAL_HEADER = b"PK\x01\x02"
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, sizes of name and extra field; both follow
_IGNORED_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_REPACK = "pack the folder again, as an ordinary zip without a password"

# What zipfile raises on a damaged table of contents.
_OPENING_ERRORS = (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError, OverflowError, struct.error)


class ArchiveRejected(Rejected):
    """An archive that is not taken at all."""


@dataclass(frozen=True)
class Entry:
    """A file of the archive, not yet decoded.

    Args:
        label: The deepest folder that holds it: its class.
        name: Its path in the archive, with forward slashes.
        data: Its bytes.
    """

    label: str
    name: str
    data: bytes


def read_zip(data: bytes, name: str) -> Iterator[Entry | ImageRejected]:
    """Return an iterator over the files of an archive, in its order: taken ones, and refusals of single ones.

    The archive as a whole is checked at the call, its entries are unpacked one by one while iterating. What
    operating systems add (`__MACOSX`, dot-files, Thumbs.db) is passed over.

    Args:
        data: The whole archive.
        name: Its file name, for the messages.

    Returns:
        An `Entry` for a file in a folder, an `ImageRejected` (a value, not raised) for one that is refused.

    Raises:
        ArchiveRejected: If this is no zip archive, is damaged, holds no files or asks for too much.

    Example:
        >>> buffer = io.BytesIO()
        >>> with zipfile.ZipFile(buffer, "w") as archive:
        ...     archive.writestr("pets/cats/1.jpg", b"a cat")
        ...     archive.writestr("2.jpg", b"no folder")
        >>> for item in read_zip(buffer.getvalue(), "pets.zip"):
        ...     print(item)
        Entry(label='cats', name='pets/cats/1.jpg', data=b'a cat')
        2.jpg: this file lies in no folder, so it has no class; put it into a folder named after its class.

    Source:
        PKWARE APPNOTE.TXT 6.3.10, 4.3 (layout), 4.4 (fields); Fifield 2019, "A better zip bomb", WOOT '19.
    """
    archive = _open(data, name)
    files: list[tuple[zipfile.ZipInfo, str, ImageRejected | None]] = []
    seen: set[str] = set()
    for info in archive.infolist():
        path = _path(info)
        if path.endswith("/") or _is_ignored(path):
            continue
        refusal = _refusal(info, path)
        if refusal is None and path in seen:
            refusal = ImageRejected(path, "this name appears twice in the archive", "rename one of the two files")
        seen.add(path)
        files.append((info, path, refusal))
    if not files:
        raise ArchiveRejected(name, "this archive holds no files", "zip a folder that holds a folder for each class")
    total = sum(info.file_size for info, _, refusal in files if refusal is None)
    if total > MAX_TOTAL_BYTES:
        reason = f"this archive unpacks to {total / 2**20:.0f} MiB and the limit is {MAX_TOTAL_BYTES // 2**20} MiB"
        raise ArchiveRejected(name, reason, "take fewer or smaller pictures")
    return (refusal or _read(data, info, path) for info, path, refusal in files)


def _open(data: bytes, name: str) -> zipfile.ZipFile:
    """Open the archive and check what concerns all of it; only its table of contents is read."""
    if not data:
        raise ArchiveRejected(name, "this file is empty (0 bytes)", "copy or upload it again")
    if len(data) > MAX_ARCHIVE_BYTES:
        reason = f"this archive has {len(data) / 2**20:.0f} MiB and the limit is {MAX_ARCHIVE_BYTES // 2**20} MiB"
        raise ArchiveRejected(name, reason, "take fewer or smaller pictures")
    if data.count(_CENTRAL_HEADER) > MAX_ENTRIES:  # before zipfile makes an object of each
        raise ArchiveRejected(name, f"this archive holds more than {MAX_ENTRIES} files", "take fewer pictures")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _OPENING_ERRORS as error:
        if data.startswith(b"PK"):
            reason = "this zip archive is damaged or cut short: its table of contents, at the end, cannot be read"
            raise ArchiveRejected(name, reason, "copy or upload it again") from error
        what = (recognise(data) or ("a file of no known format", ""))[0]
        raise ArchiveRejected(name, f"this is {what}, not a zip archive", "zip a folder of pictures") from error

    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    starts = [info.header_offset for info in infos]
    ends = [info.header_offset + _LOCAL_HEADER.size + len(_raw_name(info)) + info.compress_size for info in infos]
    if any(end > start for end, start in zip([0, *ends], [*starts, archive.start_dir], strict=True)):
        raise ArchiveRejected(name, "entries of this archive overlap, as in a zip bomb", _REPACK)
    return archive


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    """Return the entry's name as it stands in the file."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_NAME else "cp437")


def _path(info: zipfile.ZipInfo) -> str:
    """Return the entry's name with forward slashes and in one Unicode form, its encoding repaired."""
    path = info.filename
    if not info.flag_bits & _UTF8_NAME:
        with suppress(UnicodeError):  # then it is what it says: a name of the old code page
            path = path.encode("cp437").decode("utf-8")  # written as UTF-8 without saying so
    return printable(unicodedata.normalize("NFC", path.replace("\\", "/"))) or "(no name)"


def _is_ignored(path: str) -> bool:
    """Tell whether an operating system added the file, not its owner."""
    parts = path.split("/")
    hidden = any((part.startswith(".") and part != ".") or part.lower() in _IGNORED_NAMES for part in parts)
    return hidden and ".." not in parts


def _refusal(info: zipfile.ZipInfo, path: str) -> ImageRejected | None:
    """Return why an entry is not taken, as far as the table of contents tells, or None."""
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or re.match("[A-Za-z]:", path):
        return ImageRejected(path, "this name points outside the archive", _REPACK)
    if stat.S_ISLNK(info.external_attr >> 16):
        return ImageRejected(path, "this is a link, not a file", "pack the file that it points to")
    if len(parts) < 2 or not parts[-2].strip(" ."):
        reason = "this file lies in no folder, so it has no class"
        return ImageRejected(path, reason, "put it into a folder named after its class")
    if info.flag_bits & _ENCRYPTED:
        return ImageRejected(path, "this entry is encrypted", _REPACK)
    if info.compress_type not in _METHODS:
        reason = f"this entry is compressed by method {info.compress_type}, which is not supported"
        return ImageRejected(path, reason, _REPACK)
    if info.file_size > MAX_BYTES:
        reason = f"this file unpacks to {info.file_size / 2**20:.1f} MiB and the limit is {MAX_BYTES // 2**20} MiB"
        return ImageRejected(path, reason, "save it smaller, for instance as JPEG")
    if info.file_size > max(MIN_RATIO_BYTES, MAX_RATIO * info.compress_size):
        ratio = info.file_size // max(info.compress_size, 1)
        return ImageRejected(path, f"this entry unpacks to {ratio} times its size, as a zip bomb does", _REPACK)
    return None


def _read(data: bytes, info: zipfile.ZipInfo, path: str) -> Entry | ImageRejected:
    """Unpack one entry: at most one byte more than it declares, which shows that it lies."""
    start = info.header_offset + _LOCAL_HEADER.size
    signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack_from(data, info.header_offset)
    if signature != b"PK\x03\x04" or data[start : start + name_bytes] != _raw_name(info):
        return ImageRejected(path, "this entry is damaged (its two headers differ)", _REPACK)
    start += name_bytes + extra_bytes
    content = data[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_DEFLATED:
        try:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, info.file_size + 1)
        except zlib.error as error:
            return ImageRejected(path, f"this entry is damaged ({error})", _REPACK)
    if len(content) != info.file_size:
        has = "more" if len(content) > info.file_size else len(content)
        return ImageRejected(path, f"this entry declares {info.file_size} bytes and has {has}", _REPACK)
    if zlib.crc32(content) != info.CRC:
        return ImageRejected(path, "this entry is damaged (its checksum differs)", _REPACK)
    return Entry(path.split("/")[-2].strip(), path, content)
