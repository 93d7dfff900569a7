"""Every layer of a network in a table that scrolls, in one of several orders, and whether its columns add up."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cnn_core.arithmetic.tables import csv_text
from cnn_core.figures.graph_layout import total
from cnn_core.networks import atlas
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from ui.shared.controls import segments
from ui.shared.rows import scrolled
from ui.shared.text import plain
from ui.widgets.graph_view.graph_view import size

COLUMNS = {  # field of a row
    "Layer": "name",
    "Block": "block",
    "Kind": "kind",
    "Output": "output_shape",
    "Params": "params",
    "Trainable": "trainable_params",
    "MACs": "macs",
    "Field": "receptive_field",
    "Stride": "effective_stride",
    "Why not": "reason",
}
ORDERS = {"": "from the input on", "params": "most parameters", "macs": "most multiply-adds", "field": "largest field"}
_FIELDS = {"params": "params", "macs": "macs", "field": "receptive_field"}
_NUMBERS = {"Params", "Trainable", "MACs", "Field", "Stride"}


def layer_table(key: str, rows: list[dict[str, Any]]) -> None:
    """Show a row for each layer, offer them as a file, and say whether the columns agree with the record."""
    order = segments("Order of the rows", ORDERS, "", "architectures_order")
    field = _FIELDS.get(order)
    ordered = sorted(rows, key=lambda row: -_amount(row[field])) if field else rows
    columns = {title: [_cell(row[name]) for row in ordered] for title, name in COLUMNS.items()}
    scrolled(
        list(columns),
        [[_written(cell) for cell in row] for row in zip(*columns.values(), strict=True)],
        f"Every layer of {ARCHITECTURES[key].title}",
        numbers=_NUMBERS,
        words=("Why not",),
    )
    st.download_button(
        "Table as CSV",
        csv(columns),
        f"{key}.csv",
        "text/csv",
        on_click="ignore",
        key=f"architectures_csv_{key}",
        icon=":material/download:",
    )
    st.caption(
        "Layers have their names in the Keras model. MACs: multiply-adds of convolutions, dense layers and attention. "
        "Field and stride in pixels of the input; where there is none, *Why not* says why."
    )
    (st.markdown if (words := _totals(key, rows))[0] else st.warning)(words[1])


def csv(columns: Mapping[str, list[Any]]) -> str:
    """Return the table as a file."""
    return csv_text(list(columns), zip(*columns.values(), strict=True))


def _amount(value: Any) -> float:
    """What a row is ordered by; one without a number comes last."""
    return -1 if value is None else max(value) if isinstance(value, list | tuple) else value


def _written(cell: Any) -> str:
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell)


def _cell(value: Any) -> Any:
    return size(value) if isinstance(value, list | tuple) else value


def _totals(key: str, rows: list[dict[str, Any]]) -> tuple[bool, str]:
    """Whether the columns add up to what is on record, and the sums in words."""
    record, noted = ARCHITECTURES[key].counts[0], atlas.read()["architectures"][key]
    trainable, macs = total(rows, "trainable_params"), total(rows, "macs")
    assert trainable is not None  # every layer knows its own
    terms = " ".join(f"{'+' if n > 0 else '−'} {abs(n):,} ({name})" for name, n in record.terms.items())
    counted = trainable + sum(record.terms.values())
    there = f"{record.count:,} ({plain(record.whose)})"
    words = f"The columns add up to **{trainable:,}** trainable parameters"
    words += f"; {terms} = {counted:,}, published are {there}. " if terms else f"; published are {there}. "
    words += f"Multiply-adds: **{'not known of all' if macs is None else f'{macs:,}'}**, on record {noted['macs']:,}."
    agrees = counted == record.count and macs == noted["macs"]
    return agrees, words + (" All agree." if agrees else " **They do not agree.**")
