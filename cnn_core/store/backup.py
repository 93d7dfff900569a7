"""A store as a folder that can be carried away: `python -m cnn_core backup TO`, and `restore FROM` into an empty one.

    backup.json          what it is: written last, so a backup without it is none
    SHA256SUMS           of every other file; `sha256sum -c SHA256SUMS` looks at them without this program
    rows/<table>-0000.jsonl.gz   the rows, a JSON object a line; bytes in base64
    objects/<key>        the objects

A store may be SQLite and a folder or PostgreSQL and a bucket, on either side. It is copied while it is used, since
whoever writes it writes bytes before what names them, and removes the name before the bytes: objects first, then the
rows of one moment, then what objects have changed since; last go the runs that were deleted meanwhile.
"""

import json
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cnn_core.store import keys, tables
from cnn_core.store.backup_files import (
    FORMAT,
    MANIFEST,
    OBJECTS,
    ROWS,
    SUMS,
    TABLES,
    BackupRefused,
    Contents,
    each,
    from_gzip,
    sha256,
    to_gzip,
    to_line,
    told,
)
from cnn_core.store.location import folder_of
from cnn_core.store.objects import Objects, Stored
from cnn_core.store.references import digests
from cnn_core.store.runs import Store

PIECE = 8_000_000  # characters of rows in a file, before they are compressed: one row may have more
_ROUNDS = 5  # looks at what has changed since the last one
_REFER = (keys.SET, keys.VISITOR, keys.SHARE)  # objects that name pictures
_UNSAFE = re.compile(r"(^|/)\.{0,2}(/|$)|[\\\0\n\r:]")  # in a key: what a folder cannot hold, or holds elsewhere


@told
def back_up(store: Store, to: str) -> Contents:
    """Copy a store, which may be in use, into an empty folder or below an object store's URL; whole or not at all.

    Raises:
        BackupRefused: If something is there already, if it is in the store itself, or if reading or writing fails.
    """
    place = _empty(store, to)
    try:
        return _Copying(store, place).all()
    except BaseException:  # a half-made one helps nobody; Ctrl-C too
        for key in (MANIFEST, SUMS, ROWS, OBJECTS):
            place.remove(key.rstrip("/"))
        raise


def _empty(store: Store, to: str) -> Objects:
    folder = folder_of(to)
    if folder is not None:
        folder = folder.absolute().resolve()
        if store.folder is not None and folder.is_relative_to(store.folder):
            raise BackupRefused(f"{folder} is in the store itself. Name a folder outside of {store.folder}.")
        if folder.exists() and not folder.is_dir():
            raise BackupRefused(f"{folder} is a file; a backup is a folder. Name a new one.")
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)  # the server's secret is in it, and everybody's pictures
    place = Objects(to if folder is None else folder)
    if type(place._files) is type(store._files) and f"{place._root}/".startswith(f"{store._root}/"):
        raise BackupRefused("The backup would be among the store's own objects. Name another place.")
    if there := place.stored():
        some = f"{len(there):,} files, the first is {min(there)}" if len(there) > 1 else f"the file {min(there)}"
        raise BackupRefused(f"{to} holds something already ({some}). A backup goes into a new or an empty folder.")
    return place


