"""How many bytes are kept for somebody: the pictures of their sets and runs, and what their runs have made."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from cnn_core.store import keys, visitors
from cnn_core.store.records import RunNotFound
from cnn_core.store.runs import Store

_SUFFIXES = ("json", "png", "jpg", "webp")  # a picture's record, and its codings


def stored_by(store: Store, owner: str) -> int:
    """Return the bytes of an owner's pictures and networks.

    A picture that two owners have is kept once and counted with both: each would keep it without the other. Features
    and results are not counted.

    Example:
        >>> import tempfile
        >>> store = Store(tempfile.mkdtemp())
        >>> run = store.create("transfer", {"items": [["3fa9", "cat", "a.png", ""]]}, title="cats", owner="anna")
        >>> store.write(keys.picture("3fa9"), bytes(70)), store.write(keys.file(run.id, "frozen"), bytes(30))
        (None, None)
        >>> stored_by(store, "anna"), stored_by(store, "berta")
        (100, 0)
    """
    digests, runs = set(_pictures(store, owner)), store.owned(owner)
    for run_id in runs:
        with contextlib.suppress(RunNotFound):  # deleted meanwhile
            digests.update(_digests(store.spec(run_id).get("items", ())))
    made = [key for run_id in runs for key in store.below(keys.run(run_id))]
    return store.size([keys.picture(digest, suffix) for digest in digests for suffix in _SUFFIXES] + made)


def _pictures(store: Store, owner: str) -> Iterator[str]:
    known = visitors.read(store, owner)
    if known.own:
        yield known.own.digest
    for each in known.sets:
        try:
            album = json.loads(store.read(keys.album(each.id)))
        except FileNotFoundError:  # deleted by another tab
            continue
        yield from _digests(album["items"])
        yield from _digests((album.get("before") or {}).get("items", ()))


def _digests(entries: Any) -> Iterator[str]:
    return (entry[0] for entry in entries)
