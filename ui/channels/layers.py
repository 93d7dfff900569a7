"""A layer as a tensor: its weights drawn and counted, and what its kernels make of the reader's picture."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from cnn_core.arithmetic.costs import convolution_cost, dense_cost
from cnn_core.arithmetic.written import minus
from cnn_core.figures import channels as figures
from cnn_core.figures import maps
from cnn_core.pictures.images import Picture
from ui.shared.charts import palette, plot, signed
from ui.shared.controls import pick, segments, slide, switch, whole
from ui.shared.picture import scaled, the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, formula, in_bytes, table

SIZES, MAX_CHANNELS = {size: f"{size} × {size}" for size in (1, 3, 5, 7)}, 4096
MAX_MAPS = 12  # shown of a layer's
CHAPTER = (256, 256, 3, True)
_LUMA, _RED_GREEN, _BLUE_YELLOW = (0.299, 0.587, 0.114), (1, -1, 0), (-0.5, -0.5, 1)
_SIDE, _STRIP_SIDE = 192, 96  # pixels of the picture that one kernel, and that many, are laid on


def edge(size: int) -> np.ndarray:
    """Return Sobel x for any odd size: a binomial blur down, differences across; its positive weights sum to 1."""
    across = np.arange(size) - size // 2
    kernel = np.outer(ops.binomial(size).sum(axis=1), across)
    return kernel / max(kernel[kernel > 0].sum(), 1.0)


def _centre(size: int) -> np.ndarray:
    """Return a bright middle on a dark surround."""
    return kernels.preset("identity").kernel(size) - ops.binomial(size)


SPATIAL: dict[str, tuple[Callable[[int], np.ndarray], tuple[float, float, float], str]] = {
    "red-green": (ops.binomial, _RED_GREEN, "Red minus green: positive on red, negative on green, 0 on any grey."),
    "blue-yellow": (ops.binomial, _BLUE_YELLOW, "Blue minus yellow, which is the mean of red and green."),
    "edges-x": (edge, _LUMA, "Vertical edges of the brightness."),
    "edges-y": (lambda size: edge(size).T, _LUMA, "Horizontal edges of the brightness."),
    "colour-edges": (edge, _RED_GREEN, "Where red turns into green: edges that a grey picture may not have."),
    "spots": (_centre, _LUMA, "Spots brighter than what is round them."),
    "blur": (ops.binomial, _LUMA, "The brightness, blurred."),
}
RANDOM = "random"
TITLES = {
    "red-green": "Red against green",
    "blue-yellow": "Blue against yellow",
    "edges-x": "Vertical edges",
    "edges-y": "Horizontal edges",
    "colour-edges": "Edges between red and green",
    "spots": "Bright spots",
    "blur": "Blur",
    RANDOM: "Random, before training",
}


def rgb_kernel(name: str, size: int, seed: int = 0) -> np.ndarray:
    """Return a kernel on a picture, `(size, size, 3)`: a pattern in space times a weight for each colour."""
    if name == RANDOM:
        slices = [kernels.preset("random").kernel(size, seed=3 * seed + channel) for channel in range(3)]
        return np.stack(slices, axis=-1) / np.sqrt(3)
    spatial, colours, _ = SPATIAL[name]
    return spatial(size)[..., None] * np.array(colours)


def tensor(room: Room) -> bool:
    """Draw and count a layer; lay its kernels on the picture. True if it is the chapter's layer of 590,080."""
    picture = the_picture()
    with room.side:
        channels = whole("Channels it reads", 1, MAX_CHANNELS, 3, "channels_in")
        filters = whole("Filters: the maps it makes", 1, MAX_CHANNELS, 64, "channels_out")
        size = segments("Size of a kernel", SIZES, 3, "channels_kernel")
        name = pick("What the first kernel finds in your picture", TITLES, "red-green", "channels_weights")
    with room.more("Bias"):
        bias = switch("Bias: one number more for each filter", True, "channels_bias")
        percent = slide(
            "The first kernel's bias, in hundredths" + ("" if bias else " (it has none now)"),
            -100,
            100,
            0,
            "channels_offset",
            step=5,
            disabled=not bias,
        )
    with room.stage:
        _weight(channels, filters, size, bias)
    with room.why:
        _against_dense(channels, filters, size, bias)
    _one_kernel(picture, name, size, percent / 100 if bias else None, room)
    with room.why:
        _many_kernels(picture, size, filters, bias)
    return (channels, filters, size, bias) == CHAPTER


