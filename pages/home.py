"""The front door: what this is, a first look through a network's eyes, and where to go on."""

from typing import Any

import numpy as np
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures.home import labels
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from ui.shared.navigation import PAGES
from ui.shared.picture import chosen, notes, the_picture
from ui.shared.picture_dialog import drop_picture
from ui.shared.text import plain


@st.cache_data(max_entries=200, show_spinner=False)
def classify(digest: str, _pixels: np.ndarray) -> list[dict[str, Any]]:
    """Ask the embedded network; the digest is the key, the pixels are not hashed."""
    answer: list[dict[str, Any]] = client.current().ask("classify", _pixels)
    return answer


st.title("See what a convolutional network sees")
st.markdown(
    "ConvScope computes everything on the page from **your own pictures**, with real networks, while you watch. "
    "A result that was computed before says so; every published figure carries its source."
)

st.header("What is this?", divider="gray")
if drop_picture("home_picture"):
    st.rerun()
left, right = st.columns([1, 2])
try:
    picture, title = the_picture(), chosen().title
    left.image(picture.pixels, caption=plain(title), alt=title, width="stretch")
    with left:
        notes(picture)
    with right, st.spinner("Asking the network…"):
        found = classify(picture.digest, picture.pixels)
    spoken = ", ".join(f"{entry['label']} {entry['probability']:.0%}" for entry in found)
    right.plotly_chart(labels(found), key="home_labels", config={"displayModeBar": False}, alt=spoken)
    network = BACKBONES[DEFAULT]
    right.caption(
        f"{network.title}, {network.paper}: right on {network.top1} % of ImageNet's validation pictures. It knows a "
        "thousand words; a picture of anything else gets the nearest of them."
    )
except EngineError as trouble:
    st.error(plain(str(trouble)))

st.header("Understand it", divider="gray")
st.page_link(PAGES / "convolution.py", label="Convolution: one window at a time", icon=":material/grid_on:")
st.page_link(PAGES / "pooling.py", label="Pooling: what it absorbs and costs", icon=":material/compress:")
st.page_link(
    PAGES / "channels.py", label="Channels, stride, receptive field: what a unit sees", icon=":material/layers:"
)

st.header("Teach it your words", divider="gray")
st.markdown(
    "Drop in photos of two or more kinds of things. A network with **frozen** ImageNet features and a **fine-tuned** "
    "one learn to tell them apart, side by side; then send a colleague the link."
)
st.page_link(PAGES / "transfer.py", label="Transfer learning", icon=":material/school:")
st.page_link(
    PAGES / "laboratory.py",
    label="Laboratory: what to freeze, how many pictures, what goes wrong",
    icon=":material/science:",
)
