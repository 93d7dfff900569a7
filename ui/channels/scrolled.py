"""A long table that scrolls within itself: its header stays, and the keyboard reaches it."""

from collections.abc import Sequence
from html import escape

import streamlit as st


def scrolled(header: Sequence[str], rows: Sequence[Sequence[str]], label: str, *, words: Sequence[str] = ()) -> None:
    """Show a table.

    Args:
        header: Titles of the columns.
        rows: Cells, plain text.
        label: What it holds, for who does not see it.
        words: Columns that hold words; the first one always does.
    """
    side = ["left" if number == 0 or title in words else "right" for number, title in enumerate(header)]

    def line(tag: str, style: str, cells: Sequence[str]) -> str:
        return "".join(
            f'<{tag} style="text-align:{where};white-space:nowrap;{style}">{escape(cell) or "&nbsp;"}</{tag}>'
            for where, cell in zip(side, cells, strict=True)
        )

    head = line("th", "position:sticky;top:0;background:var(--cs-paper)", header)
    body = "".join(f"<tr>{line('td', '', row)}</tr>" for row in rows)
    st.markdown(
        f'<div role="region" tabindex="0" aria-label="{escape(label)}" style="max-height:320px;overflow:auto">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>",
        unsafe_allow_html=True,
    )
