"""Figures of a look at the reader's own pictures: their map, calibration, refusal, augmented copies."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

_MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}
_BELOW = {"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"}
_BLUE, _ORANGE, _GREY = "#3B82F6", "#D9730D", "#8A8F98"
_CLASS_COLOURS = (
    _BLUE,
    _ORANGE,
    "#2E9E6B",
    "#B45BCF",
    "#C2A100",
    "#D6456B",
    "#12A3B4",
    "#9A6A3A",
    "#7A6FF0",
    _GREY,
)
_ROUND = ("circle", "diamond", "square", "triangle-up", "pentagon")  # one more for each turn of the colours
PROJECTIONS = {"PCA": "pca", "t-SNE": "tsne"}
_GAP = 4  # pixels between two pictures of a sheet


def embedding_map(
    points: Sequence[Mapping[str, Any]], classes: Sequence[str], projection: str, chosen: Collection[str] = ()
) -> go.Figure:
    """Draw all pictures as points: the colour is the label, a cross is a picture that was judged otherwise.

    Args:
        points: `map` of a study of labels.
        classes: Names.
        projection: Key of PROJECTIONS.
        chosen: Digests of pictures to be ringed.

    Returns:
        A figure whose points carry their place in `points` as customdata.
    """
    key = PROJECTIONS[projection]
    figure = go.Figure()
    for number, name in enumerate(classes):
        mine = [(index, point) for index, point in enumerate(points) if point["label"] == name]
        wrong = [not point["right"] for _, point in mine]
        shape = _ROUND[number // len(_CLASS_COLOURS) % len(_ROUND)]
        figure.add_scatter(
            x=[point[key][0] for _, point in mine],
            y=[point[key][1] for _, point in mine],
            mode="markers",
            name=name,
            marker={
                "color": _CLASS_COLOURS[number % len(_CLASS_COLOURS)],
                "opacity": 0.85,
                "symbol": ["x" if bad else shape for bad in wrong],
                "size": [11 if bad else 8 for bad in wrong],
            },
            customdata=[index for index, _ in mine],
            text=[f"{p['name']}: is {p['label']}, judged {p['said']}" for _, p in mine],
            hovertemplate="%{text}<extra></extra>",
        )
    ringed = [point for point in points if point["digest"] in chosen]
    if ringed:
        figure.add_scatter(
            x=[point[key][0] for point in ringed],
            y=[point[key][1] for point in ringed],
            mode="markers",
            marker={"symbol": "circle-open", "size": 20, "color": _ORANGE, "line": {"width": 3}},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x" if projection == "PCA" else None)
    figure.update_layout(
        margin=_MARGIN,
        height=520,
        legend=_BELOW | {"y": -0.02},
        hovermode="closest",
        uirevision=projection,  # what is zoomed and selected stays
    )
    return figure


def reliability_curve(bins: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw accuracy against confidence with Wilson's intervals; a dot's area is the number of pictures.

    Args:
        bins: Of `calibration.reliability`.
    """
    most = max(entry["pictures"] for entry in bins)
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dot", "color": _GREY, "width": 1.5},
        name="as sure as right",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[entry["confidence"] for entry in bins],
        y=[entry["accuracy"] for entry in bins],
        mode="lines+markers",
        name="measured",
        line={"color": _BLUE, "width": 2},
        marker={"size": [8 + 18 * (entry["pictures"] / most) ** 0.5 for entry in bins], "color": _BLUE},
        error_y={
            "type": "data",
            "symmetric": False,
            "thickness": 1.5,
            "array": [entry["interval"][1] - entry["accuracy"] for entry in bins],
            "arrayminus": [entry["accuracy"] - entry["interval"][0] for entry in bins],
        },
        customdata=[entry["pictures"] for entry in bins],
        hovertemplate="%{customdata} pictures: %{x:.0%} sure, %{y:.0%} right<extra></extra>",
    )
    figure.update_xaxes(title_text="confidence (largest probability)", range=[0, 1.03], tickformat=".0%")
    figure.update_yaxes(title_text="share that is right", range=[0, 1.06], tickformat=".0%")
    figure.update_layout(margin=_MARGIN, height=380, legend=_BELOW | {"y": -0.22})
    return figure


