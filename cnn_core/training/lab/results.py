"""What every study of the laboratory tells beside what it has found. Light: no Keras, no SciPy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnn_core.arithmetic.measures import Accuracy, FoldAccuracy
from cnn_core.training.results import Result

_FIGURES = ("scores", "median", "mean", "low", "high", "folds")


@dataclass(frozen=True)
class LabResult(Result):
    """What a study has found; each study's own result derives from it.

    Attributes:
        classes: Names.
        pictures: Number of those that took part.
        notes: On pictures that were left out.
        sentences: What the figures mean, computed with them.
        features_computed: Pictures whose features were not kept yet.
        complete: False while it goes on, and if it was stopped or failed before its end.
        intervals: How they were computed.
        seconds, cpu_seconds: That it took, over all attempts.
    """

    classes: tuple[str, ...] = ()
    pictures: int = 0
    notes: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    features_computed: int = 0
    complete: bool = False
    intervals: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def of_folds(arm: str, figures: FoldAccuracy) -> Accuracy:
    """Return a row of a comparison: the mean over folds."""
    return Accuracy(arm, figures.mean, figures.low, figures.high)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of version 0.1, where the figures of its folds lay flat, with these as its `accuracy`."""
    figures = {name: values[name] for name in _FIGURES}
    return {name: value for name, value in values.items() if name not in figures} | {"accuracy": figures}


def share_of(value: float, interval: list[float], total: int) -> dict[str, Any]:
    """Return a share of version 0.1, which knew its value and interval, as that of so many."""
    return {"correct": round(value * total), "total": total, "low": interval[0], "high": interval[1]}
