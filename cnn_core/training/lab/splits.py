"""Repeated stratified folds, the same for all arms of a study. Light: no Keras."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedKFold

from cnn_core.pictures.bursts import owners, together, too_few_for_folds
from cnn_core.pictures.items import Item, SpecRefused, count


@dataclass(frozen=True, eq=False)
class Fold:
    """One division: indices of the pictures that are trained on and of those that are tested on."""

    train: np.ndarray
    test: np.ndarray
    repeat: int


def usable(items: Sequence[Item], near: Mapping[str, str] | None = None) -> tuple[list[Item], list[str]]:
    """Return the pictures that a study may use, sorted, and notes on those left out.

    Left out are pictures whose part is `test`, copies of them, pictures nearly the same (`near.groups`) or of the same
    recording, and pictures under two labels, as `sets.split` does.

    Example:
        >>> items = [Item("1", "cat", "a.png"), Item("1", "dog", "b.png"), Item("2", "dog", "c.png")]
        >>> [item.name for item in usable(items)[0]], usable(items)[1]
        (['c.png'], ['2 pictures left out: the same picture has two labels.'])
    """
    labels: dict[str, set[str]] = defaultdict(set)
    for item in items:
        labels[item.digest].add(item.label)
    near = together(items, near)
    held_out = {item.digest for item in items if item.part == "test"}
    like_held_out = {near.get(digest, digest) for digest in held_out}
    kept, contradictory, tested, alike = [], 0, 0, 0
    for item in sorted(items, key=lambda i: (i.label, i.digest, i.name)):
        if item.digest in held_out:
            tested += 1
        elif len(labels[item.digest]) > 1:
            contradictory += 1
        elif near.get(item.digest, item.digest) in like_held_out:
            alike += 1
        else:
            kept.append(item)
    notes = []
    if contradictory:
        notes.append(f"{count(contradictory, 'picture')} left out: the same picture has two labels.")
    if tested:
        notes.append(
            f"{count(tested, 'picture')} of the test part left out: what is chosen here can be tested on them."
        )
    if alike:
        recorded = ", or of one recording with them" if any(item.burst for item in items) else ""
        notes.append(f"{count(alike, 'picture')} left out: nearly the same as pictures of the test part{recorded}.")
    return kept, notes


def repeated_folds(
    items: Sequence[Item], folds: int, repeats: int, seed: int, near: Mapping[str, str] | None = None
) -> list[Fold]:
    """Divide pictures into stratified folds, again and again; copies, near-duplicates, recordings stay together.

    Args:
        items: Pictures, none of them under two labels.
        folds: Parts, at least 2.
        repeats: Divisions.
        seed: Of the shuffles.
        near: Groups of pictures that are nearly the same (`near.groups`, `near.loosened`); by default copies only.

    Returns:
        `folds` x `repeats` divisions; within one repeat every picture is tested on once.

    Raises:
        SpecRefused: If a class has fewer different pictures, or recordings, than there are folds.

    Example:
        >>> items = [Item(str(i), "ab"[i % 2], "") for i in range(8)]
        >>> fold = repeated_folds(items, folds=4, repeats=1, seed=0)[0]
        >>> len(fold.train), len(fold.test)
        (6, 2)

    Source:
        Kohavi 1995, IJCAI, section 3 (stratified cross-validation).
    """
    if trouble := too_few_for_folds(items, folds):
        raise SpecRefused(trouble)
    near = together(items, near)
    group_of = [near.get(item.digest, item.digest) for item in items]
    label_of = owners(items, near)
    digests = np.array(sorted(label_of))
    labels = np.array([label_of[digest] for digest in digests])
    names, counts = np.unique(labels, return_counts=True)
    if counts.min() < folds:
        raise SpecRefused(
            f"The class {str(names[counts.argmin()])!r} has {counts.min()} different pictures and there are {folds} "
            "folds. Choose fewer folds or add different pictures."
        )
    of_item = np.searchsorted(digests, group_of)
    found = []
    for repeat in range(repeats):
        divider = StratifiedKFold(folds, shuffle=True, random_state=np.random.RandomState([seed, repeat]))
        for train, test in divider.split(digests, labels):
            found.append(Fold(np.flatnonzero(np.isin(of_item, train)), np.flatnonzero(np.isin(of_item, test)), repeat))
    return found


def nested_draws(labels: np.ndarray, sizes: Sequence[int], seed: int) -> dict[int, np.ndarray]:
    """Draw ever larger training sets, each containing the smaller ones.

    Args:
        labels: Classes of the pictures, int `(N,)`.
        sizes: Pictures a class.
        seed: Of the draw.

    Returns:
        Indices for each size that every class can fill.

    Example:
        >>> draws = nested_draws(np.array([0, 0, 0, 1, 1, 1]), sizes=(1, 2, 9), seed=0)
        >>> sorted(draws), bool(np.isin(draws[1], draws[2]).all())
        ([1, 2], True)
    """
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    smallest = min(len(order) for order in orders)
    return {size: np.concatenate([order[:size] for order in orders]) for size in sizes if size <= smallest}
