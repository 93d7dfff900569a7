"""What an experiment on transfer has found: each arm on pictures that none has seen, and which is better. Light."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from cnn_core.arithmetic.measures import Accuracy, Curve, PairedAnswers, Share
from cnn_core.arithmetic.verdicts import LEVEL, holm
from cnn_core.training.results import Result
from cnn_core.training.transfer.shift import Shift
from cnn_core.training.transfer.spec import ARM_TITLES


@dataclass(frozen=True)
class Answer:
    """What an arm said of one test picture: its likeliest class, and the probabilities of that and of the label."""

    digest: str
    name: str
    label: str
    said: str
    probability: float
    probability_of_label: float

    @property
    def right(self) -> bool:
        """True if it said the label."""
        return self.said == self.label


@dataclass(frozen=True)
class ClassFigures:
    """How well one class is recognised: `pictures` are those of it in the test."""

    name: str
    precision: float
    recall: float
    f1: float
    pictures: int


@dataclass(frozen=True)
class EpochFigures:
    """One epoch; counted through both phases of an arm that has two (`head`, then `blocks`; `all` from scratch)."""

    phase: str
    epoch: int
    seconds: float
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


@dataclass(frozen=True)
class Learning:
    """An arm as it learns: (epochs done, loss, accuracy) batch by batch on the training pictures, and its epochs."""

    batches: tuple[tuple[float, float, float], ...] = ()
    epochs: tuple[EpochFigures, ...] = ()


@dataclass(frozen=True)
class Figures:
    """A network on pictures that it has not seen.

    Attributes:
        accuracy: Share of right answers.
        confusion: Counts; rows are true, columns said, in the order of the classes.
        per_class: Likewise.
        answers: One a test picture.
    """

    accuracy: Share
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[ClassFigures, ...]
    answers: tuple[Answer, ...]

    @property
    def wrong(self) -> list[Answer]:
        """The pictures that were missed, the surest mistake first."""
        return sorted((answer for answer in self.answers if not answer.right), key=lambda answer: -answer.probability)


@dataclass(frozen=True)
class Arm(Figures):
    """A trained network: what it is worth, and how it came to be.

    Attributes:
        history: One entry an epoch.
        best_epoch: Whose weights were tested.
        trainable_params: That were trained.
        total_params: Of the whole network.
        model_bytes: Of its file in the store; of its weights, if the file is written when it is first wanted.
        seconds: By phase: `features` and `training` always, their parts (`head`, `feature_maps`) where there are any,
            and `testing`.
        stopped: It was stopped before its last epoch.
        weight_decay: λ of its head, chosen on the validation pictures; None if the head was trained by steps, as of
            an arm from scratch and of every run before heads were solved.
        validated: What it gets right of the validation pictures, where classes had weights: there the history's
            accuracy is weighted, too. None where it is not.
    """

    history: tuple[EpochFigures, ...]
    best_epoch: int
    trainable_params: int
    total_params: int
    model_bytes: int
    seconds: dict[str, float]
    stopped: bool = False
    weight_decay: float | None = None
    validated: Share | None = None


@dataclass(frozen=True)
class Transfer(Result):
    """What a run of kind `transfer` has found (so far).

    Attributes:
        classes: Names, sorted.
        split_sizes: Pictures of `train`, `validation` and `test`.
        arms: Those that are trained and tested, in the order of ARMS.
        compared: Every pair of them on the same pictures, by McNemar's exact test, the better one first.
        failed: Why an arm has no figures, a sentence each.
        notes: About the division of the pictures.
        near: Groups of pictures that are nearly the same, by which they were divided; empty until version 0.2.
        shift: Whether the test pictures are like the others; None until version 0.2, and before all arms are done.
        seconds: Of all attempts together.

    Example:
        >>> right, wrong = Answer("d", "d.png", "cat", "cat", 0.9, 0.9), Answer("d", "d.png", "cat", "dog", 0.8, 0.2)
        >>> cat = ClassFigures("cat", 1.0, 1.0, 1.0, 1)
        >>> def arm(answer, share):
        ...     return Arm(share, ((1,),), (cat,), (answer,), (), 1, 10, 100, 1000, {"training": 2.0})
        >>> found = Transfer(
        ...     ("cat", "dog"),
        ...     {"train": 8, "validation": 2, "test": 1},
        ...     {"frozen": arm(wrong, Share(0, 1, 0.0, 0.79)), "fine_tuned": arm(right, Share(1, 1, 0.21, 1.0))},
        ...     (PairedAnswers("fine_tuned", "frozen", 1, 0, 1.0),),
        ... )
        >>> found.verdicts()[0][:62]
        'Fine-tuned gets 1 picture more right than frozen: too few pict'
        >>> [(row.arm, row.value) for row in found.accuracies()]
        [('frozen', 0.0), ('fine-tuned', 1.0)]
        >>> Transfer.from_json(found.to_json()) == found
        True
    """

    classes: tuple[str, ...]
    split_sizes: dict[str, int]
    arms: dict[str, Arm] = field(default_factory=dict)
    compared: tuple[PairedAnswers, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    near: dict[str, str] = field(default_factory=dict)
    shift: Shift | None = None

    @property
    def chance(self) -> float:
        """What always naming the commonest class of the test pictures would get right; 0 before there are any."""
        counts = [row.pictures for arm in list(self.arms.values())[:1] for row in arm.per_class]
        return max(counts) / sum(counts) if counts else 0.0

    @property
    def trouble(self) -> str:
        """Which arms failed while others have figures, in one sentence; empty if none did."""
        if not self.failed:
            return ""
        names = [ARM_TITLES[name] for name in self.failed]
        listed = " and ".join([names[0], *(name.lower() for name in names[1:])])
        return f"{listed} failed; what the others found is kept."

    def verdicts(self) -> list[str]:
        """Say of each pair of arms which is better, and whether the pictures suffice to say so."""
        adjusted = holm([pair.p for pair in self.compared])
        return [self._verdict(pair, p) for pair, p in zip(self.compared, adjusted, strict=True)]

    def _verdict(self, pair: PairedAnswers, p: float) -> str:
        first, second = ARM_TITLES[pair.first], ARM_TITLES[pair.second].lower()
        lead = pair.only_first - pair.only_second
        if lead == 0:
            return f"{first} and {second} get equally many right."
        verdict = "chance alone would rarely do that" if p < LEVEL else "too few pictures to call it a difference"
        number = f", corrected by Holm for {len(self.compared)} pairs" if len(self.compared) > 1 else ""
        return (
            f"{first} gets {lead} {'picture' if lead == 1 else 'pictures'} more right than {second}: {verdict} "
            f"({pair.only_first} right only here, {pair.only_second} only there; McNemar's exact test, "
            f"p = {p:.2g}{number})."
        )

    def accuracies(self) -> list[Accuracy]:
        """Return each arm's accuracy, with Wilson's interval of the test pictures."""
        shares = {name: arm.accuracy for name, arm in self.arms.items()}
        return [Accuracy(_word(name), share.value, share.low, share.high) for name, share in shares.items()]

    def curves(self) -> list[Curve]:
        """Return each arm's accuracy on the validation pictures, after each epoch."""
        return [
            Curve(_word(name), tuple(e.epoch for e in arm.history), tuple(e.val_accuracy for e in arm.history))
            for name, arm in self.arms.items()
            if arm.history
        ]

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a result of version 0.1 in today's form."""
        old = {name: arm for name, arm in values["arms"].items() if "error" not in arm}
        failed = {name: arm["error"] for name, arm in values["arms"].items() if "error" in arm}
        ranked = sorted(old, key=lambda name: -old[name]["correct"])
        return {
            "classes": values["classes"],
            "split_sizes": values["split_sizes"],
            "arms": {name: _upgraded_arm(arm) for name, arm in old.items()},
            "compared": [_upgraded_pair(a, b, old[a], old[b]) for a, b in combinations(ranked, 2)],
            "failed": failed,
            "notes": values["notes"],
            "seconds": values["seconds"],
        }


