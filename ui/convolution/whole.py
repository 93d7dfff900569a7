"""The whole picture and its map, side by side, and what turning the kernel changes."""

from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic.written import minus
from cnn_core.figures import convolution as figures
from cnn_core.figures import maps
from ui.convolution.kernel import choose_kernel, lay_kernel
from ui.shared.charts import plot, signed
from ui.shared.controls import segments, switch
from ui.shared.guess import guess
from ui.shared.picture import scaled, the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, plain

CHANNELS = ("grey", "red", "green", "blue")
_SIDE = 360  # pixels of a shown map, about
_LIKE: dict[str, Any] = {"width": "stretch", "output_format": "PNG"}


def whole(room: Room) -> bool:
    """Show picture and map. True if the kernel blurs without changing the brightness."""
    picture = the_picture()
    colours = scaled(picture.digest, picture.pixels) / 255.0
    kernels, laying, looking = (room.side.container() for _ in range(3))
    channel = segments("Look at", CHANNELS, "grey", "convolution_channel", place=looking)
    rectify = switch("ReLU: what is negative becomes 0", False, "convolution_relu", place=looking)
    image = ops.grey(colours) if channel == "grey" else colours[..., CHANNELS.index(channel) - 1]
    with kernels:
        kernel = choose_kernel(f"{picture.digest} {channel}", image)
    with laying:
        settings = lay_kernel(room, kernel)
    try:
        here, there = settings.apply(image, kernel), settings.turned().apply(image, kernel)
    except ValueError as refusal:
        room.stage.error(plain(str(refusal)))
        return False
    difference = float(np.abs(here - there).max())
    if rectify:
        here, there = ops.relu(here), ops.relu(there)
    coloured, limit = signed(here)
    with room.stage:
        left, right = st.columns(2, wrap=False)
        left.image(_photo(picture.digest, channel, image), alt=f"Your picture, {channel}", **_LIKE)
        right.image(maps.png(maps.enlarged(coloured, _SIDE)), alt=f"Response: {maps.said(here)}", **_LIKE)
        left.caption(f"your picture, {channel}, {dimensions(*image.shape)}")
        right.caption(f"its map, {dimensions(*here.shape)}: red +{limit:.3g}, blue −{limit:.3g}")
        plot(figures.histogram(here, limit), "convolution_histogram", _spoken(here))
        share = _next_to_nothing(here)
        if guess("convolution_guess", "How much of this map is next to 0?", (0, 100, "%"), 100 * share):
            st.markdown(f"**{share:.0%}** of the map is next to 0, within a twentieth of its largest.")
    with room.why:
        told(
            "The same few numbers slide over every place. Where the picture under them looks like the [[kernel]] the "
            "sum is large and red, where it looks like its opposite blue; flat places fade into the paper if the "
            "weights add up to 0. That is all a convolution does, and it is why an edge needs to be learnt only once."
        )
        told(
            "Turned by 180°, as [[convolution]] in mathematics has it, this kernel gives "
            + ("the same map." if difference < 1e-9 else f"a map that differs by up to **{difference:.3g}**.")
            + " Libraries do not turn it ([[cross-correlation]]). A learnt kernel does not care: what one finds, the "
            "other finds turned."
        )
    return bool(len(kernel) > 1 and (kernel >= 0).all() and (kernel > 0).sum() > 1 and abs(kernel.sum() - 1) < 1e-4)


def _spoken(feature_map: np.ndarray) -> str:
    share = _next_to_nothing(feature_map)
    between = minus(f"from {feature_map.min():.3g} to {feature_map.max():.3g}")
    return f"Responses {between}; {share:.0%} are next to 0."


def _next_to_nothing(feature_map: np.ndarray) -> float:
    return float((np.abs(feature_map) < 0.05 * max(1e-9, np.abs(feature_map).max())).mean())


@st.cache_data(max_entries=64, show_spinner=False)
def _photo(digest: str, channel: str, _image: np.ndarray) -> bytes:
    return maps.png(maps.enlarged(np.round(255 * _image).astype(np.uint8), _SIDE))
