"""A table to take away: one header, one row a record, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from cnn_core.arithmetic.escaping import cell


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
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(cell, columns))
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"A row has {len(row)} cells and the table {len(columns)} columns: {list(row)!r}.")
        writer.writerow(map(cell, row))
    return buffer.getvalue()
