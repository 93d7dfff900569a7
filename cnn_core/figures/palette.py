"""One meaning, one colour, in both themes: the only file that knows what a colour says.

A figure is drawn in the colours of the light theme; `in_dark` turns it to those of the dark one, so that no figure need
know where it is shown. Zero of a signed map is the paper it lies on. Text colours reach 4.5 : 1 on paper and card.
"""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, by what they mean.

    Attributes:
        paper: The page; the zero of activations and weights.
        card: What lies on the page.
        line: Borders, grids.
        ink: Text.
        soft: Text that stands back; what is compared with, chance, history.
        accent: What can be pressed, where one is, a network's answer.
        selection: The window, cell, map or unit that is looked at: an outline or a wash, never text.
        negative: An activation below zero.
        positive: An activation above zero.
        weight_negative: A weight below zero.
        weight_positive: A weight above zero.
        frozen: The arm that trains a head on fixed features.
        fine_tuned: The arm that trains the upper blocks too.
        scratch: The arm that starts from nothing.
        one, two, three, four, five, six: Series that mean none of this, in this order.
    """

    paper: str
    card: str
    line: str
    ink: str
    soft: str
    accent: str
    selection: str
    negative: str
    positive: str
    weight_negative: str
    weight_positive: str
    frozen: str
    fine_tuned: str
    scratch: str
    one: str
    two: str
    three: str
    four: str
    five: str
    six: str

    @property
    def activations(self) -> list[list[Any]]:
        """Plotly's scale of signed activations."""
        return [[0, self.negative], [0.5, self.paper], [1, self.positive]]

    @property
    def weights(self) -> list[list[Any]]:
        """Plotly's scale of weights."""
        return [[0, self.weight_negative], [0.5, self.paper], [1, self.weight_positive]]

    @property
    def arms(self) -> dict[str, str]:
        """The colour of each arm."""
        return {"scratch": self.scratch, "frozen": self.frozen, "fine_tuned": self.fine_tuned}

    @property
    def series(self) -> tuple[str, ...]:
        """Colours of series that mean nothing else."""
        return self.one, self.two, self.three, self.four, self.five, self.six


LIGHT = Palette(
    paper="#FAFAF7",
    card="#FFFFFF",
    line="#DDDBD2",
    ink="#16202E",
    soft="#57616F",
    accent="#0F5C63",
    selection="#E8A200",
    negative="#2166AC",
    positive="#B2182B",
    weight_negative="#8C510A",
    weight_positive="#1B7837",
    frozen="#2F6DB5",
    fine_tuned="#BF4A17",
    scratch="#6B7280",
    one="#6A51A3",
    two="#4D7C2A",
    three="#A8327D",
    four="#8A6D1D",
    five="#3D6E9E",
    six="#8B5A3C",
)
DARK = Palette(
    paper="#101827",
    card="#182235",
    line="#2E3A50",
    ink="#EAEFF6",
    soft="#A9B4C3",
    accent="#5CC2C9",
    selection="#FFC63D",
    negative="#60A5FA",
    positive="#FF7A6B",
    weight_negative="#D9A05B",
    weight_positive="#6CC58A",
    frozen="#7FB2F0",
    fine_tuned="#FF9A63",
    scratch="#A7AFBB",
    one="#B9A5EA",
    two="#9CCB72",
    three="#EE8CCB",
    four="#D9BC62",
    five="#8DBBE6",
    six="#D6A384",
)
_TO_DARK = {getattr(LIGHT, entry.name): getattr(DARK, entry.name) for entry in fields(Palette)}
_RGB = {
    ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5)): ",".join(
        str(int(dark[at : at + 2], 16)) for at in (1, 3, 5)
    )
    for colour, dark in _TO_DARK.items()
}


def rgb(colour: str) -> tuple[int, int, int]:
    """Return a colour's red, green and blue.

    Example:
        >>> rgb("#0F5C63")
        (15, 92, 99)
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def wash(colour: str, opacity: float) -> str:
    """Return a colour that lets through what lies below, as Plotly and CSS write it.

    Example:
        >>> wash("#E8A200", 0.25)
        'rgba(232,162,0,0.25)'
    """
    return f"rgba({','.join(map(str, rgb(colour)))},{opacity:g})"


def in_dark(drawn: Any) -> Any:
    """Return a figure's dictionary, or any part of it, with each colour in its dark form.

    Colours that are none of the palette's stay: a picture's own.

    Example:
        >>> in_dark({"marker": {"color": "#E8A200"}, "fill": "rgba(232,162,0,0.25)", "x": [1, 2]})
        {'marker': {'color': '#FFC63D'}, 'fill': 'rgba(255,198,61,0.25)', 'x': [1, 2]}
    """
    if isinstance(drawn, str):
        if drawn.startswith("rgba("):
            red_green_blue, _, opacity = drawn[5:-1].rpartition(",")
            return f"rgba({_RGB.get(red_green_blue, red_green_blue)},{opacity})"
        return _TO_DARK.get(drawn, drawn)
    if isinstance(drawn, dict):
        return {key: in_dark(value) for key, value in drawn.items()}
    if isinstance(drawn, list | tuple):
        # Data are numbers, and many: only a list that begins with words or parts can hold a colour.
        if drawn and not isinstance(drawn[0], int | float):
            return [in_dark(value) for value in drawn]
        if len(drawn) == 2 and isinstance(drawn[1], str):  # a stop of a colour scale
            return [drawn[0], in_dark(drawn[1])]
    return drawn
