"""A backup, looked at and put into an empty store: `python -m cnn_core restore FROM`. What one is: `backup`."""

import json
from collections.abc import Iterator

import sqlalchemy as sa

from cnn_core.store import tables
from cnn_core.store.backup_files import (
    FORMAT,
    MANIFEST,
    OBJECTS,
    ROWS,
    SUMS,
    TABLES,
    BackupRefused,
    Contents,
    counted,
    each,
    from_gzip,
    from_line,
    sha256,
    told,
)
from cnn_core.store.location import folder_of
from cnn_core.store.objects import Objects
from cnn_core.store.runs import Store


@told
def check(source: str) -> Contents:
    """Look at every file of a backup.

    Raises:
        BackupRefused: If it is none, is of another version, or if a file is missing or is not what it was.
    """
    return _Backup(source).check()


@told
def restore(source: str, store: Store) -> Contents:
    """Put a backup into an empty store; what was interrupted can be begun again.

    All is looked at first, and the rows come last, in one transaction: a store is not in use before it is whole.

    Raises:
        BackupRefused: If the backup is none, or damaged; if the store has anything that is not of this backup.
    """
    backup = _Backup(source)
    contents = backup.check()
    with store._engine.connect() as connection:
        _refuse_rows(connection)
    there = store.stored()
    for key in there:
        if OBJECTS + key not in backup.sums or sha256(store.read(key)) != backup.sums[OBJECTS + key]:
            raise BackupRefused(
                f"The store is not empty: it has {counted(len(there), 'objects')}, such as {key}, which is not of this "
                "backup. Set CONVSCOPE_STORE to a new one, and restore before a server uses it."
            )

    def put(key: str) -> None:
        store.write(key, backup.read(OBJECTS + key))

    for _ in each(put, [key for key in backup.objects if key not in there]):
        pass
    with store._engine.begin() as connection:
        _refuse_rows(connection)
        for table in TABLES:
            for piece in backup.pieces(table):
                if rows := [from_line(line, table) for line in piece]:
                    connection.execute(sa.insert(table), rows)
    return contents


def _refuse_rows(connection: sa.Connection) -> None:
    for table in TABLES:
        if count := connection.scalar(sa.select(sa.func.count()).select_from(table)):
            raise BackupRefused(
                f"The store is not empty: it has {counted(count, table.name)}. Nothing is overwritten: set "
                "CONVSCOPE_STORE to a new one, and restore before a server uses it."
            )


class _Backup:
    """A backup that was made."""

    def __init__(self, source: str) -> None:
        folder = folder_of(source)
        none = BackupRefused(
            f"{source} is no backup, or none that was finished: it has no {MANIFEST}. Name the folder that "
            "`python -m cnn_core backup` has written."
        )
        if folder is not None and not (folder / MANIFEST).is_file():
            raise none
        self.source, self.place = source, Objects(source if folder is None else folder)
        try:
            self.manifest = json.loads(self.place.read(MANIFEST))
            made = int(self.manifest["format"]), str(self.manifest["revision"])
            self.contents = Contents(*(self.manifest[name] for name in ("rows", "objects", "bytes")))
            sums = self.place.read(SUMS)
        except FileNotFoundError:
            raise none from None
        except (ValueError, KeyError, TypeError):
            raise self.damaged(MANIFEST) from None
        if made != (FORMAT, tables.REVISION):
            raise BackupRefused(
                f"{source} was made by ConvScope {self.manifest.get('program')}, whose tables are revision {made[1]} "
                f"(here {tables.REVISION}). Restore it with that version; this one opens the store afterwards."
            )
        if sha256(sums) != self.manifest.get("sums"):
            raise self.damaged(SUMS)
        lines = filter(None, sums.decode().split("\n"))
        self.sums = {key: digest for digest, _, key in (line.partition("  ") for line in lines)}

    @property
    def objects(self) -> list[str]:
        return [key.removeprefix(OBJECTS) for key in self.sums if key.startswith(OBJECTS)]

    def check(self) -> Contents:
        for _ in each(lambda key: len(self.read(key)), list(self.sums)):
            pass
        return self.contents

    def read(self, key: str) -> bytes:
        try:
            data = self.place.read(key)
        except FileNotFoundError:
            raise BackupRefused(f"{key} of {self.source} is missing. Take another backup, or copy it anew.") from None
        if sha256(data) != self.sums[key]:
            raise self.damaged(key)
        return data

    def damaged(self, key: str) -> BackupRefused:
        return BackupRefused(
            f"{key} of {self.source} is not what it was when the backup was made. Take another backup, or copy it anew."
        )

    def pieces(self, table: sa.Table) -> Iterator[list[str]]:
        for key in sorted(key for key in self.sums if key.startswith(f"{ROWS}{table.name}-")):
            yield from_gzip(self.read(key))