def refusal(curve: Sequence[Mapping[str, float]], threshold: float) -> go.Figure:
    """Draw against the threshold which share of own pictures is answered and of unseen classes' refused.

    Args:
        curve: Of `calibration.refusal_curve`.
        threshold: Where the line stands.
    """
    figure = go.Figure()
    for key, name, colour, dash in (
        ("answered", "own pictures answered", _BLUE, "solid"),
        ("unseen_refused", "unseen classes refused", _ORANGE, "dash"),
    ):
        figure.add_scatter(
            x=[entry["threshold"] for entry in curve],
            y=[entry[key] for entry in curve],
            mode="lines",
            name=name,
            line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate=f"below %{{x:.2f}}: %{{y:.0%}} {name}<extra></extra>",
        )
    figure.add_vline(x=threshold, line={"dash": "dot", "width": 2, "color": _GREY})
    figure.update_xaxes(title_text="threshold", range=[0, 1.02])
    figure.update_yaxes(range=[0, 1.04], tickformat=".0%")
    figure.update_layout(margin=_MARGIN, height=340, legend=_BELOW | {"y": -0.24})
    return figure


def augmentation_effect(policies: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> go.Figure:
    """Draw what augmentation changes, in points of accuracy with intervals; left of the line it does harm.

    Args:
        policies: Of a study of augmentation.
        titles: Of its arms.
    """
    figure = go.Figure()
    for arm, colour in (("frozen", _BLUE), ("fine_tuned", _ORANGE)):
        paired = [(entry["title"], entry["arms"][arm]["paired"]) for entry in policies if arm in entry["arms"]]
        points = [difference["points"] for _, difference in paired]
        bounds = [[d[side] if d[side] is not None else d["points"] for _, d in paired] for side in ("low", "high")]
        figure.add_scatter(
            x=points,
            y=[f"{titles[arm]}: {title.lower()}" for title, _ in paired],
            mode="markers",
            showlegend=False,
            marker={"size": 13, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "thickness": 2.5,
                "array": [high - at for high, at in zip(bounds[1], points, strict=True)],
                "arrayminus": [at - low for low, at in zip(bounds[0], points, strict=True)],
            },
            customdata=list(zip(*bounds, strict=True)),
            hovertemplate="%{x:+.1f} points, %{customdata[0]:+.1f} to %{customdata[1]:+.1f}<extra></extra>",
        )
    rows = sum(len(entry["arms"]) for entry in policies)
    figure.add_vline(x=0, line={"dash": "dash", "width": 1.5, "color": _GREY})
    figure.update_xaxes(title_text="points gained")
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_layout(margin=_MARGIN, height=90 + 50 * rows)
    return figure


def sheet(pictures: np.ndarray, side: int) -> np.ndarray:
    """Lay out pictures in rows, with a gap twice as wide behind the first of each.

    Args:
        pictures: uint8 `(rows, columns, H, W, 3)`, square.
        side: Of each on the sheet, in pixels.

    Returns:
        uint8 `(height, width, 4)`, transparent in the gaps.

    Example:
        >>> sheet(np.zeros((2, 3, 20, 20, 3), np.uint8), side=10).shape
        (24, 42, 4)
    """
    rows, columns = pictures.shape[:2]
    laid = np.zeros((rows * (side + _GAP) - _GAP, columns * (side + _GAP), 4), np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (side + _GAP), column * (side + _GAP) + (_GAP if column else 0)
            small = Image.fromarray(pictures[row, column]).resize((side, side), Image.Resampling.BICUBIC)
            laid[top : top + side, left : left + side, :3] = np.asarray(small)
            laid[top : top + side, left : left + side, 3] = 255
    return laid
