"""The picture of the front door: large, a file is dropped anywhere on it; and eight to begin with."""

import streamlit as st

from cnn_core.pictures.bundled import BUNDLED
from ui.shared.picture import choose, chosen, notes, small_bundled
from ui.shared.picture_dialog import drop_picture
from ui.shared.text import plain
from ui.widgets.wall.wall import Tile, wall

EIGHT = ("chelsea", "coffee", "astronaut", "camera", "rocket", "china", "flower", "digit-7")


def picture_place() -> None:
    """Draw the visitor's picture, on which another is dropped (home.css lays the uploader over it)."""
    shown = chosen()
    picture = shown.picture
    with st.container(key="front_picture"):
        st.image(picture.pixels, alt=shown.title, width="stretch")
        if drop_picture("home_picture"):
            st.rerun()
    st.caption(plain(shown.title))
    notes(picture)


def samples() -> None:
    """Draw the pictures that come with the app, to be taken by a click."""
    tiles = [Tile(name, BUNDLED[name].title, small_bundled(name), BUNDLED[name].credit) for name in EIGHT]
    wall("Or take one of these", tiles, chosen().bundled, "home_samples", choose, columns=8, shape="1 / 1")
