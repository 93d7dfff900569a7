"""What was measured, with how sure it is: plain values, light enough for a page. `statistics` computes them."""

from dataclasses import dataclass


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
class PairedDifference:
    """What one arm is ahead of another on the same folds, in percentage points, with interval, p-value and words.

    `low`, `high` and `p` are None where there are too few folds to tell.
    """

    points: float
    low: float | None
    high: float | None
    p: float | None
    words: str


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
