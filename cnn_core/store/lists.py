"""Lists of runs, an entry a row, so that two who add at once lose nothing."""

import json
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from cnn_core.store import keys
from cnn_core.store.objects import Objects
from cnn_core.store.tables import insert_new, lists
from cnn_core.store.troubles import patient


class Entry(NamedTuple):
    """An entry of a list."""

    name: str
    entry: str
    own: bool
    added: float


class Lists:
    """Named lists (see `keys`); an entry is a run's id, and whether the list's holder has started it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @patient
    def entries(self, name: str) -> dict[str, bool]:
        """Return the entries of a list, oldest first, and for each whether it is the holder's own."""
        query = sa.select(lists.c.entry, lists.c.own).where(lists.c.name == name).order_by(lists.c.added, lists.c.entry)
        with self._engine.connect() as connection:
            return {row.entry: row.own for row in connection.execute(query)}

    @patient
    def add(self, name: str, entries: str | Sequence[str], *, own: bool = False) -> None:
        """Add one or more; what is there keeps its place, and becomes the holder's own if it is said to be."""
        wanted = [entries] if isinstance(entries, str) else list(dict.fromkeys(entries))
        if not wanted:
            return
        # A thousandth between them keeps the order in which they were given.
        rows = [{"name": name, "entry": e, "own": own, "added": time.time() + i / 1000} for i, e in enumerate(wanted)]
        with self._engine.begin() as connection:
            connection.execute(insert_new(self._engine, lists), rows)
            if own:
                mine = (lists.c.name == name) & lists.c.entry.in_(wanted)
                connection.execute(sa.update(lists).where(mine).values(own=True))

    @patient
    def remove(self, name: str, entries: Iterable[str]) -> None:
        """Take entries off a list."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(lists).where((lists.c.name == name) & lists.c.entry.in_(list(entries))))

    @patient
    def all_entries(self, entries: Sequence[str] | None = None) -> list[Entry]:
        """Return all entries of all lists, or where some stand, wherever that is."""
        query = sa.select(lists.c.name, lists.c.entry, lists.c.own, lists.c.added)
        if entries is not None:
            query = query.where(lists.c.entry.in_(entries))
        with self._engine.connect() as connection:
            return [Entry(*row) for row in connection.execute(query)]

    @patient
    def remove_list(self, name: str) -> None:
        """Take all entries off a list."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(lists).where(lists.c.name == name))

    @patient
    def remove_everywhere(self, entry: str) -> None:
        """Take an entry off all lists."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(lists).where(lists.c.entry == entry))


def adopt_version_01(objects: Objects, found: Lists) -> None:
    """Turn the lists that version 0.1 kept as JSON objects into rows; the objects stay where they are."""
    for key in objects.below("lists"):
        name = keys.private(key.rpartition("/")[2].removesuffix(".json"))
        found.add(name, json.loads(objects.read(key)), own=True)
    for key in objects.below("laboratory"):
        _, pictures, kind = key.removesuffix(".json").split("/")
        found.add(keys.studies(pictures, kind), json.loads(objects.read(key)))
