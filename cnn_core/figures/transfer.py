"""Figures of the transfer page. Colours hold on the light and on the dark theme; text colours are the page's."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cnn_core.training.transfer.results import Arm, EpochFigures, Learning
from cnn_core.training.transfer.spec import ARM_TITLES

ARM_COLOURS = {"frozen": "#3B82F6", "fine_tuned": "#D9730D", "scratch": "#8A8F98"}
_PLAIN = {"margin": {"l": 10, "r": 10, "t": 36, "b": 10}, "paper_bgcolor": "rgba(0,0,0,0)"}


def curves(arms: Mapping[str, Learning], epochs: int) -> go.Figure:
    """Draw loss and accuracy of each arm over the epochs.

    Args:
        arms: How each has learnt so far.
        epochs: Planned of what is trained in steps; the fine-tuned arm has its head's passes before them.

    Returns:
        Two panels: thin lines are the training pictures, batch by batch where that is known; dots the validation ones.
        The fine-tuned arm begins with the frozen arm's head: where both are shown, its curve leaves the other's.
    """
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.07)
    for arm, curve in arms.items():
        history = curve.epochs
        head = sum(entry.phase == "head" for entry in history) if arm == "fine_tuned" else 0
        if head and "frozen" in arms:
            history = history[head - 1 :]
        _add_arm(figure, arm, history, curve.batches)
        if head and head < len(curve.epochs):
            figure.add_vline(
                x=head,
                line={"dash": "dot", "width": 1, "color": ARM_COLOURS[arm]},
                row=1,
                col=1,
                annotation_text="blocks thaw",
                annotation_font_size=11,
                annotation_position="top right",
            )
    last = max((entry.epoch for curve in arms.values() for entry in curve.epochs), default=0)
    passes = max((sum(entry.phase == "head" for entry in curve.epochs) for curve in arms.values()), default=0)
    planned = passes + epochs if "fine_tuned" in arms else epochs
    figure.update_xaxes(range=[0, max(planned, last) * 1.02])
    figure.update_xaxes(title_text="epoch", title_standoff=4, row=2, col=1)
    figure.update_yaxes(title_text="loss", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="accuracy", range=[0, 1.04], tickformat=".0%", row=2, col=1)
    figure.update_layout(
        **_PLAIN,
        height=520,
        uirevision="curves",  # the reader's zoom survives the next second
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
    )
    return figure


def _add_arm(
    figure: go.Figure, arm: str, history: Sequence[EpochFigures], batches: Sequence[tuple[float, float, float]]
) -> None:
    colour, title = ARM_COLOURS[arm], ARM_TITLES[arm]
    first = batches[0][0] if batches else float("inf")
    train = [(float(entry.epoch), entry.loss, entry.accuracy) for entry in history if entry.epoch < first]
    train += batches
    validation = {"loss": [entry.val_loss for entry in history], "accuracy": [entry.val_accuracy for entry in history]}
    for row, name in enumerate(validation, 1):
        figure.add_scatter(
            x=[point[0] for point in train],
            y=[point[row] for point in train],
            mode="lines",
            line={"color": colour, "width": 1.5},
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
            line={"color": colour, "width": 2.5},
            marker={"size": 6},
            name=f"{title}, validation",
            legendgroup=arm,
            showlegend=row == 1,
            row=row,
            col=1,
            hovertemplate=f"{title}, validation<br>epoch %{{x}}: %{{y:.3f}}<extra></extra>",
        )


def accuracies(arms: Mapping[str, Arm], chance: float) -> go.Figure:
    """Draw each arm's test accuracy with its 95 % interval, and what guessing the commonest class would reach."""
    figure = go.Figure()
    for name, arm in arms.items():
        accuracy, low, high = arm.accuracy.value, arm.accuracy.low, arm.accuracy.high
        figure.add_scatter(
            x=[accuracy],
            y=[ARM_TITLES[name]],
            mode="markers",
            showlegend=False,
            marker={"size": 13, "color": ARM_COLOURS[name]},
            error_x={"type": "data", "array": [high - accuracy], "arrayminus": [accuracy - low], "thickness": 2.5},
            hovertemplate=f"{accuracy:.1%}, 95 % interval {low:.1%} to {high:.1%}<extra></extra>",
        )
    figure.add_vline(
        x=chance,
        line={"dash": "dash", "width": 1, "color": "#8A8F98"},
        annotation_text="commonest class",
        annotation_position="top",
        annotation_font_size=11,
    )
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", title_text="right answers on the test pictures")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(**_PLAIN, height=110 + 50 * len(arms))
    return figure


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str], arm: str) -> go.Figure:
    """Draw which class was taken for which; the shade is the share of the true class, the number counts pictures."""
    shares = [[count / max(1, sum(row)) for count in row] for row in matrix]
    colour = ARM_COLOURS[arm]
    names = [name if len(name) <= 14 else name[:13] + "…" for name in classes]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(range(len(names))),
            y=list(range(len(names))),
            zmin=0,
            zmax=1,
            showscale=False,
            colorscale=[[0, "rgba(128,128,128,0.06)"], [1, colour]],
            xgap=2,
            ygap=2,
            customdata=[[(classes[r], classes[c], n) for c, n in enumerate(row)] for r, row in enumerate(matrix)],
            hovertemplate="is %{customdata[0]}, said %{customdata[1]}: %{customdata[2]}<extra></extra>",
            text=[[str(count) if count else "" for count in row] for row in matrix],
            texttemplate="%{text}",
        )
    )
    ticks = {"tickvals": list(range(len(names))), "ticktext": names}
    figure.update_xaxes(title_text="said", showgrid=False, zeroline=False, **ticks)
    figure.update_yaxes(title_text="is", autorange="reversed", showgrid=False, zeroline=False, **ticks)
    figure.update_layout(**_PLAIN | {"margin": {"l": 10, "r": 10, "t": 8, "b": 10}}, height=110 + 34 * len(classes))
    return figure


def answers(said: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """Draw what each arm says of one picture, side by side; at most the eight likeliest classes."""
    ranked = sorted(next(iter(said.values())), key=lambda name: -max(arm[name] for arm in said.values()))[:8]
    figure = go.Figure()
    for arm, probabilities in said.items():
        values = [probabilities[name] for name in ranked]
        figure.add_bar(
            y=ranked,
            x=values,
            orientation="h",
            name=ARM_TITLES[arm],
            marker_color=ARM_COLOURS[arm],
            text=[f"{value:.1%}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{ARM_TITLES[arm]}: %{{y}} %{{x:.2%}}<extra></extra>",
        )
    figure.update_xaxes(range=[0, 1.12], tickformat=".0%", title_text="probability")
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(
        **_PLAIN,
        height=110 + (14 + 16 * len(said)) * len(ranked),
        barmode="group",
        legend={"orientation": "h", "y": 1.12, "x": 0},
    )
    return figure


def balance(counts: Mapping[str, int]) -> go.Figure:
    """Draw the number of pictures of each class."""
    figure = go.Figure(
        go.Bar(
            x=list(counts.values()),
            y=list(counts),
            orientation="h",
            marker_color="#3B82F6",
            text=list(counts.values()),
            textposition="auto",
            hovertemplate="%{y}: %{x} pictures<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(visible=False)
    figure.update_layout(**_PLAIN | {"margin": {"l": 10, "r": 10, "t": 4, "b": 4}}, height=30 + 28 * len(counts))
    return figure
