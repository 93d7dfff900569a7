"""Two small sums beside the receptive-field calculator: small kernels against a large one, and how many it takes."""

import streamlit as st

from cnn_core.arithmetic.costs import convolution_cost
from cnn_core.arithmetic.geometry import layers_to_reach, receptive_field
from cnn_core.arithmetic.stacks import presets as stack_presets
from ui.shared.controls import whole
from ui.shared.receipts import receipt
from ui.shared.text import count, dimensions, plain, table

MAX_FIELD = 10_000


def small_against_large() -> None:
    """Small kernels in a row against one large one (Simonyan & Zisserman 2015, section 2.3)."""
    st.header("Two 3×3 see as much as one 5×5", anchor=False)
    channels = whole("Channels in and out", 1, 4096, 64, "channels_vgg")
    rows = []
    for key in ("two_3x3", "one_5x5", "three_3x3", "one_7x7"):
        preset = stack_presets.TEACHING[key]
        sizes = [layer.kernel_size for layer in preset.stack]
        seen = receptive_field(layer.window for layer in preset.stack)
        weights = [sum(_weights(size, width) for size in sizes) for width in (1, channels)]
        rows.append(
            [
                preset.title.replace(" ", "\u00a0"),
                f"{seen.size}",
                *(f"{number:,}" for number in weights),
                f"{len(sizes)}",
            ]
        )
    table(["Kernels", "field", "weights", f"× {channels:,}²", "ReLUs"], rows)
    st.caption(
        f"Weights for one channel, then for {channels:,} in and out. The same field for fewer weights, and more "
        "nonlinearities: one after each. Simonyan & Zisserman 2015, arXiv:1409.1556, section 2.3: 27 C² against 49 C²"
        f"{receipt('three-3x3-weights', 'one-7x7-weights')}."
    )


def _weights(kernel_size: int, channels: int) -> int:
    return convolution_cost(kernel_size, channels, channels, output=1, bias=False).params


def how_many() -> None:
    """How many equal layers it takes."""
    st.header("How many layers to see so much?", anchor=False)
    with st.container(horizontal=True):
        wanted = whole("Field, pixels", 1, MAX_FIELD, 224, "channels_reach_field", width=150)
        kernel_size = whole("Kernel size", 1, 11, 3, "channels_reach_kernel", width=150)
        stride = whole("Stride", 1, 4, 1, "channels_reach_stride", width=150)
    try:
        layers = layers_to_reach(wanted, kernel_size, stride)
    except ValueError as refusal:
        st.error(plain(str(refusal)))
        return
    strided = layers_to_reach(wanted, kernel_size, 2)
    st.markdown(
        f"**{count(layers, 'layer')}** of {dimensions(kernel_size, kernel_size)} at stride {stride}."
        + (
            f" At stride 2 it would be {strided}: the field grows with the product of the strides."
            if stride == 1 and strided < layers
            else ""
        )
    )
