"""Figures of the pooling page, and the pictures that go beside them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from cnn_core.arithmetic.escaping import plotly
from cnn_core.arithmetic.experiments import Absorption, Localisation, PooledShift
from cnn_core.arithmetic.shifts import OPERATIONS, ShiftResponse
from cnn_core.figures.drawing import Figure
from cnn_core.figures.lines import BELOW, vline
from cnn_core.figures.palette import LIGHT, rgb

_MARGIN = {"l": 10, "r": 10, "t": 30, "b": 10}
_STYLES = {
    "none": (LIGHT.soft, "dot"),
    "max_pool": (LIGHT.one, "solid"),
    "average_pool": (LIGHT.two, "solid"),
    "strided_convolution": (LIGHT.four, "dash"),
    "blur_pool": (LIGHT.five, "solid"),
    "max_blur_pool": (LIGHT.three, "dash"),
}
_ACTIVE = [[0, LIGHT.paper], [1, LIGHT.positive]]
_THROWN_AWAY = rgb(LIGHT.ink)


def shift_curves(responses: Sequence[ShiftResponse], pixels: int) -> Figure:
    """Draw how much each representation changes, and its global average, against how far the picture moved."""
    curves = []
    for name, operation in OPERATIONS.items():
        mine = [response for response in responses if response.operation == name]
        colour, dash = _STYLES[name]
        shifts = [max(abs(response.dy), abs(response.dx)) for response in mine]
        for axis, values in (
            ("", [response.change for response in mine]),
            ("2", [response.invariance_error for response in mine]),
        ):
            curves.append(
                {
                    "x": shifts,
                    "y": values,
                    "xaxis": f"x{axis}",
                    "yaxis": f"y{axis}",
                    "name": operation.title,
                    "legendgroup": name,
                    "showlegend": not axis,
                    "mode": "lines+markers",
                    "marker": {"size": 5},
                    "line": {"color": colour, "dash": dash, "width": 2},
                    "hovertemplate": f"{operation.title}, %{{x}} px: %{{y:.3f}}<extra></extra>",
                }
            )
    titles = (("each map", 0.225), ("its average", 0.775))
    above = {"xref": "paper", "yref": "paper", "y": 1, "xanchor": "center", "yanchor": "bottom", "showarrow": False}
    shift, change = {"title": {"text": "shift, pixels"}, "dtick": 2}, {"rangemode": "tozero"}
    return Figure(
        curves,
        {
            "xaxis": shift | {"domain": [0, 0.45], "anchor": "y"},
            "xaxis2": shift | {"domain": [0.55, 1], "anchor": "y2"},
            "yaxis": change | {"title": {"text": "relative change"}},
            "yaxis2": change | {"anchor": "x2"},
            "annotations": [above | {"text": text, "x": x, "font": {"size": 16}} for text, x in titles],
            "shapes": [vline(pixels), vline(pixels, axis="2")],
            "margin": _MARGIN,
            "height": 330,
            "legend": BELOW,
        },
    )


def minds(labels: Sequence[str], before: Sequence[float | None], after: Sequence[float | None]) -> Figure:
    """Draw a network's probabilities before (open) and after a shift (filled), a line between the two for each label.

    Args:
        labels: From top to bottom.
        before: Of each label, 0 to 1; None where it is not known, and not drawn.
        after: The same after the shift.
    """
    names = [plotly(label) for label in labels]
    figure = Figure()
    for name, one, other in zip(names, before, after, strict=True):
        if one is not None and other is not None:
            line = {"color": LIGHT.soft, "width": 3}
            figure.add_scatter(
                x=[one, other], y=[name, name], mode="lines", line=line, hoverinfo="skip", showlegend=False
            )
    for title, values, symbol in (("before", before, "circle-open"), ("moved", after, "circle")):
        figure.add_scatter(
            x=list(values),
            y=names,
            mode="markers",
            name=title,
            marker={"size": 13, "symbol": symbol, "color": LIGHT.accent, "line": {"width": 2, "color": LIGHT.accent}},
            hovertemplate=f"%{{y}}, {title}: %{{x:.1%}}<extra></extra>",
        )
    most = max((value for value in (*before, *after) if value is not None), default=1.0)
    figure.update_xaxes(range=[-0.03 * most, 1.08 * most], tickformat=".0%", nticks=6)
    figure.update_yaxes(autorange="reversed", type="category", categoryorder="array", categoryarray=names)
    legend = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"}
    figure.update_layout(margin=_MARGIN | {"t": 22}, height=66 + 26 * len(names), legend=legend)
    return figure


def network_drift(answer: dict[str, Any], axis: str, pixels: int) -> Figure:
    """Draw the drift of the network's logits against the shift; an open circle where its first answer is another.

    Args:
        answer: Of `embedded.shift_agreement`.
        axis: `right` or `down`.
        pixels: How far the picture has moved; to the left or up, if the answer is of such shifts.
    """
    drift, agrees = answer[axis]["drift"], answer[axis]["agrees"]
    curve = {
        "x": [abs(shift) for shift in answer["shifts"]],
        "y": drift,
        "mode": "lines+markers",
        "showlegend": False,
        "line": {"color": LIGHT.accent, "width": 2},
        "marker": {
            "size": 10,
            "symbol": ["circle" if same else "circle-open" for same in agrees],
            "color": LIGHT.accent,
            "line": {"width": 2, "color": LIGHT.accent},
        },
        "customdata": ["the same first answer" if same else "another first answer" for same in agrees],
        "hovertemplate": "%{x} px: logits drift by %{y:.3f}, %{customdata}<extra></extra>",
    }
    return Figure(
        [curve],
        {
            "shapes": [vline(pixels)],
            "xaxis": {"title": {"text": "shift, pixels"}, "dtick": 2},
            "yaxis": {"title": {"text": "drift of the logits"}, "rangemode": "tozero"},
            "margin": _MARGIN | {"t": 8},
            "height": 210,
        },
    )


def pooled_maps(image: np.ndarray, moved: np.ndarray, result: PooledShift, window: int = 2) -> Figure:
    """Draw a map and what max-pooling makes of it, before and after a shift; the windows and the peak are outlined."""
    panels = ((image, "before"), (result.before, "pooled"), (moved, "moved"), (result.after, "pooled"))
    figure = Figure.panels(1, len(panels), titles=[title for _, title in panels], gap=0.03)
    for number, (values, _) in enumerate(panels):
        place = {"row": 1, "col": number + 1}
        figure.add_heatmap(
            z=values,
            zmin=0,
            zmax=float(image.max()),
            colorscale=_ACTIVE,
            showscale=False,
            xgap=1,
            ygap=1,
            texttemplate="%{z}",
            textfont={"size": 15},
            hoverinfo="skip",
            **place,
        )
        if number % 2 == 0:
            for border in range(window, len(values), window):
                line = {"color": LIGHT.ink, "width": 2}
                figure.add_shape(type="line", x0=border - 0.5, x1=border - 0.5, y0=-0.5, y1=3.5, line=line, **place)
                figure.add_shape(type="line", y0=border - 0.5, y1=border - 0.5, x0=-0.5, x1=3.5, line=line, **place)
        y, x = np.unravel_index(values.argmax(), values.shape)
        figure.add_shape(
            type="rect",
            x0=x - 0.46,
            x1=x + 0.46,
            y0=y - 0.46,
            y1=y + 0.46,
            line={"color": LIGHT.selection, "width": 4},
            **place,
        )
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True, autorange="reversed")
    for number in range(1, len(panels) + 1):  # square cells, whatever the width
        figure.update_yaxes(scaleanchor=f"x{number}" if number > 1 else "x", constrain="domain", row=1, col=number)
        figure.update_xaxes(constrain="domain", row=1, col=number)
    figure.update_layout(margin=_MARGIN, height=220)
    return figure


def absorbed(measurements: Sequence[Absorption]) -> Figure:
    """Draw the share of random maps whose peak stays in its window, measured and by theory, against the window."""
    return _against_theory(
        [m.window for m in measurements],
        [("measured", [m.absorbed for m in measurements], [m.theory for m in measurements], LIGHT.one)],
        "share of maps whose peak stays",
    )


def localisation(without: Sequence[Localisation], with_indices: Sequence[Localisation], window: int) -> Figure:
    """Draw the mean error of a peak found after unpooling, with and without indices; a line at the window of now."""
    figure = _against_theory(
        [m.window for m in without],
        [
            ("without indices", [m.mean_error for m in without], [m.theory for m in without], LIGHT.one),
            ("with indices", [m.mean_error for m in with_indices], [m.theory for m in with_indices], LIGHT.two),
        ],
        "mean error, pixels",
    )
    figure.update_layout(shapes=[vline(window)])
    return figure


def _against_theory(
    windows: list[int], curves: Sequence[tuple[str, list[float], list[float], str]], title: str
) -> Figure:
    """Dots for what was measured, a line for what theory says."""
    figure = Figure()
    for name, measured, theory, colour in curves:
        figure.add_scatter(
            x=windows,
            y=theory,
            mode="lines",
            name="theory",
            line={"color": colour, "width": 1.5, "dash": "dot"},
            hoverinfo="skip",
            showlegend=name == curves[0][0],
        )
        figure.add_scatter(
            x=windows,
            y=measured,
            mode="markers",
            name=name,
            marker={"size": 10, "color": colour},
            customdata=theory,
            hovertemplate=f"window %{{x}}, {name}: %{{y:.3f}}; theory %{{customdata:.3f}}<extra></extra>",
        )
    figure.update_xaxes(title_text="window, pixels", dtick=1)
    figure.update_yaxes(title_text=title, rangemode="tozero")
    figure.update_layout(margin=_MARGIN | {"t": 8}, height=270, legend=BELOW)
    return figure


def heads(sizes: Sequence[int], flattened: Sequence[int], averaged: Sequence[int], size: int) -> Figure:
    """Draw the parameters of both heads against the side of the last feature map."""
    figure = Figure()
    for name, values, colour in (
        ("flatten + dense", flattened, LIGHT.one),
        ("global average + dense", averaged, LIGHT.two),
    ):
        figure.add_scatter(
            x=list(sizes),
            y=list(values),
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2.5},
            hovertemplate=f"{name}, %{{x}} × %{{x}}: %{{y:,}} parameters<extra></extra>",
        )
    figure.update_xaxes(title_text="side of the last feature map, cells")
    figure.update_yaxes(title_text="parameters", type="log", exponentformat="SI", dtick=1)
    figure.update_layout(margin=_MARGIN | {"t": 8}, height=280, legend=BELOW, shapes=[vline(size)])
    return figure


def evidence(image: np.ndarray, activation: np.ndarray, limit: float) -> np.ndarray:
    """Lay a class activation map over a picture, in one hue: the redder, the more evidence.

    Args:
        image: uint8 `(H, W, 3)`, as the network saw it.
        activation: `(h, w)`, in units of the logit; what is below 0 stays grey.
        limit: The value of the strongest colour.

    Returns:
        uint8 `(H, W, 3)`.

    Example:
        >>> grey = np.full((2, 2, 3), 100, np.uint8)
        >>> evidence(grey, np.array([[0.0, 0.0], [0.0, 0.0]]), limit=1.0).tolist() == grey.tolist()
        True
    """
    height, width = image.shape[:2]
    share = Image.fromarray(np.clip(activation / limit, 0, 1).astype(np.float32))
    alpha = 0.8 * np.clip(np.asarray(share.resize((width, height), Image.Resampling.BILINEAR)), 0, 1)[..., None]
    luminance = image @ np.array([0.299, 0.587, 0.114])  # grey, so that the hue belongs to the evidence alone
    coloured = (1 - alpha) * luminance[..., None] + alpha * np.array(rgb(LIGHT.positive))
    return np.round(coloured).astype(np.uint8)


def marked(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Show the pixels that won a window, in their place; all others are ink.

    Args:
        image: `(H, W)`, 0..1.
        rows: Of the winners.
        columns: Of the winners.

    Returns:
        uint8 `(H, W, 3)`.

    Example:
        >>> marked(np.array([[0.0, 1.0]]), np.array([0]), np.array([1])).tolist()
        [[[22, 32, 46], [255, 255, 255]]]
    """
    picture = np.empty((*image.shape, 3), np.uint8)
    picture[:] = _THROWN_AWAY
    picture[rows, columns] = np.round(255 * image[rows, columns])[..., None]
    return picture
