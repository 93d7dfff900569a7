"""An untrusted zip on disk to a listing of its files, and one file of it to its bytes.

Nothing in the archive is believed: its table of contents is checked as a whole before the first byte is unpacked, every
entry is unpacked up to the size that it declares, and what does not fit is refused. A zip in the zip is a folder of its
own name, up to `limits.ZIP_DEPTH` deep; what it holds counts towards the limits of the whole.
"""

import io
import mmap
import re
import stat
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, NamedTuple

from cnn_core.pictures import code_pages, limits, zip_names
from cnn_core.pictures.clutter import left_by
from cnn_core.pictures.images import FileRefused, ImageRefused, printable, recognise
from cnn_core.pictures.limits import MB, megabytes
from cnn_core.pictures.members import LOCAL_HEADER, REPACK, Member, depth, unpacked
from cnn_core.pictures.trees import OUTSIDE, Found, Placed, Tree, place

_TABLE_BYTES_AN_ENTRY = 1_000  # of the table of contents; names, comments and dates mostly take a tenth

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # LZMA reserves what its header asks for, up to 4 GB
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # flag bits: encrypted, strongly, table of contents too
_CENTRAL_HEADER = b"PK\x01\x02"
_COPY_AGAIN = "copy or upload it again"
_FEWER = "take fewer or smaller pictures"

# What zipfile raises on a damaged table of contents.
_OPENING_ERRORS = (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError, OverflowError, struct.error)


class ArchiveRefused(FileRefused):
    """An archive that is not taken at all."""


class _TooMuch(ArchiveRefused):
    """The whole is too much, whichever of its zips tipped the scales."""


class Listing(NamedTuple):
    """What an archive holds.

    Args:
        files: In the archive's order, each with a `Member` to get it by, or a refusal.
        folders: Those that have an entry of their own, and zips in the zip.
        notes: Phrases about the whole, such as the code page that names were read in.
    """

    files: list[Found]
    folders: list[str]
    notes: list[str]


@dataclass
class _Whole:
    """What an archive and the zips in it ask for together."""

    name: str
    size: int
    entries: int = 0
    unpacked: int = 0
    listing: Listing = field(default_factory=lambda: Listing([], [], []))

    def add_entries(self, number: int) -> None:
        self.entries += number
        if self.entries > limits.ZIP_ENTRIES:
            reason = f"this archive holds more than {limits.ZIP_ENTRIES:,} files"
            raise _TooMuch(self.name, reason, "take fewer pictures")

    def add_bytes(self, number: int) -> None:
        self.unpacked += number
        if self.unpacked > limits.ZIP_UNPACKED:
            reason = f"this archive unpacks to {_mb(self.unpacked)} and the limit is {_mb(limits.ZIP_UNPACKED)}"
            raise _TooMuch(self.name, reason, _FEWER)
        if self.unpacked > max(limits.ZIP_RATIO_FROM, limits.ZIP_RATIO * self.size):
            reason = f"this archive unpacks to {-(-self.unpacked // self.size)} times its size, as a zip bomb does"
            raise _TooMuch(self.name, reason, _FEWER)


def contents(path: Path, name: str) -> Listing:
    """List the files of an archive; of its bytes only the table of contents is read, and zips in it are unpacked.

    Args:
        path: The archive on disk.
        name: Its file name, for the messages.

    Returns:
        Its files, folders and notes, as `trees.place` takes them; a path does not begin with the archive's name.

    Raises:
        ArchiveRefused: If this is no zip archive, is damaged, holds no files or asks for too much.

    Example:
        >>> from cnn_core.pictures.members import extract
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "pets.zip"
        ...     with zipfile.ZipFile(path, "w") as archive:
        ...         archive.writestr("pets/cats/1.jpg", b"a cat")
        ...     (file,) = contents(path, "pets.zip").files
        ...     print(file.path, file.size, extract(path, file.where))
        pets/cats/1.jpg 5 b'a cat'

    Source:
        PKWARE APPNOTE.TXT 6.3.10, 4.3 (layout), 4.4 (fields), 4.6.9 (Unicode path); Fifield 2019, "A better zip bomb",
        WOOT '19.
    """
    with path.open("rb") as file:
        whole = _Whole(name, path.stat().st_size)
        _list(file, whole, None)
    if all(_is_left(found.path) for found in whole.listing.files):
        raise ArchiveRefused(name, "this archive holds no files", "zip a folder that holds a folder for each class")
    return whole.listing


