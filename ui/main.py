"""The entry script of every visit: page settings, navigation, and then the chosen page."""

from pathlib import Path

import streamlit as st

from ui.shared.header import header
from ui.shared.navigation import pages

st.set_page_config(
    page_title="ConvScope",
    page_icon=str(Path(__file__).with_name("icon.png")),
    layout="wide",
    menu_items={"About": "**ConvScope**: understand convolutional networks, and use them on your own pictures."},
)

st.html(Path(__file__).with_name("style.css"))
page = st.navigation(pages(), position="top")
body = st.container()  # before the header, which lies over it: what is drawn late pushes nothing down
header(page.url_path, body)
with body:
    page.run()
