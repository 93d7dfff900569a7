"""An archive in memory, read in one: `archives.tree` and `members.extract`, as the workers do one after another."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cnn_core.pictures.archives import ArchiveRefused, contents
from cnn_core.pictures.clutter import left_by
from cnn_core.pictures.images import ImageRefused
from cnn_core.pictures.members import extract
from cnn_core.pictures.trees import place


@dataclass(frozen=True)
class Entry:
    """A file of the archive, not yet decoded.

    Args:
        label: Its class; for a file that is plainly no picture the folder that holds it.
        name: Its path in the archive, with forward slashes.
        data: Its bytes.
    """

    label: str
    name: str
    data: bytes


def read_zip(data: bytes, name: str) -> Iterator[Entry | ImageRefused]:
    """Return an iterator over the files of an archive in memory: `contents`, `trees.place` and `extract` in one.

    The archive as a whole is checked at the call, its entries are unpacked one by one while iterating.

    Args:
        data: The whole archive.
        name: Its file name, for the messages.

    Returns:
        An `Entry` for a file that is taken, an `ImageRefused` (a value, not raised) for one that is refused, in the
        archive's order. What systems left is passed over.

    Raises:
        ArchiveRefused: If this is no zip archive, is damaged, holds no files or asks for too much.
    """
    file = tempfile.NamedTemporaryFile(suffix=".zip")  # noqa: SIM115 - it lives as long as the iterator
    file.write(data)
    file.flush()
    path = Path(file.name)
    try:
        listing = contents(path, name)
    except ArchiveRefused:
        file.close()
        raise

    def is_left(path: str) -> bool:
        return not path.startswith(("/", "..")) and any(map(left_by, path.split("/")))

    placed = {id(one.found): one for one in place(listing.files, listing.folders).files}

    def entries() -> Iterator[Entry | ImageRefused]:
        with file:
            for one in (placed[id(found)] for found in listing.files if not is_left(found.path)):
                if one.refusal:
                    yield one.refusal
                    continue
                label = one.label or ("/" + one.name).split("/")[-2].strip()
                try:
                    yield Entry(label, one.name, extract(path, one.found.where))
                except ImageRefused as refusal:
                    yield refusal

    return entries()
