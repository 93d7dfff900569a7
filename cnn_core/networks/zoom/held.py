"""Maps that were computed lately, so that the next step into a network computes only what is new.

They stay in the worker: a level of the zoom asks for the maps of the level above it again, and they are megabytes.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

import numpy as np

MAX_BYTES = 40_000_000  # every block of EfficientNet-Lite0 for eight pictures, and the widest layers within one

_maps: "OrderedDict[Hashable, np.ndarray]" = OrderedDict()
_lock = threading.Lock()
_apart = threading.local()


def digest(seen: np.ndarray) -> bytes:
    """Return a name for what a network looks at: other pixels have another."""
    return hashlib.blake2b(np.ascontiguousarray(seen).data, digest_size=16).digest()


def held(key: Hashable, compute: Callable[[], np.ndarray], most: int = MAX_BYTES) -> np.ndarray:
    """Return an array, computed if it was not lately; nobody may write into it.

    Args:
        key: All that it depends on.
        compute: Gives it.
        most: Bytes that all held arrays may take; what was used longest ago goes first. The newest one always stays.
    """
    own: dict[Hashable, np.ndarray] | None = getattr(_apart, "maps", None)
    if own is not None:
        if key not in own:
            own[key] = compute()
        return own[key]
    with _lock:
        if key in _maps:
            _maps.move_to_end(key)
            return _maps[key]
    found = compute()
    found.flags.writeable = False
    with _lock:
        _maps[key] = found
        while len(_maps) > 1 and sum(each.nbytes for each in _maps.values()) > most:
            _maps.popitem(last=False)
    return found


@contextmanager
def apart() -> Iterator[None]:
    """Hold what this thread computes within apart, and no longer: many pictures in a row push nobody's maps out.

    Example:
        >>> with apart():
        ...     held("a", lambda: np.zeros(1)) is held("a", lambda: np.ones(1))
        True
        >>> held("a", lambda: np.ones(1)), forget()
        (array([1.]), None)
    """
    _apart.maps = {}
    try:
        yield
    finally:
        _apart.maps = None


def forget() -> None:
    """Hold nothing."""
    with _lock:
        _maps.clear()
