"""Figures of the timeline and of two networks side by side."""

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_core.figures.drawing import Figure
from cnn_core.figures.palette import LIGHT, wash

_NETWORK, _FAINT = LIGHT.one, wash(LIGHT.soft, 0.35)
_MARGIN = {"l": 10, "r": 16, "t": 16, "b": 10}
FIRST_YEAR, LAST_YEAR = 1989, 2026
_HISTORY = 0.11  # share of the height that the numbered events take
_LETTER, _HEIGHT, _IN_TIME, _IN_COST = 5.6, 210.0, 190.0, 250.0  # a letter, and where points lie on a phone, in pixels
_GAP, _LEAST = 0.06, 0.24  # between two maps, and the room of the smallest, in sides of the largest

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Mark:
    """A network in a figure.

    Attributes:
        key: Of its record; what a selection returns.
        title: Its name as printed.
        x: Year, parameters or multiply-adds.
        y: The quantity.
        strong: Whether it belongs to what was filtered for.
        named: Whether its name is written beside it.
        symbol: What it is drawn as.
        apart: Why x and y are not of the same network or measurement: then the mark is open; empty if they are.
    """

    key: str
    title: str
    x: float
    y: float
    strong: bool = True
    named: bool = False
    symbol: str = "circle"
    apart: str = ""


@dataclass(frozen=True)
class Stage:
    """A feature map at the end of a stage: layer, side in pixels, channels."""

    layer: str
    size: int
    channels: int


def timeline(
    marks: Sequence[Mark], events: Sequence[tuple[int, str]], title: str, chosen: str, logarithmic: bool
) -> Figure:
    """Draw networks in time, to scale from 1989 to 2026, with numbered events of history below.

    Args:
        marks: Networks; x is the year.
        events: Year and name; numbered from 1 in this order. Those of neighbouring years lie above each other.
        title: Of the quantity, with its unit.
        chosen: Key of the network that is ringed; it need not be among them.
        logarithmic: Whether equal distances are equal factors.
    """
    hover = f"%{{hovertext}}, %{{x}}: %{{y:,}} {title}<extra></extra>"
    networks = _points(marks, chosen, hover, (float, math.log10 if logarithmic else float), _IN_TIME)
    heights = _levels([year for year, _ in events])
    history = {
        "x": [year for year, _ in events],
        "y": heights,
        "mode": "markers+text",
        "yaxis": "y2",
        "showlegend": False,
        "text": [str(number) for number in range(1, len(events) + 1)],
        "textposition": "middle center",
        "marker": {
            "symbol": "diamond",
            "size": 15,
            "color": "rgba(0,0,0,0)",
            "line": {"width": 1.2, "color": LIGHT.soft},
        },
        "textfont": {"size": 10},
        "customdata": [name for _, name in events],
        "cliponaxis": False,
        "hovertemplate": "%{x}: %{customdata}<extra>history</extra>",
    }
    years = {
        "range": [FIRST_YEAR - 0.7, LAST_YEAR + 0.7],
        "tickvals": [1989, 1998, 2006, 2012, 2017, 2022, 2026],
        "fixedrange": True,
        "anchor": "y2",
        "showgrid": True,
    }
    below = {"range": [-0.7, max(heights, default=0) + 0.7], "visible": False, "fixedrange": True}
    return Figure(
        [networks, history],
        {
            "margin": _MARGIN,
            "height": 330,
            "dragmode": False,
            "hovermode": "closest",
            "xaxis": years,
            "yaxis": _axis(title, logarithmic) | {"domain": [_HISTORY + 0.04, 1]},
            "yaxis2": below | {"domain": [0, _HISTORY]},
        },
    )


def accuracy(marks: Sequence[Mark], cost: str, title: str, chosen: str) -> Figure:
    """Draw accuracy against a cost on a logarithmic axis; a click on a point selects a network.

    Args:
        marks: Networks; x is the cost, y the accuracy in percent.
        cost: What x is, with its unit.
        title: What y is.
        chosen: Key of the network that is ringed.
    """
    hover = f"%{{y:.1f}}%, %{{x:,}} {cost}<br>%{{hovertext}}<extra></extra>"
    return Figure(
        [_points(marks, chosen, hover, (math.log10, float), _IN_COST)],
        {
            "margin": _MARGIN,
            "height": 300,
            "dragmode": False,
            "hovermode": "closest",
            "xaxis": _axis(cost, logarithmic=True),
            "yaxis": _axis(title, logarithmic=False) | {"rangemode": "normal", "ticksuffix": "%"},
        },
    )


