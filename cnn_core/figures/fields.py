"""Figures of the receptive-field calculator: the field over the picture, and how it grows with depth."""

from collections.abc import Sequence

from cnn_core.figures.drawing import Figure
from cnn_core.figures.lines import hline
from cnn_core.figures.palette import LIGHT

_MARGIN = {"l": 10, "r": 10, "t": 8, "b": 10}
_FAINT = "rgba(255, 255, 255, 0.75)"  # over a photo, in either theme


def nested(picture: str, input_size: int, boxes: Sequence[tuple[int, int] | None], current: int) -> Figure:
    """Draw the fields of one unit after each layer over the picture, the current one strong.

    Args:
        picture: Data URL of the square picture.
        input_size: Its side, in pixels of the network's input.
        boxes: First and last pixel within the picture along either axis, one entry a layer; None if there is no unit.
        current: Index of the strong one.

    Returns:
        A figure; pixel n covers n - 0.5 to n + 0.5.
    """
    faint = sorted({box for box in boxes if box} - {boxes[current]})
    strong = boxes[current]
    outlines = []
    for outlined, colour, width in ((faint, _FAINT, 1.5), ([strong] if strong else [], LIGHT.selection, 4)):
        x: list[float | None] = []
        y: list[float | None] = []
        for first, last in outlined:
            low, high = first - 0.5, last + 0.5
            x += [low, high, high, low, low, None]
            y += [low, low, high, high, low, None]
        line = {"color": colour, "width": width}
        outlines.append(
            {"x": x, "y": y, "mode": "lines", "line": line, "hoverinfo": "skip", "showlegend": False}
            | {"cliponaxis": False}
        )
    span = [-0.5, input_size - 0.5]
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    photo = {
        "source": picture,
        "xref": "x",
        "yref": "y",
        "x": -0.5,
        "y": -0.5,
        "sizex": input_size,
        "sizey": input_size,
        "sizing": "stretch",
        "layer": "below",
    }
    return Figure(
        outlines,
        {
            "images": [photo],
            "xaxis": axis | {"range": span},
            "yaxis": axis | {"range": span[::-1], "scaleanchor": "x"},
            "margin": _MARGIN,
            "height": 280,
            "plot_bgcolor": "rgba(0,0,0,0)",
        },
    )


def growth(names: Sequence[str], fields: Sequence[int], input_size: int, current: int) -> Figure:
    """Draw the receptive field against depth, with the side of the picture as a line.

    Args:
        names: Of the layers.
        fields: Receptive field after each, in pixels.
        input_size: Side of the picture, in pixels.
        current: Index of the layer that is marked.
    """
    depths = list(range(1, len(names) + 1))
    grown = {
        "x": depths,
        "y": list(fields),
        "mode": "lines+markers",
        "line": {"color": LIGHT.accent, "width": 2},
        "showlegend": False,
        "marker": {
            "size": [12 if at == current else 6 for at in range(len(names))],
            "color": [LIGHT.selection if at == current else LIGHT.accent for at in range(len(names))],
        },
        "customdata": list(names),
        "hovertemplate": "layer %{x}, %{customdata}: %{y:,} pixels<extra></extra>",
    }
    whole = {"text": "the whole picture", "showarrow": False, "x": 1, "y": input_size}
    return Figure(
        [grown],
        {
            "shapes": [hline(input_size)],
            "annotations": [whole | {"xref": "x domain", "xanchor": "right", "yanchor": "bottom"}],
            "xaxis": {"title": {"text": "layers"}, "dtick": 1 if len(names) <= 8 else None, "rangemode": "tozero"},
            "yaxis": {"title": {"text": "receptive field, pixels"}, "rangemode": "tozero"},
            "margin": _MARGIN,
            "height": 280,
        },
    )
