"""A stack of layers that can be edited as a table, by buttons and as text; its text in the link is the one copy of it.

Two things can be newer than the link: a table with a cell that cannot be read, which stays as it was typed, and the
browser's edits of the table, which it counts from the rows it was given.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from cnn_core.arithmetic.stacks import table as stacks
from cnn_core.arithmetic.stacks import text as stack_text
from cnn_core.arithmetic.stacks.table import StackError
from ui.shared.text import plain

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("kernel_size", "stride", "dilation", "filters", "groups")
_LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
Changed = Callable[[stacks.Stack], None]


@dataclass
class _Table:
    """The table in the reader's browser; `source` is the text of the last stack that could be read from it."""

    source: str
    base: list[dict[str, Any]]
    serial: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    refusal: str = ""


def edited_stack(preset: stacks.Preset, changed: Changed) -> stacks.Stack:
    """Show the table and its tools; return the last stack that could be read.

    Args:
        preset: What is shown while the link has no stack; the link stays empty while the table is the preset's.
        changed: Called with the new stack when the reader has changed it, before the page runs again.
    """
    kept: _Table | None = st.session_state.get("channels_stack_kept")
    with st.expander("The stack as text"):
        text = st.text_input(
            "Stack",
            key="channels_layers",
            max_chars=stack_text.MAX_TEXT,
            placeholder=stack_text.to_text(preset.stack),
            help="c convolution or m max-pooling, kernel size; s stride, p padding (s: same), d dilation, x filters, "
            "g groups, b0 no bias, .name. Empty: as the preset has it.",
            **_LINKED,
        )
    stack = preset.stack
    if text:
        try:
            stack = stack_text.from_text(text)
        except StackError as refusal:
            st.error(f"The stack as text cannot be read. {plain(str(refusal))} The table is as it was.")
            stack = stack_text.from_text(kept.source) if kept else stack
    source, rows = stack_text.to_text(stack), stacks.to_rows(stack)
    if kept is None or kept.source != source:  # from a link, a preset or the text
        kept = _Table(source, rows, serial=kept.serial + 1 if kept else 0, rows=rows)
        st.session_state.channels_stack_kept = kept
    key = f"channels_stack_table_{kept.serial}"
    if key not in st.session_state:  # new, or the reader was elsewhere and the browser has dropped its edits
        kept.base = kept.rows
    st.data_editor(
        _frame(kept.base),
        num_rows="dynamic",
        hide_index=True,
        key=key,
        width="stretch",
        column_config=_COLUMN_CONFIG,
        on_change=_edit,
        args=(preset, changed),
        alt="Layers of the stack, editable",
    )
    if kept.refusal:
        st.error(f"{plain(kept.refusal)} What follows is of the last table that could be read.")
    _tools(kept, preset, changed)
    return stack


_COLUMN_CONFIG: dict[str, Any] = {
    "name": st.column_config.TextColumn(max_chars=stacks.MAX_NAME, pinned=True),
    "kind": st.column_config.SelectboxColumn(options=stacks.KINDS, default="convolution"),
    "padding": st.column_config.TextColumn(default="same", help="same, valid, 1, or before and after: 0, 1"),
    "bias": st.column_config.CheckboxColumn(default=True, help="Whether each filter has one"),
} | {
    name: st.column_config.NumberColumn(min_value=1, max_value=stacks.LIMITS[name], step=1, default=default)
    for name, default in zip(_NUMBERS, (3, 1, 1, 64, 1), strict=True)
}


def _frame(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    """The rows with a type for each column, also where all its cells are empty."""
    import pandas as pd  # here: views without a table do without its 57 MB

    frame = pd.DataFrame(rows, columns=list(stacks.COLUMNS))
    for column in stacks.COLUMNS:
        if column in _NUMBERS:
            frame[column] = pd.to_numeric(frame[column], errors="coerce")
        else:
            frame[column] = frame[column].astype("boolean" if column == "bias" else "string")
    return frame


def _edit(preset: stacks.Preset, changed: Changed) -> None:
    """Read what the reader has changed; the table itself stays as it is in the browser."""
    kept: _Table = st.session_state.channels_stack_kept
    edits = st.session_state[f"channels_stack_table_{kept.serial}"]
    rows = [row | edits["edited_rows"].get(number, {}) for number, row in enumerate(kept.base)]
    rows = [row for number, row in enumerate(rows) if number not in edits["deleted_rows"]]
    _read(kept, rows + [dict(row) for row in edits["added_rows"]], preset, changed)


def _read(kept: _Table, rows: list[dict[str, Any]], preset: stacks.Preset, changed: Changed) -> None:
    """Keep the rows; if they are a stack, make it the page's."""
    kept.rows = rows
    try:
        stack = stacks.from_rows(rows)
    except StackError as refusal:
        kept.refusal = str(refusal)
        return
    kept.refusal, kept.source = "", stack_text.to_text(stack)
    st.session_state.channels_layers = "" if stack == preset.stack else kept.source
    changed(stack)


_TOOLS = {
    "Up": ":material/arrow_upward:",
    "Down": ":material/arrow_downward:",
    "Duplicate": ":material/content_copy:",
    "Remove": ":material/delete:",
    "Add convolution": ":material/add:",
    "Add pooling": ":material/add:",
}
_NEW = {
    "Add convolution": {"kind": "convolution", "kernel_size": 3, "stride": 1, "padding": "same", "filters": 64},
    "Add pooling": {"kind": "pooling", "kernel_size": 2, "stride": 2, "padding": "valid"},
}


def _tools(kept: _Table, preset: stacks.Preset, changed: Changed) -> None:
    """Buttons that do what the table cannot: move rows, and all of it by keyboard or thumb."""
    rows = kept.rows
    at = min(st.session_state.get("channels_stack_row", 1), max(len(rows), 1))
    st.session_state.channels_stack_row = at
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if rows:
            st.selectbox(
                "Row",
                range(1, len(rows) + 1),
                key="channels_stack_row",
                width=220,
                format_func=lambda n: f"{n} {rows[n - 1].get('name') or rows[n - 1].get('kind') or ''}",
            )
        for name, icon in _TOOLS.items():
            idle = not rows and not name.startswith("Add")
            idle = idle or (name == "Up" and at == 1) or (name == "Down" and at == len(rows))
            st.button(
                name,
                key=f"channels_stack_{name}",
                icon=icon,
                disabled=idle,
                on_click=_change,
                args=(name, preset, changed),
            )


def _change(name: str, preset: stacks.Preset, changed: Changed) -> None:
    kept: _Table = st.session_state.channels_stack_kept
    rows, at = list(kept.rows), st.session_state.get("channels_stack_row", 1)  # row `at` is rows[at - 1]
    if name in ("Up", "Down"):
        to = at - 1 if name == "Up" else at + 1
        rows.insert(to - 1, rows.pop(at - 1))
    elif name == "Remove":
        rows.pop(at - 1)
        to = max(min(at, len(rows)), 1)
    else:
        row = rows[at - 1] if name == "Duplicate" else _NEW[name] | {"dilation": 1}
        to = at + 1 if rows else 1
        rows.insert(to - 1, row | {"name": None})
    _read(kept, rows, preset, changed)
    if not kept.refusal:
        kept.rows = stacks.to_rows(stacks.from_rows(rows))  # a new row gets its name
    kept.base, kept.serial = kept.rows, kept.serial + 1
    st.session_state.channels_stack_row = to
