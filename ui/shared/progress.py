"""What a student of a class has done: noted for the teacher when a task is first seen done."""

import streamlit as st

from cnn_core.store import classes
from ui.shared.session import store, visit

_OF = "_tasks"  # ends the names, in the session, of what was done on each page


def note(page: str, step: str) -> None:
    """Note a task in each class that this visitor is in.

    Raises:
        OSError: If the store takes nothing.
    """
    classes.note(store(), visit(), f"{page}/{step}")


def so_far() -> list[str]:
    """Return the tasks that were done in this session, as classes name them."""
    pages = [str(name) for name in st.session_state if str(name).endswith(_OF)]
    return sorted(f"{name.removesuffix(_OF)}/{step}" for name in pages for step in st.session_state[name])
