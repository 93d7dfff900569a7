"""What was measured, with how sure it is: plain values, light enough for a page. `statistics` computes most of them."""

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Share:
    """Right answers among all, with the 95 % interval of the share."""

    correct: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, 0 to 1."""
        return self.correct / self.total


def wilson(correct: int, total: int) -> Share:
    """Return a share with its 95 % confidence interval.

    Args:
        correct: Number of right answers.
        total: Number of answers, at least 1.

    Raises:
        ValueError: If there are no answers, or more right ones than answers.

    Example:
        >>> found = wilson(57, 60)
        >>> round(found.low, 3), round(found.high, 3)
        (0.863, 0.983)

    Source:
        Wilson 1927, JASA 22, 209–212: honest for few pictures and near 100 %, where the usual ± formula is not.
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(f"Received {correct} correct of {total}; expected 0 to total, total at least 1.")
    z = NormalDist().inv_cdf(0.975)
    middle = (correct + z * z / 2) / (total + z * z)
    half = z * math.sqrt(correct * (total - correct) / total + z * z / 4) / (total + z * z)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(correct, total, low if correct else 0.0, high if correct < total else 1.0)


@dataclass(frozen=True)
class FoldAccuracy:
    """Accuracy over folds: one score each, and the 95 % interval of the mean, within 0 and 1."""

    scores: tuple[float, ...]
    median: float
    mean: float
    low: float
    high: float
    folds: int


@dataclass(frozen=True)
class PairedAnswers:
    """Two arms on the same pictures: how many only the first got right, how many only the second, McNemar's exact p."""

    first: str
    second: str
    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class Accuracy:
    """One row of a comparison: the share of right answers on pictures not trained on, with the run's own interval."""

    arm: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """One line of a comparison: accuracy on pictures not trained on, after each epoch."""

    arm: str
    epochs: tuple[int, ...]
    accuracy: tuple[float, ...]
