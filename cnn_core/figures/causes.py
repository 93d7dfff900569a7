"""Figures of what causes degradation: signals before any training, and how blocks learn to do nothing."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cnn_core.figures.drawing import Figure
from cnn_core.figures.lines import BELOW
from cnn_core.figures.palette import LIGHT
from cnn_core.training.studies.causes import Identity, NetSignals, net_name

_MARGIN = {"l": 10, "r": 10, "t": 8, "b": 10}
_COLOURS = {"plain": LIGHT.two, "residual": LIGHT.one}
_FAINT = 0.3
_LOG = {"type": "log", "exponentformat": "power", "dtick": 1}


def along_layers(nets: Sequence[NetSignals], measure: str) -> Figure:
    """Draw `gradient_norm` or `variance` of each convolution, from the input on; dashed without BatchNorm."""
    figure = Figure()
    for net in nets:
        figure.add_scatter(
            x=list(range(1, len(net.layers) + 1)),
            y=getattr(net, measure),
            mode="lines",
            name=net.name,
            line=_line(net.residual, net.batch_norm),
            customdata=net.layers,
            hovertemplate=f"{net.name}, %{{customdata}}: %{{y:.3g}}<extra></extra>",
        )
    figure.update_xaxes(title_text="convolution", nticks=5, tickangle=0)
    title = {"gradient_norm": "norm of the gradient", "variance": "variance of the output"}
    figure.update_yaxes(_decades(value for net in nets for value in getattr(net, measure)))
    figure.update_yaxes(title_text=title[measure])
    figure.update_layout(margin=_MARGIN, height=320, legend=BELOW)
    return figure


def against_depth(nets: Sequence[NetSignals]) -> Figure:
    """Draw how many times the last convolution's gradient the first one's is, against the depth of the network."""
    figure = Figure()
    for batch_norm in (False, True):
        for residual in (False, True):
            mine = [net for net in nets if net.batch_norm == batch_norm and net.residual == residual]
            mine.sort(key=lambda net: net.depth)
            name = net_name(residual, batch_norm)
            figure.add_scatter(
                x=[net.depth for net in mine],
                y=[net.growth for net in mine],
                mode="lines+markers",
                name=name,
                line=_line(residual, batch_norm),
                hovertemplate=f"{name}, %{{x}} layers: %{{y:.3g}}<extra></extra>",
            )
    figure.add_hline(y=1, line={"color": LIGHT.soft, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text="layers with weights")
    figure.update_yaxes(_decades(value for trace in figure.data for value in trace["y"]))
    figure.update_yaxes(title_text="gradient, first ÷ last")
    figure.update_layout(margin=_MARGIN, height=320, legend=BELOW)
    return figure


def _decades(values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis with at most seven ticks, all of them powers of ten."""
    exponents = [math.log10(value) for value in values if value > 0]
    return _LOG | {"dtick": max(1, math.ceil((max(exponents) - min(exponents)) / 6)) if exponents else 1}


def _line(residual: bool, batch_norm: bool) -> dict[str, Any]:
    colour = _COLOURS["residual" if residual else "plain"]
    return {"color": colour, "width": 2.2, "dash": "solid" if batch_norm else "dash"}


def identity(found: Identity) -> Figure:
    """Draw how plain and residual blocks learn to give back what they get: faint seeds, their median strong."""
    figure = Figure()
    for kind in ("plain", "residual"):
        curves = found.of(kind)
        for seed, curve in zip(found.seeds, curves, strict=True):
            figure.add_scatter(
                y=curve,
                mode="lines",
                opacity=_FAINT,
                line={"color": _COLOURS[kind], "width": 1.2},
                showlegend=False,
                legendgroup=kind,
                hovertemplate=f"{kind}, seed {seed}, step %{{x}}: %{{y:.3g}}<extra></extra>",
            )
        figure.add_scatter(
            y=np.median(curves, axis=0),
            mode="lines",
            name=kind,
            line={"color": _COLOURS[kind], "width": 3},
            legendgroup=kind,
            hovertemplate=f"{kind}, median, step %{{x}}: %{{y:.3g}}<extra></extra>",
        )
    figure.add_hline(
        y=found.silent,
        line={"color": LIGHT.soft, "width": 1.5, "dash": "dash"},
        note="a block that puts out zeros",
    )
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(_LOG | {"title_text": "mean squared distance to the input"})
    figure.update_layout(margin=_MARGIN | {"t": 24}, height=330, legend=BELOW)
    return figure
