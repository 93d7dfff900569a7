"""Maps at a cut of a pretrained network, kept on disk: a file a picture, shared by arms, folds, seeds and runs.

    maps = Maps(store, items, record, blocks, "float32")   `(N, h, w, channels)`, none of it in memory
    maps.prepare(tick)                                     what is missing is computed and kept
    maps[:16], maps[np.array([3, 1])]                      read; what is missing or damaged is computed again

A file has the name of its picture, in a folder named after all else that the map depends on: weights, cut, crop and
precision. It is written beside its place and then renamed, so that processes do each other no harm. Those used least
recently go where all together would pass LIMIT. One run may have more maps than that: the rest of them is computed each
time it is asked for, and only the blocks above the cut are trained all the same.
"""

import contextlib
import logging
import os
import secrets
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from cnn_core.networks.backbones import Backbone
from cnn_core.networks.forward import BATCH, Network, See, extractor_id, lower, network_input
from cnn_core.pictures.items import Item
from cnn_core.store import cached_maps, keys
from cnn_core.store.report import Stopped
from cnn_core.store.runs import Store

FOLDER = cached_maps.FOLDER
LIMIT = 4 * 2**30  # bytes on disk, of all maps together: those of 110,000 pictures at the default cut
_HEAD = struct.Struct("<4I")  # CRC-32 of all that follows it; height, width, channels

log = logging.getLogger(__name__)


class Maps:
    """What the lowest blocks of a pretrained network make of pictures: float32 `(N, h, w, channels)`.

    Args:
        store: Has the pictures.
        items: Which, in order; one may come several times.
        record: The backbone.
        blocks: How many of its lowest blocks.
        precision: Dtype policy of the computation.
        see: What the network looks at.
        what: Name of that, if it is another than `network_input`; part of the key.
    """

    def __init__(
        self,
        store: Store,
        items: Sequence[Item],
        record: Backbone,
        blocks: int,
        precision: str,
        see: See = network_input,
        what: str = "",
    ) -> None:
        self._store, self._items, self._record, self._see = store, items, record, see
        self._below = record, blocks, precision
        name = extractor_id(record, precision, f"{blocks} blocks {what}".strip())
        self._folder = FOLDER / name.replace(" ", "-")
        self._began = time.time() - 1  # the clock of files may be some milliseconds late
        self._room: int | None = None  # bytes that may still be written; None while nobody has looked

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, part: slice | np.ndarray) -> np.ndarray:
        """Return the maps of a slice, or of these indices, in their order."""
        items = self._items[part] if isinstance(part, slice) else [self._items[index] for index in part]
        found = {item.digest: _read(self._path(item)) for item in items}
        missing = {item.digest: item for item in items if found[item.digest] is None}
        if missing:
            found |= self._made(list(missing.values()), len(missing))
        return np.stack([found[item.digest] for item in items])  # type: ignore[misc]  # none is None any more

    def prepare(self, tick: Callable[[int], bool] = lambda done: False) -> None:
        """Compute the maps that are not there, as far as there is room for them, and count the others as used now.

        Args:
            tick: Called with the number of pictures that are done; returns True to stop.

        Raises:
            Stopped: If `tick` said so; what was computed by then is kept.
        """
        missing = [item for item in {item.digest: item for item in self._items}.values() if not self._used(item)]
        for start in range(0, len(missing), BATCH):
            if tick(len(self._items) - len(missing) + start):
                raise Stopped
            if self._room == 0:
                break
            self._made(missing[start : start + BATCH], len(missing))
        if tick(len(self._items)):
            raise Stopped

    def _path(self, item: Item) -> Path:
        return self._folder / keys.map_file(item.digest)

    def _used(self, item: Item) -> bool:
        """Count a map as used now, if it is there."""
        try:
            os.utime(self._path(item))
        except OSError:
            return False
        return True

    def _made(self, items: Sequence[Item], wanted: int) -> dict[str, np.ndarray]:
        """Compute maps, the first of so many that are wanted, and keep them where there is room."""
        made = _network(*self._below)(self._see(self._store, items, self._record))
        size = _HEAD.size + made[0].nbytes
        if self._room is None:
            self._room = _make_room(self._began, size * wanted)
            if self._room < size * wanted:
                log.warning(
                    "Within %.1f GB is no room for %d of %d maps: they are computed each time they are asked for.",
                    LIMIT / 1e9,
                    wanted - max(0, self._room // size),
                    len(self),
                )
        for item, one in zip(items, made, strict=True):
            kept = self._room >= size and _written(self._path(item), one)
            self._room = self._room - size if kept else 0
        return {item.digest: one for item, one in zip(items, made, strict=True)}


@lru_cache(maxsize=1)
def _network(record: Backbone, blocks: int, precision: str) -> Network:
    """Return the lowest blocks, built once for all maps of a run: on a GPU that takes seconds."""
    return lower(record, blocks)


# Files ----------------------------------------------------------------------------------------------------------------


def _read(path: Path) -> np.ndarray | None:
    """Return a kept map; None, with a warning where it is not as it was written, if there is none."""
    try:
        data = path.read_bytes()
        checksum, *shape = _HEAD.unpack_from(data)
        if zlib.crc32(memoryview(data)[4:]) == checksum:
            return np.frombuffer(data, "<f4", offset=_HEAD.size).reshape(shape)
        reason = "its bytes are not those that were written"
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, struct.error) as error:
        reason = str(error)
    log.warning("The kept map %s is of no use (%s); it is made again.", path.name, reason)
    return None


def _written(path: Path, made: np.ndarray) -> bool:
    """Write a map whole or not at all."""
    data = _HEAD.pack(0, *made.shape)[4:] + made.astype("<f4").tobytes()
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(struct.pack("<I", zlib.crc32(data)) + data)
        partial.replace(path)
    except OSError as error:
        log.warning("Maps are not kept (%s); they are computed anew each time.", error)
        with contextlib.suppress(OSError):
            partial.unlink()
        return False
    return True


def _make_room(began: float, wanted: int) -> int:
    """Remove maps that were used before a time, the oldest first, until there is room; return how many bytes there is.

    Processes that look at the same moment may together pass LIMIT; the next one puts it right.
    """
    files = []
    for path in FOLDER.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            status = path.stat()
            files.append((status.st_mtime, status.st_size, path))
    room = LIMIT - sum(size for _, size, _ in files)
    for used, size, path in sorted(files):
        if room >= wanted or used >= began:
            break
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            room += size
    return room
