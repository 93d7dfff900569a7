"""Deletion: what somebody wants gone goes at once, with all that nobody else uses. What is shared stays.

The order is always the same: first the entry that names something, then its bytes. Whoever is killed in between leaves
bytes that nobody names, and the collector finds those. Of a picture the record goes first and the coded pixels last, so
that it can be found until all that was made of it (vectors, maps) is gone, too. A picture that somebody brought less
than an hour ago may be on its way into another's set (`terms.GRACE`): it leaves all pages at once, and the collector
takes its bytes.
"""

import math
import time
from collections.abc import Collection
from dataclasses import dataclass

from cnn_core.store import cached_maps, classes, keys, lessons, shares, visitors
from cnn_core.store.keys import CLASS, LESSON, RUN, SET, SHARE, VISITOR
from cnn_core.store.objects import Stored
from cnn_core.store.references import Holder, Inventory, digests, holders, teaching
from cnn_core.store.runs import Store
from cnn_core.store.terms import GRACE


class StillLive(ValueError):
    """A run that goes on cannot be deleted."""

    def __init__(self, title: str) -> None:
        super().__init__(f"The run “{title}” still goes on. Stop it, then delete it.")


@dataclass(frozen=True)
class Removed:
    """What a removal did.

    Attributes:
        pictures: How many pictures are gone.
        bytes: That are free now.
        later: How many pictures nobody uses any more that were brought less than an hour ago.
        live: Titles of the runs that stay, since they still go on.
    """

    pictures: int = 0
    bytes: int = 0
    later: int = 0
    live: tuple[str, ...] = ()


def remove_run(store: Store, run_id: str, *, by: str | None, now: float | None = None) -> Removed:
    """Delete a run that has ended, the runs about it, its networks, and its pictures that nobody else uses.

    Args:
        store: Where.
        run_id: Of the run.
        by: Who asks; None is the server itself.
        now: For tests: the time.

    Raises:
        NotYours: If it is another's.
        StillLive: If it goes on.
        RunNotFound: If there is none.
    """
    run = store.get(run_id)
    freed = _folder_size(store, run_id)
    if not store.delete(run_id, by=by):
        store.glance(run_id)  # else another tab was faster
        raise StillLive(run.title)
    for each in [each for each in holders(store) if each.about == run_id]:
        store.delete(each.name)
    pictures = digests(f"{run.spec} {run.progress} {run.result}")
    return _and(freed, sweep(store, pictures, now))


def remove_set(store: Store, visit: str, album_id: str, now: float | None = None) -> Removed:
    """Delete one of a visitor's sets, and its pictures that nobody else uses.

    Raises:
        PermissionError: If the visitor has no such set.
    """
    if album_id not in {each.id for each in visitors.read(store, visit).sets}:
        raise PermissionError("Only whoever made a set can delete it.")
    visitors.change(store, visit, lambda known: known.without_set(album_id))
    try:
        kept = store.read(keys.album(album_id))
    except FileNotFoundError:  # another tab was faster
        return Removed()
    store.remove(keys.album(album_id))
    return _and(len(kept), sweep(store, digests(kept.decode()), now))


def remove_picture(store: Store, visit: str, now: float | None = None) -> Removed:
    """Delete the picture that a visitor brought last, unless somebody else uses it; nothing if there is none."""
    own = visitors.read(store, visit).own
    if own is None:
        return Removed()
    visitors.change(store, visit, visitors.Visitor.without_own)
    return sweep(store, {own.digest}, now)


def remove_link(store: Store, owner: str, token: str, now: float | None = None) -> Removed:
    """Take back what a visitor has given, and remove those of its pictures that nobody uses; nothing if it is none."""
    share = shares.find(store, token)
    if share is None or not shares.revoke(store, owner, token):
        return Removed()
    return sweep(store, digests(f"{share}"), now)


def remove_lesson(store: Store, owner: str, token: str) -> Removed:
    """Delete one of somebody's lists of views; nothing if there is none of that name."""
    freed = store.size([keys.lesson(token)])
    return Removed(bytes=freed) if lessons.remove(store, owner, token) else Removed()


def remove_class(store: Store, owner: str, token: str) -> Removed:
    """Delete one of somebody's classes with what it keeps of its students; nothing if there is none of that name."""
    freed = _class_size(store, token)
    return Removed(bytes=freed) if classes.remove(store, owner, token) else Removed()


