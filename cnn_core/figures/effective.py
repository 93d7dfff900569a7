"""Figures of the effective receptive field, and the picture under its gradient."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnn_core.figures.drawing import Figure
from cnn_core.figures.lines import BELOW
from cnn_core.figures.maps import enlarged
from cnn_core.figures.palette import LIGHT, Palette, rgb

if TYPE_CHECKING:
    from cnn_core.networks.effective_field import EffectiveField, FieldGrowth
    from cnn_core.networks.inside import Box

_MARGIN = {"l": 10, "r": 10, "t": 30, "b": 10}
_LEAST = 48  # pixels of the picture that are shown at least, along an axis
_FRAME = 3  # pixels


def listened(image: np.ndarray, gradient: np.ndarray, held: int, box: "Box", palette: Palette = LIGHT) -> np.ndarray:
    """Colour the pixels that hold 95% of a unit's gradient, and frame what it can see.

    Args:
        image: uint8 `(H, W, 3)`, as the network saw it.
        gradient: `(H, W)`, at least 0.
        held: How many pixels are coloured, the largest gradients first; the more red, the larger (its root).
        box: First and last row, first and last column of the unit's field; it is shown with half its size around it.
        palette: Of the theme.

    Returns:
        uint8 `(h, w, 3)`, the part of the picture about the box, enlarged.

    Example:
        >>> grey = np.full((96, 96, 3), 100, np.uint8)
        >>> listened(grey, np.eye(96), held=3, box=(40, 46, 40, 46)).shape  # 48 pixels, 10 times as large
        (480, 480, 3)
        >>> listened(grey, np.zeros((96, 96)), held=0, box=(0, 7, 40, 47)).shape
        (280, 480, 3)
    """
    alpha = np.zeros(gradient.shape)
    if held:
        least = np.partition(gradient, -held, axis=None)[-held]
        strength = np.sqrt(gradient / gradient.max())
        alpha = np.where((gradient >= least) & (gradient > 0), 0.25 + 0.7 * strength, 0)
    luminance = image @ np.array([0.299, 0.587, 0.114])  # grey, so that the hue belongs to the gradient alone
    red = np.array(rgb(palette.positive), np.float64)
    coloured = np.round((1 - alpha[..., None]) * luminance[..., None] + alpha[..., None] * red).astype(np.uint8)
    top, bottom, left, right = box
    reach = max(_LEAST, 2 * (bottom - top + 1), 2 * (right - left + 1)) // 2
    middle = ((top + bottom + 1) // 2, (left + right + 1) // 2)
    first_row, first_column = (max(0, place - reach) for place in middle)
    part = coloured[first_row : middle[0] + reach, first_column : middle[1] + reach]
    shown = enlarged(part, 480)
    factor = len(shown) // len(part)
    rows = slice((top - first_row) * factor, (bottom + 1 - first_row) * factor)
    columns = slice((left - first_column) * factor, (right + 1 - first_column) * factor)
    framed = shown[rows, columns]
    for border in (framed[:_FRAME], framed[-_FRAME:], framed[:, :_FRAME], framed[:, -_FRAME:]):
        border[:] = rgb(palette.selection)
    return shown


def profiles(fields: "Sequence[EffectiveField]") -> Figure:
    """Draw each gradient summed over rows against the column, with the Gaussian of the same spread and the box."""
    figure = Figure()
    first, last = fields[0].box
    for field, colour in zip(fields, (LIGHT.accent, LIGHT.soft), strict=False):
        name = "trained" if field.pretrained else "random"
        profile = field.gradient.sum(axis=0)
        columns = np.arange(len(profile))
        mean, sigma = field.mean[1], max(field.sigma[1], 1e-6)
        gaussian = np.exp(-0.5 * ((columns - mean) / sigma) ** 2)
        gaussian *= profile.sum() / gaussian.sum()
        figure.add_scatter(
            x=columns,
            y=profile,
            name=name,
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate=f"{name}, column %{{x}}: %{{y:.2%}} of the gradient<extra></extra>",
        )
        figure.add_scatter(
            x=columns,
            y=gaussian,
            name=f"Gaussian, σ = {sigma:.1f} px",
            mode="lines",
            hoverinfo="skip",
            line={"color": colour, "width": 1.5, "dash": "dot"},
        )
    for edge in (first - 0.5, last + 0.5):
        figure.add_vline(x=edge, line={"width": 1.5, "dash": "dash", "color": LIGHT.selection})
    reach = max(4, (last - first) // 4)
    figure.update_xaxes(title_text="column of the picture, pixels", range=[first - reach, last + reach])
    figure.update_yaxes(title_text="share of the gradient", tickformat=".1%", rangemode="tozero")
    figure.update_layout(margin=_MARGIN | {"t": 8}, height=280, legend=BELOW)
    return figure


def growth(
    depths: Sequence[int], fields: Sequence[int], theory: Sequence[float], measured: "FieldGrowth | None"
) -> Figure:
    """Draw the size of field and effective field against depth, and their ratio, on logarithmic axes."""
    figure = Figure.panels(1, 2, titles=("size, pixels", "ratio"), gap=0.12)
    styles = {"linear": (LIGHT.two, "circle"), "relu": (LIGHT.three, "diamond")}

    def line(values: Sequence[float] | np.ndarray, column: int, name: str, colour: str, dash: str) -> None:
        figure.add_scatter(
            x=depths,
            y=values,
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2},
            legendgroup=name,
            showlegend=column == 1,
            row=1,
            col=column,
            hovertemplate=f"{name}, %{{x}} layers: %{{y:.3g}}<extra></extra>",
        )

    line(fields, 1, "theoretical field", LIGHT.soft, "solid")
    line(theory, 1, "theory, 4 σ", LIGHT.one, "dot")
    line(np.divide(theory, fields), 2, "theory, 4 σ", LIGHT.one, "dot")
    for kind, sizes in (measured.sizes if measured else {}).items():
        colour, symbol = styles[kind]
        name = f"measured, {'ReLU' if kind == 'relu' else kind}"
        for column, values in ((1, np.asarray(sizes)), (2, np.divide(sizes, fields))):
            figure.add_scatter(
                x=depths,
                y=values,
                name=name,
                mode="markers",
                marker={"size": 9, "color": colour, "symbol": symbol},
                legendgroup=name,
                showlegend=column == 1,
                row=1,
                col=column,
                hovertemplate=f"{name}, %{{x}} layers: %{{y:.3g}}<extra></extra>",
            )
    figure.update_xaxes(title_text="layers", type="log", tickvals=list(depths), ticktext=[str(n) for n in depths])
    figure.update_yaxes(type="log")
    figure.update_yaxes(tickvals=(2, 5, 10, 20, 50, 100, 200), row=1, col=1)
    figure.update_yaxes(tickvals=(0.1, 0.2, 0.3, 0.5, 0.7, 1), row=1, col=2)
    figure.update_layout(margin=_MARGIN, height=340, legend=BELOW)
    return figure
