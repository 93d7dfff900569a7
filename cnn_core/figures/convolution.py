"""Figures of the convolution page."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cnn_core.arithmetic.experiments import dense_versus_convolution
from cnn_core.arithmetic.learning import Frame
from cnn_core.arithmetic.written import minus
from cnn_core.figures.drawing import Figure
from cnn_core.figures.palette import LIGHT

_MARGIN = {"l": 10, "r": 10, "t": 30, "b": 10}


def histogram(feature_map: np.ndarray, limit: float) -> Figure:
    """Draw how often each response occurs, on a logarithmic scale."""
    counts, edges = np.histogram(feature_map, bins=61, range=(-limit, limit))
    bars = {
        "type": "bar",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": counts,
        "marker": {"color": LIGHT.soft},
        "hovertemplate": "response %{x:.3g}, positions: %{y}<extra></extra>",
    }
    return Figure(
        [bars],
        {
            "margin": _MARGIN | {"t": 8},
            "height": 180,
            "bargap": 0,
            "xaxis": {"title": {"text": "response"}},
            "yaxis": {"title": {"text": "positions"}, "type": "log", "dtick": 1, "exponentformat": "power"},
        },
    )


def parameters(kernel_size: int, shape: tuple[int, int]) -> Figure:
    """Draw the parameters of a dense layer and of a convolution from a picture to a map of its size.

    Args:
        kernel_size: Of the convolution.
        shape: Height and width of the picture that is marked: among the squares where it has as many pixels.
    """
    sizes = [4, 8, 16, 32, 64, 128, 224, 512]
    counts = [dense_versus_convolution(n, kernel_size) for n in sizes]
    figure = Figure()
    for name, values, colour in (
        ("dense", [c.dense_weights + c.dense_biases for c in counts], LIGHT.soft),
        ("convolution", [c.convolution_weights + c.convolution_biases for c in counts], LIGHT.accent),
    ):
        figure.add_scatter(
            x=sizes,
            y=values,
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2.5},
            hovertemplate=f"{name}, %{{x}} × %{{x}}: %{{y:,}} parameters<extra></extra>",
        )
    here, side = dense_versus_convolution(shape, kernel_size), math.sqrt(math.prod(shape))
    figure.add_scatter(
        x=[side, side],
        mode="markers",
        name="your picture",
        marker={"size": 13, "symbol": "circle-open", "color": LIGHT.selection, "line": {"width": 3}},
        y=[here.dense_weights + here.dense_biases, here.convolution_weights + here.convolution_biases],
        hovertemplate=f"{shape[0]} × {shape[1]}: %{{y:,}} parameters<extra></extra>",
    )
    figure.update_xaxes(type="log", title_text="side of the picture, pixels", tickvals=sizes)
    figure.update_yaxes(type="log", title_text="parameters", exponentformat="power")
    figure.update_layout(margin=_MARGIN, height=300, legend={"orientation": "h", "y": 1.12})
    return figure


def learning(frames: Sequence[Frame], target: np.ndarray) -> Figure:
    """Draw a kernel being learnt: loss on the left, the kernel now and the one to be found on the right; playable."""
    limit = float(max(np.abs(target).max(), 1e-6)) * 1.2
    steps, losses = [frame.step for frame in frames], [max(frame.loss, 1e-12) for frame in frames]
    figure = Figure.panels(1, 3, widths=[0.4, 0.3, 0.3], titles=("loss", "learnt", "to be found"), gap=0.04)
    heat = {
        "zmin": -limit,
        "zmax": limit,
        "colorscale": LIGHT.weights,
        "showscale": False,
        "texttemplate": "%{text}",
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
    }
    figure.add_scatter(x=steps, y=losses, mode="lines", line={"color": LIGHT.soft}, showlegend=False, row=1, col=1)
    figure.add_scatter(
        x=steps[-1:],
        y=losses[-1:],
        mode="markers",
        marker={"size": 11, "color": LIGHT.accent},
        showlegend=False,
        row=1,
        col=1,
    )
    figure.add_heatmap(**_cells(frames[-1].kernel), row=1, col=2, **heat)
    figure.add_heatmap(**_cells(target), row=1, col=3, **heat)
    figure.frames = [
        {
            "name": str(frame.step),
            "traces": [1, 2],
            "data": [
                {"type": "scatter", "x": [frame.step], "y": [max(frame.loss, 1e-12)]},
                {"type": "heatmap", **_cells(frame.kernel)},
            ],
        }
        for frame in frames
    ]
    figure.update_yaxes(type="log", exponentformat="power", row=1, col=1)
    figure.update_xaxes(title_text="step", row=1, col=1)
    for column in (2, 3):
        square: dict[str, Any] = {
            "showticklabels": False,
            "showgrid": False,
            "constrain": "domain",
            "row": 1,
            "col": column,
        }
        figure.update_yaxes(autorange="reversed", scaleanchor=f"x{column}", constraintoward="top", **square)
        figure.update_xaxes(**square)
    pace = {"frame": {"duration": 60, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    figure.update_layout(
        margin=_MARGIN | {"b": 60},
        height=280,
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "x": 0,
                "y": -0.18,
                "xanchor": "left",
                "yanchor": "top",
                "buttons": [
                    {"label": "Learn", "method": "animate", "args": [None, pace | {"fromcurrent": False}]},
                    {"label": "Pause", "method": "animate", "args": [[None], pace]},
                ],
            }
        ],
    )
    return figure


def _cells(kernel: np.ndarray) -> dict[str, Any]:
    """A kernel's colours and numbers: a template of Plotly would write a hyphen for the minus."""
    return {"z": kernel, "text": [[minus(f"{weight:.1f}") for weight in row] for row in kernel]}
