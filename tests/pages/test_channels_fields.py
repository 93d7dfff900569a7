"""The receptive-field calculator, on a page of its own."""

import re
from html import unescape
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.arithmetic.stacks import presets as stack_presets
from cnn_core.arithmetic.stacks.table import StackError
from cnn_core.pictures.bundled import BUNDLED
from tests.opening import open_view
from ui.channels import fields


def script() -> None:
    import streamlit as st

    from ui.channels import fields
    from ui.shared import stage

    if not st.checkbox("elsewhere", key="elsewhere"):
        st.markdown(f"reached: {fields.calculator(stage.room())}")


@pytest.fixture(autouse=True)
def _picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "the_picture", BUNDLED["bar"].load)


def opened(**query: str) -> AppTest:
    return open_view(script, **query)


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.info, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\u00a0×\u00a0", " × ")


def refusal(app: AppTest) -> str:
    return str(app.error[0].value).replace("\\", "")


def results(app: AppTest) -> dict[str, list[str]]:
    """Return the cells of the table of results, by layer."""
    shown = next(each.proto.body for each in app.get("html") if "<table" in each.proto.body)
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", shown)]
    return {unescape(row[0]): [unescape(cell) for cell in row[1:]] for row in rows if row}


def control(app: AppTest, name: str) -> Any:
    """The control of one cell of the layer that is looked at."""
    key = f"channels_stack_{name}"
    every = (app.number_input, app.text_input, app.toggle, app.segmented_control)
    return next(each for kind in every for each in kind if each.key == key)


def change(app: AppTest, after: int | None = None, **cells: Any) -> str:
    """Look at a layer, change cells of it one after the other; return the stack as text."""
    if after:
        app.slider(key="channels_after").set_value(after).run()
    for name, value in cells.items():
        control(app, name).set_value(value).run()
        assert not app.exception
    return str(app.text_input(key="channels_layers").value)


def test_calculator_starts_with_the_published_field_of_vgg16() -> None:
    app = opened()
    assert not app.error and not app.warning
    assert results(app)["pool5"][:4] == ["7 × 7 × 512", "212", "32", "90"]
    assert "After **pool5** one neuron sees **212 × 212** pixels of a picture of 224 × 224" in words(app)
    assert "VGG-16: 138,357,544 parameters" in words(app)
    assert "14,714,688 parameters, 15,346,630,656 MACs for one picture" in words(app)
    assert "reached: False" in words(app)
    assert len(app.get("plotly_chart")) == 1 and app.get("bidi_component")


@pytest.mark.slow
def test_calculator_shows_every_preset() -> None:
    app = opened()
    for key, preset in stack_presets.presets().items():
        app.selectbox(key="channels_preset").set_value(key).run()
        assert not app.exception and not app.error, key
        assert app.number_input(key="channels_input_size").value == preset.input_size
        assert not preset.stack or list(results(app)) == [layer.name for layer in preset.stack]
        assert preset.stack or "whole image" in words(app), f"{key} does not say why it has no path"


@pytest.mark.parametrize(
    ("key", "params"),  # all trained ones less classifier and BatchNorm's scale and shift: Keras' own summary
    [
        ("mobilenet_v1", 4_253_864 - 21_888 - (1024 * 1000 + 1000) - 21_888),
        ("mobilenet_v2", 3_504_872 - (1280 * 1000 + 1000) - 34_112),
    ],
)
def test_calculator_counts_depthwise_convolutions_as_the_networks_have_them(key: str, params: int) -> None:
    app = opened(channels_preset=key)
    said = words(app)
    assert f"{params:,} parameters, " in said and "without BatchNorm" in said
    depthwise = [layer for layer in stack_presets.presets()[key].stack if layer.groups == layer.filters > 1]
    assert len(depthwise) == {"mobilenet_v1": 13, "mobilenet_v2": 17}[key]
    app.slider(key="channels_after").set_value(1 + stack_presets.presets()[key].stack.index(depthwise[0])).run()
    assert control(app, "groups").value == control(app, "filters").value and not control(app, "bias").value
    assert "layers.DepthwiseConv2D(3, " in app.code[0].value


def test_total_of_a_network_with_attention_holds_its_products() -> None:
    """torchvision publishes 17.56 G for ViT-B/16."""
    said = words(opened(channels_preset="vit_b16"))
    assert "86,567,656 parameters and 17,563,828,224 MACs in all, 715,327,488 of them attention's own products." in said
    assert "attention" not in words(opened(channels_preset="vgg16"))


@pytest.mark.parametrize(("key", "branches"), [("vgg16", False), ("resnet18", True), ("vit_b16", False)])
def test_calculator_says_of_a_path_that_branches_are_left_out_where_there_are_any(key: str, branches: bool) -> None:
    said = words(opened(channels_preset=key))
    assert "MACs in all" in said and ("parallel branches are left out" in said) == branches, "ViT-B/16 has no path"


