"""Who signs in takes over what the visitor had: runs, shared links, the picture, the sets, lessons and classes."""

import hashlib
from dataclasses import replace

from cnn_core.store import classes, keys, lessons, shares, visitors
from cnn_core.store.runs import Store
from cnn_core.store.terms import ACCOUNT
from cnn_core.store.visitors import Visitor


def account(issuer: str, subject: str) -> str:
    """Return an account's name as an owner: of who signs people in, and what identifies somebody there.

    Example:
        >>> account("https://school.example", "17") == account("https://school.example", "17")
        True
        >>> account("https://school.example", "17") == account("https://other.example", "17")
        False
    """
    named = f"{issuer}\0{subject}".encode()  # no name of either holds what is between them
    return f"{ACCOUNT}{hashlib.sha256(named).hexdigest()[:40]}"


def hand_over(store: Store, before: str, after: str) -> None:
    """Make one owner's things another's; what fails halfway is done when it is called again.

    Args:
        store: Where they are.
        before: Whose they were; nothing is left to this name.
        after: Whose they are then, with what they had.
    """
    if not before or not after or before == after:
        return
    brought = visitors.read(store, before)
    if brought != Visitor():
        visitors.change(store, after, lambda known: joined(known, brought))
    shares.hand_over(store, before, after)
    lessons.hand_over(store, before, after)
    classes.hand_over(store, before, after)
    for name in (keys.visit, keys.shares, keys.lessons, keys.classes, keys.attended):
        entries = store.lists.entries(name(before))
        for own in (True, False):
            store.lists.add(name(after), [entry for entry, is_own in entries.items() if is_own == own], own=own)
        store.lists.remove(name(before), entries)
    store.give(list(store.owned(before)), after)
    store.remove(keys.visitor(before))


def joined(known: Visitor, brought: Visitor) -> Visitor:
    """Return what is known of two who are one: the sets of both; what was chosen last is what is brought.

    Example:
        >>> joined(Visitor().with_set("a"), Visitor().with_set("b")).current
        'b'
    """
    there = {entry.id for entry in known.sets}
    sets = (*known.sets, *(entry for entry in brought.sets if entry.id not in there))
    merged = replace(known, sets=sets, current=brought.current or known.current)
    return replace(merged, own=brought.own, bundled=brought.bundled) if brought.own or brought.bundled else merged
