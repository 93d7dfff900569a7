"""Why not connect every pixel to every pixel: what that would cost, and the promise it could not keep."""

import numpy as np
import streamlit as st

from cnn_core.arithmetic import experiments
from cnn_core.figures import convolution as figures
from cnn_core.figures import maps
from ui.convolution.kernel import Settings, choose_kernel
from ui.shared.charts import plot, signed
from ui.shared.controls import slide
from ui.shared.picture import grey, the_picture
from ui.shared.receipts import receipt
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import table

_SIDE = 240  # pixels of a shown map, about


def dense(room: Room) -> bool:
    """Count what a dense layer would cost, and measure equivariance. True if the picture is shifted by 20 or more."""
    picture = the_picture()
    image = grey(picture)
    with room.side:
        pixels = slide("Shift your picture by so many pixels", 0, 32, 5, "convolution_shift")
        kernel = choose_kernel(picture.digest, image)
    pixels = int(np.clip(pixels, 0, max(0, (image.shape[1] - len(kernel)) // 2)))  # so that the two maps overlap
    moved = experiments.shift(image, 0, pixels)
    before, after = Settings().apply(image, kernel), Settings().apply(moved, kernel)
    limit = signed(before)[1]
    error = experiments.equivariance_error(image, kernel, pixels)
    side = min(image.shape)
    count = experiments.dense_versus_convolution(side, len(kernel))
    with room.stage:
        shown = (
            (maps.grey(moved), f"moved {pixels} px to the right", "your picture"),
            (signed(after, limit)[0], "its map", maps.said(after)),
            (signed(before, limit)[0], "the map before", maps.said(before)),
        )
        for place, (each, caption, finding) in zip(st.columns(3, wrap=False), shown, strict=True):
            png = maps.png(maps.enlarged(each, _SIDE))
            place.image(png, alt=f"{caption}: {finding}", caption=caption, width="stretch", output_format="PNG")
        st.markdown(
            f"The map has moved along: back by {pixels} it differs by **{error:.2g}** (relative). One dense layer in "
            f"its place would hold **{count.dense_weights:,}** weights; this convolution holds "
            f"**{count.convolution_weights}** and one bias."
        )
        plot(
            figures.parameters(len(kernel), side),
            "convolution_parameters",
            f"At {side} pixels a side a dense layer needs {count.dense_weights:,} weights, the convolution "
            f"{count.convolution_weights}, whatever the size.",
        )
    with room.why:
        told(
            "Could a network not look at all pixels at once? It could, for a price: a weight for each pair of pixels, "
            "and what it learns in the top left it does not know in the bottom right. A convolution uses the same few "
            "weights everywhere, so that a moved picture gives a moved map. That is [[equivariance]], and it is why "
            "what is learnt at one place serves at all."
        )
        thirty, photo = (
            experiments.dense_versus_convolution(32),
            experiments.dense_versus_convolution(224, channels_in=3),
        )
        table(
            ["", "dense", "3 × 3"],
            [
                [
                    f"32 × 32, weights{receipt('chapter-dense')}",
                    f"{thirty.dense_weights:,}",
                    f"{thirty.convolution_weights} + 1",
                ],
                ["224 × 224 × 3, inputs of one unit", f"{photo.inputs:,}", "27"],
            ],
        )
    return pixels >= 20
