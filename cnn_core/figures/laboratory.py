"""Figures of the laboratory: medians over folds as marks, 95 % intervals as bars through them."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cnn_core.figures.transfer import ARM_COLOURS, ARM_TITLES

_MARGIN = {"l": 10, "r": 10, "t": 12, "b": 10}
_BELOW = {"orientation": "h", "x": 0, "y": -0.24, "yanchor": "top"}
_BLUE, _ORANGE, _GREY = "#3B82F6", "#D9730D", "#8A8F98"
_SERIES = (_BLUE, _ORANGE, "#16A34A", "#A855F7", "#0EA5A4", "#DC4A68")
_SHADE = [[0.0, "#E8EDF5"], [1.0, "#2F6FE0"]]  # opaque: the numbers on it stay readable in the dark


def depth(stages: Sequence[Mapping[str, Any]], cuts: Sequence[Mapping[str, Any]], chance: float) -> go.Figure:
    """Draw a probe's accuracy after every stage and, of networks fine-tuned above a cut, their accuracy by the cut.

    Args:
        stages: As in the result of `lab.depth`.
        cuts: Likewise; the last one has everything frozen.
        chance: Accuracy of always naming the commonest class.
    """
    figure = go.Figure()
    for entries, name, colour, dash, aside in (
        (stages, "linear probe on what lies below", _BLUE, "solid", -0.08),
        (cuts, "blocks above trained, below frozen", _ORANGE, "dash", 0.08),
    ):
        where = [entry["frozen_blocks"] + aside for entry in entries]  # beside each other, not on each other
        _with_intervals(figure, where, entries, name, colour, dash, [entry["name"] for entry in entries])
    _guess(figure, chance)
    blocks = max((entry["blocks"] for entry in [*stages, *cuts]), default=1)
    figure.update_xaxes(title_text="lowest blocks left as pretrained", range=[-0.5, blocks + 0.7])
    return _accuracies(figure)


def size(arms: Mapping[str, Mapping[str, Any]], chance: float) -> go.Figure:
    """Draw accuracy against pictures a class on a logarithmic axis, and the fitted law with its band to twice as many.

    Args:
        arms: As in the result of `lab.size`.
        chance: Accuracy of always naming the commonest class.
    """
    figure = go.Figure()
    sizes: set[int] = set()
    for arm, entry in arms.items():
        colour, title, points = ARM_COLOURS[arm], ARM_TITLES[arm], entry["points"]
        where = [point["pictures"] for point in points]
        sizes |= set(where)
        curve = entry.get("law", {}).get("curve")
        if curve:
            law = entry["law"]
            figure.add_scatter(
                x=[*curve["pictures"], *curve["pictures"][::-1]],
                y=[*curve["high"], *curve["low"][::-1]],
                fill="toself",
                fillcolor=colour,
                opacity=0.18,
                line={"width": 0},
                mode="lines",
                legendgroup=arm,
                name=f"{title}: the law's 95 % band",
                showlegend=False,
                hoverinfo="skip",
            )
            figure.add_scatter(
                x=curve["pictures"],
                y=curve["accuracy"],
                mode="lines",
                line={"color": colour, "dash": "dot"},
                name=f"{title}: fitted law",
                legendgroup=arm,
                hovertemplate=f"{title}, fitted law, %{{x:.0f}} a class: %{{y:.3f}}<extra></extra>",
            )
            figure.add_scatter(
                x=[law["at"]],
                y=[law["predicted"]],
                mode="markers",
                showlegend=False,
                legendgroup=arm,
                marker={"symbol": "circle-open", "size": 11, "color": colour, "line": {"width": 2}},
                hovertemplate=f"{title}, predicted at %{{x}} a class: %{{y:.3f}}<br>95 % {law['low']:.3f} to "
                f"{law['high']:.3f}<extra></extra>",
            )
            sizes.add(law["at"])
        spoken = [f"{count} a class" for count in where]
        _with_intervals(figure, where, points, title, colour, "solid" if not curve else None, spoken, group=arm)
    _guess(figure, chance)
    every = sorted(sizes)
    figure.update_xaxes(type="log", tickvals=every, ticktext=[str(count) for count in every])
    figure.update_xaxes(title_text="training pictures a class")
    return _accuracies(figure)


def paired(entries: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw what each arm gains or loses against a reference on the same folds, with the interval of the difference.

    Args:
        entries: Each with `title` and `paired` (`points`, `low`, `high`), as in the result of `lab.recipes`.
    """
    figure = go.Figure()
    _differences(figure, [entry["title"] for entry in entries], [entry["paired"] for entry in entries], "", _BLUE, 30)
    figure.add_vline(x=0, line={"color": _GREY, "width": 1.5})
    figure.update_xaxes(title_text="points of accuracy", zeroline=False)
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(margin=_MARGIN, height=90 + 48 * len(entries), showlegend=False)
    return figure


