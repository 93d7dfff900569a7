"""What pooling forgives, and what it forgets: where a peak was."""

from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import experiments
from cnn_core.figures import maps
from cnn_core.figures import pooling as figures
from cnn_core.figures.palette import rgb
from ui.pooling.settings import ROUNDING, ask_window, side_by_side
from ui.shared.charts import palette, plot, signed
from ui.shared.controls import slide
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, formula

_SIDE = 12  # cells of the map
_CELL = 20  # pixels of a cell as it is drawn


def cost(room: Room) -> bool:
    """Pool a peak, unpool it, and see how far from its place it is found. True if a window of 3 finds it exactly."""
    with room.side:
        window = ask_window()
        row = slide("Row of the peak", 0, _SIDE - 1, 4, "pooling_row")
        column = slide("Column of the peak", 0, _SIDE - 1, 7, "pooling_column")
    image = np.zeros((_SIDE, _SIDE))
    image[row, column] = 1
    pooled, *winners = ops.max_pool_argmax(image, window)
    spread = ops.unpool(pooled, image.shape, window)
    placed = ops.unpool(pooled, image.shape, window, winners=(winners[0], winners[1]))
    error = float(np.hypot(*(np.argwhere(spread == 1).mean(axis=0) - (row, column))))
    shown = {
        "a peak": image,
        f"max-pooled, {dimensions(*pooled.shape)}": pooled,
        f"spread out: found {error:.2f} px away": spread,
        "put back by its index: 0 px away": placed,
    }
    without, figure = _localisations(window)
    here = without[window - 1]
    with room.stage:
        side_by_side([(_framed(each), caption, maps.said(each)) for caption, each in shown.items()])
        st.markdown(
            f"It forgives: the peak may move anywhere in its {dimensions(window, window)} window, and the pooled map "
            f"is the same. It forgets: which of the {window**2} cells it was. With a window of {window} the peak of a "
            f"random map is found **{here.mean_error:.2f} px** away in the mean (theory {here.theory:.2f}) and "
            f"{here.worst_error:.2f} px at worst."
        )
        plot(
            figure,
            "pooling_localisation",
            f"Without indices a window of 2 loses {without[1].mean_error:.2f} pixels in the mean, one of 8 "
            f"{without[7].mean_error:.2f}; with indices none loses any.",
        )
    with room.why:
        told(
            "Is it good not to know where? To say *cat*, it is. To cut the cat out of the picture, it is not. Keep the "
            "winners' places, one index a window, and [[unpooling]] (Zeiler & Fergus 2014, arXiv:1311.2901) errs by "
            "**0**: so SegNet, which cuts pictures into their things, gets positions back (Badrinarayanan et al. 2017, "
            "arXiv:1511.00561)."
        )
        formula(r"\bar e = \frac{1}{k^2}\sum_{a,b}\sqrt{(a - m)^2 + (b - m)^2},\quad m = \tfrac{k-1}{2}")
    return window == 3 and error < ROUNDING


def _framed(values: np.ndarray) -> np.ndarray:
    """Colour a map of 0 and 1 on paper, with a rim that shows where it ends: a smaller map is drawn smaller."""
    coloured = signed(values, 1.0)[0].repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    rimmed = np.pad(coloured, ((2, 2), (2, 2), (0, 0)), constant_values=128)
    sheet = np.full((_SIDE * _CELL + 4, _SIDE * _CELL + 4, 3), rgb(palette().paper), np.uint8)
    sheet[: len(rimmed), : rimmed.shape[1]] = rimmed
    return sheet


@st.cache_resource(max_entries=8, show_spinner=False)
def _localisations(window: int) -> tuple[list[experiments.Localisation], Any]:
    """The errors without indices, and the figure of them beside those with; the same for all readers."""
    without = [experiments.localisation_error(each) for each in range(1, 9)]
    kept = [experiments.localisation_error(each, with_indices=True) for each in range(1, 9)]
    return without, figures.localisation(without, kept, window)
