"""The pages, where their files are, and how they are found."""

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).resolve().parents[2] / "pages"


def pages() -> dict[str, list[st.Page]]:
    """Return all pages, those of a section behind a name of its own; the default page answers at `/` only."""
    return {
        "": [
            _page("home", "See", default=True),
            _page("transfer", "Teach it yours"),
            _page("laboratory", "Study"),
        ],
        "Understand": [
            _page("convolution", "Convolution"),
            _page("pooling", "Pooling"),
            _page("channels", "Channels"),
            _page("architectures", "Networks"),
            _page("receipts", "Receipts"),
            _page("lessons", "Lesson lists"),
            _page("keeping", "What is kept"),
        ],
    }


def _page(name: str, title: str, *, default: bool = False) -> st.Page:
    return st.Page(PAGES / f"{name}.py", title=title, url_path="" if default else name, default=default)
