"""Pool, or stride? Max-pooling beside a convolution of the same window and stride."""

import numpy as np
import streamlit as st

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import experiments
from cnn_core.figures import maps
from ui.pooling.settings import ROUNDING, ask_padding, ask_stride, ask_window, bright, side_by_side
from ui.shared.charts import signed
from ui.shared.controls import segments
from ui.shared.picture import grey, the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, plain, table

FILTERS = {"mean": "all alike", "edges": "left against right"}
CHANNELS = (1, 16, 64, 256, 512)


def stride(room: Room) -> None:
    """Hold max-pooling against a convolution of the same window and stride."""
    image = grey(the_picture())
    with room.side:
        name = segments("Weights of the convolution", FILTERS, "mean", "pooling_filter")
        window = ask_window()
        with room.more("Stride, padding, channels"):
            step = ask_stride(window)
            padding = ask_padding(image.shape, window, step)
            channels = segments("Channels: maps in, and maps out", CHANNELS, 64, "pooling_width")
    try:
        pooled = ops.max_pool(image, window, step, padding)
    except ValueError as refusal:
        room.stage.error(plain(str(refusal)))
        return
    strided = ops.cross_correlate(image, _kernel(name, window), step, padding)
    count = experiments.dense_versus_convolution(1, window, channels, channels)
    gap = float(np.abs(strided - ops.average_pool(image, window, step, padding)).max())
    with room.stage:
        side_by_side(
            [
                (bright(image), f"picture, {dimensions(*image.shape)}", "your picture"),
                (bright(pooled), f"max-pool, {dimensions(*pooled.shape)}", maps.said(pooled)),
                (
                    bright(strided) if name == "mean" else signed(strided)[0],
                    f"strided convolution, {dimensions(*strided.shape)}",
                    maps.said(strided),
                ),
            ]
        )
        st.markdown(_compared(name, window, gap))
        table(
            [f"{channels} → {channels} channels, {window} × {window}, stride {step}", "max-pool", "convolution"],
            [
                ["output", dimensions(*pooled.shape, channels), dimensions(*strided.shape, channels)],
                ["parameters", "0", f"{count.convolution_weights + count.convolution_biases:,}"],
                ["multiply-adds", "0", f"{pooled.size * count.convolution_weights:,}"],
                ["comparisons", f"{pooled.size * channels * (window**2 - 1):,}", "0"],
                ["learnable; mixes channels", "no", "yes"],
            ],
        )
    with room.why:
        told(
            "Both make the map smaller by the same [[stride]]. Pooling follows a rule; a convolution may learn its "
            "own. It can learn to be a mean, an edge, or to take one pixel; never to be a maximum, which is not "
            "linear. Is that worth its price? Springenberg et al. 2015 (arXiv:1412.6806) replace all pooling by it and "
            "lose nothing on CIFAR-10, at the price in the table. ResNets and MobileNets since halve their maps so; "
            "ResNets keep one max-pooling, at the bottom."
        )


def _compared(name: str, window: int, gap: float) -> str:
    if name == "edges":
        return f"These weights do something else than average-pooling: the largest difference is {gap:.2g}."
    return f"With all weights 1/{window**2} the convolution *is* average-pooling" + (
        f": on your picture the largest difference is {gap:.1g}."
        if gap < ROUNDING
        else f", but for the border, where it counts padding as 0: there they differ by up to {gap:.1g}."
    )


def _kernel(name: str, window: int) -> np.ndarray:
    if name == "edges":  # left half −, right half +
        signs = np.sign(np.arange(window) - (window - 1) / 2)
        return np.tile(signs / np.abs(signs).sum(), (window, 1)) / window
    return np.full((window, window), 1 / window**2)
