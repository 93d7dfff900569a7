"""The stepper: one window at a time over a picture, drawn and computed in the browser."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from ui.widgets.frontend import frontend

_stepper = frontend(__file__)


def stepper(
    image: np.ndarray,
    key: str,
    *,
    mode: str,
    window: tuple[int, int],
    stride: int,
    pad: tuple[int, int, int, int],
    kernel: np.ndarray | None = None,
    dilation: int = 1,
    edge: str = "zero",
    start: tuple[int, int] = (0, 0),
    at: tuple[int, int] | None = None,
    on_move: Callable[[str], None] | None = None,
) -> None:
    """Show the stepper.

    Args:
        image: `(H, W)`, one channel.
        key: Of the widget.
        mode: `conv` (with a kernel), `max`, `average` or `l2`.
        window: Height and width of the window.
        stride: Of both axes.
        pad: Cells above, left, below, right.
        kernel: As it is laid on the picture: turned already, if the convolution is a true one.
        dilation: Of the kernel.
        edge: What padding is made of, `zero` or `reflect`.
        start: Row and column of the output where it begins.
        at: Row and column of the output where it goes whenever this changes, as the link says.
        on_move: Called with `row,column` once the reader has come to rest there.
    """
    values = np.ascontiguousarray(image, np.float32)
    data: dict[str, Any] = {
        "values": base64.b64encode(values.tobytes()).decode(),
        "height": image.shape[0],
        "width": image.shape[1],
        "kernel": None if kernel is None else kernel.tolist(),
        "mode": mode,
        "window": list(window),
        "stride": stride,
        "dilation": dilation,
        "pad": list(pad),
        "edge": edge,
        "start": list(start),
        "at": None if at is None else list(at),
    }
    moved = {"on_at_change": lambda: on_move(st.session_state[key]["at"])} if on_move else {}
    _stepper(data=data, key=key, **moved)
