"""Thumbnails of which several can be chosen, by mouse, touch and keyboard, of which they are one stop.

Pictures that are only looked at, or of which one is chosen, are a wall.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from ui.shared.session import small
from ui.widgets.frontend import frontend

_sheet = frontend(__file__)


@dataclass(frozen=True)
class Act:
    """A tile after the pictures that does something.

    Attributes:
        id: Told when it is pressed.
        title: On the tile: room for a few letters.
        about: Spoken, and shown while the pointer rests.
    """

    id: str
    title: str
    about: str


def gallery(
    pictures: Sequence[tuple[str, str]],
    key: str,
    *,
    side: int = 88,
    label: str = "",
    acts: Sequence[Act] = (),
    on_change: Callable[[], Any] = lambda: None,
    on_act: Callable[[str], Any] = lambda act: None,
) -> list[str]:
    """Let the reader choose pictures, and return their digests.

    Args:
        pictures: Digest and name (spoken, and shown on hovering) of each.
        key: Of the widget.
        side: Of a thumbnail, in pixels.
        label: Of the whole, spoken.
        acts: Tiles that do something.
        on_change: Called when the choice changed.
        on_act: Called, before the page runs again, with the id of the tile that was pressed.
    """
    known = {digest for digest, _ in pictures}
    before = [digest for digest in st.session_state.get(key, {}).get("chosen") or [] if digest in known]
    result = _sheet(
        data={
            "pictures": [
                {"id": digest, "name": name, "jpeg": base64.b64encode(small(digest)).decode()}
                for digest, name in pictures
            ],
            "side": side,
            "label": label,
            "acts": [asdict(act) for act in acts],
            "chosen": before,
        },
        default={"chosen": []},
        key=key,
        on_chosen_change=on_change,
        on_act_change=lambda: on_act(st.session_state[key]["act"]),
    )
    return [digest for digest in result.chosen or [] if digest in known]
