"""The entry script of every visit: page settings, navigation, and then the chosen page."""

from pathlib import Path

import streamlit as st

from ui.shared import thread, tour
from ui.shared.controls import page_opened
from ui.shared.header import header
from ui.shared.lesson_list import followed, note, view_seen, way
from ui.shared.navigation import pages
from ui.shared.present import presenting, style, view_opened
from ui.shared.printing import foot, print_if_asked
from ui.shared.receipts import forget_shown

HERE = Path(__file__).parent
NO_LESSONS = ("", "transfer")  # pages in a form of their own
STYLE = "".join((HERE / name).read_text(encoding="utf-8") for name in ("style.css", "print.css"))

page = st.navigation(pages(), position="hidden" if presenting() else "top")
st.set_page_config(
    page_title=f"{page.title} · ConvScope",
    page_icon=str(HERE / "icon.png"),
    layout="wide",
    menu_items={"About": "**ConvScope**: understand convolutional networks, and use them on your own pictures."},
)
# With an element beside it: a style alone goes where toasts go, and the first toast of a fragment takes its place.
st.html(f'<i class="unseen"></i><style>{STYLE}</style>')
style(page.url_path)
if not presenting():
    st.logo(str(HERE / "mark.svg"), size="large")
page_opened(page.url_path)
# The header comes first for the keyboard, too; it lies over the page, so that what is drawn late pushes nothing down.
top, body = st.container(key="top"), st.container()
with top:
    header(page.url_path, body)
with body:
    thread.read_link(page.url_path)
    at = tour.stopped(page.url_path)
    if listed := followed(page.url_path):
        note(listed)
    view_opened(page.url_path)
    view_seen(page.url_path, page.title)
    forget_shown()
    page.run()
    if page.url_path in NO_LESSONS:
        foot(page.url_path)
if listed:
    way(listed)
elif at is not None:
    tour.bar(page.url_path, at)
thread.bar(page.url_path)
print_if_asked()
