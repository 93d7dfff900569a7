"""Degradation: the deeper plain net is worse on its own training pictures, and the deeper residual net is not. Light.

Source:
    He, Zhang, Ren & Sun 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, sections 1 and 4.2.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import log
from statistics import median
from typing import Any, Self

from cnn_core.arithmetic.measures import Accuracy, Curve, Share, wilson
from cnn_core.arithmetic.verdicts import Mean, more_than_guessing, over_seeds
from cnn_core.arithmetic.written import minus
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.results import Result
from cnn_core.training.spec import flag, number
from cnn_core.training.studies.published import TARGETS, shipped
from cnn_core.training.studies.repeats import COMMONEST, EpochFigures, Pictures, Repeated, right_on_average
from cnn_core.training.study import Study

ARMS = ("plain_shallow", "plain_deep", "residual_shallow", "residual_deep")
KINDS = ("plain", "residual")
CRITERION = (
    "The training loss is the mean cross-entropy over the batches of the last epoch, each before its step. In every "
    "seed the deep plain net's is above the shallow plain net's, and the deep residual net's is not above the shallow "
    "residual net's. Over the seeds the 95% interval (Student's t) of what depth adds to the plain loss lies above 0, "
    "and so does that of what it adds more than to the residual one. All but the deep plain net have learnt more than "
    "guessing."
)
GUESS = log(10)  # the loss of ten equal probabilities
MAY_FAIL = "plain_deep"  # that it learns nothing is what is looked for; of the others it is no finding


@dataclass(frozen=True)
class Degradation(Repeated):
    """Plain against residual, shallow against deep.

    Attributes:
        shallow_depth: Layers with weights of the shallow nets, 6n + 2.
        deep_depth: The same of the deep ones; more than `shallow_depth`.
        width: Filters of the first stage.
        input_size: Pixels along each side.
        epochs: Passes over the training pictures.
        batch_size: Pictures a step.
        learning_rate: Of SGD with momentum 0.9, the same for all arms.
        batch_norm: BatchNorm after every convolution, as in the paper.

    Example:
        >>> Degradation(deep_depth=57)
        Traceback (most recent call last):
        cnn_core.pictures.items.SpecRefused: deep_depth is 57; expected 6n + 2: 8, 14, 20, 26, … 110.
    """

    shallow_depth: int = number(20, 8, 104, "Shallow, layers", "Layers with weights, 6n + 2.")
    deep_depth: int = number(56, 14, 110, "Deep, layers", "Layers with weights, 6n + 2.")
    width: int = number(8, 2, 64, "Filters of the first stage", "Filters of the first stage; the paper has 16.")
    input_size: int = number(8, 8, 32, "Side of a picture", "Pixels of a side; the digits have 8, the paper's 32.")
    epochs: int = number(15, 1, 200, "Epochs", "Passes over the training pictures.")
    batch_size: int = number(128, 8, 512, "Pictures a step", "Pictures a step; the paper has 128.")
    learning_rate: float = number(0.02, 1e-5, 1.0, "Learning rate", "Of SGD with momentum 0.9, the same for all.")
    batch_norm: bool = flag(True, "BatchNorm", "After every convolution, as in the paper.")

    def check(self) -> None:
        """Refuse depths that are none of a CIFAR net, or no shallow and deep ones."""
        for name in ("shallow_depth", "deep_depth"):
            if getattr(self, name) % 6 != 2:
                raise SpecRefused(f"{name} is {getattr(self, name)}; expected 6n + 2: 8, 14, 20, 26, … 110.")
        if self.deep_depth <= self.shallow_depth:
            deep, shallow = self.deep_depth, self.shallow_depth
            raise SpecRefused(f"The deep networks have {deep} layers; expected more than the {shallow} of the shallow.")


# What is found -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Repetition:
    """One net trained from one seed.

    Attributes:
        seed: Of weights and order.
        complete: It had all its epochs.
        error: A sentence, if the loss was not a number any more; else empty.
        epochs: Those that it had ended.
    """

    seed: int
    complete: bool = False
    error: str = ""
    epochs: tuple[EpochFigures, ...] = ()

    @property
    def ended(self) -> bool:
        """True if there is nothing more to train: it had all its epochs, or it diverged."""
        return self.complete or bool(self.error)


@dataclass(frozen=True)
class Arm:
    """One net: its size, what it has learnt from each seed, and its share of right answers on the test pictures.

    `accuracy` is that after the last epochs, on average over the seeds; None before the first.
    """

    depth: int
    residual: bool
    params: int
    trainable_params: int
    macs: int
    seeds: tuple[Repetition, ...] = ()
    accuracy: Share | None = None

    @property
    def last_accuracies(self) -> list[float]:
        """Right answers on the test pictures after the last epoch, a share a seed."""
        return [1 - each.epochs[-1].test_error for each in self.seeds if each.epochs]

    @property
    def last_losses(self) -> dict[int, float]:
        """Training losses of the last epoch, of the seeds that are complete."""
        return {each.seed: each.epochs[-1].train_loss for each in self.seeds if each.complete}


@dataclass(frozen=True)
class Pair:
    """Training losses of the shallow and the deep net from one seed."""

    seed: int
    shallow: float
    deep: float
    deep_above: bool


@dataclass(frozen=True)
class Verdict:
    """What CRITERION says.

    Attributes:
        plain, residual: The pairs of each kind.
        shown: Whether it holds; None if the numbers do not carry a verdict: no pair of each kind, nothing learnt, or
            as it should be in every seed, but within chance.
        in_vain: Nets that have learnt nothing, as ARMS names them.
    """

    plain: tuple[Pair, ...] = ()
    residual: tuple[Pair, ...] = ()
    shown: bool | None = None
    in_vain: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        """True without a pair of each kind."""
        return not (self.plain and self.residual)

    def of(self, kind: str) -> tuple[Pair, ...]:
        """The pairs of `plain` or `residual`."""
        return self.residual if kind == "residual" else self.plain

    def added(self, kind: str) -> Mean:
        """What depth adds to the training loss of `plain` or `residual`; there must be a pair."""
        return over_seeds([pair.deep - pair.shallow for pair in self.of(kind)])

    @property
    def cured(self) -> Mean | None:
        """What depth adds to the plain loss more than to the residual one, from the same seeds; None without any."""
        residual = {pair.seed: pair.deep - pair.shallow for pair in self.residual}
        more = [pair.deep - pair.shallow - residual[pair.seed] for pair in self.plain if pair.seed in residual]
        return over_seeds(more) if more else None


@dataclass(frozen=True)
class DegradationResult(Result):
    """What a run found, or has found so far.

    Attributes:
        arms: For each of ARMS that has begun.
        verdict: That of `judge`.
        criterion: It was judged by.
        pictures: How many.
        seconds: Of all attempts.
    """

    arms: dict[str, Arm]
    verdict: Verdict
    criterion: str
    pictures: Pictures
    seconds: float

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote, and judge it by today's criterion."""
        found = super().from_json(values)
        return replace(found, verdict=judge(found.arms, found.pictures), criterion=CRITERION)

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Version 0.1 stored no accuracy of an arm."""
        tested, arms = values["pictures"]["test"], {}
        for name, arm in values["arms"].items():
            last = [1 - each["epochs"][-1]["test_error"] for each in arm["seeds"] if each["epochs"]]
            accuracy = asdict(wilson(right_on_average(last, tested), tested)) if last else None
            arms[name] = arm | {"accuracy": accuracy}
        return {**values, "arms": arms}

    def accuracies(self) -> list[Accuracy]:
        """A row a net: its mean over the seeds, Wilson's interval of the test pictures."""
        shares = [(name.replace("_", " "), arm.accuracy) for name, arm in self.arms.items()]
        return [Accuracy(name, share.value, share.low, share.high) for name, share in shares if share]

    def curves(self) -> list[Curve]:
        """A line a net and seed."""
        return [
            Curve(
                f"{name.replace('_', ' ')}, seed {each.seed}",
                tuple(epoch.epoch for epoch in each.epochs),
                tuple(1 - epoch.test_error for epoch in each.epochs),
            )
            for name, arm in self.arms.items()
            for each in arm.seeds
            if each.epochs
        ]

    def lines(self) -> list[str]:
        """A line a pair, the verdict, and by what it was judged."""
        pairs = [
            f"{kind:>9}, seed {pair.seed}: training loss {pair.shallow:.4f} shallow, {pair.deep:.4f} deep"
            for kind in KINDS
            for pair in self.verdict.of(kind)
        ]
        return [*pairs, verdict_words(self).replace("**", ""), f"The criterion: {self.criterion}"]


