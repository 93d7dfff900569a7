"""The files of a folder of this machine, as a listing for `trees.place`; none is opened."""

import os
import stat
import unicodedata
from pathlib import Path

from cnn_core.pictures.images import ImageRefused
from cnn_core.pictures.limits import FILE_BYTES, MB, megabytes
from cnn_core.pictures.trees import Found


def walk(folder: Path) -> tuple[list[Found], list[str]]:
    """List a folder, all levels deep.

    Links to files are followed, links to folders are not; those, and what cannot be read, are in the list with a
    refusal.

    Args:
        folder: Where to begin.

    Returns:
        The files, sorted by path, and the paths of all folders. Paths begin with the folder's own name and are in NFC;
        bytes that are no UTF-8 are written as `\\\\xe9`. `where` is the `Path` as the disk has it.

    Raises:
        OSError: If the folder itself cannot be listed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     (Path(folder) / "cats").mkdir()
        ...     _ = (Path(folder) / "cats" / "1.jpg").write_bytes(b"a cat")
        ...     files, folders = walk(Path(folder))
        >>> [(file.path.partition("/")[2], file.size) for file in files], len(folders)
        ([('cats/1.jpg', 5)], 2)
    """
    start = folder.resolve()
    found: list[Found] = []
    folders: list[str] = []
    waiting = [(start, _shown(start.name).lstrip("."))]  # a hidden folder that was asked for is not hidden
    while waiting:
        here, path = waiting.pop()
        try:
            with os.scandir(here) as entries:
                listed = list(entries)
        except OSError as error:
            if here == start:
                raise
            reason = f"this folder cannot be read ({error.strerror or error})"
            found.append(Found(path, 0, here, ImageRefused(path, reason, "allow reading it, or take it out")))
            continue
        folders.append(path)
        for entry in listed:
            whole = f"{path}/{_shown(entry.name)}" if path else _shown(entry.name)
            if entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), whole))
            else:
                found.append(_file(Path(entry.path), whole))
    return sorted(found, key=lambda one: (one.path, os.fsencode(one.where))), sorted(folders)


def _file(where: Path, path: str) -> Found:
    """Return what a listing tells of a file."""
    size, reason, remedy = 0, "", "put the file itself there"
    try:
        status = where.stat()
        size = status.st_size
    except OSError as error:
        if where.is_symlink():
            reason = f"this is a link that leads nowhere ({error.strerror or error})"
        else:
            reason, remedy = f"this file cannot be read ({error.strerror or error})", "allow reading it"
        return Found(path, 0, where, ImageRefused(path, reason, remedy))
    if stat.S_ISDIR(status.st_mode):
        if where.is_symlink():
            reason, remedy = "this is a link to a folder, which is not followed", "copy the folder to its place"
        size = 0
    elif not stat.S_ISREG(status.st_mode):
        reason = "this is no ordinary file (a pipe, a socket or a device)"
    elif not os.access(where, os.R_OK):
        reason, remedy = "this file cannot be read (Permission denied)", "allow reading it"
    elif size > FILE_BYTES:
        reason = f"this file has {megabytes(size)} MB and the limit is {FILE_BYTES // MB} MB"
        remedy = "save it smaller, for instance as JPEG"
    return Found(path, size, where, ImageRefused(path, reason, remedy) if reason else None)


def _shown(name: str) -> str:
    """Return a name as text, so that different names stay different."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace"))
