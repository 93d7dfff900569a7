"""What a receipt of a published figure is. Light: facts only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cnn_core.arithmetic.written import minus, with_unit

Value = float | tuple[float, ...]

PAGES = {  # where figures are shown: page and step, as in a link, and how one calls it
    "/": "See",
    "/transfer": "Teach it yours",
    "/laboratory?laboratory_view=Backbones": "Study, Which network",
    "/convolution": "Convolution",
    "/pooling": "Pooling",
    "/channels?channels_view=Layer": "Channels, A layer",
    "/channels?channels_view=Cost": "Channels, Cheaper layers",
    "/channels?channels_view=Field": "Channels, How far it sees",
    "/channels?channels_view=Effective": "Channels, What it really uses",
    "/architectures": "Networks, Timeline",
    "/architectures?architectures_view=Picture": "Networks, Your picture through it",
    "/architectures?architectures_view=Compare": "Networks, Two side by side",
    "/architectures?architectures_view=Degradation": "Networks, Why depth alone failed",
    "/architectures?architectures_view=Prior": "Networks, Convnet or ViT?",
}
SEE, TRANSFER, STUDY, CONVOLUTION, POOLING, LAYER, COST, FIELD, EFFECTIVE, TIMELINE, PICTURE, COMPARE, DEPTH, PRIOR = (
    PAGES
)
NOT_HERE = (
    "It takes weights that somebody trained for days, and ImageNet's 50,000 validation pictures; neither is here."
)


class Kind(StrEnum):
    """How a figure stands."""

    COMPUTED = "computed"
    CITED = "cited"
    UNVERIFIED = "not verified"


class Verdict(StrEnum):
    """How ours compares with a published figure."""

    EQUAL = "equal"
    ROUNDED = "equal to the printed digit"
    NEAR = "one off in the last printed digit"
    TERMS = "differs by the terms"
    FAILED = "does not agree"


@dataclass(frozen=True)
class Receipt:
    """A figure that somebody else has published.

    Attributes:
        key: In links.
        about: The network, or what else it is of, as printed.
        quantity: What is counted or measured.
        value: As published.
        unit: Of it, as printed behind it; empty for a plain count.
        source: Who published it, and in which table or section.
        link: Where: `arXiv:…`, `doi:…` or an address.
        protocol: How it was measured: crop, size, recipe of the weights.
        ours: The function of `computing` that computes it here, and its arguments; empty if none can.
        digit: One of the last printed digit; 0 where every digit is printed.
        terms: By what the published figure exceeds ours, in its unit, by name.
        why: Why it is not computed here, or what there is to know of the terms.
        seen: How its source was looked up; empty if no text that could be reached holds the figure.
        pages: Keys of PAGES that show it; none if it is only reproduced.
    """

    key: str
    about: str
    quantity: str
    value: Value
    unit: str
    source: str
    link: str
    protocol: str = ""
    ours: tuple[str | int, ...] = ()
    digit: float = 0
    terms: Mapping[str, float] = field(default_factory=dict)
    why: str = ""
    seen: str = ""
    pages: tuple[str, ...] = (TIMELINE,)

    @property
    def kind(self) -> Kind:
        """How it stands: one whose source could not be read is not verified, whatever comes out here."""
        return Kind.UNVERIFIED if not self.seen else Kind.COMPUTED if self.ours else Kind.CITED


@dataclass(frozen=True)
class Checked:
    """A receipt, ours where there is one, and how both compare; None for what is only cited."""

    receipt: Receipt
    ours: Value | None = None
    verdict: Verdict | None = None

    @property
    def failed(self) -> bool:
        """True if ours is not the published figure, and no terms say why."""
        return self.verdict is Verdict.FAILED and self.receipt.kind is Kind.COMPUTED


def written(value: Value, unit: str = "") -> str:
    """Write a figure as one prints it.

    Example:
        >>> written(25_557_032), written(4.089, "G"), written((4, 4, -4, -4)), written(75.1, "%")
        ('25,557,032', '4.089 G', '4, 4, −4, −4', '75.1%')
    """
    values = value if isinstance(value, tuple) else (value,)
    texts = [
        f"{each:,}" if isinstance(each, int) else f"{each:,.1f}" if each.is_integer() else f"{each:,.6g}"
        for each in values
    ]
    return minus(with_unit(", ".join(texts), unit))
