"""What every study of the laboratory tells beside what it has found, and what of it is a finding. Light: no Keras.

The sentences of a result are made from its figures whenever it is shown or read, so that an old run is told in no other
words than a new one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Self

from cnn_core.arithmetic.measures import Accuracy, FoldAccuracy
from cnn_core.arithmetic.verdicts import PairedDifference, holm, more_than_guessing
from cnn_core.training.results import Result

STOPPED = "Stopped early: the figures are those known by then."
_FIGURES = ("scores", "median", "mean", "low", "high", "folds")


@dataclass(frozen=True)
class LabResult(Result):
    """What a study has found; each study's own result derives from it.

    Attributes:
        classes: Names.
        pictures: Number of those that took part.
        notes: On pictures that were left out.
        sentences: What the figures mean, computed from them.
        features_computed: Pictures whose features were not kept yet.
        complete: False while it goes on, and if it was stopped or failed before its end.
        intervals: How they were computed.
        chance: What always naming the commonest class would get right; 0 where version 0.1 did not write it down.
        near: Groups of pictures that are nearly the same, by which they were divided; empty until version 0.2.
        seconds, cpu_seconds: That it took, over all attempts.
    """

    classes: tuple[str, ...] = ()
    pictures: int = 0
    notes: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    features_computed: int = 0
    complete: bool = False
    intervals: str = ""
    chance: float = 0.0
    near: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote, and say what it means in today's words."""
        return super().from_json(values).settled()

    def told(self) -> tuple[str, ...]:
        """Return what the figures mean, a sentence each: for a study to override."""
        return ()

    def settled(self) -> Self:
        """Return it with what hangs on all figures: comparisons corrected for their number, and the sentences."""
        compared: list[PairedDifference] = []
        _changed(self, lambda each: compared.append(each) or each)  # type: ignore[func-returns-value]
        tests = [each.p for each in compared if each.p is not None]
        among = iter(holm(tests))

        def corrected(each: PairedDifference) -> PairedDifference:
            return each if each.p is None else replace(each, adjusted=next(among), family=len(tests))

        found: Self = _changed(self, corrected)
        told = found.told() if found.learnt else (found.in_vain,)
        end = (STOPPED,) if STOPPED in self.sentences else ()
        return replace(found, sentences=(*told, *end))

    @property
    def learnt(self) -> bool:
        """False if nothing that was measured is right more often than guessing: then no figure has a meaning."""
        lows = [row.low for row in self.accuracies()]
        return not lows or not self.chance or any(more_than_guessing(low, self.chance) for low in lows)

    @property
    def in_vain(self) -> str:
        """What is to be said then."""
        best = max(self.accuracies(), key=lambda row: row.value)
        return (
            f"Nothing here is right more often than always naming the commonest class, {self.chance:.1%}: the best is "
            f"{best.value:.1%} (95% interval {best.low:.1%} to {best.high:.1%}). So the figures say nothing."
        )


def _changed(value: Any, change: Callable[[PairedDifference], PairedDifference]) -> Any:
    """Return a value with every difference in it changed, wherever it lies."""
    if isinstance(value, PairedDifference):
        return change(value)
    if is_dataclass(value) and not isinstance(value, type):
        old = {entry.name: getattr(value, entry.name) for entry in fields(value)}
        new = {name: _changed(entry, change) for name, entry in old.items()}
        return value if all(new[name] is old[name] for name in old) else replace(value, **new)
    if isinstance(value, dict):
        return {key: _changed(entry, change) for key, entry in value.items()}
    if isinstance(value, tuple) and value and not isinstance(value[0], float | str):
        entries = tuple(_changed(entry, change) for entry in value)
        return entries if any(new is not old for new, old in zip(entries, value, strict=True)) else value
    return value


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