def judge(arms: Mapping[str, Arm], pictures: Pictures) -> Verdict:
    """Hold the training losses to CRITERION.

    Args:
        arms: As in the result of a run.
        pictures: How many there were.

    Returns:
        A pair for each seed that both depths have completed, and whether the criterion holds.
    """
    plain, residual = (_pairs(arms, kind) for kind in KINDS)
    compared = {pair.seed for pair in (*plain, *residual)}
    in_vain = tuple(name for name, arm in arms.items() if not _learnt(arm, compared, pictures))
    verdict = Verdict(plain, residual, in_vain=in_vain)
    if verdict.missing or set(in_vain) - {MAY_FAIL}:
        return verdict
    if not all(pair.deep_above for pair in plain) or any(pair.deep_above for pair in residual):
        return replace(verdict, shown=False)
    cured = verdict.cured
    sure = verdict.added("plain").above and cured is not None and cured.above
    return replace(verdict, shown=True if sure else None)


def _learnt(arm: Arm, seeds: Collection[int], pictures: Pictures) -> bool:
    """True if from every one of these seeds it knows its training pictures better than guessing."""
    for each in arm.seeds:
        if each.complete and each.seed in seeds:
            last = each.epochs[-1]
            right = wilson(min(pictures.train, max(0, round((1 - last.train_error) * pictures.train))), pictures.train)
            if not last.train_loss < GUESS or not more_than_guessing(right.low, COMMONEST):
                return False
    return True


