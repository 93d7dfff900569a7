"""A picture that the reader moves by hand, by whole pixels in both directions."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.widgets.frontend import frontend

_shifter = frontend(__file__)


def shifter(
    picture: str,
    key: str,
    *,
    size: tuple[int, int],
    most: int,
    at: tuple[int, int],
    label: str,
    on_move: Callable[[int, int], None],
    sharp: bool = False,
    still: bool = False,
) -> None:
    """Show the picture in a frame that is smaller by `most` pixels on each side.

    Args:
        picture: Its address.
        key: Of the widget.
        size: Its height and width, in pixels.
        most: Pixels that it goes in each direction.
        at: Where it is: pixels down and to the right; negative is up and to the left.
        label: Spoken.
        on_move: Called with where it has come to rest, before the page runs again.
        sharp: Show pixels as squares.
        still: Nobody moves it.
    """
    data: dict[str, Any] = {
        "picture": picture,
        "size": list(size),
        "most": most,
        "at": list(at),
        "label": label,
        "sharp": sharp,
        "still": still,
    }

    def moved() -> None:
        down, right = (int(pixels) for pixels in st.session_state[key]["at"].split(","))
        on_move(down, right)

    _shifter(data=data, key=key, on_at_change=moved)
