"""The same map in three ways, held against each other: a plain loop, NumPy, Keras."""

import inspect
import time
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import kernels
from cnn_core.engine.errors import EngineError
from cnn_core.figures import maps
from ui.convolution.kernel import Settings, choose_kernel, lay_kernel
from ui.shared.charts import signed
from ui.shared.picture import grey, the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, plain, table
from ui.shared.worker import ask

PROOF_SIDE = 96  # the plain loop takes a tenth of a second for that


def proof(room: Room) -> None:
    """Compute the same map in three ways and hold them against each other."""
    picture = the_picture()
    image = grey(picture)
    with room.side:
        kernel = choose_kernel(picture.digest, image)
        settings = lay_kernel(room, kernel)
    small = image[:PROOF_SIDE, :PROOF_SIDE]
    laid = kernels.flip(kernel) if settings.flip else kernel
    arguments = (settings.stride, settings.padding, settings.dilation)
    with room.stage:
        answers = st.empty()
        try:
            reference, loop = _timed(ops.cross_correlate_loop, small, laid, *arguments, edge=settings.edge)
        except ValueError as refusal:
            st.error(plain(str(refusal)))
            return
        vectorised, vector = _timed(ops.cross_correlate, small, laid, *arguments, edge=settings.edge)
        sizes = f"{dimensions(*small.shape)} of your picture → {dimensions(*reference.shape)}"
        header = [sizes, "largest difference", "time"]
        rows = [
            ["NumPy, the plain loop", "–", _milliseconds(loop)],
            ["NumPy, vectorised", f"{np.abs(vectorised - reference).max():.2g}", _milliseconds(vector)],
        ]
        with answers.container():
            table(header, [*rows, ["`keras.ops.conv`", "…", "…"]])
        try:
            theirs, seconds = _keras(small, kernel, settings)
        except EngineError as trouble:
            st.warning(f"Keras could not be asked: {plain(str(trouble))}")
        else:
            gap = float(np.abs(theirs - reference).max())
            with answers.container():
                table(header, [*rows, ["`keras.ops.conv`", f"{gap:.2g}", _milliseconds(seconds)]])
            if gap <= 1e-4 * max(1.0, float(np.abs(reference).max())):
                st.success(
                    f"Keras computes the same map: the largest difference is {gap:.2g}, the rounding of float32."
                )
            else:
                st.error(f"Keras differs by {gap:.3g}.")
        png, alt = maps.png(maps.enlarged(signed(vectorised)[0], 240)), f"The map: {maps.said(vectorised)}"
        st.image(png, alt=alt, width=240, output_format="PNG")
    with room.why:
        told(
            "What you see here would be worth little if your own code did something else. So the map is computed three "
            "times: by the loop below, which anyone can read, by NumPy at once, and by Keras, with which networks are "
            "trained. Change the kernel, the [[stride]] or the [[padding]] and look whether they still agree."
        )
        st.code(_without_docstring(inspect.getsource(ops.cross_correlate_loop)), language="python", wrap_lines=True)


def _without_docstring(source: str) -> str:
    head, _, rest = source.partition('    """')
    return head + rest.partition('"""\n')[2]


def _timed(operation: Any, *arguments: Any, **options: Any) -> tuple[np.ndarray, float]:
    started = time.perf_counter()
    return operation(*arguments, **options), time.perf_counter() - started


def _keras(image: np.ndarray, kernel: np.ndarray, settings: Settings) -> tuple[np.ndarray, float]:
    how = (settings.stride, settings.padding, settings.dilation, settings.flip, settings.edge)
    answer: tuple[np.ndarray, float] = ask("convolve", image, kernel, *how, words="Asking Keras…")
    return answer


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms"
