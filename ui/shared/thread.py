"""A place in the picture that the reader follows through the lessons: `follow=412.305`, per mille of height and width.

It is picked once, where a lesson shows a window or a cell; every lesson that has a place then begins there. The session
carries it from page to page, the link says it.
"""

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from cnn_core.arithmetic.spots import Pair, Point, Spot, Windows
from cnn_core.figures import spots
from cnn_core.pictures.images import Picture
from cnn_core.pictures.picture import framed
from ui.shared.controls import put_aside, usable
from ui.shared.lesson_list import on_the_way
from ui.shared.navigation import PAGES
from ui.shared.picture import the_picture
from ui.shared.present import presenting
from ui.widgets.wall.wall import source

FOLLOW = "follow"
_SPOT, _SEEN = "thread_spot", "thread_seen"  # in the session: the place; the page whose link has said it
_WINDOWS = ("convolution_at", "pooling_at")  # where windows were left: they go to the place when one is picked
_SIDE = 36  # pixels of the small picture


class Reader(NamedTuple):
    """A view that reads the place: its page, its step, and what it says of it."""

    page: str
    step: str
    says: str


READERS = (
    Reader("convolution", "Step by step", "the window there"),
    Reader("pooling", "Shift", "what a shift does to it"),
    Reader("pooling", "Steps", "what pooling keeps of it"),
    Reader("channels", "Field", "the neuron that sees it"),
    Reader("channels", "Effective", "is it really used?"),
    Reader("architectures", "Picture", "what networks say there"),
    Reader("laboratory", "Depth", "where classes come apart"),
)


def read_link(page: str) -> None:
    """Take up what the link says, or on another page have the link say what is followed.

    On the page that has said it a link without it is one that the reader has gone back to: it is left as it is, for
    whatever is written there would be a step forward, and Back a trap.

    Args:
        page: Its name in addresses.
    """
    usable(FOLLOW, lambda text: Spot.read(text) is not None)
    said = Spot.read(st.query_params.get(FOLLOW, ""))
    if said:
        if place() not in (None, said):  # else it is a new link, which may say where a window is, too
            _go_there()
        st.session_state[_SPOT] = said
    elif (there := place()) and st.session_state.get(_SEEN) != page:
        st.query_params[FOLLOW] = there.text
    st.session_state[_SEEN] = page


def place() -> Spot | None:
    """Return the place that is followed; None if none is."""
    found: Spot | None = st.session_state.get(_SPOT)
    return found


def query() -> dict[str, str]:
    """Return what a link says of the place."""
    there = place()
    return {FOLLOW: there.text} if there else {}


def _follow(spot: Spot) -> None:
    """Follow a place from now on."""
    st.session_state[_SPOT] = spot
    st.query_params[FOLLOW] = spot.text
    _go_there()


def _stop() -> None:
    """Follow none any more."""
    st.session_state.pop(_SPOT, None)
    st.query_params.pop(FOLLOW, None)


def follow_button(key: str, spot: Spot, *, here: bool) -> None:
    """Let the reader follow a place, or say that it is the one that is followed.

    Args:
        key: Of the widget.
        spot: The place.
        here: Whether what is shown is where the followed place is.
    """
    if presenting():
        return
    if here:
        st.caption(":material/my_location: This is the place that you follow.")
    elif st.button(
        "Follow this place",
        key=key,
        icon=":material/my_location:",
        help="Every lesson then begins at this place of your picture; the link says it, too",
    ):
        _follow(spot)
        st.rerun()


def nearest(windows: Windows, shape: tuple[int, ...]) -> Pair | None:
    """Return the unit nearest to the followed place; None if none is followed.

    Args:
        windows: How the units look at the picture.
        shape: Of the whole picture as they see it.
    """
    there = place()
    return windows.nearest(there.point(shape)) if there else None


def in_square(picture: Picture, size: int, crop_fraction: float) -> Point | None:
    """Return where the followed place is in the middle of a picture, as `square` cuts it; None if it is not in there.

    Args:
        picture: The picture.
        size: Of the square, in pixels.
        crop_fraction: Share of the shorter side that is kept.
    """
    there = place()
    if there is None:
        return None
    height, width, top, left = framed(picture.pixels.shape, size, crop_fraction)
    down, right = there.point((height, width))
    inside = 0 <= down - top <= size and 0 <= right - left <= size
    return (down - top, right - left) if inside else None


def of_square(point: Point, picture: Picture, size: int, crop_fraction: float) -> Spot:
    """Return the place of a point in the middle of a picture; the way back of `in_square`."""
    height, width, top, left = framed(picture.pixels.shape, size, crop_fraction)
    return Spot.at((point[0] + top, point[1] + left), (height, width))


def bar(page: str) -> None:
    """Say at the foot of a page which place is followed, and where that is read next.

    Args:
        page: Its name in addresses.
    """
    there = place()
    if there is None or presenting():
        return
    picture = the_picture()
    row, column = there.pixel(picture.pixels.shape)
    with st.bottom, st.container(key="thread", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(Path(__file__).with_name("thread.css"))
        st.html(
            f'<span class="thread"><img src="{_small(picture.digest, there, picture)}" alt="">'
            f"<span>Following a place<i>: row {row:,}, column {column:,}</i></span></span>",
            width="content",
        )
        if not on_the_way(page):
            _next(page, there)
        st.button("Stop following", key="thread_stop", on_click=_stop, icon=":material/close:")


def _next(page: str, there: Spot) -> None:
    """The way to the next view that reads it."""
    here = next((n for n, each in enumerate(READERS) if each.page == page and _is_at(each)), -1)
    then = READERS[(here + 1) % len(READERS)]
    st.page_link(
        PAGES / f"{then.page}.py",
        label=f"Next: **{then.says}**",
        icon=":material/arrow_forward:",
        query_params={f"{then.page}_view": then.step, FOLLOW: there.text},
    )


def _is_at(each: Reader) -> bool:
    return bool(st.session_state.get(f"{each.page}_view") == each.step)


def _go_there() -> None:
    for name in _WINDOWS:
        put_aside(name, "")


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Spot: lambda spot: spot.text})
def _small(digest: str, there: Spot, _picture: Picture) -> str:
    return source(spots.around(_picture.pixels, there, 2 * _SIDE))
