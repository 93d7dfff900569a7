"""A table to take away: one header, one row a record, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return one table as CSV.

    Numbers stay numbers and None an empty cell. A text that a spreadsheet would take for a formula, a class called
    `=2+3`, say, gets an apostrophe before it.

    Args:
        columns: The header.
        rows: Each as long as the header.

    Raises:
        ValueError: If a row has another length.

    Example:
        >>> print(csv_text(("class", "change"), [("cat", -0.5), ("=1+1", None)]), end="")
        class,change
        cat,-0.5
        '=1+1,

    Source:
        OWASP, "CSV Injection": the first characters that make a cell a formula.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"A row has {len(row)} cells and the table {len(columns)} columns: {list(row)!r}.")
        writer.writerow(map(_cell, row))
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    guarded = f"'{value}" if value.startswith(_FORMULA) else value
    return guarded.replace("\r\n", "\n").replace("\r", "\n")  # csv quotes the one, not the other
