"""Adding the view that one sees to a lesson list, from Share."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

import streamlit as st

from cnn_core.store import lessons
from cnn_core.store.lessons import NOTE, TITLE, LessonRefused, View
from ui.shared.lesson_list import LIST, seen
from ui.shared.navigation import PAGES
from ui.shared.present import SHOW
from ui.shared.session import store, visit
from ui.shared.text import plain

_WHICH, _NEW, _NOTE = "share_list", "share_list_title", "share_note"  # keys of the controls
_SAID = "share_added"  # in the session: the token and title of the list that took the view, or why none did


def add_view(page: str, query: str, controls: Sequence[str]) -> None:
    """Offer to add a view.

    Args:
        page: Its name in addresses.
        query: What its link says besides, encoded.
        controls: Those that stay where the list is presented, by their names in `show`.
    """
    with st.expander("Add this view to a lesson list", icon=":material/playlist_add:"):
        titles = {each.token: each.title for each in reversed(lessons.of(store(), visit()))} | {"": "A new list"}
        which = st.selectbox("List", list(titles), format_func=lambda token: titles.get(token, ""), key=_WHICH)
        with st.form("share_add_form", border=False):
            if not which:
                st.text_input("Its title", max_chars=TITLE, key=_NEW, placeholder="Edges, and what pooling forgives")
            st.text_area("Your note: what to look at here", max_chars=NOTE, height=80, key=_NOTE)
            given = (page, query, controls)
            st.form_submit_button("Add", key="share_add", icon=":material/add:", on_click=_add, args=given)
        _told()


def forget_said() -> None:
    """Say no more what was added."""
    st.session_state.pop(_SAID, None)


def _told() -> None:
    said: tuple[str, str] | None = st.session_state.get(_SAID)
    if said is None:
        return
    token, words = said
    if not token:
        st.error(plain(words))
        return
    st.success(f"Added to “{plain(words)}”.")
    st.page_link(PAGES / "lessons.py", label="Open the list", icon=":material/list:", query_params={LIST: token})


def _add(page: str, query: str, controls: Sequence[str]) -> None:
    state = st.session_state
    title, task = seen()
    asked = dict(parse_qsl(query, keep_blank_values=True)) | ({SHOW: ",".join(controls)} if controls else {})
    view = View(page, asked, title, state.get(_NOTE, ""), task)
    try:
        token = state.get(_WHICH) or lessons.make(store(), visit(), state.get(_NEW, "")).token
        there = lessons.find(store(), token)
        changed = lessons.change(store(), visit(), token, views=[*(there.views if there else ()), view])
    except (LessonRefused, PermissionError) as refusal:
        state[_SAID] = ("", str(refusal))
        return
    state[_SAID] = (token, changed.title)
    state[_NOTE] = ""
    state[_WHICH] = token
