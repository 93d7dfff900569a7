"""Figures of the inductive-bias experiment: accuracy and lead against the number of training pictures."""

from collections.abc import Sequence

import numpy as np

from cnn_core.figures.drawing import Figure
from cnn_core.figures.lines import BELOW
from cnn_core.figures.palette import LIGHT
from cnn_core.training.studies.inductive_bias import NET_TITLES, Lead, Point

_MARGIN = {"l": 10, "r": 10, "t": 8, "b": 10}
_COLOURS = {"convnet": LIGHT.one, "vit": LIGHT.three}


def accuracy_by_size(points: Sequence[Point], shuffled: bool) -> Figure:
    """Draw test accuracy against the number of training pictures: a dot a seed, a line through the means."""
    figure = Figure()
    for net, title in NET_TITLES.items():
        mine = [p for p in points if p.net == net and p.shuffled == shuffled]
        sizes = sorted({p.size for p in mine})
        figure.add_scatter(
            x=[p.size for p in mine],
            y=[p.test_accuracy for p in mine],
            mode="markers",
            showlegend=False,
            marker={"size": 7, "color": _COLOURS[net]},
            opacity=0.5,
            customdata=[p.seed for p in mine],
            hovertemplate=f"{title}, %{{x}} pictures, seed %{{customdata}}: %{{y:.1%}}<extra></extra>",
        )
        means = [float(np.mean([p.test_accuracy for p in mine if p.size == size])) for size in sizes]
        figure.add_scatter(
            x=sizes,
            y=means,
            mode="lines",
            name=title,
            line={"color": _COLOURS[net], "width": 3},
            hovertemplate=f"{title}, %{{x}} pictures, mean: %{{y:.1%}}<extra></extra>",
        )
    every = sorted({p.size for p in points})
    figure.update_xaxes(type="log", tickvals=every, ticktext=[str(size) for size in every])
    figure.update_xaxes(title_text="training pictures")
    low = min((p.test_accuracy for p in points), default=0.0)
    figure.update_yaxes(title_text="right on the test pictures", tickformat=".0%", range=[max(0.0, low - 0.05), 1.02])
    figure.update_layout(margin=_MARGIN, height=300, legend=BELOW)
    return figure


def leads(leads: Sequence[Lead], chosen: int) -> Figure:
    """Draw how far the convnet leads, in points of accuracy, with its 95% interval, against the pictures.

    Args:
        leads: For each size and order.
        chosen: The size that is marked, if it is one of them.
    """
    figure = Figure()
    sizes = sorted({lead.size for lead in leads})
    for shuffled, name, colour, nudge in (
        (False, "pictures", LIGHT.one, 0.97),
        (True, "pixels shuffled", LIGHT.soft, 1.03),
    ):
        mine = sorted((lead for lead in leads if lead.shuffled == shuffled), key=lambda lead: lead.size)
        if mine:
            figure.add_scatter(
                x=[nudge * lead.size for lead in mine],
                y=[100 * lead.mean for lead in mine],
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2.5, "dash": "dash" if shuffled else "solid"},
                error_y={"array": [100 * (lead.half or 0) for lead in mine], "thickness": 1.5},
                marker={"size": 8},
                customdata=[lead.size for lead in mine],
                hovertemplate=f"{name}, %{{customdata}}: convnet leads by %{{y:.1f}} points<extra></extra>",
            )
    figure.add_hline(y=0, line={"color": LIGHT.soft, "width": 1})
    if chosen in sizes:
        figure.add_vline(x=chosen, line={"color": LIGHT.selection, "width": 3})
    figure.update_xaxes(type="log", tickvals=sizes, ticktext=[str(size) for size in sizes])
    figure.update_xaxes(title_text="training pictures")
    figure.update_yaxes(title_text="convnet − ViT, points")
    figure.update_layout(margin=_MARGIN, height=300, legend=BELOW)
    return figure
