"""Figures of a look at the reader's own pictures: their map, calibration, refusal, augmented copies."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from PIL import Image

from cnn_core.arithmetic.escaping import plotly
from cnn_core.figures.drawing import Figure
from cnn_core.figures.laboratory import HIGHEST
from cnn_core.figures.lines import BELOW, vline
from cnn_core.figures.palette import LIGHT
from cnn_core.training.lab.augmentation import Policy
from cnn_core.training.lab.labels import Bin, MapPoint, RefusalPoint

_MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}
_ROUND = ("circle", "diamond", "square", "triangle-up", "pentagon")  # one more for each turn of the colours
PROJECTIONS: dict[str, Callable[[MapPoint], tuple[float, float]]] = {
    "PCA": lambda point: point.pca,
    "t-SNE": lambda point: point.tsne,
}
_GAP = 4  # pixels between two pictures of a sheet


def embedding_map(
    points: Sequence[MapPoint], classes: Sequence[str], projection: str, chosen: Collection[str] = ()
) -> Figure:
    """Draw all pictures as points: the colour is the label, a cross is a picture that was judged otherwise.

    Args:
        points: Of a study of labels.
        classes: Names.
        projection: Key of PROJECTIONS.
        chosen: Digests of pictures to be ringed.

    Returns:
        A figure whose points carry their place in `points` as customdata.
    """
    place = PROJECTIONS[projection]
    figure = Figure()
    for number, name in enumerate(classes):
        mine = [(index, point) for index, point in enumerate(points) if point.label == name]
        mine.sort(key=lambda entry: not entry[1].right)  # the legend shows the first one's mark: that of the class
        wrong = [not point.right for _, point in mine]
        shape = _ROUND[number // len(LIGHT.series) % len(_ROUND)]
        figure.add_scatter(
            x=[place(point)[0] for _, point in mine],
            y=[place(point)[1] for _, point in mine],
            mode="markers",
            name=plotly(name),
            marker={
                "color": LIGHT.series[number % len(LIGHT.series)],
                "opacity": 0.85,
                "symbol": ["x" if bad else shape for bad in wrong],
                "size": [11 if bad else 8 for bad in wrong],
            },
            customdata=[index for index, _ in mine],
            text=[plotly(f"{point.name}: is {point.label}, judged {point.said}") for _, point in mine],
            hovertemplate="%{text}<extra></extra>",
        )
    ringed = [point for point in points if point.digest in chosen]
    if ringed:
        figure.add_scatter(
            x=[place(point)[0] for point in ringed],
            y=[place(point)[1] for point in ringed],
            mode="markers",
            marker={"symbol": "circle-open", "size": 20, "color": LIGHT.selection, "line": {"width": 3}},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x" if projection == "PCA" else None)
    figure.update_layout(
        margin=_MARGIN,
        height=HIGHEST,
        legend=BELOW,
        hovermode="closest",
        uirevision=projection,  # what is zoomed and selected stays
    )
    return figure


def reliability_curve(bins: Sequence[Bin]) -> Figure:
    """Draw accuracy against confidence with Wilson intervals; a dot's area is the number of pictures.

    Args:
        bins: Of `calibration.reliability`.
    """
    most = max(each.right.total for each in bins)
    figure = Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dot", "color": LIGHT.soft, "width": 1.5},
        name="as sure as right",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[each.confidence for each in bins],
        y=[each.right.value for each in bins],
        mode="lines+markers",
        name="measured",
        line={"color": LIGHT.accent, "width": 2},
        marker={"size": [8 + 18 * (each.right.total / most) ** 0.5 for each in bins], "color": LIGHT.accent},
        error_y={
            "type": "data",
            "symmetric": False,
            "thickness": 1.5,
            "array": [each.right.high - each.right.value for each in bins],
            "arrayminus": [each.right.value - each.right.low for each in bins],
        },
        customdata=[each.right.total for each in bins],
        hovertemplate="%{customdata} pictures: %{x:.0%} sure, %{y:.0%} right<extra></extra>",
    )
    figure.update_xaxes(title_text="confidence (largest probability)", range=[0, 1.03], tickformat=".0%")
    figure.update_yaxes(title_text="share that is right", range=[0, 1.06], tickformat=".0%")
    figure.update_layout(margin=_MARGIN, height=HIGHEST, legend=BELOW)
    return figure


def refusal(curve: Sequence[RefusalPoint], threshold: float) -> Figure:
    """Draw against the threshold which share of own pictures is answered and of unseen classes' refused.

    Args:
        curve: Of `calibration.refusal_curve`.
        threshold: Where the line stands.
    """
    curves = []
    for shares, name, colour, dash in (
        ([point.answered for point in curve], "own pictures answered", LIGHT.accent, "solid"),
        ([point.unseen_refused for point in curve], "unseen classes refused", LIGHT.one, "dash"),
    ):
        curves.append(
            {
                "x": [point.threshold for point in curve],
                "y": shares,
                "mode": "lines",
                "name": name,
                "line": {"color": colour, "width": 2.5, "dash": dash},
                "hovertemplate": f"below %{{x:.2f}}: %{{y:.0%}} {name}<extra></extra>",
            }
        )
    return Figure(
        curves,
        {
            "shapes": [vline(threshold, width=2)],
            "xaxis": {"title": {"text": "threshold"}, "range": [0, 1.02]},
            "yaxis": {"range": [0, 1.04], "tickformat": ".0%"},
            "margin": _MARGIN,
            "height": HIGHEST,
            "legend": BELOW,
        },
    )


def augmentation_effect(policies: Sequence[Policy], titles: Mapping[str, str]) -> Figure:
    """Draw what augmentation changes, in points of accuracy with intervals; left of the line it does harm.

    Args:
        policies: Of a study of augmentation.
        titles: Of its arms.
    """
    figure = Figure()
    for arm, colour in (("frozen", LIGHT.frozen), ("fine_tuned", LIGHT.fine_tuned)):
        paired = [(policy.title, policy.arms[arm].paired) for policy in policies if arm in policy.arms]
        points = [difference.points for _, difference in paired]
        low = [each.points if each.low is None else each.low for _, each in paired]
        high = [each.points if each.high is None else each.high for _, each in paired]
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
                "array": [above - at for above, at in zip(high, points, strict=True)],
                "arrayminus": [at - below for below, at in zip(low, points, strict=True)],
            },
            customdata=list(zip(low, high, strict=True)),
            hovertemplate="%{x:+.1f} points, %{customdata[0]:+.1f} to %{customdata[1]:+.1f}<extra></extra>",
        )
    rows = sum(len(policy.arms) for policy in policies)
    figure.add_vline(x=0, line={"dash": "dash", "width": 1.5, "color": LIGHT.soft})
    figure.update_xaxes(title_text="points gained")
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_layout(margin=_MARGIN, height=min(HIGHEST, 90 + 40 * rows))
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
