"""The views of the convolution page."""

import inspect
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import experiments, kernels
from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures import convolution as figures
from cnn_core.figures import maps
from cnn_core.pictures.images import Picture
from ui.shared.picture import scaled
from ui.shared.text import asking, plain, table

_QUIET = {"displayModeBar": False}
_AS_IT_IS: dict[str, Any] = {"width": "stretch", "output_format": "PNG"}  # Streamlit makes a JPEG of a PNG otherwise
_STRIP = 150  # pixels, the width of a preset's picture
PROOF_SIDE = 96  # the plain loop takes a third of a second for that


@dataclass(frozen=True)
class Settings:
    """How the kernel is laid on the picture."""

    stride: int
    padding: str
    dilation: int
    edge: str
    flip: bool

    def apply(self, image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """Convolve with these settings."""
        operation = ops.convolve if self.flip else ops.cross_correlate
        return operation(image, kernel, self.stride, self.padding, self.dilation, edge=self.edge)


@st.fragment
def whole_picture(picture: Picture, kernel: np.ndarray, settings: Settings) -> None:
    """Show the response to the whole picture, its histogram, and the presets beside it."""
    colours = scaled(picture.digest, picture.pixels) / 255.0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        channel = st.segmented_control(
            "Channel",
            ["grey", "red", "green", "blue"],
            default="grey",
            key="convolution_channel",
            bind="query-params",
            required=True,
        )
        rectify = st.toggle("ReLU: negative becomes 0", key="convolution_relu", bind="query-params")
    image = ops.grey(colours) if channel == "grey" else colours[..., ["red", "green", "blue"].index(channel)]
    here, there = settings.apply(image, kernel), replace(settings, flip=not settings.flip).apply(image, kernel)
    difference = float(np.abs(here - there).max())
    if rectify:
        here, there = ops.relu(here), ops.relu(there)
    coloured, limit = maps.signed(here)
    names = ("cross-correlation", "true convolution")
    columns = st.columns(3)
    shown = _photo(picture.digest, channel, image)
    columns[0].image(shown, caption=f"{channel}, {_size(image)}", alt="Your picture", **_AS_IT_IS)
    for column, response, name, alt in (
        (columns[1], coloured, names[settings.flip], "Response"),
        (columns[2], maps.signed(there, limit)[0], names[not settings.flip], "Response to the turned kernel"),
    ):
        caption = f"{name}, {_size(response)}"
        column.image(maps.png(maps.enlarged(response, 360)), caption=caption, alt=alt, **_AS_IT_IS)
    left, right = st.columns(2)
    left.image(
        maps.png(maps.legend()),
        alt="Colour scale",
        **_AS_IT_IS,
        caption=f"blue −{limit:.3g} · white 0 · red +{limit:.3g}",
    )
    left.markdown(
        f"The two differ by at most **{difference:.3g}**: "
        + ("turning this kernel changes nothing." if difference < 1e-9 else "one lays the kernel upside down.")
        + " A learnt kernel does not care: what one finds, the other finds turned."
    )
    right.plotly_chart(
        figures.histogram(here, limit),
        key="convolution_histogram",
        config=_QUIET,
        alt=f"Responses from {here.min():.3g} to {here.max():.3g}",
    )
    st.subheader("The presets on your picture")
    st.caption("In colours where the weights add up to 0, so that flat areas vanish; in greys where they do not.")
    titles = [preset.title for preset in kernels.PRESETS.values()]
    st.image(_strip(picture.digest, channel, image), caption=titles, alt=titles, **_AS_IT_IS | {"width": _STRIP})


@st.cache_data(max_entries=64, show_spinner=False)
def _photo(digest: str, channel: str, _image: np.ndarray) -> bytes:
    return maps.png(maps.enlarged(np.round(255 * _image).astype(np.uint8), 360))


@st.cache_data(max_entries=64, show_spinner=False)
def _strip(digest: str, channel: str, _image: np.ndarray) -> list[bytes]:
    """Return the response to each preset as a PNG: encoding a dozen pictures anew would cost more than all the rest."""
    strip = []
    for preset in kernels.PRESETS.values():
        kernel = preset.kernel()
        response = ops.cross_correlate(_image, kernel)
        shown = maps.signed(response)[0] if abs(kernel.sum()) < 1e-9 else maps.grey(response)
        strip.append(maps.png(_fitting(shown, _STRIP)))
    return strip


def _fitting(picture: np.ndarray, width: int) -> np.ndarray:
    """Return the picture at most so wide: Streamlit would decode, scale and encode it anew in each run."""
    height, across = picture.shape[:2]
    if across <= width:
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, max(1, round(height * width / across)))))


