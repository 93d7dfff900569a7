"""One way to show a figure and a map: in the reader's theme."""

import functools
from typing import Any

import numpy as np
import plotly.io
import streamlit as st
from plotly.basedatatypes import BaseFigure

from cnn_core.figures import maps
from cnn_core.figures.drawing import Figure
from cnn_core.figures.palette import DARK, LIGHT, Palette, in_dark

QUIET = {"displayModeBar": False}


def _dark() -> bool:
    """Tell whether the reader has the dark theme."""
    return bool(st.context.theme.type == "dark")


def palette() -> Palette:
    """Return the colours of the reader's theme."""
    return DARK if _dark() else LIGHT


class _Drawn(BaseFigure):
    """A figure's JSON where Streamlit wants one of Plotly's objects: of a dictionary it would look at each value."""

    def __init__(self, drawn: dict[str, Any]) -> None:
        self._drawn = drawn

    def to_dict(self) -> dict[str, Any]:
        return self._drawn


@functools.cache
def _template() -> dict[str, Any]:
    """Streamlit's look of a figure, whose colours the browser replaces by those of the theme."""
    look: dict[str, Any] = plotly.io.templates[plotly.io.templates.default].to_plotly_json()
    return look


def plot(figure: Figure, key: str, alt: str, place: Any = st, **options: Any) -> Any:
    """Show a figure.

    Args:
        figure: In the colours of the light theme.
        key: Of the element.
        alt: What it shows, as a sentence: its finding, not its kind.
        place: Where.
        options: As `st.plotly_chart` takes them; the figure has no tools unless `config` gives it some.
    """
    drawn = figure.to_json()
    if _dark():
        drawn = in_dark(drawn)
    drawn["layout"]["template"] = _template()
    return place.plotly_chart(_Drawn(drawn), key=key, alt=alt, **{"config": QUIET} | options)


def signed(feature_map: np.ndarray, limit: float | None = None) -> tuple[np.ndarray, float]:
    """Colour a map of activations in the reader's theme: zero is the paper. See `maps.signed`."""
    return maps.signed(feature_map, limit, palette())
