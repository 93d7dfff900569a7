"""The pages, and where their files are."""

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).resolve().parents[2] / "pages"


def pages() -> list[st.Page]:
    """Return all pages in reading order; the default page answers at `/` only."""
    return [
        st.Page(PAGES / "home.py", title="ConvScope", default=True),
        st.Page(PAGES / "convolution.py", title="Convolution", url_path="convolution"),
        st.Page(PAGES / "pooling.py", title="Pooling", url_path="pooling"),
        st.Page(PAGES / "channels.py", title="Channels", url_path="channels"),
        st.Page(PAGES / "architectures.py", title="Architectures", url_path="architectures"),
        st.Page(PAGES / "transfer.py", title="Transfer learning", url_path="transfer"),
        st.Page(PAGES / "laboratory.py", title="Laboratory", url_path="laboratory"),
    ]
