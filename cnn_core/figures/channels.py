"""Figures of the page on channels: weights as stacks, maps as boxes, and what both cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnn_core.figures.drawing import Figure
from cnn_core.figures.lines import BELOW
from cnn_core.figures.palette import LIGHT
from cnn_core.networks.layer_times import LayerTime, Variant, separable_saving
from cnn_core.pictures.items import count

_MARGIN = {"l": 10, "r": 10, "t": 30, "b": 10}
_PARAMETERS, _PRODUCTS, _MAPS, _TIME = LIGHT.one, LIGHT.five, LIGHT.two, LIGHT.three  # one colour a quantity
_RGB = ("rgb(203,75,75)", "rgb(70,150,105)", "rgb(70,120,200)")  # a picture's own colours, in either theme
SLICES, STACKS = 5, 3  # drawn of a stack, and of the stacks; of more, the last one stands for those left out
_STEP = (0.55, 0.45)  # how far a slice is drawn behind the one before, in cells
_OBLIQUE = 0.3  # how much of its length the side of a box that leads away is drawn with
CHANNELS_TO_SCALE = 4  # channels as thick as one cell is high

Points = list[tuple[float, float]]


# A layer's weight ----------------------------------------------------------------------------------------------------


def weight_stacks(channels: int, filters: int, kernel_size: int, bias: bool) -> Figure:
    """Draw the weight of a convolution: a stack for each filter, a slice of k × k cells for each channel.

    All cells have one size. Of many slices and many stacks the first ones and the last are drawn, behind a gap.

    Args:
        channels: Channels of the input, C_in.
        filters: Stacks, C_out.
        kernel_size: Cells along a side of a slice.
        bias: Whether each stack has one more number.
    """
    slices, stacks = _shown_of(channels, SLICES), _shown_of(filters, STACKS)
    depth = len(slices) + (channels > len(slices))  # the gap takes the place of one slice
    width, lefts, left, notes = kernel_size + (depth - 1) * _STEP[0], [], 0.0, []
    middle, below = kernel_size / 2, -1.9 if bias else -0.35
    for number in stacks:
        if number > len(stacks):  # the last, behind a gap
            notes.append(_note(left + 1.3, middle, f"…<br>{filters - len(stacks):,}<br>more"))
            left += 3.4
        lefts.append(left)
        notes.append(_note(left + middle, below, f"filter {number:,}", yanchor="top"))
        if bias:
            notes.append(_note(left + middle - 0.75, -1.1, "+", xanchor="right"))
        left += width + 1.4
    figure = Figure()
    for place in reversed(range(len(slices))):  # the last first, so that those in front cover it
        behind = place + (channels > len(slices) and place == len(slices) - 1)
        x, y = behind * _STEP[0], behind * _STEP[1]
        paths = [path for start in lefts for path in _grid(start + x, y, kernel_size)]
        text = f"channel {slices[place]:,}: {kernel_size} × {kernel_size} weights a filter"
        _paths(figure, paths, _RGB[place] if channels == 3 else LIGHT.five, text)
    if bias:
        _paths(
            figure, [_rectangle(start + middle - 0.5, -1.6, 1, 1) for start in lefts], LIGHT.four, "one bias a filter"
        )
    top, bottom = kernel_size + (depth - 1) * _STEP[1], -3.0 if bias else -1.4
    _quiet(figure, (-0.4, left - 1.0), (bottom, top + 0.3), notes)
    figure.update_layout(height=int(np.clip(34 * (top - bottom), 180, 300)))
    return figure


def _shown_of(count: int, most: int) -> list[int]:
    """Return which of `count` things are drawn, from 1: all, or the first ones and the last.

    >>> _shown_of(3, most=5), _shown_of(256, most=5)
    ([1, 2, 3], [1, 2, 3, 4, 256])
    """
    return list(range(1, count + 1)) if count <= most else [*range(1, most), count]


def rgb_kernel(kernel: np.ndarray) -> Figure:
    """Draw the three slices of a kernel on a picture, with their weights: brown negative, green positive.

    Args:
        kernel: `(k, k, 3)`.
    """
    size, limit = len(kernel), float(np.abs(kernel).max()) or 1.0
    gap = np.full((size, 1), np.nan)
    weights = np.hstack([kernel[..., 0], gap, kernel[..., 1], gap, kernel[..., 2]])
    figure = Figure()
    figure.add_heatmap(
        z=weights,
        zmin=-limit,
        zmax=limit,
        showscale=False,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        colorscale=LIGHT.weights,
        text=[["" if np.isnan(weight) else _two_decimals(weight) for weight in row] for row in weights],
        texttemplate="%{text}" if size <= 3 else None,
        hovertemplate="%{z:.3f}<extra></extra>",
    )
    names = [
        _note(channel * (size + 1) + (size - 1) / 2, -0.6, name, 14, yanchor="bottom")
        for channel, name in enumerate(("red", "green", "blue"))
    ]
    _quiet(figure, (-0.5, 3 * size + 1.5), (size - 0.5, -0.5 - max(0.6, 0.2 * size)), names)
    figure.update_layout(height=190)
    return figure


def _two_decimals(value: float) -> str:
    """Short, as a cell on a phone is narrow: −.12 and 1.00."""
    text = f"{abs(value):.2f}".removeprefix("0")
    return f"−{text}" if value < 0 and text != ".00" else text


# Cheaper convolutions ------------------------------------------------------------------------------------------------


def cost_bars(named: Sequence[Variant]) -> Figure:
    """Draw parameters and multiply-adds of each variant as a share of the full convolution's."""
    full = named[0].cost
    figure = Figure()
    for name, colour, values, whole in (
        ("parameters", _PARAMETERS, [v.cost.params for v in named], full.params),
        ("multiply-adds", _PRODUCTS, [v.cost.macs for v in named], full.macs),
    ):
        _share_bars(
            figure,
            [v.title for v in named],
            name,
            colour,
            [value / whole for value in values],
            [count(value, name.removesuffix("s")) for value in values],
        )
    return _shares(figure, "share of the full convolution")


