"""The views of the pooling page. What answers a view's own controls runs alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import experiments
from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures import maps
from cnn_core.figures import pooling as figures
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.pictures.images import Picture
from ui.shared.teaching import tick
from ui.shared.text import formula, plain, table
from ui.widgets.stepper.stepper import stepper

KINDS = {
    "max": r"y_{ij} = \max_{a,b}\; x_{is+a,\,js+b}",
    "average": r"y_{ij} = \frac{1}{k^2} \sum_{a,b} x_{is+a,\,js+b}",
    "l2": r"y_{ij} = \sqrt{\textstyle\sum_{a,b} x_{is+a,\,js+b}^2}",
    "global-average": r"y = \frac{1}{HW} \sum_{i,j} x_{ij}",
    "global-max": r"y = \max_{i,j}\; x_{ij}",
}
DIRECTIONS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
AXES = {name: DIRECTIONS[name] for name in ("right", "down")}
ABSORBED, EXACT = 1, 2  # numbers of tasks
FILTERS, CHANNELS = ("mean", "edges"), (1, 16, 64, 256, 512)
LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
_CHOICE = LINKED | {"required": True, "wrap": True}
_SIDE = 64  # a smaller picture is drawn larger before it is shifted
_ROUNDING = 1e-9  # errors below are rounding


def plot(figure: Any, key: str, alt: str, place: Any = st) -> None:
    """Show a figure of this page."""
    place.plotly_chart(figure, key=f"pooling_{key}", config={"displayModeBar": False}, alt=alt)


@dataclass(frozen=True)
class Settings:
    """How a picture is pooled."""

    kind: str
    window: int
    stride: int
    padding: str

    @property
    def whole(self) -> bool:
        """True if the one window is the whole picture."""
        return self.kind.startswith("global")

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Pool `(H, W)`; a global pooling gives `(1, 1)`."""
        if self.whole:
            pool = ops.global_max_pool if self.kind == "global-max" else ops.global_average_pool
            return pool(image).reshape(1, 1)
        operation = {"max": ops.max_pool, "average": ops.average_pool, "l2": ops.l2_pool}[self.kind]
        return operation(image, self.window, self.stride, self.padding)

    def unpool(self, pooled: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Fill each window with its value."""
        if self.whole:
            return np.full(shape, pooled[0, 0])
        return ops.unpool(pooled, shape, self.window, self.stride, self.padding)


def steps(image: np.ndarray, settings: Settings) -> None:
    """Step through the windows; then show what pooling throws away."""
    height, width = image.shape
    mode, whole = settings.kind.removeprefix("global-"), settings.whole
    if not whole or image.size <= 64:
        window, step = (image.shape, 1) if whole else ((settings.window, settings.window), settings.stride)
        padding = "valid" if whole else settings.padding
        (top, bottom), (before, after) = (ops.paddings(n, window[0], step, padding) for n in image.shape)
        shown = np.round(255 * image) if height > 8 else image
        stepper(shown, "pooling_stepper", mode=mode, window=window, stride=step, pad=(top, before, bottom, after))
        st.caption(
            "Arrow keys move the window, a click or a touch picks a place. "
            + ("The strong frame is the winner. " if mode == "max" else "")
            + ("Hatched cells are padding: they never win and never count." if top + bottom + before + after else "")
        )
    st.subheader("What is thrown away")
    pooled = settings.apply(image)
    if mode == "l2":  # in the units of the picture: a window of one grey is that grey
        pooled = pooled / settings.apply(np.ones_like(image))
    lost = image - (spread := settings.unpool(pooled, image.shape))
    (coloured, limit), kept = maps.signed(lost), pooled.size
    shows: list[tuple[np.ndarray, str]] = [
        (_bright(image), f"picture, {height} × {width}"),
        (_bright(spread if whole else pooled), f"pooled, {size_text(pooled)}"),
        (coloured, f"picture − pooled, spread out again: blue −{limit:.2g}, white 0, red +{limit:.2g}"),
    ]
    if settings.kind == "max":
        _, rows, columns = ops.max_pool_argmax(image, settings.window, settings.stride, settings.padding)
        shows.append((figures.marked(image, rows, columns), "the winners, in their place"))
        kept = len(np.unique(rows * width + columns))
    for column, (picture, caption) in zip(st.columns(len(shows)), shows, strict=True):
        column.image(maps.enlarged(picture, 320), caption=caption, alt=caption, width="stretch")
    tiled = not whole and settings.window == settings.stride
    share, energy = max(0.0, 1 - kept / image.size), (lost**2).sum() / max((image**2).sum(), 1e-12)
    cells, what = settings.window**2, "win no window" if settings.kind == "max" else "leave no number of their own"
    st.markdown(
        f"Of {image.size:,} pixels **{100 * share:.5g} %** {what}"
        + (f"; a window of {cells} keeps one, ({cells} − 1) / {cells} = {1 - 1 / cells:.1%}" if tiled else "")
        + f". The difference has **{energy:.2%}** of the picture's energy (Σx²). {_loss(mode, lost)}"
    )


def _loss(mode: str, lost: np.ndarray) -> str:
    if mode == "max":
        if lost.max() > _ROUNDING:
            return "Red are pixels that no window saw: nothing of them is left."
        return "Nothing is red: no pixel is brighter than its window's winner."
    if mode == "l2":
        return "Divided by √(cells), L2 lies between the mean and the largest: bright pixels count more."
    return f"Red and blue nearly cancel (mean {lost.mean():.1e}): what is lost is the detail within a window."


def _bright(image: np.ndarray) -> np.ndarray:
    return np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)


def size_text(image: np.ndarray) -> str:
    """Return height and width, as people write them."""
    return f"{image.shape[0]} × {image.shape[1]}"


@st.fragment
def shift(picture: Picture, image: np.ndarray, settings: Settings) -> None:
    """Move the picture; measure what changes. A shift that every pooling is exactly equivariant to is the last task."""
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    pixels = left.slider("Shift your picture by", 0, 8, 1, key="pooling_shift", format="%d px", **LINKED)
    axis = right.segmented_control("Direction", list(AXES), default="right", key="pooling_axis", **_CHOICE)
    pixels = int(np.clip(pixels, 0, 8))
    times = max(1, _SIDE // max(image.shape))
    size = (image.shape[1] * times, image.shape[0] * times)
    large = np.asarray(Image.fromarray(image.astype(np.float32)).resize(size, Image.Resampling.BILINEAR), np.float64)
    if min(large.shape) < _SIDE // 2:
        st.info("The picture is too narrow to be shifted by 8 pixels. Choose a larger one.")
        return
    responses = _responses(picture.digest, large, settings.stride, axis)
    plot(figures.shift_curves(responses, pixels), "curves", "Change of each map and of its average against the shift.")
    here = [r for r in responses if max(r.dy, r.dx) == pixels]
    st.markdown(_shift_words(here, pixels, settings.stride))
    rows = [[_title(r), f"{r.change:.3f}", f"{r.equivariance_error:.3f}", f"{r.invariance_error:.3f}"] for r in here]
    table([f"shifted by {pixels} px", "change", "equi\u00advari\u00adance error", "in\u00advari\u00adance error"], rows)
    formula(r"\varepsilon_E = \frac{\lVert T_{-d/s}\, f(T_d x) - f(x)\rVert}{\lVert f(x)\rVert}")
    formula(r"\varepsilon_I = \frac{\lvert g(T_d x) - g(x)\rvert}{\lvert g(x)\rvert},\; g = \bar f")
    st.caption(
        "$\\varepsilon_E$: equivariance error, $\\varepsilon_I$: invariance error. Each map is made of the edges of "
        f"your picture (Sobel-x, ReLU), at stride {settings.stride}. Blur-pool: Zhang 2019, arXiv:1904.11486."
        + (f" Your picture is drawn {times} times as large first." if times > 1 else "")
    )
    _network(picture, axis, pixels)
    if pixels > 0 and settings.stride > 1 and all(r.equivariance_error < _ROUNDING for r in here):
        tick("pooling", EXACT)


@st.cache_data(max_entries=64, show_spinner=False)
def _responses(digest: str, _image: np.ndarray, stride: int, axis: str) -> list[experiments.ShiftResponse]:
    down, right = AXES[axis]
    return experiments.shift_response(_image, shifts=[(down * n, right * n) for n in range(9)], stride=stride)


def _title(response: experiments.ShiftResponse) -> str:
    return experiments.OPERATIONS[response.operation].title


def _shift_words(here: list[experiments.ShiftResponse], pixels: int, stride: int) -> str:
    if pixels == 0:
        return "Not shifted, nothing changes. Move the slider."
    smaller = [r for r in here if r.operation != "none"]
    least, *_, most = sorted(smaller, key=lambda r: r.change)
    best, *_, worst = sorted(smaller, key=lambda r: r.equivariance_error)
    steady, *_, unsteady = sorted(smaller, key=lambda r: r.invariance_error)
    words = f"**{_title(most)}** changes most ({most.change:.3f}), **{_title(least)}** least ({least.change:.3f}). "
    cells = f"moved back by {pixels}/{stride} = {pixels / stride:.3g} cells"
    if worst.equivariance_error < _ROUNDING:
        words += f"Yet {cells} every map is what it was: error below 1e-9, *equivariant* to this shift. "
    else:
        words += (
            f"Even {cells} the maps differ by {best.equivariance_error:.3f} ({_title(best)}) to "
            f"{worst.equivariance_error:.3f} ({_title(worst)}): not *equivariant* to a shift between strides. "
        )
    return words + (
        f"The global average changes by {steady.invariance_error:.4f} ({_title(steady)}) to "
        f"{unsteady.invariance_error:.4f} ({_title(unsteady)}): the nearer to 0, the more *invariant*."
    )


def _network(picture: Picture, axis: str, pixels: int) -> None:
    st.subheader("A whole network, on your picture")
    answer = asked("shift_agreement", picture)
    if answer is None:
        return
    drift, agrees, probability = (answer[axis][name][pixels] for name in ("drift", "agrees", "probability"))
    left, right = st.columns([3, 2])
    plot(figures.network_drift(answer, axis, pixels), "network", "Drift of the logits against the shift.", left)
    right.markdown(
        f"{BACKBONES[DEFAULT].title} says **{plain(answer['label'])}** ({answer['probability']:.0%}). Moved by "
        f"{pixels} px its logits drift by **{drift:.3f}** (relative), {plain(answer['label'])} gets {probability:.0%}, "
        f"and its first answer is {'the same' if agrees else '**another**'}.\n\nTop-1 agreement over all shifts to the "
        f"right and down: **{answer['agreement']:.0%}**. An open circle is a shift at which it changes its mind."
    )


def asked(question: str, picture: Picture) -> Any:
    """Return a worker's answer about a picture, or None after saying why there is none."""
    try:
        with st.spinner("Asking the network…"):
            return _ask(question, picture.digest, picture.pixels)
    except EngineError as trouble:
        st.error(plain(str(trouble)))
        return None


@st.cache_data(max_entries=200, show_spinner=False)
def _ask(question: str, digest: str, _pixels: np.ndarray) -> Any:
    return client.current().ask(question, _pixels)


@st.fragment
def example() -> None:
    """Shift the chapter's map; find out which shifts max-pooling absorbs. One that is absorbed is a task."""
    left, right = st.columns([3, 2])
    with right:
        direction = st.segmented_control("Shift", list(DIRECTIONS), default="right", key="pooling_direction", **_CHOICE)
        size = st.segmented_control("by pixels", [1, 2, 3], default=1, key="pooling_size", **_CHOICE)
    image, (dy, dx) = experiments.peak_map(), (size * step for step in DIRECTIONS[direction])
    result = experiments.pooled_shift(image, dy, dx)
    wrapped = not (0 <= 1 + dy <= 3 and 0 <= 1 + dx <= 3)
    words = f"{_listed(result.before)} becomes {_listed(result.after)}: "
    moved, changed = experiments.shift(image, dy, dx, "wrap"), int((result.before != result.after).sum())
    plot(figures.pooled_maps(image, moved, result), "maps", f"Pooled, {words}", left)
    with right:
        if wrapped and result.absorbed:
            st.info(words + "the 9 went out and came back on the other side. That is no absorption, but a round trip.")
        elif result.absorbed:
            st.success(words + f"**absorbed**. The 9 stays inside its window. Still, {changed} of 4 cells changed.")
        else:
            st.warning(words + "**crossed**. The 9 moved into another window.")
        there, back = (experiments.pooled_shift(image, 0, step) for step in (1, -1))
        st.markdown(
            "The chapter says that the 9 stays top-left when the map moves one to the *right*. Computed, it does not: "
            f"{_listed(there.before)} becomes {_listed(there.after)}. One to the *left* is absorbed: "
            f"{_listed(back.after)}. A shift is absorbed only while the peak stays inside its window."
        )
        st.caption("Window 2, as in the chapter. What leaves the map on one side comes in on the other.")
    st.subheader(f"How often is a shift by {size} absorbed?")
    plot(figures.absorbed(_absorptions(size)), "absorbed", f"Share of maps that absorb {size} px, against the window.")
    st.markdown(
        f"1000 random maps a window. The peak stands in each of the $w$ columns alike, and stays from $w - s$ of them: "
        f"$(w - s)/w$, here $(w - {size})/w$. At window 2 a shift by one is a coin toss."
    )
    if result.absorbed and not wrapped:
        tick("pooling", ABSORBED)


def _listed(values: np.ndarray) -> str:
    return "[" + ", ".join("[" + ", ".join(f"{value:g}" for value in row) + "]" for row in values) + "]"


@st.cache_data(max_entries=8, show_spinner=False)
def _absorptions(size: int) -> list[experiments.Absorption]:
    return [experiments.absorbed_fraction(window, size) for window in range(size, 9)]


@st.fragment
def cost(settings: Settings) -> None:
    """Pool a peak, unpool it, and see how far from its place it is found."""
    with st.container(horizontal=True):
        row = st.slider("Row of the peak", 0, 11, 4, key="pooling_row", **LINKED)
        column = st.slider("Column of the peak", 0, 11, 7, key="pooling_column", **LINKED)
    row, column = (int(np.clip(place, 0, 11)) for place in (row, column))
    image, window = np.zeros((12, 12)), settings.window
    image[row, column] = 1
    pooled, *winners = ops.max_pool_argmax(image, window)
    spread = ops.unpool(pooled, image.shape, window)
    placed = ops.unpool(pooled, image.shape, window, winners=(winners[0], winners[1]))
    error = float(np.hypot(*(np.argwhere(spread == 1).mean(axis=0) - (row, column))))
    shows = {
        "a peak": image,
        f"max-pooled, {size_text(pooled)}": pooled,
        f"unpooled: found {error:.2f} px away": spread,
        "unpooled with indices: 0 px away": placed,
    }
    for place, (caption, picture) in zip(st.columns(4), shows.items(), strict=True):
        place.image(
            np.pad(maps.enlarged(40 + 215 * picture, 240).astype(np.uint8), 2, constant_values=128),
            caption=caption,
            alt=caption,
        )
    without, figure = _localisations()
    plot(figure, "localisation", "Mean error of a peak after unpooling.")
    here = without[window - 1]
    st.markdown(
        f"With a window of {window} the peak of a random map is found **{here.mean_error:.2f} px** away in the mean "
        f"(theory {here.theory:.2f}) and {here.worst_error:.2f} px at worst. Keep the winners' places, one index a "
        "window, and the error is **0**: this is how segmentation networks get positions back "
        "(Zeiler & Fergus 2014, arXiv:1311.2901)."
    )
    formula(r"\bar e = \frac{1}{k^2}\sum_{a,b}\sqrt{(a - m)^2 + (b - m)^2},\quad m = \tfrac{k-1}{2}")


@st.cache_resource(show_spinner=False)
def _localisations() -> tuple[list[experiments.Localisation], Any]:
    """The errors without indices, and the figure of them beside those with; the same whatever a reader chooses."""
    without = [experiments.localise_error(window) for window in range(1, 9)]
    kept = [experiments.localise_error(window, with_indices=True) for window in range(1, 9)]
    return without, figures.localisation(without, kept)


@st.fragment
def stride(image: np.ndarray, settings: Settings) -> None:
    """Hold max-pooling against a convolution of the same window and stride."""
    with st.container(horizontal=True):
        channels = st.segmented_control("Channels", CHANNELS, default=64, key="pooling_width", **_CHOICE)
        name = st.segmented_control("Weights", FILTERS, default="mean", key="pooling_filter", **_CHOICE)
    window, arguments = settings.window, (settings.window, settings.stride, settings.padding)
    try:
        pooled = ops.max_pool(image, *arguments)
    except ValueError as refusal:
        st.error(plain(str(refusal)))
        return
    strided = ops.cross_correlate(image, _kernel(name, window), settings.stride, settings.padding)
    right = _bright(strided) if name == "mean" else maps.signed(strided)[0]
    shows = ((_bright(image), "picture"), (_bright(pooled), "max-pool"), (right, "strided convolution"))
    for column, (shown, caption) in zip(st.columns(3), shows, strict=True):
        caption = f"{caption}, {size_text(shown)}"
        column.image(maps.enlarged(shown, 320), caption=caption, alt=caption, width="stretch")
    count = experiments.dense_versus_convolution(1, window, channels, channels)
    table(
        [f"{channels} → {channels} channels, {window} × {window}, stride {settings.stride}", "max-pool", "convolution"],
        [
            ["output", f"{size_text(pooled)} × {channels}", f"{size_text(strided)} × {channels}"],
            ["parameters", "0", f"{count.convolution_weights + count.convolution_biases:,}"],
            ["multiply-adds", "0", f"{pooled.size * count.convolution_weights:,}"],
            ["comparisons", f"{pooled.size * channels * (window**2 - 1):,}", "0"],
            ["learnable; mixes channels", "no", "yes"],
        ],
    )
    gap = float(np.abs(strided - ops.average_pool(image, *arguments)).max())
    st.markdown(
        (
            f"With all weights 1/{window**2} the convolution *is* average-pooling: max |Δ| = {gap:.1g} "
            + ("on your picture. " if gap < _ROUNDING else "(at the border, where padding counts as 0). ")
            if name == "mean"
            else f"These weights do something else than average-pooling: max |Δ| = {gap:.2g}. "
        )
        + "It can learn to be a mean, an edge, or to take one pixel; never to be a maximum, which is not linear. "
        "Springenberg et al. 2015 (arXiv:1412.6806) replace all pooling by it and lose nothing on CIFAR-10, at the "
        "price in the table."
    )


def _kernel(name: str, window: int) -> np.ndarray:
    if name == "edges":  # left half −, right half +
        signs = np.sign(np.arange(window) - (window - 1) / 2)
        return np.tile(signs / np.abs(signs).sum(), (window, 1)) / window
    return np.full((window, window), 1 / window**2)