def strip(entries: Sequence[Mapping[str, Any]], measure: str, blocks: Sequence[str]) -> go.Figure:
    """Draw by how much of itself each block has moved under each recipe; shades are logarithmic, numbers percent.

    Args:
        entries: Each with `title` and the measure, a number a block, as in the result of `lab.recipes`.
        measure: `distances` (weights) or `statistics_drift` (BatchNorm's moving statistics).
        blocks: Names, bottom to top.
    """
    values = np.array([entry[measure] for entry in entries], float)
    shades = np.log10(np.maximum(values, 1e-4))
    names = [block.removesuffix("_conv").removesuffix("_expand").replace("_", " ") for block in blocks]
    figure = go.Figure(
        go.Heatmap(
            z=shades,
            x=list(range(len(names))),
            y=[_wrapped(entry["title"], 18) for entry in entries],
            zmin=-4,
            zmax=0,
            colorscale=_SHADE,
            showscale=False,
            xgap=2,
            ygap=2,
            text=[[_percent(value) for value in row] for row in values],
            texttemplate="%{text}",
            customdata=[[f"{entry['title']}, {name}" for name in blocks] for entry in entries],
            hovertemplate="%{customdata}: %{text} % of its norm<extra></extra>",
        )
    )
    figure.update_xaxes(
        title_text="block; % of its norm",
        tickvals=list(range(len(names))),
        ticktext=names,
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False)
    figure.update_layout(margin=_MARGIN, height=100 + 46 * len(entries))
    return figure


def losses(backbones: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw the points of accuracy that each wrong preprocessing costs each backbone, with intervals.

    Args:
        backbones: Those with `distortions`, as in the result of `lab.sabotage`.
    """
    figure = go.Figure()
    for backbone, colour in zip(backbones, _colours(len(backbones)), strict=True):
        applied = [entry for entry in backbone["distortions"] if "loss" in entry]
        titles, found = [entry["title"] for entry in applied], [entry["loss"] for entry in applied]
        _differences(figure, titles, found, backbone["title"], colour, 24)
    figure.add_vline(x=0, line={"color": _GREY, "width": 1.5})
    figure.update_xaxes(title_text="points of accuracy", zeroline=False)
    return _by_distortion(figure, backbones)


def agreement(backbones: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw for each wrong preprocessing how often the network's own ImageNet answer stays, with intervals.

    Args:
        backbones: Those with `distortions` that have a classifier (`agreement` is not None).
    """
    figure = go.Figure()
    for backbone, colour in zip(backbones, _colours(len(backbones)), strict=True):
        applied = [entry for entry in backbone["distortions"] if entry.get("agreement") is not None]
        shares = np.array([entry["agreement"] for entry in applied])
        low, high = np.array([entry["agreement_interval"] for entry in applied]).reshape(-1, 2).T
        figure.add_bar(
            x=shares,
            y=[_wrapped(entry["title"], 24) for entry in applied],
            orientation="h",
            name=backbone["title"],
            marker_color=colour,
            error_x={"array": high - shares, "arrayminus": shares - low, "color": _GREY},
            hovertemplate=f"{backbone['title']}, %{{y}}: %{{x:.1%}} answer as before<extra></extra>",
        )
    figure.update_xaxes(title_text="pictures answered as before", tickformat=".0%", range=[0, 1.02])
    return _by_distortion(figure, backbones)


def costs(backbones: Sequence[Mapping[str, Any]], measure: str) -> go.Figure:
    """Draw the accuracy of each backbone against a cost.

    Args:
        backbones: Those that are available, as in the result of `lab.which_backbone`.
        measure: `milliseconds`, `macs` (one whose count is not known is left out) or `megabytes`.
    """
    figure = go.Figure()
    shown = [entry for entry in backbones if entry[measure] is not None]
    for entry, colour in zip(shown, _colours(len(shown)), strict=True):
        where = entry[measure] / (1e6 if measure == "macs" else 1)
        _with_intervals(figure, [where], [entry["accuracy"]], entry["title"], colour, None, [entry["title"]])
    titles = {"milliseconds": "milliseconds a picture", "macs": "million multiply-adds", "megabytes": "MB of weights"}
    most = max((entry[measure] / (1e6 if measure == "macs" else 1) for entry in shown), default=1.0)
    figure.update_xaxes(title_text=titles[measure], range=[0, 1.2 * most])
    return _accuracies(figure)


def _with_intervals(
    figure: go.Figure,
    where: Sequence[float],
    entries: Sequence[Mapping[str, Any]],
    name: str,
    colour: str,
    dash: str | None,
    spoken: Sequence[str],
    group: str | None = None,
) -> None:
    """Add medians, joined where `dash` says how, and their intervals of the mean (which may not be centred on them)."""
    x: list[float | None] = [value for place in where for value in (place, place, None)]
    y: list[float | None] = [value for entry in entries for value in (entry["low"], entry["high"], None)]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": colour, "width": 2},
        opacity=0.7,
        legendgroup=group or name,
        showlegend=False,
        hoverinfo="skip",
        name=f"{name}, 95 % interval",
    )
    figure.add_scatter(
        x=list(where),
        y=[entry["median"] for entry in entries],
        name=name,
        legendgroup=group or name,
        mode="lines+markers" if dash else "markers",
        line={"color": colour, "width": 2.5, "dash": dash or "solid"},
        marker={"size": 9, "color": colour},
        customdata=[
            (words, entry["mean"], entry["low"], entry["high"], entry["folds"])
            for words, entry in zip(spoken, entries, strict=True)
        ],
        hovertemplate=f"{name}, %{{customdata[0]}}<br>median %{{y:.3f}}, mean %{{customdata[1]:.3f}}<br>95 % "
        "%{customdata[2]:.3f} to %{customdata[3]:.3f}, %{customdata[4]} folds<extra></extra>",
    )


