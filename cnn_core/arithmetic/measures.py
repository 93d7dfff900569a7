"""What was measured, with how sure it is: plain values, light enough for a page. `statistics` computes them."""

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
    """Return a share with Wilson's interval as `statistics.share` does, without SciPy.

    For a page that reads a result of version 0.1, which stored no interval; a test holds the two together.

    Example:
        >>> found = wilson(57, 60)
        >>> round(found.low, 3), round(found.high, 3)
        (0.863, 0.983)
    """
    z = NormalDist().inv_cdf(0.975)
    share, spread = correct / total, 1 + z**2 / total
    middle = (share + z**2 / (2 * total)) / spread
    half = z / spread * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return Share(correct, total, max(0.0, middle - half), min(1.0, middle + half))


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
