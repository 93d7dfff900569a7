"""The receptive-field calculator: a stack of layers that the reader edits, and what its neurons see of the picture."""

import base64
from typing import Any

import streamlit as st

from cnn_core.arithmetic.geometry import Field, unit_interval
from cnn_core.arithmetic.spots import Windows
from cnn_core.arithmetic.stacks import export as stack_export
from cnn_core.arithmetic.stacks import presets as stack_presets
from cnn_core.arithmetic.stacks import table as stacks
from cnn_core.arithmetic.stacks.table import StackError, StackRow
from cnn_core.figures import fields as figures
from cnn_core.figures import maps
from cnn_core.pictures.images import Picture, square
from ui.channels.reach import how_many, small_against_large
from ui.channels.stack_editor import AFTER, edit_as_text, edit_layer
from ui.shared.charts import plot
from ui.shared.controls import follow, pick, say, whole
from ui.shared.picture import the_picture
from ui.shared.receipts import receipt
from ui.shared.rows import scrolled
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, dimensions, plain
from ui.shared.thread import follow_button, in_square, of_square
from ui.widgets.unit_picker.unit_picker import Interval, unit_picker

MAX_INPUT, DEFAULT = 1024, "vgg16"
_UNIT = ("channels_unit_row", "channels_unit_column")
_DRAWN = 256  # pixels of the picture that are sent, at most
_RESULTS = ("after", "output", "receptive field", "effective stride", "effective padding", "params", "MACs")


def calculator(room: Room) -> bool:
    """Edit a stack, see what its neurons see.

    Returns:
        True if the reader's own stack, not a network as it is, ends in a middle neuron that sees the whole picture.
    """
    picture = the_picture()
    known, missing = _presets()
    titles = {key: preset.title for key, preset in known.items()}
    first = DEFAULT if DEFAULT in known else next(iter(known))
    with room.side:
        preset = known[pick("Start from this network", titles, first, "channels_preset", on_change=_start_again)]
        looking = st.container()
    folded = room.more("Change the layers")
    cells = folded.container()
    with folded:
        stack, refusal = edit_as_text(preset, _look_at_end)
    after = _after(stack, looking)
    with cells:
        edit_layer(stack, after, preset, _forget_unit)
    more = room.more("Size of the picture, another neuron")
    with more:
        side = whole("Side of the picture, pixels", 1, MAX_INPUT, preset.input_size, "channels_input_size")
    rows = stacks.stack_table(stack, side)
    with room.stage:
        if rows:
            _seen(picture, rows, after, side, more)
        else:
            url = _data_url(picture.digest, picture.pixels, min(side, _DRAWN))
            whole_picture = figures.nested(url, side, [(0, side - 1)], 0)
            plot(whole_picture, "channels_field_nested", "No layers: every pixel of the picture for itself.")
            st.info("No layers: a neuron is a pixel, and sees itself. Add a layer.")
        for wrong in filter(None, (plain(missing), refusal)):
            st.error(wrong)
        if rows and rows[-1].reason:
            st.warning(plain(rows[-1].reason))
    with room.why:
        told(
            "How much of your picture can one neuron know about? Its window sees a few cells, each of which has seen a "
            "few pixels: layer by layer its [[receptive field]] grows, by the kernel's size less one, times "
            "the [[effective stride]] of what lies before. A cat that does not fit in cannot be seen as a whole. "
            "Next: how little of it a neuron really uses."
        )
        _results(preset, stack, rows, side)
        _take_away(stack, rows, side)
        left, right = st.columns(2, gap="large")
        with left:
            small_against_large()
        with right:
            how_many()
    return bool(rows) and stack != preset.stack and _centre_box(rows[-1], side) == (0, side - 1)


def _presets() -> tuple[dict[str, stack_presets.Preset], str]:
    """The networks to start from, and why some are missing."""
    try:
        return stack_presets.presets(), ""
    except StackError as refusal:
        return stack_presets.TEACHING, str(refusal)


def _after(stack: stacks.Stack, place: Any) -> int:
    """Ask after which layer to look; the last one at first."""
    last = len(stack)
    if last < 2:
        return last
    if st.session_state.pop("channels_at_end", False):
        st.query_params.pop(AFTER, None)
        st.session_state[AFTER] = last
    follow(AFTER, range(1, last + 1), last)
    after = int(place.slider("Look after layer", 1, last, key=AFTER, on_change=_forget_unit))
    say(AFTER, after, last)
    return after


def _start_again() -> None:
    """Take a network as it is."""
    preset = _presets()[0][st.session_state.channels_preset]
    st.session_state.channels_layers = ""
    st.session_state.channels_input_size = preset.input_size
    _look_at_end()


def _look_at_end() -> None:
    """Look at the end of a stack that is another one now, once it is known where that is."""
    st.session_state.channels_at_end = True
    _forget_unit()


def _forget_unit() -> None:
    """Go back to the neuron in the middle, once it is known where that is."""
    st.session_state.channels_recentre = True


# On the stage --------------------------------------------------------------------------------------------------------


