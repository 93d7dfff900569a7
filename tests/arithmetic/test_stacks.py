"""Stacks: against published tables, against perturbing pixels, and against the Keras model that their code builds."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_core.arithmetic.geometry import padding_amounts, unit_interval
from cnn_core.arithmetic.stacks import presets as stack_presets
from cnn_core.arithmetic.stacks import table as stacks
from cnn_core.arithmetic.stacks.export import to_csv, to_keras
from cnn_core.arithmetic.stacks.presets import read_atlas
from cnn_core.arithmetic.stacks.table import (
    COLUMNS,
    StackError,
    StackLayer,
    centre_unit,
    from_rows,
    stack_table,
    to_rows,
)
from cnn_core.arithmetic.stacks.text import from_text, to_text

# Published: receptive field, effective stride, effective padding (Araujo, Norris & Sim 2019, Distill; 224 px).
VGG16 = (
    "v1-"
    + "-m2s2-".join(
        "-".join([f"c3psx{filters}"] * n) for n, filters in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
    )
    + "-m2s2"
)
VGG16_ROWS = {1: (3, 1, 1), 3: (6, 2, 2), 10: (44, 8, 18), 18: (212, 32, 90)}  # conv1_1, pool1, pool3, pool5
ALEXNET = "v1-c11s4x64-m3s2-c5psx192-m3s2-c3psx384-c3psx384-c3psx256-m3s2"  # v2
ALEXNET_ROWS = {1: (11, 4, 0), 2: (19, 8, 0), 3: (51, 8, 16), 8: (195, 32, 64)}  # conv1, pool1, conv2, pool5
MOBILENET = "v1-c3s2psx32" + "".join(
    f"-c3{'s2' * (n in (2, 4, 6, 12))}psx{filters}-c1x{filters}"
    for n, filters in enumerate([64, 128, 128, 256, 256, *[512] * 6, 1024, 1024], 1)
)
MOBILENET_ROWS = {3: (7, 2, 2), 11: (43, 8, 14), 27: (315, 32, 126)}  # 1pw, 5pw, 13pw
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True)
SIDES = st.integers(0, 12)


@st.composite
def layers(draw: Any, name: str | None = None, small: bool = False, channels: int = 1) -> StackLayer:
    kind = draw(st.sampled_from(stacks.KINDS))
    sizes = {
        "kernel_size": draw(st.integers(1, 4 if small else 99)),
        "stride": draw(st.integers(1, 3 if small else 4)),
        "padding": draw(st.sampled_from(("valid", "same")) | st.tuples(SIDES, SIDES)),
    }
    if kind == "convolution":
        filters = draw(st.integers(1, 4 if small else 9999) | st.just(channels))
        divisors = [n for n in range(1, channels + 1) if channels % n == filters % n == 0]
        sizes |= {"dilation": draw(st.integers(1, 3)), "filters": filters, "groups": draw(st.sampled_from(divisors))}
        sizes |= {"bias": draw(st.booleans())}
    return StackLayer(name or draw(NAMES), kind, **sizes)


@st.composite
def any_stack(draw: Any, most: int = 6, small: bool = False) -> tuple[StackLayer, ...]:
    stack: list[StackLayer] = []
    channels = stacks.CHANNELS
    for name in draw(st.lists(NAMES, max_size=most, unique=True)):
        stack.append(draw(layers(name, small, channels)))
        channels = stack[-1].filters or channels
    return tuple(stack)


@pytest.mark.parametrize(
    ("text", "published"),
    [(VGG16, VGG16_ROWS), (ALEXNET, ALEXNET_ROWS), (MOBILENET, MOBILENET_ROWS)],
    ids=["vgg16", "alexnet", "mobilenet"],
)
def test_stack_agrees_with_published_fields(text: str, published: dict[int, tuple[int, int, int]]) -> None:
    rows = stack_table(from_text(text), 224)
    found = {n: (rows[n - 1].field.size, rows[n - 1].field.stride, rows[n - 1].field.padding) for n in published}
    assert found == published
    assert len(rows) == max(published)


def test_stack_of_vgg16_counts_its_published_parameters() -> None:
    rows = stack_table(from_text(VGG16), 224)
    assert sum(row.params for row in rows) == 14_714_688, "Keras: VGG-16 without its top"
    assert rows[-1].output_size == 7 and rows[-1].channels == 512
    assert sum(row.macs or 0 for row in rows) + 25088 * 4096 + 4096 * 4096 + 4096 * 1000 == 15_470_264_320


@settings(max_examples=60)
@given(stack=any_stack(most=4, small=True), input_size=st.integers(1, 40))
def test_field_is_what_changes_when_one_pixel_is_perturbed(stack: tuple[StackLayer, ...], input_size: int) -> None:
    """Each pixel is perturbed by itself; sums of positive weights cannot cancel."""
    signals = np.eye(input_size, dtype=bool)  # (perturbed pixel, position)
    for row in stack_table(stack, input_size):
        window = row.layer.window
        if row.output_size is None:
            before, after = padding_amounts(signals.shape[1], window)
            assert signals.shape[1] + before + after < window.span, "a kernel that fits is refused"
            assert "does not fit" in row.reason
            return
        padded = np.pad(signals, ((0, 0), padding_amounts(signals.shape[1], window)))
        starts = range(0, padded.shape[1] - window.span + 1, window.stride)
        signals = np.stack([padded[:, at : at + window.span : window.dilation].any(axis=1) for at in starts], axis=1)
        assert signals.shape[1] == row.output_size
        for unit in range(row.output_size):
            first, last = unit_interval(row.field, unit)
            seen = np.flatnonzero(signals[:, unit])
            assert all(first <= pixel <= last for pixel in seen), f"{row.layer.name}, unit {unit}"
            if first >= 0 and last < input_size:
                assert (seen[0], seen[-1]) == (first, last), f"{row.layer.name}, unit {unit}"


@given(any_stack())
def test_text_and_table_hold_the_whole_stack(stack: tuple[StackLayer, ...]) -> None:
    text = to_text(stack)
    assert from_text(text) == stack
    assert to_text(from_text(text)) == text
    assert not set(text) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."), "URL-safe"
    assert from_rows(to_rows(stack)) == stack


def test_longest_stack_fits_into_its_text() -> None:
    longest = [
        StackLayer(f"n{n:039}", "convolution", 99, 1, (998, 999), 99, 16384, groups=16384 if n else 1, bias=False)
        for n in range(stacks.MAX_LAYERS)
    ]
    assert from_text(to_text(longest)) == tuple(longest)
    with pytest.raises(StackError, match="Received 257 layers, expected at most 256; remove some"):
        from_rows([*to_rows(longest), *to_rows([StackLayer("last", "pooling", 2)])])


@given(st.text(max_size=60) | st.text("v1-cmspdxgb_.0123456789", max_size=60).map("v1-".__add__))
def test_hostile_text_is_refused_in_one_sentence(text: str) -> None:
    try:
        stack = from_text(text)
    except StackError as refusal:
        assert str(refusal).endswith(".") and len(str(refusal)) < 300
    else:
        assert from_text(to_text(stack)) == stack


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("c3x64", "A stack starts with v1-, as in v1-c3x64-m2s2; received “c3x64”."),
        ("v1-c3x64-", "Layer 2: received “”, expected a layer such as c3s1psx64 or m2s2."),
        ("v1-c３x64", "Layer 1: received “c３x64”, expected a layer"),
        ("v1-c3", "Layer 1, filters: received nothing, expected a whole number from 1 to 16384."),
        ("v1-c3x99999", "Layer 1, filters: received “99999”, expected a whole number from 1 to 16384."),
        ("v1-m2-m0", "Layer 2, kernel_size: received “0”, expected a whole number from 1 to 99."),
        ("v1-m2d2", "Layer 1: received “m2d2”, expected a layer such as c3s1psx64 or m2s2."),
        ("v1-m2x3", "Layer 1: received “m2x3”, expected a layer such as c3s1psx64 or m2s2."),
        ("v1-m2g2", "Layer 1: received “m2g2”, expected a layer such as c3s1psx64 or m2s2."),
        ("v1-m2b0", "Layer 1: received “m2b0”, expected a layer such as c3s1psx64 or m2s2."),
        ("v1-c3x8b1", "Layer 1: received “c3x8b1”, expected a layer such as c3s1psx64 or m2s2."),
        ("v1-c3x8g0", "Layer 1, groups: received “0”, expected a whole number from 1 to 16384."),
        (
            "v1-c3x9g3-m2-c3x8g3",
            "Layer 3, groups: received “3”, expected a divisor of its 9 channels in and of its 8 filt",
        ),
        (
            "v1-c3x8-c3x9g3",
            "Layer 2, groups: received “3”, expected a divisor of its 8 channels in and of its 9 filters.",
        ),
        ("v1-c3x8g2", "Layer 1, groups: received “2”, expected a divisor of its 3 channels in and of its 8 filters."),
        ("v1-m2.9", "Layer 1, name: received “9”, expected at most 40 letters, digits and _, a letter first."),
        ("v1-m2.a-m2.a", "Layer 2, name: received “a”, expected another than that of layer 1."),
        ("v1" + "-m2s99" * 6, "Layer 5, stride: received a field of 97,039,802 pixels at stride 9,509,900,499"),
        ("v1" + "-m2s2" * 5000, "The stack has 25,002 characters, expected at most 20,000; remove layers."),
    ],
)
def test_text_says_what_is_wrong_and_where(text: str, said: str) -> None:
    with pytest.raises(StackError) as refusal:
        from_text(text)
    assert str(refusal.value).startswith(said)


GOOD = {
    "name": "a",
    "kind": "convolution",
    "kernel_size": 3,
    "stride": 1,
    "padding": "same",
    "dilation": 1,
    "filters": 8,
}


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("kernel_size", None, "Layer 2, kernel_size: received nothing, expected a whole number from 1 to 99."),
        ("kernel_size", 2.5, "Layer 2, kernel_size: received “2.5”, expected a whole number from 1 to 99."),
        ("stride", 0, "Layer 2, stride: received “0”, expected a whole number from 1 to 99."),
        ("stride", True, "Layer 2, stride: received “True”, expected a whole number from 1 to 99."),
        ("dilation", "two", "Layer 2, dilation: received “two”, expected a whole number from 1 to 99."),
        (
            "padding",
            "1, 2, 3",
            "Layer 2, padding: received “1, 2, 3”, expected same, valid, pixels on each side, or two",
        ),
        ("padding", "-1", "Layer 2, padding: received “-1”, expected same, valid,"),
        ("filters", None, "Layer 2, filters: received nothing, expected a whole number from 1 to 16384."),
        ("filters", float("nan"), "Layer 2, filters: received “nan”, expected"),
        ("groups", 3, "Layer 2, groups: received “3”, expected a divisor of its 8 channels in and of its 8 filters."),
        ("groups", "two", "Layer 2, groups: received “two”, expected a whole number from 1 to 16384."),
        ("bias", "maybe", "Layer 2, bias: received “maybe”, expected true or false."),
        ("bias", 1, "Layer 2, bias: received “1”, expected true or false."),
        ("kind", "dense", "Layer 2, kind: received “dense”, expected convolution or pooling."),
        ("name", "a/b", "Layer 2, name: received “a/b”, expected at most 40 letters, digits and _, a letter first."),
        ("name", "a", "Layer 2, name: received “a”, expected another than that of layer 1."),
    ],
)
def test_table_names_row_and_column_of_a_bad_cell(column: str, cell: object, said: str) -> None:
    with pytest.raises(StackError) as refusal:
        from_rows([GOOD, GOOD | {"name": "b", column: cell}])
    assert str(refusal.value).startswith(said)


@given(st.dictionaries(st.sampled_from(COLUMNS), st.none() | st.text() | st.integers() | st.floats() | st.booleans()))
def test_table_takes_anything_without_another_error(row: dict[str, Any]) -> None:
    try:
        stack = from_rows([row])
    except StackError as refusal:
        assert str(refusal).startswith("Layer 1, ")
    else:
        assert from_rows(to_rows(stack)) == stack


@pytest.mark.parametrize(("column", "cell"), [("dilation", 2), ("filters", 3), ("groups", 2)])
def test_pooling_has_neither_dilation_nor_filters_nor_groups(column: str, cell: int) -> None:
    with pytest.raises(StackError, match=f"{column}: received “{cell}”, expected (1|none) for a pooling"):
        StackLayer("pool", "pooling", 2, **{column: cell})


def test_table_gives_names_that_are_free() -> None:
    rows = [
        GOOD | {"name": "conv2"},
        GOOD | {"name": None},
        GOOD | {"name": " "},
        {**GOOD, "kind": "pooling", "name": ""},
    ]
    assert [layer.name for layer in from_rows(rows)] == ["conv2", "conv3", "conv4", "pool4"]


def test_cells_as_tables_write_them_are_read() -> None:
    row = {"name": "p", "kind": "pooling", "kernel_size": "3", "stride": 2.0, "padding": " 0 , 1", "dilation": 1}
    assert from_rows([row, row | {"name": "q", "padding": 2.0}]) == (
        StackLayer("p", "pooling", 3, 2, (0, 1)),
        StackLayer("q", "pooling", 3, 2, 2),
    )


def test_missing_groups_and_bias_are_those_of_a_plain_convolution() -> None:
    (plain,) = from_rows([GOOD])
    assert (plain.groups, plain.bias) == (1, True)
    assert from_rows([GOOD | {"groups": None, "bias": None}]) == (plain,)
    assert from_rows([GOOD | {"groups": "1.0", "bias": "False"}])[0].bias is False
    pool = StackLayer("pool", "pooling", 2)
    assert pool == StackLayer("pool", "pooling", 2, bias=False) and to_text([pool]) == "v1-m2.pool"
    assert to_rows([pool])[0] | {"groups": None, "bias": None} == to_rows([pool])[0]
    with pytest.raises(StackError, match="bias: received “1”, expected true or false"):
        StackLayer("a", "convolution", 3, filters=8, bias=1)  # type: ignore[arg-type]


@settings(max_examples=60)
@given(stack=any_stack(most=4, small=True))
def test_params_are_the_weights_of_channels_that_see_each_other(stack: tuple[StackLayer, ...]) -> None:
    """Oracle: a filter and a channel are connected if both are in the same group, counted one by one."""
    channels = stacks.CHANNELS
    for row in stack_table(stack, 224):
        layer = row.layer
        if layer.kind == "pooling":
            assert (row.params, row.macs) == (0, 0)
            continue
        pairs = sum(
            filter_ * layer.groups // layer.filters == channel * layer.groups // channels
            for filter_ in range(layer.filters)
            for channel in range(channels)
        )
        weights = pairs * layer.kernel_size**2
        assert row.params == weights + (layer.filters if layer.bias else 0)
        assert row.macs == (None if row.output_size is None else weights * row.output_size**2)
        channels = layer.filters


def test_groups_must_divide_the_channels_of_the_picture_at_hand() -> None:
    stack = from_text("v1-c3x9g3")
    assert stack_table(stack, 8)[0].params == 3 * 3 * 9 + 9
    with pytest.raises(StackError, match="Layer 1, groups: received “3”, expected a divisor of its 1 channels in"):
        stack_table(stack, 8, channels=1)


def test_table_goes_on_where_the_picture_is_used_up() -> None:
    rows = stack_table(from_text("v1-c5x2-c9x3-c3s2psx4"), 10)
    assert [row.output_size for row in rows] == [6, None, None]
    assert [row.field.size for row in rows] == [5, 13, 15]
    assert [row.macs for row in rows] == [5 * 5 * 3 * 2 * 36, None, None]
    assert rows[2].params == 3 * 3 * 3 * 4 + 4
    assert rows[2].field.padding is None, "same with a stride needs the size"
    assert rows[2].reason == rows[1].reason and "conv2: A kernel that spans 9 pixels does not fit" in rows[1].reason
    with pytest.raises(ValueError, match="After conv2 there are no units"):
        centre_unit(rows[1], 10)


@pytest.mark.parametrize("input_size", [31, 32, 224])
def test_centre_unit_is_the_nearest_to_the_middle(input_size: int) -> None:
    for row in stack_table(from_text("v1-c7s2p3_2x8-m3s2ps-c3x8-c5s3p9x8"), input_size):
        assert row.output_size is not None
        middles = [sum(unit_interval(row.field, unit)) / 2 for unit in range(row.output_size)]
        off = [abs(middle - (input_size - 1) / 2) for middle in middles]
        assert off[centre_unit(row, input_size)] == min(off)


def test_csv_is_the_table() -> None:
    stack = from_text("v1-c3s2p0_1x9g3b0.first-m2s2")
    first, last = csv.DictReader(io.StringIO(to_csv(stack_table(stack, 32))))
    assert (first["name"], first["padding"], first["receptive_field"], first["output_size"]) == (
        "first",
        "0, 1",
        "3",
        "16",
    )
    assert (first["groups"], first["bias"], first["params"]) == ("3", "False", str(3 * 3 * 9))
    assert (last["filters"], last["groups"], last["bias"]) == ("", "", "")
    assert (last["effective_stride"], last["params"], last["macs"]) == ("4", "0", "0")
    assert int(first["macs"]) == 3 * 3 * 9 * 16 * 16


KERAS = (
    VGG16,
    ALEXNET,
    "v1-c7s2p3x64.stem-m3s2p1.conv3_pad-c3p2d2x16-c3psd3x8-m3ps-m2s2ps.zero_padding2d-c2s3ps x1",
    "v1-c5s2p2_1x4.a-m3s1p1_0.a_pad-m2s2",
    "v1-c3psx3g3b0-c3s2psx6g3-m2s2-c3p1d2x6g6-c1x8b0-c3s2psx8g8b0-c3x8g4b0-c3x16g8",
)


DEPTHWISE = {KERAS[-1]: ("conv1", "conv4", "conv6")}  # not those of as many groups as channels, but more filters


@pytest.mark.parametrize(
    "text", [text.replace(" ", "") for text in KERAS], ids=["vgg16", "alexnet", "odd", "names", "groups"]
)
def test_keras_code_builds_the_stack(text: str) -> None:
    from cnn_core.networks.summary import layer_table

    stack = from_text(text)
    scope: dict[str, Any] = {}
    exec(to_keras(stack, 225), scope)  # our own code
    found = {row.name: row for row in layer_table(scope["model"])}
    for row in stack_table(stack, 225):
        keras_row = found[row.layer.name]
        assert keras_row.output_shape == (row.output_size, row.output_size, row.channels)
        assert (keras_row.params, keras_row.macs) == (row.params, row.macs)
        assert (keras_row.kind == "DepthwiseConv2D") == (row.layer.name in DEPTHWISE.get(text, ()))
        fields = (keras_row.receptive_field, keras_row.effective_stride, keras_row.effective_padding)
        assert fields == (row.field.size, row.field.stride, row.field.padding)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("v1", "The stack has no layers, expected at least one; add one."),
        ("v1-c3s2d2x8", "conv1: received stride 2 and dilation 2, expected one of them to be 1; Keras builds"),
        ("v1-c9x8-c9x8", "conv2: A kernel that spans 9 pixels does not fit into an input of 8"),
    ],
)
def test_keras_code_is_refused_where_keras_would(text: str, said: str) -> None:
    with pytest.raises(StackError, match=said):
        to_keras(from_text(text), 16)


def test_teaching_stacks_see_what_their_names_say() -> None:
    fields = {key: stack_table(preset.stack, 32)[-1].field.size for key, preset in stack_presets.TEACHING.items()}
    assert fields == {"two_3x3": 5, "three_3x3": 7, "one_5x5": 5, "one_7x7": 7}


def test_atlas_is_read_and_a_missing_one_said(tmp_path: Path) -> None:
    path = [
        {
            "name": "conv1/7x7",
            "kind": "convolution",
            "kernel_size": 7,
            "stride": 2,
            "padding": [3, 3],
            "dilation": 1,
            "channels": 1,
            "filters": 64,
            "groups": 1,
            "bias": False,
        },
        {
            "name": "behind_concatenation",
            "kind": "convolution",
            "kernel_size": 1,
            "stride": 1,
            "padding": "valid",
            "dilation": 1,
            "channels": 96,
            "filters": 96,
            "groups": 96,
            "bias": True,
        },
        {
            "name": "pool",
            "kind": "pooling",
            "kernel_size": 3,
            "stride": 2,
            "padding": "same",
            "dilation": 1,
            "channels": None,
            "filters": None,
            "groups": None,
            "bias": None,
        },
    ]
    atlas = tmp_path / "atlas.json"
    with pytest.raises(StackError, match="The table of architectures atlas.json is missing"):
        read_atlas(atlas)
    facts = {
        "title": "Net",
        "input_size": 224,
        "path": path,
        "path_reason": "Attention sees all.",
        "total_params": 9,
        "macs": 8,
        "attention_macs": 2,
        "branches": True,
    }
    atlas.write_text(json.dumps({"architectures": {"net": facts}}))
    preset = read_atlas(atlas)["net"]
    assert (preset.path_reason, preset.total_params, preset.macs) == ("Attention sees all.", 9, 8)
    assert preset.branches
    assert preset.stack == (
        StackLayer("conv1_7x7", "convolution", 7, 2, (3, 3), filters=64, bias=False),
        StackLayer("behind_concatenation", "convolution", 1, filters=96),
        StackLayer("pool", "pooling", 3, 2, "same"),
    )
    assert [row.output_size for row in stack_table(preset.stack, preset.input_size)] == [112, 112, 56]
    assert preset.path_params == 7 * 7 * 64 + 96 + 96, "with the channels of the network"


def test_presets_are_the_teaching_stacks_and_the_atlas() -> None:
    found = stack_presets.presets()
    assert stack_presets.TEACHING.items() <= found.items()
    fields = {key: stack_table(found[key].stack, 224)[-1].field.size for key in ("vgg16", "mobilenet_v1", "resnet50")}
    assert fields == {"vgg16": 212, "mobilenet_v1": 315, "resnet50": 483}, "as published"
    for key, preset in found.items():
        rows = stack_table(preset.stack, preset.input_size)
        assert rows or preset.path_reason, f"{key} has no path, and no reason why"
        assert not any(row.reason for row in rows), f"{key} does not fit its own input"
        assert from_text(to_text(preset.stack)) == preset.stack, key
    straight = {"lenet5", "alexnet", "alexnet_ungrouped", "vgg16", "vgg19", "mobilenet_v1"}
    straight |= {key for key in found if "plain" in key} | stack_presets.TEACHING.keys()
    assert {key for key, preset in found.items() if not preset.branches} == straight, "as their papers draw them"
