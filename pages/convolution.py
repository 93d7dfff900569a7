"""Convolution: one window at a time, the whole picture, and the proof that it is what Keras computes."""

from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from ui.convolution import views
from ui.shared.picture import grey, the_picture
from ui.shared.teaching import challenges, check_link, glossary, one_of
from ui.widgets.kernel_editor.kernel_editor import kernel_editor
from ui.widgets.stepper.stepper import stepper

VIEWS = {
    "steps": "Step by step",
    "picture": "Whole picture",
    "proof": "Proof",
    "dense": "Why not dense",
    "learn": "Learn the kernel",
    "example": "The chapter's example",
}
STRIDES, DILATIONS, PADDINGS, EDGES = (1, 2, 3, 4), (1, 2, 3), ("valid", "same", "full"), ("zero", "reflect")

check_link(
    {
        "convolution_view": one_of(*VIEWS.values()),
        "convolution_stride": one_of(*STRIDES),
        "convolution_dilation": one_of(*DILATIONS),
        "convolution_padding": one_of(*PADDINGS),
        "convolution_edge": one_of(*EDGES),
        "convolution_flip": one_of("true", "false"),
    }
)

st.title("Convolution")
st.markdown(
    "A small grid of weights slides over the picture. At each place it multiplies what lies under it, adds up, and "
    "writes one number. The same few weights serve everywhere: "
    r"$y_{ij} = \sum_{a,b} w_{ab}\; x_{is+ad,\,js+bd}$ with stride $s$ and dilation $d$."
)
st.caption("Goodfellow, Bengio & Courville 2016, equation 9.6; padding as in Dumoulin & Visin 2016, arXiv:1603.07285.")
picture = the_picture()
image = grey(picture)

left, right = st.columns([1, 1])
with left:
    kernel = kernel_editor("convolution_kernel")
with right:
    options: dict[str, Any] = {"bind": "query-params", "persist_state": "session", "required": True}
    stride = st.segmented_control("Stride", STRIDES, default=1, key="convolution_stride", **options)
    dilation = st.segmented_control("Dilation", DILATIONS, default=1, key="convolution_dilation", **options)
    padding = st.segmented_control("Padding", PADDINGS, default="valid", key="convolution_padding", **options)
    edge = st.segmented_control("Padded with", EDGES, default="zero", key="convolution_edge", **options)
    flip = st.toggle(
        "True convolution: turn the kernel by 180°",
        key="convolution_flip",
        bind="query-params",
        persist_state="session",
    )
    glossary("kernel", "stride", "padding", "dilation", "cross-correlation", "convolution")

view = st.segmented_control(
    "View",
    list(VIEWS),
    default="steps",
    key="convolution_view",
    label_visibility="collapsed",
    format_func=VIEWS.__getitem__,
    bind="query-params",
    persist_state="session",
    required=True,
)
laid = kernels.flip(kernel) if flip else kernel
settings = views.Settings(stride, padding, dilation, edge, flip)
try:
    feature_map = ops.cross_correlate(image, laid, stride, padding, dilation, edge=edge)
except ValueError as refusal:
    st.error(f"{refusal}")
    st.stop()

if view == "steps":
    borders = [ops.paddings(n, len(kernel), stride, padding, dilation) for n in image.shape]
    (top, bottom), (before, after) = borders
    shown = np.round(255 * image) if image.shape[0] > 8 else image
    stepper(
        shown,
        "convolution_stepper",
        mode="conv",
        window=kernel.shape,
        stride=stride,
        kernel=laid,
        pad=(top, before, bottom, after),
        dilation=dilation,
        edge=edge,
    )
    st.caption("Arrow keys move the window, a click or a touch picks a place. Hatched cells are padding.")
    if (top, before) != (bottom, after):
        st.info(
            f"*same* pads unevenly here: {top} above and {bottom} below, {before} left and {after} right. "
            "Keras puts the odd pixel after."
        )
elif view == "picture":
    views.whole_picture(picture, kernel, settings)
elif view == "proof":
    views.proof(image, kernel, settings)
elif view == "dense":
    views.why_not_dense(image, kernel)
elif view == "learn":
    views.learn(image, kernel, flip)
else:
    views.example()

challenges(
    "convolution",
    [
        ("Find a kernel that leaves the picture as it is.", padding == "same" and np.array_equal(feature_map, image)),
        (
            "Blur the picture without changing its brightness.",
            len(kernel) > 1
            and bool((kernel >= 0).all())
            and bool((kernel > 0).sum() > 1)
            and abs(float(kernel.sum()) - 1) < 1e-6,
        ),
        (
            "Make the output half as high and half as wide as the picture.",
            feature_map.shape == tuple(-(-n // 2) for n in image.shape),
        ),
    ],
)
