"""The receptive-field calculator: a stack of layers that the reader edits, and what its units see of the picture."""

import base64
from collections.abc import Callable
from typing import Any

import streamlit as st

from cnn_core.arithmetic.geometry import Field, convolution_cost, layers_to_reach, receptive_field, unit_interval
from cnn_core.arithmetic.stacks import export as stack_export
from cnn_core.arithmetic.stacks import table as stacks
from cnn_core.arithmetic.stacks.table import StackError, StackRow
from cnn_core.figures import fields as figures
from cnn_core.figures import maps
from cnn_core.pictures.images import Picture, square
from ui.channels.stack_editor import edited_stack
from ui.shared.teaching import one_of
from ui.shared.text import count, plain, table
from ui.widgets.unit_picker.unit_picker import Interval, unit_picker

MAX_INPUT, MAX_FIELD, DEFAULT = 1024, 10_000, "vgg16"
_DRAWN = 256  # pixels of the picture that are sent, at most
_LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
LINK: dict[str, Callable[[str], bool]] = {
    "channels_preset": lambda value: value in _presets()[0],
    "channels_input_size": one_of(*range(1, MAX_INPUT + 1)),
    "channels_after": one_of(*range(1, stacks.MAX_LAYERS + 1)),
    "channels_unit_row": one_of(*range(MAX_INPUT)),
    "channels_unit_column": one_of(*range(MAX_INPUT)),
    "channels_reach_field": one_of(*range(1, MAX_FIELD + 1)),
    "channels_reach_kernel": one_of(*range(1, 12)),
    "channels_reach_stride": one_of(*range(1, 5)),
    "channels_vgg": one_of(*range(1, 4097)),
}


def calculator(picture: Picture) -> bool:
    """Edit a stack, see what its units see.

    Returns:
        True if the reader's own stack, not a preset as it is, ends in units that see as much as the picture is wide.
    """
    known, refusal = _presets()
    if refusal:
        st.error(plain(refusal))
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    keys = list(known)
    first = keys.index(DEFAULT) if DEFAULT in known else 0
    key = left.selectbox("Start from", keys, first, key="channels_preset", on_change=_start_again, **_LINKED)
    preset = known[key]
    _clamp("channels_input_size", 1, MAX_INPUT)
    input_size = right.number_input(
        "Side of the picture, pixels", 1, MAX_INPUT, preset.input_size, key="channels_input_size", **_LINKED
    )
    if preset.total_params and preset.macs:
        st.caption(
            f"{plain(preset.title)}: {count(preset.total_params, 'parameter')} and {count(preset.macs, 'MAC')} in all. "
            "Listed is the path of the largest field; parallel branches are left out. " + plain(preset.path_reason)
        )
    stack = edited_stack(preset, _changed)
    rows = stacks.stack_table(stack, input_size)
    _results(rows, input_size, preset.path_params if stack == preset.stack else None)
    if rows:
        _picture(picture, rows, input_size)
    _take_away(stack, rows, input_size)
    left, right = st.columns(2, gap="large")
    with left:
        _vgg()
    with right:
        _reach()
    return bool(rows) and stack != preset.stack and rows[-1].field.size >= input_size


def _presets() -> tuple[dict[str, stacks.Preset], str]:
    """The presets, and why some are missing."""
    try:
        return stacks.presets(), ""
    except StackError as refusal:
        return stacks.TEACHING, str(refusal)


def _clamp(key: str, low: int, high: int) -> None:
    """Bring a value that came from a link, or from a larger stack, into range."""
    value = st.session_state.get(key)
    if value is not None and not low <= value <= high:
        st.session_state[key] = min(max(value, low), high)


def _start_again() -> None:
    """Take a preset as it is."""
    preset = _presets()[0][st.session_state.channels_preset]
    st.session_state.channels_layers = ""
    st.session_state.channels_input_size = preset.input_size
    _changed(preset.stack)


def _changed(stack: stacks.Stack) -> None:
    """Look at the end of a stack that has just been changed."""
    st.session_state.channels_after = max(len(stack), 1)
    _forget_unit()


# Results -------------------------------------------------------------------------------------------------------------