def _size(image: np.ndarray) -> str:
    return f"{image.shape[0]} × {image.shape[1]}"


def proof(image: np.ndarray, kernel: np.ndarray, settings: Settings) -> None:
    """Compute the same map in three ways and hold them against each other."""
    small = image[:PROOF_SIDE, :PROOF_SIDE]
    laid = kernels.flip(kernel) if settings.flip else kernel
    arguments = (settings.stride, settings.padding, settings.dilation)
    reference, loop = _timed(ops.cross_correlate_loop, small, laid, *arguments, edge=settings.edge)
    vectorised, vector = _timed(ops.cross_correlate, small, laid, *arguments, edge=settings.edge)
    rows = [
        ["NumPy, the plain loop", "–", _milliseconds(loop)],
        ["NumPy, vectorised", f"{np.abs(vectorised - reference).max():.1e}", _milliseconds(vector)],
    ]
    try:
        with st.spinner(asking("Asking Keras…")):
            theirs, seconds = _keras(small.tobytes(), small, kernel.tobytes(), kernel, settings)
        gap = float(np.abs(theirs - reference).max())
        rows.append(["`keras.ops.conv`", f"{gap:.1e}", _milliseconds(seconds)])
        verdict = f"Keras computes the same map: the largest difference is {gap:.1e}, the rounding of float32."
        size = max(1.0, float(np.abs(reference).max()))
        (st.success if gap <= 1e-4 * size else st.error)(
            verdict if gap <= 1e-4 * size else f"Keras differs by {gap:.3g}."
        )
    except EngineError as trouble:
        st.warning(f"Keras could not be asked: {plain(str(trouble))}")
    table([f"{_size(small)} of your picture → {_size(reference)}", "max |Δ| to the loop", "time"], rows)
    st.code(_without_docstring(inspect.getsource(ops.cross_correlate_loop)), language="python")


def _without_docstring(source: str) -> str:
    head, _, rest = source.partition('    """')
    return head + rest.partition('"""\n')[2]


def _timed(operation: Any, *arguments: Any, **options: Any) -> tuple[np.ndarray, float]:
    started = time.perf_counter()
    return operation(*arguments, **options), time.perf_counter() - started


@st.cache_data(max_entries=200, show_spinner=False)
def _keras(
    image_key: bytes, _image: np.ndarray, kernel_key: bytes, _kernel: np.ndarray, settings: Settings
) -> tuple[np.ndarray, float]:
    answer: tuple[np.ndarray, float] = client.current().ask(
        "convolve", _image, _kernel, settings.stride, settings.padding, settings.dilation, settings.flip, settings.edge
    )
    return answer


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms"


