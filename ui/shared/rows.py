"""A long table in a box of its own: its head stays, keys scroll it. Streamlit's own would load pandas."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere."""

    text: str
    address: str


def scrolled(
    head: Sequence[str],
    rows: Sequence[Sequence[str | Link]],
    label: str,
    *,
    numbers: Collection[str] = (),
    place: Any = st,
) -> None:
    """Show a table.

    Args:
        head: Titles of the columns.
        rows: Cells, plain text or links.
        label: What it holds, for who does not see it.
        numbers: Titles of the columns that hold numbers.
        place: Where.
    """
    columns = "".join(f'<th scope="col"{_side(title, numbers)}>{escape(title)}</th>' for title in head)
    body = "".join(
        "<tr>"
        + "".join(f"<td{_side(title, numbers)}>{_cell(cell)}</td>" for title, cell in zip(head, row, strict=True))
        + "</tr>"
        for row in rows
    )
    place.html(
        f'<div class="rows" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _side(title: str, numbers: Collection[str]) -> str:
    return ' class="number"' if title in numbers else ""


def _cell(cell: str | Link) -> str:
    if isinstance(cell, Link):
        return f'<a href="{escape(cell.address)}">{escape(cell.text)}</a>'
    return escape(cell)