def _seen(picture: Picture, rows: list[StackRow], after: int, input_size: int, place: Any) -> None:
    """Draw the field over the picture: of one neuron, and how it has grown."""
    row = rows[after - 1]
    field, seen = row.field.size, dimensions(input_size, input_size)
    beyond = "an unknown number of" if row.field.padding is None else f"{row.field.padding:,}"
    url = _data_url(picture.digest, picture.pixels, min(input_size, _DRAWN))
    boxes = [_centre_box(each, input_size) for each in rows]
    nested = figures.nested(url, input_size, boxes, after - 1)
    spoken = f"Fields of the middle neuron after each layer; after {row.layer.name}: {field:,} pixels."
    if row.output_size is None:
        plot(nested, "channels_field_nested", spoken)
        st.info(f"After {row.layer.name} there are no neurons to pick: the picture is used up.")
    elif row.output_size > MAX_INPUT:
        plot(nested, "channels_field_nested", spoken)
        st.info(f"{dimensions(row.output_size, row.output_size)} neurons are too many to pick from.")
    else:
        _unit(picture, url, row, row.output_size, input_size, place)
    st.markdown(
        f"After **{row.layer.name}** one neuron sees **{dimensions(field, field)}** pixels of a picture of {seen}"
        + (": *the whole picture*, from the middle" if boxes[after - 1] == (0, input_size - 1) else "")
        + f". Neighbours' fields lie {row.field.stride:,} px apart; the first reaches {beyond} px beyond the border."
    )
    names, sizes = [each.layer.name for each in rows], [each.field.size for each in rows]
    plot(
        figures.growth(names, sizes, input_size, after - 1),
        "channels_field_growth",
        f"The field grows from {sizes[0]:,} pixels after the first layer to {sizes[-1]:,} after the last.",
    )


def _unit(picture: Picture, url: str, row: StackRow, units: int, input_size: int, place: Any) -> None:
    """Pick a neuron; see its box. At first it is the one that looks at the followed place, or the middle one."""
    middle, windows = stacks.centre_unit(row, input_size), _windows(row.field, units)
    point = in_square(picture, input_size, 1.0)
    followed = windows.nearest(point) if windows and point else None
    first = followed or (middle, middle)
    before = st.session_state.get("channels_followed", followed)
    if st.session_state.pop("channels_recentre", False) or before != followed:
        for key, usual in zip(_UNIT, first, strict=True):
            st.query_params.pop(key, None)
            st.session_state[key] = usual
    st.session_state.channels_followed = followed
    unit = []
    for axis, key, usual in zip(("row", "column"), _UNIT, first, strict=True):
        follow(key, range(units), usual)
        unit.append(int(place.number_input(f"Neuron, {axis}", 0, units - 1, key=key, disabled=units == 1)))
        say(key, unit[-1], usual)
    unit_picker(
        url,
        "channels_unit",
        input_size=input_size,
        layer=row.layer.name,
        intervals=[_span(row.field, index, input_size) for index in range(units)],
        unit=(unit[0], unit[1]),
        on_pick=_picked,
    )
    here = (unit[0], unit[1])
    if windows:
        spot = of_square(windows.centre(here), picture, input_size, 1.0)
        follow_button("channels_follow", spot, here=here == followed)
    place.caption(
        "Or click a neuron, or a place in the picture; arrow keys move. Dashed: the whole field, with its padding. "
        + ("The darker a neuron, the more of its field is padding." if units <= 64 else "")
    )


def _windows(seen: Field, units: int) -> Windows | None:
    """How the neurons look at the picture; None where there is no number for it."""
    if seen.padding is None:
        return None
    return Windows((units, units), (seen.size,) * 2, (seen.stride,) * 2, (seen.padding,) * 2)


def _picked() -> None:
    st.session_state.channels_unit_row, st.session_state.channels_unit_column = map(
        int, st.session_state.channels_unit["unit"]
    )


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


# Below it ------------------------------------------------------------------------------------------------------------


def _results(preset: stack_presets.Preset, stack: stacks.Stack, rows: list[StackRow], input_size: int) -> None:
    """What there is after each layer, and in the network that the stack is from."""
    if preset.total_params and preset.macs:
        path = "Listed is the path of the largest field; parallel branches are left out. "
        products = f", {preset.attention_macs:,} of them attention's own products" if preset.attention_macs else ""
        st.caption(
            f"{plain(preset.title)}: {count(preset.total_params, 'parameter')} and {count(preset.macs, 'MAC')} in all"
            f"{products}. {path if preset.branches and rows else ''}{plain(preset.path_reason)}"
        )
    if not rows:
        return
    scrolled(
        _RESULTS,
        [
            [
                row.layer.name,
                "–" if row.output_size is None else f"{row.output_size} × {row.output_size} × {row.channels:,}",
                f"{row.field.size:,}",
                f"{row.field.stride:,}",
                "–" if row.field.padding is None else f"{row.field.padding:,}",
                f"{row.params:,}",
                "–" if row.macs is None else f"{row.macs:,}",
            ]
            for row in rows
        ],
        "Output size, receptive field, stride, padding, parameters and multiply-adds after each layer",
        numbers=_RESULTS[1:],
    )
    params, macs = sum(row.params for row in rows), sum(row.macs or 0 for row in rows)
    in_network = ""
    if stack == preset.stack and preset.path_params is not None and preset.path_params != params:
        in_network = (
            f"In the network they have {count(preset.path_params, 'parameter')}: "
            f"{'other branches bring more channels, or ' if preset.branches else ''}its pictures have fewer channels. "
        )
    st.caption(
        f"{count(params, 'parameter')}, {count(macs, 'MAC')} for one picture of "
        f"{dimensions(input_size, input_size, stacks.CHANNELS)}: kernels and biases of the convolutions above, "
        f"without BatchNorm. {in_network}Arithmetic: Araujo, Norris & Sim 2019 (Distill); their table comes out here"
        f"{receipt('vgg16-field-pool5')}."
    )


def _take_away(stack: stacks.Stack, rows: list[StackRow], input_size: int) -> None:
    st.header("Take it with you", anchor=False)
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
        st.code(code, language="python", wrap_lines=True)
