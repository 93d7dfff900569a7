"""A convnet knows beforehand that neighbours belong together, a ViT has to find out: what is that worth? Light.

Both networks have as many parameters (within 2%), the same pictures, the same optimizer, schedule and number of steps,
and each the learning rate that suits it best. A control moves the pixels of all pictures by one permutation: the
information is the same, the neighbourhood is gone, and with it what the convnet knew. The ViT's patches go too (the
four pixels of a token are no neighbours any more); beyond them it had assumed nothing that could be lost.

Source:
    Dosovitskiy et al. 2021, arXiv:2010.11929, section 4.3 (accuracy against pictures of pre-training, figures 3 and 4);
    the permutation of pixels: Zhang et al. 2017, arXiv:1611.03530, section 2.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

from cnn_core.arithmetic.measures import Accuracy, Share, wilson
from cnn_core.arithmetic.verdicts import LEVEL, holm, more_than_guessing, over_seeds, signed, student, two_sided
from cnn_core.training.results import Result
from cnn_core.training.spec import flag, number, numbers
from cnn_core.training.studies.published import shipped
from cnn_core.training.studies.repeats import COMMONEST, Pictures, Repeated, right_on_average
from cnn_core.training.study import Study

NETS = ("convnet", "vit")
NET_TITLES = {"convnet": "convnet", "vit": "ViT"}
ORDERS = {False: "natural", True: "shuffled"}  # of the pixels, as `learning_rates` names them


@dataclass(frozen=True)
class InductiveBias(Repeated):
    """A small convnet against a small ViT of nearly as many parameters, on ever more pictures.

    Attributes:
        sizes: Numbers of training pictures, equally many of each digit as far as possible.
        steps: Steps of every training, whatever the number of pictures; more of them help the ViT more.
        batch_size: Pictures a step.
        learning_rates: Of Adam, at the start, then down to zero on a half cosine; each network gets the one that is
            best for it on the validation pictures.
        shuffled: Repeat all with the pixels of every picture moved by one fixed permutation: the same information
            without neighbourhood.
    """

    sizes: tuple[int, ...] = numbers((50, 100, 200, 500, 1138), 20, 1138, "Training pictures", most=8)
    steps: int = number(400, 1, 20000, "Steps of each training", "Of each training, whatever the number of pictures.")
    batch_size: int = number(32, 8, 512, "Pictures a step")
    learning_rates: tuple[float, ...] = numbers(
        (1e-3, 3e-3, 1e-2, 3e-2), 1e-5, 0.1, "Learning rates", "Of Adam; each network gets its best one.", most=5
    )
    shuffled: bool = flag(True, "Again with shuffled pixels", "The same information without neighbourhood.")


# What is found -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Try:
    """A learning rate that was tried for a network; `validation_accuracy` is None if it diverged."""

    net: str
    shuffled: bool
    learning_rate: float
    validation_accuracy: float | None


@dataclass(frozen=True)
class Point:
    """A training: so many pictures, one seed; `train_loss` is that of its last epoch."""

    net: str
    shuffled: bool
    size: int
    seed: int
    test_accuracy: float
    train_loss: float
    seconds: float


@dataclass(frozen=True)
class Lead:
    """How far the convnet is ahead with so many pictures, in shares of the test pictures.

    Attributes:
        size: Training pictures.
        shuffled: Their pixels were.
        convnet, vit: Mean accuracies.
        mean: Of the differences, seed by seed.
        half: Of its 95% interval by Student's t; None from one seed.
        seeds: How many.
    """

    size: int
    shuffled: bool
    convnet: float
    vit: float
    mean: float
    half: float | None
    seeds: int

    @property
    def low(self) -> float | None:
        """Lower end of the interval, within −1 and 1; None without one: a spread of 0 is no certainty."""
        return None if not self.half else max(-1.0, self.mean - self.half)

    @property
    def high(self) -> float | None:
        """Upper end of the interval, likewise."""
        return None if not self.half else min(1.0, self.mean + self.half)

    @property
    def p(self) -> float | None:
        """How often chance alone would do that; None without an interval."""
        return two_sided(self.mean / self.half * student(self.seeds - 1), self.seeds - 1) if self.half else None


@dataclass(frozen=True)
class InductiveBiasResult(Result):
    """What a run found, or has found so far.

    Attributes:
        params: Of both networks.
        tuning: Every learning rate that was tried, on `tuning_size` pictures.
        learning_rates: For each network the chosen one, by ORDERS.
        points: Every training.
        leads: Of the convnet, for each size and order.
        largest: With the most pictures: right answers of each network on average over the seeds, by its name in words.
        pictures: How many.
        seconds: Of all attempts.
    """

    params: dict[str, int]
    tuning: tuple[Try, ...]
    tuning_size: int
    learning_rates: dict[str, dict[str, float]]
    points: tuple[Point, ...]
    leads: tuple[Lead, ...]
    largest: dict[str, Share]
    pictures: Pictures
    seconds: float

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Version 0.1 stored neither leads nor shares."""
        points, tested = [Point(**point) for point in values["points"]], values["pictures"]["test"]
        found = {
            "leads": [asdict(lead) for lead in leads(points)],
            "largest": {name: asdict(each) for name, each in largest(points, tested).items()},
        }
        return {**values, **found}

    def accuracies(self) -> list[Accuracy]:
        """A row a network and order, with the most pictures; Wilson's interval of the test pictures."""
        return [Accuracy(name, share.value, share.low, share.high) for name, share in self.largest.items()]

    def lines(self) -> list[str]:
        """Both networks in a sentence each; a line a network, order and number of pictures; what it comes to."""
        lines = [self._network(net) for net in self.params]
        lines += ["Test accuracies, one a seed:"] if self.points else []
        accuracies: dict[tuple[bool, int, str], list[float]] = {}
        for point in self.points:
            accuracies.setdefault((point.shuffled, point.size, point.net), []).append(point.test_accuracy)
        for (shuffled, size, net), values in sorted(accuracies.items()):
            words = " ".join(f"{value:.3f}" for value in values)
            lines.append(f"{ORDERS[shuffled]:>8} {size:5d} pictures, {NET_TITLES[net]:>7}: {words}")
        return [*lines, bias_words(self.points, self.pictures.test).replace("**", "")]

    def _network(self, net: str) -> str:
        rates = [f"{rate:g} with {order} pixels" for order, rate in self.learning_rates.get(net, {}).items()]
        trained = f", and learns at {' and '.join(rates)}" if rates else ""
        return f"The {NET_TITLES[net]} has {self.params[net]:,} parameters{trained}."