def learning(progress: Mapping[str, Any]) -> dict[str, Learning]:
    """Read out of a run's progress how its arms learn.

    Example:
        >>> learning({"curves": {"frozen": {"batches": [[0.5, 0.8, 0.4]], "epochs": []}}})
        {'frozen': Learning(batches=((0.5, 0.8, 0.4),), epochs=())}
        >>> learning({"phase": "preparing"})
        {}
    """
    return {
        arm: Learning(
            tuple((done, loss, accuracy) for done, loss, accuracy in curve["batches"]),
            tuple(EpochFigures(**entry) for entry in curve["epochs"]),
        )
        for arm, curve in (progress.get("curves") or {}).items()
    }


def _word(arm: str) -> str:
    return arm.replace("_", "-")


# Version 0.1 ----------------------------------------------------------------------------------------------------------


def _upgraded_arm(old: Mapping[str, Any]) -> dict[str, Any]:
    low, high = old["test_interval"]
    per_class = [{"name" if key == "class" else key: value for key, value in row.items()} for row in old["per_class"]]
    accuracy = {"correct": old["correct"], "total": len(old["answers"]), "low": low, "high": high}
    return {**old, "accuracy": accuracy, "per_class": per_class}


def _upgraded_pair(first: str, second: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """McNemar's exact test as `statistics.paired_answers` has it, without SciPy: version 0.1 left it to the page."""
    only_first, only_second = _only(a["answers"], b["answers"]), _only(b["answers"], a["answers"])
    n, fewer = only_first + only_second, min(only_first, only_second)
    p = min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n)
    return {"first": first, "second": second, "only_first": only_first, "only_second": only_second, "p": p}


def _only(these: Sequence[Mapping[str, Any]], those: Sequence[Mapping[str, Any]]) -> int:
    """How many pictures these got right and those did not."""
    return sum(a["said"] == a["label"] and b["said"] != b["label"] for a, b in zip(these, those, strict=True))


@dataclass(frozen=True)
class SelfTest(Result):
    """What a test of an arm's exports has found.

    Attributes:
        pictures: Names of those that each format was asked about.
        parity: What they were expected to give, as in `formats.export_formats`; empty until version 0.2.
        formats: Likewise, an entry each.
    """

    pictures: tuple[str, ...] = ()
    parity: tuple[dict[str, Any], ...] = ()
    formats: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class LiveParts(Result):
    """What was made for the live answers of a run; how it is used stands in its manifest.

    Attributes:
        parts: Their names.
        size: Of all, in bytes.
    """

    parts: tuple[str, ...] = ()
    size: int = 0
