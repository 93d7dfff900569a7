"""Why not connect every pixel to every pixel: what that would cost, and the promise it could not keep."""

import streamlit as st

from cnn_core.arithmetic import experiments, shifts
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
    if min(image.shape) < len(kernel):
        room.stage.info("The picture is smaller than the kernel. Choose a larger one.")
        return False
    most = (image.shape[1] - len(kernel)) // 2  # so that the two maps overlap
    if pixels > most:
        room.side.caption(f"Your picture is narrow: it is moved by {most} px, the most at which its maps overlap.")
    pixels = min(pixels, most)
    moved = shifts.shift(image, 0, pixels)
    before, after = Settings().apply(image, kernel), Settings().apply(moved, kernel)
    limit = signed(before)[1]
    error = shifts.equivariance_error(image, kernel, pixels)
    shape = (image.shape[0], image.shape[1])
    count = experiments.dense_versus_convolution(shape, len(kernel))
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
            (f"The map has moved along: back by {pixels} it differs by **{error:.2g}** (relative). " if pixels else "")
            + f"One dense layer from your picture to a map of its size would hold **{count.dense_weights:,}** "
            f"weights; this convolution holds **{count.convolution_weights}** and one bias."
        )
        plot(
            figures.parameters(len(kernel), shape),
            "convolution_parameters",
            f"For your picture of {shape[0]} × {shape[1]} pixels a dense layer needs {count.dense_weights:,} weights, "
            f"the convolution {count.convolution_weights}, whatever the size.",
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
                    f"{thirty.convolution_weights}",
                ],
                ["224 × 224 × 3, inputs of one neuron", f"{photo.inputs:,}", "27"],
            ],
        )
    return pixels >= 20
