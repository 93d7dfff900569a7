"""What studies on the digits share: repetitions from several seeds, and what an epoch of one measures. Light."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from cnn_core.training.spec import MAX_SEED, Spec, number

COMMONEST = 0.14  # of the digits that are trained on or tested on no digit is more: 0.108 and 0.131


@dataclass(frozen=True)
class Repeated(Spec):
    """Options of trainings that are repeated, each time with other weights and another order or choice of pictures.

    Attributes:
        seeds: How often; the same seeds for all networks that are compared.
        seed: The first of them.
    """

    seeds: int = number(3, 1, 10, "Seeds", "Repetitions, each with other weights, the same for all networks.")
    seed: int = number(0, 0, MAX_SEED - 99, "First seed", "The first of them, of weights and order; the others follow.")

    @property
    def seed_list(self) -> range:
        """The seeds of the repetitions, one after the other."""
        return range(self.seed, self.seed + self.seeds)


@dataclass(frozen=True)
class EpochFigures:
    """What an epoch measured.

    Attributes:
        epoch: From 1 on.
        train_loss, train_error: Means over the epoch's batches, each measured before its step.
        test_error: Of the test pictures, after the epoch; errors are shares of pictures, 0 to 1.
        seconds: That it took.
    """

    epoch: int
    train_loss: float
    train_error: float
    test_error: float
    seconds: float


@dataclass(frozen=True)
class Pictures:
    """How many pictures were for training, for testing, and for choosing a learning rate."""

    train: int
    test: int
    validation: int = 0


def right_on_average(accuracies: Sequence[float], tested: int) -> int:
    """Return how many of the tested pictures were right, on average over the seeds.

    Example:
        >>> right_on_average([0.9, 0.8], tested=20)
        17
    """
    return round(mean(accuracies) * tested)
