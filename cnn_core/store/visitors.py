"""What a visitor has chosen, whichever page, tab or day it was: the picture, the sets of pictures, the current one."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

from cnn_core.store import keys
from cnn_core.store.runs import Store


@dataclass(frozen=True)
class OwnPicture:
    """A picture that a visitor brought along: its digest in the store, and the name of its file."""

    digest: str
    name: str


@dataclass(frozen=True)
class NamedSet:
    """One of a visitor's sets: the id of its album, and what the visitor calls it; empty while it has no name."""

    id: str
    name: str = ""


@dataclass(frozen=True)
class Visitor:
    """What is known of a visitor.

    Attributes:
        bundled: The bundled picture that is chosen; empty if it is the visitor's own one.
        own: The picture that the visitor brought last.
        sets: The visitor's sets, in the order in which they were made.
        current: The id of the set in use; empty if it is none of them.
        changed: When the visitor last changed anything of it, seconds since 1970; from then on it is kept for a time.

    Example:
        >>> Visitor().with_set("a1").with_set("b2", "Birds").without_set("b2")
        Visitor(bundled='', own=None, sets=(NamedSet(id='a1', name=''),), current='a1')
    """

    bundled: str = ""
    own: OwnPicture | None = None
    sets: tuple[NamedSet, ...] = ()
    current: str = ""
    changed: float = field(default=0.0, compare=False, repr=False)

    def with_own(self, picture: OwnPicture) -> "Visitor":
        """Take a picture of the visitor's own."""
        return replace(self, own=picture, bundled="")

    def without_own(self) -> "Visitor":
        """Take the visitor's own picture off."""
        return replace(self, own=None)

    def with_set(self, album_id: str, name: str | None = None) -> "Visitor":
        """Make a set the current one; one that is new comes last. Without a name it keeps the one that it has."""
        there = {entry.id: entry for entry in self.sets}
        kept = there[album_id].name if album_id in there else ""
        there[album_id] = NamedSet(album_id, kept if name is None else name)
        return replace(self, sets=tuple(there.values()), current=album_id)

    def without_set(self, album_id: str) -> "Visitor":
        """Take a set off; the one before it becomes the current one if it was that."""
        ids = [entry.id for entry in self.sets]
        rest = tuple(entry for entry in self.sets if entry.id != album_id)
        if self.current != album_id:
            return replace(self, sets=rest)
        before = max(0, ids.index(album_id) - 1) if album_id in ids else 0
        return replace(self, sets=rest, current=rest[before].id if rest else "")

    def name_of(self, album_id: str) -> str:
        """Return what the visitor calls a set; empty if it has no name."""
        return next((entry.name for entry in self.sets if entry.id == album_id), "")


def read(store: Store, visit: str) -> Visitor:
    """Return what is known of a visitor; nothing of a stranger."""
    try:
        found = json.loads(store.read(keys.visitor(visit)))
    except FileNotFoundError:
        return Visitor()
    own, sets = OwnPicture(**found["own"]) if found["own"] else None, tuple(NamedSet(**each) for each in found["sets"])
    return Visitor(found["bundled"], own, sets, found["current"], found.get("changed", 0.0))


def change(store: Store, visit: str, how: Callable[[Visitor], Visitor], *, at: float | None = None) -> Visitor:
    """Change what is known of a visitor, as it stands in the store now: another tab may have changed it too.

    Args:
        store: Where.
        visit: The visitor's name.
        how: Makes of what is known what is to be known.
        at: The time that counts as the visitor's last change; by default now.

    Raises:
        OSError: If the store takes nothing.
    """
    before = read(store, visit)
    after = how(before)
    if after != before:
        after = replace(after, changed=time.time() if at is None else at)
        store.write(keys.visitor(visit), json.dumps(asdict(after), ensure_ascii=False).encode())
    return after
