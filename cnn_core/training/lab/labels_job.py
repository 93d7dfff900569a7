"""Carrying out the study of labels."""

from dataclasses import fields, replace

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from cnn_core.arithmetic.measures import wilson
from cnn_core.training import heads
from cnn_core.training.lab import likeness
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.calibration import refusal_curve, refusal_threshold, reliability
from cnn_core.training.lab.labels import (
    MAX_PAIRS,
    Finding,
    LabelsOptions,
    LabelsResult,
    MapPoint,
    Neighbour,
    Pair,
    Refusal,
    Suspect,
    Threshold,
    Withheld,
)
from cnn_core.training.lab.probe import fit_within

_DUPLICATE_SIMILARITY = 0.95  # cosine of centred features
NEAREST = 3
_FEW = 2000  # pictures: with fewer, threads of t-SNE wait for one another eight times as long as they compute

LabelsBench = Bench[LabelsOptions, LabelsResult]


def study(bench: LabelsBench) -> None:
    """Judge every picture by heads that were not shown it, and look at the pictures from all sides."""
    features = bench.features(share=0.4)
    given, flipped = _flip(bench.labels, len(bench.classes), bench.options.flip, bench.options.seed)
    said = _out_of_fold(bench, features, given)
    rows = likeness.directions(features)
    if bench.result.suspects is None:
        found = label_errors(said, given)
        suspects = tuple(_suspect(bench, said, given, rows, int(index)) for index in found)
        accuracy = wilson(int((said.argmax(axis=1) == given).sum()), len(given))
        finding = _finding(found, flipped) if bench.options.flip else None
        bench.show(replace(bench.result, accuracy=accuracy, suspects=suspects, finding=finding))
    if bench.result.duplicates is None:
        bench.progress("looking for look-alikes", 0.75)
        pairs = _duplicates(bench, rows, given)
        bench.show(replace(bench.result, duplicates=pairs))
    if bench.result.map is None:
        bench.progress("drawing the map", 0.8)
        bench.show(replace(bench.result, map=_map(bench, features, said, given)))
    if bench.result.calibration is None:
        calibration = reliability(said, given, bench.classes)
        bench.show(replace(bench.result, calibration=calibration))
    if bench.result.none_of_these is None:
        bench.progress("withholding each class", 0.9)
        refusal = _none_of_these(bench, features, said, given)
        bench.show(replace(bench.result, none_of_these=refusal))


# Label errors ---------------------------------------------------------------------------------------------------------