def stage_maps(networks: Sequence[tuple[str, int, Sequence[Stage]]]) -> Figure:
    """Draw the feature maps at the ends of networks' stages as squares, all to one scale.

    Args:
        networks: Title, side of the input in pixels, and stages of each, a row a network; the input comes first.
    """
    figure, base = Figure(), 0.0
    largest = max(size for _, side, stages in networks for size in (side, *(stage.size for stage in stages)))
    widest, notes = 0.0, []
    for title, side, stages in networks:
        tallest = max(side, *(stage.size for stage in stages)) if stages else side
        top, left = base, 0.0
        base -= tallest
        notes.append(
            {"text": f"<b>{title}</b>", "x": 0, "y": top + 0.03 * largest, "xanchor": "left", "yanchor": "bottom"}
        )
        for number, (name, size, text) in enumerate([("input", side, "input"), *(_written(each) for each in stages)]):
            room = max(float(size), _LEAST * largest)
            low = left + (room - size) / 2
            figure.add_scatter(
                x=[low, low + size, low + size, low, low],
                y=[base, base, base + size, base + size, base],
                mode="lines",
                fill="toself",
                line={"color": _NETWORK if number else LIGHT.soft, "width": 1.5},
                fillcolor=wash(_NETWORK if number else LIGHT.soft, 0.3),
                showlegend=False,
                hoveron="fills",
                hoverinfo="text",
                text=f"{title}, {name}: {size} × {size}",
                name=name,
            )
            notes.append(
                {
                    "text": f"{size}²<br>{text}",
                    "x": left + room / 2,
                    "y": base - 0.02 * largest,
                    "xanchor": "center",
                    "yanchor": "top",
                    "font": {"size": 11},
                }
            )
            left += room + _GAP * largest
        widest = max(widest, left)
        base -= 0.5 * largest
    bare = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_xaxes(bare, range=[-0.02 * largest, widest])
    figure.update_yaxes(bare, range=[base + 0.1 * largest, 0.2 * largest], scaleanchor="x")
    figure.update_layout(
        margin=_MARGIN, height=330, dragmode=False, annotations=[note | {"showarrow": False} for note in notes]
    )
    return figure


def _written(stage: Stage) -> tuple[str, int, str]:
    return stage.layer, stage.size, f"× {stage.channels:,}"


def _points(marks: Sequence[Mark], chosen: str, hover: str, scales: Sequence[Scale], width: float) -> dict[str, Any]:
    """The networks as one trace, the chosen one ringed and last, so that nothing lies on it."""
    ordered = sorted(marks, key=lambda mark: (mark.key == chosen, mark.strong))
    shown = [mark.key == chosen for mark in ordered]
    sides = _sides(ordered, chosen, scales, width)
    return {
        "x": [mark.x for mark in ordered],
        "y": [mark.y for mark in ordered],
        "mode": "markers+text",
        "showlegend": False,
        "customdata": [mark.key for mark in ordered],
        "hovertext": [mark.title + (f"<br>open: {_wrapped(mark.apart)}" if mark.apart else "") for mark in ordered],
        "hovertemplate": hover,
        "text": [
            f"<b>{mark.title}</b>" if ringed else mark.title if mark.key in sides else ""
            for mark, ringed in zip(ordered, shown, strict=True)
        ],
        "textposition": [sides.get(mark.key, "top center") for mark in ordered],
        "textfont": {"size": 11},
        "marker": {
            "size": [15 if ringed else 10 for ringed in shown],
            "opacity": 1,
            "color": [_NETWORK if mark.strong else _FAINT for mark in ordered],
            "symbol": [mark.symbol + ("-open" if mark.apart else "") for mark in ordered],
            "line": {
                "width": [3 if ringed else 2 if mark.apart else 0 for mark, ringed in zip(ordered, shown, strict=True)],
                "color": LIGHT.selection,
            },
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "cliponaxis": False,
    }


def _sides(marks: Sequence[Mark], chosen: str, scales: Sequence[Scale], width: float) -> dict[str, str]:
    """Where each name has room on a small plot; those that have none are left to the hover text."""
    shares = []
    for scale, values in zip(scales, ([mark.x for mark in marks], [mark.y for mark in marks]), strict=True):
        scaled = np.array([scale(value) for value in values])
        shares.append((scaled - scaled.min(initial=np.inf)) / (np.ptp(scaled) if len(set(values)) > 1 else 1))
    at = zip(shares[0] * width, shares[1] * _HEIGHT, strict=True)
    places = {mark.key: place for mark, place in zip(marks, at, strict=True)}
    taken = [(x - 6, x + 6, y - 6, y + 6) for x, y in places.values()]
    sides: dict[str, str] = {}
    for mark in sorted((mark for mark in marks if mark.named or mark.key == chosen), key=lambda m: m.key != chosen):
        x, y = places[mark.key]
        wide = _LETTER * len(mark.title)
        for side, left, low in (
            ("middle left", x - wide - 8, y - 7),
            ("top center", x - wide / 2, y + 7),
            ("bottom center", x - wide / 2, y - 21),
            ("middle right", x + 8, y - 7),
        ):
            box = (left, left + wide, low, low + 14)
            inside = box[0] >= -20 and box[1] <= width + 40
            if inside and not any(_meet(box, other) for other in taken):
                sides[mark.key] = side
                taken.append(box)
                break
    return sides


def _levels(years: Sequence[int]) -> list[int]:
    """For each year the lowest level on which nothing before it is nearer than two years."""
    levels: list[int] = []
    for at, year in enumerate(years):
        near = {levels[other] for other in range(at) if abs(years[other] - year) < 2}
        levels.append(next(level for level in range(at + 1) if level not in near))
    return levels


def _wrapped(text: str, width: int = 46) -> str:
    """Break a sentence into the lines of a hover text."""
    return "<br>".join(textwrap.wrap(text, width))


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _axis(title: str, logarithmic: bool) -> dict[str, Any]:
    scale = (
        {"type": "log", "dtick": 1, "exponentformat": "SI"}
        if logarithmic
        else {"type": "linear", "rangemode": "tozero"}
    )
    return scale | {"title": {"text": title}, "fixedrange": True}
