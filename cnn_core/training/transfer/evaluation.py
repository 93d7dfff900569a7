"""What a trained network is worth on pictures it has never seen. NumPy alone."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from cnn_core.arithmetic.measures import PairedAnswers, wilson
from cnn_core.arithmetic.statistics import paired_answers
from cnn_core.pictures.items import Item
from cnn_core.training.transfer.results import Answer, ClassFigures, Figures


def evaluate(probabilities: np.ndarray, items: Sequence[Item], classes: Sequence[str]) -> Figures:
    """Compare answers with labels.

    Args:
        probabilities: `(N, classes)`.
        items: The N pictures.
        classes: Names, in the order of the columns.

    Example:
        >>> items = [Item("d1", "cat", "a.png", ""), Item("d2", "dog", "b.png", "")]
        >>> found = evaluate(np.array([[0.9, 0.1], [0.8, 0.2]]), items, ["cat", "dog"])
        >>> found.accuracy.value, found.confusion, found.wrong[0].name
        (0.5, ((1, 0), (1, 0)), 'b.png')
    """
    truth = np.array([classes.index(item.label) for item in items])
    said = probabilities.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), int)
    np.add.at(confusion, (truth, said), 1)
    right, count, claimed = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall, f1 = (_ratio(*each) for each in ((right, claimed), (right, count), (2 * right, count + claimed)))
    return Figures(
        wilson(int((said == truth).sum()), len(items)),
        tuple(map(tuple, confusion.tolist())),
        tuple(
            ClassFigures(name, float(p), float(r), float(f), int(n))
            for name, p, r, f, n in zip(classes, precision, recall, f1, count, strict=True)
        ),
        tuple(
            Answer(item.digest, item.name, item.label, classes[index], float(row[index]), float(row[true]))
            for item, row, index, true in zip(items, probabilities, said, truth, strict=True)
        ),
    )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide; 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def compare(arms: Mapping[str, Figures]) -> tuple[PairedAnswers, ...]:
    """Compare every pair of arms on the same pictures, the better one first, by McNemar's exact test."""
    ranked = sorted(arms, key=lambda name: -arms[name].accuracy.correct)
    right = {name: [answer.right for answer in arm.answers] for name, arm in arms.items()}
    return tuple(paired_answers((a, b), right[a], right[b]) for a, b in combinations(ranked, 2))