def _weight(channels: int, filters: int, size: int, bias: bool) -> None:
    cost = convolution_cost(size, channels, filters, output=1, bias=bias)
    shape = f"{size} × {size} × {channels:,} × {filters:,}"
    plot(
        figures.weight_stacks(channels, filters, size, bias),
        "channels_stacks",
        f"A layer of {filters:,} stacks of {channels:,} slices, {shape}, holds {cost.params:,} numbers.",
    )
    one = "+ 1" if bias else ""
    numbers = rf"({size}^2 \cdot {channels} {one}) \cdot {filters} = \mathbf{{{cost.params:,}}}".replace(",", "{,}")
    formula(numbers)
    deep = channels / size
    shown = (("slices", channels, figures.SLICES), ("stacks", filters, figures.STACKS))
    part = [f"{most} of {count:,} {name}" for name, count, most in shown if count > most]
    st.markdown(
        f"**{cost.params:,}** parameters, {in_bytes(4 * cost.params)} in float32: each filter is a stack of "
        f"{channels:,} slice{'s' * (channels > 1)}, one for each channel it reads, and makes one map. "
        + (f"A whole stack is {deep:.3g} times as deep as it is wide. " if deep > 1 else "")
        + (f"Drawn are {' and '.join(part)}." if part else "")
    )


def _against_dense(channels: int, filters: int, size: int, bias: bool) -> None:
    """Why the count matters: the picture's size is not in it."""
    told(
        "Why count? Because these numbers are all that a layer can learn, and all that has to be kept. A [[kernel]] "
        "goes through every [[channel]] at once, so that a layer holds $(k^2 \\cdot C_{in} + 1) \\cdot C_{out}$ of "
        "them. Which letter is missing? The size of the picture: the same weights slide over any map. A dense layer "
        "between the same maps pays for every pixel:"
    )
    params = convolution_cost(size, channels, filters, output=1, bias=bias).params
    rows = []
    for side in (8, 32, 224):
        dense = dense_cost(side * side * channels, side * side * filters, bias=bias).params
        rows.append([f"{side}²", f"{params:,}", _short(dense), f"{_short(round(dense / params))}×"])
    table(["Map", "convolution", "dense", "dense / conv."], rows)


def _short(count: int) -> str:
    """Large counts in engineering powers: nobody reads fifteen digits."""
    for power, unit in ((15, "· 10¹⁵"), (12, "· 10¹²"), (9, "· 10⁹"), (6, "· 10⁶")):
        if count >= 10**power:
            return f"{count / 10**power:,.3g} {unit}"
    return f"{count:,}"


