"""Pick a unit of a feature map and see its receptive field in the picture. The browser draws; Python does the sums."""

from collections.abc import Callable, Sequence
from typing import Any

from ui.widgets.frontend import frontend

_picker = frontend(__file__)

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