def leads(points: Iterable[Point]) -> tuple[Lead, ...]:
    """Return how far the convnet leads, seed by seed, for each size and order that both networks have.

    Args:
        points: Of both networks.

    Example:
        >>> accuracies = {("convnet", 0): 0.9, ("vit", 0): 0.7, ("convnet", 1): 0.8, ("vit", 1): 0.8}
        >>> points = [Point(net, False, 50, seed, right, 0.1, 1.0) for (net, seed), right in accuracies.items()]
        >>> (lead,) = leads(points)
        >>> round(lead.mean, 3), lead.seeds
        (0.1, 2)
    """
    accuracy = {(p.shuffled, p.size, p.net, p.seed): p.test_accuracy for p in points}
    found = []
    for shuffled, size in sorted({(shuffled, size) for shuffled, size, _, _ in accuracy}):
        seeds = [s for o, n, net, s in accuracy if (o, n, net) == (shuffled, size, "convnet")]
        pairs = [
            (accuracy[shuffled, size, "convnet", seed], accuracy[shuffled, size, "vit", seed])
            for seed in seeds
            if (shuffled, size, "vit", seed) in accuracy
        ]
        if pairs:
            gaps = [convnet - vit for convnet, vit in pairs]
            lead = over_seeds(gaps)
            half = None if lead.high is None else lead.high - lead.value
            convnet, vit = (mean(each) for each in zip(*pairs, strict=True))
            found.append(Lead(size, shuffled, convnet, vit, lead.value, half, len(gaps)))
    return tuple(found)


def largest(points: Sequence[Point], tested: int) -> dict[str, Share]:
    """Return the right answers of each network with the most pictures, on average over the seeds.

    Args:
        points: Of both networks.
        tested: Number of test pictures.
    """
    most = max((point.size for point in points), default=0)
    values: dict[str, list[float]] = {}
    for point in points:
        if point.size == most:
            name = f"{point.net}{', shuffled' if point.shuffled else ''}, {most} pictures"
            values.setdefault(name, []).append(point.test_accuracy)
    return {name: wilson(right_on_average(of, tested), tested) for name, of in values.items()}


