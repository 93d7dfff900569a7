"""The front door: what this is, and where to begin."""

import streamlit as st

from cnn_core.datasets import SAMPLES
from ui.navigation import PAGES

st.title("See what a convolutional network sees")
st.markdown(
    "ConvScope computes everything on the page from **your own pictures**, with real networks, while you watch. "
    "Nothing is a recording; every published figure carries its source."
)
with st.container(border=True):
    st.subheader("Teach a network your classes")
    st.markdown(
        "Drop in photos of two or more kinds of things. A network with **frozen** ImageNet features and a "
        "**fine-tuned** one learn to tell them apart, side by side; then send a colleague the link."
    )
    st.page_link(PAGES / "transfer.py", label="Transfer learning", icon=":material/school:")
samples = " or ".join(sample.title.lower() for sample in SAMPLES.values())
st.caption(f"No pictures at hand? There are sample sets: {samples}.")
