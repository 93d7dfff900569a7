"""Figures of the degradation experiment: what the nets learn, and how their errors go with depth."""

from collections.abc import Mapping, Sequence
from statistics import median

from cnn_core.figures.drawing import Figure
from cnn_core.figures.lines import BELOW
from cnn_core.figures.palette import LIGHT
from cnn_core.training.studies.degradation import Arm
from cnn_core.training.studies.published import Target

_MARGIN = {"l": 10, "r": 10, "t": 8, "b": 10}
_COLOURS = {"plain": LIGHT.two, "residual": LIGHT.one}
_FAINT = 0.3
_TITLES = {"train_loss": "training loss", "train_error": "training error", "test_error": "test error"}
_LOG = {"type": "log", "exponentformat": "power", "dtick": 1}


def learning(arms: Mapping[str, Arm], measure: str, epochs: int) -> Figure:
    """Draw a measure over the epochs: a faint line a seed, a strong one for the median of the seeds.

    Args:
        arms: As in the result of a degradation run, or as far as they have come.
        measure: `train_loss` (on a logarithmic axis), `train_error` or `test_error`.
        epochs: Planned.
    """
    figure = Figure()
    for arm in arms.values():
        kind = _kind(arm.residual)
        name, colour = f"{kind}-{arm.depth}", _COLOURS[kind]
        dash = "solid" if arm.depth == max(other.depth for other in arms.values()) else "dot"
        values: dict[int, list[float]] = {}
        for seed in arm.seeds:
            line = [(entry.epoch, getattr(entry, measure)) for entry in seed.epochs]
            for epoch, value in line:
                values.setdefault(epoch, []).append(value)
            figure.add_scatter(
                x=[epoch for epoch, _ in line],
                y=[value for _, value in line],
                mode="lines",
                opacity=_FAINT,
                line={"color": colour, "width": 1.2, "dash": dash},
                legendgroup=name,
                showlegend=False,
                hovertemplate=f"{name}, seed {seed.seed}, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
            )
        figure.add_scatter(
            x=list(values),
            y=[median(each) for each in values.values()],
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 3, "dash": dash},
            marker={"size": 5},
            legendgroup=name,
            hovertemplate=f"{name}, median, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
        )
    figure.update_xaxes(title_text="epoch", range=[0.5, epochs + 0.5], nticks=5, tickangle=0)
    figure.update_yaxes(title_text=_TITLES[measure])
    figure.update_yaxes(_LOG if measure == "train_loss" else {"tickformat": ".0%", "rangemode": "tozero"})
    figure.update_layout(margin=_MARGIN, height=320, legend=BELOW)
    return figure


def by_depth(arms: Mapping[str, Arm], targets: Sequence[Target]) -> Figure:
    """Draw the error of the last epoch against depth: solid what was measured here, dashed what was published."""
    figure = Figure()
    for residual in (False, True):
        kind = _kind(residual)
        mine = [
            (arm.depth, seed.seed, 100 * seed.epochs[-1].test_error)
            for arm in arms.values()
            for seed in arm.seeds
            if arm.residual == residual and seed.epochs
        ]
        depths = sorted({depth for depth, _, _ in mine})
        figure.add_scatter(
            x=[depth for depth, _, _ in mine],
            y=[error for _, _, error in mine],
            mode="markers",
            opacity=0.5,
            marker={"size": 7, "color": _COLOURS[kind]},
            customdata=[seed for _, seed, _ in mine],
            legendgroup=kind,
            showlegend=False,
            hovertemplate=f"{kind}-%{{x}}, here, seed %{{customdata}}: %{{y:.2f}}%<extra></extra>",
        )
        figure.add_scatter(
            x=depths,
            y=[median(e for d, _, e in mine if d == depth) for depth in depths],
            mode="lines",
            name=f"{kind}, digits, here",
            line={"color": _COLOURS[kind], "width": 3},
            legendgroup=kind,
            hovertemplate=f"{kind}-%{{x}}, here, median: %{{y:.2f}}%<extra></extra>",
        )
        for data, symbol in (("ImageNet", "diamond-open"), ("CIFAR-10", "square-open")):
            told = [target for target in targets if target.residual == residual and target.data == data]
            if told:
                figure.add_scatter(
                    x=[target.depth for target in told],
                    y=[target.error for target in told],
                    mode="lines+markers",
                    name=f"{kind}, {data}, He et al.",
                    marker={"symbol": symbol, "size": 9},
                    line={"color": _COLOURS[kind], "width": 1.5, "dash": "dash"},
                    customdata=[f"{target.net}, {data}, {target.source}" for target in told],
                    hovertemplate="%{customdata}: %{y:.2f}%<extra></extra>",
                )
    figure.update_xaxes(title_text="layers with weights")
    figure.update_yaxes(_LOG | {"title_text": "test error, %", "dtick": None, "tickvals": [1, 2, 5, 10, 20, 50, 100]})
    figure.update_layout(margin=_MARGIN, height=340, legend=BELOW)
    return figure


def _kind(residual: bool) -> str:
    return "residual" if residual else "plain"
