"""LeNet-5, trained on the digits before one's eyes; then it reads what the reader draws, layer by layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.figures import lenet as figures
from cnn_core.training.studies.lenet import STUDY, LeNet, LeNetResult, Misread, seen_words
from ui.architectures.study import Shown, field, made, study, whole
from ui.shared.charts import palette, plot
from ui.shared.controls import pick, slide
from ui.shared.session import store
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions
from ui.shared.worker import answered
from ui.widgets.digit_canvas.digit_canvas import digit_canvas

RATES = ("0.0003", "0.001", "0.003", "0.01")
WHOLE = ("epochs", "batch_size", "shift", "seed")
LAYERS = {  # as in the paper: how many maps or units in a row, and what the layer is
    "c1": (6, "six kernels of 5 × 5 slide over the picture"),
    "s2": (6, "the largest of each 2 × 2"),
    "c3": (8, "sixteen kernels, each over all six maps"),
    "s4": (8, "the largest of each 2 × 2"),
    "c5": (30, "120 kernels as large as the maps: one number each"),
    "f6": (28, "84 neurons, each joined to all 120"),
    "logits": (10, "a number for each digit"),
}
TORN = 0.3  # two digits that both have so much: it cannot decide
_MAX_ERRORS = 24


def lenet(room: Room) -> bool:
    """Show the training and the reading. True if a net trained here cannot decide between two digits of a drawing."""
    running, looking = room.side.container(), room.side.container()
    options = _settings(room)
    shown = study(room, running, STUDY, options, title="LeNet-5 on the digits", draw=_live)
    if shown:
        _learnt(room, shown, looking)
    with room.why:
        torn = _read(shown)
        if shown and shown.result.accuracy:
            _mistaken(shown.result)
        told(
            "Two convolutions, two poolings, three more layers: 61,706 parameters. Nets like this once read the "
            "cheques of American banks, and all that came after keeps the plan (LeCun et al. 1998, "
            "doi:10.1109/5.726791). It begins with random [[kernel|kernels]] and sees 1,438 handwritten digits again "
            "and again; after some seconds its [[feature map|feature maps]] show strokes and corners that nobody has "
            "told it of. Next: what happens when one simply makes such a net deeper?"
        )
    return torn


def _settings(room: Room) -> LeNet | None:
    with room.more("Settings (none needs changing)"):
        rate = pick(field(STUDY, "learning_rate")[0].label, RATES, "0.001", "architectures_lenet_rate")
        numbers = {name: whole(STUDY, name) for name in WHOLE}
    return made(room, lambda: LeNet(learning_rate=float(rate), **numbers))


def _live(options: LeNet, so_far: LeNetResult) -> None:
    if so_far.batches:
        _curve(so_far, options.epochs, "_live")
    if so_far.kernels:
        _kernels(np.array(so_far.kernels[-1]), "Its six first kernels, now")


def _curve(result: LeNetResult, epochs: int, suffix: str) -> None:
    figure = figures.lenet_curve(result.batches, result.epochs, epochs)
    ends = f"its error on new digits falls to {result.epochs[-1].test_error:.1%}" if result.epochs else "it has begun"
    plot(figure, f"architectures_lenet_curve{suffix}", f"LeNet-5 learns: {ends} in {len(result.epochs)} epochs.")


def _kernels(kernels: np.ndarray, caption: str, limit: float | None = None) -> None:
    picture, limit = figures.mosaic(
        kernels.transpose(1, 2, 0), columns=6, side=80, limit=limit, palette=palette(), of_weights=True
    )
    caption += f": brown −{limit:.2f}, green +{limit:.2f}"
    st.image(picture, caption=caption, alt=caption, width="content")


# What it has learnt --------------------------------------------------------------------------------------------------


def _learnt(room: Room, shown: Shown[LeNet, LeNetResult], looking: Any) -> None:
    result, found = shown.result, shown.result.accuracy
    if found is None:
        room.stage.info("It was not tested.")
        return
    with room.stage:
        _curve(result, shown.options.epochs, "")
        st.markdown(
            f"**{found.correct} of {found.total}** digits that it has never seen are read right, {found.value:.1%}. "
            f"On others of the same hands it would likely land between {found.low:.1%} and {found.high:.1%}."
        )
        _first_kernels(np.array(result.kernels), looking)


def _first_kernels(kernels: np.ndarray, place: Any) -> None:
    last = len(kernels) - 1
    epoch = last
    if last:
        key = "architectures_epoch"
        if st.session_state.get(key, 0) > last:  # of a longer run
            st.session_state[key] = last
            st.query_params.pop(key, None)
        with place:
            epoch = slide("Show its first kernels after epoch", 0, last, last, key)
    change = np.sqrt(np.mean((kernels[epoch] - kernels[0]) ** 2)) / np.sqrt(np.mean(kernels[0] ** 2))
    _kernels(kernels[epoch], f"First kernels after epoch {epoch} of {last}", float(np.abs(kernels).max()))
    st.caption(f"From the random start they have moved by {change:.0%} of their own size (root mean square).")


def _mistaken(result: LeNetResult) -> None:
    st.header("What was mistaken for what?", anchor=False)
    left, right = st.columns(2)
    wrong = [(n, r, c) for r, row in enumerate(result.confusion) for c, n in enumerate(row) if r != c and n]
    times, digit, said = max(wrong, default=(0, 0, 0))
    alt = f"Most often a {digit} was taken for a {said}: {times} times." if times else "No digit was mistaken."
    plot(figures.which_for_which(result.confusion), "architectures_confusion", alt, left)
    with right:
        _errors(result.errors)


def _errors(errors: Sequence[Misread]) -> None:
    st.markdown(f"**Its errors: {len(errors)}**" + (f", the surest {_MAX_ERRORS}" if len(errors) > _MAX_ERRORS else ""))
    if not errors:
        st.markdown("None on these test digits.")
        return
    shown = errors[:_MAX_ERRORS]
    pictures = [figures.ink(np.array(error.pixels) / 16, 88) for error in shown]
    captions = [f"{error.digit}, said {error.said} ({error.probability:.0%})" for error in shown]
    st.image(pictures, caption=captions, alt=captions, width=96)


# The reader's own ----------------------------------------------------------------------------------------------------


def _read(shown: Shown[LeNet, LeNetResult] | None) -> bool:
    st.header("Can it read your hand?", anchor=False)
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
        answer: dict[str, Any] | None = answered(
            "read_digit", run_id, drawing, words="Asking LeNet-5…", location=store().location
        )
        if answer is None:
            return False
        probabilities = answer["probabilities"]
        second, first = np.argsort(probabilities)[-2:]
        st.markdown(f"It reads **{first}** ({probabilities[first]:.1%}), then {second} ({probabilities[second]:.1%}).")
        _seen(int(first), answer)
        alt = f"It reads {first} with {probabilities[first]:.0%}, {second} with {probabilities[second]:.0%}."
        plot(figures.said(probabilities), "architectures_said", alt)
    _layers(answer)
    return bool(run_id) and probabilities[second] >= TORN


def _seen(said: int, answer: dict[str, Any]) -> None:
    """Show of each digit what it has learnt that is most like the drawing: its answer can be no better than that."""
    st.markdown(seen_words(said, {each["digit"]: each["distance"] for each in answer["seen"]}, answer["usual"]))
    pictures = [figures.ink(each["pixels"], 48) for each in answer["seen"]]
    captions = [str(each["digit"]) for each in answer["seen"]]
    st.image(pictures, caption=captions, alt=[f"A {digit} that it has learnt" for digit in captions], width=48)
    st.caption(
        "Of each digit, the one most like yours among the 1,438 that it has learnt. All were written by thirteen "
        "people, and nearly all their 7s have a bar: what is written in another way is new to it."
    )


def _layers(answer: dict[str, Any]) -> None:
    st.subheader("Layer by layer", anchor=False)
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
        picture, limit = figures.mosaic(values, columns, max(16, min(90, 6 * height)), palette=palette())
        shape = dimensions(height, width, channels) if height > 1 else f"{channels} numbers"
        title = "Output" if layer["name"] == "logits" else layer["name"].upper()
        low = f"blue −{limit:.2g}, " if values.min() < 0 else ""
        caption = f"{title}, {shape}: {what}; {low}red +{limit:.2g}"
        st.image(picture, caption=caption, alt=caption, width="content")
