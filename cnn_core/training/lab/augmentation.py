"""Augmentation, seen before it is used and measured: the same head and the same upper blocks with it and without.

Source:
    Shorten & Khoshgoftaar 2019, Journal of Big Data 6:60, "Geometric transformations" (mirroring, shifting, zooming).
"""

from dataclasses import dataclass, field
from typing import ClassVar

from cnn_core.arithmetic.measures import Accuracy, FoldAccuracy
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.training.lab.results import LabResult, of_folds
from cnn_core.training.lab.spec import UpperBlocks, epochs, in_proportion, trainings
from cnn_core.training.spec import choices
from cnn_core.training.study import Study

# The whole of `copies.augmentation`, and each of its parts.
POLICIES = {"all": "Mirror, shift and zoom", "mirror": "Mirror", "shift": "Shift", "zoom": "Zoom"}


@dataclass(frozen=True)
class AugmentationOptions(UpperBlocks):
    """Options of the study."""

    kind: ClassVar[str] = "augmentation"

    epochs: int = epochs(3, "Passes over the training pictures, and copies of each.")
    training_splits: int = trainings(3)
    policies: tuple[str, ...] = choices(("all",), lambda: POLICIES, "Policies", "What the copies differ in.")


@dataclass(frozen=True)
class Effect:
    """The accuracy with augmentation, and its difference to the one without on the same folds."""

    accuracy: FoldAccuracy
    paired: PairedDifference


@dataclass(frozen=True)
class Policy:
    """One of POLICIES: its effect on `frozen` (a linear head) and on `fine_tuned` (the upper blocks trained on)."""

    policy: str
    title: str
    arms: dict[str, Effect]


@dataclass(frozen=True)
class AugmentationResult(LabResult):
    """What the study has found.

    Attributes:
        copies: Of each training picture.
        without: Accuracy of each arm without augmentation.
        policies: What each changes.
    """

    copies: int = 0
    without: dict[str, FoldAccuracy] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()

    def told(self) -> tuple[str, ...]:
        """Return what each policy does to each arm."""
        return tuple(
            f"{policy.title}. {effect.paired.words}" for policy in self.policies for effect in policy.arms.values()
        )

    def accuracies(self) -> list[Accuracy]:
        """Return a row an arm without, and one with each policy."""
        rows = [of_folds(f"{_written(arm)}, none", figures) for arm, figures in self.without.items()]
        return rows + [
            of_folds(f"{_written(arm)}, {policy.title.lower()}", effect.accuracy)
            for policy in self.policies
            for arm, effect in policy.arms.items()
        ]


def _written(arm: str) -> str:
    return arm.replace("_", "-")


def _work(options: AugmentationOptions) -> float:
    return options.training_splits * options.epochs * (1 + len(options.policies)) * options.unfreeze_blocks


STUDY = Study(
    key=AugmentationOptions.kind,
    question="Does augmentation help?",
    options=AugmentationOptions,
    result=AugmentationResult,
    job="cnn_core.training.lab.augmentation_job:study",
    seconds=in_proportion(139.0, _work, AugmentationOptions()),
)
