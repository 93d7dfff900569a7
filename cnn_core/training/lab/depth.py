"""Transferability by depth: a linear probe after every stage, and Yosinski's cut at small scale.

Source:
    Alain & Bengio 2016, arXiv:1610.01644 (probes); Yosinski et al. 2014, arXiv:1411.1792, section 4 (freeze the first
    n layers, train the rest on the new task).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cnn_core.arithmetic.measures import Accuracy, FoldAccuracy
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.lab.results import LabResult, nested, of_folds
from cnn_core.training.lab.spec import Training, epochs, in_proportion, trainings
from cnn_core.training.spec import numbers
from cnn_core.training.study import Study


@dataclass(frozen=True)
class DepthOptions(Training):
    """Options of the study.

    Example:
        >>> DepthOptions(frozen_blocks=(18,))
        Traceback (most recent call last):
        cnn_core.pictures.items.SpecRefused: frozen_blocks has 18; efficientnet_lite0 has 17 blocks.
    """

    kind: ClassVar[str] = "depth"

    training_splits: int = trainings(2)
    epochs: int = epochs(2)
    frozen_blocks: tuple[int, ...] = numbers(
        (),
        -100,
        100,
        "Lowest blocks that stay fixed, a training each",
        "Negative counts from the top; without any, the upper ends of stages. 0 trains the whole network: minutes.",
        fewest=0,
        empty="The upper ends of stages",
    )

    def check(self) -> None:
        """Refuse more fixed blocks than the network has."""
        super().check()
        for frozen in self.frozen_blocks:
            if abs(frozen) > self.blocks:
                raise SpecRefused(f"frozen_blocks has {frozen}; {self.backbone} has {self.blocks} blocks.")


@dataclass(frozen=True)
class Place:
    """A depth of the network.

    Attributes:
        frozen_blocks: Lowest blocks whose pretrained weights are used as they are.
        blocks: In all.
        name: For people.
        accuracy: There.
    """

    frozen_blocks: int
    blocks: int
    name: str
    accuracy: FoldAccuracy


@dataclass(frozen=True)
class Stage(Place):
    """A linear probe on what a stage puts out, of so many channels."""

    channels: int


@dataclass(frozen=True)
class Cut(Place):
    """A network whose blocks above the place were trained; `paired` with the one in which none was (not for itself)."""

    paired: PairedDifference | None = None


@dataclass(frozen=True)
class DepthResult(LabResult):
    """What the study has found, from the bottom to the top; the last cut has everything frozen.

    Attributes:
        stages: Probes.
        cuts: Networks.
        rise: The best stage against the lowest; None if that is the best, and of version 0.1.
        peak: The best stage against the top; None if that is the best, and of version 0.1.
    """

    stages: tuple[Stage, ...] = ()
    cuts: tuple[Cut, ...] = ()
    rise: PairedDifference | None = None
    peak: PairedDifference | None = None

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read version 0.1: figures flat, the differences in a list of their own."""
        paired = {pair["frozen_blocks"]: pair for pair in values.get("paired", ())}
        cuts = [nested(cut) | {"paired": paired.get(cut["frozen_blocks"])} for cut in values.get("cuts", ())]
        return {**values, "stages": [nested(stage) for stage in values.get("stages", ())], "cuts": cuts}

    @property
    def best_stage(self) -> Stage:
        """The one with the highest mean, the highest lying among equals."""
        return max(reversed(self.stages), key=lambda stage: stage.accuracy.mean)

    def told(self) -> tuple[str, ...]:
        """Return where a probe reads most, and whether training above a cut paid."""
        return tuple(filter(None, (self._probes(), self._cuts())))

    def _probes(self) -> str:
        if not self.stages:
            return ""
        best, top = self.best_stage, self.stages[-1]
        means = ", ".join(f"{stage.accuracy.mean:.3f}" for stage in self.stages)
        words = f"Probe accuracy after each stage: {means}; highest after {best.name}"
        if best is top:
            grown = self.rise is not None and self.rise.better
            words += ", the top: it rises with depth." if grown else ", the top."
        elif self.peak is not None and self.peak.better:
            words += ", not at the top."
        else:
            words += "; that the top has less may be chance."
        return " ".join([words, *(pair.words for pair in (self.rise, self.peak) if pair)])

    def _cuts(self) -> str:
        compared = [cut for cut in self.cuts if cut.paired]
        if not compared:
            return ""
        frozen = self.cuts[-1]
        ahead = [cut for cut in compared if cut.paired and cut.paired.better]
        if ahead:
            best = max(ahead, key=lambda cut: cut.accuracy.mean)
            words = (
                f"Keeping {best.frozen_blocks} of {best.blocks} blocks and training the rest beat the frozen network "
                f"({best.accuracy.mean:.3f} against {frozen.accuracy.mean:.3f})."
            )
        else:
            words = (
                "On these pictures no fine-tuning is better than the frozen network beyond chance (mean "
                f"{frozen.accuracy.mean:.3f})."
            )
        return " ".join([words, *(cut.paired.words for cut in compared if cut.paired)])

    def accuracies(self) -> list[Accuracy]:
        """Return a row a probe and a row a cut."""
        probes = [of_folds(f"probe after {stage.name}", stage.accuracy) for stage in self.stages]
        return probes + [of_folds(f"{cut.frozen_blocks} blocks frozen", cut.accuracy) for cut in self.cuts]


def _work(options: DepthOptions) -> float:
    return options.training_splits * options.epochs * (len(options.frozen_blocks) or 2)


STUDY = Study(
    key=DepthOptions.kind,
    question="How deep do the features transfer?",
    options=DepthOptions,
    result=DepthResult,
    job="cnn_core.training.lab.depth_job:study",
    seconds=in_proportion(62.0, _work, DepthOptions()),
)