# In words ------------------------------------------------------------------------------------------------------------


def bias_words(points: Sequence[Point], tested: int) -> str:
    """Return where the prior pays, where it stops, and what of it is neighbourhood: the numbers choose the words.

    Args:
        points: Of both networks.
        tested: Number of test pictures.
    """
    every = leads(points)
    natural = [lead for lead in every if not lead.shuffled]
    if not natural:
        return "There is no pair of trainings to compare yet."
    known = [lead for lead in natural if _knows(lead, tested)]
    if not known:
        most = max(max(lead.convnet, lead.vit) for lead in natural)
        return (
            f"**Neither network has learnt more than guessing** (at best {most:.1%}; naming one digit always is right "
            f"on up to {COMMONEST:.0%}): what is no knowledge yet cannot be compared. Take more steps."
        )
    words = ""
    if blind := [lead.size for lead in natural if lead not in known]:
        words = f"With {_listed(blind)} pictures neither has learnt more than guessing. "
    return words + _where(known) + _catch_up(known) + _control(points, {lead.size for lead in known})


def _knows(lead: Lead, tested: int) -> bool:
    """True if one of the two is better than guessing: only then is a lead about what they know."""
    best = wilson(min(tested, max(0, round(max(lead.convnet, lead.vit) * tested))), tested)
    return more_than_guessing(best.low, COMMONEST)


def _where(natural: Sequence[Lead]) -> str:
    """With how many pictures one of the two is ahead beyond chance."""
    first, last = natural[0], natural[-1]
    if all(lead.low is None for lead in natural):
        why = "One seed" if first.seeds == 1 else "Seeds that agree to the last picture"
        both = f"**With {_ahead(first)}" + (f", with {_ahead(last)}" if last is not first else "")
        return f"{both}.** {why}: whether that is chance cannot be said. "
    sure = _sure(natural)
    pays = [lead.size for lead in natural if lead in sure and lead.mean > 0]
    loses = [lead.size for lead in natural if lead in sure and lead.mean < 0]
    rest = [lead.size for lead in natural if lead not in sure]
    if not pays and not loses:
        return "**The prior pays nowhere beyond chance.** "
    told = [f"with {_listed(pays)} pictures the convnet's lead is beyond chance"] if pays else []
    told += [f"with {_listed(rest)} it is not"] if pays and rest else []
    told += [f"with {_listed(loses)} pictures the ViT is ahead beyond chance"] if loses else []
    words = f"**The prior {'pays' if pays else 'does not pay'}: {'; '.join(told)}.** "
    if pays and last is not first:
        ends = _points_words(first.mean), _points_words(last.mean)
        words += f"It goes from {ends[0]} points at {first.size:,} to {ends[1]} at {last.size:,}. "
    return words + ("Within these sizes it does not end. " if len(pays) == len(natural) > 1 else "")


def _sure(natural: Sequence[Lead]) -> list[Lead]:
    """The leads that are beyond chance beside one another."""
    tested = [(lead, lead.p) for lead in natural if lead.p is not None]
    adjusted = holm([p for _, p in tested])
    return [lead for (lead, _), p in zip(tested, adjusted, strict=True) if p < LEVEL]


def _ahead(lead: Lead) -> str:
    who, whom = ("convnet", "ViT") if lead.mean >= 0 else ("ViT", "convnet")
    return f"{lead.size:,} pictures the {who} leads the {whom} by {_points_words(abs(lead.mean))} points"


def _catch_up(natural: Sequence[Lead]) -> str:
    """With how many pictures the ViT is where the convnet was with the fewest, if that was ahead."""
    first = natural[0]
    if first not in _sure(natural) or first.mean < 0:
        return ""
    level = next((lead.size for lead in natural if lead.vit >= first.convnet), None)
    reach = f"the ViT gets there with {level:,}" if level else f"the ViT does not get there with {natural[-1].size:,}"
    return f"With {first.size:,} pictures the convnet is right on {first.convnet:.1%} on average; {reach}. "


