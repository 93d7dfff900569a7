"""What is at the top of every page: the visitor's picture, and sharing; the dialogs that they open."""

import base64
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_core.arithmetic.escaping import html
from ui.shared.accounts import account
from ui.shared.picture import Chosen, chosen, of_link, read_link, said_of, use_mine, write_link
from ui.shared.picture_dialog import change_picture
from ui.shared.present import presenting
from ui.shared.printing import ask
from ui.shared.session import keeps_visits, take_over, visitor
from ui.shared.sharing import closed, share
from ui.shared.text import plain

NOT_KEPT = (
    "This browser brings no cookie for this page (it may be shown inside another site): your picture, sets and runs "
    "are not kept when you reload or close it."
)
_OPEN = "visitor_dialog"  # in the session: the page and the dialog that is open on it


def header(page: str, body: DeltaGenerator) -> None:
    """Draw the top of a page; in present mode nothing of it, but what the link says of the picture holds all the same.

    Args:
        page: Its name in addresses.
        body: Where the page is drawn afterwards; what the link says of the picture and cannot be followed stands there.
    """
    st.html(Path(__file__).with_name("header.css"))
    take_over()
    visitor(anew=True)
    said = read_link()
    write_link()
    for sentence in said:
        body.warning(sentence)
    if presenting():
        return
    with st.container(key="visitor", horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.button(
            "Share",
            key="visitor_share",
            icon=":material/share:",
            help="Get the link of exactly this view",
            on_click=_open,
            args=(page, "share"),
        )
        _picture()
        st.button(
            "Change",
            key="visitor_change",
            icon=":material/add_photo_alternate:",
            help="Choose the picture that every page computes on",
            on_click=_open,
            args=(page, "picture"),
        )
        account()
    if not keeps_visits() and not st.session_state.get("visitor_told"):
        st.session_state.visitor_told = True
        st.toast(NOT_KEPT, icon=":material/cookie_off:", duration="long")
    if st.session_state.get(_OPEN) == (page, "picture"):
        st.dialog("Your picture", width="medium", on_dismiss=_close)(_change_picture)()
    elif st.session_state.get(_OPEN) == (page, "share"):
        st.dialog("Share this view", width="medium", on_dismiss=_close)(_share)(page)


def _picture() -> None:
    """Show the picture small, its name, and if it came with the link how to leave it."""
    shown, linked = chosen(), of_link()
    source = f"data:image/jpeg;base64,{base64.b64encode(shown.small).decode()}"
    note = f"<small>{_from(linked)}</small>" if linked else ""
    st.html(
        f'<div class="visitor"><img src="{source}" alt="The picture of all pages:">'
        f"<span>{html(shown.title)}{note}</span></div>"
    )
    if linked:
        st.button("Use mine", key="visitor_mine", on_click=use_mine, help="Leave this picture, and take your own again")


def _from(linked: Chosen) -> str:
    return "This picture came with the link" if linked.token or linked.bundled else "From your set of pictures"


def _change_picture() -> None:
    shown = chosen()
    linked = of_link()
    came = f" {_from(linked)}." if linked else ""
    st.caption(f"Now: {plain(shown.title)}.{came} {said_of([shown.about]) if shown.about else ''}")
    if not keeps_visits():
        st.caption(NOT_KEPT)
    if change_picture():
        _close()
        st.rerun()


def _share(page: str) -> None:
    if share(page):
        ask()
        _close()
        st.rerun()


def _open(page: str, dialog: str) -> None:
    closed()  # each time the question is asked anew, and off
    st.session_state[_OPEN] = (page, dialog)


def _close() -> None:
    st.session_state.pop(_OPEN, None)
