"""What was measured, with how sure it is: plain values, light enough for a page. `statistics` computes most of them."""

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Share:
    """Right answers among all.

    Attributes:
        correct: Number of right answers.
        total: Number of answers.
        low: Lower end of the share's 95% interval, 0 to 1.
        high: Its upper end.
    """

    correct: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, 0 to 1."""
        return self.correct / self.total


def wilson(correct: int, total: int) -> Share:
    """Return a share with its 95% confidence interval.

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
        Wilson 1927, JASA 22, 209–212: honest for few pictures and near 100%, where the usual ± formula is not.
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
    """Accuracy over folds, 0 to 1.

    Attributes:
        scores: One a fold, over all repeats.
        median: Of the scores.
        mean: Of the scores.
        low: Lower end of the mean's 95% interval, at least 0.
        high: Its upper end, at most 1.
        folds: Number of scores.
    """

    scores: tuple[float, ...]
    median: float
    mean: float
    low: float
    high: float
    folds: int


@dataclass(frozen=True)
class PairedAnswers:
    """Two arms on the same pictures.

    Attributes:
        first: Name of one arm.
        second: Name of the other.
        only_first: Pictures that only the first got right.
        only_second: Pictures that only the second got right.
        p: McNemar's exact p-value, two-sided.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class Accuracy:
    """One row of a comparison: the share of right answers on pictures not trained on, 0 to 1.

    Attributes:
        arm: What was measured, in words.
        value: The share.
        low: Lower end of the run's own 95% interval.
        high: Its upper end.
    """

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
