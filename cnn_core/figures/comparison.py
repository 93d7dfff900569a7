"""Figures of the laboratory's list of runs: any of them on one chart."""

from collections.abc import Sequence

from cnn_core.arithmetic.escaping import plotly
from cnn_core.arithmetic.measures import Accuracy, Curve
from cnn_core.figures.drawing import Figure
from cnn_core.figures.palette import LIGHT

COLOURS = (*LIGHT.series, LIGHT.soft)
DASHES = ("solid", "dash", "dot", "dashdot")
_MARGIN = {"l": 10, "r": 10, "t": 12, "b": 10}


def accuracies(runs: Sequence[tuple[str, Sequence[Accuracy]]]) -> Figure:
    """Draw each arm's accuracy with its 95% interval, a colour a run.

    Args:
        runs: For each its title and what it measured.
    """
    figure = Figure()
    rows: list[str] = []
    for number, (title, found) in enumerate(runs):
        colour = COLOURS[number % len(COLOURS)]
        figure.add_scatter(
            x=[each.value for each in found],
            y=[len(rows) + place for place in range(len(found))],
            mode="markers",
            name=plotly(title, 40),
            marker={"size": 11, "color": colour},
            error_x={
                "type": "data",
                "array": [each.high - each.value for each in found],
                "arrayminus": [each.value - each.low for each in found],
                "thickness": 2,
                "color": colour,
            },
            customdata=[[plotly(each.arm), each.low, each.high] for each in found],
            hovertemplate="%{customdata[0]}: %{x:.1%}, 95% interval %{customdata[1]:.1%} to %{customdata[2]:.1%}",
        )
        rows += [plotly(each.arm, 30) for each in found]
    figure.update_xaxes(range=[-0.02, 1.04], tickformat=".0%", title_text="accuracy")
    figure.update_yaxes(
        range=[len(rows) - 0.4, -0.6], tickvals=list(range(len(rows))), ticktext=rows, zeroline=False, automargin=True
    )
    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"}
    height = 130 + 26 * len(rows) + 22 * len(runs)
    figure.update_layout(margin=_MARGIN, height=height, legend=legend, showlegend=True, hoverlabel={"namelength": -1})
    return figure


def curves(runs: Sequence[tuple[str, Sequence[Curve]]]) -> Figure:
    """Draw accuracy over the epochs, a colour a run, a dash an arm."""
    figure = Figure()
    for number, (title, found) in enumerate(runs):
        for place, curve in enumerate(found):
            figure.add_scatter(
                x=curve.epochs,
                y=curve.accuracy,
                mode="lines+markers",
                marker={"size": 5},
                name=f"{plotly(title, 28)} · {plotly(curve.arm)}",
                hovertemplate="%{fullData.name}: %{y:.1%}<extra></extra>",
                line={"color": COLOURS[number % len(COLOURS)], "dash": DASHES[place % len(DASHES)], "width": 2},
            )
    figure.update_xaxes(title_text="epoch", rangemode="tozero")
    figure.update_yaxes(title_text="right on pictures not trained on", tickformat=".0%", range=[0, 1.04])
    lines = sum(len(found) for _, found in runs)
    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"}
    figure.update_layout(margin=_MARGIN, height=330 + 22 * lines, legend=legend, showlegend=True)
    return figure
