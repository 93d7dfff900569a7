"""The stepper: one window at a time over a picture, drawn and computed in the browser."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.components.v2 import component

_HTML = """
<div class="stepper" tabindex="0" role="group" aria-label="Stepper: arrow keys move the window">
  <div class="panels">
    <div><h4>Input</h4><p class="size inputsize"></p><canvas class="input" role="img" aria-label="Input cells"></canvas>
      <canvas class="map" role="img" aria-label="The whole picture and the part that is shown" hidden></canvas></div>
    <div><h4 class="middle">Window</h4><p class="size">&nbsp;</p><table class="cells"></table>
      <p class="sum" aria-live="polite"></p></div>
    <div><h4>Output</h4><p class="size outputsize"></p>
      <canvas class="output" role="img" aria-label="Output cells"></canvas></div>
  </div>
  <div class="controls">
    <button class="first" type="button">First</button><button class="back" type="button">Back</button>
    <button class="play" type="button">Play</button><button class="next" type="button">Next</button>
    <label>Speed <select class="speed"><option value="1">1 a second</option><option value="3" selected>3</option>
      <option value="8">8</option><option value="20">20</option></select></label>
    <span class="position"></span>
  </div>
</div>
"""
_HERE = Path(__file__)
_stepper = component(
    "convscope_stepper",
    html=_HTML,
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)


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
    """
    values = np.ascontiguousarray(image, np.float32)
    data: dict[str, Any] = {
        "values": base64.b64encode(values.tobytes()).decode(),
        "key": hashlib.sha256(values.tobytes()).hexdigest()[:12],
        "height": image.shape[0],
        "width": image.shape[1],
        "kernel": None if kernel is None else kernel.tolist(),
        "mode": mode,
        "window": list(window),
        "stride": stride,
        "dilation": dilation,
        "pad": list(pad),
        "edge": edge,
    }
    _stepper(data=data, key=key)