def _results(rows: list[StackRow], input_size: int, path_params: int | None) -> None:
    """What there is after each layer; `path_params` of the same layers in the network they are from."""
    if not rows:
        st.info("No layers: a unit is a pixel, and sees itself. Add a row.")
        return
    cells = [
        {
            "after": row.layer.name,
            "output": "–" if row.output_size is None else f"{row.output_size} × {row.output_size} × {row.channels:,}",
            "receptive field": f"{row.field.size:,}",
            "effective stride": f"{row.field.stride:,}",
            "effective padding": "–" if row.field.padding is None else f"{row.field.padding:,}",
            "params": f"{row.params:,}",
            "MACs": "–" if row.macs is None else f"{row.macs:,}",
        }
        for row in rows
    ]
    import pandas as pd  # here: views without a table do without its 57 MB

    right = st.column_config.TextColumn(alignment="right")
    frame = pd.DataFrame(cells)
    st.dataframe(
        frame,
        hide_index=True,
        width="stretch",
        alt="Output size, receptive field, stride, padding, params and MACs",
        column_config=dict.fromkeys(frame.columns[1:], right) | {"after": st.column_config.TextColumn(pinned=True)},
    )
    if rows[-1].reason:
        st.warning(plain(rows[-1].reason))
    params, macs = sum(row.params for row in rows), sum(row.macs or 0 for row in rows)
    in_network = ""
    if path_params is not None and path_params != params:
        in_network = (
            f"In the network they have {count(path_params, 'parameter')}: other branches bring more channels, or its "
            "pictures have fewer. "
        )
    st.caption(
        f"{count(params, 'parameter')}, {count(macs, 'MAC')} for one picture of {input_size} × {input_size} × "
        f"{stacks.CHANNELS}: kernels and biases of the convolutions above, without BatchNorm. "
        f"{in_network}Arithmetic: Araujo, Norris & Sim 2019 (Distill)."
    )


@st.fragment
def _picture(picture: Picture, rows: list[StackRow], input_size: int) -> None:
    """Draw the field over the picture: after each layer, and of one unit."""
    st.subheader("What a unit sees")
    _clamp("channels_after", 1, len(rows))
    after = 1
    if len(rows) > 1:
        after = st.slider(
            "After layer", 1, len(rows), len(rows), key="channels_after", on_change=_forget_unit, **_LINKED
        )
    row = rows[min(max(after, 1), len(rows)) - 1]
    size, seen = f"{row.field.size:,}", f"{input_size} × {input_size}"
    beyond = "an unknown number of" if row.field.padding is None else f"{row.field.padding:,}"
    st.markdown(
        f"After **{row.layer.name}** a unit sees **{size} × {size}** pixels of a picture of {seen}"
        + (": *the whole picture*, from the middle" if row.field.size >= input_size else "")
        + f". Neighbours' fields lie {row.field.stride:,} px apart; the first reaches {beyond} px beyond the border."
    )
    url = _data_url(picture.digest, picture.pixels, min(input_size, _DRAWN))
    left, right = st.columns([2, 3])
    boxes = [_centre_box(each, input_size) for each in rows]
    at = rows.index(row)
    left.plotly_chart(
        figures.nested(url, input_size, boxes, at),
        key="channels_field_nested",
        config={"displayModeBar": False},
        alt=f"Fields of the middle unit after each layer; after {row.layer.name}: {size} pixels.",
    )
    names, sizes = [each.layer.name for each in rows], [each.field.size for each in rows]
    right.plotly_chart(
        figures.growth(names, sizes, input_size, at),
        key="channels_field_growth",
        config={"displayModeBar": False},
        alt="Receptive field against the number of layers.",
    )
    if row.output_size is None:
        st.info(f"After {row.layer.name} there are no units to pick: the picture is used up.")
    elif row.output_size > MAX_INPUT:
        st.info(f"{row.output_size:,} × {row.output_size:,} units are too many to pick from.")
    else:
        _unit(url, row, row.output_size, input_size)


def _unit(url: str, row: StackRow, units: int, input_size: int) -> None:
    """Pick a unit; see its box."""
    middle = stacks.centre_unit(row, input_size)
    if st.session_state.pop("channels_recentre", False):
        st.session_state.channels_unit_row = st.session_state.channels_unit_column = middle
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = []
        for axis in ("row", "column"):
            _clamp(f"channels_unit_{axis}", 0, units - 1)
            unit.append(
                st.number_input(
                    f"Unit, {axis}", 0, units - 1, middle, key=f"channels_unit_{axis}", width=150, **_LINKED
                )
            )
    spans = [_span(row.field, index, input_size) for index in range(units)]
    unit_picker(
        url,
        "channels_unit",
        input_size=input_size,
        layer=row.layer.name,
        intervals=spans,
        unit=(min(unit[0], units - 1), min(unit[1], units - 1)),
        on_pick=_picked,
    )
    st.caption(
        "Click a unit, or a place in the picture; arrow keys move. Dashed: the whole field, striped ground: padding. "
        + ("The darker a unit, the more of its field is padding." if units <= 64 else "")
    )


