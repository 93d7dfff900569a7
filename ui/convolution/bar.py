"""A bar of light as an exercise: where does a map of edges stay 0?"""

import numpy as np
import streamlit as st

from cnn_core.arithmetic import experiments
from cnn_core.arithmetic.written import minus
from cnn_core.figures import maps
from ui.shared.charts import signed
from ui.shared.controls import slide
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions

_SIDE = 300  # pixels of a shown map, about


def bar(room: Room) -> bool:
    """Show the bar and its edges. True if a flat region shows."""
    with room.side:
        width = slide("Width of the bar", 1, 10, 2, "convolution_bar")
        size = slide("Size of the picture", 6, 14, 6, "convolution_bar_size")
    width = int(np.clip(width, 1, size))
    image, edges = experiments.bar(size, width), experiments.bar_edges(size, width)
    flat = 0.0 in edges[0]
    row = ", ".join(minus(f"{value:g}") for value in edges[0])
    with room.stage:
        left, right = st.columns(2, wrap=False)
        left.image(
            maps.enlarged(maps.grey(image), _SIDE),
            alt=f"A white bar, {width} of {size} cells wide, on black",
            caption=f"a bar {width} wide in {dimensions(size, size)}",
            width="stretch",
        )
        right.image(
            maps.enlarged(signed(edges, 4.0)[0], _SIDE),
            alt="Its edges: each row of the map is " + row,
            caption=f"Sobel x: {dimensions(*edges.shape)}",
            width="stretch",
        )
        told_so = receipt("chapter-bar") if (width, size) == (2, 6) else ""
        st.markdown(f"Every row of the map is **[{row}]**{told_so}.")
        if flat:
            cancelled = " Right on a bar of one cell a 0 is its two edges, which cancel." if width == 1 else ""
            st.success(f"Here a flat region shows: zeros, where all nine cells see the same.{cancelled}")
        else:
            st.info("There is no 0 in this map: each window touches an edge of the bar. Widen the picture or the bar.")
    with room.why:
        told(
            "Before you turn the sliders, guess: a map of edges should be 0 wherever the picture is flat. The chapter "
            "that these lessons follow says so of this very bar, 2 wide in a 6 × 6 picture. Computed, no cell is 0: a "
            "[[kernel]] three wide never fits between its edges. (Equation N2.1; the right values are those above.)"
        )
    return flat
