"""What wrong preprocessing costs: for every backbone at hand, on the reader's pictures.

Two prices: how often the network's own ImageNet answer stays the same, and how much accuracy the reader's linear head
loses, which was trained on rightly prepared pictures and is asked about wrongly prepared ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cnn_core.arithmetic.measures import Accuracy, FoldAccuracy, Share
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.training.lab.results import LabResult, of_folds, share_of
from cnn_core.training.lab.spec import LabOptions, in_proportion, several_networks
from cnn_core.training.study import Study


@dataclass(frozen=True)
class SabotageOptions(LabOptions):
    """Options of the study."""

    kind: ClassVar[str] = "sabotage"

    backbones: tuple[str, ...] = several_networks()

    @property
    def network(self) -> str:
        """Name of the backbone as which the pictures are looked at for mismatches of their own: the first."""
        return (*self.backbones, DEFAULT)[0]


@dataclass(frozen=True)
class Mistake:
    """One wrong preprocessing of one network.

    Attributes:
        name: Key of `distortions.DISTORTIONS`.
        title: For people.
        about: What the first convolution receives.
        not_applicable: Why it is no mistake for this network, as a sentence; empty where it is one.
        accuracy: Of the head that was trained on the right input.
        loss: Against the right preprocessing on the same folds.
        agreement: Pictures whose ImageNet answer stays; None where the network has no classifier here.
    """

    name: str
    title: str
    about: str
    not_applicable: str = ""
    accuracy: FoldAccuracy | None = None
    loss: PairedDifference | None = None
    agreement: Share | None = None


@dataclass(frozen=True)
class Sabotaged:
    """One network: why it is not here, or `right` (the accuracy of its head) and what each mistake costs."""

    name: str
    title: str
    unavailable: str = ""
    right: FoldAccuracy | None = None
    distortions: tuple[Mistake, ...] = ()

    @property
    def words(self) -> str:
        """What the worst of them costs, and which cost nothing that is beyond chance; empty while none was made."""
        made = [(mistake.title, mistake.loss) for mistake in self.distortions if mistake.loss]
        harmful = [loss for _, loss in made if loss.worse]
        harmless = "; ".join(title for title, loss in made if not loss.worse)
        if not made:
            return ""
        if not harmful:
            return f"{self.title}: no mistake costs anything that is clearly more than chance: {harmless}."
        words = f"{self.title}: {min(harmful, key=lambda loss: loss.points).words}"
        return f"{words} No loss that is clearly more than chance: {harmless}." if harmless else words


@dataclass(frozen=True)
class SabotageResult(LabResult):
    """What the study has found: sentences on what these pictures are likely to suffer, and the networks."""

    mismatches: tuple[str, ...] = ()
    backbones: tuple[Sabotaged, ...] = ()

    def network(self, name: str) -> Sabotaged | None:
        """Return what is known of a network, None if it has not been begun."""
        return next((network for network in self.backbones if network.name == name), None)

    def told(self) -> tuple[str, ...]:
        """Return what the mistakes cost each network, and what these pictures may suffer."""
        return (*filter(None, (network.words for network in self.backbones)), *self.mismatches)

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read version 0.1, where an agreement had an interval and no numbers."""
        networks = [
            {**network, "distortions": [_mistake(each, values["pictures"]) for each in network.get("distortions", ())]}
            for network in values.get("backbones", ())
        ]
        return {**values, "backbones": networks}

    def accuracies(self) -> list[Accuracy]:
        """Return a row a network: with the right preprocessing."""
        return [of_folds(f"{network.title}, right", network.right) for network in self.backbones if network.right]


def _mistake(values: Mapping[str, Any], pictures: int) -> dict[str, Any]:
    value = values.get("agreement")
    agreement = None if value is None else share_of(value, values["agreement_interval"], pictures)
    return {**values, "agreement": agreement}


STUDY = Study(
    key=SabotageOptions.kind,
    question="What does wrong preprocessing cost?",
    options=SabotageOptions,
    result=SabotageResult,
    job="cnn_core.training.lab.sabotage_job:study",
    seconds=in_proportion(
        101.0, lambda options: len(options.backbones or BACKBONES), SabotageOptions(backbones=(DEFAULT,))
    ),
)
