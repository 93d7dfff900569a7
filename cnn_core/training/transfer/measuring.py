"""Finding out whether the test pictures are like the training pictures, and in what not. NumPy alone, no Keras.

What SciPy and scikit-learn find out stands in `differing`: their 80 MB come only where something is amiss.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cnn_core.arithmetic.measures import Share
from cnn_core.arithmetic.statistics import fisher_exact, share
from cnn_core.arithmetic.verdicts import holm
from cnn_core.pictures.bursts import together
from cnn_core.pictures.items import Item
from cnn_core.pictures.sets import Split
from cnn_core.store.runs import Store
from cnn_core.training.lab import likeness
from cnn_core.training.lab.labels import Neighbour
from cnn_core.training.transfer.results import Arm
from cnn_core.training.transfer.shift import Fall, Missed, Shift

_WORST, _NEAREST = 6, 3

Vectors = Callable[[Sequence[Item]], np.ndarray]  # the kept features of some pictures


def falls(shares: Mapping[str, tuple[Share, Share]]) -> tuple[Fall, ...]:
    """Return how arms or classes do on validation and on test pictures, by Fisher's exact test with Holm's correction.

    Args:
        shares: Right on validation and on test pictures, by name.

    Example:
        >>> from cnn_core.arithmetic.measures import wilson
        >>> (found,) = falls({"frozen": (wilson(58, 64), wilson(173, 394))})
        >>> found.beyond_chance
        True
    """
    adjusted = holm([fisher_exact(*((one.correct, one.total) for one in both)) for both in shares.values()])
    return tuple(Fall(name, *both, p) for (name, both), p in zip(shares.items(), adjusted, strict=True))


def _on_both(arm: Arm, validated: int) -> tuple[Share, Share] | None:
    """Return what an arm got right on its validation pictures, as of the epoch that was tested, and on the test."""
    entry = next((each for each in reversed(arm.history) if each.epoch <= arm.best_epoch), None)
    if entry is None or not validated:
        return None
    return share(round(entry.val_accuracy * validated), validated), arm.accuracy


def _missed(arm: Arm, split: Split, vectors: Vectors) -> tuple[Missed, ...]:
    """Return the surest mistakes, each with the training pictures that are most like it."""
    wrong = arm.wrong[:_WORST]
    of = {(item.digest, item.label): item for item in split.test}
    asked = [of[answer.digest, answer.label] for answer in wrong]
    if not asked:
        return ()
    rows = likeness.directions(vectors([*split.train, *asked]))
    similar = rows[len(split.train) :] @ rows[: len(split.train)].T
    return tuple(
        Missed(
            answer.digest,
            answer.name,
            answer.label,
            answer.said,
            tuple(
                _like(split.train[index], row[index]) for index in np.argsort(-row, kind="stable")[:_NEAREST].tolist()
            ),
        )
        for answer, row in zip(wrong, similar, strict=True)
    )


def _like(item: Item, similarity: float) -> Neighbour:
    return Neighbour(item.digest, item.name, item.label, float(similarity))


def _by_class(
    classes: Sequence[str], validation: Sequence[Item], said: np.ndarray, arm: Arm
) -> dict[str, tuple[Share, Share]]:
    """Return what an arm got right of each class on both parts, of the classes that both have."""
    found = {}
    for index, name in enumerate(classes):
        of = [number for number, item in enumerate(validation) if item.label == name]
        answers = [answer for answer in arm.answers if answer.label == name]
        if of and answers:
            right = int((said[of] == index).sum()), sum(answer.right for answer in answers)
            found[name] = share(right[0], len(of)), share(right[1], len(answers))
    return found


def measure(
    store: Store,
    split: Split,
    arms: Mapping[str, Arm],
    classes: Sequence[str],
    near: Mapping[str, str],
    vectors: Vectors,
    said: Callable[[np.ndarray], np.ndarray] | None,
) -> Shift:
    """Compare validation and test of every arm; where one fell beyond chance, say in what the pictures differ.

    Args:
        store: Has the pictures.
        split: The parts.
        arms: What was tested.
        classes: Names.
        near: Groups of near-duplicates.
        vectors: Gives the kept features; only asked where an arm fell.
        said: The frozen arm's answers to features, as classes; None without that arm.
    """
    both = {name: found for name, arm in arms.items() if (found := _on_both(arm, len(split.validation)))}
    shift = Shift(falls(both))
    if shift.fell is None:
        return shift
    from cnn_core.training.transfer import differing

    parts = split.train, split.test
    features = [vectors(part) for part in parts]
    numbers = [np.array([classes.index(item.label) for item in part]) for part in parts]
    alike = together([*split.train, *split.test], near)
    groups = [np.array([alike.get(item.digest, item.digest) for item in part]) for part in parts]
    fell: tuple[Fall, ...] = ()
    if shift.fell.name == "frozen" and said:
        fell = falls(_by_class(classes, split.validation, said(vectors(split.validation)), arms["frozen"]))
    return Shift(
        shift.arms,
        differing.told_apart(features[0], features[1], (numbers[0], numbers[1]), (groups[0], groups[1])),
        tuple(sorted(fell, key=lambda fall: fall.test.value - fall.validation.value)),
        differing.traits(store, *parts),
        _missed(arms[shift.fell.name], split, vectors),
    )
