"""The receptive-field calculator, on a page of its own."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.arithmetic.stacks import table as stacks
from cnn_core.arithmetic.stacks.table import StackError


def script() -> None:
    import streamlit as st

    from cnn_core.arithmetic.stacks import table as stacks
    from ui.channels import fields, stack_editor
    from ui.shared.picture import bundled
    from ui.shared.teaching import check_link

    if not st.checkbox("elsewhere", key="elsewhere"):
        check_link(fields.LINK)
        preset = stacks.presets()[st.session_state.get("channels_preset", fields.DEFAULT)]
        st.button("edited", key="edited", on_click=stack_editor._edit, args=(preset, fields._changed))
        st.markdown(f"reached: {fields.calculator(bundled('bar'))}")


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.info, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


def refusal(app: AppTest) -> str:
    return str(app.error[0].value).replace("\\", "")


def results(app: AppTest) -> dict[str, list[str]]:
    """Return the cells of the table of results, by layer."""
    frame = next(table.value for table in app.dataframe if table.editing_mode == "read_only")
    return {row[0]: row[1:] for row in frame.values.tolist()}


def table(app: AppTest) -> list[dict[str, Any]]:
    return list(app.data_editor[0].value.to_dict("records"))


def edit(app: AppTest, **edits: Any) -> None:
    """Do as the browser does when cells are edited; AppTest calls no `on_change` of a table, so a button does."""
    kept = app.session_state["channels_stack_kept"]
    state = {"edited_rows": {}, "added_rows": [], "deleted_rows": []} | edits
    app.session_state[f"channels_stack_table_{kept.serial}"] = state
    app.button(key="edited").click().run()
    assert not app.exception


def test_calculator_starts_with_the_published_field_of_vgg16() -> None:
    app = opened()
    assert not app.error and not app.warning
    assert results(app)["pool5"][:4] == ["7 × 7 × 512", "212", "32", "90"]
    assert "After **pool5** a unit sees **212 × 212** pixels of a picture of 224 × 224" in words(app)
    assert "VGG-16: 138,357,544 parameters" in words(app)
    assert "14,714,688 parameters, 15,346,630,656 MACs for one picture" in words(app)
    assert "reached: False" in words(app)
    assert len(app.get("plotly_chart")) == 2


@pytest.mark.slow
def test_calculator_shows_every_preset() -> None:
    app = opened()
    for key, preset in stacks.presets().items():
        app.selectbox(key="channels_preset").set_value(key).run()
        assert not app.exception and not app.error, key
        assert app.number_input(key="channels_input_size").value == preset.input_size
        assert len(table(app)) == len(preset.stack)
        assert not preset.stack or results(app)[preset.stack[-1].name]
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
    rows = [row for row in table(app) if row["groups"] == row["filters"] > 1]
    assert len(rows) == {"mobilenet_v1": 13, "mobilenet_v2": 17}[key] and not any(row["bias"] for row in rows)
    assert "layers.DepthwiseConv2D(3, " in app.code[0].value


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
    edit(app, edited_rows={1: {"groups": 3}})
    assert refusal(app).startswith(
        "Row 2, groups: received “3”, expected a divisor of its 64 channels in and of its 64"
    )
    assert app.text_input(key="channels_layers").value == ""
    edit(app, edited_rows={1: {"groups": 64, "bias": False}})
    assert app.text_input(key="channels_layers").value == "v1-c3psx64-c3psx64g64b0"
    assert results(app)["conv2"][4] == f"{3 * 3 * 64}"
    app = opened(channels_layers="v1-c3psx64-c3psx64g64b0-m2s2")
    assert [(row["groups"], row["bias"]) for row in table(app)[:2]] == [(1, True), (64, False)]


def test_calculator_link_restores_stack_layer_and_unit() -> None:
    app = opened(
        channels_layers="v1-c3x8-m2s2.half-c3x8",
        channels_input_size="33",
        channels_after="2",
        channels_unit_row="14",
        channels_unit_column="3",
    )
    assert results(app)["conv3"][:4] == ["13 × 13 × 8", "8", "2", "0"]
    assert "After **half** a unit sees **4 × 4** pixels of a picture of 33 × 33" in words(app)
    assert [app.number_input(key=f"channels_unit_{axis}").value for axis in ("row", "column")] == [14, 3]
    assert [row["name"] for row in table(app)] == ["conv1", "half", "conv3"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("channels_preset", "vgg99"), ("channels_input_size", "0"), ("channels_after", "0"), ("channels_unit_row", "x")],
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
    assert app.error[0].value.endswith("The table is as it was.")
    assert "pool5" in results(app)


def test_edited_table_is_computed_and_in_the_link() -> None:
    app = opened(channels_preset="two_3x3")
    edit(
        app,
        edited_rows={0: {"kernel_size": 5}},
        added_rows=[{"kind": "pooling", "kernel_size": 2, "stride": 2, "padding": "valid", "dilation": 1}],
    )
    assert app.text_input(key="channels_layers").value == "v1-c5psx64-c3psx64-m2s2"
    assert results(app)["pool3"][:4] == ["16 × 16 × 64", "8", "2", "3"]
    edit(app, deleted_rows=[0, 1])
    assert app.text_input(key="channels_layers").value == "v1"
    assert "No layers: a unit is a pixel" in words(app)


def test_bad_cell_is_named_and_nothing_of_the_table_is_lost() -> None:
    app = opened(channels_preset="two_3x3")
    bad = {"edited_rows": {0: {"filters": 32}, 1: {"padding": "lots"}}}
    edit(app, **bad)
    assert refusal(app).startswith("Row 2, padding: received “lots”, expected same, valid")
    assert results(app)["conv2"][0] == "32 × 32 × 64", "of the last table that could be read"
    assert app.text_input(key="channels_layers").value == ""
    app.button(key="channels_stack_Down").click().run()  # the rows move as they are
    assert refusal(app).startswith("Row 1, padding: received “lots”")
    assert [(row["padding"], row["filters"]) for row in table(app)] == [("lots", 64), ("same", 32)]
    app.checkbox(key="elsewhere").check().run()
    app.checkbox(key="elsewhere").uncheck().run()
    assert [(row["padding"], row["filters"]) for row in table(app)] == [("lots", 64), ("same", 32)]
    edit(app, edited_rows={0: {"padding": "1, 0"}})
    assert not app.error
    assert app.text_input(key="channels_layers").value == "v1-c3p1_0x64.conv2-c3psx32.conv1"
    edit(app, edited_rows={0: {"kernel_size": None}})
    assert refusal(app).startswith("Row 1, kernel_size: received nothing, expected a whole number from 1 to 99")


def test_unread_table_is_kept_while_the_reader_is_elsewhere() -> None:
    app = opened(channels_preset="two_3x3")
    edit(app, edited_rows={1: {"padding": "lots"}})
    app.checkbox(key="elsewhere").check().run()
    app.checkbox(key="elsewhere").uncheck().run()
    assert [row["padding"] for row in table(app)] == ["same", "lots"]
    assert refusal(app).startswith("Row 2, padding: received “lots”")


def test_buttons_move_copy_and_remove_rows() -> None:
    app = opened(channels_preset="two_3x3")

    def press(name: str) -> str:
        app.button(key=f"channels_stack_{name}").click().run()
        assert not app.exception
        return str(app.text_input(key="channels_layers").value)

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


def test_picked_unit_goes_into_the_link_and_a_new_layer_starts_in_the_middle() -> None:
    app = opened(channels_layers="v1-c3x8-m4s4", channels_input_size="34", channels_unit_row="0")
    assert [app.number_input(key=f"channels_unit_{axis}").value for axis in ("row", "column")] == [0, 4]
    app.slider(key="channels_after").set_value(1).run()
    assert [app.number_input(key=f"channels_unit_{axis}").value for axis in ("row", "column")] == [16, 16]


def test_calculator_says_where_the_picture_is_used_up() -> None:
    app = opened(channels_layers="v1-c5x8-c9x8", channels_input_size="12")
    assert results(app)["conv2"] == ["–", "13", "1", "0", f"{9 * 9 * 8 * 8 + 8:,}", "–"]
    assert "conv2\\: A kernel that spans 9 pixels does not fit" in app.warning[0].value
    assert "there are no units to pick" in words(app)
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

    monkeypatch.setattr(stacks, "presets", missing)
    app = AppTest.from_string(
        "from ui.channels import fields\nfrom ui.shared.picture import bundled\nfields.calculator(bundled('bar'))",
        default_timeout=60,
    ).run()
    assert not app.exception
    assert app.error[0].value == "The table of architectures atlas.json is missing."
    assert list(results(app)) == ["conv1", "conv2"]