def _pairs(arms: Mapping[str, Arm], kind: str) -> tuple[Pair, ...]:
    if not {f"{kind}_shallow", f"{kind}_deep"} <= arms.keys():
        return ()
    shallow, deep = (arms[f"{kind}_{depth}"].last_losses for depth in ("shallow", "deep"))
    return tuple(Pair(seed, shallow[seed], deep[seed], deep[seed] > shallow[seed]) for seed in shallow if seed in deep)


# In words -------------------------------------------------------------------------------------------------------------


def verdict_words(result: DegradationResult) -> str:
    """Return what the criterion says of a result, for better or worse, or why it cannot say anything."""
    verdict = result.verdict
    if verdict.missing:
        return "No seed has been trained to its end at both depths, plain and residual: nothing can be said yet."
    if failed := [name for name in verdict.in_vain if name != MAY_FAIL]:
        names = [f"{name.partition('_')[0]}-{result.arms[name].depth}" for name in failed]
        return (
            f"**No verdict: {_listed(names)} learnt nothing.** Guessing among ten digits has a loss of {GUESS:.3f}, "
            f"and {'theirs is' if len(names) > 1 else 'its loss is'} no better from every seed: what is no net yet "
            "cannot be hurt or cured by depth. Train longer, or at another rate."
        )
    said = []
    for kind in KINDS:
        pairs = verdict.of(kind)
        above = sum(pair.deep_above for pair in pairs)
        shallow, deep = (result.arms[f"{kind}_{depth}"].depth for depth in ("shallow", "deep"))
        lower, upper = median(pair.shallow for pair in pairs), median(pair.deep for pair in pairs)
        added = verdict.added(kind)
        interval = "" if added.low is None else f"; {_more(added)} on average"
        said.append(
            f"{kind}-{deep} has a higher training loss than {kind}-{shallow} in {above} of {len(pairs)} "
            f"{'seed' if len(pairs) == 1 else 'seeds'} (median {upper:.3g} against {lower:.3g}{interval})"
        )
    begin, end = {
        True: ("**Degradation, and its cure.** ", "."),
        False: ("**It did not come out here.** ", ". It should be all for plain and none for residual."),
        None: ("**It points that way, and may be chance.** ", ". Train from more seeds to know."),
    }[verdict.shown]
    if verdict.shown is False and (len(verdict.plain) == 1 or len(verdict.residual) == 1):
        end += " With one seed it may be chance."
    if verdict.shown and MAY_FAIL in verdict.in_vain:
        end = f". Plain-{result.arms[MAY_FAIL].depth} does no better than guessing, whose loss is {GUESS:.3f}."
    return begin + f"{said[0][0].upper()}{said[0][1:]}; {said[1]}{end}"


