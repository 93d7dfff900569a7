"""LeNet-5, trained on the digits before one's eyes; then it reads what the reader draws, layer by layer."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures import lenet as figures
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.studies.lenet import STUDY, LeNet, LeNetResult, Misread
from ui.architectures.study import LINKED, Shown, about_seconds, field, link, plot, study, whole
from ui.shared.session import store
from ui.shared.teaching import one_of
from ui.shared.text import asking, plain
from ui.widgets.digit_canvas.digit_canvas import digit_canvas

RATES = ("0.0003", "0.001", "0.003", "0.01")
WHOLE = ("epochs", "batch_size", "shift", "seed")
LINK: dict[str, Callable[[str], bool]] = {
    "architectures_lenet_rate": one_of(*RATES),
    "architectures_epoch": one_of(*range(101)),
    **link(STUDY, *WHOLE),
}
LAYERS = {  # as in the paper: how many maps or units in a row, and what the layer is
    "c1": (6, "six kernels of 5 × 5 slide over the picture"),
    "s2": (6, "the largest of each 2 × 2"),
    "c3": (8, "sixteen kernels, each over all six maps"),
    "s4": (8, "the largest of each 2 × 2"),
    "c5": (30, "120 kernels as large as the maps: one number each"),
    "f6": (28, "84 units, each joined to all 120"),
    "logits": (10, "a number for each digit"),
}
TORN = 0.3  # two digits that both have so much: it cannot decide
_MOST_ERRORS = 24


def lenet() -> bool:
    """Show the training and the reading. True if a net trained here cannot decide between two digits of a drawing."""
    st.markdown(
        "Two convolutions, two poolings, three more layers: 61,706 weights, and the template of all that came after "
        "(LeCun et al. 1998). On 1,438 handwritten digits it learns within seconds."
    )
    options = _settings()
    shown = study(STUDY, options, title="LeNet-5 on the digits", draw=_live)
    if shown:
        _learnt(shown)
    st.subheader("Draw a digit, and have it read")
    return _read(shown)


def _settings() -> LeNet | None:
    with st.expander("Settings (none needs changing)", icon=":material/tune:"):
        left, middle, right = st.columns(3)
        label = field(STUDY, "learning_rate")[0].label
        rate = left.selectbox(label, RATES, RATES.index("0.001"), key="architectures_lenet_rate", **LINKED)
        places = {"epochs": middle, "batch_size": right, "shift": left, "seed": middle}
        numbers = {name: whole(STUDY, name, place) for name, place in places.items()}
        try:
            options = LeNet(learning_rate=float(rate), **numbers)
        except SpecRefused as refusal:
            st.error(plain(str(refusal)))
            return None
        st.caption(about_seconds(STUDY, options))
    return options


def _live(options: LeNet, so_far: LeNetResult) -> None:
    if so_far.batches:
        _curve(so_far, options.epochs, "_live")
    if so_far.kernels:
        _kernels(np.array(so_far.kernels[-1]), "Its six first kernels, now")


def _curve(result: LeNetResult, epochs: int, suffix: str) -> None:
    figure = figures.lenet_curve(result.batches, result.epochs, epochs)
    plot(figure, f"lenet_curve{suffix}", "Loss and error of LeNet-5 over the epochs.")


def _kernels(kernels: np.ndarray, caption: str, limit: float | None = None) -> None:
    picture, limit = figures.mosaic(kernels.transpose(1, 2, 0), columns=6, side=80, limit=limit)
    caption += f": blue −{limit:.2f}, white 0, red +{limit:.2f}"
    st.image(picture, caption=caption, alt=caption, width="content")


# What it has learnt --------------------------------------------------------------------------------------------------


def _learnt(shown: Shown[LeNet, LeNetResult]) -> None:
    result, found = shown.result, shown.result.accuracy
    if found is None:
        st.info("It was not tested.")
        return
    st.markdown(
        f"**{found.correct} of {found.total}** test digits are read right, {found.value:.1%} "
        f"(95 % interval {found.low:.1%} to {found.high:.1%})."
    )
    _curve(result, shown.options.epochs, "")
    _first_kernels(np.array(result.kernels))
    left, right = st.columns(2)
    with left:
        st.markdown("**Which for which**")
        plot(figures.which_for_which(result.confusion), "confusion", "Rows are digits, columns what LeNet-5 said.")
    with right:
        _errors(result.errors)


@st.fragment
def _first_kernels(kernels: np.ndarray) -> None:
    last = len(kernels) - 1
    epoch = last
    if last:
        key = "architectures_epoch"
        if st.session_state.get(key, 0) > last:  # of a longer run
            st.session_state[key] = last
        epoch = st.slider("First kernels after epoch", 0, last, last, key=key, **LINKED)
        epoch = min(last, max(0, int(epoch)))
    change = np.sqrt(np.mean((kernels[epoch] - kernels[0]) ** 2)) / np.sqrt(np.mean(kernels[0] ** 2))
    _kernels(kernels[epoch], f"After epoch {epoch}, of {last}", float(np.abs(kernels).max()))
    st.caption(f"From the random start they have moved by {change:.0%} of their own size (root mean square).")


def _errors(errors: Sequence[Misread]) -> None:
    st.markdown(
        f"**Its errors: {len(errors)}**" + (f", the surest {_MOST_ERRORS}" if len(errors) > _MOST_ERRORS else "")
    )
    if not errors:
        st.markdown("None on these test digits.")
        return
    shown = errors[:_MOST_ERRORS]
    pictures = [figures.ink(np.array(error.pixels) / 16, 88) for error in shown]
    captions = [f"{error.digit}, said {error.said} ({error.probability:.0%})" for error in shown]
    st.image(pictures, caption=captions, alt=captions, width=96)


# The reader's own ----------------------------------------------------------------------------------------------------


def _read(shown: Shown[LeNet, LeNetResult] | None) -> bool:
    run_id = shown.run.id if shown and shown.run else ""
    left, right = st.columns([2, 3])
    with left:
        drawing = digit_canvas("architectures_digit")
        st.caption("Mouse, finger or keys: arrow keys move the pen, space puts it down and lifts it.")
    with right:
        if run_id:
            st.markdown(f"Read by **your** LeNet-5, run {run_id}.")
        else:
            st.markdown(
                "Read by the LeNet-5 **that ships**: it was trained before, not here. *Run it here* trains yours in "
                "seconds, and yours reads."
            )
        if drawing is None:
            st.info(
                "Draw a digit, large and in the middle or not: it is cut out and scaled as the training digits were."
            )
            return False
        answer = _answer(run_id, drawing)
        if answer is None:
            return False
        probabilities = answer["probabilities"]
        second, first = np.argsort(probabilities)[-2:]
        st.markdown(f"It reads **{first}** ({probabilities[first]:.1%}), then {second} ({probabilities[second]:.1%}).")
        plot(figures.said(probabilities), "said", "Probability of each digit.")
    _layers(answer)
    return bool(run_id) and probabilities[second] >= TORN


def _answer(run_id: str, drawing: np.ndarray) -> dict[str, Any] | None:
    try:
        with st.spinner(asking("Asking LeNet-5…")):
            return _ask(run_id, hashlib.sha256(drawing.tobytes()).hexdigest(), drawing)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return None


@st.cache_data(max_entries=50, show_spinner=False)
def _ask(run_id: str, digest: str, _drawing: np.ndarray) -> dict[str, Any]:
    answer: dict[str, Any] = client.current().ask(
        "read_digit", run_id, _drawing, location=store().location, timeout=60.0
    )
    return answer


def _layers(answer: dict[str, Any]) -> None:
    st.subheader("Layer by layer")
    left, right, _ = st.columns([1, 1, 3])
    for place, name, what in ((left, "small", "8 × 8, as the digits are"), (right, "picture", "32 × 32, what it gets")):
        place.image(figures.ink(answer[name], 160), caption=what, alt=what, width=160)
    for layer in answer["maps"]:
        if layer["name"] not in LAYERS:
            continue
        columns, what = LAYERS[layer["name"]]
        values = np.asarray(layer["values"])
        values = values.reshape(1, 1, -1) if values.ndim == 1 or values.shape[:2] == (1, 1) else values
        height, width, channels = values.shape
        picture, limit = figures.mosaic(values, columns, max(16, min(90, 6 * height)))
        size = f"{height} × {width} × {channels}" if height > 1 else f"{channels} numbers"
        title = "Output" if layer["name"] == "logits" else layer["name"].upper()
        low = f"blue −{limit:.2g}, " if values.min() < 0 else ""
        caption = f"{title}, {size}: {what}; {low}white 0, red +{limit:.2g}"
        st.image(picture, caption=caption, alt=caption, width="content")