def label_errors(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the pictures whose label is likely wrong, the surest first.

    A class is claimed for a picture when its probability reaches the mean that pictures so labelled have; a picture
    for which another class than its own has the strongest claim counts in the confident joint outside the diagonal.
    Of these a picture whose label is the likeliest class all the same is no suspect, as in cleanlab: there would be
    nothing to suggest. They are ranked by how far the likeliest class is ahead of the given one.

    Args:
        probabilities: Out of fold, `(N, classes)`.
        labels: Given classes, int `(N,)`; each class at least once.

    Returns:
        Indices.

    Example:
        >>> said = np.array([[0.9, 0.1], [0.8, 0.2], [0.05, 0.95], [0.1, 0.9], [0.2, 0.8]])
        >>> label_errors(said, np.array([0, 0, 0, 1, 1]))
        array([2])

    Source:
        Northcutt, Jiang & Chuang 2021, equations 1 and 2 (thresholds, confident joint), section 3.2 method 2
        (off-diagonals), ranked by normalised margin; cleanlab 2, `filter.find_label_issues` (the label is the answer).
    """
    classes = probabilities.shape[1]
    thresholds = np.array([probabilities[labels == j, j].mean() for j in range(classes)])
    claims = np.where(probabilities >= thresholds, probabilities, -1.0)
    claimed = claims.argmax(axis=1)
    said = probabilities.argmax(axis=1)
    found = np.flatnonzero((claims.max(axis=1) > 0) & (claimed != labels) & (said != labels))
    margin = probabilities[found, said[found]] - probabilities[found, labels[found]]
    return np.asarray(found[np.argsort(-margin, kind="stable")])


def _flip(labels: np.ndarray, classes: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Exchange a share of the labels for another class at random; return the labels and which were exchanged."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(labels), round(share * len(labels)), replace=False)
    given, flipped = labels.copy(), np.zeros(len(labels), bool)
    given[chosen] = (given[chosen] + rng.integers(1, classes, len(chosen))) % classes
    flipped[chosen] = True
    return given, flipped


def _out_of_fold(bench: LabelsBench, features: np.ndarray, given: np.ndarray) -> np.ndarray:
    total = np.zeros((len(given), len(bench.classes)))
    for index, fold in enumerate(bench.folds):
        bench.progress("judging pictures that were not shown", 0.4 + 0.35 * index / len(bench.folds))
        recorded = None if bench.recorded is None else bench.recorded[fold.train]
        probe = fit_within(features[fold.train], given[fold.train], recorded)
        bench.heads.append(probe)
        total[fold.test] += probe.probabilities(features[fold.test])
    return total / bench.options.repeats


def _finding(suspects: np.ndarray, flipped: np.ndarray) -> Finding:
    hits, found, there = int(flipped[suspects].sum()), len(suspects), int(flipped.sum())
    return Finding(there, found, hits, wilson(hits, found) if found else None, wilson(hits, there) if there else None)


def _suspect(bench: LabelsBench, said: np.ndarray, given: np.ndarray, rows: np.ndarray, index: int) -> Suspect:
    item, best = bench.items[index], int(said[index].argmax())
    similar = rows @ rows[index]
    order = [int(i) for i in np.argsort(-similar) if i != index and bench.items[i].digest != item.digest]
    nearest = tuple(
        Neighbour(bench.items[i].digest, bench.items[i].name, bench.classes[given[i]], float(similar[i]))
        for i in order[:NEAREST]
    )
    return Suspect(
        item.digest,
        item.name,
        bench.classes[given[index]],
        suggested=bench.classes[best],
        probability=float(said[index, best]),
        probability_of_label=float(said[index, given[index]]),
        nearest=nearest,
    )


# Likeness -------------------------------------------------------------------------------------------------------------


def _duplicates(bench: LabelsBench, rows: np.ndarray, given: np.ndarray) -> tuple[Pair, ...]:
    items = bench.items
    recorded = None  # that frames of one recording are alike is no news
    if bench.recorded is not None:
        recorded = np.array([item.burst or f"picture {number}" for number, item in enumerate(items)])
    found = likeness.pairs(rows, _DUPLICATE_SIMILARITY, MAX_PAIRS, recorded)
    return tuple(
        Pair(
            items[i].digest,
            items[j].digest,
            names=(items[i].name, items[j].name),
            labels=(bench.classes[given[i]], bench.classes[given[j]]),
            similarity=min(1.0, similarity),  # rounding
            identical=items[i].digest == items[j].digest,
            across_classes=bool(given[i] != given[j]),
            across_parts=items[i].part != items[j].part,
        )
        for i, j, similarity in zip(*(column.tolist() for column in found), strict=True)
    )


def _map(bench: LabelsBench, features: np.ndarray, said: np.ndarray, given: np.ndarray) -> tuple[MapPoint, ...]:
    centred = features.astype(np.float64) - features.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    flat = u[:, :2] * s[:2]
    deep = u[:, :50] * s[:50]
    perplexity = min(30.0, (len(given) - 1) / 3)
    with threadpool_limits(1 if len(given) < _FEW else None):
        tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=bench.options.seed).fit_transform(deep)
    return tuple(
        MapPoint(
            item.digest,
            item.name,
            label=bench.classes[given[i]],
            said=bench.classes[said[i].argmax()],
            right=bool(said[i].argmax() == given[i]),
            probability_of_label=float(said[i, given[i]]),
            pca=(float(flat[i, 0]), float(flat[i, 1])),
            tsne=(float(tsne[i, 0]), float(tsne[i, 1])),
        )
        for i, item in enumerate(bench.items)
    )


def _none_of_these(bench: LabelsBench, features: np.ndarray, said: np.ndarray, given: np.ndarray) -> Refusal:
    """Choose the threshold; with three classes or more measure it on each class that the probe was not shown."""
    chosen = refusal_threshold(said, given)
    values = {entry.name: getattr(chosen, entry.name) for entry in fields(Threshold)}
    if len(bench.classes) < 3:
        return Refusal(**values)
    unseen, largest = [], []
    for index, name in enumerate(bench.classes):
        shown = given != index
        probe = heads.fit(features[shown], np.where(given > index, given - 1, given)[shown])
        largest.append(probe.probabilities(features[~shown]).max(axis=1))
        refused = largest[-1] < chosen.threshold
        unseen.append(Withheld(name, wilson(int(refused.sum()), len(refused))))
    curve = refusal_curve(said.max(axis=1), said.argmax(axis=1) == given, np.concatenate(largest))
    mean = float(np.mean([withheld.refused.value for withheld in unseen]))
    values["words"] += f" Pictures of a class that it was never shown are refused in {mean:.0%} of cases."
    return Refusal(**values, unseen=tuple(unseen), curve=tuple(curve))
