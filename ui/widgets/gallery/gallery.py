"""A contact sheet: thumbnails that can be chosen by mouse, touch and keyboard."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from ui.shared.session import small
from ui.widgets.frontend import frontend

_sheet = frontend(__file__)


def gallery(
    pictures: Sequence[tuple[str, str, str]],
    key: str,
    *,
    selectable: bool = False,
    side: int = 88,
    on_change: Callable[[], Any] = lambda: None,
) -> list[str]:
    """Show pictures and return the digests of the chosen ones.

    Args:
        pictures: Digest, name (spoken and shown on hovering) and caption of each.
        key: Of the widget.
        selectable: Let the reader choose.
        side: Of a thumbnail, in pixels.
        on_change: Called when the choice changed.
    """
    known = {digest for digest, _, _ in pictures}
    before = [digest for digest in st.session_state.get(key, {}).get("chosen") or [] if digest in known]
    result = _sheet(
        data={
            "pictures": [
                {"id": digest, "name": name, "caption": caption, "jpeg": base64.b64encode(small(digest)).decode()}
                for digest, name, caption in pictures
            ],
            "selectable": selectable,
            "side": side,
            "chosen": before,
        },
        default={"chosen": []},
        key=key,
        on_chosen_change=on_change,
    )
    return [digest for digest in result.chosen or [] if digest in known]
