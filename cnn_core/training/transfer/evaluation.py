"""What a trained network is worth on pictures it has never seen. NumPy and scikit-learn only."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from cnn_core.pictures.items import Item


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of an accuracy.

    Args:
        correct: Number of right answers.
        total: Number of answers, at least 1.

    Returns:
        Lower and upper bound, within 0 and 1.

    Example:
        >>> [round(bound, 3) for bound in wilson_interval(57, 60)]
        [0.863, 0.983]

    Source:
        Wilson 1927, JASA 22, 209–212: honest for few pictures and near 100 %, where the usual ± formula is not.
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(f"Received {correct} correct of {total}; expected 0 to total, total at least 1.")
    z = 1.959963984540054
    share = correct / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def evaluate(probabilities: np.ndarray, items: Sequence[Item], classes: Sequence[str]) -> dict[str, Any]:
    """Compare answers with labels.

    Args:
        probabilities: `(N, classes)`.
        items: The N pictures.
        classes: Names, in the order of the columns.

    Returns:
        Plain JSON: `test_accuracy`, `test_interval`, `correct`, `confusion` (rows true, columns said), `per_class`
        (precision, recall, f1, pictures), `wrong` (the pictures that were missed, most confident mistake first) and
        `answers` (what was said of each picture).
    """
    truth = np.array([classes.index(item.label) for item in items])
    said = probabilities.argmax(axis=1)
    correct = int((said == truth).sum())
    columns = range(len(classes))
    precision, recall, f1, count = precision_recall_fscore_support(truth, said, labels=columns, zero_division=0.0)
    answers = [
        {
            "digest": item.digest,
            "name": item.name,
            "label": item.label,
            "said": classes[index],
            "probability": float(row[index]),
            "probability_of_label": float(row[true]),
        }
        for item, row, index, true in zip(items, probabilities, said, truth, strict=True)
    ]
    wrong = [answer for answer in answers if answer["said"] != answer["label"]]
    return {
        "test_accuracy": correct / len(items),
        "test_interval": list(wilson_interval(correct, len(items))),
        "correct": correct,
        "confusion": confusion_matrix(truth, said, labels=columns).tolist(),
        "per_class": [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "pictures": int(n)}
            for name, p, r, f, n in zip(classes, precision, recall, f1, count, strict=True)
        ],
        "wrong": sorted(wrong, key=lambda answer: -answer["probability"]),
        "answers": answers,
    }


def paired_difference(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> tuple[int, int, float]:
    """Compare two arms on the same pictures.

    Args:
        first: `answers` of one arm, as `evaluate` returns them.
        second: `answers` of the other, in the same order.

    Returns:
        How many pictures only the first got right, how many only the second, and the two-sided p-value of McNemar's
        exact test: how often chance alone would split them at least so unequally.

    Example:
        >>> right, wrong = {"label": "a", "said": "a"}, {"label": "a", "said": "b"}
        >>> paired_difference([right, right, wrong, right], [right, wrong, right, wrong])
        (2, 1, 1.0)

    Source:
        McNemar 1947, Psychometrika 12, 153–157, in its exact binomial form; Dietterich 1998 recommends it for
        comparing two classifiers on one test set.
    """
    pairs = [(a["said"] == a["label"], b["said"] == b["label"]) for a, b in zip(first, second, strict=True)]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    n, k = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, i) for i in range(k + 1)) / 2**n
    return only_first, only_second, min(1.0, 2 * tail)
