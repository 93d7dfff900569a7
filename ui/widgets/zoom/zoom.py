"""The walk into a network: one scene at a time, drawn and animated in the browser."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from ui.widgets.frontend import frontend

_zoom = frontend(__file__)
WHOLE = "-"  # the place of the whole network, as the component says it


def zoom(
    scene: Mapping[str, Any], key: str, *, on_go: Callable[[str], None], on_move: Callable[[int, int], None]
) -> None:
    """Show a scene.

    Args:
        scene: As `types.d.ts` describes it: plain values.
        key: Of the widget.
        on_go: Called, before the page runs again, with the place that the reader goes to.
        on_move: Called with row and column of the cell, once the reader has come to rest there; on level 3 only.
    """

    def moved() -> None:
        row, _, column = st.session_state[key]["at"].partition(",")
        on_move(int(row), int(column))

    _zoom(data=scene, key=key, on_go_change=lambda: on_go(st.session_state[key]["go"]), on_at_change=moved)
