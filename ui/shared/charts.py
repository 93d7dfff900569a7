"""One way to show a figure and a map: in the reader's theme."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from cnn_core.figures import maps
from cnn_core.figures.palette import DARK, LIGHT, Palette, in_dark

QUIET = {"displayModeBar": False}


def dark() -> bool:
    """Tell whether the reader has the dark theme."""
    return bool(st.context.theme.type == "dark")


def palette() -> Palette:
    """Return the colours of the reader's theme."""
    return DARK if dark() else LIGHT


def plot(figure: Any, key: str, alt: str, place: Any = st, **options: Any) -> Any:
    """Show a figure.

    Args:
        figure: In the colours of the light theme.
        key: Of the element.
        alt: What it shows, as a sentence: its finding, not its kind.
        place: Where.
        options: As `st.plotly_chart` takes them; the figure has no tools unless `config` gives it some.
    """
    if dark():
        drawn = figure.to_plotly_json()
        # Made anew without a second look at data that have been looked at.
        figure = go.Figure(in_dark(drawn), skip_invalid=True)
        figure.frames = [in_dark(frame.to_plotly_json()) for frame in figure.frames]
    return place.plotly_chart(figure, key=key, alt=alt, **{"config": QUIET} | options)


def signed(feature_map: np.ndarray, limit: float | None = None) -> tuple[np.ndarray, float]:
    """Colour a map of activations in the reader's theme: zero is the paper. See `maps.signed`."""
    return maps.signed(feature_map, limit, palette())
