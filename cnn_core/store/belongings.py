"""What one owner has in a store, from the picture to classes and links, each with its bytes and until when it stays."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from cnn_core.store import keys, shares, visitors
from cnn_core.store.keys import CLASS, LESSON, RUN, SET, VISITOR
from cnn_core.store.objects import Stored
from cnn_core.store.references import Holder, digests, runs, teaching
from cnn_core.store.runs import Store
from cnn_core.store.shares import Share
from cnn_core.store.terms import Terms


@dataclass(frozen=True)
class Belonging:
    """One thing of an owner's.

    Attributes:
        kind: Of `keys`: a run, a set, a list of views, a class, or a visitor, whose choice is the own picture.
        name: Its id.
        title: What its owner calls it.
        pictures: How many it shows: of a set, those that are in it now.
        bytes: Of all its pictures, and of its own files; what two things use is in both.
        until: When its time is over, seconds since 1970; infinite where nothing ends it.
        live: A run that still goes on.
        opened: A run that is in somebody else's list.
        undone: Pictures of a set that are no longer in it, and that Undo would bring back; `bytes` counts them.
    """

    kind: str
    name: str
    title: str
    pictures: int
    bytes: int
    until: float
    live: bool = False
    opened: bool = False
    undone: int = 0


@dataclass(frozen=True)
class Belongings:
    """All that an owner has.

    Attributes:
        things: The own picture, the sets, the lists of views, the classes, the runs; each kind with the newest first.
        links: With which pictures travel.
        pictures: How many different pictures all these use.
        bytes: Of all together; what two use is counted once.
    """

    things: Sequence[Belonging] = ()
    links: Sequence[Share] = ()
    pictures: int = 0
    bytes: int = 0

    def of(self, kind: str) -> list[Belonging]:
        """Return those of one kind."""
        return [each for each in self.things if each.kind == kind]


def belongings(store: Store, owner: str, terms: Terms) -> Belongings:
    """Return what an owner has, by looking at nobody else's things.

    Example:
        >>> import tempfile
        >>> store = Store(tempfile.mkdtemp())
        >>> run = store.create("transfer", {"items": []}, title="cats and dogs", owner="anna")
        >>> [each.title for each in belongings(store, "anna", Terms()).things]
        ['cats and dogs']
        >>> belongings(store, "berta", Terms()).things
        []
    """
    found = held(store, owner)
    links = shares.given(store, owner)
    given = digests(f"{links}")
    every = given.union(*(each.pictures for each in found))
    there = store.stored_at([key for digest in every for key in keys.picture_files(digest)])
    sizes = dict.fromkeys(every, 0)
    for key, stored in there.items():
        if picture := keys.owner(key):
            sizes[picture.name] += stored.size
    own = {each.key: _own_bytes(store, each) for each in found}
    things = [
        Belonging(
            kind=each.kind,
            name=each.name,
            title=each.title,
            pictures=len(each.pictures - each.undone),
            bytes=own[each.key] + sum(sizes[digest] for digest in each.pictures),
            until=math.inf if each.live or each.opened else terms.until(each.changed),
            live=each.live,
            opened=each.opened,
            undone=len(each.undone),
        )
        for each in found
        if each.kind != VISITOR or each.pictures
    ]
    return Belongings(things, links, sum(map(bool, sizes.values())), sum(sizes.values()) + sum(own.values()))


def held(store: Store, owner: str) -> list[Holder]:
    """Return what of an owner's refers to pictures: the choice, sets and runs, each kind with the newest first."""
    known = visitors.read(store, owner)
    albums = [keys.album(each.id) for each in known.sets]
    times: dict[str, Stored] = store.stored_at([*albums, keys.visitor(owner)])
    chosen = known.changed or _written(times, keys.visitor(owner))
    changed = max(chosen, *(_written(times, key) for key in albums), 0.0)
    own = frozenset([known.own.digest]) if known.own else frozenset[str]()
    found = [Holder(VISITOR, owner, owner, changed, own, title=known.own.name if known.own else "")]
    for each, key in zip(known.sets, albums, strict=True):
        try:
            text = store.read(key).decode()
        except FileNotFoundError:  # another tab has deleted it
            continue
        pictures, undone = digests(text), digests(text) - _shown(text)
        found.append(Holder(SET, each.id, owner, _written(times, key), pictures, title=each.name, undone=undone))
    entries = store.lists.all_entries(list(store.owned(owner)))
    found += [each for each in teaching(store, _taught(store, owner)) if each.owner == owner]
    kinds = (SET, LESSON, CLASS)
    rest = sorted(found[1:], key=lambda each: (kinds.index(each.kind), _newest(each)))
    every = [found[0], *rest, *sorted(runs(store, entries, owner), key=_newest)]
    return [each for each in every if each.kind != RUN or not each.about]  # what is about a run is a part of it


def _shown(album: str) -> frozenset[str]:
    """The pictures of a set, without what was in it before its last change."""
    return digests(json.dumps({name: value for name, value in json.loads(album).items() if name != "before"}))


def _taught(store: Store, owner: str) -> dict[str, Stored]:
    """Return what lies under the keys of somebody's lists of views and classes."""
    tokens = list(store.lists.entries(keys.classes(owner)))
    lists = list(store.lists.entries(keys.lessons(owner)))
    there = store.stored_at([*map(keys.lesson, lists), *map(keys.school_class, tokens)])
    for token in tokens:
        there |= store.stored(keys.students(token))
    return there


def _newest(holder: Holder) -> float:
    return -holder.changed


def _written(times: dict[str, Stored], key: str) -> float:
    return times[key].written if key in times else 0.0


def _own_bytes(store: Store, holder: Holder) -> int:
    if holder.kind == RUN:
        return holder.size + sum(each.size for each in store.stored(keys.run(holder.name)).values())
    if holder.kind == CLASS:
        students = sum(each.size for each in store.stored(keys.students(holder.name)).values())
        return students + store.size([keys.school_class(holder.name)])
    key = {SET: keys.album, VISITOR: keys.visitor, LESSON: keys.lesson}[holder.kind](holder.name)
    return store.size([key])