def test_calculator_says_what_the_path_costs_in_a_network_with_other_channels() -> None:
    assert "In the network" not in words(opened(channels_preset="resnet50"))
    said = words(opened(channels_preset="lenet5"))
    own, network = (25 * channels * 6 + 6 + 25 * 6 * 16 + 16 + 25 * 16 * 120 + 120 for channels in (3, 1))
    assert f"{own:,} parameters, " in said and f"In the network they have {network:,} parameters: " in said
    assert "In the network they have" in words(opened(channels_preset="googlenet"))
    assert "In the network" not in words(opened(channels_preset="lenet5", channels_layers="v1-c3x8")), (
        "the reader's own"
    )


def test_groups_and_bias_are_edited_and_groups_that_do_not_divide_are_named() -> None:
    app = opened(channels_preset="two_3x3")
    change(app, groups=3)
    assert refusal(app).startswith(
        "Layer 2, groups: received “3”, expected a divisor of its 64 channels in and of its 64"
    )
    assert refusal(app).endswith("The layer is as it was.") and control(app, "groups").value == 1
    assert app.text_input(key="channels_layers").value == ""
    assert change(app, groups=64, bias=False) == "v1-c3psx64-c3psx64g64b0"
    assert not app.error
    assert results(app)["conv2"][4] == f"{3 * 3 * 64}"
    app = opened(channels_layers="v1-c3psx64-c3psx64g64b0-m2s2", channels_after="2")
    assert (control(app, "groups").value, control(app, "bias").value) == (64, False)


def test_calculator_link_restores_stack_layer_and_unit() -> None:
    app = opened(
        channels_layers="v1-c3x8-m2s2.half-c3x8",
        channels_input_size="33",
        channels_after="2",
        channels_unit_row="14",
        channels_unit_column="3",
    )
    assert results(app)["conv3"][:4] == ["13 × 13 × 8", "8", "2", "0"]
    assert "After **half** one neuron sees **4 × 4** pixels of a picture of 33 × 33" in words(app)
    assert [app.number_input(key=f"channels_unit_{axis}").value for axis in ("row", "column")] == [14, 3]
    assert list(results(app)) == ["conv1", "half", "conv3"] and control(app, "name").value == "half"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("channels_preset", "vgg99"),
        ("channels_input_size", "0"),
        ("channels_after", "0"),
        ("channels_unit_row", "x"),
        ("channels_vgg", "1e309"),
    ],
)
def test_calculator_says_what_a_link_asks_in_vain(name: str, value: str) -> None:
    app = opened(**{name: value})
    assert len(app.warning) == 1
    assert value in app.warning[0].value and "the default is used" in app.warning[0].value


def test_calculator_brings_numbers_of_a_link_into_range() -> None:
    app = opened(channels_layers="v1-c3x8-c3x8", channels_input_size="9", channels_after="99", channels_unit_row="900")
    assert app.slider(key="channels_after").value == 2
    assert "After **conv2**" in words(app)
    assert not app.error


@pytest.mark.parametrize("text", ["hello", "v1-c3", "v1-<script>", "v1" + "-m2s99" * 20, "x" * 30_000])
def test_calculator_refuses_a_text_and_goes_on(text: str) -> None:
    app = opened(channels_layers=text)
    assert len(app.error) == 1
    assert app.error[0].value.startswith("The stack as text cannot be read. ")
    assert app.error[0].value.endswith("Shown is VGG-16.")
    assert "pool5" in results(app)


