"""One window: the cells under it, their products, the sum, the cell that is written."""

from functools import partial

import numpy as np
import streamlit as st

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from cnn_core.arithmetic.spots import Spot, Windows
from ui.convolution.kernel import choose_kernel, lay_kernel
from ui.shared.controls import cell, put_aside
from ui.shared.picture import grey, the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import formula, plain
from ui.shared.thread import follow_button, nearest
from ui.widgets.stepper.stepper import stepper

_AT = "convolution_at"  # the window, as a link says it


def window(room: Room) -> bool:
    """Show the stepper. True if the kernel leaves the picture as it is."""
    picture = the_picture()
    image = grey(picture)
    with room.side:
        kernel = choose_kernel(picture.digest, image)
        settings = lay_kernel(room, kernel)
    with room.why:
        told(
            "A small grid of weights, the [[kernel]], lies on the picture. Each weight multiplies the pixel under it, "
            "the products are added, and the sum is written down as one cell of the [[feature map]]. Then the window "
            "moves on by the [[stride]] and does the same again: one rule, everywhere. Arrow keys move it, a click "
            "picks a place, hatched cells are [[padding]]."
        )
    try:
        feature_map = settings.apply(image, kernel)
    except ValueError as refusal:
        room.stage.error(plain(str(refusal)))
        return False
    (top, bottom), (before, after) = (
        ops.paddings(n, len(kernel), settings.stride, settings.padding, settings.dilation) for n in image.shape
    )
    span, stride = (len(kernel) - 1) * settings.dilation + 1, settings.stride
    windows = Windows(_pair(feature_map), (span, span), (stride, stride), (top, before))
    followed, at = nearest(windows, image.shape), cell(_AT, feature_map.shape)
    start = followed or _liveliest(feature_map)
    with room.stage:
        stepper(
            np.round(255 * image) if image.shape[0] > 8 else image,
            "convolution_stepper",
            mode="conv",
            window=kernel.shape,
            stride=settings.stride,
            kernel=kernels.flip(kernel) if settings.flip else kernel,
            pad=(top, before, bottom, after),
            dilation=settings.dilation,
            edge=settings.edge,
            start=start,
            at=at or followed,
            on_move=partial(put_aside, _AT),
        )
        here = at or start
        follow_button("convolution_follow", Spot.at(windows.centre(here), image.shape), here=here == followed)
    with room.why:
        if image.shape[0] > 8:
            st.caption("Its cells are pixels from 0 to 255 here; the other steps take them from 0 to 1.")
        formula(r"y_{ij} = \sum_{a,b} w_{ab}\; x_{is+ad,\,js+bd}")
        told(
            "with stride $s$ and [[dilation]] $d$: Goodfellow, Bengio & Courville 2016, equation 9.6; padding as in "
            "Dumoulin & Visin 2016, arXiv:1603.07285."
        )
        if (top, before) != (bottom, after):
            told(
                f"*same* pads unevenly here: {top} above and {bottom} below, {before} left and {after} right. Keras "
                "puts the odd pixel after."
            )
    return np.array_equal(feature_map, image)


def _pair(feature_map: np.ndarray) -> tuple[int, int]:
    """Return rows and columns of a map."""
    return feature_map.shape[0], feature_map.shape[1]


def _liveliest(feature_map: np.ndarray) -> tuple[int, int]:
    """Return the cell of the strongest response: a flat wall is nothing to begin with.

    Example:
        >>> _liveliest(np.array([[0.0, 1.0], [-3.0, 2.0]]))
        (1, 0)
    """
    row, column = divmod(int(np.abs(feature_map).argmax()), feature_map.shape[1])
    return row, column
