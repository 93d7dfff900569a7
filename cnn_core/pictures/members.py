"""One file of an untrusted zip on disk, found again without the table of contents and unpacked within its size."""

import atexit
import io
import os
import struct
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cnn_core.pictures.images import ImageRefused
from cnn_core.pictures.limits import FILE_BYTES, MB, megabytes

REPACK = "pack the folder again, as an ordinary zip without a password"
LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, sizes of name and extra field; both follow

_CHUNK = 2**16  # bytes that are unpacked at once
_INNER_LOCK = threading.Lock()
# How deep -> the zip in the zip that was opened last. A file is shared over a fork, and so is the place in it.
_INNER: dict[int, tuple[tuple[int, Path, int, "Member"], IO[bytes]]] = {}


@dataclass(frozen=True)
class Member:
    """Where the bytes of an entry are, so that they are found again without the table of contents.

    Args:
        path: Its path in the archive, for messages.
        start: Of its local header, in bytes from the beginning of the file.
        packed: Bytes as packed.
        size: Bytes unpacked, as declared.
        method: 0 stored, 8 deflated.
        checksum: CRC-32 of the unpacked bytes.
        raw_name: Its name as it stands in the file, in hexadecimal digits.
        inside: The zip that holds it, if that is itself an entry.
    """

    path: str
    start: int
    packed: int
    size: int
    method: int
    checksum: int
    raw_name: str
    inside: "Member | None" = None

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Member":
        """Read back what `dataclasses.asdict` wrote."""
        inside = record["inside"]
        return cls(**{**record, "inside": cls.from_json(inside) if inside else None})


def extract(path: Path, member: Member) -> bytes:
    """Unpack one entry: at most one byte more than it declares, which shows that it lies.

    A zip in the zip is unpacked to a temporary file without a name, which is kept until another one is asked for.

    Args:
        path: The archive on disk.
        member: From `contents` of the same archive.

    Raises:
        ImageRefused: If the entry is damaged, too large, or is not what the table of contents says.
    """
    if member.size > FILE_BYTES:  # what a listing passes over may be asked for by name
        reason = f"this file unpacks to {megabytes(member.size)} MB and the limit is {FILE_BYTES // MB} MB"
        raise ImageRefused(member.path, reason, "save it smaller")
    if member.inside is None:
        with path.open("rb") as file:
            return b"".join(unpacked(file, member))
    with _INNER_LOCK:
        return b"".join(unpacked(_inner(path, member.inside), member))


@atexit.register
def _close() -> None:
    while _INNER:
        _INNER.popitem()[1][1].close()


def depth(member: Member) -> int:
    """Return in how many zips an entry lies."""
    return 1 if member.inside is None else 1 + depth(member.inside)


def _inner(path: Path, member: Member) -> IO[bytes]:
    """Return a zip in the zip, unpacked."""
    key, level = (os.getpid(), path, path.stat().st_mtime_ns, member), depth(member)
    if level in _INNER:
        if _INNER[level][0] == key:
            return _INNER[level][1]
        _INNER.pop(level)[1].close()
    inner = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open
    if member.inside is None:
        with path.open("rb") as file:
            inner.writelines(unpacked(file, member))
    else:
        inner.writelines(unpacked(_inner(path, member.inside), member))
    _INNER[level] = key, inner
    return inner


def unpacked(file: IO[bytes], member: Member) -> Iterator[bytes]:
    """Yield an entry's bytes, no more than it declares, and then refuse it if it is not what it declares.

    Args:
        file: The archive that holds it.
        member: The entry.

    Raises:
        ImageRefused: As `extract`.
    """
    file.seek(member.start)
    raw_name = bytes.fromhex(member.raw_name)
    header = file.read(LOCAL_HEADER.size)
    if len(header) < LOCAL_HEADER.size or header[:4] != b"PK\x03\x04" or file.read(len(raw_name)) != raw_name:
        raise ImageRefused(member.path, "this entry is damaged (its two headers differ)", REPACK)
    _, name_bytes, extra_bytes = LOCAL_HEADER.unpack(header)
    if name_bytes != len(raw_name):
        raise ImageRefused(member.path, "this entry is damaged (its two headers differ)", REPACK)
    file.seek(extra_bytes, io.SEEK_CUR)
    has, checksum = 0, 0
    try:
        for chunk in _inflated(file, member):
            has += len(chunk)
            if has > member.size:
                break
            checksum = zlib.crc32(chunk, checksum)
            yield chunk
    except zlib.error as error:
        raise ImageRefused(member.path, f"this entry is damaged ({error})", REPACK) from error
    if has != member.size:
        says = "more" if has > member.size else has
        raise ImageRefused(member.path, f"this entry declares {member.size} bytes and has {says}", REPACK)
    if checksum != member.checksum:
        raise ImageRefused(member.path, "this entry is damaged (its checksum differs)", REPACK)


def _inflated(file: IO[bytes], member: Member) -> Iterator[bytes]:
    left = member.packed
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    while left and (packed := file.read(min(left, _CHUNK))):
        left -= len(packed)
        if member.method == zipfile.ZIP_STORED:
            yield packed
            continue
        while packed and not unpacker.eof:
            yield unpacker.decompress(packed, _CHUNK)
            packed = unpacker.unconsumed_tail
    if member.method == zipfile.ZIP_DEFLATED:
        yield unpacker.flush()
