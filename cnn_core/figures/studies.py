"""Figures of the experiments that decided the field, and the pictures of LeNet-5 that go beside them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnn_core.figures import transfer
from cnn_core.figures.maps import enlarged, signed

if TYPE_CHECKING:
    from cnn_core.training.studies.published import Target

_MARGIN = {"l": 10, "r": 10, "t": 8, "b": 10}
_BELOW = {"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"}
_BLUE, _ORANGE, _GREY = "#3B82F6", "#D9730D", "#8A8F98"
_COLOURS = {"plain": _ORANGE, "residual": _BLUE, "convnet": _BLUE, "vit": _ORANGE}
_FAINT = 0.3
_TITLES = {"train_loss": "training loss", "train_error": "training error", "test_error": "test error"}
_NETS = {"convnet": "convnet", "vit": "ViT"}
_LOG = {"type": "log", "exponentformat": "power", "dtick": 1}


def _kind(residual: bool) -> str:
    return "residual" if residual else "plain"


# Degradation ---------------------------------------------------------------------------------------------------------


def learning(arms: Mapping[str, Mapping[str, Any]], measure: str, epochs: int) -> go.Figure:
    """Draw a measure over the epochs: a faint line a seed, a strong one for the median of the seeds.

    Args:
        arms: As in the result of a degradation run, or as far as they have come.
        measure: `train_loss` (on a logarithmic axis), `train_error` or `test_error`.
        epochs: Planned.
    """
    figure = go.Figure()
    for arm in arms.values():
        kind = _kind(arm["residual"])
        name, colour = f"{kind}-{arm['depth']}", _COLOURS[kind]
        dash = "solid" if arm["depth"] == max(other["depth"] for other in arms.values()) else "dot"
        values: dict[int, list[float]] = {}
        for seed in arm["seeds"]:
            line = [(entry["epoch"], entry[measure]) for entry in seed["epochs"]]
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
                hovertemplate=f"{name}, seed {seed['seed']}, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
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
    figure.update_xaxes(title_text="epoch", range=[0.5, epochs + 0.5], dtick=max(1, epochs // 8))
    figure.update_yaxes(title_text=_TITLES[measure])
    figure.update_yaxes(_LOG if measure == "train_loss" else {"tickformat": ".0%", "rangemode": "tozero"})
    figure.update_layout(margin=_MARGIN, height=360, legend=_BELOW)
    return figure


def by_depth(arms: Mapping[str, Mapping[str, Any]], targets: "Sequence[Target]") -> go.Figure:
    """Draw the error of the last epoch against depth: solid what was measured here, dashed what was published."""
    figure = go.Figure()
    for residual in (False, True):
        kind = _kind(residual)
        mine = [
            (arm["depth"], seed["seed"], 100 * seed["epochs"][-1]["test_error"])
            for arm in arms.values()
            for seed in arm["seeds"]
            if arm["residual"] == residual and seed["epochs"]
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
            hovertemplate=f"{kind}-%{{x}}, here, seed %{{customdata}}: %{{y:.2f}} %<extra></extra>",
        )
        figure.add_scatter(
            x=depths,
            y=[median(e for d, _, e in mine if d == depth) for depth in depths],
            mode="lines",
            name=f"{kind}, digits, here",
            line={"color": _COLOURS[kind], "width": 3},
            legendgroup=kind,
            hovertemplate=f"{kind}-%{{x}}, here, median: %{{y:.2f}} %<extra></extra>",
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
                    hovertemplate="%{customdata}: %{y:.2f} %<extra></extra>",
                )
    figure.update_xaxes(title_text="layers with weights")
    figure.update_yaxes(_LOG | {"title_text": "test error, %", "dtick": None, "tickvals": [1, 2, 5, 10, 20, 50, 100]})
    figure.update_layout(margin=_MARGIN, height=440, legend=_BELOW)
    return figure


# Before any training -------------------------------------------------------------------------------------------------


def along_layers(records: Sequence[Mapping[str, Any]], measure: str) -> go.Figure:
    """Draw `gradient_norm` or `variance` of each convolution, from the input on; dashed without BatchNorm."""
    figure = go.Figure()
    for record in records:
        name, line = _arm(record)
        figure.add_scatter(
            x=list(range(1, len(record["layers"]) + 1)),
            y=record[measure],
            mode="lines",
            name=name,
            line=line,
            customdata=record["layers"],
            hovertemplate=f"{name}, %{{customdata}}: %{{y:.3g}}<extra></extra>",
        )
    figure.update_xaxes(title_text="convolution, from the input on")
    title = {"gradient_norm": "norm of the gradient", "variance": "variance of the output"}
    figure.update_yaxes(_decades(value for record in records for value in record[measure]))
    figure.update_yaxes(title_text=title[measure])
    figure.update_layout(margin=_MARGIN, height=340, legend=_BELOW | {"y": -0.25})
    return figure


def against_depth(records: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw how many times the last convolution's gradient the first one's is, against the depth of the network."""
    figure = go.Figure()
    for batch_norm in (False, True):
        for residual in (False, True):
            mine = [r for r in records if r["batch_norm"] == batch_norm and r["residual"] == residual]
            mine.sort(key=lambda record: int(record["depth"]))
            name, line = _arm({"batch_norm": batch_norm, "residual": residual})
            figure.add_scatter(
                x=[record["depth"] for record in mine],
                y=[record["gradient_norm"][0] / record["gradient_norm"][-1] for record in mine],
                mode="lines+markers",
                name=name,
                line=line,
                hovertemplate=f"{name}, %{{x}} layers: %{{y:.3g}}<extra></extra>",
            )
    figure.add_hline(y=1, line={"color": _GREY, "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text="layers with weights")
    figure.update_yaxes(_decades(value for trace in figure.data for value in trace.y))
    figure.update_yaxes(title_text="gradient, first ÷ last")
    figure.update_layout(margin=_MARGIN, height=320, legend=_BELOW | {"y": -0.27})
    return figure


def _decades(values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis with at most seven ticks, all of them powers of ten."""
    exponents = [math.log10(value) for value in values if value > 0]
    return _LOG | {"dtick": max(1, math.ceil((max(exponents) - min(exponents)) / 6)) if exponents else 1}


def _arm(record: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    kind = _kind(record["residual"])
    name = f"{kind}, {'with' if record['batch_norm'] else 'no'} BatchNorm"
    return name, {"color": _COLOURS[kind], "width": 2.2, "dash": "solid" if record["batch_norm"] else "dash"}


def identity(answer: Mapping[str, Any]) -> go.Figure:
    """Draw how plain and residual blocks learn to give back what they get: faint seeds, their median strong."""
    figure = go.Figure()
    for kind in ("plain", "residual"):
        curves = answer[kind]
        for seed, curve in zip(answer["seeds"], curves, strict=True):
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
        y=answer["silent"],
        line={"color": _GREY, "width": 1.5, "dash": "dash"},
        annotation_text="a block that puts out zeros",
        annotation_position="top right",
    )
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(_LOG | {"title_text": "mean squared distance to the input"})
    figure.update_layout(margin=_MARGIN | {"t": 24}, height=360, legend=_BELOW)
    return figure


# Inductive bias ------------------------------------------------------------------------------------------------------


def accuracy_by_size(points: Sequence[Mapping[str, Any]], shuffled: bool) -> go.Figure:
    """Draw test accuracy against the number of training pictures: a dot a seed, a line through the means."""
    figure = go.Figure()
    for net, title in _NETS.items():
        mine = [p for p in points if p["net"] == net and p["shuffled"] == shuffled]
        sizes = sorted({p["size"] for p in mine})
        figure.add_scatter(
            x=[p["size"] for p in mine],
            y=[p["test_accuracy"] for p in mine],
            mode="markers",
            showlegend=False,
            marker={"size": 7, "color": _COLOURS[net]},
            opacity=0.5,
            customdata=[p["seed"] for p in mine],
            hovertemplate=f"{title}, %{{x}} pictures, seed %{{customdata}}: %{{y:.1%}}<extra></extra>",
        )
        means = [float(np.mean([p["test_accuracy"] for p in mine if p["size"] == size])) for size in sizes]
        figure.add_scatter(
            x=sizes,
            y=means,
            mode="lines",
            name=title,
            line={"color": _COLOURS[net], "width": 3},
            hovertemplate=f"{title}, %{{x}} pictures, mean: %{{y:.1%}}<extra></extra>",
        )
    every = sorted({p["size"] for p in points})
    figure.update_xaxes(type="log", tickvals=every, ticktext=[str(size) for size in every])
    figure.update_xaxes(title_text="training pictures")
    low = min((p["test_accuracy"] for p in points), default=0.0)
    figure.update_yaxes(title_text="right on the test pictures", tickformat=".0%", range=[max(0.0, low - 0.05), 1.02])
    figure.update_layout(margin=_MARGIN, height=340, legend=_BELOW | {"y": -0.25})
    return figure


def leads(leads: Sequence[Mapping[str, Any]], chosen: int) -> go.Figure:
    """Draw how far the convnet leads, in points of accuracy, with its 95 % interval, against the pictures.

    Args:
        leads: For each size and order `size`, `shuffled`, `mean`, and `half`, the interval's half width or None.
        chosen: The size that is marked, if it is one of them.
    """
    figure = go.Figure()
    sizes = sorted({entry["size"] for entry in leads})
    for shuffled, name, colour, nudge in ((False, "pictures", _BLUE, 0.97), (True, "pixels shuffled", _GREY, 1.03)):
        mine = sorted((e for e in leads if e["shuffled"] == shuffled), key=lambda entry: int(entry["size"]))
        if mine:
            figure.add_scatter(
                x=[nudge * entry["size"] for entry in mine],
                y=[100 * entry["mean"] for entry in mine],
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2.5, "dash": "dash" if shuffled else "solid"},
                error_y={"array": [100 * (entry["half"] or 0) for entry in mine], "thickness": 1.5},
                marker={"size": 8},
                customdata=[entry["size"] for entry in mine],
                hovertemplate=f"{name}, %{{customdata}}: convnet leads by %{{y:.1f}} points<extra></extra>",
            )
    figure.add_hline(y=0, line={"color": _GREY, "width": 1})
    if chosen in sizes:
        figure.add_vline(x=chosen, line={"color": _GREY, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(type="log", tickvals=sizes, ticktext=[str(size) for size in sizes])
    figure.update_xaxes(title_text="training pictures")
    figure.update_yaxes(title_text="convnet − ViT, points")
    figure.update_layout(margin=_MARGIN, height=320, legend=_BELOW | {"y": -0.27})
    return figure


# LeNet-5 -------------------------------------------------------------------------------------------------------------


def lenet_curve(batches: Sequence[Sequence[float]], epochs: Sequence[Mapping[str, Any]], planned: int) -> go.Figure:
    """Draw loss and error over the epochs: thin batch by batch, dots epoch by epoch."""
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.07)
    for row, column in ((1, 1), (2, 2)):
        figure.add_scatter(
            x=[point[0] for point in batches],
            y=[point[column] for point in batches],
            mode="lines",
            opacity=0.6,
            line={"color": _GREY, "width": 1.2},
            name="training, as it learns",
            showlegend=row == 1,
            hovertemplate="epoch %{x:.2f}: %{y:.3f}<extra></extra>",
            row=row,
            col=1,
        )
    numbers = [entry["epoch"] for entry in epochs]
    for row, measure, name, colour in (
        (1, "train_loss", "training, mean of the epoch", _ORANGE),
        (2, "train_error", "training, mean of the epoch", _ORANGE),
        (2, "test_error", "test, after the epoch", _BLUE),
    ):
        figure.add_scatter(
            x=numbers,
            y=[entry[measure] for entry in epochs],
            mode="lines+markers",
            name=name,
            marker={"size": 6},
            line={"color": colour, "width": 2.5},
            showlegend=row == 2,
            row=row,
            col=1,
            hovertemplate=f"{name}, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
        )
    figure.update_xaxes(range=[0, planned + 0.3])
    figure.update_xaxes(title_text="epoch", row=2, col=1)
    figure.update_yaxes(title_text="loss", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="error", tickformat=".0%", rangemode="tozero", row=2, col=1)
    figure.update_layout(margin=_MARGIN, height=420, legend=_BELOW | {"y": -0.16})
    return figure


def which_for_which(confusion: Sequence[Sequence[int]]) -> go.Figure:
    """Draw which digit was taken for which; rows are digits, columns what was said."""
    figure = transfer.confusion(confusion, [str(digit) for digit in range(len(confusion))], "frozen")
    figure.update_traces(colorscale=[[0, "#E8EDF5"], [1, "#2F6FE0"]])  # opaque: few errors stay readable in the dark
    return figure


def said(probabilities: Sequence[float]) -> go.Figure:
    """Draw the probability of each digit."""
    best = int(np.argmax(probabilities))
    figure = go.Figure(
        go.Bar(
            x=list(probabilities),
            y=[str(digit) for digit in range(len(probabilities))],
            orientation="h",
            marker_color=[_ORANGE if digit == best else _BLUE for digit in range(len(probabilities))],
            text=[f"{value:.1%}" for value in probabilities],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1.18], tickformat=".0%", title_text="probability")
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(margin=_MARGIN, height=320)
    return figure


def mosaic(maps: np.ndarray, columns: int, side: int, limit: float | None = None) -> tuple[np.ndarray, float]:
    """Lay the channels of a layer side by side: white is 0, red positive, blue negative.

    Args:
        maps: `(H, W, C)`.
        columns: So many in a row.
        side: Of each, in pixels of the screen, about.
        limit: Value of the full colour; by default the largest.

    Returns:
        uint8 `(h, w, 3)` with a gap of grey between maps, and the limit.

    Example:
        >>> picture, limit = mosaic(np.ones((2, 2, 3)), columns=2, side=8)
        >>> picture.shape, limit  # two rows of two, the last place empty
        ((18, 18, 3), 1.0)
    """
    limit = float(np.abs(maps).max()) or 1.0 if limit is None else limit
    tiles = [enlarged(signed(maps[..., channel], limit)[0], side) for channel in range(maps.shape[-1])]
    height, width = tiles[0].shape[:2]
    gap, rows = max(2, height // 20), -(-len(tiles) // columns)
    picture = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 138, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        picture[top : top + height, left : left + width] = tile
    return picture, limit


def ink(values: np.ndarray, side: int) -> np.ndarray:
    """Return ink 0 to 1 as black on white, uint8 `(h, w)`, about `side` pixels large.

    Example:
        >>> ink(np.array([[0.0, 1.0]]), side=2).tolist()
        [[255, 0]]
    """
    return enlarged(np.round(255 * (1 - np.clip(values, 0, 1))).astype(np.uint8), side)
