"""The window player: windows over a line or a square of cells, drawn and moved in the browser."""

from collections.abc import Callable
from dataclasses import asdict

import streamlit as st

from cnn_core.arithmetic.coverage import Sweep
from ui.widgets.frontend import frontend

_player = frontend(__file__)


def window_player(
    sweep: Sweep, key: str, *, dimensions: int, at: tuple[int, int] | None, on_move: Callable[[str], None]
) -> None:
    """Show which cells each window reads.

    Args:
        sweep: Windows along one axis.
        key: Of the widget.
        dimensions: 1, or 2 for a square: the same along both axes.
        at: Row and column of the output where it goes whenever this changes, as the link says.
        on_move: Called with `row,column` once the reader has come to rest there.
    """
    place = None if at is None else list(at)
    _player(
        data={**asdict(sweep), "reads": sweep.reads, "dimensions": dimensions, "at": place},
        key=key,
        on_at_change=lambda: on_move(st.session_state[key]["at"]),
    )
