"""Which pictures hurt: likely label errors, near-duplicates, the map of all pictures, calibration, "none of these".

Source:
    Northcutt, Jiang & Chuang 2021, JAIR 70, "Confident Learning", section 3; Guo et al. 2017, arXiv:1706.04599
    (calibration).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from cnn_core.arithmetic.measures import Accuracy, Share
from cnn_core.arithmetic.verdicts import signed
from cnn_core.pictures.items import count
from cnn_core.training.lab.results import LabResult, share_of
from cnn_core.training.lab.spec import OnBackbone, in_proportion
from cnn_core.training.spec import number
from cnn_core.training.study import Study

MAX_PAIRS = 200  # of look-alikes that are kept
INTERVALS = "95% intervals: of shares Wilson's, of how sure it is Student's t over the pictures"


@dataclass(frozen=True)
class LabelsOptions(OnBackbone):
    """Options of the study."""

    kind: ClassVar[str] = "labels"

    flip: float = number(
        0.0, 0.0, 0.5, "Labels to exchange at random beforehand", "To see how many of them the check finds."
    )


@dataclass(frozen=True)
class Neighbour:
    """A picture that is like another: cosine of their features, centred."""

    digest: str
    name: str
    label: str
    similarity: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a head that was not shown a picture says of it, and why.

    Attributes:
        label: The given one.
        said: The class that the head says.
        probabilities: Of each class.
        maps: Of the class said and of the label: float32 `(h, w)`, at least 0, in units of the logit over the number of
            positions.
        seen: uint8 `(H, W, 3)`, the picture as the network sees it.
        nearest: The training pictures of this head that are most alike.
    """

    label: str
    said: str
    probabilities: Mapping[str, float]
    maps: Mapping[str, np.ndarray]
    seen: np.ndarray
    nearest: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Suspect:
    """A likely label error.

    Attributes:
        digest, name, label: Of the picture, as it is labelled.
        suggested: The class that the head says, with its `probability`.
        probability_of_label: That of the given class.
        nearest: The pictures that are most alike.
    """

    digest: str
    name: str
    label: str
    suggested: str
    probability: float
    probability_of_label: float
    nearest: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Finding:
    """How many labels that were exchanged on purpose are among the suspects; a share of nothing is None."""

    flipped: int
    found: int
    hits: int
    precision: Share | None
    recall: Share | None

    @property
    def words(self) -> str:
        """What that means."""
        shares = ", ".join(
            f"{name} {share.value:.2f} (95% interval {share.low:.2f} to {share.high:.2f})"
            for name, share in (("precision", self.precision), ("recall", self.recall))
            if share
        )
        words = f"Of {self.flipped} labels exchanged on purpose {self.hits} are among the {self.found} suspects"
        return f"{words}: {shares}." if shares else f"{words}."


@dataclass(frozen=True)
class Pair:
    """Two pictures that are nearly the same to the network.

    Attributes:
        first, second: Their digests.
        names, labels: Likewise two.
        similarity: Cosine of their features, centred.
        identical: The very same picture.
        across_classes: Under two labels.
        across_parts: In two parts of a split.
    """

    first: str
    second: str
    names: tuple[str, str]
    labels: tuple[str, str]
    similarity: float
    identical: bool
    across_classes: bool
    across_parts: bool


@dataclass(frozen=True)
class MapPoint:
    """A picture on the map: what it is labelled, what a head says that was not shown it, and where it lies."""

    digest: str
    name: str
    label: str
    said: str
    right: bool
    probability_of_label: float
    pca: tuple[float, float]
    tsne: tuple[float, float]


