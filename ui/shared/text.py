"""Words on a page: escaping what readers typed, tables, durations, sizes."""

import re
from collections.abc import Sequence

import streamlit as st

from cnn_core.arithmetic.escaping import markdown as plain
from cnn_core.arithmetic.written import in_bytes
from cnn_core.pictures.items import count

__all__ = ["asking", "count", "dimensions", "duration", "formula", "in_bytes", "plain", "table"]


def asking(words: str) -> str:
    """Return what a spinner says while a worker answers by TensorFlow; one that has rested holds none.

    Example:
        >>> asking("Asking Keras…")
        'Asking Keras… (after a pause TensorFlow is loaded first: some seconds)'
    """
    return f"{words} (after a pause TensorFlow is loaded first: some seconds)"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = True) -> None:
    """Show a table that a screen reader reads and a phone scrolls; all columns but the first hold numbers."""
    align = [":--", *(["--:"] * (len(header) - 1) if numbers else [":--"] * (len(header) - 1))]
    lines = [[re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in row] for row in (header, align, *rows)]
    st.markdown("\n".join("| " + " | ".join(cells) + " |" for cells in lines))


def duration(seconds: float) -> str:
    """Write seconds for people.

    Example:
        >>> duration(0.42), duration(7.3), duration(65), duration(3700)
        ('0.4 s', '7 s', '1 min 5 s', '1 h 1 min')
    """
    if seconds < 2:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def dimensions(*sides: int) -> str:
    """Write height and width, as of a picture, and what more there is; no line ends within it.

    Example:
        >>> dimensions(85, 128).replace("\\u00a0", " "), dimensions(1024, 7, 512).replace("\\u00a0", " ")
        ('85 × 128', '1,024 × 7 × 512')
    """
    return "\u00a0×\u00a0".join(f"{side:,}" for side in sides)


def formula(latex: str) -> None:
    """Show a formula that wraps on a phone; `st.latex` makes a scrolling box of it that no key reaches."""
    st.markdown(rf"$\displaystyle {latex}$")