def _one_kernel(picture: Picture, name: str, size: int, bias: float | None, room: Room) -> None:
    """Three products and their sum, from the reader's picture."""
    offset = bias or 0.0
    kernel = rgb_kernel(name, size)
    products, together = _products(picture.digest, picture.pixels, name, size)
    total, at_once = products.sum(axis=-1) + offset, together + offset
    limit = maps.signed(np.concatenate([products.ravel(), total.ravel()])[None])[1]
    shows = [(products[..., n], f"{colour} ⋆ its slice") for n, colour in enumerate(("red", "green", "blue"))]
    shows.append((total, "their sum" + ("" if bias is None else minus(f" + b, b = {offset:.2f}"))))
    for column, (shown, caption) in zip(room.stage.columns(4, wrap=False), shows, strict=True):
        png, said = maps.png(maps.enlarged(signed(shown, limit)[0], 320)), caption + ": 0" * (not shown.any())
        column.image(png, caption=said, alt=f"{caption}: {maps.said(shown)}", width="stretch", output_format="PNG")
    room.stage.caption(f"One kernel on your picture: blue −{limit:.3g}, paper 0, red +{limit:.3g}.")
    gap = float(np.abs(total - at_once).max())
    meaning = SPATIAL[name][2] if name in SPATIAL else "No meaning yet: what a layer starts from."
    with room.why:
        st.header("Three channels, one map", anchor=False)
        st.markdown(
            f"Your picture has three channels, so a kernel on it is {dimensions(size, size, 3)}. {meaning}"
            + (" A 1 × 1 kernel sees no neighbours: of this one nothing is left." if not kernel.any() else "")
        )
        plot(figures.rgb_kernel(kernel), "channels_slices", f"The three slices of a kernel. {meaning}")
        formula(rf"y_{{ij}} = \sum_{{c}} \sum_{{a,b}} w_{{abc}}\, x_{{i+a,\,j+b,\,c}}{'' if bias is None else ' + b'}")
        st.markdown(
            f"The three products added, against one operation with the kernel of {dimensions(size, size, 3)} weights: "
            f"max |Δ| = **{gap:.1g}** over {total.size:,} cells, "
            + ("rounding. One kernel always makes *one* map." if gap < 1e-9 else "which is more than rounding.")
        )


@st.cache_data(max_entries=64, show_spinner=False)
def _products(digest: str, _pixels: np.ndarray, name: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The map of each channel alone, `(H, W, 3)`, and that of the kernel as a whole, `(H, W)`."""
    image, kernel = scaled(digest, _pixels, _SIDE) / 255.0, rgb_kernel(name, size)
    each = [ops.cross_correlate(image[..., n], kernel[..., n], padding="same") for n in range(3)]
    return np.stack(each, axis=-1), ops.cross_correlate(image, kernel, padding="same")


def _many_kernels(picture: Picture, size: int, filters: int, bias: bool) -> None:
    """A map for each kernel: a layer."""
    st.header("Several kernels, several maps", anchor=False)
    count = min(filters, MAX_MAPS)
    pictures, captions, found = _strip(picture.digest, picture.pixels, size, count, palette().paper)
    params = convolution_cost(size, 3, filters, output=1, bias=bias).params
    st.markdown(
        f"A layer on your picture has {filters:,} such kernel{'s' * (filters > 1)} and makes {filters:,} "
        f"map{'s' * (filters > 1)}, which lie behind each other like red, green and blue: a map of "
        f"{filters:,} channel{'s' * (filters > 1)}. It holds {params:,} parameters, and the kernels of the "
        f"*next* layer are {dimensions(size, size, filters)}. So depth grows from layer to layer; where the "
        "window stops is the next question."
    )
    st.image(pictures, width=150, caption=captions, alt=found)
    if filters > count:
        st.caption(
            f"… {filters - count:,} more. Shown are {count}, by one operation with a weight of shape "
            f"({size}, {size}, 3, {count}); each has its own scale of colours."
        )


@st.cache_data(max_entries=32, show_spinner=False)
def _strip(
    digest: str, _pixels: np.ndarray, size: int, count: int, paper: str
) -> tuple[list[np.ndarray], list[str], list[str]]:
    """The maps of so many kernels, coloured, their names and findings: the named kernels first, then random ones."""
    named = [(name, 0) for name in SPATIAL] + [(RANDOM, seed) for seed in range(count)]
    weight = np.stack([rgb_kernel(name, size, seed) for name, seed in named[:count]], axis=-1)  # (k, k, 3, count)
    feature_maps = ops.cross_correlate(scaled(digest, _pixels, _STRIP_SIDE) / 255.0, weight, padding="same")
    pictures = [maps.enlarged(signed(feature_maps[..., n])[0], 2 * _STRIP_SIDE) for n in range(count)]
    titles = [f"Random {seed + 1}" if name == RANDOM else TITLES[name] for name, seed in named[:count]]
    return pictures, titles, [f"{title}: {maps.said(feature_maps[..., n])}" for n, title in enumerate(titles)]
