"""Figures of LeNet-5: its training, its answers, and the pictures of its kernels and maps."""

from collections.abc import Sequence

import numpy as np

from cnn_core.figures import transfer
from cnn_core.figures.drawing import Figure
from cnn_core.figures.lines import BELOW
from cnn_core.figures.maps import enlarged, signed
from cnn_core.figures.palette import LIGHT, Palette, rgb
from cnn_core.training.studies.lenet import BatchFigures
from cnn_core.training.studies.repeats import EpochFigures

_MARGIN = {"l": 10, "r": 10, "t": 8, "b": 10}


def lenet_curve(batches: Sequence[BatchFigures], epochs: Sequence[EpochFigures], planned: int) -> Figure:
    """Draw loss and error over the epochs: thin batch by batch, dots epoch by epoch."""
    figure = Figure.panels(2, 1, gap=0.07, shared=True)
    for row, measure in ((1, "loss"), (2, "error")):
        figure.add_scatter(
            x=[point.done for point in batches],
            y=[getattr(point, measure) for point in batches],
            mode="lines",
            opacity=0.6,
            line={"color": LIGHT.soft, "width": 1.2},
            name="training, as it learns",
            showlegend=row == 1,
            hovertemplate="epoch %{x:.2f}: %{y:.3f}<extra></extra>",
            row=row,
            col=1,
        )
    numbers = [entry.epoch for entry in epochs]
    for row, measure, name, colour, width in (
        (1, "train_loss", "training, mean of the epoch", LIGHT.soft, 1.5),
        (2, "train_error", "training, mean of the epoch", LIGHT.soft, 1.5),
        (2, "test_error", "test, after the epoch", LIGHT.one, 3),
    ):
        figure.add_scatter(
            x=numbers,
            y=[getattr(entry, measure) for entry in epochs],
            mode="lines+markers",
            name=name,
            marker={"size": 6},
            line={"color": colour, "width": width},
            showlegend=row == 2,
            row=row,
            col=1,
            hovertemplate=f"{name}, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
        )
    figure.update_xaxes(range=[0, planned + 0.3])
    figure.update_xaxes(title_text="epoch", row=2, col=1)
    figure.update_yaxes(title_text="loss", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="error", tickformat=".0%", rangemode="tozero", row=2, col=1)
    figure.update_layout(margin=_MARGIN, height=320, legend=BELOW)
    return figure


def which_for_which(confusion: Sequence[Sequence[int]]) -> Figure:
    """Draw which digit was taken for which; rows are digits, columns what was said."""
    figure = transfer.confusion(confusion, [str(digit) for digit in range(len(confusion))], "frozen")
    figure.update_traces(colorscale=[[0, LIGHT.paper], [1, LIGHT.accent]])
    return figure


def said(probabilities: Sequence[float]) -> Figure:
    """Draw the probability of each digit."""
    best = int(np.argmax(probabilities))
    figure = Figure().add_bar(
        x=list(probabilities),
        y=[str(digit) for digit in range(len(probabilities))],
        orientation="h",
        marker_color=[LIGHT.accent if digit == best else LIGHT.line for digit in range(len(probabilities))],
        text=[f"{value:.1%}" for value in probabilities],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.2%}<extra></extra>",
    )
    figure.update_xaxes(range=[0, 1.18], tickformat=".0%", title_text="probability")
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(margin=_MARGIN, height=300)
    return figure


def mosaic(
    maps: np.ndarray,
    columns: int,
    side: int,
    limit: float | None = None,
    palette: Palette = LIGHT,
    *,
    of_weights: bool = False,
) -> tuple[np.ndarray, float]:
    """Lay the channels of a layer side by side: 0 is the paper, red positive, blue negative; weights green and brown.

    Args:
        maps: `(H, W, C)`.
        columns: So many in a row.
        side: Of each, in pixels of the screen, about.
        limit: Value of the full colour; by default the largest.
        palette: Of the theme.
        of_weights: Colour them as weights.

    Returns:
        uint8 `(h, w, 3)` with a gap between maps, and the limit.

    Example:
        >>> picture, limit = mosaic(np.ones((2, 2, 3)), columns=2, side=8)
        >>> picture.shape, limit  # two rows of two, the last place empty
        ((18, 18, 3), 1.0)
    """
    limit = float(np.abs(maps).max()) or 1.0 if limit is None else limit
    tiles = [
        enlarged(signed(maps[..., channel], limit, palette, of_weights=of_weights)[0], side)
        for channel in range(maps.shape[-1])
    ]
    height, width = tiles[0].shape[:2]
    gap, rows = max(2, height // 20), -(-len(tiles) // columns)
    picture = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), rgb(palette.line), np.uint8)
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
