"""What survives a shift: the picture moved by hand, its map, the pooled map, what differs; then a network's answer."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic import shifts
from cnn_core.figures import maps
from cnn_core.figures import pooling as figures
from cnn_core.figures.spots import ringed
from cnn_core.pictures.images import Picture
from ui.pooling import settings as pool
from ui.pooling.mind import before_and_after, over_all_shifts
from ui.pooling.place import at_the_place
from ui.pooling.settings import ROUNDING, Settings, bright, captioned
from ui.shared.charts import plot, signed
from ui.shared.controls import one_of, slide, usable, within
from ui.shared.guess import guess
from ui.shared.picture import grey, the_picture
from ui.shared.present import shows
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, formula, table
from ui.shared.thread import place
from ui.widgets.shifter.shifter import shifter
from ui.widgets.wall.wall import source

Shift = tuple[int, int]  # pixels down and to the right

_RIGHT, _DOWN = "pooling_right", "pooling_down"
_PIXELS, _AXIS = "pooling_shift", "pooling_axis"  # of links from when a picture was moved along one axis only
_MOST = 8  # pixels
_SIDE = 64  # a smaller picture is drawn larger before it is shifted
_SHARP = 96  # a smaller picture is shown by its pixels
_CORNERS = ((_MOST, _MOST), (-_MOST, -_MOST))  # so that every response is of the same part of the picture


@dataclass(frozen=True, eq=False)
class Moved:
    """A picture that was moved, and what follows.

    Attributes:
        features: Its map, `(h, w)`.
        pooled: The map pooled.
        before: The same of the picture that was not moved.
        back: The pooled map moved back, where there is something to compare it with.
        there: The pooled map of the picture that was not moved, in the same place.
        limit: Where the colours of all of them are full.
    """

    features: np.ndarray
    pooled: np.ndarray
    before: np.ndarray
    back: np.ndarray
    there: np.ndarray
    limit: float

    @property
    def change(self) -> float:
        """Relative change of the pooled map after it was moved back."""
        return shifts.relative_change(self.back, self.there)


def shift(room: Room) -> bool:
    """Move the picture and show what follows. True if every pooling does so exactly, at a stride above 1."""
    picture = the_picture()
    _translate()
    with room.side:
        right = slide("Shift your picture to the right (below 0: left)", -_MOST, _MOST, 1, _RIGHT)
        down = slide("Shift it down (below 0: up)", -_MOST, _MOST, 0, _DOWN)
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
    settings, by = Settings(kind, window, stride), (down, right)
    moved = moved_by(large, settings, by)
    with room.stage:
        _strip(picture, large, moved, by)
        if not (moved.before.any() or moved.pooled.any()):
            st.info("Its map is 0 everywhere: your picture has no upright edge, and nothing can follow.")
        elif not any(by):
            st.markdown("Nothing has moved yet. Drag the picture: which of the maps will follow?")
        elif guess(
            "pooling_guess",
            "Moved back to where it was, by how much will the pooled map differ?",
            (0, 100, "%"),
            100 * moved.change,
        ):
            st.markdown(_finding(settings, by, moved.change))
        if words := at_the_place(large, settings, by):
            st.markdown(words)
        is_asked = before_and_after(picture, by)
    here = _responses(picture.digest, large, stride, (by,))
    with room.why:
        told(
            "Move a photo by one pixel and nothing of what it shows has changed. Should a network notice? A "
            "convolution's map moves along, pixel by pixel: that is [[equivariance]]. A pooled map has only every "
            f"{'cell' if stride == 1 else f'{_ordinal(stride)} place'} to move to, and what falls between is "
            "[[aliasing]]. So pooling does not give [[invariance]]; it forgives a little, and the average of the whole "
            "map forgives most. One window, looked at closely, is the next step."
        )
        _numbers(_responses(picture.digest, large, stride, _line(by)), here, by, stride)
        st.caption(
            "Each map is made of the edges of your picture (Sobel x, ReLU). Blur-pool: Zhang 2019, arXiv:1904.11486."
            + (f" Your picture is drawn {times} times as large first." if times > 1 else "")
        )
        if is_asked:
            over_all_shifts(picture, by)
    followed = moved.before.any() and all(response.equivariance_error < ROUNDING for response in here)
    return any(by) and stride > 1 and bool(followed)


def _translate() -> None:
    """Read a link from when a picture was moved along one axis only."""
    if not {_PIXELS, _AXIS} & {*st.query_params}:
        return
    good = usable(_PIXELS, within(0, _MOST)) and usable(_AXIS, one_of("right", "down"))
    pixels, axis = st.query_params.pop(_PIXELS, "1"), st.query_params.pop(_AXIS, "right")
    if good:
        right, down = (0, int(pixels)) if axis == "down" else (int(pixels), 0)
        st.session_state[_RIGHT], st.session_state[_DOWN] = right, down
        st.query_params.update({_RIGHT: str(right), _DOWN: str(down)})


def _go(down: int, right: int) -> None:
    """Move the picture to where a hand has let go of it."""
    st.session_state[_RIGHT], st.session_state[_DOWN] = right, down


def _said(by: Shift) -> str:
    """Say a shift in words.

    Example:
        >>> _said((0, 1)), _said((-2, 3)), _said((4, 0))
        ('1 px right', '3 px right and 2 px up', '4 px down')
    """
    down, right = by
    across = [f"{abs(right)} px {'right' if right > 0 else 'left'}"] if right else []
    along = [f"{abs(down)} px {'down' if down > 0 else 'up'}"] if down else []
    return " and ".join(across + along) or "0 px"


def _large(image: np.ndarray) -> tuple[np.ndarray, int]:
    """The picture, drawn larger by a whole number if it is small."""
    times = max(1, _SIDE // max(image.shape))
    across = (image.shape[1] * times, image.shape[0] * times)
    drawn = Image.fromarray(image.astype(np.float32)).resize(across, Image.Resampling.BILINEAR)
    return np.asarray(drawn, np.float64), times


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third", 4: "fourth"}[number]


# Pictures -------------------------------------------------------------------------------------------------------------


def moved_by(large: np.ndarray, settings: Settings, by: Shift) -> Moved:
    """Move a picture within its frame, make its map and pool it.

    Args:
        large: `(H, W)`, 0 to 1; 8 pixels on each side are left for what comes in.
        settings: How it is pooled.
        by: Pixels down and to the right.
    """
    was, features = (ops.relu(ops.cross_correlate(view, shifts.SOBEL_X)) for view in (_view(large), _view(large, by)))
    before, after = settings.apply(was), settings.apply(features)
    back, there = (after, before) if settings.whole else shifts.carried_back(after, before, by, settings.stride)
    return Moved(features, after, before, back, there, signed(was)[1])


def _view(large: np.ndarray, by: Shift = (0, 0)) -> np.ndarray:
    """The picture moved: what comes in was there before, so that nothing is made up at the border."""
    top, left = (_MOST - pixels for pixels in by)
    return large[top : top + large.shape[0] - 2 * _MOST, left : left + large.shape[1] - 2 * _MOST]


def _strip(picture: Picture, large: np.ndarray, moved: Moved, by: Shift) -> None:
    """Show the picture under the reader's hand, its map, the pooled map now and before, and what has not followed."""
    hand, maps_of_it = st.columns(2, gap="small", wrap=False)
    movable, spot = shows(_RIGHT) and shows(_DOWN), place()
    with hand:
        shifter(
            _address(picture.digest, spot.text if spot else "", large),
            "pooling_hand",
            size=(large.shape[0], large.shape[1]),
            most=_MOST,
            at=by,
            label="Your picture. " + ("Drag it, or move it with the arrow keys" if movable else "Moved"),
            on_move=_go,
            sharp=max(large.shape) < _SHARP,
            still=not movable,
        )
    left = moved.back - moved.there
    shown = (
        (moved.features, "its map: edges"),
        (moved.pooled, f"pooled: {dimensions(*moved.pooled.shape)}"),
        (moved.before, "pooled, before"),
        (left, "what did not follow"),
    )
    for pair in (shown[:2], shown[2:]):
        for column, (values, caption) in zip(maps_of_it.columns(2, gap="small", wrap=False), pair, strict=True):
            captioned(column, signed(values, moved.limit)[0], caption, maps.said(values))


