"""LeNet-5 on the digits: options, and what a run found. Light.

Source:
    LeCun, Bottou, Bengio & Haffner 1998, Gradient-Based Learning Applied to Document Recognition, section II.B.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cnn_core.arithmetic.measures import Accuracy, Curve, Share
from cnn_core.training.results import Result
from cnn_core.training.spec import Spec, number, seed
from cnn_core.training.studies.published import shipped
from cnn_core.training.studies.repeats import EpochFigures
from cnn_core.training.study import Study

ARM = "lenet5"  # under which a run's network is stored


@dataclass(frozen=True)
class LeNet(Spec):
    """LeNet-5 on the digits.

    Attributes:
        epochs: Passes over the training pictures.
        batch_size: Pictures a step.
        learning_rate: Of Adam.
        shift: Training pictures are moved by up to so many of their 32 pixels, so that drawn digits need not sit well.
        seed: Of weights, order and shifts.
    """

    epochs: int = number(15, 1, 100, "Epochs", "Passes over the training pictures.")
    batch_size: int = number(32, 8, 512, "Pictures a step")
    learning_rate: float = number(1e-3, 1e-5, 0.1, "Learning rate", "Of Adam.")
    shift: int = number(2, 0, 6, "Moved while training", "Pictures are moved by up to so many of their 32 pixels.")
    seed: int = seed()


# What is found -------------------------------------------------------------------------------------------------------

Rows = tuple[tuple[float, ...], ...]


class BatchFigures(NamedTuple):
    """A point of the curve of batches: epochs done, and the means of loss and error since the point before."""

    done: float
    loss: float
    error: float


@dataclass(frozen=True)
class Misread:
    """A test digit that was read wrong.

    Attributes:
        index: Its place in scikit-learn's `load_digits`.
        digit: What it is.
        said: What LeNet-5 said.
        probability: Of what it said.
        pixels: Ink 0 to 16, `(8, 8)`.
    """

    index: int
    digit: int
    said: int
    probability: float
    pixels: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class LeNetResult(Result):
    """What a run found, or has found so far.

    Attributes:
        epochs: That ended.
        batches: The curve between them.
        kernels: The six first ones `(6, 5, 5)` before training and after each epoch; while it trains the newest only.
        accuracy: On the test pictures; None before they were tested, as all that follows.
        confusion: Rows are digits, columns what was said.
        errors: On the test pictures, the surest first.
        params: Of the network.
        model_bytes: Of the stored network.
        seconds: Of the run.
    """

    epochs: tuple[EpochFigures, ...] = ()
    batches: tuple[BatchFigures, ...] = ()
    kernels: tuple[tuple[Rows, ...], ...] = ()
    accuracy: Share | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    errors: tuple[Misread, ...] = ()
    params: int | None = None
    model_bytes: int | None = None
    seconds: float | None = None

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Version 0.1 kept the accuracy in four keys."""
        low, high = values["test_interval"]
        accuracy = {"correct": values["correct"], "total": values["total"], "low": low, "high": high}
        return {**values, "accuracy": accuracy}

    def accuracies(self) -> list[Accuracy]:
        """One row, with Wilson's interval."""
        found = self.accuracy
        return [Accuracy("LeNet-5", found.value, found.low, found.high)] if found else []

    def curves(self) -> list[Curve]:
        """One line."""
        epochs, accuracy = (entry.epoch for entry in self.epochs), (1 - entry.test_error for entry in self.epochs)
        return [Curve("LeNet-5", tuple(epochs), tuple(accuracy))] if self.epochs else []

    def lines(self) -> list[str]:
        """One sentence.

        Example:
            >>> LeNetResult(accuracy=Share(349, 359, 0.95, 0.98), seconds=20.0).lines()
            ['349 of 359 test digits right, in 20 s']
        """
        if self.accuracy is None:
            return ["It was not tested."]
        return [f"{self.accuracy.correct} of {self.accuracy.total} test digits right, in {self.seconds or 0:.0f} s"]


# In words ------------------------------------------------------------------------------------------------------------


def seen_words(said: int, seen: Mapping[int, float], usual: float) -> str:
    """Return what an answer is worth, by what the network has seen: an unlike drawing gets an answer too.

    Args:
        said: The digit that it reads.
        seen: How far from the drawing the most alike training picture of each digit lies.
        usual: How near that of 99 of 100 test digits lies.

    Example:
        >>> seen_words(2, {2: 1.0, 7: 1.5}, usual=2.0)
        'Of all digits that it has learnt, the one most like yours is a 2 as well.'
    """
    nearest = min(seen, key=lambda digit: seen[digit])
    kind = f"{'an' if nearest == 8 else 'a'} {nearest}"
    if not seen[nearest] <= usual:
        return (
            f"**It has seen nothing quite like yours**: even the most alike of its digits, {kind}, is farther from it "
            "than for 99 of 100 of its test digits. It answers all the same, and may be wrong however sure it is."
        )
    if nearest != said:
        return f"Of all digits that it has learnt, the one most like yours is **{kind}**: doubt its answer."
    return f"Of all digits that it has learnt, the one most like yours is {kind} as well."


# The record ----------------------------------------------------------------------------------------------------------


def expected_seconds(options: LeNet, pictures: int = 0) -> float:
    """Return what a run would take where the one that ships was computed: in proportion to its epochs."""
    return shipped(STUDY).provenance.seconds * options.epochs / LeNet().epochs


STUDY = Study(
    key="lenet",
    question="What does LeNet-5 learn from handwritten digits, and can it read yours?",
    options=LeNet,
    result=LeNetResult,
    job="cnn_core.training.studies.lenet_job:run",
    seconds=expected_seconds,
)