def tree(path: Path, name: str) -> Tree:
    """Return the files of an archive with their classes and parts: `contents` and `trees.place` in one.

    Raises:
        ArchiveRefused: As `contents`.
    """
    listing = contents(path, name)
    placed = place(listing.files, listing.folders)
    return replace(placed, notes=(*listing.notes, *placed.notes))


def to_json(placed: Tree) -> dict[str, Any]:
    """Return the files of an archive as JSON has them, to cross from one process to another.

    Example:
        >>> placed = place([Found("cats/1.jpg", 5, Member("1.jpg", 0, 5, 5, 0, 0, "00")), Found("2.jpg", 7)])
        >>> [file.label for file in from_json(to_json(placed)).files], from_json(to_json(placed)).labels
        (['', 'cats'], ('cats',))
    """
    files = [
        {
            "path": file.found.path,
            "size": file.found.size,
            "member": asdict(file.found.where) if file.found.where else None,
            "place": {"label": file.label, "part": file.part, "passed_over": file.passed_over},
            "refusal": [file.refusal.name, file.refusal.reason, file.refusal.remedy] if file.refusal else None,
        }
        for file in placed.files
    ]
    return {"files": files, "labels": list(placed.labels), "notes": list(placed.notes)}


def from_json(values: Mapping[str, Any]) -> Tree:
    """Return what `to_json` wrote; a listing's own refusal is that of the file now."""
    files = []
    for row in values["files"]:
        refusal = ImageRefused(*row["refusal"]) if row["refusal"] else None
        member = Member.from_json(row["member"]) if row["member"] else None
        files.append(Placed(Found(row["path"], row["size"], member, refusal), refusal=refusal, **row["place"]))
    return Tree(tuple(files), tuple(values["labels"]), tuple(values["notes"]))


# The table of contents ----------------------------------------------------------------------------------------------


