"""Figures of the front door."""

from collections.abc import Mapping, Sequence
from typing import Any

from cnn_core.arithmetic.escaping import plotly
from cnn_core.figures.drawing import Figure
from cnn_core.figures.palette import LIGHT


def labels(found: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the most probable labels of a picture, the likeliest on top."""
    figure = Figure().add_bar(
        x=[entry["probability"] for entry in found],
        y=[plotly(entry["label"]) for entry in found],
        orientation="h",
        marker_color=LIGHT.accent,
        text=[f"{entry['probability']:.1%}" for entry in found],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.2%}<extra></extra>",
    )
    figure.update_xaxes(range=[0, 1.12], visible=False)  # each bar has its number
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(margin={"l": 10, "r": 10, "t": 4, "b": 4}, height=20 + 28 * len(found))
    return figure
