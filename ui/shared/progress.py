"""What a student of a class has done: noted when a task is first seen done, and ticked off wherever they come back."""

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


def before(page: str) -> set[str]:
    """Return the steps of a page whose tasks the visitor's classes have noted: they stay ticked off after a reload.

    Args:
        page: Its name in addresses.
    """
    here = visit()
    found = (classes.student(store(), each.token, here) for each in classes.attended(store(), here))
    names = (task.partition("/") for each in found if each for task in each.done)
    return {step for name, _, step in names if name == page}


def so_far() -> list[str]:
    """Return the tasks that were done in this session, as classes name them."""
    pages = [str(name) for name in st.session_state if str(name).endswith(_OF)]
    return sorted(f"{name.removesuffix(_OF)}/{step}" for name in pages for step in st.session_state[name])