def _more(added: Mean) -> str:
    low, high = (minus(f"{bound:.3g}") for bound in (added.low or 0.0, added.high or 0.0))
    return f"{minus(f'{added.value:+.3g}')}, 95% interval {low} to {high},"


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def published_words(result: DegradationResult) -> str:
    """Return whether the test error goes with depth as He et al. tell it of ImageNet; empty without a verdict."""
    if result.verdict.missing or set(result.verdict.in_vain) - {MAY_FAIL}:
        return ""
    said = [_published(result.arms, kind) for kind in KINDS]
    return " ".join([*said, "Only the directions are compared: data, sizes and depths are others."])


def _published(arms: Mapping[str, Arm], kind: str) -> str:
    told = [t.error for t in TARGETS if t.data == "ImageNet" and t.residual == (kind == "residual")]
    before, after = told[0], told[-1]
    shallow, deep = (_last_errors(arms[f"{kind}_{depth}"]) for depth in ("shallow", "deep"))
    both = [(shallow[seed], deep[seed]) for seed in shallow if seed in deep]
    here = median(low for low, _ in both), median(high for _, high in both)
    change = over_seeds([high - low for low, high in both], -100, 100)
    words = f"Deeper, the {kind} net's test error goes from {here[0]:.1f} to {here[1]:.1f}%"
    there = f"He et al.'s goes from {before} to {after}% on ImageNet"
    if not change.above and not change.below:
        return f"{words}, which may be chance over {len(both)} {'seed' if len(both) == 1 else 'seeds'}; {there}."
    same = change.above == (after > before)
    return f"{words}, beyond chance; {there}: {'that way too' if same else '**the other way**'}."


def _last_errors(arm: Arm) -> dict[int, float]:
    """Test errors of the complete seeds, in per cent."""
    return {each.seed: 100 * each.epochs[-1].test_error for each in arm.seeds if each.complete}


# The record ----------------------------------------------------------------------------------------------------------


def expected_seconds(options: Degradation, pictures: int = 0) -> float:
    """Return what a run would take where the one that ships was computed: in proportion to its multiply-adds.

    Example:
        >>> expected_seconds(Degradation(epochs=30)) / expected_seconds(Degradation())
        2.0
    """

    def work(one: Degradation) -> float:
        area = (max(one.width, 8) * max(one.input_size, 8)) ** 2  # smaller ones are no faster: a step costs its calls
        return (one.shallow_depth + one.deep_depth) * area * one.epochs * one.seeds

    return shipped(STUDY).provenance.seconds * work(options) / work(Degradation())


STUDY = Study(
    key="degradation",
    question="Why are plain networks worse the deeper they are, on their own training pictures?",
    options=Degradation,
    result=DegradationResult,
    job="cnn_core.training.studies.degradation_job:run",
    seconds=expected_seconds,
)
