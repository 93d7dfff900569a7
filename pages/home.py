"""The front door: what each layer of a network makes of one's own picture, down to one product, and where to go on."""

from pathlib import Path

import streamlit as st

import ui.home
from cnn_core.networks.backbones import DEFAULT
from ui.home.answer import answer, look
from ui.home.picture import picture_place, samples
from ui.home.ways import ways
from ui.shared.picture import the_picture
from ui.zoom.zoom import zoom

st.html(Path(ui.home.__file__).with_name("home.css"))
st.title("Drop a photo. See what each layer makes of it.", anchor=False)
left, right = st.container(key="front").columns([3, 4], gap="medium")
with left:
    picture_place()
    samples()
with right, st.container(key="home_answer"):
    found = look(the_picture())
    if found:
        answer(found.top)
if found:
    st.markdown("**Click a map: see what it is made of.**")
    st.fragment(zoom)(DEFAULT, "home_zoom")
ways(found)
