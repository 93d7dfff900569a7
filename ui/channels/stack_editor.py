"""A stack of layers that can be changed layer by layer and as text; its text in the link is the one copy of it.

The layer that is changed is the one that is looked at: a slider over the stack chooses both.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from cnn_core.arithmetic.stacks import presets as stack_presets
from cnn_core.arithmetic.stacks import table as stacks
from cnn_core.arithmetic.stacks import text as stack_text
from cnn_core.arithmetic.stacks.table import StackError
from ui.shared.text import plain

AFTER = "channels_after"  # the layer that is looked at, from 1
_TEXT, _REFUSAL = "channels_layers", "channels_stack_refusal"
KINDS = {"convolution": "Convolution", "pooling": "Max-pooling"}
_LABELS = {
    "kernel_size": "Kernel size k",
    "stride": "Stride s",
    "dilation": "Dilation d",
    "filters": "Filters: maps it makes",
    "groups": "Groups",
}
_NEW: dict[str, dict[str, Any]] = {
    "convolution": {"kernel_size": 3, "stride": 1, "padding": "same", "dilation": 1, "filters": 64},
    "pooling": {"kernel_size": 2, "stride": 2, "padding": "valid", "dilation": 1},
}
_TOOLS = {
    "Up": ":material/arrow_upward:",
    "Down": ":material/arrow_downward:",
    "Duplicate": ":material/content_copy:",
    "Remove": ":material/delete:",
    "Add convolution": ":material/add:",
    "Add pooling": ":material/add:",
}
Changed = Callable[[], None]


def edit_as_text(preset: stack_presets.Preset, changed: Changed) -> tuple[stacks.Stack, str]:
    """Let the whole stack be written.

    Returns:
        The stack: the preset's while there is no text, or one that cannot be read; and why it cannot.
    """
    text = st.text_input(
        "All layers as text",
        key=_TEXT,
        max_chars=stack_text.MAX_TEXT,
        placeholder=stack_text.to_text(preset.stack),
        help="c convolution or m max-pooling, kernel size; s stride, p padding (s: same), d dilation, x filters, "
        "g groups, b0 no bias, .name. Empty: as the network has it.",
        on_change=changed,
        bind="query-params",
        persist_state="session",
    )
    if not text:
        return preset.stack, ""
    try:
        return stack_text.from_text(text), ""
    except StackError as refusal:
        start = plain(preset.title)
        return preset.stack, f"The stack as text cannot be read. {plain(str(refusal))} Shown is {start}."


def edit_layer(stack: stacks.Stack, at: int, preset: stack_presets.Preset, changed: Changed) -> None:
    """Show what can be changed of one layer, and how layers come and go.

    Args:
        stack: As it is.
        at: The layer, from 1; nothing can be changed of no layers.
        preset: The link stays empty while the stack is this one's.
        changed: Called when the reader has changed something, before the page runs again.
    """
    if refusal := st.session_state.pop(_REFUSAL, ""):
        st.error(f"{plain(refusal)} The layer is as it was.")
    arguments = (stack, at, preset, changed)
    if stack:
        _cells(stack[at - 1], *arguments)
    with st.container(horizontal=True):
        for name, icon in _TOOLS.items():
            idle = not stack and not name.startswith("Add")
            idle = idle or (name == "Up" and at == 1) or (name == "Down" and at == len(stack))
            st.button(
                name, key=f"channels_stack_{name}", icon=icon, disabled=idle, on_click=_move, args=(name, *arguments)
            )


def _cells(layer: stacks.StackLayer, *arguments: Any) -> None:
    row = stacks.to_rows([layer])[0]

    def cell(column: str) -> dict[str, Any]:
        """Set a control to what the stack says; it keeps nothing of its own."""
        key = f"channels_stack_{column}"
        st.session_state[key] = row[column]
        return {"key": key, "on_change": _edit, "args": (column, *arguments)}

    pooling = layer.kind == "pooling"
    st.segmented_control(
        "Kind of layer", list(KINDS), format_func=KINDS.__getitem__, required=True, wrap=True, **cell("kind")
    )
    with st.container(horizontal=True):
        for column in ("kernel_size", "stride"):
            st.number_input(_LABELS[column], 1, stacks.LIMITS[column], width=150, **cell(column))
    st.text_input("Padding p: same, valid, 1, or before and after: 0, 1", max_chars=20, **cell("padding"))
    if not pooling:
        with st.container(horizontal=True):
            for column in ("dilation", "filters", "groups"):
                st.number_input(_LABELS[column], 1, stacks.LIMITS[column], width=150, **cell(column))
        st.toggle("Bias: one number more for each filter", **cell("bias"))
    st.text_input("Name", max_chars=stacks.MAX_NAME, **cell("name"))


def _edit(column: str, stack: stacks.Stack, at: int, preset: stack_presets.Preset, changed: Changed) -> None:
    """Put what the reader has given into one cell."""
    rows = stacks.to_rows(stack)
    row, given = rows[at - 1], st.session_state[f"channels_stack_{column}"]
    if column == "kind":
        kept = {name: row[name] for name in ("kernel_size", "stride", "padding")}
        named = row["name"] not in [stacks.default_name(kind, at) for kind in KINDS]
        rows[at - 1] = _NEW[given] | kept | {"kind": given, "name": row["name"] if named else None}
    else:
        row[column] = given
    _keep(rows, at, preset, changed)


def _move(name: str, stack: stacks.Stack, at: int, preset: stack_presets.Preset, changed: Changed) -> None:
    """Do what a button says."""
    rows = stacks.to_rows(stack)
    if name in ("Up", "Down"):
        to = at - 1 if name == "Up" else at + 1
        rows.insert(to - 1, rows.pop(at - 1))
    elif name == "Remove":
        rows.pop(at - 1)
        to = max(min(at, len(rows)), 1)
    else:
        kind = "pooling" if name == "Add pooling" else "convolution"
        row = rows[at - 1] if name == "Duplicate" else _NEW[kind] | {"kind": kind}
        to = at + 1 if rows else 1
        rows.insert(to - 1, row | {"name": None})
    _keep(rows, to, preset, changed)


def _keep(rows: list[dict[str, Any]], at: int, preset: stack_presets.Preset, changed: Changed) -> None:
    """Make the rows the page's stack if they are one, and look at one of its layers."""
    try:
        stack = stacks.from_rows(rows)
    except StackError as refusal:
        st.session_state[_REFUSAL] = str(refusal)
        return
    changed()
    st.session_state[_TEXT] = "" if stack == preset.stack else stack_text.to_text(stack)
    st.session_state[AFTER] = at