def _control(points: Sequence[Point], sizes: Collection[int]) -> str:
    """What shuffling takes of the lead, on average over the sizes, seed by seed."""
    gap = {(p.shuffled, p.size, p.seed): 0.0 for p in points if p.size in sizes}
    for net, sign in (("convnet", 1), ("vit", -1)):
        right = {(p.shuffled, p.size, p.seed): p.test_accuracy for p in points if p.net == net}
        gap = {key: lead + sign * right[key] for key, lead in gap.items() if key in right}
    both = {(size, seed) for shuffled, size, seed in gap if shuffled and (False, size, seed) in gap}
    if not both:
        return ""
    seeds = sorted({seed for _, seed in both})
    of = {seed: [size for size, other in both if other == seed] for seed in seeds}
    natural, mixed = (
        over_seeds([mean(gap[shuffled, size, seed] for size in of[seed]) for seed in seeds], -1, 1)
        for shuffled in (False, True)
    )
    lost = over_seeds(
        [mean(gap[False, size, seed] - gap[True, size, seed] for size in of[seed]) for seed in seeds], -2, 2
    )
    words = (
        f"Shuffled, its lead is {_points_words(mixed.value)} points on average over the sizes, instead of "
        f"{_points_words(natural.value)}: "
    )
    if lost.low is None or lost.high is None:
        why = "one seed" if len(seeds) == 1 else "seeds that agree exactly"
        return f"{words}from {why} nobody can say what of it goes with the neighbourhood."
    interval = f"95% interval {_points_words(lost.low)} to {_points_words(lost.high)}"
    if not lost.above:
        return f"{words}that the neighbourhood makes the difference may be chance ({interval})."
    words += f"**{_points_words(lost.value)} points go with the neighbourhood** ({interval})"
    if mixed.above:
        words += ", the rest does not: a small ViT is also harder to train on so few pictures, whatever they show"
    return f"{words}."


def _with_control(leads: Sequence[Lead]) -> list[tuple[Lead, Lead]]:
    """The leads of each size, natural and shuffled."""
    shuffled = {lead.size: lead for lead in leads if lead.shuffled}
    return [(lead, shuffled[lead.size]) for lead in leads if not lead.shuffled and lead.size in shuffled]


def worth_most(leads: Sequence[Lead]) -> int | None:
    """Return the size at which shuffling costs the convnet most of its lead; None without the control."""
    worth = {natural.size: natural.mean - shuffled.mean for natural, shuffled in _with_control(leads)}
    return max(worth, key=lambda size: worth[size]) if worth else None


def lead_words(lead: Lead | None) -> str:
    """Return a lead in points, with its interval if there is one.

    Example:
        >>> lead_words(Lead(50, False, 0.8, 0.9, -0.1, 0.05, 3)), lead_words(None)
        ('−10.0 (−15.0 to −5.0)', '–')
    """
    if lead is None:
        return "–"
    if lead.low is None or lead.high is None:
        return _points_words(lead.mean)
    return f"{_points_words(lead.mean)} ({_points_words(lead.low)} to {_points_words(lead.high)})"


def _points_words(share: float) -> str:
    """Return a difference of shares in percentage points."""
    return signed(100 * share)


def _listed(sizes: Sequence[int]) -> str:
    *most, last = (f"{size:,}" for size in sizes)
    return f"{', '.join(most)} and {last}" if most else last


# The record ----------------------------------------------------------------------------------------------------------


def trainings(options: InductiveBias) -> int:
    """Return how many trainings of `steps` steps the study has, those for the learning rates among them.

    Example:
        >>> trainings(InductiveBias())
        76
    """
    conditions = len(NETS) * (2 if options.shuffled else 1)
    return conditions * (len(options.learning_rates) + len(options.sizes) * options.seeds)


def expected_seconds(options: InductiveBias, pictures: int = 0) -> float:
    """Return what a run would take where the one that ships was computed: in proportion to its steps."""

    def work(one: InductiveBias) -> int:
        return trainings(one) * one.steps

    return shipped(STUDY).provenance.seconds * work(options) / work(InductiveBias())


STUDY = Study(
    key="inductive_bias",
    question="What is the convolution's knowledge of neighbourhood worth, and for how many pictures?",
    options=InductiveBias,
    result=InductiveBiasResult,
    job="cnn_core.training.studies.inductive_bias_job:run",
    seconds=expected_seconds,
)
