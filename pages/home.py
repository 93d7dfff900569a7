"""The front door: what each layer of a network makes of one's own picture, down to one product, and where to go on."""

from pathlib import Path

import streamlit as st

import ui.home
from cnn_core.networks.backbones import DEFAULT
from ui.home.answer import answer, look
from ui.home.picture import picture_place, samples
from ui.home.ways import way_in, ways
from ui.shared.picture import the_picture
from ui.zoom.zoom import zoom

FURTHER_IN = (
    "What does this layer see in your picture?",
    "What is this map made of?",
    "How does one number come about?",
)


@st.fragment
def _walk() -> None:
    """Let the visitor into the network; further in, what else is here gives way (home.css)."""
    above = st.container()
    if level := zoom(DEFAULT, "home_zoom").level:
        above.title(FURTHER_IN[level - 1], anchor=False)
        above.html('<i class="walking"></i>')


st.html(Path(ui.home.__file__).with_name("home.css"))
with st.container(key="home_title"):
    st.title("Drop a photo. See what each layer makes of it.", anchor=False)
left, right = st.container(key="front").columns([3, 4], gap="medium")
with left:
    picture_place()
    samples()
with right, st.container(key="home_answer"):
    found = look(the_picture())
    if found:
        answer(found.top)
    way_in()
if found:
    _walk()
with st.container(key="home_ways"):
    ways(found)
