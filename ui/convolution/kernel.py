"""The kernel of the convolution page: chosen by what it makes of the reader's picture, or edited cell by cell."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image, ImageOps

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from cnn_core.figures import maps
from cnn_core.figures.mosaic import Sheet, sheet_of
from ui.shared.charts import palette, signed
from ui.shared.controls import segments, switch
from ui.shared.present import presenting, shows
from ui.shared.stage import Room
from ui.shared.text import plain
from ui.widgets.kernel_editor.kernel_editor import kernel_grid
from ui.widgets.wall.wall import Tile, wall

KEY, DEFAULT = "convolution_kernel", "sobel_x"
_SAID = "convolution_kernel_said"  # in the session: why a cell was not taken
STRIDES, DILATIONS, PADDINGS = (1, 2, 3, 4), (1, 2, 3), ("valid", "same", "full")
EDGES = {"zero": "with zeros", "reflect": "with a mirror image"}
_TILE = (148, 111)  # pixels across and down, in the sheet; the middle of the picture
_CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Flip": kernels.flip,
    "Transpose": kernels.transpose,
    "Negate": kernels.negate,
    "Normalise": lambda kernel: kernels.normalise(kernel)[0],
    "Larger": lambda kernel: np.pad(kernel, (0, 1)) if len(kernel) < kernels.MAX_SIZE else kernel,
    "Smaller": lambda kernel: kernel[:-1, :-1] if len(kernel) > 1 else kernel,
}


@dataclass(frozen=True)
class Settings:
    """How the kernel is laid on the picture."""

    stride: int = 1
    padding: str = "valid"
    dilation: int = 1
    edge: str = "zero"
    flip: bool = False

    def apply(self, image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """Convolve with these settings.

        Raises:
            ValueError: If the kernel does not fit.
        """
        operation = ops.convolve if self.flip else ops.cross_correlate
        return operation(image, kernel, self.stride, self.padding, self.dilation, edge=self.edge)

    def turned(self) -> "Settings":
        """Return the same with the kernel laid the other way round."""
        return replace(self, flip=not self.flip)


def choose_kernel(digest: str, image: np.ndarray) -> np.ndarray:
    """Show what each preset makes of the picture, and let one be chosen; return the kernel, `(k, k)`.

    The kernel's text is the one copy of it, and is in the link.

    Args:
        digest: Of what `image` was made of.
        image: `(H, W)`, 0 to 1.
    """
    if said := st.session_state.pop(_SAID, ""):
        st.warning(said)
    text = st.session_state.get(KEY) or st.query_params.get(KEY) or kernels.to_text(_preset(DEFAULT))
    try:
        kernel = kernels.from_text(text)
    except ValueError as refusal:
        st.warning(f"{plain(str(refusal))} The default is used.")
        kernel = _preset(DEFAULT)
    _say(kernel)
    named = next((name for name, preset in kernels.PRESETS.items() if _is(preset, kernel)), "")
    label = "Kernel: pick what it should find"
    if not shows(KEY, label):
        return kernel
    tiles = [Tile(preset.name, preset.title, preset.meaning) for preset in kernels.PRESETS.values()]
    sheet, columns = _responses(digest, image, palette().paper), 4 if presenting() else 3
    wall(label, tiles, named, f"{KEY}_wall", _take, sheet=sheet, columns=columns)
    about = kernels.PRESETS[named] if named else None
    st.caption(
        f"**{about.title}.** {about.meaning}" + (f" {about.source}." if about.source else "")
        if about
        else f"**A kernel of your own,** {len(kernel)} × {len(kernel)}."
    )
    return kernel


def edit_kernel(kernel: np.ndarray) -> None:
    """Let every cell be changed, and the kernel as a whole."""
    named = next((preset for preset in kernels.PRESETS.values() if _is(preset, kernel)), None)
    sizes = named.sizes if named else (len(kernel),)
    st.segmented_control(
        "Its size",
        sizes,
        default=len(kernel),
        key=f"{KEY}_size_{named.name if named else ''}_{len(kernel)}",
        on_change=_resize,
        args=(named.name if named else "", len(kernel)),
        disabled=len(sizes) == 1,
        required=True,
        help=None if len(sizes) > 1 else "This kernel is made for one size only; Larger adds empty cells.",
    )
    kernel_grid(kernel, f"{KEY}_grid", lambda: _edited(f"{KEY}_grid"))
    with st.container(horizontal=True):
        for label, change in _CHANGES.items():
            changed = change(kernel)
            why = _refusal(kernel, changed)
            st.button(label, key=f"{KEY}_{label}", on_click=_set, args=(changed,), disabled=bool(why), help=why or None)


def _refusal(kernel: np.ndarray, changed: np.ndarray) -> str:
    """Say why a kernel cannot be changed so; empty if it can."""
    if changed.shape == kernel.shape and np.allclose(changed, kernel):
        return "It would change nothing."
    try:
        kernels.to_text(changed)
    except ValueError as refusal:
        return plain(str(refusal))
    return ""


def lay_kernel(room: Room, kernel: np.ndarray) -> Settings:
    """Ask how the kernel is laid on the picture: the stride first, the rest folded."""
    stride = segments("Stride: how far the window jumps", STRIDES, 1, "convolution_stride")
    with room.more("Padding, spacing, cells"):
        padding = segments("Padding: cells laid round the picture", PADDINGS, "valid", "convolution_padding")
        edge = segments(
            "The border is filled" + (" (*valid* has none)" if padding == "valid" else ""),
            EDGES,
            "zero",
            "convolution_edge",
            disabled=padding == "valid",
        )
        dilation = segments("Dilation: distance between its cells", DILATIONS, 1, "convolution_dilation")
        flip = turn_kernel(kernel)
        edit_kernel(kernel)
    return Settings(stride, padding, dilation, edge, flip)


def turn_kernel(kernel: np.ndarray) -> bool:
    """Ask whether the kernel is turned first, as mathematics has it."""
    alike = bool(np.allclose(kernels.flip(kernel), kernel))
    return switch(
        "True convolution: turn the kernel by 180°" + (" (this one looks the same)" if alike else ""),
        False,
        "convolution_flip",
        disabled=alike,
    )


def _preset(name: str) -> np.ndarray:
    return kernels.PRESETS[name].kernel()


def _is(preset: kernels.Preset, kernel: np.ndarray) -> bool:
    return len(kernel) in preset.sizes and np.allclose(preset.kernel(len(kernel)), kernel, atol=1e-6)


def _say(kernel: np.ndarray) -> None:
    text = kernels.to_text(kernel)
    st.session_state[KEY] = text
    if st.query_params.get(KEY, kernels.to_text(_preset(DEFAULT))) != text:
        st.query_params[KEY] = text


def _set(kernel: np.ndarray) -> None:
    st.session_state[KEY] = kernels.to_text(kernel)


def _take(name: str) -> None:
    _set(_preset(name))


def _resize(name: str, before: int) -> None:
    size: Any = st.session_state[f"{KEY}_size_{name}_{before}"]
    if name and size:
        _set(kernels.PRESETS[name].kernel(size))


def _edited(grid: str) -> None:
    text: str = st.session_state[grid]["edited"]
    try:
        kernels.from_text(text)
    except ValueError as refusal:
        st.session_state[_SAID] = f"{plain(str(refusal))} The kernel stays as it was."
        return
    st.session_state[KEY] = text


# What each preset makes of a picture ----------------------------------------------------------------------------------


@st.cache_data(max_entries=64, show_spinner=False)
def _responses(digest: str, _image: np.ndarray, paper: str) -> Sheet:
    """Return the response to each preset, kept: coding a dozen pictures anew would cost more than all the rest.

    In colours where the weights add up to 0, so that flat areas vanish; in greys where they do not.
    """
    pictures = []
    for preset in kernels.PRESETS.values():
        kernel = preset.kernel()
        fits = min(_image.shape) >= len(kernel)
        response = ops.cross_correlate(_image, kernel, padding="valid" if fits else "same")
        shown = signed(response)[0] if abs(kernel.sum()) < 1e-9 else maps.grey(response)[..., None].repeat(3, axis=2)
        pictures.append(np.asarray(ImageOps.fit(Image.fromarray(shown), _TILE)))
    return sheet_of(pictures, 4, palette=palette())
