"""The one place where a page meets a fault of the store: a sentence and a way on, never an exception box.

`app.py` gives `told` to Streamlit, which asks it about whatever a page, a fragment or a callback did not catch.
"""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from cnn_core.store import troubles

log = logging.getLogger(__name__)


def told(error: Exception) -> bool:
    """Say a fault of the store in one sentence, where it happened; False for anything else."""
    words = troubles.sentence(error)
    if not words:
        return False
    log.warning("A page met a fault of the store: %s", troubles.logged(error))
    st.error(words, icon=":material/cloud_off:")
    # Of a name of its own: several fragments may say the same. What was typed and chosen is all still there.
    st.button("Try again", key=f"fault_{secrets.token_hex(4)}", icon=":material/refresh:")
    return True


@contextmanager
def toasted() -> Iterator[None]:
    """Say a fault of the store beside the page, which stays as it is: for callbacks, after which it is drawn anew."""
    try:
        yield
    except Exception as error:
        if not (words := troubles.sentence(error)):
            raise
        log.warning("A callback met a fault of the store: %s", troubles.logged(error))
        st.toast(words, icon=":material/cloud_off:", duration="long")
