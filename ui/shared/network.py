"""What the embedded network answers about the reader's picture."""

from typing import Any

import numpy as np
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.pictures.images import Picture
from ui.shared.text import asking, plain


def asked(question: str, picture: Picture) -> Any:
    """Return a worker's answer about a picture, or None after saying why there is none."""
    try:
        with st.spinner(asking("Asking the network…")):
            return _ask(question, picture.digest, picture.pixels)
    except EngineError as trouble:
        st.error(plain(str(trouble)))
        return None


@st.cache_data(max_entries=200, show_spinner=False)
def _ask(question: str, digest: str, _pixels: np.ndarray) -> Any:
    return client.current().ask(question, _pixels)
