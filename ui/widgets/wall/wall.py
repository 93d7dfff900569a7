"""A wall of small pictures: what is looked at is enlarged and named; by pointer, touch or arrow keys one is chosen."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cnn_core.figures.mosaic import Sheet
from ui.widgets.frontend import frontend

_wall = frontend(__file__)
_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"}


@dataclass(frozen=True)
class Tile:
    """One picture of a wall.

    Attributes:
        id: What is chosen.
        title: Beneath it.
        about: In the lens; spoken after the title.
        picture: A PNG or JPEG file; none where it lies in a sheet.
    """

    id: str
    title: str
    about: str = ""
    picture: bytes = b""


def wall(
    label: str,
    tiles: Sequence[Tile],
    chosen: str,
    key: str,
    on_choose: Callable[[str], Any] | None = None,
    *,
    sheet: Sheet | None = None,
    columns: int = 3,
    least: int = 72,
    titled: bool = True,
    sharp: bool = False,
    shape: str = "4 / 3",
    enters: bool = False,
    headed: bool = True,
) -> None:
    """Show a wall.

    Args:
        label: Of the whole, spoken.
        tiles: In reading order; those without a picture of their own lie in the sheet in this order.
        chosen: Id of the one that is chosen; empty if none is.
        key: Of the widget.
        on_choose: Called, before the page runs again, with the id of the one that was chosen; None where they are only
            to be looked at, enlarged.
        sheet: All pictures in one, as `figures.mosaic` lays them.
        columns: At most.
        least: Pixels of a picture, from left to right: where there is less room, fewer are in a row. Without titles 30.
        titled: Show each title beneath its picture; else it is in the lens only, and spoken.
        sharp: Show pixels as squares.
        shape: Width to height of the pictures, as CSS writes it; those in a sheet have their own.
        enters: Arrow keys only move, and Enter goes in; else they choose at once.
        headed: Show the label above.
    """
    if headed:
        st.markdown(f"**{label}**")
    data = {
        "label": label,
        "tiles": [_tile(tile) for tile in tiles],
        "sheet": sheet and laid(sheet),
        "chosen": chosen,
        "columns": columns,
        "least": least if titled else 30,
        "titled": titled,
        "sharp": sharp,
        "shape": f"{sheet.cell[0]} / {sheet.cell[1]}" if sheet else shape,
        "enters": enters or on_choose is None,
        "looks": on_choose is None,
    }
    _wall(data=data, key=key, on_chosen_change=lambda: on_choose and on_choose(st.session_state[key]["chosen"]))


def laid(sheet: Sheet) -> dict[str, Any]:
    """Return a sheet as a component takes it: bytes within a dictionary would arrive as text, without a word."""
    return {
        "source": source(sheet.png),
        "across": sheet.across,
        "down": sheet.down,
        "cell": list(sheet.cell),
        "gap": sheet.gap,
    }


def source(picture: bytes) -> str:
    """Return a PNG or JPEG file as an address.

    Example:
        >>> source(b"\\x89PNG")
        'data:image/png;base64,iVBORw=='
    """
    kind = next(kind for mark, kind in _KINDS.items() if picture.startswith(mark))
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _tile(tile: Tile) -> dict[str, str]:
    own = {"source": source(tile.picture)} if tile.picture else {}
    return {"id": tile.id, "title": tile.title, "about": tile.about, **own}
