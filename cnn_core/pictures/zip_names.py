"""The names in a zip, as they were meant: by a flag, by a field of their own, or by the code page that fits all."""

import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence

from cnn_core.pictures import code_pages

_UTF8_NAME = 0x800  # flag bit
_UNICODE_PATH, _NOBODYS = 0x7075, 0  # extra fields


def mended(table: bytes) -> bytes:
    """Return a table of contents that `zipfile` reads as a whole, though some of its names or fields are not as told.

    Where a name is said to be UTF-8 and is not, the flag is taken away, so that its code page is guessed. Fields that
    are longer than there is room for are blanked, and a Unicode path that is none becomes a field that nobody knows
    (from Python 3.13 on `zipfile` refuses the whole archive for it). Anything else than a table comes back as it is.

    Source:
        PKWARE APPNOTE.TXT 6.3.10, 4.3.12 (central directory), 4.5 (extra fields).
    """
    if not table.startswith(b"PK\1\2"):
        return table
    found, at = bytearray(table), 0
    while found.startswith(b"PK\1\2", at) and at + 46 <= len(found):
        flags, name_bytes, extra_bytes, comment_bytes = struct.unpack_from("<8xH18x3H", found, at)
        extra = at + 46 + name_bytes
        end = extra + extra_bytes
        if flags & _UTF8_NAME and not _is_utf8(found[at + 46 : extra]):
            struct.pack_into("<H", found, at + 8, flags & ~_UTF8_NAME)
        while extra + 4 <= end <= len(found):
            tag, size = struct.unpack_from("<HH", found, extra)
            if extra + 4 + size > end:
                found[extra:end] = bytes(end - extra)
                break
            if tag == _UNICODE_PATH and (size <= 5 or not _is_utf8(found[extra + 9 : extra + 4 + size])):
                struct.pack_into("<H", found, extra, _NOBODYS)
            extra += 4 + size
        at = end + comment_bytes
    return bytes(found)


def _is_utf8(text: bytearray) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def raw_name(info: zipfile.ZipInfo) -> bytes:
    """Return the entry's name as it stands in the file."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_NAME else "cp437")


def paths(infos: Sequence[zipfile.ZipInfo]) -> tuple[list[str], str]:
    """Return the entries' paths with forward slashes and in one Unicode form, and the code page that was guessed."""
    told = [_told_name(info) for info in infos]
    codec = code_pages.guess(raw_name(info) for info, name in zip(infos, told, strict=True) if name is None)
    names = [name or raw_name(info).decode(codec) for info, name in zip(infos, told, strict=True)]
    return [unicodedata.normalize("NFC", name.replace("\\", "/")) or "(no name)" for name in names], codec


def _told_name(info: zipfile.ZipInfo) -> str | None:
    """Return the entry's name if the archive tells its encoding: by a flag, or in a field of its own."""
    if info.flag_bits & _UTF8_NAME:
        return info.orig_filename
    raw, extra, at = raw_name(info), info.extra, 0
    while at + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, at)
        value = extra[at + 4 : at + 4 + size]
        # Version 1, and the checksum of the name that it belongs to: a program that knows nothing of it renames that.
        if tag == _UNICODE_PATH and len(value) > 5 and value[:5] == struct.pack("<BI", 1, zlib.crc32(raw)):
            return value[5:].decode()
        at += 4 + size
    return None
