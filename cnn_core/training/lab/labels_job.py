"""Which pictures hurt: likely label errors, near-duplicates, the map of all pictures, calibration, "none of these".

Source:
    Northcutt, Jiang & Chuang 2021, JAIR 70, "Confident Learning", section 3; Guo et al. 2017, arXiv:1706.04599
    (calibration).
"""

from typing import Any

import numpy as np
from sklearn.manifold import TSNE

from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.calibration import refusal_curve, refusal_threshold, reliability
from cnn_core.training.lab.probe import fit_probe
from cnn_core.training.transfer.evaluation import wilson_interval

DUPLICATE_SIMILARITY = 0.95  # cosine of centred features
MOST_PAIRS = 200
NEAREST = 3


def study(bench: Bench) -> None:
    """Fill the bench's result.

    `accuracy` (out of fold), `suspects` (likely label errors, the surest first: digest, name, label, suggested,
    probability of each, `nearest` pictures), `duplicates` (pairs with their similarity), `map` (a point a picture:
    digest, name, label, said, right, `pca`, `tsne`), `calibration` (as `reliability`), `none_of_these` (as
    `refusal_threshold`, what it does with each class that the probe was not shown, and with three classes or more the
    `curve` of all thresholds, as `refusal_curve`), and with `flip` the `finding`: precision and recall of the suspects
    among the labels exchanged on purpose.
    """
    features = bench.features(share=0.4)
    given, flipped = _flip(bench.labels, len(bench.classes), bench.options.flip, bench.options.seed)
    said = _out_of_fold(bench, features, given)
    right = said.argmax(axis=1) == given
    correct, total = int(right.sum()), len(given)
    bench.result["accuracy"] = {"correct": correct, "total": total, "interval": list(wilson_interval(correct, total))}
    similar = similarities(features)
    suspects = label_errors(said, given)
    bench.result["suspects"] = [_suspect(bench, said, given, similar, int(index)) for index in suspects]
    bench.say(f"{len(suspects)} of {len(given)} labels are likely errors.")
    if bench.options.flip:
        _measure_finding(bench, suspects, flipped)
    bench.progress("near-duplicates", 0.75)
    bench.result["duplicates"] = _duplicates(bench, similar, given)
    across = sum(pair["across_classes"] for pair in bench.result["duplicates"])
    bench.say(f"{len(bench.result['duplicates'])} pairs look alike, {across} of them under two labels.")
    bench.progress("map", 0.8)
    bench.result["map"] = _map(bench, features, said, given)
    bench.result["calibration"] = reliability(said, given, bench.classes)
    bench.say(bench.result["calibration"]["words"])
    bench.progress("none of these", 0.9)
    bench.result["none_of_these"] = _none_of_these(bench, features, said, given)
    bench.say(bench.result["none_of_these"]["words"])


# Label errors ---------------------------------------------------------------------------------------------------------


