"""One window at a time: what it keeps of the cells it sees, and what is thrown away."""

from functools import partial

import numpy as np
import streamlit as st

from cnn_core.arithmetic import convolution as ops
from cnn_core.arithmetic.spots import Spot, Windows
from cnn_core.figures import maps
from cnn_core.figures import pooling as figures
from ui.pooling import settings as pool
from ui.pooling.settings import Settings, bright, side_by_side
from ui.shared.charts import signed
from ui.shared.controls import cell, put_aside
from ui.shared.picture import grey, the_picture
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import dimensions, formula, plain
from ui.shared.thread import follow_button, nearest
from ui.widgets.stepper.stepper import stepper

_AT = "pooling_at"  # the window, as a link says it
_FEW = 64  # cells of a picture small enough to be one window in the stepper


def steps(room: Room) -> bool:
    """Step through the windows. True if they overlap and halve the picture."""
    image = grey(the_picture())
    with room.side:
        kind = pool.ask_kind()
        whole = kind.startswith("global")
        window = pool.ask_window(whole)
        with room.more("Stride, padding"):
            stride = pool.ask_stride(window, whole)
            padding = pool.ask_padding(image.shape, window, stride, whole)
    settings = Settings(kind, window, stride, padding)
    with room.why:
        told(
            "A network soon has too many cells. So a window slides over each map and writes **one** number for all it "
            "sees: that is [[pooling]]. It has no weights, and nothing about it is learnt. What would you keep of a "
            "window: its largest cell or its mean? The largest says *that* something was found, the mean *how much* "
            "of it there is. Neither says where: the next steps are about that."
        )
        formula(pool.FORMULAS[kind])
        if image.shape[0] > 8 and not whole:
            st.caption("The window's cells are pixels from 0 to 255 here; all else takes them from 0 to 1.")
    try:
        pooled = settings.apply(image)
    except ValueError as refusal:
        room.stage.error(plain(str(refusal)))
        return False
    with room.stage:
        if not whole or image.size <= _FEW:
            _stepper(image, settings, pooled.shape)
        _thrown_away(image, pooled, settings)
    return not whole and window > stride == 2


def _stepper(image: np.ndarray, settings: Settings, shape: tuple[int, ...]) -> None:
    window, stride, padding = (settings.window, settings.window), settings.stride, settings.padding
    if settings.whole:
        window, stride, padding = (image.shape[0], image.shape[1]), 1, "valid"
    (top, bottom), (before, after) = (
        ops.paddings(n, side, stride, padding) for n, side in zip(image.shape, window, strict=True)
    )
    windows = Windows((shape[0], shape[1]), window, (stride, stride), (top, before))
    followed, at = nearest(windows, image.shape), cell(_AT, shape)
    start = followed or ((0, 0) if settings.whole else _liveliest(image, settings))
    stepper(
        np.round(255 * image) if image.shape[0] > 8 else image,
        "pooling_stepper",
        mode=settings.kind.removeprefix("global-"),
        window=window,
        stride=stride,
        pad=(top, before, bottom, after),
        start=start,
        at=at or followed,
        on_move=partial(put_aside, _AT),
    )
    here = at or start
    if not settings.whole:
        follow_button("pooling_follow", Spot.at(windows.centre(here), image.shape), here=here == followed)


def _liveliest(image: np.ndarray, settings: Settings) -> tuple[int, int]:
    """Where a window's cells differ most: of a flat wall there is nothing to choose."""
    arguments = settings.window, settings.stride, settings.padding
    spread = ops.max_pool(image, *arguments) + ops.max_pool(-image, *arguments)
    row, column = divmod(int(spread.argmax()), spread.shape[1])
    return row, column


def _thrown_away(image: np.ndarray, pooled: np.ndarray, settings: Settings) -> None:
    mode = settings.kind.removeprefix("global-")
    became = dimensions(*pooled.shape)
    if mode == "l2":  # in the units of the picture: a window of one grey is that grey
        pooled = pooled / settings.apply(np.ones_like(image))
    lost = image - (spread := settings.unpool(pooled, image.shape))
    gone = settings.unpool(np.ones_like(pooled), image.shape) == 0  # pixels that no window saw
    (coloured, limit), kept = signed(lost), pooled.size
    shown = [
        (bright(image), f"picture, {dimensions(*image.shape)}", "your picture"),
        (bright(spread if settings.whole else pooled), f"pooled, {became}", maps.said(pooled)),
        (coloured, f"lost: red +{limit:.2g}, blue −{limit:.2g}", maps.said(lost)),
    ]
    if settings.kind == "max":
        _, rows, columns = ops.max_pool_argmax(image, settings.window, settings.stride, settings.padding)
        kept = len(np.unique(rows * image.shape[1] + columns))
        won = f"{kept:,} of {image.size:,} pixels win a window"
        shown.append((figures.marked(image, rows, columns), "the winners, in their place", won))
    side_by_side(shown)
    share, energy = max(0.0, 1 - kept / image.size), (lost**2).sum() / max((image**2).sum(), 1e-12)
    cells, what = settings.window**2, "win no window" if settings.kind == "max" else "leave no number of their own"
    tiled = not settings.whole and settings.window == settings.stride
    st.markdown(
        f"{dimensions(*image.shape)} became **{became}**. Of {image.size:,} pixels **{100 * share:.5g}%** {what}"
        + (f" (of the {cells} in a window one stays)" if tiled else "")
        + f"; what is lost holds **{energy:.2%}** of the picture's energy (Σx²). {_loss(mode, lost, gone)}"
    )


def _loss(mode: str, lost: np.ndarray, gone: np.ndarray) -> str:
    unseen = "pixels that no window saw: nothing of them is left." if lost[gone].any() else ""
    if mode == "max":
        return f"Red are {unseen}" if unseen else "Nothing is red: no pixel is brighter than its window's winner."
    also = f" Red are also {unseen}" if unseen else ""
    if mode == "l2":
        return f"Divided by √(cells), it lies between the mean and the largest: bright pixels count more.{also}"
    return f"Under the windows red and blue nearly cancel (mean {lost[~gone].mean():.2g}): only detail is lost.{also}"
