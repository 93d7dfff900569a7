"""A long table in a box of its own: its head stays, keys scroll it. Streamlit's own would load pandas."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cnn_core.arithmetic.escaping import html


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere; `current` if one is there already."""

    text: str
    address: str
    current: bool = False


def scrolled(
    head: Sequence[str],
    rows: Sequence[Sequence[str | Link]],
    label: str,
    *,
    numbers: Collection[str] = (),
    words: Collection[str] = (),
    place: Any = st,
) -> None:
    """Show a table.

    Args:
        head: Titles of the columns.
        rows: Cells, plain text or links.
        label: What it holds, for who does not see it.
        numbers: Titles of the columns that hold numbers.
        words: Titles of the columns in which long text takes several lines.
        place: Where.
    """
    kinds = {title: _kind(title in numbers, title in words) for title in head}
    columns = "".join(f'<th scope="col"{kinds[title]}>{html(title)}</th>' for title in head)
    body = "".join(
        "<tr>"
        + "".join(f"<td{kinds[title]}>{_cell(cell)}</td>" for title, cell in zip(head, row, strict=True))
        + "</tr>"
        for row in rows
    )
    place.html(
        f'<div class="rows" tabindex="0" role="region" aria-label="{html(label)}">'
        f"<table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _kind(number: bool, words: bool) -> str:
    return ' class="number"' if number else ' class="words"' if words else ""


def _cell(cell: str | Link) -> str:
    if isinstance(cell, Link):
        current = ' aria-current="true"' if cell.current else ""
        return f'<a href="{html(cell.address)}" target="_self"{current}>{html(cell.text)}</a>'
    return html(cell)