class _Table(io.BufferedReader):
    """A file of which no more is read at once than a table of contents may take."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _TABLE_BYTES_AN_ENTRY * limits.ZIP_ENTRIES:
            raise ValueError("the table of contents is too large")
        return zip_names.mended(super().read(size))


def _list(file: IO[bytes], whole: _Whole, inside: Member | None) -> None:
    """Add the files of an archive to the listing; those of a zip in the zip under its path."""
    name = whole.name if inside is None else inside.path
    infos = _open(file, name, whole)
    paths, codec = zip_names.paths(infos)
    if codec not in ("ascii", "utf-8"):
        where = "" if inside is None else f" in {printable(name)}"
        whole.listing.notes.append(f"names{where} read as {code_pages.language(codec)} ({codec})")
    seen: set[str] = set()
    for info, path in zip(infos, paths, strict=True):
        whole_path = path if inside is None else f"{name}/{path}"
        if path.endswith("/"):
            if not _is_outside(path):
                whole.listing.folders.append(whole_path.rstrip("/"))
            continue
        passed_over = _is_left(path)
        is_zip = path.lower().endswith(".zip") and not passed_over
        reason, remedy = _refusal(info, path, is_zip)
        if not reason and path in seen:
            reason, remedy = "this name appears twice in the archive", "rename one of the two files"
        seen.add(path)
        where_it_is = _member(info, whole_path, inside)
        refusal = ImageRefused(whole_path, reason, remedy) if reason else None
        if refusal is None and not passed_over:
            whole.add_bytes(info.file_size)
            if is_zip:
                refusal = _list_inner(file, whole, where_it_is)
                if refusal is None:
                    whole.listing.folders.append(whole_path)
                    continue
        whole.listing.files.append(Found(whole_path, info.file_size, where_it_is, refusal))


def _list_inner(file: IO[bytes], whole: _Whole, member: Member) -> ImageRefused | None:
    """Add the files of a zip in the zip, or return why not."""
    if depth(member) >= limits.ZIP_DEPTH:
        reason = f"this zip lies in zips that lie in zips, more than {limits.ZIP_DEPTH} deep"
        return ImageRefused(member.path, reason, "unpack it and zip the folder once")
    before = len(whole.listing.files)
    try:
        with tempfile.TemporaryFile() as inner:
            inner.writelines(unpacked(file, member))
            inner.flush()
            _list(inner, whole, member)
    except _TooMuch:
        raise
    except FileRefused as refusal:
        return ImageRefused(member.path, refusal.reason, refusal.remedy)
    if len(whole.listing.files) == before:
        return ImageRefused(member.path, "this archive holds no files", "zip a folder of pictures")
    return None


def _open(file: IO[bytes], name: str, whole: _Whole) -> list[zipfile.ZipInfo]:
    """Return the lines of the table of contents, after a check of what concerns all of them."""
    size = file.seek(0, io.SEEK_END)
    if not size:
        raise ArchiveRefused(name, "this file is empty (0 bytes)", _COPY_AGAIN)
    if size > limits.ZIP_BYTES:
        reason = f"this archive has {_mb(size)} and the limit is {_mb(limits.ZIP_BYTES)}"
        raise ArchiveRefused(name, reason, _FEWER)
    whole.add_entries(_count(file))  # before zipfile makes an object of each
    try:
        with _Table(io.FileIO(file.fileno(), closefd=False)) as table, zipfile.ZipFile(table) as archive:
            infos, end = archive.infolist(), archive.start_dir
    except _OPENING_ERRORS as error:
        file.seek(0)
        head = file.read(1024)
        if head.startswith(b"PK"):
            reason = "this zip archive is damaged or cut short: its table of contents, at the end, cannot be read"
            raise ArchiveRefused(name, reason, _COPY_AGAIN) from error
        what = (recognise(head) or ("a file of no known format", ""))[0]
        raise ArchiveRefused(name, f"this is {what}, not a zip archive", "zip a folder of pictures") from error

    ordered = sorted(infos, key=lambda info: info.header_offset)
    starts = [info.header_offset for info in ordered]
    ends = [
        info.header_offset + LOCAL_HEADER.size + len(zip_names.raw_name(info)) + info.compress_size for info in ordered
    ]
    if any(before > start for before, start in zip([0, *ends], [*starts, end], strict=True)):
        raise ArchiveRefused(name, "entries of this archive overlap, as in a zip bomb", REPACK)
    return infos


def _count(file: IO[bytes]) -> int:
    """Return how many lines a table of contents can have: the headers of such lines, wherever they stand."""
    number, at = 0, -1
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        while number <= limits.ZIP_ENTRIES and (at := data.find(_CENTRAL_HEADER, at + 1)) >= 0:
            number += 1
    return number


def _member(info: zipfile.ZipInfo, path: str, inside: Member | None) -> Member:
    where = (path, info.header_offset, info.compress_size, info.file_size, info.compress_type, info.CRC)
    return Member(*where, zip_names.raw_name(info).hex(), inside)


def _is_outside(path: str) -> bool:
    return path.startswith("/") or ".." in path.split("/") or re.match("[A-Za-z]:", path) is not None


def _is_left(path: str) -> bool:
    """Tell whether a system left the file, so that it asks for nothing."""
    return not _is_outside(path) and any(map(left_by, path.split("/")))


def _refusal(info: zipfile.ZipInfo, path: str, is_zip: bool) -> tuple[str, str]:
    """Return why an entry is not taken and what to do, as far as the table of contents tells; or nothing."""
    most = limits.ZIP_BYTES if is_zip else limits.FILE_BYTES
    if _is_outside(path):
        return OUTSIDE, REPACK
    if stat.S_ISLNK(info.external_attr >> 16):
        return "this is a link, not a file", "pack the file that it points to"
    if info.flag_bits & _ENCRYPTED:
        return "this entry is encrypted", REPACK
    if info.compress_type not in _METHODS:
        return f"this entry is compressed by method {info.compress_type}, which is not supported", REPACK
    if info.file_size > most:
        reason = f"this file unpacks to {megabytes(info.file_size)} MB and the limit is {_mb(most)}"
        return reason, _FEWER if is_zip else "save it smaller, for instance as JPEG"
    if info.file_size > max(limits.ZIP_RATIO_FROM, limits.ZIP_RATIO * info.compress_size):
        ratio = -(-info.file_size // max(info.compress_size, 1))
        return f"this entry unpacks to {ratio} times its size, as a zip bomb does", REPACK
    return "", ""


def _mb(number: int) -> str:
    return f"{number / MB:,.0f} MB"
