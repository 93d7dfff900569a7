"""A sheet of paper to draw a digit on, by pointer, touch or keys; what is drawn arrives as a small grey picture."""

import base64
import binascii
from typing import Any

import numpy as np
import streamlit as st

from ui.widgets.frontend import frontend

SIDE = 64  # pixels of what is sent
_canvas = frontend(__file__)


def digit_canvas(key: str) -> np.ndarray | None:
    """Show the paper; return what is drawn on it.

    Args:
        key: Of the widget; the drawing is kept in this visit under `<key>_kept`, so that another view loses nothing.

    Returns:
        float32 `(64, 64)`, 0 (paper) to 1 (ink); None while there is no ink.
    """
    kept: dict[str, Any] = st.session_state.get(f"{key}_kept", {})
    _canvas(data={"side": SIDE, "strokes": kept.get("strokes", [])}, key=key, on_drawn_change=lambda: _keep(key))
    drawing = grey(st.session_state.get(f"{key}_kept", {}).get("ink", ""))
    return drawing if drawing is not None and drawing.any() else None


def _keep(key: str) -> None:
    drawn = st.session_state[key]["drawn"]
    if grey(drawn["ink"]) is not None:
        st.session_state[f"{key}_kept"] = drawn


def grey(ink: str) -> np.ndarray | None:
    """Return a drawing that came from the browser as `(64, 64)`, 0 to 1; None if it is none.

    Example:
        >>> grey(base64.b64encode(bytes([255]) * 64 * 64).decode()).mean(), grey("AAAA")
        (np.float32(1.0), None)
    """
    try:
        data = base64.b64decode(ink, validate=True)
    except binascii.Error:
        return None
    if len(data) != SIDE * SIDE:
        return None
    return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE).astype(np.float32) / 255
