"""A visitor's sets of labelled pictures: they change, the last change can be undone, and nothing is lost on the way.

A set lies in the store under an id, with what it was before its last change; the pixels lie there by their digests.
Which sets a visitor has, what they are called and which one is in use stands in the visitor's record.
"""

import itertools
import json
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from cnn_core.pictures import sets
from cnn_core.pictures.items import YOURS, Item, count
from cnn_core.pictures.kept import hold, lost
from cnn_core.store import keys, visitors
from cnn_core.store.records import Run, to_json
from cnn_core.store.references import digests
from cnn_core.store.runs import Store
from cnn_core.store.visitors import Visitor

STEPS = 20  # changes that can be undone; the last one also by another session


@dataclass(frozen=True)
class Before:
    """What a set was before a change.

    Attributes:
        id: Of the album then: who takes other pictures begins a set of their own.
        words: The change, as what was undone: "12 pictures added".
    """

    id: str
    words: str
    source: str
    items: list[Item]
    empty_classes: list[str]


@dataclass
class Album:
    """The labelled pictures of one set.

    Attributes:
        store, visit: Where it is kept, and whose it is.
        id: Its name in the store.
        source: Where the pictures are from, in words.
        items: The pictures.
        empty_classes: Classes without a picture; those with one are told by the pictures.
        past: What it was before its last changes, the last one at the end.
        of_link: Whether it came with a link and is nobody's yet: it becomes the visitor's own with the first change.
        kept: What the store holds of it, as this album has last read or written it.
        elsewhere: It was changed by another tab, and has since been read anew; for a page to tell, and to clear.
    """

    store: Store
    visit: str
    id: str
    source: str
    items: list[Item]
    empty_classes: list[str] = field(default_factory=list)
    past: list[Before] = field(default_factory=list)
    of_link: bool = False
    kept: bytes = b""
    elsewhere: bool = False

    @classmethod
    def open(cls, store: Store, visit: str, album_id: str) -> Self | None:
        """Return a set of this visitor's; None if the store has no such set."""
        kept = _bytes(store, album_id)
        if kept is None:
            return None
        album = cls(store, visit, album_id, "", [])
        album._read(kept)
        return album

    def refresh(self) -> bool:
        """Read it anew if another tab has changed it since; tell whether one has.

        Every change begins with this, so that it is made on the newest state and undoes nothing of the other tab's.
        """
        kept = _bytes(self.store, self.id)
        if kept is None or kept == self.kept:
            return False
        self._read(kept)
        self.elsewhere = True
        return True

    def _read(self, kept: bytes) -> None:
        found = json.loads(kept)
        before = found.get("before")
        self.past = [Before(**before | {"items": _items(before["items"])})] if before else []
        self.source, self.items, self.empty_classes = found["source"], _items(found["items"]), found["empty_classes"]
        self.kept = kept

    @classmethod
    def copied(cls, store: Store, visit: str, album_id: str) -> Self | None:
        """Return a copy of any set: changes of it must not reach the one who shared it. None if there is none."""
        found = _read(store, album_id)
        if found is None:
            return None
        return cls.linked(store, visit, found["source"], _items(found["items"]), found["empty_classes"])

    @classmethod
    def of_run(cls, store: Store, visit: str, run: Run) -> Self | None:
        """Return the pictures of a run; None if it was not given any."""
        return cls.linked(store, visit, run.spec["source"], _items(run.spec["items"])) if "items" in run.spec else None

    @classmethod
    def linked(
        cls, store: Store, visit: str, source: str, items: list[Item], empty_classes: list[str] | None = None
    ) -> Self:
        """Return pictures that came with a link."""
        return cls(store, visit, new_id(), source, items, empty_classes or [], of_link=True)

    @property
    def classes(self) -> list[str]:
        """Names of all classes, sorted, those without a picture yet too."""
        return sorted({item.label for item in self.items} | set(self.empty_classes))

    @property
    def counts(self) -> dict[str, int]:
        """Number of pictures of each class."""
        found = Counter(item.label for item in self.items)
        return {name: found[name] for name in self.classes}

    @property
    def is_sample(self) -> bool:
        """True while no picture of the reader's is in it."""
        return self.source in {entry.title for entry in sets.SAMPLES.values()}

    def of(self, label: str) -> list[Item]:
        """Return the pictures of one class."""
        return [item for item in self.items if item.label == label]

    # Changes ----------------------------------------------------------------------------------------------------------

    def add(self, pictures: list[Item]) -> int:
        """Add kept pictures; sample pictures make room. Return how many of them were there already.

        Raises:
            OSError: If the store takes nothing; the album is as it was then.
        """
        if not pictures:
            return 0
        self.refresh()
        own = [] if self.is_sample else self.items
        there = {(item.digest, item.label, item.part == "test") for item in own}
        given = {(item.digest, item.label, item.part == "test"): item for item in pictures}
        new = {each: item for each, item in given.items() if each not in there}
        words = f"{count(len(new), 'picture')} added"
        if self.is_sample:
            self._begin(words, YOURS, list(new.values()), [])
        else:
            with self._changing(words):
                self.items = [*own, *new.values()]
        return len(pictures) - len(new)

    def rename(self, old: str, new: str) -> None:
        """Rename a class; to the name of another means joining the two."""
        self.refresh()
        if old not in self.classes:
            return
        words = f"“{old}” joined with “{new}”" if new in self.classes else f"“{old}” renamed to “{new}”"
        with self._changing(words):
            self.items = [replace(item, label=new) if item.label == old else item for item in self.items]
            self.empty_classes = [new if name == old else name for name in self.empty_classes]

    def remove(self, digests: set[str], label: str) -> None:
        """Take pictures out of a class; the class stays."""
        self.refresh()
        gone = [item for item in self.of(label) if item.digest in digests]
        if not gone:
            return
        with self._changing(f"{_named(gone)} removed from “{label}”"):
            self.items = [item for item in self.items if item not in gone]
            self.empty_classes = sorted({*self.empty_classes, label})

    def move(self, digests: set[str], label: str, to: str) -> None:
        """Give pictures of a class another label."""
        self.refresh()
        there = {item.digest for item in self.items if item.label == to}
        moved = [item for item in self.of(label) if item.digest in digests]
        if not moved:
            return
        with self._changing(f"{_named(moved)} moved from “{label}” to “{to}”"):
            rest = [item for item in self.items if not (item.label == label and item.digest in digests & there)]
            self.items = [
                replace(item, label=to) if item.label == label and item.digest in digests else item for item in rest
            ]
            self.empty_classes = sorted({*self.empty_classes, label})

    def remove_test(self) -> None:
        """Take out what is there to be tested on; the classes stay."""
        self.refresh()
        gone = [item for item in self.items if item.part == "test"]
        with self._changing(f"the test set of {count(len(gone), 'picture')} removed"):
            self.items = [item for item in self.items if item.part != "test"]
            self.empty_classes = sorted({*self.empty_classes, *(item.label for item in gone)})

    def add_class(self, name: str) -> None:
        """Begin a class without pictures; with a sample set, as the first of a set of one's own."""
        if self.is_sample:
            self.take(YOURS, [], [name])
            return
        self.refresh()
        self.empty_classes = sorted({*self.empty_classes, name} - {item.label for item in self.items})
        self.save()

    def remove_class(self, label: str) -> None:
        """Take a class and its pictures out."""
        self.refresh()
        if label not in self.classes:
            return
        with self._changing(f"the class “{label}” with {count(len(self.of(label)), 'picture')} removed"):
            self.items = [item for item in self.items if item.label != label]
            self.empty_classes = [name for name in self.empty_classes if name != label]

    def take(self, source: str, items: list[Item], empty_classes: list[str] | None = None) -> None:
        """Go on with other pictures, as another set; pictures of the visitor's own stay behind as the set they were."""
        self._begin(f"{source} taken", source, items, empty_classes or [])

    def clear(self) -> None:
        """Go on with no pictures, as another set; those that were there stay behind as the set they were."""
        self._begin(f"a set of {count(len(self.items), 'picture')} left", YOURS, [], [])

    def undo(self) -> str:
        """Take the last change back; return what it was, in words that a sentence can begin with.

        Empty if none was, or if another tab has changed the set since: that change was not meant.

        Raises:
            OSError: If the store takes nothing; the album is as it was then.
        """
        if self.refresh() or not self.past:
            return ""
        now, before = dict(vars(self)), self.past[-1]
        try:
            self.past = self.past[:-1]
            gone = lost(self.store, {item.digest for item in before.items} - {item.digest for item in self.items})
            self.source, self.empty_classes = before.source, before.empty_classes
            self.items = [item for item in before.items if item.digest not in gone]
            self.id = before.id
            self.save()
            if now["id"] != before.id:
                visitors.change(self.store, self.visit, lambda known: known.without_set(now["id"]).with_set(self.id))
                self.store.remove(keys.album(now["id"]))
        except OSError:
            vars(self).update(now)
            raise
        return before.words + (f", without {count(len(gone), 'picture')} no longer kept" if gone else "")

    def save(self) -> None:
        """Keep it under its id, as the visitor's current set."""
        kept: dict[str, Any] = {
            "source": self.source,
            "items": [item.to_json() for item in self.items],
            "empty_classes": self.empty_classes,
        }
        if self.past:
            last = self.past[-1]
            kept["before"] = asdict(last) | {"items": [item.to_json() for item in last.items]}
        data = to_json(kept).encode()
        hold(self.store, digests(self.kept.decode()) - digests(data.decode()))  # an earlier Undo may want them back
        self.store.write(keys.album(self.id), data)
        self.kept = data
        visitors.change(self.store, self.visit, self._entered)
        self.of_link = False

    def _entered(self, known: Visitor) -> Visitor:
        """Enter it as the current set; one that is new is called by its source, and by a number if that is taken."""
        if self.id in {entry.id for entry in known.sets}:
            return known.with_set(self.id)
        name, taken = self.source[:1].upper() + self.source[1:], {entry.name for entry in known.sets}
        numbered = (f"{name} {number}" for number in itertools.count(2))
        return known.with_set(self.id, name if name not in taken else next(n for n in numbered if n not in taken))

    def _begin(self, words: str, source: str, items: list[Item], empty_classes: list[str]) -> None:
        self.refresh()
        leaves_own = bool(self.items) and not self.is_sample
        left = self.id
        with self._changing(words):
            self.id = new_id()  # the old link keeps the old pictures
            self.source, self.items, self.empty_classes = source, items, empty_classes
        if not leaves_own:
            visitors.change(self.store, self.visit, lambda known: known.without_set(left))

    @contextmanager
    def _changing(self, words: str) -> Iterator[None]:
        """Keep what it was before a change and save what it is after it; if that fails, it is as it was."""
        was = dict(vars(self))
        before = Before(self.id, words, self.source, self.items, self.empty_classes)
        try:
            yield
            self.past = [*self.past[-STEPS + 1 :], before]
            self.save()
        except OSError:
            vars(self).update(was)
            raise


def _named(items: list[Item]) -> str:
    return items[0].name if len(items) == 1 else count(len(items), "picture")


def new_id() -> str:
    """Return an id for a set."""
    return secrets.token_hex(8)


def _read(store: Store, album_id: str) -> dict[str, Any] | None:
    kept = _bytes(store, album_id)
    found: dict[str, Any] | None = None if kept is None else json.loads(kept)
    return found


def _bytes(store: Store, album_id: str) -> bytes | None:
    if not (album_id.isascii() and album_id.isalnum()):
        return None
    try:
        return store.read(keys.album(album_id))
    except FileNotFoundError:
        return None


def _items(entries: list[list[str]]) -> list[Item]:
    return [Item.from_json(entry) for entry in entries]
