"""Retention: what has been kept long enough goes, and what nobody refers to. Hourly in the engine's host, or by hand.

By age everything goes whose time is over (`Terms.days`). If all that is left has more than `Terms.most_bytes`, the
oldest goes next, anonymous visitors' things first, until it fits. A run that goes on, or is in somebody else's list,
never goes, and neither does a link with pictures, nor what was changed less than an hour ago. Last go the bytes that
nobody refers to.

    python -m cnn_core collect --dry-run
"""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from cnn_core.store import keys
from cnn_core.store.keys import CLASS, LESSON, PICTURE, RUN, SET, VISITOR, Owner
from cnn_core.store.references import Holder, Inventory
from cnn_core.store.removal import remove_entry, remove_pictures
from cnn_core.store.runs import Store
from cnn_core.store.terms import GRACE, Terms, anonymous

_RANK = {
    RUN: 0,
    SET: 1,
    CLASS: 2,
    LESSON: 3,
    VISITOR: 4,
}  # where two are of the same age: a choice goes after the sets that it lists
_ENTRY = "entry of a list"


@dataclass(frozen=True)
class Collected:
    """What was removed, or in a dry run what would be.

    Attributes:
        things: How many of each kind.
        bytes: How many of each kind; those of pictures with the vectors made of them.
        left: Bytes in the store afterwards.
        over: By how many bytes that is more than it may be: nothing more may go.
        unknown: Keys that ConvScope has not written, which nobody removes.
    """

    things: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    left: int = 0
    over: int = 0
    unknown: Sequence[str] = ()

    def add(self, owner: Owner, size: int) -> None:
        """Count one that is removed."""
        self.things[owner.kind] += 1
        self.bytes[owner.kind] += size

    def table(self, *, dry_run: bool = False) -> str:
        """Return it as lines for a terminal.

        Example:
            >>> print(Collected(Counter(run=2), Counter(run=3_000_000), 5_000_000).table(dry_run=True))
            would be removed  number         bytes
            run                    2     3,000,000
            in all                 2     3,000,000
            5,000,000 bytes are left.
        """
        head = "would be removed" if dry_run else "removed"
        rows = [(kind, self.things[kind], self.bytes[kind]) for kind in sorted(self.things)]
        rows.append(("in all", self.things.total(), self.bytes.total()))
        lines = [f"{head:<16}  number         bytes", *(f"{kind:<16}{n:>8,}{size:>14,}" for kind, n, size in rows)]
        lines.append(f"{self.left:,} bytes are left.")
        if self.over:
            lines.append(
                f"That is {self.over:,} more than CONVSCOPE_KEEP_BYTES allows: what is left goes on, is shared, or is "
                "less than an hour old."
            )
        if self.unknown:
            lines.append(f"Not ConvScope's, and left alone: {len(self.unknown):,}, the first is {self.unknown[0]}.")
        return "\n".join(lines)


def collect(store: Store, terms: Terms, *, now: float | None = None, dry_run: bool = False) -> Collected:
    """Remove what is not to be kept any longer.

    Args:
        store: Where.
        terms: How long things are kept.
        now: The time, seconds since 1970; by default it is looked at.
        dry_run: Only say what would go.
    """
    now = time.time() if now is None else now
    found = Inventory.of(store)
    gone = found.with_those_about(expired(found, terms, now))
    done = Collected()
    for owner in sorted(gone, key=lambda each: _RANK[each.kind]):
        if dry_run or remove_entry(store, found.holders[owner]):
            done.add(owner, found.size(owner))
    rest = found.without(gone) if dry_run else Inventory.of(store)  # anew: a run may have begun meanwhile
    unused, stale = rest.unused(now), rest.stale_entries(now)
    for owner in unused:
        done.add(owner, rest.size(owner))
    if stale:
        done.things[_ENTRY] = len(stale)
    if not dry_run:
        _remove(store, rest, unused, now)
        by_list: dict[str, list[str]] = defaultdict(list)
        for each in stale:
            by_list[each.name].append(each.entry)
        for name, entries in by_list.items():
            store.lists.remove(name, entries)
    left = total(rest) - sum(rest.size(owner) for owner in unused)
    return Collected(done.things, done.bytes, left, int(max(0, left - terms.most_bytes)), rest.unknown)


def _remove(store: Store, rest: Inventory, unused: Collection[Owner], now: float) -> None:
    remove_pictures(store, [each.name for each in unused if each.kind == PICTURE], now)
    for owner in unused:
        if owner.kind == RUN and owner in rest.holders:  # about one that is gone
            store.delete(owner.name)
        elif owner.kind == RUN:
            store.remove(keys.run(owner.name))
        elif owner.kind != PICTURE:
            for key in rest.keys_of[owner]:
                store.remove(key)


def total(found: Inventory) -> int:
    """Return the bytes of all objects, of all vectors, and of what runs were asked and have found."""
    objects = sum(each.size for each in found.objects.values())
    return objects + sum(found.features.values()) + sum(each.size for each in found.holders.values())


def expired(found: Inventory, terms: Terms, now: float) -> list[Owner]:
    """Return the runs, sets, choices, lessons and classes that are not to be kept any longer, the first to go first."""
    busy = {Owner(RUN, each.about) for each in found.holders.values() if each.about and each.live}
    may_go = [
        each
        for each in found.holders.values()
        if each.kind in _RANK
        and not each.live
        and not each.opened
        and each.key not in busy
        and each.changed <= now - GRACE
    ]
    may_go.sort(key=lambda each: (not anonymous(each.owner), each.changed, _RANK[each.kind], each.name))
    aged = [each.key for each in may_go if terms.until(each.changed) < now]
    going = found.with_those_about(aged)
    rest = [each for each in may_go if each.key not in going]
    return aged + _until_it_fits(found.without(aged), rest, terms.most_bytes, now)


def _until_it_fits(found: Inventory, may_go: Sequence[Holder], most: float, now: float) -> list[Owner]:
    """Return how many of these, in their order, have to go until the rest has at most so many bytes."""
    unused = found.unused(now)
    left = total(found) - sum(found.size(owner) for owner in unused)
    if left <= most:
        return []
    users = Counter(digest for key, each in found.holders.items() if key not in unused for digest in each.pictures)
    about: dict[Owner, list[Owner]] = defaultdict(list)
    for key, each in found.holders.items():
        if each.about:
            about[Owner(RUN, each.about)].append(key)
    gone: list[Owner] = []
    dropped = set(unused)

    def drop(owner: Owner) -> int:
        """Let a holder go, and return what is free by that."""
        if owner in dropped:
            return 0
        dropped.add(owner)
        freed = found.size(owner)
        for digest in found.holders[owner].pictures:
            users[digest] -= 1
            picture = Owner(PICTURE, digest)
            if not users[digest] and not found.fresh(picture, now):
                freed += found.size(picture)
        return freed + sum(map(drop, about[owner]))

    for each in may_go:
        if left <= most:
            break
        if each.key not in dropped:
            left -= drop(each.key)
            gone.append(each.key)
    return gone