def time_bars(named: Sequence[Variant], times: Sequence[LayerTime]) -> Figure:
    """Draw the multiply-adds and the measured time of each variant as a share of the full one's, with quartiles."""
    titles, macs, full = [v.title for v in named], [v.cost.macs for v in named], times[0].median
    figure = Figure()
    _share_bars(figure, titles, "multiply-adds", _PRODUCTS, [m / macs[0] for m in macs], [f"{m:,} MACs" for m in macs])
    _share_bars(
        figure,
        titles,
        "measured time",
        _TIME,
        [t.median / full for t in times],
        [f"{t.median:.3g} ms, quartiles {t.lower:.3g} and {t.upper:.3g}" for t in times],
        {
            "array": [(t.upper - t.median) / full for t in times],
            "arrayminus": [(t.median - t.lower) / full for t in times],
            "symmetric": False,
            "color": LIGHT.soft,
            "thickness": 1.5,
        },
    )
    return _shares(figure, "share of the full convolution")


def saving_curves(filters: int, kernel_size: int, kernel_sizes: Sequence[int] = (1, 3, 5, 7)) -> Figure:
    """Draw how many times cheaper the separable convolution is, against the filters; a dot where the reader is."""
    figure = Figure()
    counts = np.unique(np.round(np.geomspace(1, 4096, 60))).astype(int)
    for size, dash in zip(kernel_sizes, ("dot", "solid", "dash", "longdash"), strict=True):
        here = size == kernel_size
        figure.add_scatter(
            x=counts,
            y=[separable_saving(int(n), size**2) for n in counts],
            mode="lines",
            name=f"{size} × {size}",
            line={"color": LIGHT.accent if here else LIGHT.soft, "dash": dash, "width": 3 if here else 1.5},
            hovertemplate=f"{size} × {size}, %{{x}} filters: the full one takes %{{y:.2f}}× as much<extra></extra>",
        )
    figure.add_scatter(
        x=[filters],
        y=[separable_saving(filters, kernel_size**2)],
        mode="markers",
        name="here",
        marker={"size": 14, "symbol": "circle-open", "color": LIGHT.selection, "line": {"width": 3}},
        hovertemplate="here: the full one takes %{y:.2f}× as much<extra></extra>",
    )
    figure.add_scatter(
        x=[1, 4096],
        y=[1, 1],
        mode="lines",
        name="nothing saved",
        hoverinfo="skip",
        line={"color": LIGHT.soft, "dash": "dot", "width": 1.5},
    )
    ticks = {"tickvals": [1, 4, 16, 64, 256, 1024, 4096], "ticktext": ["1", "4", "16", "64", "256", "1024", "4096"]}
    figure.update_xaxes(ticks, title_text="filters, C_out", type="log")
    figure.update_yaxes(
        title_text="multiply-adds, full ÷ separable",
        type="log",
        tickvals=[0.5, 1, 2, 4, 8, 16, 32, 64],
        ticktext=["½", "1", "2", "4", "8", "16", "32", "64"],
    )
    figure.update_layout(margin=_MARGIN | {"t": 8}, height=340, legend=BELOW)
    return figure


def _share_bars(
    figure: Figure,
    titles: list[str],
    name: str,
    colour: str,
    shares: list[float],
    hover: list[str],
    error: dict[str, object] | None = None,
) -> None:
    figure.add_bar(
        y=titles,
        x=shares,
        name=name,
        orientation="h",
        marker={"color": colour},
        customdata=hover,
        error_x=error,
        hovertemplate="%{y}: %{customdata}, %{x:.1%}<extra></extra>",
        text=[f"{share:.1%}" for share in shares],
        textposition="none" if error else "outside",
    )


