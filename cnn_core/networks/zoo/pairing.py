"""Which published errors of two networks may be compared: those of the same generation of recipes. No Keras here."""

from dataclasses import dataclass
from itertools import product

from cnn_core.networks.zoo.records import GENERATIONS, Architecture, Result


@dataclass(frozen=True)
class Pair:
    """Two published errors, measured alike.

    Attributes:
        one: Of the one network.
        other: Of the other.
        alike: True if both were trained by recipes of one generation: then they compare networks, else recipes too.
    """

    one: Result
    other: Result

    @property
    def alike(self) -> bool:
        """True if recipes of one generation stand behind both."""
        return self.one.generation == self.other.generation


def error_of(result: Result, which: str) -> float | None:
    """Return the error in percent, None if it was not published; `which` is `"top-1"` or `"top-5"`."""
    return result.top1_error if which == "top-1" else result.top5_error


def paired(one: Architecture, other: Architecture, which: str = "top-1") -> Pair | None:
    """Choose the two errors, of one crop each, that say most about the networks.

    Of one generation before others; then those of the very networks that are built here; then of one library; then
    the newest recipes.

    Args:
        one: A network.
        other: Another one.
        which: `"top-1"` or `"top-5"`.

    Returns:
        The pair; None if one of them has no such error.

    Example:
        >>> from cnn_core.networks.zoo.architectures import architecture
        >>> vit = paired(architecture("vit_b16"), architecture("resnet50"))
        >>> vit.alike, vit.one.top1_error, vit.other.top1_error, vit.other.weights
        (True, 18.928, 19.142, 'IMAGENET1K_V2')
    """
    sides = [
        [result for result in record.results if result.one_crop and error_of(result, which) is not None]
        for record in (one, other)
    ]
    if not all(sides):
        return None
    return max((Pair(a, b) for a, b in product(*sides)), key=_weight)


def _weight(pair: Pair) -> tuple[int, ...]:
    """What makes one pair better than another; the first of equals is taken."""
    built = (pair.one.variant is None) + (pair.other.variant is None)
    library = pair.one.link == pair.other.link != ""
    return pair.alike, built, library, list(GENERATIONS).index(pair.one.generation), pair.one.year + pair.other.year


def said_of(pair: Pair) -> str:
    """Say what stands between the two networks and their errors; empty where nothing does.

    Example:
        >>> from cnn_core.networks.zoo.architectures import architecture
        >>> said_of(paired(architecture("vgg16"), architecture("mobilenet_v2")))
        ''
        >>> said_of(paired(architecture("vgg16"), architecture("convnext_tiny")))[:60]
        'This compares recipes, not only networks: the one is trained'
    """
    parts = []
    if not pair.alike:
        first, second = (GENERATIONS[result.generation] for result in (pair.one, pair.other))
        parts.append(f"This compares recipes, not only networks: the one is trained {first}; the other {second}.")
    for which, result in (("first", pair.one), ("second", pair.other)):
        if result.variant:
            cost = f" ({result.variant.macs / 1e9:.3f} G multiply-adds)" if result.variant.macs else ""
            parts.append(f"The {which} error is of another network of this name: {result.variant.what}{cost}.")
    return " ".join(parts)