def label_errors(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the pictures whose label is likely wrong, the surest first.

    A class is claimed for a picture when its probability reaches the mean that pictures so labelled have; a picture
    for which another class than its own has the strongest claim counts in the confident joint outside the diagonal.
    They are ranked by how far the claimed class is ahead of the given one.

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
        (off-diagonals), ranked by normalised margin.
    """
    classes = probabilities.shape[1]
    thresholds = np.array([probabilities[labels == j, j].mean() for j in range(classes)])
    claims = np.where(probabilities >= thresholds, probabilities, -1.0)
    claimed = claims.argmax(axis=1)
    found = np.flatnonzero((claims.max(axis=1) > 0) & (claimed != labels))
    margin = probabilities[found, claimed[found]] - probabilities[found, labels[found]]
    return np.asarray(found[np.argsort(-margin, kind="stable")])


def _flip(labels: np.ndarray, classes: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Exchange a share of the labels for another class at random; return the labels and which were exchanged."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(labels), round(share * len(labels)), replace=False)
    given, flipped = labels.copy(), np.zeros(len(labels), bool)
    given[chosen] = (given[chosen] + rng.integers(1, classes, len(chosen))) % classes
    flipped[chosen] = True
    return given, flipped


def _out_of_fold(bench: Bench, features: np.ndarray, given: np.ndarray) -> np.ndarray:
    total = np.zeros((len(given), len(bench.classes)))
    for index, fold in enumerate(bench.folds):
        bench.progress("out of fold", 0.4 + 0.35 * index / len(bench.folds))
        probe = fit_probe(features[fold.train], given[fold.train], strength=None)
        total[fold.test] += probe.probabilities(features[fold.test])
    return total / bench.options.repeats


def _measure_finding(bench: Bench, suspects: np.ndarray, flipped: np.ndarray) -> None:
    hits, found, there = int(flipped[suspects].sum()), len(suspects), int(flipped.sum())
    precision, recall = hits / found if found else 0.0, hits / there if there else 0.0
    bench.result["finding"] = {
        "flipped": there,
        "found": found,
        "hits": hits,
        "precision": precision,
        "recall": recall,
        "precision_interval": list(wilson_interval(hits, found)) if found else None,
        "recall_interval": list(wilson_interval(hits, there)) if there else None,
    }
    bench.say(
        f"Of {there} labels exchanged on purpose {hits} are among the {found} suspects: "
        f"precision {precision:.2f}, recall {recall:.2f}."
    )


def _suspect(bench: Bench, said: np.ndarray, given: np.ndarray, similar: np.ndarray, index: int) -> dict[str, Any]:
    item, best = bench.items[index], int(said[index].argmax())
    order = [int(i) for i in np.argsort(-similar[index]) if i != index and bench.items[i].digest != item.digest]
    nearest = [
        {
            "digest": bench.items[i].digest,
            "name": bench.items[i].name,
            "label": bench.classes[given[i]],
            "similarity": float(similar[index, i]),
        }
        for i in order[:NEAREST]
    ]
    return {
        "digest": item.digest,
        "name": item.name,
        "label": bench.classes[given[index]],
        "suggested": bench.classes[best],
        "probability": float(said[index, best]),
        "probability_of_label": float(said[index, given[index]]),
        "nearest": nearest,
    }


# Likeness -------------------------------------------------------------------------------------------------------------


def similarities(features: np.ndarray) -> np.ndarray:
    """Return the cosine similarity of every two pictures, `(N, N)`, of features centred by their mean.

    Example:
        >>> similarities(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])).round(1)[0]
        array([ 1., -1.,  1., -1.])
    """
    centred = features.astype(np.float64) - features.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.where(norms > 0, norms, 1.0)
    return np.asarray(unit @ unit.T)


def _duplicates(bench: Bench, similar: np.ndarray, given: np.ndarray) -> list[dict[str, Any]]:
    first, second = np.nonzero(np.triu(similar >= DUPLICATE_SIMILARITY, k=1))
    order = np.argsort(-similar[first, second])[:MOST_PAIRS]
    return [
        {
            "first": bench.items[i].digest,
            "second": bench.items[j].digest,
            "names": [bench.items[i].name, bench.items[j].name],
            "labels": [bench.classes[given[i]], bench.classes[given[j]]],
            "similarity": float(similar[i, j]),
            "identical": bench.items[i].digest == bench.items[j].digest,
            "across_classes": bool(given[i] != given[j]),
            "across_parts": bench.items[i].part != bench.items[j].part,
        }
        for i, j in zip(first[order].tolist(), second[order].tolist(), strict=True)
    ]


def _map(bench: Bench, features: np.ndarray, said: np.ndarray, given: np.ndarray) -> list[dict[str, Any]]:
    centred = features.astype(np.float64) - features.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    flat = u[:, :2] * s[:2]
    deep = u[:, :50] * s[:50]
    perplexity = min(30.0, (len(given) - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=bench.options.seed).fit_transform(deep)
    return [
        {
            "digest": item.digest,
            "name": item.name,
            "label": bench.classes[given[i]],
            "said": bench.classes[said[i].argmax()],
            "right": bool(said[i].argmax() == given[i]),
            "probability_of_label": float(said[i, given[i]]),
            "pca": flat[i].tolist(),
            "tsne": tsne[i].tolist(),
        }
        for i, item in enumerate(bench.items)
    ]


def _none_of_these(bench: Bench, features: np.ndarray, said: np.ndarray, given: np.ndarray) -> dict[str, Any]:
    """Choose the threshold; with three classes or more measure it on each class that the probe was not shown."""
    chosen = refusal_threshold(said, given)
    unseen, largest, curve = [], [], []
    if len(bench.classes) > 2:
        for index, name in enumerate(bench.classes):
            shown = given != index
            probe = fit_probe(features[shown], np.where(given > index, given - 1, given)[shown])
            largest.append(probe.probabilities(features[~shown]).max(axis=1))
            refused = largest[-1] < chosen["threshold"]
            interval = list(wilson_interval(int(refused.sum()), len(refused)))
            unseen.append({"class": name, "refused": float(refused.mean()), "interval": interval})
    words = chosen["words"]
    if unseen:
        curve = refusal_curve(said.max(axis=1), said.argmax(axis=1) == given, np.concatenate(largest))
        mean = float(np.mean([entry["refused"] for entry in unseen]))
        words += f" Pictures of a class that it was never shown are refused in {mean:.0%} of cases."
    return chosen | {"unseen": unseen, "curve": curve, "words": words}
