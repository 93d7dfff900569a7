"""A kernel, or a layer of them, on the reader's camera: computed in the browser, and held against the server's maps."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from ui.widgets.frontend import frontend

TOLERANCE = 1e-5  # of a map's largest value, where that is above 1
_live_kernel = frontend(__file__)


@dataclass(frozen=True, eq=False)
class Looking:
    """What is laid on each frame.

    Attributes:
        kernels: `(filters, C, kh, kw)`; C is 1, or 3 for `colours`.
        channel: What they read: `grey`, `red`, `green`, `blue` or `colours`.
        rescaled: `(less, over)`: pixels of 0 to 255 are taken less the first, over the second.
        stride: Of both axes, in pixels.
        padding: `valid`, `same` or `full`.
        dilation: Of both axes, in pixels.
        edge: What padding is made of, `zero` or `reflect`.
        flip: Turn the kernels by 180° first.
        scale: What each map's sums are multiplied by, `(filters,)`; empty for 1.
        shift: What is added then, `(filters,)`; empty for 0.
        relu: Set to 0 what is negative.
        ceiling: Of ReLU; None for none.
    """

    kernels: np.ndarray
    channel: str = "grey"
    rescaled: tuple[float, float] = (0.0, 255.0)
    stride: int = 1
    padding: str = "valid"
    dilation: int = 1
    edge: str = "zero"
    flip: bool = False
    scale: np.ndarray = field(default_factory=lambda: np.empty(0))
    shift: np.ndarray = field(default_factory=lambda: np.empty(0))
    relu: bool = False
    ceiling: float | None = None


def live_kernel(
    looking: Looking,
    key: str,
    *,
    frame: np.ndarray,
    maps: np.ndarray,
    chosen: int = 0,
    on_choose: Callable[[str], None] | None = None,
) -> None:
    """Show the frame and its map, and offer the camera; what the camera sees stays in the browser.

    Args:
        looking: What is laid on each frame.
        key: Of the widget.
        frame: uint8 `(H, W, 3)`, on which the browser is tried.
        maps: `(filters, H', W')`: what the server makes of it.
        chosen: Which map is shown large.
        on_choose: Called with the number of another one.
    """
    data: dict[str, Any] = {
        "frame": {"pixels": _coded(frame), "height": frame.shape[0], "width": frame.shape[1]},
        "channel": looking.channel,
        "rescaled": list(looking.rescaled),
        "kernels": looking.kernels.reshape(len(looking.kernels), -1).tolist(),
        "cells": list(looking.kernels.shape[2:]),
        "how": {
            "stride": looking.stride,
            "padding": looking.padding,
            "dilation": looking.dilation,
            "edge": looking.edge,
            "flip": looking.flip,
        },
        "scale": looking.scale.tolist(),
        "shift": looking.shift.tolist(),
        "relu": looking.relu,
        "ceiling": looking.ceiling,
        "expected": _coded(maps.astype(np.float32)),
        "tolerance": TOLERANCE,
        "chosen": chosen,
    }
    _live_kernel(data=data, key=key, on_chosen_change=lambda: on_choose and on_choose(st.session_state[key]["chosen"]))


def _coded(numbers: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers).tobytes()).decode()
