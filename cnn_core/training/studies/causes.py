"""The causes of degradation: what was measured before training and of learning to do nothing, and its words. Light.

`signals` measures both; see there for the sources.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median

from cnn_core.arithmetic.verdicts import over_seeds
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.results import Result
from cnn_core.training.spec import Spec, number, numbers

_LEAST = 1e-9  # a distance that is nought in float32
NEAR = 0.01  # a block that is so near to the identity has learnt it


@dataclass(frozen=True)
class NetSignals:
    """Signals forwards and gradients backwards through a net that has not been trained.

    Attributes:
        depth: Layers with weights.
        residual, batch_norm: What kind of net it is.
        layers: Names of the convolutions, from the input on.
        variance: Of what each puts out, over pictures, places and channels.
        gradient_norm: Euclidean, of the loss by the kernel of each.
        blocks: Names of the blocks' outputs, the stem's first.
        block_variance: Of what is carried on there.
    """

    depth: int
    residual: bool
    batch_norm: bool
    layers: Sequence[str]
    variance: Sequence[float]
    gradient_norm: Sequence[float]
    blocks: Sequence[str]
    block_variance: Sequence[float]

    @property
    def name(self) -> str:
        """What kind of net it is, in words."""
        return net_name(self.residual, self.batch_norm)

    @property
    def carried(self) -> float:
        """The variance of the last convolution over that of the first."""
        return self.variance[-1] / self.variance[0]

    @property
    def growth(self) -> float:
        """The gradient's norm at the first convolution over that at the last."""
        return self.gradient_norm[0] / self.gradient_norm[-1]

    @property
    def rate(self) -> float:
        """By what the gradient's norm is multiplied from a layer to the one before it, on average."""
        return float(self.growth ** (1 / (len(self.layers) - 1)))


@dataclass(frozen=True)
class SignalsOptions(Spec):
    """Which nets are followed."""

    depths: tuple[int, ...] = numbers((8, 20, 56), 8, 110, "Layers", "With weights, 6n + 2.", most=5)

    def check(self) -> None:
        """Refuse depths that no CIFAR net has."""
        if odd := [depth for depth in self.depths if depth % 6 != 2]:
            raise SpecRefused(f"depths has {odd[0]}; expected 6n + 2: 8, 14, 20, 26, … 110.")


@dataclass(frozen=True)
class Signals(Result):
    """The nets that were followed: for each depth plain and residual, with and without BatchNorm."""

    nets: tuple[NetSignals, ...] = ()


def net_name(residual: bool, batch_norm: bool) -> str:
    """Return what kind of net it is, in words.

    Example:
        >>> net_name(residual=False, batch_norm=True)
        'plain, with BatchNorm'
    """
    return f"{'residual' if residual else 'plain'}, {'with' if batch_norm else 'no'} BatchNorm"


@dataclass(frozen=True)
class IdentityOptions(Spec):
    """What learns to give back what it gets."""

    blocks: int = number(1, 1, 8, "Blocks behind each other")


@dataclass(frozen=True)
class Identity(Result):
    """How blocks learnt to give back what they get.

    Attributes:
        seeds: Of the repetitions.
        silent: Distance to the identity of a block that puts out zeros.
        plain, residual: For each seed the distance before every step and after the last.
    """

    seeds: Sequence[int] = ()
    silent: float = 1.0
    plain: Sequence[Sequence[float]] = ()
    residual: Sequence[Sequence[float]] = ()

    def of(self, kind: str) -> Sequence[Sequence[float]]:
        """The curves of `plain` or `residual`."""
        return self.residual if kind == "residual" else self.plain


EXAMPLES: dict[str, tuple[str, Spec]] = {  # a result that ships: kind of run, its options
    "signals": ("signals", SignalsOptions((8, 20, 32, 56, 110))),
    **{f"identity_{blocks}": ("identity", IdentityOptions(blocks)) for blocks in (1, 2, 4)},
}


def signal_words(nets: Iterable[NetSignals]) -> str:
    """Return what the signals of one depth do, in words that the numbers choose."""
    words = []
    for net in nets:
        signal = "dies out" if net.carried < 1e-2 else "explodes" if net.carried > 1e2 else "is kept"
        gradient = "shrinks" if net.rate < 0.97 else "grows" if net.rate > 1.03 else "keeps its size"
        first = net.gradient_norm[0]
        size = " and is tiny" if first < 1e-3 else " and is huge" if first > 1e2 else ""
        words.append(f"* {net.name}: the signal **{signal}**; towards the input the gradient **{gradient}{size}**")
    return "\n".join(words)


def identity_words(found: Identity) -> str:
    """Return how fast either kind of block learns the identity, and which was nearer at the end."""
    words = []
    for kind in ("plain", "residual"):
        curves = found.of(kind)
        reached = [next((step for step, loss in enumerate(curve) if loss < NEAR), None) for curve in curves]
        there = sorted(step for step in reached if step is not None)
        begin, end = median(curve[0] for curve in curves), median(curve[-1] for curve in curves)
        steps = f"{there[0]}" if there and there[0] == there[-1] else f"{there[0]} to {there[-1]}" if there else ""
        when = f"below {NEAR:g} after {steps} steps" if there else f"never below {NEAR:g}"
        missed = f" ({len(curves) - len(there)} of {len(curves)} seeds never)" if 0 < len(there) < len(curves) else ""
        words.append(f"The **{kind}** block begins at {begin:.2g} and ends at {end:.2g}, {when}{missed}.")
    return " ".join([*words, _nearer(found)])


def _nearer(found: Identity) -> str:
    """Which is nearer to the identity at the end, if that is beyond chance: a ratio, so in logarithms."""
    ends = zip(found.plain, found.residual, strict=False)
    ratios = [log(max(plain[-1], _LEAST) / max(residual[-1], _LEAST)) for plain, residual in ends]
    lead = over_seeds(ratios)
    if not lead.above and not lead.below:
        seeds = f"{len(ratios)} {'seed' if len(ratios) == 1 else 'seeds'}"
        return f"Which of them is nearer to the identity at the end cannot be told from {seeds}."
    low, high = sorted(exp(abs(bound)) for bound in (lead.low or 0.0, lead.high or 0.0))
    return (
        f"At the end the **{'residual' if lead.above else 'plain'}** one is nearer to the identity, by a factor of "
        f"{exp(abs(lead.value)):.1f} (95% interval {low:.1f} to {high:.1f})."
    )
