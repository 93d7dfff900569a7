"""Bytes under keys, in a folder or in any object store that fsspec speaks."""

import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from cnn_core.store.location import CLUSTER, folder_of
from cnn_core.store.troubles import StoreGone, patient

# What file systems call the time at which something was written.
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")


class ObjectsRefused(ValueError):
    """An object store that cannot be spoken to; the text says what is missing."""


@dataclass(frozen=True)
class Stored:
    """What lies under a key: bytes, and when they were written or last counted as wanted, in seconds since 1970."""

    size: int
    written: float


class Objects:
    """Bytes under keys such as `pictures/<digest>.png` (see `keys`).

    Args:
        place: A folder, or the URL of one or of an object store.

    Raises:
        ObjectsRefused: If what speaks to that object store is not installed.
    """

    def __init__(self, place: str | Path) -> None:
        # A folder of this machine is written to directly: three objects a picture, and fsspec takes 0.4 ms for each.
        # It is no URL: its name may have `%20` or `::` in it, which fsspec takes for more than a name.
        self._folder = folder_of(place) if isinstance(place, str) else place
        if self._folder is None:
            try:
                # What another process has written or removed since is not in a listing that was kept.
                self._files, self._root = fsspec.url_to_fs(str(place), use_listings_cache=False)
            except ImportError as missing:
                scheme = str(place).partition(":")[0]
                raise ObjectsRefused(
                    f"The store's objects, at {scheme}:, have no client: {missing}. {CLUSTER}"
                ) from None
        else:
            self._folder = self._folder.absolute()
            self._files, self._root = LocalFileSystem(), self._folder.as_posix()
            self._folder.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Make the place where objects go: of an object store its bucket, if this server's key may."""
        if self._folder is None:
            self._files.makedirs(self._root, exist_ok=True)

    @patient
    def write(self, key: str, data: bytes) -> None:
        """Keep bytes; whole or not at all."""
        if self._folder is None:
            path = f"{self._root}/{key}"
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, data)  # an object store shows an object when it is complete
            return
        partial = self._folder / f"{key}.{secrets.token_hex(4)}.partial"
        try:
            try:
                partial.write_bytes(data)
            except FileNotFoundError:  # the first of its kind
                self._check()
                partial.parent.mkdir(parents=True, exist_ok=True)
                partial.write_bytes(data)
            os.replace(partial, self._folder / key)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    @patient
    def read(self, key: str) -> bytes:
        """Return the bytes under a key.

        Raises:
            FileNotFoundError: If there are none.
            StoreGone: If there is nothing at all any more.
        """
        if self._folder is not None:
            try:
                return (self._folder / key).read_bytes()
            except FileNotFoundError:
                self._check()
                raise
        data: bytes = self._files.cat_file(f"{self._root}/{key}")
        return data

    @patient
    def exists(self, key: str) -> bool:
        """Tell whether there are bytes under this key."""
        if self._folder is not None:
            return (self._folder / key).exists()
        return bool(self._files.exists(f"{self._root}/{key}"))

    @patient
    def look(self, key: str) -> Stored | None:
        """Return the size and time of what is under a key, None if nothing is."""
        try:
            if self._folder is not None:
                status = (self._folder / key).stat()
                return Stored(status.st_size, status.st_mtime)
            return _stored(self._files.info(f"{self._root}/{key}"))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def touch(self, key: str) -> bool:
        """Count what is under a key as written now; False if nothing is there."""
        try:
            if self._folder is not None:
                os.utime(self._folder / key)
            else:  # object stores know of no other way
                self.write(key, self.read(key))
        except FileNotFoundError:
            return False
        return True

    def stored(self, folder: str = "") -> dict[str, Stored]:
        """Return all keys below a folder with what lies there: one listing, whatever the number of objects."""
        if self._folder is not None:
            return dict(_walk(self._folder / folder, f"{folder}/" if folder else ""))
        start = len(self._files._strip_protocol(self._root)) + 1
        found = self._files.find(f"{self._root}/{folder}".rstrip("/"), detail=True)
        return {path[start:]: _stored(info) for path, info in found.items()}

    def stored_at(self, keys: Collection[str]) -> dict[str, Stored]:
        """Return what lies under some keys; absent where nothing does. Far away, by listing their folders."""
        if self._folder is not None:
            return {key: found for key in keys if (found := self.look(key))}
        listed = [self.stored(folder) for folder in {key.rpartition("/")[0] for key in keys}]
        return {key: there[key] for there in listed for key in keys if key in there}

    def read_all(self, folder: str) -> dict[str, bytes]:
        """Return what lies directly in a folder, by key; from far away all at once."""
        names = self.stored(folder)
        if self._folder is None:
            paths = {f"{self._files._strip_protocol(self._root)}/{key}": key for key in names}
            found = self._files.cat(list(paths), on_error="omit") if paths else {}
            return {paths[path]: data for path, data in found.items()}
        read: dict[str, bytes] = {}
        for key in names:
            try:
                read[key] = self.read(key)
            except FileNotFoundError:  # removed since
                continue
        return read

    def size(self, keys: Iterable[str]) -> int:
        """Return how many bytes there are under these keys together; none under one that is not there."""
        return sum(each.size for each in self.stored_at(list(keys)).values())

    def _check(self) -> None:
        # It was made when the store was opened: made again here, what is written would be nobody's.
        if self._folder is not None and not self._folder.exists():
            raise StoreGone

    def below(self, folder: str) -> list[str]:
        """Return all keys below a folder, sorted."""
        found = self._files.find(f"{self._root}/{folder}")
        return sorted(path[len(self._files._strip_protocol(self._root)) + 1 :] for path in found)

    def remove(self, key: str) -> None:
        """Remove what is under a key, or all that is below a folder; nothing where nothing is."""
        path = f"{self._root}/{key}"
        if self._files.exists(path):
            self._files.rm(path, recursive=True)


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Stored]]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                status = entry.stat()
                yield f"{prefix}{entry.name}", Stored(status.st_size, status.st_mtime)
        except FileNotFoundError:  # removed since
            continue


def _stored(info: Mapping[str, Any]) -> Stored:
    """Read what a file system says of an object.

    Raises:
        ValueError: If it does not say when it was written: nothing could be kept for a time.
    """
    time = next((info[name] for name in _TIMES if info.get(name) is not None), None)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if isinstance(time, datetime):
        time = time.timestamp()
    if time is None:
        raise ValueError(
            f"The object store does not say when {info.get('name')!r} was written; it says {sorted(info)}. "
            "Use one that does (a folder, S3, Google Cloud Storage, Azure)."
        )
    return Stored(int(info["size"] or 0), float(time))


def adopt_mislaid(objects: Path) -> None:
    """Fetch the objects of a folder with spaces or umlauts: version 0.1 put them where its URI says, %20 and all."""
    mislaid = Path(objects.as_uri().removeprefix("file://"))
    if mislaid != objects and mislaid.is_dir() and not objects.exists():
        shutil.move(mislaid, objects)