def listed(pairs: Sequence[Pair]) -> str:
    """Return how many pairs there are, and that no more are kept where there may be more."""
    return count(len(pairs), "pair") + (" (no more are listed)" if len(pairs) == MAX_PAIRS else "")


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence: from `low` on, their mean, and how many of them are right."""

    low: float
    confidence: float
    right: Share


@dataclass(frozen=True)
class ClassError:
    """Calibration error of a class's own probability, one against the rest."""

    name: str
    ece: float


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy.

    Attributes:
        bins: The non-empty ones of ten of equal width.
        ece: Expected calibration error: the mean gap, weighted by pictures.
        per_class: The same of each class.
        gap: By how many points it is surer than it is right, on average; None of results until version 0.2.
        low, high: Of its 95% interval over the pictures, by Student's t; None where they are all alike.
    """

    bins: tuple[Bin, ...]
    ece: float
    per_class: tuple[ClassError, ...]
    gap: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """What that means."""
        mean = f"expected calibration error {self.ece:.3f}"
        if self.gap is None:
            return f"Whether the probe is surer than it is right beyond chance was not measured; {mean}."
        if self.low is None or self.high is None:
            return f"That its sureness and its being right differ by {abs(self.gap):.1f} points may be chance; {mean}."
        interval = f"95% interval {signed(self.low)} to {signed(self.high)}"
        if self.low <= 0 <= self.high:
            return f"Nothing shows the probe to be surer or less sure than it is right ({interval} points); {mean}."
        tendency = "surer" if self.gap > 0 else "less sure"
        return f"The probe is {abs(self.gap):.1f} points {tendency} than it is right ({interval}); {mean}."


@dataclass(frozen=True)
class Threshold:
    """A threshold on the largest probability: the share of right answers that it keeps, and of wrong ones refused."""

    threshold: float
    kept_right: float
    refused_wrong: float
    words: str


@dataclass(frozen=True)
class Withheld:
    """A class that the head was not shown: which share of its pictures the threshold refuses."""

    name: str
    refused: Share


@dataclass(frozen=True)
class RefusalPoint:
    """What one threshold does: the share of own pictures answered, the accuracy of these, the unseen ones refused."""

    threshold: float
    answered: float
    accuracy: float
    unseen_refused: float

    @property
    def words(self) -> str:
        """What that means."""
        passed, lost = 1 - self.unseen_refused, 1 - self.answered
        return (
            f"At {self.threshold:.2f}, {passed:.0%} of the pictures of a class it does not know still get an answer, "
            f"and {lost:.0%} of those of its own classes get none. "
        ) + (
            "A threshold on the largest probability is no safeguard: give it a class of other things."
            if passed > 0.2
            else "The price is the pictures of its own classes that it refuses."
        )


@dataclass(frozen=True)
class Refusal(Threshold):
    """The chosen threshold, and, with three classes or more, what it and all others do with a class not shown."""

    unseen: tuple[Withheld, ...] = ()
    curve: tuple[RefusalPoint, ...] = ()


@dataclass(frozen=True)
class LabelsResult(LabResult):
    """What the study has found; what it has not come to is None.

    Attributes:
        accuracy: Out of fold.
        suspects: Likely label errors, the surest first.
        finding: Of labels exchanged on purpose, where there were any.
        duplicates: Pairs that look alike, the most alike first.
        map: A point a picture.
        calibration: Whether probabilities mean what they say.
        none_of_these: Below which to answer "none of these".
    """

    accuracy: Share | None = None
    suspects: tuple[Suspect, ...] | None = None
    finding: Finding | None = None
    duplicates: tuple[Pair, ...] | None = None
    map: tuple[MapPoint, ...] | None = None
    calibration: Reliability | None = None
    none_of_these: Refusal | None = None

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read version 0.1, where a share was a number and its interval lay beside it."""
        new = dict(values)
        if accuracy := values.get("accuracy"):
            low, high = accuracy["interval"]
            new["accuracy"] = {"correct": accuracy["correct"], "total": accuracy["total"], "low": low, "high": high}
        if finding := values.get("finding"):
            new["finding"] = {
                **finding,
                "precision": _share_or_none(finding["precision"], finding["precision_interval"], finding["found"]),
                "recall": _share_or_none(finding["recall"], finding["recall_interval"], finding["flipped"]),
            }
        if calibration := values.get("calibration"):
            new["calibration"] = {
                **calibration,
                "bins": [
                    {**entry, "right": share_of(entry["accuracy"], entry["interval"], entry["pictures"])}
                    for entry in calibration["bins"]
                ],
                "per_class": [{"name": entry["class"], "ece": entry["ece"]} for entry in calibration["per_class"]],
            }
        if refusal := values.get("none_of_these"):
            of = Counter(point["label"] for point in values.get("map", ()))
            unseen = [
                {"name": each["class"], "refused": share_of(each["refused"], each["interval"], of[each["class"]])}
                for each in refusal["unseen"]
            ]
            new["none_of_these"] = {**refusal, "unseen": unseen}
        return new

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; until version 0.2 a picture could be a suspect whose label was the answer."""
        found = super().from_json(values)
        if found.suspects is None:
            return found
        return replace(found, suspects=tuple(s for s in found.suspects if s.suggested != s.label)).settled()

    def settled(self) -> Self:
        """Return it with its sentences; it compares no folds, so that its intervals are others than all studies'."""
        return replace(super().settled(), intervals=self.intervals and INTERVALS)

    def told(self) -> tuple[str, ...]:
        """Return how much there is to look at, and what the probe's probabilities are worth."""
        told = []
        if self.suspects is not None and self.accuracy:
            told.append(f"{len(self.suspects)} of {self.accuracy.total} labels are suspected of being wrong.")
        if self.finding:
            told.append(self.finding.words)
        if self.duplicates is not None:
            across = sum(pair.across_classes for pair in self.duplicates)
            told.append(f"{listed(self.duplicates)} look alike, {across} of them under two labels.")
        return (*told, *(found.words for found in (self.calibration, self.none_of_these) if found))

    def accuracies(self) -> list[Accuracy]:
        """Return one row."""
        right = self.accuracy
        return [Accuracy("out of fold", right.value, right.low, right.high)] if right else []


def _share_or_none(value: float, interval: list[float] | None, total: int) -> dict[str, Any] | None:
    return None if interval is None else share_of(value, interval, total)


STUDY = Study(
    key=LabelsOptions.kind,
    question="Which pictures hurt?",
    options=LabelsOptions,
    result=LabelsResult,
    job="cnn_core.training.lab.labels_job:study",
    seconds=in_proportion(23.0, lambda options: options.folds * options.repeats, LabelsOptions()),
)
