"""What every study of the laboratory is asked: how the pictures are divided, on which network it builds, how it trains.

A study's own options derive from one of these and stand in its module. Light: no Keras.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.pictures.bursts import too_few_for_folds
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.spec import OnPictures, Spec, choice, choices, number, seed

MEASURED_PICTURES = 300  # of which the studies' costs were measured


def networks() -> dict[str, str]:
    """Return the names of the backbones, with their titles."""
    return {name: record.title for name, record in BACKBONES.items()}


def repeats(default: int = 2) -> Any:
    """Return the field that says how often the pictures are divided."""
    return number(default, 1, 20, "Repeats", "How often the pictures are divided anew.")


def trainings(default: int = 3) -> Any:
    """Return the field that says on how many divisions a network is trained."""
    about = "On how many of the divisions (folds × repeats) a network is trained; training is slow."
    return number(default, 1, 400, "Trainings", about)


def epochs(default: int = 4, about: str = "Passes over the training pictures.") -> Any:
    """Return the field of the epochs."""
    return number(default, 1, 100, "Epochs", about)


def several_networks() -> Any:
    """Return the field of the networks that are compared; none stands for all that are on this machine."""
    about = "Of these; without any, of all that are here."
    return choices((), networks, "Networks", about, fewest=0, empty="All that are here")


@dataclass(frozen=True)
class LabOptions(Spec):
    """How a study divides the pictures.

    Attributes:
        kind: Key of the study that these options belong to; not an option itself, but part of the JSON.
        folds: Parts into which the pictures are divided; each is tested on once a repeat.
        repeats: How often they are divided anew.
        seed: Of divisions, draws, order and new weights.
    """

    kind: ClassVar[str] = ""
    # Version 0.1 wrote the options of all studies into the spec of each.
    foreign: ClassVar[frozenset[str]] = frozenset(
        {"kind", "backbone", "training_splits", "epochs", "batch_size", "head_learning_rate", "fine_tune_learning_rate"}
        | {"unfreeze_blocks", "frozen_blocks", "arms", "sizes", "recipes", "policies", "backbones", "flip"}
    )

    folds: int = number(5, 2, 20, "Folds", "Parts that the pictures are divided into; each is tested on once a repeat.")
    repeats: int = repeats()
    seed: int = seed()

    @classmethod
    def of(cls, **chosen: Any) -> Self:
        """Return what is chosen, and the defaults for the rest: for a page and a command, where little is chosen."""
        return cls(**chosen)

    @property
    def network(self) -> str:
        """Name of the backbone as which the pictures are looked at."""
        return DEFAULT

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, the study's key among them."""
        return {"kind": self.kind, **super().to_json()}


@dataclass(frozen=True)
class OnBackbone(LabOptions):
    """Options of a study that builds on one network."""

    backbone: str = choice(DEFAULT, networks, "Backbone", "The pretrained network.")

    @property
    def network(self) -> str:
        """Name of the backbone as which the pictures are looked at."""
        return self.backbone

    @property
    def blocks(self) -> int:
        """Number of blocks of the network."""
        return len(BACKBONES[self.backbone].block_starts)


@dataclass(frozen=True)
class Training(OnBackbone):
    """Options of a study that trains blocks.

    Example:
        >>> Training(folds=2, repeats=1)
        Traceback (most recent call last):
        cnn_core.pictures.items.SpecRefused: training_splits is 3; expected 1 to 2, which is folds × repeats.
        >>> Training.of(folds=2, repeats=1).training_splits  # nobody has asked for three
        2
    """

    training_splits: int = trainings()
    epochs: int = epochs()
    batch_size: int = number(16, 1, 256, "Batch size", "Pictures a step.")
    head_learning_rate: float = number(1e-3, 1e-7, 1.0, "Learning rate of new weights", "Adam's, of the head.")
    fine_tune_learning_rate: float = number(1e-4, 1e-7, 1.0, "Learning rate of pretrained blocks", "Adam's.")

    @classmethod
    def of(cls, **chosen: Any) -> Self:
        """Return what is chosen, and the defaults for the rest: no more trainings than there are divisions."""
        folds, times = chosen.get("folds", cls.folds), chosen.get("repeats", cls.repeats)
        if isinstance(folds, int) and isinstance(times, int):  # or else they are refused by name
            chosen.setdefault("training_splits", max(1, min(cls.training_splits, folds * times)))
        return cls(**chosen)

    def check(self) -> None:
        """Refuse more trainings than divisions."""
        most = self.folds * self.repeats
        if self.training_splits > most:
            raise SpecRefused(
                f"training_splits is {self.training_splits}; expected 1 to {most}, which is folds × repeats."
            )


@dataclass(frozen=True)
class UpperBlocks(Training):
    """Options of a study that trains the topmost blocks, always as many."""

    unfreeze_blocks: int = number(6, 1, 100, "Blocks to train", "Topmost blocks of the network.")

    def check(self) -> None:
        """Refuse more blocks than the network has."""
        super().check()
        if self.unfreeze_blocks > self.blocks:
            raise SpecRefused(
                f"unfreeze_blocks is {self.unfreeze_blocks}; expected 1 to {self.blocks}: {self.backbone} has no more."
            )


@dataclass(frozen=True)
class LabSpec(OnPictures[LabOptions]):
    """Pictures and options: all that a run of kind `lab` needs, by value.

    Pictures whose `part` is `test` take no part in it: what is chosen here can still be tested on them.

    Raises:
        SpecRefused: If there are too few classes, pictures or recordings, or a class cannot be in every fold.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        counts = Counter(item.label for item in self.items if item.part != "test")
        fewest = min(counts, key=lambda label: counts[label])
        if counts[fewest] < self.options.folds:
            raise SpecRefused(
                f"The class {fewest!r} has {counts[fewest]} pictures and there are {self.options.folds} folds. "
                "Choose fewer folds or add pictures: every class must be in every fold."
            )
        if trouble := too_few_for_folds([item for item in self.items if item.part != "test"], self.options.folds):
            raise SpecRefused(trouble)


def commonest_share(labels: Iterable[str]) -> float:
    """Return the accuracy of always naming the commonest class.

    Example:
        >>> commonest_share(["cat", "dog", "cat", "cat"])
        0.75
    """
    counts = Counter(labels)
    return max(counts.values()) / counts.total()


def in_proportion(seconds: float, work: Callable[[Any], float], usual: LabOptions) -> Callable[[Any, int], float]:
    """Return the cost model of a study whose processor time goes with the pictures and with some count of its work.

    Args:
        seconds: Measured with MEASURED_PICTURES photos in 5 classes, EfficientNet-Lite0, features kept, on two cores of
            an AMD EPYC: `cpu_seconds` of `python -m cnn_core lab STUDY clothing5/train --json`.
        work: Counts what an options' work is.
        usual: The options that were measured.

    Example:
        >>> cost = in_proportion(60.0, lambda options: options.folds, LabOptions(folds=5))
        >>> cost(LabOptions(folds=10), 150)
        60.0
    """
    return lambda options, pictures: seconds * pictures / MEASURED_PICTURES * work(options) / work(usual)