def _differences(
    figure: go.Figure, titles: Sequence[str], found: Sequence[Mapping[str, Any]], name: str, colour: str, width: int
) -> None:
    """Add a bar a difference; one without an interval has no error bar."""
    points = [each["points"] for each in found]
    above = [0.0 if each["high"] is None else each["high"] - each["points"] for each in found]
    below = [0.0 if each["low"] is None else each["points"] - each["low"] for each in found]
    figure.add_bar(
        x=points,
        y=[_wrapped(title, width) for title in titles],
        orientation="h",
        name=name,
        marker_color=colour,
        error_x={"array": above, "arrayminus": below, "color": _GREY, "thickness": 2},
        customdata=[each["words"] for each in found],
        hovertemplate="%{customdata}<extra></extra>",
        hoverlabel={"align": "left"},
    )


def _by_distortion(figure: go.Figure, backbones: Sequence[Mapping[str, Any]]) -> go.Figure:
    rows = len({entry["title"] for backbone in backbones for entry in backbone["distortions"]})
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(
        margin=_MARGIN,
        height=90 + (32 + 14 * len(backbones)) * max(1, rows),
        barmode="group",
        showlegend=len(backbones) > 1,
        legend=_BELOW | {"y": -0.1},
    )
    return figure


def _accuracies(figure: go.Figure) -> go.Figure:
    figure.update_yaxes(title_text="right on pictures not seen", tickformat=".0%", range=[0, 1.03])
    figure.update_layout(margin=_MARGIN, height=420, legend=_BELOW, showlegend=True)
    return figure


def _guess(figure: go.Figure, chance: float) -> None:
    figure.add_hline(
        y=chance,
        line={"color": _GREY, "width": 1, "dash": "dash"},
        annotation_text="always the commonest class",
        annotation_position="bottom right",
        annotation_font_size=11,
    )


def _colours(number: int) -> list[str]:
    return [_SERIES[place % len(_SERIES)] for place in range(number)]


def _percent(value: float) -> str:
    """Write a share as a percentage; only 0 itself is 0."""
    if value == 0:
        return "0"
    percent = 100 * value
    return f"{percent:.0f}" if percent >= 9.95 else f"{percent:.1f}" if percent >= 0.05 else "<0.1"


def _wrapped(text: str, width: int) -> str:
    return "<br>".join(textwrap.wrap(text, width))
