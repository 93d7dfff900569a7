"""Figures as Plotly sees them: its own objects look at each value, and refuse what it does not know."""

from types import ModuleType
from typing import Any

import plotly.graph_objects as go

from cnn_core.figures.drawing import Figure


def looked_at(figure: Figure) -> go.Figure:
    """Return one of Plotly's figures, with arrays as they were."""
    names_of_axes(figure.layout)
    return go.Figure(figure.data, figure.layout, figure.frames)


def names_of_axes(layout: dict[str, Any]) -> None:
    """Refuse `x1` for `x`, which Plotly in Python takes and in a browser passes over."""
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            wrong = {axis.get(each) for each in ("anchor", "scaleanchor", "matches", "overlaying")} & {"x1", "y1"}
            assert not wrong, f"{name} refers to {wrong}: the first axis is called x or y"


class Drawing:
    """A module of figures, each of which Plotly looks at."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        drawn = getattr(self._module, name)

        def draw(*values: Any, **named: Any) -> Any:
            figure = drawn(*values, **named)
            return looked_at(figure) if isinstance(figure, Figure) else figure

        return draw if callable(drawn) else drawn
