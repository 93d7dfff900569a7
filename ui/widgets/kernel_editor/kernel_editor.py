"""A kernel whose cells are fields of numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ui.widgets.frontend import frontend

_grid = frontend(__file__)


def kernel_grid(kernel: np.ndarray, key: str, on_edit: Callable[[], Any]) -> None:
    """Show the cells.

    Args:
        kernel: `(k, k)`.
        key: Of the widget; after an edit its state's `edited` is the kernel's text.
        on_edit: Called after an edit, before the page runs again.
    """
    cells = [[float(f"{cell:.6g}") for cell in row] for row in kernel]
    _grid(data={"cells": cells}, key=key, on_edited_change=on_edit)