def test_edited_layer_is_computed_and_in_the_link() -> None:
    app = opened(channels_preset="two_3x3")
    assert change(app, after=1, kernel_size=5) == "v1-c5psx64-c3psx64"
    assert app.slider(key="channels_after").value == 1, "still looked at"
    assert change(app, stride=2, padding="1, 0", dilation=2, filters=8, name="first") == (
        "v1-c5s2p1_0d2x8.first-c3psx64"
    )
    assert list(results(app)) == ["first", "conv2"]
    assert change(app, after=2, kind="pooling") == "v1-c5s2p1_0d2x8.first-m3ps"
    assert not [each for each in app.number_input if each.key == "channels_stack_filters"], "a pooling has none"
    assert change(app, kind="convolution") == "v1-c5s2p1_0d2x8.first-c3psx64"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"padding": "lots"}, "Layer 2, padding: received “lots”, expected same, valid"),
        ({"name": "conv1"}, "Layer 2, name: received “conv1”, expected another than that of layer 1"),
        ({"name": "2"}, "Layer 2, name: received “2”, expected at most"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_stack_stays(cells: dict[str, str], said: str) -> None:
    app = opened(channels_preset="two_3x3")
    assert change(app, **cells) == ""
    assert refusal(app).startswith(said)
    ((name, _),) = cells.items()
    assert control(app, name).value == {"padding": "same", "name": "conv2"}[name]
    app.run()
    assert not app.error, "said once"


def test_changed_stack_is_kept_while_the_reader_is_elsewhere() -> None:
    app = opened(channels_preset="two_3x3")
    changed = change(app, padding="valid")
    app.checkbox(key="elsewhere").check().run()
    app.checkbox(key="elsewhere").uncheck().run()
    assert app.text_input(key="channels_layers").value == changed == "v1-c3psx64-c3x64"


def test_another_network_is_looked_at_from_its_end() -> None:
    app = opened(channels_after="3")
    assert "After **pool1**" in words(app)
    app.selectbox(key="channels_preset").set_value("two_3x3").run()
    assert app.slider(key="channels_after").value == 2 and not app.warning
    app.text_input(key="channels_layers").set_value("v1-c3x8-c3x8-c3x8").run()
    assert app.slider(key="channels_after").value == 3 and not app.warning


def test_buttons_move_copy_and_remove_rows() -> None:
    app = opened(channels_preset="two_3x3")

    def press(name: str) -> str:
        app.button(key=f"channels_stack_{name}").click().run()
        assert not app.exception
        return str(app.text_input(key="channels_layers").value)

    app.slider(key="channels_after").set_value(1).run()
    assert app.button(key="channels_stack_Up").disabled
    assert press("Add pooling") == "v1-c3psx64-m2s2-c3psx64.conv2"
    assert press("Down") == "v1-c3psx64-c3psx64-m2s2.pool2"
    assert app.button(key="channels_stack_Down").disabled
    assert press("Duplicate") == "v1-c3psx64-c3psx64-m2s2.pool2-m2s2"
    assert press("Up") == "v1-c3psx64-c3psx64-m2s2.pool4-m2s2.pool2"
    assert press("Remove") == "v1-c3psx64-c3psx64-m2s2.pool2"
    assert press("Remove") == "", "the preset again: the link needs no stack"
    for _ in range(2):
        press("Remove")
    assert app.text_input(key="channels_layers").value == "v1"
    assert app.button(key="channels_stack_Remove").disabled
    assert press("Add convolution") == "v1-c3psx64"


def test_own_stack_that_sees_the_whole_picture_is_the_task() -> None:
    app = opened(channels_preset="resnet50")
    assert "*the whole picture*, from the middle" in words(app) and "reached: False" in words(app), "not the reader's"
    assert "reached: True" in words(opened(channels_layers="v1-c9x8-c9x8-c9x8", channels_input_size="25"))
    assert "reached: False" in words(opened(channels_layers="v1-c9x8-c9x8-c9x8", channels_input_size="26"))
    used_up = words(opened(channels_layers="v1-c30x8", channels_input_size="25"))
    assert "reached: False" in used_up and "*the whole picture*" not in used_up, "there is no neuron"
    even = words(opened(channels_layers="v1-c24psx8", channels_input_size="24"))
    assert "reached: True" in even and "*the whole picture*" in even, "padding 11 before: neuron 11 sees 0 to 23"
    beside = words(opened(channels_layers="v1-c8s8p2_4x8-c3psx8", channels_input_size="23"))
    assert "sees **24 × 24** pixels" in beside and "reached: False" in beside, "from -2 to 21"


def test_picked_unit_goes_into_the_link_and_a_new_layer_starts_in_the_middle() -> None:
    app = opened(channels_layers="v1-c3x8-m4s4", channels_input_size="34", channels_unit_row="0")
    assert [app.number_input(key=f"channels_unit_{axis}").value for axis in ("row", "column")] == [0, 4]
    app.slider(key="channels_after").set_value(1).run()
    assert [app.number_input(key=f"channels_unit_{axis}").value for axis in ("row", "column")] == [16, 16]


def test_calculator_says_where_the_picture_is_used_up() -> None:
    app = opened(channels_layers="v1-c5x8-c9x8", channels_input_size="12")
    assert results(app)["conv2"] == ["–", "13", "1", "0", f"{9 * 9 * 8 * 8 + 8:,}", "–"]
    assert "conv2: A kernel that spans 9 pixels does not fit" in app.warning[0].value
    assert "there are no neurons to pick" in words(app)
    assert "There is no Keras code for this stack. conv2" in words(app)


def test_small_kernels_are_counted_against_large_ones() -> None:
    said = words(opened(channels_vgg="256"))
    assert "| Two\u00a03×3 | 5 | 18 | 1,179,648 | 2 |" in said and "| One\u00a05×5 | 5 | 25 | 1,638,400 | 1 |" in said
    assert "| Three\u00a03×3 | 7 | 27 | 1,769,472 | 3 |" in said and "| One\u00a07×7 | 7 | 49 | 3,211,264 | 1 |" in said


def test_layers_to_reach_a_field_are_counted_or_refused() -> None:
    app = opened()
    assert "**112 layers** of 3 × 3 at stride 1. At stride 2 it would be 7" in words(app)
    app.number_input(key="channels_reach_kernel").set_value(1).run()
    assert "Kernels of one cell never see more than one pixel" in app.error[0].value


def test_missing_atlas_is_said_and_the_teaching_stacks_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise StackError("The table of architectures atlas.json is missing.")

    monkeypatch.setattr(stack_presets, "presets", missing)
    app = opened()
    assert app.error[0].value == "The table of architectures atlas.json is missing."
    assert list(results(app)) == ["conv1", "conv2"]
