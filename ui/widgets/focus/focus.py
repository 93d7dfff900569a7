"""Keyboard focus after a button has gone: it goes on to what took the button's place, and not to the page's top."""

import streamlit as st

from ui.widgets.frontend import frontend

STARTED = "focus_after_start"  # in the session: a run has just been started
_focus = frontend(__file__)


def keep_focus(key: str) -> None:
    """Focus a button once, if nothing else has the focus.

    Args:
        key: Of the button.
    """
    _focus(data={"selector": f".st-key-{key} button", "once": st.session_state.get(STARTED, "")}, key=f"focus_{key}")
