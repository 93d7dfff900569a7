"""A wall of small pictures of which one is chosen, by pointer, touch or arrow keys."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ui.widgets.frontend import frontend

_wall = frontend(__file__)
_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"}


@dataclass(frozen=True)
class Tile:
    """One picture of a wall.

    Attributes:
        id: What is chosen.
        title: Beneath it.
        picture: A PNG or JPEG file.
        about: Shown while the pointer rests on it.
    """

    id: str
    title: str
    picture: bytes
    about: str = ""


def wall(
    label: str,
    tiles: Sequence[Tile],
    chosen: str,
    key: str,
    on_choose: Callable[[str], Any],
    *,
    columns: int = 3,
    sharp: bool = False,
    shape: str = "4 / 3",
) -> None:
    """Show a wall.

    Args:
        label: Of the whole: shown above, and spoken.
        tiles: In reading order.
        chosen: Id of the one that is chosen; empty if none is.
        key: Of the widget.
        on_choose: Called, before the page runs again, with the id of the one that was chosen.
        columns: At most, where there is room.
        sharp: Show pixels as squares.
        shape: Width to height of the pictures, as CSS writes it.
    """
    pictures = [
        {"id": tile.id, "title": tile.title, "about": tile.about, "source": _source(tile.picture)} for tile in tiles
    ]
    st.markdown(f"**{label}**")
    data = {
        "label": label,
        "pictures": pictures,
        "chosen": chosen,
        "columns": columns,
        "sharp": sharp,
        "shape": shape,
    }
    _wall(data=data, key=key, on_chosen_change=lambda: on_choose(st.session_state[key]["chosen"]))


def _source(picture: bytes) -> str:
    kind = next(kind for mark, kind in _KINDS.items() if picture.startswith(mark))
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
