"""A 9 that moves: which shifts max-pooling does not notice, and how often it is so lucky."""

import numpy as np
import streamlit as st

from cnn_core.arithmetic import experiments, shifts
from cnn_core.figures import pooling as figures
from ui.shared.charts import plot
from ui.shared.controls import segments
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told

DIRECTIONS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
SIZES = (1, 2, 3)


def example(room: Room) -> bool:
    """Shift a map with one peak. True if pooling absorbs the shift."""
    with room.side:
        direction = segments("Move the map", list(DIRECTIONS), "right", "pooling_direction")
        size = segments("By so many cells", SIZES, 1, "pooling_size")
    image, (dy, dx) = experiments.peak_map(), (size * step for step in DIRECTIONS[direction])
    result = experiments.pooled_shift(image, dy, dx)
    wrapped = not (0 <= 1 + dy <= 3 and 0 <= 1 + dx <= 3)
    words = f"{_listed(result.before)} becomes {_listed(result.after)}: "
    moved, changed = shifts.shift(image, dy, dx, "wrap"), int((result.before != result.after).sum())
    measured = _absorptions(size)
    with room.stage:
        plot(figures.pooled_maps(image, moved, result), "pooling_maps", f"Pooled, {words}{_fate(result, wrapped)}.")
        if wrapped and result.absorbed:
            st.info(words + "the 9 went out and came back on the other side. That is no absorption, but a round trip.")
        elif result.absorbed:
            st.success(words + f"**absorbed**. The 9 stays inside its window. Still, {changed} of 4 cells changed.")
        else:
            st.warning(words + "**crossed**. The 9 moved into another window.")
        st.markdown(f"**How often is a move by {size} absorbed?** Of 1000 random maps for each window:")
        plot(
            figures.absorbed(measured),
            "pooling_absorbed",
            f"Of a move by {size}, windows of {measured[0].window} absorb {measured[0].absorbed:.0%}, windows of "
            f"{measured[-1].window} {measured[-1].absorbed:.0%}.",
        )
    there, back = (experiments.pooled_shift(image, 0, step) for step in (1, -1))
    with room.why:
        told(
            "Does the pooled map notice that the 9 has moved by one cell? Guess for *right* and for *left* before you "
            "press. The chapter that these lessons follow says that the 9 stays top-left when the map moves one to the "
            f"*right*. Computed, it does not: {_listed(there.before)} becomes {_listed(there.after)}. One to the "
            f"*left* is absorbed: {_listed(back.after)}. A shift is absorbed only while the peak stays inside its "
            "window: this is not [[invariance]], it is luck, and the curve says how much of it."
        )
        st.markdown(
            f"The peak stands in each of the $w$ columns alike, and stays from $w - s$ of them: $(w - s)/w$, here "
            f"$(w - {size})/w$. At window 2 a move by one is a coin toss."
        )
        st.caption(
            f"Equation N2.2{receipt('chapter-nine', 'chapter-nine-right')}. Window 2, as in the chapter. What leaves "
            "the map on one side comes in on the other."
        )
    return result.absorbed and not wrapped


def _fate(result: experiments.PooledShift, wrapped: bool) -> str:
    if wrapped and result.absorbed:
        return "the 9 made a round trip"
    return "the 9 stays inside its window" if result.absorbed else "the 9 crossed into another window"


def _listed(values: np.ndarray) -> str:
    return "[" + ", ".join("[" + ", ".join(f"{value:g}" for value in row) + "]" for row in values) + "]"


@st.cache_data(max_entries=8, show_spinner=False)
def _absorptions(size: int) -> list[experiments.Absorption]:
    return [experiments.absorbed_fraction(window, size) for window in range(size, 9)]
