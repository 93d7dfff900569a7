"""The same frozen experiment over all networks at hand: accuracy against time, multiply-adds and size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cnn_core.arithmetic.measures import Accuracy, FoldAccuracy
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.training.lab.results import LabResult, of_folds
from cnn_core.training.lab.spec import OnBackbone, in_proportion, networks, several_networks
from cnn_core.training.spec import choice
from cnn_core.training.study import Study


@dataclass(frozen=True)
class BackbonesOptions(OnBackbone):
    """Options of the study."""

    kind: ClassVar[str] = "backbones"

    backbone: str = choice(DEFAULT, networks, "Compare with", "The network that the others are compared with.")
    backbones: tuple[str, ...] = several_networks()


@dataclass(frozen=True)
class Costs:
    """What a network costs.

    Attributes:
        milliseconds: A picture, median of batches of eight on this machine.
        macs: Multiply-adds a picture; None where a layer's cannot be counted.
        params: Parameters and BatchNorm statistics, without classifier.
        megabytes: Of its weights in float32.
    """

    milliseconds: float
    macs: int | None
    params: int
    megabytes: float


@dataclass(frozen=True)
class Compared:
    """One network.

    Attributes:
        name: Key of `backbones.BACKBONES`.
        title: For people.
        licence: Of its weights.
        imagenet_top1: Accuracy as published with them, in percent.
        unavailable: Why it is not here, as a sentence; empty if it is.
        accuracy: Of a linear probe.
        costs: What it takes.
        paired: With the network that all are compared with; None for itself.
    """

    name: str
    title: str
    licence: str
    imagenet_top1: float
    unavailable: str = ""
    accuracy: FoldAccuracy | None = None
    costs: Costs | None = None
    paired: PairedDifference | None = None

    @property
    def words(self) -> str:
        """What that comes to."""
        right, costs = self.accuracy, self.costs
        if right is None or costs is None:
            return self.unavailable
        macs = "" if costs.macs is None else f"{costs.macs / 1e6:.0f} M multiply-adds, "
        words = (
            f"{self.title}: accuracy {right.mean:.3f} ({right.low:.3f} to {right.high:.3f}), "
            f"{costs.milliseconds:.1f} ms a picture, {macs}{costs.megabytes:.0f} MB."
        )
        return f"{words} {self.paired.words}" if self.paired else words


@dataclass(frozen=True)
class BackbonesResult(LabResult):
    """What the study has found, the network first that the others are compared with."""

    backbones: tuple[Compared, ...] = ()

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read version 0.1, where costs lay flat."""
        found = [{**entry, "costs": entry if "accuracy" in entry else None} for entry in values.get("backbones", ())]
        return {**values, "backbones": found}

    def told(self) -> tuple[str, ...]:
        """Return what each network reaches and costs, and how it compares with the first; or why it is not here."""
        return tuple(network.words for network in self.backbones)

    def accuracies(self) -> list[Accuracy]:
        """Return a row a network that is here."""
        return [of_folds(network.title, network.accuracy) for network in self.backbones if network.accuracy]


STUDY = Study(
    key=BackbonesOptions.kind,
    question="Which network should I take?",
    options=BackbonesOptions,
    result=BackbonesResult,
    job="cnn_core.training.lab.backbones_job:study",
    seconds=in_proportion(
        3.5, lambda options: len(options.backbones or BACKBONES), BackbonesOptions(backbones=(DEFAULT,))
    ),
)
