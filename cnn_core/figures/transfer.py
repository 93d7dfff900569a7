"""Figures of the page that teaches a network: how arms learn, what they reach, what they take for what."""

from collections.abc import Mapping, Sequence

from cnn_core.arithmetic.escaping import plotly
from cnn_core.arithmetic.measures import Share
from cnn_core.figures.drawing import Figure
from cnn_core.figures.palette import LIGHT, wash
from cnn_core.training.transfer.results import EpochFigures, Learning
from cnn_core.training.transfer.spec import ARM_TITLES

_PLAIN = {"margin": {"l": 10, "r": 10, "t": 30, "b": 10}, "paper_bgcolor": "rgba(0,0,0,0)"}
_WIDEST = 14  # characters of a class's name beside a figure


def curves(arms: Mapping[str, Learning], epochs: int, waiting: str = "") -> Figure:
    """Draw accuracy and loss of each arm over the epochs.

    Args:
        arms: How each has learnt so far.
        epochs: Planned of what is trained in steps; the fine-tuned arm has its head's passes before them.
        waiting: What is done while there is no point yet, written where the curves will be.

    Returns:
        Two panels: thin lines are the training pictures, batch by batch where that is known; thick ones with dots the
        validation pictures. The fine-tuned arm begins with the frozen arm's head: where both are shown, its curve
        leaves the other's.
    """
    figure = Figure.panels(2, 1, heights=[0.6, 0.4], gap=0.07, shared=True)
    for arm, curve in arms.items():
        history = curve.epochs
        head = sum(entry.phase == "head" for entry in history) if arm == "fine_tuned" else 0
        if head and "frozen" in arms:
            history = history[head - 1 :]
        _add_arm(figure, arm, history, curve.batches)
        if head and head < len(curve.epochs):
            figure.add_vline(
                x=head,
                line={"dash": "dot", "width": 1, "color": LIGHT.arms[arm]},
                note="blocks unfrozen",
                size=11,
            )
    last = max((entry.epoch for curve in arms.values() for entry in curve.epochs), default=0)
    passes = max((sum(entry.phase == "head" for entry in curve.epochs) for curve in arms.values()), default=0)
    planned = passes + epochs if "fine_tuned" in arms else epochs
    figure.update_xaxes(range=[0, max(planned, last) * 1.02])
    figure.update_xaxes(title_text="epoch", title_standoff=4, row=2, col=1)
    figure.update_yaxes(title_text="accuracy", range=[0, 1.04], tickformat=".0%", row=1, col=1)
    figure.update_yaxes(title_text="loss", rangemode="tozero", row=2, col=1)
    if waiting:
        for arm in arms:  # who will be drawn here
            line = {"color": LIGHT.arms[arm], "width": 3}
            figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=ARM_TITLES[arm], row=1, col=1)
        figure.add_annotation(
            text=waiting,
            showarrow=False,
            font={"size": 17, "color": LIGHT.ink},
            x=0.5,
            y=0.75,
            xref="paper",
            yref="paper",
        )
        figure.update_yaxes(showticklabels=False)
    figure.update_layout(
        **_PLAIN,
        height=330,
        uirevision="curves",  # the reader's zoom survives the next second
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
    )
    return figure


def _add_arm(
    figure: Figure, arm: str, history: Sequence[EpochFigures], batches: Sequence[tuple[float, float, float]]
) -> None:
    colour, title = LIGHT.arms[arm], ARM_TITLES[arm]
    first = batches[0][0] if batches else float("inf")
    train = [(float(entry.epoch), entry.loss, entry.accuracy) for entry in history if entry.epoch < first]
    train += batches
    validation = {"accuracy": [entry.val_accuracy for entry in history], "loss": [entry.val_loss for entry in history]}
    for row, (place, name) in enumerate(zip((2, 1), validation, strict=True), 1):
        figure.add_scatter(
            x=[point[0] for point in train],
            y=[point[place] for point in train],
            mode="lines",
            line={"color": colour, "width": 1},
            opacity=0.65,
            name=f"{title}, training",
            legendgroup=arm,
            showlegend=row == 1,
            row=row,
            col=1,
            hovertemplate=f"{title}, training<br>epoch %{{x:.2f}}: %{{y:.3f}}<extra></extra>",
        )
        figure.add_scatter(
            x=[entry.epoch for entry in history],
            y=validation[name],
            mode="lines+markers",
            line={"color": colour, "width": 3},
            marker={"size": 6},
            name=f"{title}, validation",
            legendgroup=arm,
            showlegend=row == 1,
            row=row,
            col=1,
            hovertemplate=f"{title}, validation<br>epoch %{{x}}: %{{y:.3f}}<extra></extra>",
        )