class _Copying:
    """A backup in the making."""

    def __init__(self, store: Store, place: Objects) -> None:
        self.store, self.place = store, place
        self.sums: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.known: dict[str, Stored] = {}  # what was there when it was copied
        self.left_out: set[str] = set()
        self.named: set[str] = set()  # digests of pictures, by rows and by objects
        self.runs: set[str] = set()

    def all(self) -> Contents:
        made = time.time()
        self.look_again()  # most of the work, while others write
        counts = self.rows()
        for _ in range(_ROUNDS):
            if not self.look_again():
                break
        self.pictures()
        if gone := self.gone():
            counts = self.without(gone, counts)
        self.drop_files_of_no_run(self.runs - gone)
        sums = "".join(f"{digest}  {key}\n" for key, digest in sorted(self.sums.items())).encode()
        self.place.write(SUMS, sums)
        manifest = {
            "format": FORMAT,
            "program": _version(),
            "revision": tables.REVISION,
            "made": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(made)),
            "rows": counts,
            "objects": len(self.sizes),
            "bytes": sum(self.sizes.values()),
            "sums": sha256(sums),
        }
        self.place.write(MANIFEST, json.dumps(manifest, indent=1).encode())
        return Contents(counts, len(self.sizes), sum(self.sizes.values()), tuple(sorted(self.left_out)))

    # Objects

    def look_again(self) -> bool:
        """Copy what is new or changed, and drop what is gone; False if there was nothing of either."""
        there = {key: found for key, found in self.store.stored().items() if self.wanted(key)}
        changed = [key for key, found in there.items() if self.known.get(key) != found]
        gone = [key for key in self.sizes if key not in there]
        for key in gone:
            self.drop(key)
        for key, copied in zip(changed, each(self.copy, changed), strict=True):
            if copied:
                self.known[key] = there[key]
        return bool(changed or gone)

    def wanted(self, key: str) -> bool:
        owner = keys.owner(key)
        if owner and owner.kind == keys.UNFINISHED:
            return False
        if _UNSAFE.search(key):
            self.left_out.add(key)
            return False
        return True

    def copy(self, key: str) -> bool:
        try:
            data = self.store.read(key)
        except FileNotFoundError:  # removed since
            if key in self.sizes:
                self.drop(key)
            return False
        self.place.write(OBJECTS + key, data)
        self.sums[OBJECTS + key], self.sizes[key] = sha256(data), len(data)
        owner = keys.owner(key)
        if owner and owner.kind in _REFER:
            self.named |= digests(data.decode(errors="replace"))
        return True

    def drop(self, key: str) -> None:
        self.place.remove(OBJECTS + key)
        del self.sums[OBJECTS + key], self.sizes[key]
        self.known.pop(key, None)

    def pictures(self) -> None:
        """Copy the pictures that something names which was written after the last look at what is there."""
        lacking = [name for name in self.named if keys.picture_record(name) not in self.sizes]
        for name in lacking:
            for key in keys.picture_files(name):
                self.copy(key)

    # Rows

    def rows(self) -> dict[str, int]:
        """Write the rows of one moment, of all tables; return how many."""
        counts = {}
        with moment(self.store) as connection:
            for table in TABLES:
                counts[table.name] = 0
                for number, piece in enumerate(_pieces(self.lines(connection, table))):
                    counts[table.name] += len(piece)
                    self.write_rows(f"{ROWS}{table.name}-{number:04}.jsonl.gz", piece)
        return counts

    def lines(self, connection: sa.Connection, table: sa.Table) -> Iterator[str]:
        for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns)):
            line = to_line(row._mapping)
            if table is tables.runs:
                self.runs.add(row.id)
                self.named |= digests(line)
            yield line

    def write_rows(self, key: str, piece: list[str]) -> None:
        data = to_gzip(piece)
        self.place.write(key, data)
        self.sums[key] = sha256(data)

    def gone(self) -> set[str]:
        """Return the runs that were deleted after their row was read: their files may be there in part."""
        with self.store._engine.connect() as connection:
            return self.runs - set(connection.scalars(sa.select(tables.runs.c.id)))

    def drop_files_of_no_run(self, runs: Collection[str]) -> None:
        """Leave the files of runs out that have begun since, or were deleted: nothing here says what they are."""
        for key in list(self.sizes):
            owner = keys.owner(key)
            if owner and owner.kind == keys.RUN and owner.name not in runs:
                self.drop(key)

    def without(self, gone: Collection[str], counts: Mapping[str, int]) -> dict[str, int]:
        """Leave runs out that were copied; return how many rows there are then."""
        left = dict(counts)
        for table, name in ((tables.runs, "id"), (tables.lists, "entry")):
            for key in [key for key in self.sums if key.startswith(f"{ROWS}{table.name}-")]:
                lines = from_gzip(self.place.read(key))
                kept = [line for line in lines if json.loads(line)[name] not in gone]
                left[table.name] -= len(lines) - len(kept)
                self.write_rows(key, [f"{line}\n" for line in kept])
        return left


@contextmanager
def moment(store: Store) -> Iterator[sa.Connection]:
    """Give a connection that sees the rows of one moment, however long it reads."""
    engine = store._engine
    options: dict[str, Any] = {"yield_per": 100}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        if engine.dialect.name == "sqlite":  # Python's driver begins a transaction before a write only
            connection.exec_driver_sql("BEGIN")
        yield connection
        connection.rollback()


def _pieces(lines: Iterable[str]) -> Iterator[list[str]]:
    piece: list[str] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > PIECE:
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield piece


def _version() -> str:
    try:
        return version("convscope")
    except PackageNotFoundError:  # a checkout
        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        found = (
            re.search(r'^version = "(.+)"', project.read_text(encoding="utf-8"), re.M) if project.is_file() else None
        )
        return found[1] if found else "unknown"
