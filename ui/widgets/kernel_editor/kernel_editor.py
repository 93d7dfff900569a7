"""A kernel that can be edited cell by cell; its text in the link is the one copy of it."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from cnn_core.arithmetic import kernels
from ui.shared.text import plain
from ui.widgets.frontend import frontend

_grid = frontend(__file__)


def kernel_editor(key: str, default: str = "sobel_x") -> np.ndarray:
    """Show presets, the grid and the changes; return the kernel. Its text is the query parameter `key`."""
    name = st.selectbox(
        "Kernel",
        list(kernels.PRESETS),
        index=None,
        format_func=lambda name: kernels.PRESETS[name].title,
        key=f"{key}_preset",
        placeholder="Choose a preset, or edit the cells",
        on_change=_load_preset,
        args=(key,),
    )
    if name:
        preset = kernels.PRESETS[name]
        st.caption(preset.meaning + (f" {preset.source}." if preset.source else ""))
        if len(preset.sizes) > 1:
            st.segmented_control(
                "Size", preset.sizes, default=3, key=f"{key}_size", on_change=_load_preset, args=(key,), required=True
            )
    text = st.session_state.get(key) or st.query_params.get(key) or kernels.to_text(kernels.PRESETS[default].kernel())
    try:
        kernel = kernels.parse(text)
    except ValueError as refusal:
        st.warning(f"{plain(str(refusal))} The default is used.")
        kernel = kernels.PRESETS[default].kernel()
    st.query_params[key] = kernels.to_text(kernel)
    cells = [[float(f"{cell:.6g}") for cell in row] for row in kernel]
    _grid(data={"cells": cells}, key=f"{key}_grid", on_edited_change=lambda: _edited(key))
    with st.container(horizontal=True):
        for label, change in _CHANGES.items():
            st.button(label, key=f"{key}_{label}", on_click=_change, args=(key, kernel, change))
    return kernel


_CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Flip": kernels.flip,
    "Transpose": kernels.transpose,
    "Negate": kernels.negate,
    "Normalise": lambda kernel: kernels.normalise(kernel)[0],
    "Larger": lambda kernel: np.pad(kernel, (0, 1)) if len(kernel) < kernels.MAX_SIZE else kernel,
    "Smaller": lambda kernel: kernel[:-1, :-1] if len(kernel) > 1 else kernel,
}


def _load_preset(key: str) -> None:
    name = st.session_state[f"{key}_preset"]
    if name:
        size = st.session_state.get(f"{key}_size") or 3
        preset = kernels.PRESETS[name]
        st.session_state[key] = kernels.to_text(preset.kernel(size if size in preset.sizes else None))


def _edited(key: str) -> None:
    st.session_state[key] = st.session_state[f"{key}_grid"]["edited"]


def _change(key: str, kernel: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> None:
    st.session_state[key] = kernels.to_text(change(kernel))
