"""Small stores of several visitors, for what keeps things and what removes them. Nothing here is a real picture."""

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cnn_core.store import keys, visitors
from cnn_core.store.records import COMMAND_LINE, Run
from cnn_core.store.runs import Store
from cnn_core.store.tables import runs as rows

ANNA, BERTA, CARLA = "a1" * 20, "b2" * 20, "c3" * 20


def digest(number: int) -> str:
    return f"{number:064x}"


def picture(store: Store, number: int, size: int = 100) -> str:
    """Keep something as a picture, with a vector that was made of it; return its digest."""
    name = digest(number)
    store.write(keys.picture(name, "jpg"), b"p" * size)
    store.write(keys.picture_record(name), b'{"suffix": "jpg"}')
    store.features.write("network", {name: b"v" * 8})
    return name


def items(digests: Iterable[str]) -> list[list[str]]:
    return [[each, "cat", f"{each[-4:]}.jpg", ""] for each in digests]


def begun(store: Store, digests: Iterable[str], owner: str = ANNA, **spec: Any) -> Run:
    run = store.create("transfer", {"items": items(digests)} | spec, title="cats", owner=owner)
    store.write(keys.file(run.id, "frozen"), b"m" * 1000)
    return run


def ended(store: Store, digests: Iterable[str], owner: str = ANNA, kind: str = "transfer", **spec: Any) -> Run:
    """A run that is over; its carrier is nobody's engine."""
    run = store.create(kind, {"items": items(digests)} | spec, title="cats", owner=owner, carrier=COMMAND_LINE)
    claimed = store.claim(run.id, "w")
    assert claimed and store.finish(claimed, "done", result={"seen": len(list(digests))})
    if kind == "transfer":
        store.write(keys.file(run.id, "frozen"), b"m" * 1000)
    return store.get(run.id)


def album(store: Store, owner: str, name: str, digests: Collection[str]) -> str:
    kept = {"source": "your pictures", "items": items(digests), "empty_classes": []}
    store.write(keys.album(name), json.dumps(kept).encode())
    if owner:
        visitors.change(store, owner, lambda known: known.with_set(name, f"Set {name}"))
    return name


def aged(store: Store, key: str, when: float) -> None:
    """Have something written at a time."""
    assert store.folder
    os.utime(store.folder / "objects" / key, (when, when))


def all_aged(store: Store, when: float, but: Collection[str] = ()) -> None:
    for key in store.stored():
        if key not in but:
            aged(store, key, when)


def run_aged(store: Store, run_id: str, when: float) -> None:
    with store._engine.begin() as connection:
        connection.execute(sa.update(rows).where(rows.c.id == run_id).values(created=when, ended=when))


def copied(template: Path, folder: Path) -> Store:
    """An empty store, whose tables are there already."""
    folder.mkdir(parents=True)
    (folder / "runs.sqlite").write_bytes((template / "runs.sqlite").read_bytes())
    return Store(folder)
