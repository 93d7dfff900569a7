"""Other programs that write into a store's database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from cnn_core.store.runs import DATABASE, Store


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another program writes, and takes its time."""
    assert store.folder
    other = sqlite3.connect(store.folder / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()
