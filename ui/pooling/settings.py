"""How a map is pooled: the settings that several steps of the page share, each drawn where it acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic import convolution as ops
from cnn_core.figures import maps
from ui.shared.controls import segments
from ui.shared.text import plain

KINDS = {
    "max": "the largest",
    "average": "the mean",
    "l2": "root of squares",
    "global-average": "mean of all",
    "global-max": "largest of all",
}
FORMULAS = {
    "max": r"y_{ij} = \max_{a,b}\; x_{is+a,\,js+b}",
    "average": r"y_{ij} = \frac{1}{k^2} \sum_{a,b} x_{is+a,\,js+b}",
    "l2": r"y_{ij} = \sqrt{\textstyle\sum_{a,b} x_{is+a,\,js+b}^2}",
    "global-average": r"y = \frac{1}{HW} \sum_{i,j} x_{ij}",
    "global-max": r"y = \max_{i,j}\; x_{ij}",
}
WINDOWS, PADDINGS = (2, 3, 4), ("valid", "same")
STRIDES = {"window": "its own width", "1": "1", "2": "2", "3": "3", "4": "4"}
_SIDE = 320  # pixels of a shown map, about
ROUNDING = 1e-9  # errors below are rounding
_ALL = " (here it is the whole map)"


@dataclass(frozen=True)
class Settings:
    """How a map is pooled."""

    kind: str
    window: int
    stride: int
    padding: str = "valid"

    @property
    def whole(self) -> bool:
        """True if the one window is the whole map."""
        return self.kind.startswith("global")

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Pool `(H, W)`; a global pooling gives `(1, 1)`.

        Raises:
            ValueError: If the window does not fit.
        """
        if self.whole:
            pool = ops.global_max_pool if self.kind == "global-max" else ops.global_average_pool
            return pool(image).reshape(1, 1)
        operation = {"max": ops.max_pool, "average": ops.average_pool, "l2": ops.l2_pool}[self.kind]
        return operation(image, self.window, self.stride, self.padding)

    def unpool(self, pooled: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Fill each window with its value."""
        if self.whole:
            return np.full(shape, pooled[0, 0])
        return ops.unpool(pooled, shape, self.window, self.stride, self.padding)


def ask_kind() -> str:
    """Ask what is written down for a window."""
    return segments("Pooling: what is kept of each window", KINDS, "max", "pooling_kind")


def ask_window(whole: bool = False) -> int:
    """Ask for the side of the window."""
    return segments(f"Window: its side{_ALL * whole}", WINDOWS, 2, "pooling_window", disabled=whole)


def ask_stride(window: int, whole: bool = False) -> int:
    """Ask how far the window moves."""
    stride = segments(
        f"Stride: how far it jumps{' (there is nowhere to go)' * whole}",
        STRIDES,
        "window",
        "pooling_stride",
        disabled=whole,
    )
    return window if stride == "window" else int(stride)


def ask_padding(shape: tuple[int, ...], window: int, stride: int, whole: bool = False) -> str:
    """Ask whether cells are laid round a picture of this shape; where none would be, there is nothing to ask."""
    fits = whole or not any(sum(ops.paddings(n, window, stride, "same")) for n in shape)
    return segments(
        f"Padding: cells laid round the picture{' (none is needed: the windows fit)' * fits}",
        PADDINGS,
        "valid",
        "pooling_padding",
        disabled=fits,
    )


def side_by_side(shown: Sequence[tuple[np.ndarray, str, str]], place: Any = st) -> None:
    """Show pictures beside each other, each with its caption and its finding, which is spoken; on a phone too."""
    columns = place.columns(len(shown), gap="small", wrap=False)
    for column, (picture, caption, finding) in zip(columns, shown, strict=True):
        captioned(column, picture, caption, finding)


def captioned(place: Any, picture: np.ndarray, caption: str, finding: str) -> None:
    """Show a picture with its caption and its finding, which is spoken."""
    png = maps.png(maps.enlarged(picture, _SIDE))
    place.image(png, caption=plain(caption), alt=f"{caption}: {finding}", width="stretch", output_format="PNG")


def bright(image: np.ndarray) -> np.ndarray:
    """Return a picture of 0 to 1 as greys, uint8."""
    return np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)