def remove_all(store: Store, owner: str, now: float | None = None) -> Removed:
    """Delete all that somebody has: links, runs that have ended, sets, the picture, lists of views, classes.

    What others use too stays. Classes in which they are students forget them.

    Raises:
        PermissionError: If nobody is named.
    """
    if not owner:
        raise PermissionError("Nobody is named whose things are to be deleted.")
    every = list(holders(store))
    mine = [each for each in every if each.owner == owner]
    runs = {each.name for each in mine if each.kind == RUN and not each.live}
    mine += [each for each in every if each.about in runs and each.owner != owner and not each.live]
    freed, live = 0, []
    for each in sorted(mine, key=lambda one: _ORDER.index(one.kind)):
        if each.live:
            live.append(each)
            continue
        if each.kind in (CLASS, LESSON):  # whole, also if a student has done something since it was looked at
            freed += {CLASS: remove_class, LESSON: remove_lesson}[each.kind](store, owner, each.name).bytes
            continue
        if each.kind == RUN:
            freed += _folder_size(store, each.name)
        remove_entry(store, each)
    for attended in classes.attended(store, owner):
        classes.leave(store, attended.token, owner)
    for name in (keys.shares, keys.lessons, keys.classes, keys.attended):
        store.lists.remove_list(name(owner))
    of_others = set(store.lists.entries(keys.visit(owner))) - {each.name for each in live}
    store.lists.remove(keys.visit(owner), of_others)
    done = _and(freed, sweep(store, {digest for each in mine for digest in each.pictures}, now))
    return Removed(done.pictures, done.bytes, done.later, tuple(each.title for each in live))


_ORDER = (
    SHARE,
    CLASS,
    LESSON,
    RUN,
    SET,
    VISITOR,
)  # links stop first; a choice is the last to go, so that all of it can be tried again


def remove_entry(store: Store, holder: Holder) -> bool:
    """Remove what names pictures, with all that is its own; the pictures are for `sweep`. False if it stays.

    A run that goes on stays, and so does what was changed since it was looked at.
    """
    if holder.kind == RUN:
        return store.delete(holder.name)
    if holder.kind == CLASS:
        now = next(teaching(store, _files_of_class(store, holder.name)), None)
        if now is None or now.changed > holder.changed:
            return False
        classes.discard(store, holder.name)
        return True
    key = {SET: keys.album, VISITOR: keys.visitor, SHARE: keys.share, LESSON: keys.lesson}[holder.kind](holder.name)
    there = store.look(key)
    changed = there.written if there else math.inf
    if holder.kind == VISITOR and there:  # its time is the visitor's own, not that at which a set was taken off
        changed = visitors.read(store, holder.name).changed or changed
    if changed > holder.changed:
        return False
    if holder.kind == SET and holder.owner and (known := store.look(keys.visitor(holder.owner))):
        at = visitors.read(store, holder.owner).changed or known.written
        visitors.change(store, holder.owner, lambda known: known.without_set(holder.name), at=at)
    store.remove(key)
    return True


def sweep(store: Store, wanted_gone: Collection[str], now: float | None = None) -> Removed:
    """Remove those of these pictures that nobody refers to (any more) and that are older than an hour."""
    now = time.time() if now is None else now
    there = store.stored_at([key for digest in wanted_gone for key in keys.picture_files(digest)])
    found = Inventory(there, {}, store.features.sizes(wanted_gone), ())
    used = {digest for each in holders(store) for digest in each.pictures}
    free = {each for each in found.unused(now) if each.name not in used}
    later = {each.name for each in found.keys_of if found.fresh(each, now)} - used
    freed = sum(found.size(each) for each in free)
    return Removed(len(free), freed + remove_pictures(store, [each.name for each in free], now), len(later))


def remove_pictures(store: Store, gone: Collection[str], now: float) -> int:
    """Remove pictures that nobody refers to, whole; return the bytes of maps that went with them.

    One that was wanted anew since somebody looked stays.
    """
    sure = []
    for digest in gone:
        record, *coded = keys.picture_files(digest)
        looked = store.stored_at([record, *coded]) if store.folder else {}
        if any(each.written > now - GRACE for each in looked.values()):
            continue
        store.remove(record)
        sure.append(digest)
    store.features.remove(sure)
    freed = cached_maps.forget(sure)
    for digest in sure:
        for key in keys.picture_files(digest)[1:]:
            store.remove(key)
    return freed


def _files_of_class(store: Store, token: str) -> dict[str, Stored]:
    return store.stored_at([keys.school_class(token)]) | store.stored(keys.students(token))


def _class_size(store: Store, token: str) -> int:
    return sum(each.size for each in _files_of_class(store, token).values())


def _folder_size(store: Store, run_id: str) -> int:
    return sum(each.size for each in store.stored(keys.run(run_id)).values())


def _and(freed: int, swept: Removed) -> Removed:
    return Removed(swept.pictures, swept.bytes + freed, swept.later)
