"""The faults of a store as sentences: its database locked or away, its disk full, its folder deleted.

Pages show the sentence and nothing is lost; workers wait for what passes by itself.
"""

import errno
import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from sqlalchemy import exc

PATIENCE = 75.0  # seconds that a worker waits for a store that is away
PAUSE = 1.0  # seconds between two tries

BUSY = "The store is busy: something else holds its database locked. What was saved before is kept; try again soon."
AWAY = "The store's database does not answer. What was saved before is kept; try again in a moment."
OBJECTS_AWAY = (
    "The store's object store does not answer. What was saved before is kept; try again in a moment. If this stays, "
    "whoever runs this server checks its address, and that it is up."
)
OBJECTS_REFUSE = (
    "The store's object store refuses this server. Whoever runs it checks the bucket, the key and its secret, what "
    "that key may do, and the clock: requests that are signed a quarter of an hour early or late are refused."
)
FULL = "The disk is full, so nothing more can be saved. Free some space, then start again."
READ_ONLY = "The store cannot be written: its disk or its files are read-only. Tell whoever runs this server."
GONE = (
    "The folder in which this server keeps everything was deleted or moved, so nothing can be read or saved. Whoever "
    "runs this server can put it back, or restart ConvScope to begin with an empty one."
)

# What SQLite says, and PostgreSQL's codes (its manual, appendix A).
_SAID = {
    "is locked": BUSY,
    "database or disk is full": FULL,
    "unable to open database file": GONE,
    "no such table": GONE,
    "disk I/O error": AWAY,
    "readonly database": READ_ONLY,
}
_CODES = {"55P03": BUSY, "40P01": BUSY, "53100": FULL, "25006": READ_ONLY}
_NUMBERS = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY}

# Clients of object stores, known by name: who keeps all in a folder has none of them.
_CLIENTS = ("botocore", "aiobotocore", "aiohttp")
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError")
_OVERLOADED = (errno.EBUSY, getattr(errno, "EREMOTEIO", errno.EIO))  # 503 and 500

P = ParamSpec("P")
R = TypeVar("R")


class StoreGone(OSError):
    """The store's folder was deleted or moved while it was open."""

    def __init__(self) -> None:
        super().__init__(GONE)


def sentence(error: BaseException) -> str:
    """Return a fault of the store in words, by the error or what caused it; empty if it is none of the store's.

    Example:
        >>> sentence(OSError(errno.ENOSPC, "No space left on device"))[:21]
        'The disk is full, so '
        >>> sentence(ValueError("shapes do not fit"))
        ''
    """
    each: BaseException | None = error
    while each is not None:
        if words := _words(each):
            return words
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return ""


def logged(error: BaseException) -> str:
    """Return what the log may hold of a fault: no path, whose last part may be the key of a link.

    Example:
        >>> logged(FileNotFoundError(errno.ENOENT, "No such file or directory", "shares/key.json"))
        'FileNotFoundError: No such file or directory'
    """
    return f"{type(error).__name__}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)


def _words(error: BaseException) -> str:
    if isinstance(error, StoreGone):
        return GONE
    if isinstance(error, exc.TimeoutError):  # all connections of the pool are taken, which wait themselves
        return BUSY
    if isinstance(error, exc.DBAPIError):
        for said, words in _SAID.items():
            if said in str(error.orig):
                return words
        if (code := getattr(error.orig, "sqlstate", None)) in _CODES:
            return _CODES[code]
        return AWAY if isinstance(error, exc.OperationalError | exc.InterfaceError) else ""
    if _is_clients(error) and not hasattr(error, "response"):  # there was no answer
        return OBJECTS_REFUSE if type(error).__name__ in _NO_CREDENTIALS else OBJECTS_AWAY
    if isinstance(error, OSError) and _is_clients(error.__cause__):  # s3fs makes these of answers
        if isinstance(error, PermissionError):
            return OBJECTS_REFUSE
        if error.errno in _OVERLOADED:
            return OBJECTS_AWAY
    return _NUMBERS.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def _is_clients(error: BaseException | None) -> bool:
    return type(error).__module__.partition(".")[0] in _CLIENTS


# Waiting -------------------------------------------------------------------------------------------------------------

_patience: ContextVar[float] = ContextVar("patience", default=0.0)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Have `patient` functions of this thread wait so long for a store that is locked or away."""
    before = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(before)


def patient(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function tried again while the store is locked or away, as long as its caller has patience.

    Example:
        >>> patient(int)("3")
        3
    """

    @functools.wraps(function)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        deadline = time.monotonic() + _patience.get()
        while True:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if sentence(error) not in (BUSY, AWAY, OBJECTS_AWAY) or time.monotonic() + PAUSE > deadline:
                    raise
            time.sleep(PAUSE)

    return tried