@st.cache_data(max_entries=32, show_spinner=False)
def _address(digest: str, followed: str, _large: np.ndarray) -> str:
    """The picture to be moved, as an address; a place that is followed is ringed and moves along."""
    shown, spot = bright(_large), place()
    return source(maps.png(ringed(shown, spot.point(_large.shape)) if spot else shown))


def _finding(settings: Settings, by: Shift, change: float) -> str:
    shifted = f"Shift by {_said(by)}"
    if settings.whole:
        return f"{shifted}, and the one number that is left of the map changes by **{change:.1%}**."
    if all(pixels % settings.stride == 0 for pixels in by):
        cells = " and ".join(str(abs(pixels) // settings.stride) for pixels in reversed(by) if pixels)
        return (
            f"{shifted} and the pooled map follows exactly, by {cells} {'cell' if cells == '1' else 'cells'}: "
            f"moved back, it differs by **{change:.0%}**."
        )
    return (
        f"{shifted} and the pooled map cannot follow: it moves in steps of {settings.stride}. Moved back by "
        f"{_cells(by, settings.stride)}, it differs by **{change:.0%}**. The map before pooling followed exactly."
    )


def _cells(by: Shift, stride: int) -> str:
    """Say how many cells of a pooled map a shift is.

    Example:
        >>> _cells((0, 1), 2), _cells((3, -4), 2)
        ('1/2 cell', '4/2 and 3/2 cells')
    """
    cells = [f"{abs(pixels)}/{stride}" for pixels in reversed(by) if pixels]
    return " and ".join(cells) + (" cell" if len(cells) == 1 and max(map(abs, by)) <= stride else " cells")


# Numbers --------------------------------------------------------------------------------------------------------------


def _line(by: Shift) -> tuple[Shift, ...]:
    """Shifts straight along the axis on which the reader has gone furthest: as far as there is room."""
    down, right = by
    if abs(down) > abs(right):
        return tuple((n if down > 0 else -n, 0) for n in range(_MOST + 1))
    return tuple((0, -n if right < 0 else n) for n in range(_MOST + 1))


@st.cache_data(max_entries=64, show_spinner=False)
def _responses(digest: str, _image: np.ndarray, stride: int, line: tuple[Shift, ...]) -> list[shifts.ShiftResponse]:
    every = shifts.shift_response(_image, shifts=[*line, *_CORNERS], stride=stride)
    return [response for response in every if (response.dy, response.dx) in line]


def _numbers(responses: list[shifts.ShiftResponse], here: list[shifts.ShiftResponse], by: Shift, stride: int) -> None:
    st.header("Does another way of making it smaller follow better?", anchor=False)
    words = _compared(here, by, stride)
    plot(figures.shift_curves(responses, max(map(abs, by))), "pooling_curves", words.replace("*", ""))
    st.markdown(words)
    rows = [[_title(r), f"{r.change:.3f}", f"{r.equivariance_error:.3f}", f"{r.invariance_error:.3f}"] for r in here]
    table([f"shifted by {_said(by)}", "changed", "did not follow", "its average changed"], rows)
    formula(
        r"\text{did not follow: } \varepsilon_E = \frac{\lVert T_{-d/s}\, f(T_d x) - f(x)\rVert}{\lVert f(x)\rVert}"
    )
    formula(
        r"\text{its average changed: } \varepsilon_I = \frac{\lvert g(T_d x) - g(x)\rvert}{\lvert g(x)\rvert},\; "
        r"g = \bar f"
    )


def _title(response: shifts.ShiftResponse) -> str:
    return shifts.OPERATIONS[response.operation].title


def _compared(here: list[shifts.ShiftResponse], by: Shift, stride: int) -> str:
    if not any(by):
        return "Not shifted, nothing changes."
    if not any(response.change for response in here):
        return "Nothing changes."
    smaller = [response for response in here if response.operation != "none"]
    least, *_, most = sorted(smaller, key=lambda r: r.change)
    best, *_, worst = sorted(smaller, key=lambda r: r.equivariance_error)
    steady, *_, unsteady = sorted(smaller, key=lambda r: r.invariance_error)
    words = f"**{_title(most)}** changes most ({most.change:.3f}), **{_title(least)}** least ({least.change:.3f}). "
    if worst.equivariance_error < ROUNDING:
        words += (
            f"Yet moved back by {_cells(by, stride)} every map is what it was: error below 1e-9, *equivariant* to "
            "this shift. "
        )
    else:
        words += (
            f"In steps of {stride} none follows a shift by {_said(by)}: **{_title(best)}** comes nearest "
            f"({best.equivariance_error:.3f} is left), {_title(worst)} least ({worst.equivariance_error:.3f}). "
        )
    return words + (
        f"The average of the whole map changes by {steady.invariance_error:.4f} ({_title(steady)}) to "
        f"{unsteady.invariance_error:.4f} ({_title(unsteady)}): the nearer to 0, the more *invariant*."
    )
