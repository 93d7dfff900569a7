"""Recordings: frames of one burst belong together, and no division of pictures may tear them apart. Light.

A network that has learnt one frame of a recording knows the next. Whoever tests on a recording's own frames measures
how well it was learnt by heart (`tests/pictures/test_bursts.py` shows the difference). So a burst is a group, as
near-duplicates are (`near`), but one that is never dissolved: a class of too few recordings is refused before training.
"""

import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from cnn_core.pictures.items import Item, count
from cnn_core.pictures.naming import named

PARTS = 3  # to train on, to choose with, to test on
ID = re.compile(r"[0-9a-f]{16}")
_FOLDER = re.compile(rf"recording ({ID.pattern})", re.IGNORECASE)


def new_burst() -> str:
    """Return an id for a recording: shorter than a picture's digest, so that nobody takes it for one."""
    return secrets.token_hex(8)


def folder(burst: str) -> str:
    """Return the name of the folder below its class in which a recording is taken away; `burst_of` reads it back."""
    return f"recording {burst}"


def burst_of(path: str) -> str:
    """Return the recording that a file's folder names; empty if it names none.

    Example:
        >>> burst_of("pets/cats/recording 00ff00ff00ff00ff/frame 1.jpg"), burst_of("pets/cats/recording 7/1.jpg")
        ('00ff00ff00ff00ff', '')
    """
    match = next(filter(None, map(_FOLDER.fullmatch, path.split("/")[-2::-1])), None)
    return match[1].lower() if match else ""


def together(items: Iterable[Item], near: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return for each picture that belongs to others the name of its group.

    Frames of one recording are a group, with all that is nearly the same as one of them. A group without a recording
    keeps its name; another is called by its first digest.

    Args:
        items: Labelled pictures, in any order.
        near: Groups of pictures that are nearly the same (`near.groups`).

    Example:
        >>> items = [Item("d1", "cup", "", burst="b"), Item("d2", "cup", "", burst="b"), Item("d3", "cup", "")]
        >>> together(items), together(items, {"d2": "d2", "d3": "d2"})["d3"]
        ({'d1': 'd1', 'd2': 'd1'}, 'd1')
    """
    near, items = near or {}, list(items)
    if not any(item.burst for item in items):
        return dict(near)
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for item in items:
        picture = root(("picture", item.digest))
        if item.burst:
            parent[root(("burst", item.burst))] = picture
    for digest, group in near.items():
        parent[root(("near", group))] = root(("picture", digest))
    recorded = {root(("picture", item.digest)) for item in items if item.burst}
    first: dict[tuple[str, str], str] = {}
    for digest in sorted({item.digest for item in items}):
        first.setdefault(root(("picture", digest)), digest)
    joined = {digest: group for digest, group in near.items() if root(("picture", digest)) not in recorded}
    digests = sorted({item.digest for item in items} | set(near))
    return joined | {
        digest: first[root(("picture", digest))] for digest in digests if root(("picture", digest)) in recorded
    }


def owners(items: Iterable[Item], groups: Mapping[str, str]) -> dict[str, str]:
    """Return for each group, and each picture that is in none, the class that most of its pictures have."""
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        labels[groups.get(item.digest, item.digest)][item.label] += 1
    return {group: min(found, key=lambda label: (-found[label], label)) for group, found in labels.items()}


def recordings(items: Iterable[Item]) -> Counter[str]:
    """Return the number of recordings of each class that has any; one that is in two counts for the larger share.

    Example:
        >>> recordings([Item("d1", "cup", "", burst="b"), Item("d2", "cup", "", burst="b"), Item("d3", "pen", "")])
        Counter({'cup': 1})
    """
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        if item.burst:
            labels[item.burst][item.label] += 1
    return Counter(min(found, key=lambda label: (-found[label], label)) for found in labels.values())


def needed(items: Sequence[Item], label: str) -> int:
    """Return how many recordings a class needs in all to be divided, those that it has included.

    Example:
        >>> needed([], "cup"), needed([Item("d1", "cup", "")], "cup"), needed([Item("t1", "pen", "", "test")], "cup")
        (3, 2, 2)
    """
    free = [item for item in items if not item.part and item.label == label]
    recorded, lone = recordings(free)[label], len({item.digest for item in free if not item.burst})
    return recorded + max(0, _least(items, label) - recorded - lone)


def _least(items: Sequence[Item], label: str) -> int:
    """Return of how many recordings, or pictures that are in none, a class has one for each part that is drawn."""
    tested = any(item.part == "test" for item in items)
    return PARTS - tested - any(item.part == "train" and item.label == label for item in items)


def _units(items: Sequence[Item]) -> dict[str, tuple[int, int]]:
    """Return for each class with frames of a recording its recordings, and its pictures that are in none."""
    found = recordings(items)
    framed = {item.digest for item in items if item.burst}
    lone: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.digest not in framed:
            lone[item.label].add(item.digest)
    return {label: (found[label], len(lone[label])) for label in sorted({item.label for item in items if item.burst})}


def shortage(items: Sequence[Item]) -> str:
    """Return why there are too few recordings of a class to divide it, as a sentence; empty if they suffice.

    Args:
        items: Labelled pictures; where some are fixed for testing none of the others is drawn for it.

    Example:
        >>> film = [Item(f"d{n}", "cup", "", burst="b") for n in range(40)]
        >>> print(shortage(film))
        The class 'cup' has 1 recording. All frames of a recording stay on one side of the split, so at least 3 are \
needed: to train on, to choose with and to test on. Record 2 more times, from elsewhere or in another light.
        >>> shortage([*film, Item("e1", "cup", ""), Item("e2", "cup", "")])
        ''
    """
    tested = any(item.part == "test" for item in items)
    trained = {item.label for item in items if item.part == "train"}
    for label, (recorded, lone) in _units([item for item in items if not item.part]).items():
        least = _least(items, label)
        if recorded + lone < least:
            purposes = ["to train on"] * (label not in trained) + ["to choose with"] + ["to test on"] * (not tested)
            return (
                f"The class {label!r} has {_have(recorded, lone)}. All frames of a recording stay on one side of the "
                f"split, so at least {least} are needed: {named(purposes)}. {_more(least - recorded - lone)}, "
                "from elsewhere or in another light."
            )
    return ""


def too_few_for_folds(items: Sequence[Item], folds: int) -> str:
    """Return which class has too few recordings to be in every fold, as a sentence; empty if all suffice.

    Example:
        >>> film = [Item(f"d{n}", "cup", "", burst=f"b{n % 3}") for n in range(40)]
        >>> print(too_few_for_folds(film, 5))
        The class 'cup' has 3 recordings and there are 5 folds. All frames of a recording are in one fold: choose \
fewer folds or record more often.
    """
    for label, (recorded, lone) in _units(items).items():
        if recorded + lone < folds:
            return (
                f"The class {label!r} has {_have(recorded, lone)} and there are {folds} folds. All frames of a "
                "recording are in one fold: choose fewer folds or record more often."
            )
    return ""


def _have(recorded: int, lone: int) -> str:
    return count(recorded, "recording") + (f" and {count(lone, 'other picture')}" if lone else "")


def _more(number: int) -> str:
    return "Record once more" if number == 1 else f"Record {number} more times"