@st.fragment
def why_not_dense(image: np.ndarray, kernel: np.ndarray) -> None:
    """Count what a dense layer would cost, and measure equivariance."""
    side = min(image.shape)
    count = experiments.dense_versus_convolution(side, len(kernel))
    left, right = st.columns([3, 2])
    left.plotly_chart(
        figures.parameters(len(kernel), side),
        key="convolution_parameters",
        config=_QUIET,
        alt="Parameters of a dense layer and of a convolution as the picture grows.",
    )
    thirty, photo = experiments.dense_versus_convolution(32), experiments.dense_versus_convolution(224, channels_in=3)
    with right:
        st.markdown(
            f"For a {side} × {side} map from a {side} × {side} picture a dense layer has **{count.dense_weights:,}** "
            f"weights, this convolution **{count.convolution_weights}** and {count.convolution_biases} bias, whatever "
            "the size."
        )
        table(
            ["", "dense", "3 × 3"],
            [
                ["32 × 32, weights", f"{thirty.dense_weights:,}", f"{thirty.convolution_weights} + 1"],
                ["224 × 224 × 3, inputs of one unit", f"{photo.inputs:,}", "27"],
            ],
        )
        pixels = st.slider(
            "Shift your picture by", 0, 32, 5, key="convolution_shift", format="%d px", bind="query-params"
        )
        pixels = int(np.clip(pixels, 0, (image.shape[1] - len(kernel)) // 2))  # so that the two maps overlap
        error = experiments.equivariance_error(image, kernel, pixels)
        st.markdown(
            f"Shifted by **{pixels}** pixels, its map shifts by {pixels}: moved back, it differs by **{error:.1e}** "
            "(relative). That is *equivariance*, and it is why what is learnt at one place serves at all."
        )


@st.fragment
def learn(image: np.ndarray, target: np.ndarray, flip: bool) -> None:
    """Recover the kernel from the picture and the filtered picture alone."""
    rate = st.select_slider(
        "Learning rate", [0.02, 0.05, 0.1, 0.2, 0.5, 1.2], 0.1, key="convolution_rate", bind="query-params"
    )
    small = image[:: max(1, len(image) // 64), :: max(1, image.shape[1] // 64)]
    if min(small.shape) <= len(target):
        st.info("The picture is too small to learn from. Choose a larger one.")
        return
    frames = list(experiments.learn_kernel(small, target, steps=80, learning_rate=rate, flip=flip, every=2))
    wanted = kernels.flip(target) if flip else target
    st.plotly_chart(
        figures.learning(frames, wanted),
        key="convolution_learning",
        config=_QUIET,
        alt=f"Loss from {frames[0].loss:.2g} to {frames[-1].loss:.2g}.",
    )
    gap = float(np.abs(frames[-1].kernel - wanted).max())
    st.markdown(
        "One layer of a single kernel starts at random and sees your picture, whitened, and what the kernel above made "
        f"of it; never the kernel itself. After {frames[-1].step} steps of gradient descent its largest error is "
        f"**{gap:.2g}**."
        + (" Filtered by true convolution, it learns the kernel *turned*, and predicts just as well." if flip else "")
        + (" At this rate it does not converge: the step overshoots." if frames[-1].loss > frames[0].loss else "")
    )


@st.fragment
def example() -> None:
    """The chapter's bar as an exercise: where is a flat region?"""
    width = st.slider("Width of the bar", 1, 10, 2, key="convolution_bar", bind="query-params")
    size = st.slider("Size of the picture", 6, 14, 6, key="convolution_bar_size", bind="query-params")
    width, size = int(np.clip(width, 1, size)), int(np.clip(size, 6, 14))
    image, edges = experiments.bar(size, width), experiments.bar_edges(size, width)
    left, right = st.columns(2)
    left.image(maps.enlarged(maps.grey(image), 300), caption=f"a bar {width} wide in {_size(image)}", alt="The bar")
    right.image(
        maps.enlarged(maps.signed(edges, 4.0)[0], 300), caption=f"Sobel-x, valid: {_size(edges)}", alt="Its edges"
    )
    row = ", ".join(f"{value:g}".replace("-", "−") for value in edges[0])
    st.markdown(f"Every row of the map is **[{row}]**.")
    if 0.0 in edges[0]:
        st.success("Here a flat region shows: zeros, where all nine cells see the same.")
    else:
        st.info(
            "The chapter says that flat regions stay 0. In this map there is none: each window touches an edge of the "
            "bar. Widen the picture or the bar until one appears."
        )
