"""How many pictures: accuracy against pictures a class, a fitted power law, and what doubling would buy.

Source:
    Cortes et al. 1994, NIPS 6 (error = a n^-b + c); Hestness et al. 2017, arXiv:1712.00409; Mahmood et al. 2022, CVPR
    (how far such fits extrapolate).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cnn_core.arithmetic.measures import Accuracy, FoldAccuracy
from cnn_core.training.lab.results import LabResult, nested, of_folds
from cnn_core.training.lab.spec import UpperBlocks, epochs, in_proportion, repeats, trainings
from cnn_core.training.spec import choices, numbers
from cnn_core.training.study import Study

ARMS = {"frozen": "Frozen", "fine_tuned": "Fine-tuned", "scratch": "From scratch"}
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class SizeOptions(UpperBlocks):
    """Options of the study."""

    kind: ClassVar[str] = "size"

    repeats: int = repeats(4)
    training_splits: int = trainings(2)
    epochs: int = epochs(3, "Passes over the most pictures; fewer pictures get as many steps.")
    arms: tuple[str, ...] = choices(("frozen", "fine_tuned"), lambda: ARMS, "Arms", "What is trained.")
    sizes: tuple[int, ...] = numbers(
        SIZES, 1, 100_000, "Pictures a class", "And all; networks are trained on a few of them only, unless chosen."
    )


@dataclass(frozen=True)
class SizePoint:
    """Accuracy with so many training pictures a class."""

    pictures: int
    accuracy: FoldAccuracy


@dataclass(frozen=True)
class LawCurve:
    """A fitted law drawn: accuracy at some numbers of pictures a class, with the band of 95% of the fits."""

    pictures: tuple[float, ...]
    accuracy: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Fit:
    """error = a n^(−b) + c, and what it says of twice as many pictures.

    Attributes:
        a, b, c: Its numbers.
        at: Twice the largest number of pictures a class.
        predicted, low, high: Accuracy there, with 95% of the bootstrapped fits.
        gain_points, gain_low, gain_high: What that is more than now, in percentage points.
        corrected: Whether the intervals allow for divisions that share pictures; until version 0.2 they did not.
        curve: To be drawn.
    """

    a: float
    b: float
    c: float
    at: int
    predicted: float
    low: float
    high: float
    gain_points: float
    gain_low: float
    gain_high: float
    curve: LawCurve
    corrected: bool = False

    def foresees(self, now: SizePoint) -> bool:
        """Tell whether it predicts more than is measured `now`; a law that does not has nothing to say."""
        return self.predicted > now.accuracy.mean

    def words(self, now: SizePoint) -> str:
        """Say what twice as many pictures would buy, where the law and what is measured `now` allow to."""
        law = f"error ≈ {self.a:.2f} · n^−{self.b:.2f} + {self.c:.3f}."
        double = f"Doubling {now.pictures} pictures a class to {self.at}"
        interval = f"(95% interval {self.gain_low:.1f} to {self.gain_high:.1f})"
        if not self.foresees(now):
            return (
                f"{law} It fits too loosely to predict: at {self.at} pictures a class it would be right on "
                f"{self.predicted:.3f}, and {now.accuracy.mean:.3f} is measured at {now.pictures} already."
            )
        if not self.corrected:
            return (
                f"{law} {double} would buy {self.gain_points:.1f} points by this law. Its interval, "
                f"{self.gain_low:.1f} to {self.gain_high:.1f}, does not allow for pictures that divisions share: it "
                "is too narrow. Measure again."
            )
        if round(self.gain_low, 1) <= 0:
            gain = f"{double.lower()} would buy {self.gain_points:.1f} points {interval}"
            return f"{law} Whether more pictures pay cannot be told: {gain}."
        return f"{law} {double} would buy {self.gain_points:.1f} points {interval}, to {self.predicted:.3f}."


@dataclass(frozen=True)
class Law:
    """The fit where the data support one; else, in words, why they do not."""

    words: str
    fit: Fit | None = None


@dataclass(frozen=True)
class SizeArm:
    """One of ARMS; the law is None until all its points are known."""

    name: str
    points: tuple[SizePoint, ...] = ()
    law: Law | None = None

    @property
    def words(self) -> str:
        """What its law says; empty before it is known."""
        if self.law is None:
            return ""
        return f"{ARMS[self.name]}: {self.law.fit.words(self.points[-1]) if self.law.fit else self.law.words}"


@dataclass(frozen=True)
class SizeResult(LabResult):
    """What the study has found; the draws of one fold are nested, and the same for all arms."""

    arms: tuple[SizeArm, ...] = ()

    def arm(self, name: str) -> SizeArm:
        """Return what is known of an arm, an empty one if nothing is."""
        return next((arm for arm in self.arms if arm.name == name), SizeArm(name))

    def told(self) -> tuple[str, ...]:
        """Return what each arm's law says."""
        return tuple(arm.words for arm in self.arms if arm.words)

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read version 0.1: arms by their name, figures flat, a law that is words and perhaps more."""
        arms = [
            {"name": name, "points": [nested(point) for point in arm["points"]], "law": _law(arm.get("law"))}
            for name, arm in (values.get("arms") or {}).items()
        ]
        return {**values, "arms": arms}

    def accuracies(self) -> list[Accuracy]:
        """Return a row an arm: of the largest number of pictures."""
        return [
            of_folds(f"{arm.name.replace('_', '-')}, {arm.points[-1].pictures} a class", arm.points[-1].accuracy)
            for arm in self.arms
            if arm.points
        ]


def _law(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {"words": values["words"], "fit": values if "a" in values else None}


def _work(options: SizeOptions) -> float:
    """A step through all blocks costs about five times one through the upper ones, a probe next to nothing."""
    trained = ("fine_tuned" in options.arms) + 5 * ("scratch" in options.arms)
    return options.training_splits * options.epochs * trained + 0.1 * options.folds * options.repeats


STUDY = Study(
    key=SizeOptions.kind,
    question="How many pictures do I need?",
    options=SizeOptions,
    result=SizeResult,
    job="cnn_core.training.lab.size_job:study",
    seconds=in_proportion(71.0, _work, SizeOptions()),
)
