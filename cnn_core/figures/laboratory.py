"""Figures of the laboratory: means over folds as marks, their 95% intervals as bars through them."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np

from cnn_core.arithmetic.measures import FoldAccuracy
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.figures.drawing import Figure
from cnn_core.figures.lines import BELOW
from cnn_core.figures.palette import LIGHT
from cnn_core.training.lab.backbones import Compared
from cnn_core.training.lab.depth import Cut, Place, Stage
from cnn_core.training.lab.sabotage import Sabotaged
from cnn_core.training.lab.size import ARMS, SizeArm

_MARGIN = {"l": 10, "r": 10, "t": 12, "b": 10}
_SHADE = [[0.0, LIGHT.card], [1.0, LIGHT.weight_positive]]  # how far weights have moved
HIGHEST = 340  # pixels of a figure that stands on the stage


def depth(stages: Sequence[Stage], cuts: Sequence[Cut], chance: float) -> Figure:
    """Draw a probe's accuracy after every stage and, of networks fine-tuned above a cut, their accuracy by the cut.

    Args:
        stages: Of the study of depth.
        cuts: Likewise; the last one has everything frozen.
        chance: Accuracy of always naming the commonest class.
    """
    figure = Figure()
    series: tuple[tuple[Sequence[Place], str, str, str, float], ...] = (
        (stages, "linear probe on what lies below", LIGHT.frozen, "solid", -0.08),
        (cuts, "blocks above trained, below frozen", LIGHT.fine_tuned, "dash", 0.08),
    )
    for places, name, colour, dash, aside in series:
        where = [place.frozen_blocks + aside for place in places]  # beside each other, not on each other
        accuracies, spoken = [place.accuracy for place in places], [place.name for place in places]
        _with_intervals(figure, where, accuracies, name, colour, dash, spoken)
    _guess(figure, chance)
    blocks = max((place.blocks for place in [*stages, *cuts]), default=1)
    figure.update_xaxes(title_text="lowest blocks left as pretrained", range=[-0.5, blocks + 0.7])
    return _accuracies(figure)


def size(arms: Sequence[SizeArm], chance: float) -> Figure:
    """Draw accuracy against pictures a class on a logarithmic axis, and the fitted law with its band to twice as many.

    Args:
        arms: Of the study of size.
        chance: Accuracy of always naming the commonest class.
    """
    figure = Figure()
    sizes: set[int] = set()
    for arm in arms:
        colour, title = LIGHT.arms[arm.name], ARMS[arm.name]
        where = [point.pictures for point in arm.points]
        sizes |= set(where)
        fit = arm.law.fit if arm.law else None
        if fit:
            curve = fit.curve
            figure.add_scatter(
                x=[*curve.pictures, *curve.pictures[::-1]],
                y=[*curve.high, *curve.low[::-1]],
                fill="toself",
                fillcolor=colour,
                opacity=0.18,
                line={"width": 0},
                mode="lines",
                legendgroup=arm.name,
                name=f"{title}: the law's 95% band",
                showlegend=False,
                hoverinfo="skip",
            )
            figure.add_scatter(
                x=curve.pictures,
                y=curve.accuracy,
                mode="lines",
                line={"color": colour, "dash": "dot"},
                name=f"{title}: fitted law",
                legendgroup=arm.name,
                hovertemplate=f"{title}, fitted law, %{{x:.0f}} a class: %{{y:.3f}}<extra></extra>",
            )
        if fit and fit.foresees(arm.points[-1]):
            figure.add_scatter(
                x=[fit.at],
                y=[fit.predicted],
                mode="markers",
                showlegend=False,
                legendgroup=arm.name,
                marker={"symbol": "circle-open", "size": 11, "color": colour, "line": {"width": 2}},
                hovertemplate=f"{title}, predicted at %{{x}} a class: %{{y:.3f}}<br>95% {fit.low:.3f} to "
                f"{fit.high:.3f}<extra></extra>",
            )
            sizes.add(fit.at)
        spoken = [f"{count} a class" for count in where]
        accuracies, dash = [point.accuracy for point in arm.points], None if fit else "solid"
        _with_intervals(figure, where, accuracies, title, colour, dash, spoken, group=arm.name)
    _guess(figure, chance)
    every = sorted(sizes)
    figure.update_xaxes(type="log", tickvals=every, ticktext=[str(count) for count in every])
    figure.update_xaxes(title_text="training pictures a class")
    return _accuracies(figure)


def paired(compared: Mapping[str, PairedDifference]) -> Figure:
    """Draw what each arm gains or loses against a reference on the same folds, with the interval of the difference.

    Args:
        compared: The differences, by the titles of the arms.
    """
    figure = Figure()
    _differences(figure, compared, "", LIGHT.one, 40)
    figure.add_vline(x=0, line={"color": LIGHT.soft, "width": 1.5})
    figure.update_xaxes(title_text="points of accuracy", zeroline=False)
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(margin=_MARGIN, height=min(HIGHEST, 90 + 40 * len(compared)), showlegend=False)
    return figure


def strip(measured: Mapping[str, Sequence[float]], blocks: Sequence[str]) -> Figure:
    """Draw by how much of itself each block has moved under each recipe; shades are logarithmic, numbers percent.

    Args:
        measured: By the titles of the recipes, a number a block.
        blocks: Names, bottom to top.
    """
    values = np.array(list(measured.values()), float)
    shades = np.log10(np.maximum(values, 1e-4))
    names = [block.removesuffix("_conv").removesuffix("_expand").replace("_", " ") for block in blocks]
    figure = Figure().add_heatmap(
        z=shades,
        x=list(range(len(names))),
        y=[_wrapped(title, 18) for title in measured],
        zmin=-4,
        zmax=0,
        colorscale=_SHADE,
        showscale=False,
        xgap=2,
        ygap=2,
        text=[[_percent(value) for value in row] for row in values],
        texttemplate="%{text}",
        customdata=[[f"{title}, {name}" for name in blocks] for title in measured],
        hovertemplate="%{customdata}: %{text}% of its norm<extra></extra>",
    )
    figure.update_xaxes(
        title_text="block; % of its norm",
        tickvals=list(range(len(names))),
        ticktext=names,
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False)
    figure.update_layout(margin=_MARGIN, height=100 + 46 * len(measured))
    return figure


def losses(networks: Sequence[Sabotaged]) -> Figure:
    """Draw the points of accuracy that each wrong preprocessing costs each backbone, with intervals.

    Args:
        networks: Those with `distortions`.
    """
    figure = Figure()
    for network, colour in zip(networks, _colours(len(networks)), strict=True):
        lost = {mistake.title: mistake.loss for mistake in network.distortions if mistake.loss}
        _differences(figure, lost, network.title, colour, 40)
    figure.add_vline(x=0, line={"color": LIGHT.soft, "width": 1.5})
    figure.update_xaxes(title_text="points of accuracy", zeroline=False)
    return _by_distortion(figure, networks)


def agreement(networks: Sequence[Sabotaged]) -> Figure:
    """Draw for each wrong preprocessing how often the network's own ImageNet answer stays, with intervals.

    Args:
        networks: Those with `distortions` that have a classifier.
    """
    figure = Figure()
    for network, colour in zip(networks, _colours(len(networks)), strict=True):
        stay = {mistake.title: mistake.agreement for mistake in network.distortions if mistake.agreement}
        above = [share.high - share.value for share in stay.values()]
        below = [share.value - share.low for share in stay.values()]
        figure.add_bar(
            x=[share.value for share in stay.values()],
            y=[_wrapped(title, 40) for title in stay],
            orientation="h",
            name=network.title,
            marker_color=colour,
            error_x={"array": above, "arrayminus": below, "color": LIGHT.soft},
            hovertemplate=f"{network.title}, %{{y}}: %{{x:.1%}} answer as before<extra></extra>",
        )
    figure.update_xaxes(title_text="pictures answered as before", tickformat=".0%", range=[0, 1.02])
    return _by_distortion(figure, networks)


def costs(networks: Sequence[Compared], measure: str) -> Figure:
    """Draw the accuracy of each backbone against a cost.

    Args:
        networks: Of the comparison of backbones; those that are not here are left out.
        measure: Of `Costs`: `milliseconds`, `macs` (one whose count is not known is left out) or `megabytes`.
    """
    figure = Figure()
    priced = [(each.title, each.accuracy, getattr(each.costs, measure)) for each in networks if each.accuracy]
    unit = 1e6 if measure == "macs" else 1
    shown = [(title, accuracy, price / unit) for title, accuracy, price in priced if price is not None]
    for (title, accuracy, price), colour in zip(shown, _colours(len(shown)), strict=True):
        _with_intervals(figure, [price], [accuracy], title, colour, None, [title])
    titles = {"milliseconds": "milliseconds a picture", "macs": "million multiply-adds", "megabytes": "MB of weights"}
    most = max((price for _, _, price in shown), default=1.0)
    figure.update_xaxes(title_text=titles[measure], range=[0, 1.2 * most])
    return _accuracies(figure)


def _with_intervals(
    figure: Figure,
    where: Sequence[float],
    entries: Sequence[FoldAccuracy],
    name: str,
    colour: str,
    dash: str | None,
    spoken: Sequence[str],
    group: str | None = None,
) -> None:
    """Add means, joined where `dash` says how, and their intervals."""
    x: list[float | None] = [value for place in where for value in (place, place, None)]
    y: list[float | None] = [value for entry in entries for value in (entry.low, entry.high, None)]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": colour, "width": 2},
        opacity=0.7,
        legendgroup=group or name,
        showlegend=False,
        hoverinfo="skip",
        name=f"{name}, 95% interval",
    )
    figure.add_scatter(
        x=list(where),
        y=[entry.mean for entry in entries],
        name=name,
        legendgroup=group or name,
        mode="lines+markers" if dash else "markers",
        line={"color": colour, "width": 2.5, "dash": dash or "solid"},
        marker={"size": 9, "color": colour},
        customdata=[
            (words, entry.median, entry.low, entry.high, entry.folds)
            for words, entry in zip(spoken, entries, strict=True)
        ],
        hovertemplate=f"{name}, %{{customdata[0]}}<br>mean %{{y:.3f}}, median %{{customdata[1]:.3f}}<br>95% "
        "%{customdata[2]:.3f} to %{customdata[3]:.3f}, %{customdata[4]} folds<extra></extra>",
    )


def _differences(figure: Figure, compared: Mapping[str, PairedDifference], name: str, colour: str, width: int) -> None:
    """Add a bar a difference; one without an interval has no error bar."""
    found = compared.values()
    above = [0.0 if each.high is None else each.high - each.points for each in found]
    below = [0.0 if each.low is None else each.points - each.low for each in found]
    figure.add_bar(
        x=[each.points for each in found],
        y=[_wrapped(title, width) for title in compared],
        orientation="h",
        name=name,
        marker_color=colour,
        error_x={"array": above, "arrayminus": below, "color": LIGHT.soft, "thickness": 2},
        customdata=[each.words for each in found],
        hovertemplate="%{customdata}<extra></extra>",
        hoverlabel={"align": "left"},
    )


def _by_distortion(figure: Figure, networks: Sequence[Sabotaged]) -> Figure:
    rows = len({mistake.title for network in networks for mistake in network.distortions})
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(
        margin=_MARGIN,
        height=min(HIGHEST, 90 + (32 + 14 * len(networks)) * max(1, rows)),
        barmode="group",
        showlegend=len(networks) > 1,
        legend=BELOW,
    )
    return figure


def _accuracies(figure: Figure) -> Figure:
    figure.update_yaxes(title_text="right on pictures not seen", tickformat=".0%", range=[0, 1.03])
    figure.update_layout(margin=_MARGIN, height=HIGHEST, legend=BELOW, showlegend=True)
    return figure


def _guess(figure: Figure, chance: float) -> None:
    figure.add_hline(
        y=chance,
        line={"color": LIGHT.soft, "width": 1, "dash": "dash"},
        note="always guessing the biggest class",
        place="bottom right",
        size=11,
    )


def _colours(number: int) -> list[str]:
    return [LIGHT.series[place % len(LIGHT.series)] for place in range(number)]


def _percent(value: float) -> str:
    """Write a share as a percentage; only 0 itself is 0."""
    if value == 0:
        return "0"
    percent = 100 * value
    return f"{percent:.0f}" if percent >= 9.95 else f"{percent:.1f}" if percent >= 0.05 else "<0.1"


def _wrapped(text: str, width: int) -> str:
    return "<br>".join(textwrap.wrap(text, width))
