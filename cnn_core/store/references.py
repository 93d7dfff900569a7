"""What keeps what: everything in the store that refers to pictures, by their digests, and what nobody refers to.

A holder is a run, a set, a visitor's choice, a link with pictures, or the samples of the installation. Which pictures
it refers to is read from its text: 64 hexadecimal digits are a digest, in whatever field a study writes them. So a new
kind of run needs no word here. Lists of views and classes hold no picture; they are kept for a time as the others are.
"""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cnn_core.store import keys
from cnn_core.store.keys import CLASS, LESSON, PICTURE, RUN, SERVER, SET, SHARE, UNFINISHED, VISITOR, Owner
from cnn_core.store.lists import Entry
from cnn_core.store.objects import Stored
from cnn_core.store.records import Glance
from cnn_core.store.runs import Store
from cnn_core.store.terms import GRACE

_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_OF_RUNS = ("visit/", "key/", "studies/", "asked/")  # lists whose entries are runs
_OF_TOKENS = {  # lists whose entries are tokens, and of what
    keys.shares(""): SHARE,
    keys.lessons(""): LESSON,
    keys.classes(""): CLASS,
    keys.attended(""): CLASS,
}
_OF_RUN = ("exports", "live")  # kinds of runs whose files lie with the run that they are about; they go with that


def digests(text: str) -> frozenset[str]:
    """Return the digests in a text.

    Example:
        >>> [found[:4] for found in digests('{"items": [["' + 64 * "a" + '", "cat", "a.png", ""]]}')]
        ['aaaa']
    """
    return frozenset(_DIGEST.findall(text))


@dataclass(frozen=True)
class Holder:
    """Something that refers to pictures.

    Attributes:
        owner: Whose it is: a visit's or an account's name; empty for nobody's.
        changed: When it last was: a run's end, else its beginning; the last change of the others. Seconds since 1970.
        pictures: Digests.
        size: Bytes of its own in the database.
        title: What its owner calls it; of a visitor's choice, the name of the picture.
        live: A run that may still change.
        opened: A run that is in somebody else's list.
        about: Of a run about another one: that one's id.
        sets: Of a visitor: ids of the sets.
        undone: Of a set: those of its pictures that are no longer in it, and that Undo would bring back.
    """

    kind: str
    name: str
    owner: str
    changed: float
    pictures: frozenset[str]
    size: int = 0
    title: str = ""
    live: bool = False
    opened: bool = False
    about: str = ""
    sets: tuple[str, ...] = ()
    undone: frozenset[str] = frozenset()

    @property
    def key(self) -> Owner:
        """Return its kind and name."""
        return Owner(self.kind, self.name)


def holders(store: Store, entries: Sequence[Entry] | None = None) -> Iterator[Holder]:
    """Yield everything that refers to pictures.

    Runs come last: a run that is started meanwhile with the pictures of a set is met by then, or the set is.

    Args:
        store: Where.
        entries: Of the lists, if they are read already.
    """
    entries = store.lists.all_entries() if entries is None else entries
    samples = frozenset(each.entry for each in entries if each.name == keys.SAMPLES)
    yield Holder(SERVER, keys.SAMPLES, "", 0.0, samples)
    times = store.stored("visitors") | store.stored("albums") | store.stored("shares")
    taught = store.stored("lessons") | store.stored("classes")
    known = {key: _json(data) for key, data in _read(store, "visitors", VISITOR).items()}
    lister = {each["id"]: (name, each["name"]) for name, found in known.items() for each in found["sets"]}
    for name, data in _read(store, "albums", SET).items():
        owner, title = lister.get(name, ("", ""))
        yield Holder(SET, name, owner, _time(times, keys.album(name)), digests(data.decode()), title=title)
    for name, found in known.items():
        sets = tuple(each["id"] for each in found["sets"])
        chosen = found.get("changed") or _time(times, keys.visitor(name))
        changed = max(chosen, *(_time(times, keys.album(each)) for each in sets), 0.0)
        own = found["own"] or {"digest": "", "name": ""}
        pictures = frozenset([own["digest"]] if own["digest"] else [])
        yield Holder(VISITOR, name, name, changed, pictures, title=own["name"], sets=sets)
    for name, data in _read(store, "shares", SHARE).items():
        yield Holder(SHARE, name, _json(data)["owner"], _time(times, keys.share(name)), digests(data.decode()))
    yield from teaching(store, taught)
    yield from runs(store, entries)


def teaching(store: Store, there: Mapping[str, Stored]) -> Iterator[Holder]:
    """Yield the lists of views and the classes among these keys; a class is changed when one of its students is."""
    latest: dict[Owner, float] = defaultdict(float)
    for key, stored in there.items():
        if owner := keys.owner(key):
            latest[owner] = max(latest[owner], stored.written)
    for owner, changed in latest.items():
        key = keys.lesson(owner.name) if owner.kind == LESSON else keys.school_class(owner.name)
        try:
            found = _json(store.read(key))
        except FileNotFoundError:  # it was deleted since, or a student came while it was
            continue
        yield Holder(owner.kind, owner.name, found["owner"], changed, frozenset(), title=found["title"])


