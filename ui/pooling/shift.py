"""What survives a shift: the picture moved, its map, the pooled map, what differs; then a whole network's answer."""

import numpy as np
import streamlit as st
from PIL import Image

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import experiments, shifts
from cnn_core.figures import maps
from cnn_core.figures import pooling as figures
from cnn_core.figures.spots import ringed
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.pictures.images import Picture
from ui.pooling import settings as pool
from ui.pooling.place import at_the_place
from ui.pooling.settings import ROUNDING, Settings, bright, side_by_side, size
from ui.shared.charts import plot, signed
from ui.shared.controls import segments, slide
from ui.shared.picture import grey, the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import formula, plain, table
from ui.shared.thread import place
from ui.shared.worker import answered

AXES = {"right": "to the right", "down": "down"}
_STEPS = {"right": (0, 1), "down": (1, 0)}
_MOST = 8  # pixels
_SIDE = 64  # a smaller picture is drawn larger before it is shifted


def shift(room: Room) -> bool:
    """Move the picture and show what follows. True if every pooling does so exactly, at a stride above 1."""
    picture = the_picture()
    with room.side:
        pixels = slide("Shift your picture by so many pixels", 0, _MOST, 1, "pooling_shift")
        axis = segments("Direction", AXES, "right", "pooling_axis")
        with room.more("How it is pooled"):
            kind = pool.ask_kind()
            whole = kind.startswith("global")
            window = pool.ask_window(whole)
            # Not disabled where one window is all: the numbers below compare what steps by it.
            stride = pool.ask_stride(window)
    large, times = _large(grey(picture))
    if min(large.shape) < _SIDE // 2:
        room.stage.info("The picture is too narrow to be shifted by 8 pixels. Choose a larger one.")
        return False
    with room.stage:
        _strip(large, Settings(kind, window, stride), axis, pixels)
        down, across = (pixels * step for step in _STEPS[axis])
        if words := at_the_place(large, Settings(kind, window, stride), (down, across)):
            st.markdown(words)
        network = st.container()
    responses = _responses(picture.digest, large, stride, axis)
    here = [response for response in responses if max(response.dy, response.dx) == pixels]
    with room.why:
        told(
            "Move a photo by one pixel and nothing of what it shows has changed. Should a network notice? A "
            "convolution's map moves along, pixel by pixel: that is [[equivariance]]. A pooled map has only every "
            f"{'cell' if stride == 1 else f'{_ordinal(stride)} place'} to move to, and what falls between is "
            "[[aliasing]]. So pooling does not give [[invariance]]; it forgives a little, and the average of the whole "
            "map forgives most. One window, looked at closely, is the next step."
        )
        _numbers(responses, here, pixels, stride)
        st.caption(
            "Each map is made of the edges of your picture (Sobel-x, ReLU). Blur-pool: Zhang 2019, arXiv:1904.11486."
            + (f" Your picture is drawn {times} times as large first." if times > 1 else "")
        )
    with network:
        _network(picture, axis, pixels)
    return pixels > 0 and stride > 1 and all(response.equivariance_error < ROUNDING for response in here)


