"""Finding out whether the test pictures are like the training pictures, and in what not. NumPy and SciPy, no Keras."""

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image
from scipy.stats import fisher_exact, mannwhitneyu
from sklearn.model_selection import StratifiedGroupKFold

from cnn_core.arithmetic.measures import Share
from cnn_core.arithmetic.statistics import share
from cnn_core.arithmetic.verdicts import holm
from cnn_core.pictures import kept
from cnn_core.pictures.items import Item
from cnn_core.pictures.sets import Split
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.lab import likeness
from cnn_core.training.transfer.results import Arm
from cnn_core.training.transfer.shift import Fall, Like, Missed, Shift, Trait

FOLDS = 5
MOST = 1000  # pictures a part that the classifier of the part is given
WORST, NEAREST = 6, 3

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
    tables = [[[one.correct, one.total - one.correct] for one in both] for both in shares.values()]
    adjusted = holm([float(fisher_exact(table).pvalue) for table in tables])
    return tuple(Fall(name, *both, p) for (name, both), p in zip(shares.items(), adjusted, strict=True))


def on_both(arm: Arm, validated: int) -> tuple[Share, Share] | None:
    """Return what an arm got right on its validation pictures, as of the epoch that was tested, and on the test."""
    entry = next((each for each in reversed(arm.history) if each.epoch <= arm.best_epoch), None)
    if entry is None or not validated:
        return None
    return share(round(entry.val_accuracy * validated), validated), arm.accuracy


def told_apart(
    train: np.ndarray, test: np.ndarray, classes: tuple[np.ndarray, np.ndarray], groups: tuple[np.ndarray, np.ndarray]
) -> Share | None:
    """Return how often a linear head tells the parts apart that was not shown the picture.

    Of each class it gets as many pictures of one part as of the other, so that guessing is right on half of them and
    classes that are rarer in one part do not help it; near-duplicates stand in one fold, and count as one.

    Args:
        train, test: Features `(N, D)` and `(M, D)`.
        classes: Of each part, int.
        groups: Likewise, names of groups of near-duplicates.

    Returns:
        None if there are fewer than FOLDS pairs, or groups of a part.
    """
    rng = np.random.default_rng(0)
    chosen: tuple[list[int], list[int]] = [], []
    for label in np.unique(classes[1]):
        both = [rng.permutation(np.flatnonzero(part == label)) for part in classes]
        fewest = min(map(len, both))
        for into, found in zip(chosen, both, strict=True):
            into += found[:fewest].tolist()
    for into in chosen:
        del into[MOST:]
    if len(chosen[0]) < 2 * FOLDS:
        return None
    features = np.concatenate([train[chosen[0]], test[chosen[1]]])
    part = np.repeat([0, 1], [len(chosen[0]), len(chosen[1])])
    group = np.concatenate([groups[0][chosen[0]], groups[1][chosen[1]]])
    if min(len(np.unique(group[part == side])) for side in (0, 1)) < FOLDS:
        return None
    right = np.zeros(len(part))
    for seen, unseen in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(features, part, group):
        said = heads.fit(features[seen], part[seen]).probabilities(features[unseen])
        right[unseen] = said.argmax(axis=1) == part[unseen]
    _, group_of = np.unique(group, return_inverse=True)
    scenes = np.bincount(group_of, right) / np.bincount(group_of)  # frames of one scene are no witnesses of their own
    return share(round(float(scenes.sum())), len(scenes))


def traits(store: Store, train: Sequence[Item], test: Sequence[Item]) -> tuple[Trait, ...]:
    """Return what the pictures of both parts look like: sides, brightness, contrast, colour, of the middle square."""
    both = [np.array([_look(store, item.digest) for item in part[:MOST]]) for part in (train, test)]
    names = ("longer side in pixels", "brightness", "contrast", "colourfulness")
    known = [number for number in range(len(names)) if not any(np.isnan(part[:, number]).any() for part in both)]
    values = [
        1.0 if np.ptp(np.concatenate([part[:, n] for part in both])) == 0 else float(_rank(both, n)) for n in known
    ]
    return tuple(
        Trait(names[number], float(np.median(both[0][:, number])), float(np.median(both[1][:, number])), p)
        for number, p in zip(known, holm(values), strict=True)
    )


def _rank(both: Sequence[np.ndarray], number: int) -> float:
    return float(mannwhitneyu(both[0][:, number], both[1][:, number]).pvalue)


def _look(store: Store, digest: str) -> tuple[float, float, float, float]:
    """Longer side, NaN of version 0.1; of the thumbnail mean and deviation of grey, and mean spread between colours."""
    record = kept.record(store, digest)
    side = float(max(record["width"], record["height"])) if "width" in record else float("nan")
    pixels = np.asarray(Image.open(io.BytesIO(kept.small(store, digest))).convert("RGB"), np.float32)
    grey = pixels.mean(axis=2)
    return side, float(grey.mean()), float(grey.std()), float(np.ptp(pixels, axis=2).mean())


def missed(arm: Arm, split: Split, vectors: Vectors) -> tuple[Missed, ...]:
    """Return the surest mistakes, each with the training pictures that are most like it."""
    wrong = arm.wrong[:WORST]
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
                _like(split.train[index], row[index]) for index in np.argsort(-row, kind="stable")[:NEAREST].tolist()
            ),
        )
        for answer, row in zip(wrong, similar, strict=True)
    )


def _like(item: Item, similarity: float) -> Like:
    return Like(item.digest, item.name, item.label, float(similarity))


def by_class(
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
    both = {name: found for name, arm in arms.items() if (found := on_both(arm, len(split.validation)))}
    shift = Shift(falls(both))
    if shift.fell is None:
        return shift
    parts = split.train, split.test
    features = [vectors(part) for part in parts]
    numbers = [np.array([classes.index(item.label) for item in part]) for part in parts]
    groups = [np.array([near.get(item.digest, item.digest) for item in part]) for part in parts]
    fell: tuple[Fall, ...] = ()
    if shift.fell.name == "frozen" and said:
        fell = falls(by_class(classes, split.validation, said(vectors(split.validation)), arms["frozen"]))
    return Shift(
        shift.arms,
        told_apart(features[0], features[1], (numbers[0], numbers[1]), (groups[0], groups[1])),
        tuple(sorted(fell, key=lambda fall: fall.test.value - fall.validation.value)),
        traits(store, *parts),
        missed(arms[shift.fell.name], split, vectors),
    )
