"""Where one can go from the front door, each way with what is computed there."""

import io

import numpy as np
import streamlit as st
from PIL import Image, ImageOps

from cnn_core.arithmetic.convolution import cross_correlate
from cnn_core.arithmetic.escaping import html
from cnn_core.arithmetic.kernels import PRESETS
from cnn_core.figures.mosaic import sheet, sheet_of
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.networks.zoom.answers import Strip
from cnn_core.pictures.images import Picture
from ui.shared import tour
from ui.shared.charts import palette, signed
from ui.shared.lesson_list import TOUR
from ui.shared.navigation import PAGES
from ui.shared.picture import forgotten, grey, the_picture
from ui.shared.session import Album, sample, small

WAYS = (  # page, what one does there, how, icon
    (
        "convolution",
        "Understand it step by step",
        "Short lessons on this picture: a window slides, a map appears, a network grows.",
        ":material/grid_on:",
    ),
    (
        "transfer",
        "Teach it your own words",
        "Two kinds of things, ten photos each, one button. Watch a frozen and a fine-tuned network learn them.",
        ":material/school:",
    ),
    (
        "architectures",
        f"Open any of {len(ARCHITECTURES)} networks",
        "From LeNet to ViT, exact to the last parameter, drawn and foldable.",
        ":material/account_tree:",
    ),
)


_THINGS, _SIDE, _MAPS, _STAGE = 4, 96, 18, 2  # pictures of a class; pixels; maps, and of which stage
_KEPT = 32  # thumbnails of each way, for all readers: Back draws the page anew


def way_in() -> None:
    """Offer the walk of ten steps to who is here for the first time."""
    if TOUR not in st.query_params:
        where = html(tour.address(0))
        st.html(f'<a class="walk-in" href="{where}" target="_self">New here? {tour.TITLE} <span>→</span></a>')


def ways(found: Strip | None) -> None:
    """Show the three ways on.

    Args:
        found: What the network makes of the visitor's picture, where there is an answer.
    """
    picture, paper = the_picture(), palette().paper
    maps = _maps(found.key, picture.digest, paper, found) if found else None
    shown = (_edges(picture.digest, paper, picture), _things(), maps)
    for column, (page, label, how, icon), thumbnail in zip(st.columns(len(WAYS)), WAYS, shown, strict=True):
        with column.container(border=True, height="stretch", key=f"way_{page}"):
            if thumbnail is not None:
                st.image(thumbnail, width="stretch", alt="")  # the words below say what is done there
            st.page_link(PAGES / f"{page}.py", label=f"**{label}**", icon=icon)
            st.markdown(how)


@forgotten
@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _edges(digest: str, paper: str, _picture: Picture) -> np.ndarray:
    """The picture's upright edges: what the first lesson computes."""
    return signed(cross_correlate(grey(_picture), PRESETS["sobel_x"].kernel(), padding="same", edge="reflect"))[0]


def _things() -> bytes:
    """Pictures that a network would be taught, of several classes: the visitor's own, or of a sample set."""
    items = Album.current().items or sample("textures")[1]
    classes = sorted({item.label for item in items})
    of_each = [[item for item in items if item.label == name] for name in classes]
    turn = [each[place] for place in range(_THINGS) for each in of_each if place < len(each)][:_THINGS]
    return _in_a_row(tuple(item.digest for item in turn), palette().paper)


@forgotten
@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _in_a_row(digests: tuple[str, ...], paper: str) -> bytes:
    return sheet_of([_square(small(digest)) for digest in digests], len(digests), gap=4, palette=palette()).png


def _square(thumbnail: bytes) -> np.ndarray:
    return np.asarray(ImageOps.fit(Image.open(io.BytesIO(thumbnail)).convert("RGB"), (_SIDE, _SIDE)))


@forgotten
@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _maps(network: str, digest: str, paper: str, _found: Strip) -> bytes:
    """Maps of a middle stage, those that vary most."""
    stage = _found.stages[min(_STAGE, len(_found.stages) - 1)]
    return sheet(stage.coded.codes[:_MAPS], _MAPS // 2, palette=palette()).png