def runs(store: Store, entries: Sequence[Entry], owner: str | None = None) -> Iterator[Holder]:
    """Yield all runs, or an owner's, as holders."""
    visits: dict[str, set[str]] = defaultdict(set)
    for each in entries:
        if each.name.startswith(keys.visit("")) and not each.own:  # else it was theirs, before it changed hands
            visits[each.entry].add(each.name.removeprefix(keys.visit("")))
    for run, text in store.texts(owner):
        yield _run(run, text, bool(visits[run.id] - {run.owner}))


def _run(run: Glance, text: str, opened: bool) -> Holder:
    # Its spec is the first line: JSON in one line begins it, whatever follows.
    about = json.loads(text.partition("\n")[0]).get("run", "") if run.kind in _OF_RUN else ""
    changed = run.ended or run.created
    size, found = len(text), digests(text)
    return Holder(RUN, run.id, run.owner, changed, found, size, run.title, run.live, opened, about)


def _read(store: Store, folder: str, kind: str) -> dict[str, bytes]:
    found = {keys.owner(key): data for key, data in store.read_all(folder).items()}
    return {owner.name: data for owner, data in found.items() if owner and owner.kind == kind}


def _json(data: bytes) -> Any:
    return json.loads(data)


def _time(times: Mapping[str, Stored], key: str) -> float:
    return times[key].written if key in times else 0.0


@dataclass(frozen=True)
class Inventory:
    """All that is in a store at one moment.

    Attributes:
        objects: What lies under each key.
        holders: Who refers to pictures.
        features: Bytes of the vectors of each picture.
        entries: Of all lists.
    """

    objects: Mapping[str, Stored]
    holders: Mapping[Owner, Holder]
    features: Mapping[str, int]
    entries: Sequence[Entry]

    @classmethod
    def of(cls, store: Store) -> "Inventory":
        """Look through a store: objects first, so that what is written later cannot be met without its holder."""
        objects, features, entries = store.stored(), store.features.sizes(), store.lists.all_entries()
        return cls(objects, {each.key: each for each in holders(store, entries)}, features, entries)

    @cached_property
    def keys_of(self) -> Mapping[Owner, Sequence[str]]:
        """The keys of each thing; those of none are not in the catalogue."""
        found: dict[Owner, list[str]] = defaultdict(list)
        for key in self.objects:
            if owner := keys.owner(key):
                found[owner].append(key)
        return found

    @property
    def unknown(self) -> list[str]:
        """Keys that are none of the catalogue: nobody knows what they are, so nobody removes them."""
        return sorted(key for key in self.objects if keys.owner(key) is None)

    def size(self, owner: Owner) -> int:
        """Return the bytes that go with a thing, those of pictures that it refers to not counted."""
        size = sum(self.objects[key].size for key in self.keys_of.get(owner, ()))
        if owner.kind == PICTURE:
            return size + self.features.get(owner.name, 0)
        return size + (self.holders[owner].size if owner in self.holders else 0)

    def fresh(self, owner: Owner, now: float) -> bool:
        """Tell whether something of it was written, or wanted anew, less than an hour ago."""
        return any(self.objects[key].written > now - GRACE for key in self.keys_of.get(owner, ()))

    def with_those_about(self, gone: Collection[Owner]) -> set[Owner]:
        """Return these, and the runs about one of them, which go along."""
        return {*gone, *(key for key, each in self.holders.items() if Owner(RUN, each.about) in gone)}

    def without(self, gone: Collection[Owner]) -> "Inventory":
        """Return what is left when some holders are gone, with all that lies under their keys."""
        drop = self.with_those_about(gone)
        left = {key: each for key, each in self.holders.items() if key not in drop}
        objects = {key: found for key, found in self.objects.items() if keys.owner(key) not in drop}
        lost = {owner.name for owner in drop if owner.kind == SET}
        # Of a visitor who stays, the sets that are gone leave the list.
        left |= {k: replace(h, sets=tuple(s for s in h.sets if s not in lost)) for k, h in left.items() if h.sets}
        return replace(self, objects=objects, holders=left)

    def unused(self, now: float) -> set[Owner]:
        """Return what nobody refers to and is older than an hour: pictures, sets, files of no run or class."""
        listed = {name for each in self.holders.values() for name in each.sets}
        lost = {o for o in self.holders if o.kind == SET and o.name not in listed and not self.fresh(o, now)}
        lost |= {
            key
            for key, each in self.holders.items()
            if each.about and not each.live and Owner(RUN, each.about) not in self.holders
        }
        used = {digest for key, each in self.holders.items() if key not in lost for digest in each.pictures}
        there = {o for o in self.keys_of if o.kind in (PICTURE, RUN, CLASS, UNFINISHED)}
        there |= {Owner(PICTURE, digest) for digest in self.features}
        return lost | {
            owner
            for owner in there
            if owner not in self.holders
            and not (owner.kind == PICTURE and owner.name in used)
            and not self.fresh(owner, now)
        }

    def stale_entries(self, now: float) -> list[Entry]:
        """Return the entries of lists that lead nowhere any more."""
        return [
            each
            for each in self.entries
            if each.added < now - GRACE
            and (
                (each.name.startswith(_OF_RUNS) and Owner(RUN, each.entry) not in self.holders)
                or any(
                    each.name.startswith(prefix) and Owner(kind, each.entry) not in self.holders
                    for prefix, kind in _OF_TOKENS.items()
                )
            )
        ]
