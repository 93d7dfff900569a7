"""Bytes under keys, in a folder or in any object store that fsspec speaks."""

import os
import secrets
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from cnn_core.store.troubles import StoreGone


class Objects:
    """Bytes under keys such as `pictures/<digest>.png` (see `keys`).

    Args:
        url: A folder's or an object store's.
    """

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.url_to_fs(url)
        # A folder of this machine is written to directly: three objects a picture, and fsspec takes 0.4 ms for each.
        self._folder = Path(self._root) if isinstance(self._files, LocalFileSystem) else None
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)

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

    def exists(self, key: str) -> bool:
        """Tell whether there are bytes under this key."""
        if self._folder is not None:
            return (self._folder / key).exists()
        return bool(self._files.exists(f"{self._root}/{key}"))

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