def _large(image: np.ndarray) -> tuple[np.ndarray, int]:
    """The picture, drawn larger by a whole number if it is small."""
    times = max(1, _SIDE // max(image.shape))
    across = (image.shape[1] * times, image.shape[0] * times)
    drawn = Image.fromarray(image.astype(np.float32)).resize(across, Image.Resampling.BILINEAR)
    return np.asarray(drawn, np.float64), times


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third", 4: "fourth"}[number]


# Pictures -------------------------------------------------------------------------------------------------------------


def _strip(large: np.ndarray, settings: Settings, axis: str, pixels: int) -> None:
    """Show the moved picture, its map, the pooled map, and what of it has not moved along."""
    down, right = (pixels * step for step in _STEPS[axis])
    still, moved = _view(large, axis, 0), _view(large, axis, pixels)
    was, features = (ops.relu(ops.cross_correlate(view, shifts.SOBEL_X)) for view in (still, moved))
    before, after = settings.apply(was), settings.apply(features)
    if settings.whole:
        back, there = after, before
    else:
        back, there = shifts.carried_back(after, before, (down, right), settings.stride)
    limit, spot = signed(was)[1], place()
    shown = bright(moved)
    if spot:
        row, column = spot.point(large.shape)
        axes = _STEPS[axis]
        shown = ringed(shown, (row + down - axes[0] * _MOST, column + right - axes[1] * _MOST))
    side_by_side(
        [
            (shown, f"moved by {pixels} px", "your picture"),
            (signed(features, limit)[0], "its map: edges", maps.said(features)),
            (signed(after, limit)[0], f"pooled: {size(after)}", maps.said(after)),
            (signed(back - there, limit)[0], "what did not follow", maps.said(back - there)),
        ]
    )
    st.markdown(_finding(settings, pixels, shifts.relative_change(back, there)))


def _view(large: np.ndarray, axis: str, pixels: int) -> np.ndarray:
    """The picture moved: what comes in was there before, so that nothing is made up at the border."""
    down, right = _STEPS[axis]
    top, left = down * (_MOST - pixels), right * (_MOST - pixels)
    return large[top : top + large.shape[0] - down * _MOST, left : left + large.shape[1] - right * _MOST]


def _finding(settings: Settings, pixels: int, change: float) -> str:
    if not pixels:
        return "Nothing has moved yet. Guess which of the maps will follow, then move the slider."
    if settings.whole:
        return f"Shift by {pixels}, and the one number that is left of the map changes by **{change:.1%}**."
    if pixels % settings.stride == 0:
        cells = pixels // settings.stride
        return (
            f"Shift by {pixels} and the pooled map follows exactly, by {cells} {'cell' if cells == 1 else 'cells'}: "
            f"moved back, **{change:.0%}** of it differs."
        )
    back = f"{pixels}/{settings.stride} {'cell' if pixels < settings.stride else 'cells'}"
    return (
        f"Shift by {pixels} and the pooled map cannot follow: it moves in steps of {settings.stride}. Moved back by "
        f"{back}, **{change:.0%}** of it differs. The map before it followed exactly."
    )


# Numbers --------------------------------------------------------------------------------------------------------------


@st.cache_data(max_entries=64, show_spinner=False)
def _responses(digest: str, _image: np.ndarray, stride: int, axis: str) -> list[experiments.ShiftResponse]:
    down, right = _STEPS[axis]
    return experiments.shift_response(_image, shifts=[(down * n, right * n) for n in range(_MOST + 1)], stride=stride)


def _numbers(
    responses: list[experiments.ShiftResponse], here: list[experiments.ShiftResponse], pixels: int, stride: int
) -> None:
    st.header("Does another way of making it smaller follow better?", anchor=False)
    words = _compared(here, pixels, stride)
    plot(figures.shift_curves(responses, pixels), "pooling_curves", words.replace("*", ""))
    st.markdown(words)
    rows = [[_title(r), f"{r.change:.3f}", f"{r.equivariance_error:.3f}", f"{r.invariance_error:.3f}"] for r in here]
    table([f"shifted by {pixels} px", "changed", "did not follow", "its average changed"], rows)
    formula(
        r"\text{did not follow: } \varepsilon_E = \frac{\lVert T_{-d/s}\, f(T_d x) - f(x)\rVert}{\lVert f(x)\rVert}"
    )
    formula(
        r"\text{its average changed: } \varepsilon_I = \frac{\lvert g(T_d x) - g(x)\rvert}{\lvert g(x)\rvert},\; "
        r"g = \bar f"
    )


def _title(response: experiments.ShiftResponse) -> str:
    return experiments.OPERATIONS[response.operation].title


def _compared(here: list[experiments.ShiftResponse], pixels: int, stride: int) -> str:
    if pixels == 0:
        return "Not shifted, nothing changes."
    smaller = [response for response in here if response.operation != "none"]
    least, *_, most = sorted(smaller, key=lambda r: r.change)
    best, *_, worst = sorted(smaller, key=lambda r: r.equivariance_error)
    steady, *_, unsteady = sorted(smaller, key=lambda r: r.invariance_error)
    words = f"**{_title(most)}** changes most ({most.change:.3f}), **{_title(least)}** least ({least.change:.3f}). "
    if worst.equivariance_error < ROUNDING:
        words += (
            f"Yet moved back by {pixels}/{stride} cells every map is what it was: error below 1e-9, *equivariant* to "
            "this shift. "
        )
    else:
        words += (
            f"In steps of {stride} none follows a shift by {pixels}: **{_title(best)}** comes nearest "
            f"({best.equivariance_error:.3f} is left), {_title(worst)} least ({worst.equivariance_error:.3f}). "
        )
    return words + (
        f"The average of the whole map changes by {steady.invariance_error:.4f} ({_title(steady)}) to "
        f"{unsteady.invariance_error:.4f} ({_title(unsteady)}): the nearer to 0, the more *invariant*."
    )


# A whole network ------------------------------------------------------------------------------------------------------


def _network(picture: Picture, axis: str, pixels: int) -> None:
    answer = answered("shift_agreement", picture)
    if answer is None:
        return
    drift, agrees, probability = (answer[axis][name][pixels] for name in ("drift", "agrees", "probability"))
    others = sum(not same for same in answer[axis]["agrees"])
    label = plain(answer["label"])
    st.header("Does a whole network change its mind?", anchor=False)
    st.markdown(
        f"{BACKBONES[DEFAULT].title} says **{label}** ({answer['probability']:.0%}). Moved by {pixels} px {label} gets "
        f"{probability:.0%}, and its first answer is {'the same' if agrees else '**another**'}: its logits "
        f"drift by **{drift:.3f}**."
    )
    plot(
        figures.network_drift(answer, axis, pixels),
        "pooling_network",
        f"The logits drift by up to {max(answer[axis]['drift']):.3f}; the first answer is another at {others} of "
        f"{len(answer['shifts'])} shifts.",
    )
    st.caption(
        f"An open circle is a shift at which it changes its mind: {others} of {len(answer['shifts'])} here. Over all "
        f"shifts to the right and down it keeps its first answer in **{answer['agreement']:.0%}**."
    )
