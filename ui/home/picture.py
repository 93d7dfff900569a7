"""The picture of the front door: large, a file is dropped anywhere on it; and eight to begin with."""

import io

import numpy as np
import streamlit as st
from PIL import Image, ImageOps

from cnn_core.figures.mosaic import Sheet, sheet_of
from cnn_core.pictures.bundled import BUNDLED
from ui.shared.picture import choose, chosen, notes, small_bundled
from ui.shared.picture_dialog import drop_picture
from ui.widgets.wall.wall import Tile, wall

EIGHT = ("chelsea", "coffee", "astronaut", "camera", "rocket", "china", "flower", "digit-7")
_SIDE = 72  # pixels of each


def picture_place() -> None:
    """Draw the visitor's picture, on which another is dropped (home.css lays the uploader over it)."""
    shown = chosen()
    with st.container(key="front_picture"):
        st.image(shown.picture.pixels, alt=shown.title, width="stretch")
        if drop_picture("home_picture"):
            st.rerun()
    notes(shown.picture)


def samples() -> None:
    """Draw the pictures that come with the app, to be taken by a click."""
    tiles = [Tile(name, BUNDLED[name].title, BUNDLED[name].credit) for name in EIGHT]
    wall("Or take one of these", tiles, chosen().bundled, "home_samples", choose, sheet=_eight(), columns=8)


@st.cache_data(show_spinner=False)
def _eight() -> Sheet:
    pictures = [Image.open(io.BytesIO(small_bundled(name))).convert("RGB") for name in EIGHT]
    return sheet_of([np.asarray(ImageOps.fit(each, (_SIDE, _SIDE))) for each in pictures], len(EIGHT))
