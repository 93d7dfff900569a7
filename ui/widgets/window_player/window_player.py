"""The window player: windows over a line or a square of cells, drawn and moved in the browser."""

from dataclasses import asdict

from cnn_core.arithmetic.coverage import Sweep
from ui.widgets.frontend import frontend

_player = frontend(__file__)


def window_player(sweep: Sweep, key: str, *, dimensions: int) -> None:
    """Show which cells each window reads.

    Args:
        sweep: Windows along one axis.
        key: Of the widget.
        dimensions: 1, or 2 for a square: the same along both axes.
    """
    _player(data={**asdict(sweep), "reads": sweep.reads, "dimensions": dimensions}, key=key)
