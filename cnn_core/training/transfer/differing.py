"""In what two parts of a set of pictures differ: a classifier of the part, how they look. SciPy and scikit-learn."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy.stats import mannwhitneyu
from sklearn.model_selection import StratifiedGroupKFold

from cnn_core.arithmetic.measures import Share
from cnn_core.arithmetic.statistics import share
from cnn_core.arithmetic.verdicts import holm
from cnn_core.pictures import kept
from cnn_core.pictures.items import Item
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.transfer.shift import Trait

FOLDS = 5
_MOST = 1000  # pictures a part that the classifier of the part is given


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
        del into[_MOST:]
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
    both = [np.array([_look(store, item.digest) for item in part[:_MOST]]) for part in (train, test)]
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