def accuracies(shares: Mapping[str, Share], chance: float) -> Figure:
    """Draw each arm's test accuracy with its 95% interval, and what always guessing the biggest class would reach."""
    figure = Figure()
    for name, share in shares.items():
        accuracy, low, high = share.value, share.low, share.high
        figure.add_scatter(
            x=[accuracy],
            y=[ARM_TITLES[name]],
            mode="markers",
            showlegend=False,
            marker={"size": 13, "color": LIGHT.arms[name]},
            error_x={"type": "data", "array": [high - accuracy], "arrayminus": [accuracy - low], "thickness": 2.5},
            hovertemplate=f"{accuracy:.1%}; on other photos likely {low:.1%} to {high:.1%}<extra></extra>",
        )
    figure.add_vline(
        x=chance,
        line={"dash": "dash", "width": 1, "color": LIGHT.soft},
        note="always guessing<br>the biggest class",
        place="top" if 0.15 < chance < 0.85 else "top right" if chance <= 0.15 else "top left",
        size=11,
        color=LIGHT.soft,
    )
    figure.update_xaxes(range=[0, 1.04], tickformat=".0%", nticks=6)
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(**_PLAIN | {"margin": {"l": 10, "r": 10, "t": 40, "b": 10}}, height=84 + 34 * len(shares))
    return figure


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str], arm: str) -> Figure:
    """Draw which class was taken for which; the shade is the share of the true class, the number counts pictures."""
    shares = [[count / max(1, sum(row)) for count in row] for row in matrix]
    names = [plotly(name, _WIDEST) for name in classes]
    figure = Figure().add_heatmap(
        z=shares,
        x=list(range(len(names))),
        y=list(range(len(names))),
        zmin=0,
        zmax=1,
        showscale=False,
        colorscale=[[0, wash(LIGHT.line, 0.35)], [1, wash(LIGHT.arms[arm], 1)]],
        xgap=2,
        ygap=2,
        customdata=[
            [(plotly(classes[r]), plotly(classes[c]), n) for c, n in enumerate(row)] for r, row in enumerate(matrix)
        ],
        hovertemplate="is %{customdata[0]}, said %{customdata[1]}: %{customdata[2]}<extra></extra>",
        text=[[str(count) if count else "" for count in row] for row in matrix],
        texttemplate="%{text}",
    )
    ticks = {"tickvals": list(range(len(names))), "ticktext": names}
    figure.update_xaxes(title_text="said", showgrid=False, zeroline=False, **ticks)
    figure.update_yaxes(title_text="is", autorange="reversed", showgrid=False, zeroline=False, **ticks)
    figure.update_layout(**_PLAIN | {"margin": {"l": 10, "r": 10, "t": 8, "b": 10}}, height=110 + 34 * len(classes))
    return figure


def answers(said: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw what each arm says of one picture, side by side; at most the eight likeliest classes."""
    ranked = sorted(next(iter(said.values())), key=lambda name: -max(arm[name] for arm in said.values()))[:8]
    figure = Figure()
    for arm, probabilities in said.items():
        values = [probabilities[name] for name in ranked]
        figure.add_bar(
            y=list(range(len(ranked))),
            x=values,
            customdata=[plotly(name) for name in ranked],
            orientation="h",
            name=ARM_TITLES[arm],
            marker_color=LIGHT.arms[arm],
            text=[f"{value:.1%}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{ARM_TITLES[arm]}: %{{customdata}} %{{x:.2%}}<extra></extra>",
        )
    figure.update_xaxes(range=[0, 1.12], tickformat=".0%", title_text="how sure")
    ticks = {"tickvals": list(range(len(ranked))), "ticktext": [plotly(name, _WIDEST) for name in ranked]}
    figure.update_yaxes(ticks, autorange="reversed")
    figure.update_layout(
        **_PLAIN,
        height=90 + (12 + 16 * len(said)) * len(ranked),
        barmode="group",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )
    return figure
