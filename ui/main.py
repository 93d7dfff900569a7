"""The entry script of every visit: page settings, navigation, and then the chosen page."""

from pathlib import Path

import streamlit as st

from ui.shared.controls import page_opened
from ui.shared.header import header
from ui.shared.navigation import pages

HERE = Path(__file__).parent

page = st.navigation(pages(), position="top")
st.set_page_config(
    page_title=f"{page.title} · ConvScope",
    page_icon=str(HERE / "icon.png"),
    layout="wide",
    menu_items={"About": "**ConvScope**: understand convolutional networks, and use them on your own pictures."},
)
# With an element beside it: a style alone goes where toasts go, and the first toast of a fragment takes its place.
st.html(f'<i class="unseen"></i><style>{(HERE / "style.css").read_text(encoding="utf-8")}</style>')
st.logo(str(HERE / "mark.svg"), size="large")
page_opened(page.url_path)
# The header comes first for the keyboard, too; it lies over the page, so that what is drawn late pushes nothing down.
top, body = st.container(key="top"), st.container()
with top:
    header(page.url_path, body)
with body:
    page.run()
