"""What a backup is made of (see `backup`): its files, rows as lines, and the troubles with it as sentences."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa

from cnn_core.store import tables
from cnn_core.store.troubles import FULL, sentence

FORMAT = 1
MANIFEST, SUMS = "backup.json", "SHA256SUMS"
OBJECTS, ROWS = "objects/", "rows/"
TABLES = (tables.runs, tables.lists, tables.features)
AT_ONCE = 8  # objects on their way: a bucket takes some hundredths of a second each
_FAR_AWAY = ("botocore", "aiohttp", "google", "gcsfs", "azure")  # whose errors are no OSErrors: a wrong endpoint, say

P = ParamSpec("P")
R = TypeVar("R")


class BackupRefused(ValueError):
    """A backup that cannot be made or restored; the text says why, and what to do."""


@dataclass(frozen=True)
class Contents:
    """What is in a backup: rows a table, objects and their bytes; `left_out` are keys that no folder can hold."""

    rows: Mapping[str, int]
    objects: int
    bytes: int
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it in words.

        Example:
            >>> print(Contents({"runs": 2, "lists": 3, "features": 40}, 17, 123_456))
            2 runs, 3 entries of lists, 40 vectors and 17 objects (123,456 bytes)
        """
        rows = ", ".join(counted(self.rows[table.name], table.name) for table in TABLES[:-1])
        last = counted(self.rows[TABLES[-1].name], TABLES[-1].name)
        return f"{rows}, {last} and {counted(self.objects, 'objects')} ({counted(self.bytes, 'bytes')})"


_NAMES = {
    "runs": ("run", "runs"),
    "lists": ("entry of a list", "entries of lists"),
    "features": ("vector", "vectors"),
    "objects": ("object", "objects"),
    "bytes": ("byte", "bytes"),
}


def counted(number: int, what: str) -> str:
    """Return how many there are of what is in a store, by the name of its table.

    Example:
        >>> counted(1, "lists"), counted(2000, "features")
        ('1 entry of a list', '2,000 vectors')
    """
    return f"{number:,} {_NAMES[what][number != 1]}"


def told(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function tell the faults of disks, databases and buckets in a sentence."""

    @wraps(function)
    def telling(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            package = type(error).__module__.partition(".")[0]
            if not isinstance(error, OSError | sa.exc.SQLAlchemyError) and package not in _FAR_AWAY:
                raise
            words = sentence(error)
            if words == FULL:
                words = "The disk is full. Free some space, or name another place, and begin again."
            raise BackupRefused(words or f"It did not work ({_line(error)}). Mend that, then begin again.") from error

    return telling


def to_line(row: Mapping[Any, Any]) -> str:
    """Return a row as a line of JSON.

    Example:
        >>> to_line({"entry": "Jürgen", "vector": b"\\x00\\xff"})
        '{"entry":"J\\\\u00fcrgen","vector":"AP8="}\\n'
    """
    plain = {
        str(name): base64.b64encode(value).decode() if isinstance(value, bytes | memoryview) else value
        for name, value in row.items()
    }
    return json.dumps(plain, separators=(",", ":")) + "\n"


def from_line(line: str, table: sa.Table) -> dict[str, Any]:
    """Return the row of a table that a line is.

    Example:
        >>> from_line('{"extractor": "x", "picture": "d", "vector": "AP8="}', tables.features)["vector"]
        b'\\x00\\xff'
    """
    row: dict[str, Any] = json.loads(line)
    coded = [column.name for column in table.columns if isinstance(column.type, sa.LargeBinary)]
    return row | {name: base64.b64decode(row[name]) for name in coded}


def to_gzip(lines: Sequence[str]) -> bytes:
    """Return lines compressed, the same bytes for the same lines.

    Example:
        >>> from_gzip(to_gzip(["a\\n", "b\\n"]))
        ['a', 'b']
    """
    return gzip.compress("".join(lines).encode(), compresslevel=6, mtime=0)


def from_gzip(data: bytes) -> list[str]:
    """Return the lines, without their ends."""
    return gzip.decompress(data).decode().splitlines()  # JSON in ASCII: nothing else in it ends a line


def each(function: Callable[[str], R], names: Sequence[str]) -> Iterator[R]:
    """Call a function for each key, some at once; after a fault for no more of them."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            yield from pool.map(function, names)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
