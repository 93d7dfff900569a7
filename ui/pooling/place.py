"""What a shift does to the place that the reader follows: its cell of the map, and of the pooled map."""

import numpy as np

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import shifts
from cnn_core.arithmetic.spots import Windows
from ui.pooling.settings import ROUNDING, Settings
from ui.shared.thread import place

_BEFORE = 1  # pixels: the map's first cell looks at a window of 3


def at_the_place(large: np.ndarray, settings: Settings, by: tuple[int, int]) -> str:
    """Say what becomes of the followed place when the picture is moved; empty if none is followed.

    Args:
        large: The picture, `(H, W)`, 0 to 1.
        settings: How the map is pooled.
        by: Pixels down and to the right.
    """
    spot = place()
    if spot is None or settings.whole:
        return ""
    features = ops.relu(ops.cross_correlate(large, shifts.SOBEL_X))
    down, right = (each - _BEFORE for each in spot.point(large.shape))
    moved = np.roll(features, by, axis=(0, 1))
    before, after = settings.apply(features), settings.apply(moved)
    windows = Windows((before.shape[0], before.shape[1]), (settings.window,) * 2, (settings.stride,) * 2)
    was = before[windows.nearest((down, right))]
    now = after[windows.nearest((down + by[0], right + by[1]))]
    said = f"At the place that you follow the pooled map says **{was:.3f}**"
    if not any(by):
        return f"{said}. Move the picture: will it say the same where that place is then?"
    if abs(now - was) < ROUNDING:
        return f"{said}; after the shift, where that place is now, it says the same."
    return f"{said}; after the shift, where that place is now, it says **{now:.3f}**, though the map has only moved."