def _shares(figure: Figure, title: str) -> Figure:
    figure.update_yaxes(autorange="reversed")
    longest = max(max(bar["x"]) for bar in figure.data)
    room = {} if figure.data[-1]["textposition"] == "none" else {"range": (0, 1.3 * longest)}  # for the numbers
    figure.update_xaxes(room, title_text=title, tickformat=".0%", rangemode="tozero", automargin=True)
    figure.update_layout(
        margin=_MARGIN | {"t": 8},
        height=340,
        barmode="group",
        bargap=0.3,
        legend=BELOW | {"traceorder": "normal"},
    )
    return figure


# The rhythm ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """A feature map: `size` × `size` cells, `channels` deep."""

    size: int
    channels: int


def map_boxes(boxes: Sequence[Box]) -> Figure:
    """Draw maps as boxes to one scale: as high as the map, as thick as it has channels, four channels a cell.

    The side that leads away is foreshortened to 0.3 of its length. Each box has its size written below.
    """
    figure, left, gap, notes = Figure(), 0.0, 46.0, []
    for number, box in enumerate(boxes):
        high, thick, away = float(box.size), box.channels / CHANNELS_TO_SCALE, box.size * _OBLIQUE * np.sqrt(0.5)
        base = -high / 2
        colour = LIGHT.five if number else LIGHT.soft  # the picture is grey
        hover = f"{box.size} × {box.size} × {box.channels}: {box.size**2 * box.channels:,} numbers"
        faces = (
            _rectangle(left, base, thick, high),
            [
                (left, base + high),
                (left + away, base + high + away),
                (left + thick + away, base + high + away),
                (left + thick, base + high),
            ],
            [
                (left + thick, base),
                (left + thick + away, base + away),
                (left + thick + away, base + high + away),
                (left + thick, base + high),
            ],
        )
        for face, opacity in zip(faces, (0.95, 0.75, 0.45), strict=True):
            _paths(figure, [face], colour, hover, opacity)
        notes.append(_note(left + (thick + away) / 2, base - 8, f"{box.size}²<br>× {box.channels}", 11, yanchor="top"))
        left += thick + away + gap
    _quiet(figure, (-14, left - gap + 14), (-boxes[0].size / 2 - 62, boxes[0].size * (0.5 + _OBLIQUE) + 4), notes)
    figure.update_layout(height=260)
    return figure


def stage_bars(names: Sequence[str], values: dict[str, Sequence[int]]) -> Figure:
    """Draw how a network's bytes of maps, parameters and multiply-adds are spread over its stages, in shares.

    Args:
        names: Of the stages.
        values: Title of a quantity → one whole number a stage.
    """
    figure = Figure()
    for (title, numbers), colour in zip(values.items(), (_MAPS, _PARAMETERS, _PRODUCTS), strict=True):
        total = sum(numbers)
        figure.add_bar(
            x=list(names),
            y=[number / total for number in numbers],
            name=title,
            marker={"color": colour},
            customdata=[f"{number:,}" for number in numbers],
            hovertemplate=f"%{{x}}: %{{customdata}} {title}, %{{y:.1%}}<extra></extra>",
        )
    figure.update_yaxes(title_text="share of the network", tickformat=".0%", rangemode="tozero")
    figure.update_layout(margin=_MARGIN | {"t": 8}, height=300, barmode="group", legend=BELOW)
    return figure


# Drawing -------------------------------------------------------------------------------------------------------------


def _rectangle(left: float, bottom: float, width: float, height: float) -> Points:
    return [(left, bottom), (left + width, bottom), (left + width, bottom + height), (left, bottom + height)]


def _grid(left: float, bottom: float, size: int) -> list[Points]:
    """A square of so many cells a side: its outline and the lines within."""
    lines: list[Points] = []
    for n in range(1, size):
        lines.append([(left + n, bottom), (left + n, bottom + size)])
        lines.append([(left, bottom + n), (left + size, bottom + n)])
    return [_rectangle(left, bottom, size, size), *lines]


def _paths(figure: Figure, paths: Sequence[Points], colour: str, hover: str, opacity: float = 1.0) -> None:
    """Fill them all in one trace: a trace costs milliseconds."""
    x: list[float | None] = []
    y: list[float | None] = []
    for points in paths:
        x += [*(across for across, _ in points), points[0][0], None]
        y += [*(up for _, up in points), points[0][1], None]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        fill="toself",
        fillcolor=colour,
        line={"color": LIGHT.paper, "width": 1},
        opacity=opacity,
        hoveron="fills",
        hoverinfo="text",
        text=hover,
    )


def _note(x: float, y: float, text: str, size: int = 12, **anchors: str) -> dict[str, Any]:
    return {"x": x, "y": y, "text": text, "showarrow": False, "font": {"size": size}, **anchors}


def _quiet(figure: Figure, across: tuple[float, float], up: tuple[float, float], notes: list[dict[str, Any]]) -> None:
    """Equal scales in both directions, no axes."""
    figure.update_xaxes(visible=False, fixedrange=True, range=across, constrain="domain")
    figure.update_yaxes(visible=False, fixedrange=True, range=up, scaleanchor="x", constrain="domain")
    figure.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0}, showlegend=False, annotations=notes)