def _picked() -> None:
    row, column = st.session_state.channels_unit["unit"]
    st.session_state.channels_unit_row, st.session_state.channels_unit_column = int(row), int(column)


def _forget_unit() -> None:
    """Go back to the unit in the middle, once it is known where that is."""
    st.session_state.channels_recentre = True


def _span(seen: Field, index: int, input_size: int) -> Interval:
    first, last = unit_interval(seen, index)
    if last < 0 or first >= input_size:  # nothing but padding
        return first, last, None, None
    return first, last, *unit_interval(seen, index, input_size)


def _centre_box(row: StackRow, input_size: int) -> tuple[int, int] | None:
    if row.output_size is None:
        return None
    _, _, *inside = _span(row.field, stacks.centre_unit(row, input_size), input_size)
    return None if inside[0] is None or inside[1] is None else (inside[0], inside[1])


@st.cache_data(max_entries=32, show_spinner=False)
def _data_url(digest: str, _pixels: Any, side: int) -> str:
    return "data:image/png;base64," + base64.b64encode(maps.png(square(_pixels, side, 1.0))).decode()


# Boxes beside it -----------------------------------------------------------------------------------------------------


def _take_away(stack: stacks.Stack, rows: list[StackRow], input_size: int) -> None:
    st.subheader("Take it with you")
    try:
        code = stack_export.to_keras(stack, input_size)
    except StackError as refusal:
        code, why = "", str(refusal)
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV",
            stack_export.to_csv(rows),
            "stack.csv",
            "text/csv",
            on_click="ignore",
            key="channels_csv",
            icon=":material/download:",
            disabled=not rows,
        )
        st.download_button(
            "Keras code",
            code,
            "stack.py",
            "text/x-python",
            on_click="ignore",
            key="channels_code",
            icon=":material/download:",
            disabled=not code,
        )
    if not code:
        st.info(f"There is no Keras code for this stack. {plain(why)}")
        return
    with st.expander("Keras code"):
        st.code(code, language="python")


@st.fragment
def _vgg() -> None:
    """Small kernels in a row against one large one (Simonyan & Zisserman 2015, section 2.3)."""
    st.subheader("Two 3×3 see as much as one 5×5")
    _clamp("channels_vgg", 1, 4096)
    channels = st.number_input("Channels in and out", 1, 4096, 64, key="channels_vgg", **_LINKED)
    rows = []
    for key in ("two_3x3", "one_5x5", "three_3x3", "one_7x7"):
        preset = stacks.TEACHING[key]
        sizes = [layer.kernel_size for layer in preset.stack]
        seen = receptive_field(layer.window for layer in preset.stack)
        weights = [sum(_weights(size, width) for size in sizes) for width in (1, channels)]
        rows.append(
            [
                preset.title.replace(" ", "\u00a0"),
                f"{seen.size}",
                *(f"{number:,}" for number in weights),
                f"{len(sizes)}",
            ]
        )
    table(["Kernels", "field", "weights", f"× {channels:,}²", "ReLUs"], rows)
    st.caption(
        f"Weights for one channel, then for {channels:,} in and out. The same field for fewer weights, and more "
        "nonlinearities: one after each. Simonyan & Zisserman 2015, arXiv:1409.1556, section 2.3."
    )


def _weights(kernel_size: int, channels: int) -> int:
    return convolution_cost(kernel_size, channels, channels, output=1, bias=False).params


@st.fragment
def _reach() -> None:
    """How many equal layers it takes."""
    st.subheader("How many layers to see so much?")
    with st.container(horizontal=True):
        wanted = st.number_input("Field, pixels", 1, MAX_FIELD, 224, key="channels_reach_field", **_LINKED)
        kernel_size = st.number_input("Kernel size", 1, 11, 3, key="channels_reach_kernel", **_LINKED)
        stride = st.number_input("Stride", 1, 4, 1, key="channels_reach_stride", **_LINKED)
    try:
        layers = layers_to_reach(wanted, kernel_size, stride)
    except ValueError as refusal:
        st.error(plain(str(refusal)))
        return
    strided = layers_to_reach(wanted, kernel_size, 2)
    st.markdown(
        f"**{count(layers, 'layer')}** of {kernel_size} × {kernel_size} at stride {stride}."
        + (
            f" At stride 2 it would be {strided}: the field grows with the product of the strides."
            if stride == 1
            else ""
        )
    )
