"""Pick a unit of a feature map and see its receptive field in the picture. The browser draws; Python does the sums."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

_HTML = """
<div class="picker" tabindex="0" role="group" aria-label="Feature map: arrow keys move the unit">
  <div class="panels">
    <div><h4>Picture</h4><p class="size seensize"></p><canvas class="seen" role="img"></canvas></div>
    <div><h4 class="title"></h4><p class="size mapsize"></p><canvas class="units" role="img"></canvas></div>
  </div>
  <p class="said" aria-live="polite"></p>
</div>
"""
_HERE = Path(__file__)
_picker = component(
    "convscope_unit_picker",
    html=_HTML,
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)

Interval = tuple[int, int, int, int] | tuple[int, int, None, None]


def unit_picker(
    picture: str,
    key: str,
    *,
    input_size: int,
    layer: str,
    intervals: Sequence[Interval],
    unit: tuple[int, int],
    on_pick: Callable[[], None],
) -> None:
    """Show the picker.

    Args:
        picture: Data URL of the square picture.
        key: Of the widget; `st.session_state[key]["unit"]` is the picked `[row, column]` when `on_pick` is called.
        input_size: Side of the picture, in pixels, as the network takes it.
        layer: Name of the feature map.
        intervals: For each index of a unit, along either axis: first and last pixel that it sees, padding included, and
            the first and last within the picture; None if it sees nothing but padding.
        unit: Row and column of the chosen one.
        on_pick: Called when the reader has picked another.
    """
    data: dict[str, Any] = {
        "picture": picture,
        "size": input_size,
        "layer": layer,
        "intervals": [list(interval) for interval in intervals],
        "unit": list(unit),
    }
    _picker(data=data, key=key, on_unit_change=on_pick)
