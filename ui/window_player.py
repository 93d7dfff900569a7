"""The window player: windows over a line or a square of cells, drawn and moved in the browser."""

from dataclasses import asdict
from pathlib import Path

from streamlit.components.v2 import component

from cnn_core.arithmetic.coverage import Sweep

_HTML = """
<div class="player" tabindex="0" role="group" aria-describedby="hint"
     aria-label="Windows over the input: arrow keys move the window, space plays">
  <div class="panels">
    <div class="panel"><p class="title inputsize"></p>
      <canvas class="input" role="img" aria-label="Input cells and the window on them"></canvas></div>
    <div class="panel second"><p class="title outputsize"></p>
      <canvas class="output" role="img" aria-label="Output cells"></canvas>
      <p class="title">How often each cell is read</p>
      <canvas class="heat" role="img" aria-label="How many windows read each input cell"></canvas></div>
  </div>
  <p class="said" aria-live="polite"></p>
  <div class="controls">
    <button class="back" type="button">Back</button><button class="play" type="button">Play</button>
    <button class="next" type="button">Next</button>
    <label>Speed <select class="speed"><option value="1">1 a second</option><option value="2" selected>2</option>
      <option value="4">4</option><option value="8">8</option></select></label>
    <span class="position"></span>
  </div>
  <ul class="legend" aria-label="Legend">
    <li><i class="cell"></i>input</li><li class="zeros"><i class="pad"></i><span></span></li>
    <li><i class="frame"></i>window</li><li class="lost"><i class="unread"></i>never read</li>
  </ul>
  <p class="hint" id="hint">Drag the window, or use the arrow keys, Home and End; space plays.</p>
</div>
"""
_HERE = Path(__file__)
_player = component(
    "convscope_window_player",
    html=_HTML,
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)


def window_player(sweep: Sweep, key: str, *, dimensions: int) -> None:
    """Show which cells each window reads.

    Args:
        sweep: Windows along one axis.
        key: Of the widget.
        dimensions: 1, or 2 for a square: the same along both axes.
    """
    _player(data={**asdict(sweep), "reads": sweep.reads, "dimensions": dimensions}, key=key)
