"""The timeline and the comparison of two, on a page of their own, with a stand-in engine."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.networks import atlas
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from tests.opening import open_view
from ui.architectures import compare, history, record, timeline

MARK = re.compile(r":small\[\[:material/receipt_long:\]\([^)]*\)\]")
SHAPES = {  # Simonyan & Zisserman 2015, table 1; He et al. 2016, table 1; LeCun et al. 1998, figure 2
    "vgg16": {
        "pool1": (112, 112, 64),
        "pool2": (56, 56, 128),
        "pool3": (28, 28, 256),
        "pool4": (14, 14, 512),
        "pool5": (7, 7, 512),
    },
    "resnet50": {
        "conv1_out": (112, 112, 64),
        "conv2_block3_out": (56, 56, 256),
        "conv3_block4_out": (28, 28, 512),
        "conv4_block6_out": (14, 14, 1024),
        "conv5_block3_out": (7, 7, 2048),
    },
    "lenet5": {"s2": (14, 14, 6), "s4": (5, 5, 16), "c5": (1, 1, 120)},
    "vit_b16": {"encoder12_out": (197, 768)},
}


class GraphEngine:
    """Answers with the graphs of a few networks."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None

    def ask(self, question: str, key: str, **_: Any) -> dict[str, Any]:
        assert question == "architecture_graph"
        if self.trouble:
            raise self.trouble
        return {"layers": [{"name": name, "output_shape": shape} for name, shape in SHAPES[key].items()]}


@pytest.fixture
def engine() -> Iterator[GraphEngine]:
    st.cache_data.clear()
    stand_in = GraphEngine()
    client.use(stand_in)  # type: ignore[arg-type]
    yield stand_in
    client.use(None)
    st.cache_data.clear()


def time_script() -> None:
    import streamlit as st

    from ui.architectures import timeline
    from ui.shared import stage

    st.markdown(f"reached: {timeline.timeline(stage.room('story'))}")


def compare_script() -> None:
    import streamlit as st

    from ui.architectures import compare
    from ui.shared import stage

    st.markdown(f"reached: {compare.compare(stage.room())}")


def words(app: AppTest) -> str:
    """What is told, without the marks of receipts."""
    kinds = (app.markdown, app.info, app.warning, app.error, app.caption)
    return "\n".join(
        MARK.sub("", element.value.replace("\\", "")).replace("\u00a0×\u00a0", " × ")
        for kind in kinds
        for element in kind
    )


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def figures(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def networks(figure: dict[str, Any]) -> list[str]:
    return list(figure["data"][0]["customdata"])


# Timeline ------------------------------------------------------------------------------------------------------------


def test_timeline_shows_all_networks_and_the_record_of_one() -> None:
    app = open_view(time_script)
    assert not app.warning and not app.error
    time, params, macs = figures(app)
    assert set(networks(time)) == set(ARCHITECTURES)
    assert set(networks(params)) == set(networks(macs)) and "lenet5" not in networks(params)
    said = words(app)
    assert "### ResNet-50, 2015" in said and "[arXiv:1512.03385](https://arxiv.org/abs/1512.03385)" in said
    assert "| multiply-adds | 3,857,973,248 |" in said and "| receptive field | 483 px |" in said
    assert "He et al. 2016, table 3 | 22.85" in said
    assert "reached: False" in said


def test_record_adds_up_to_what_keras_counts() -> None:
    said = words(open_view(time_script))
    assert "| trainable parameters here | 25,557,032 |" in said
    assert "| convolution biases | + 26,560 |" in said and "| BatchNorm statistics | + 53,120 |" in said
    assert "| **= Keras** | **25,636,712** |" in said, "FACTS: keras.applications' count"


@pytest.mark.parametrize("key", ["lenet5", "alexnet_ungrouped", "googlenet", "plain34"])
def test_record_shows_each_published_count_as_a_sum_of_ours_and_its_terms(key: str) -> None:
    app = open_view(time_script, architectures_one=key)
    assert not app.error
    sums = [text.value for text in app.markdown if text.value.startswith("| trainable parameters here")]
    for text, published in zip(sums, ARCHITECTURES[key].counts, strict=True):
        cells = [line.split("|")[2] for line in text.splitlines() if "--" not in line]
        *terms, total = (int(re.sub(r"[^\d-]", "", cell.replace("−", "-"))) for cell in cells)
        assert sum(terms) == total == published.count, text


def test_sum_that_does_not_add_up_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    record = ARCHITECTURES["resnet50"]
    wrong = replace(record, counts=(replace(record.counts[0], count=record.counts[0].count + 7),))
    monkeypatch.setitem(ARCHITECTURES, "resnet50", wrong)
    app = open_view(time_script)
    assert "7 parameters unexplained" in app.error[0].value


def test_selected_point_becomes_the_one() -> None:
    app = open_view(time_script)
    app.session_state["architectures_parameters_resnet50"] = {
        "selection": {"points": [{"customdata": "googlenet"}], "point_indices": [0], "box": [], "lasso": []}
    }
    app.session_state.architectures_one = "googlenet"  # AppTest calls no callback of a chart: as it would
    app.run()
    assert not app.exception
    assert "### GoogLeNet, 2014" in words(app) and "reached: True" in words(app)
    assert app.selectbox(key="architectures_one").value == "googlenet"


def test_callback_takes_a_network_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    class State(dict[str, Any]):
        __setattr__ = dict.__setitem__

    for point, expected in (({"customdata": "vgg19"}, "vgg19"), ({"customdata": "CLIP"}, None), ({}, None)):
        state = State(chart={"selection": {"points": [point]}})
        monkeypatch.setattr(st, "session_state", state)
        timeline._picked("chart")
        assert state.get("architectures_one") == expected


def test_most_macs_per_parameter_is_the_task() -> None:
    measured = atlas.read()["architectures"]
    ratios = {key: each["macs"] / each["trainable_params"] for key, each in measured.items()}
    best = max(ratios, key=lambda key: ratios[key])
    assert best == "googlenet", ratios
    assert "reached: True" in words(open_view(time_script, architectures_one=best))
    app = open_view(time_script, architectures_one="vit_b16")
    assert "reached: False" in words(app)
    said = words(app)
    assert "| receptive field | whole image |" in said and "| multiply-adds | 17,563,828,224 |" in said
    assert "| of these, attention's own products | 715,327,488 |" in said
    assert "<th>parameters</th><td><i style" in html(app) and "<td>17.6 G</td>" in html(app), "the story of the ideas"
    costs = figures(app)[2]["data"][0]
    assert costs["x"][networks(figures(app)[2]).index("vit_b16")] == 17_563_828_224


def test_comparison_and_timeline_count_attention_alike(engine: GraphEngine) -> None:
    said = words(open_view(compare_script, architectures_left="vit_b16", architectures_right="vgg16"))
    assert "| multiply-adds | 17,563,828,224 | 15,470,264,320 |" in said


def test_timeline_link_restores_axis_idea_and_error() -> None:
    app = open_view(
        time_script,
        architectures_axis="error",
        architectures_idea="uniform-depth",
        architectures_error="top-5",
        architectures_measure="as-published",
        architectures_one="vgg19",
    )
    time = figures(app)[0]
    shown = dict(zip(networks(time), time["data"][0]["y"], strict=True))
    assert shown["vgg16"] == 8.1 and shown["googlenet"] == 10.07, "Simonyan & Zisserman, Szegedy et al."
    colours = dict(zip(networks(time), time["data"][0]["marker"]["color"], strict=True))
    assert colours["vgg16"] == colours["vgg19"] != colours["googlenet"]
    assert "## 2014 · Uniform depth" in words(app) and "· Residual" not in words(app)
    assert "**8.1%** top-5 error on ImageNet" in words(app)


@pytest.mark.parametrize(("name", "value"), [("architectures_one", "vgg99"), ("architectures_idea", "uniform depth")])
def test_timeline_says_what_a_link_asks_in_vain(name: str, value: str) -> None:
    app = open_view(time_script, **{name: value})
    assert len(app.warning) == 1 and "the default is used" in app.warning[0].value


def test_ideas_are_those_of_the_records_in_order() -> None:
    assert set(history.IDEAS) == {record.idea for record in ARCHITECTURES.values()}
    assert all(ARCHITECTURES[key].idea == idea for idea, (key, _) in history.IDEAS.items())
    years = [ARCHITECTURES[key].year for key, _ in history.IDEAS.values()]
    assert years == sorted(years)
    events = [year for year, _ in history.EVENTS]
    assert events == sorted(events) and events[0] == 1989


def test_every_event_and_claim_names_its_paper() -> None:
    for text in [text for _, text in history.EVENTS] + history.today().split("\n* ")[1:]:
        assert re.search(r"arXiv:\d{4}\.\d{5}|doi:10\.\d{4}/", text), text


def test_published_errors_are_compared_like_with_like() -> None:
    def error(key: str, measure: str) -> float | None:
        found = record.published_error(ARCHITECTURES[key], "top-1", measure)
        return None if found is None else record.error_of(found, "top-1")

    assert error("resnet50", "as-published") == 22.85, "ten crops, He et al. 2016, table 3"
    built = [error(f"resnet{depth}", "one-crop") for depth in (50, 101, 152)]
    assert built == pytest.approx([25.1, 23.6, 23.4]), "of the variant that is built, keras.io: 74.9, 76.4, 76.6"
    assert error("googlenet", "one-crop") == 31.3, "Caffe's, with the paper's trunk; 30.222 is of the BatchNorm port"
    assert error("vit_b16", "one-crop") == pytest.approx(18.928), "not that at 384 × 384"
    assert error("alexnet", "one-crop") == 42.9, "Caffe's two groups: one crop of 227 × 227"
    assert error("lenet5", "one-crop") is None
    assert error("cifar_resnet56", "as-published") is None, "CIFAR-10 is not ImageNet"


# Compare -------------------------------------------------------------------------------------------------------------


def test_two_networks_are_compared_in_numbers_and_words(engine: GraphEngine) -> None:
    app = open_view(compare_script)
    assert not app.warning and not app.error
    said = words(app)
    assert "| trainable parameters | 138,357,544 | 25,557,032 | 5.41 × as much |" in said
    assert "| receptive field | 212 px | 483 px | 2.28 × less |" in said
    assert (
        "**VGG-16** reads 224 × 224 pixels. Its middle neuron sees **212 × 212**. Neighbours' fields lie 32 px apart."
        in said
    )
    assert "sees **483 × 483**; 259 of them along each axis lie beyond the picture" in said
    assert "VGG-16 goes from 224 to 7; ResNet-50 goes from 224 to 7" in said
    left, _, stages = figures(app)
    assert [trace["name"] for trace in stages["data"]][:3] == ["input", "pool1", "pool2"]
    strong = left["data"][-1]["x"]
    assert max(x for x in strong if x is not None) - min(x for x in strong if x is not None) == 212
    assert "reached: False" in said


def test_swap_exchanges_the_sides(engine: GraphEngine) -> None:
    app = open_view(compare_script, architectures_left="lenet5", architectures_right="vit_b16")
    assert "| input, pixels a side | 32 | 224 | 7 × less |" in words(app)
    assert "sees **32 × 32**. It is the only one." in words(app), "C5 of LeNet-5 is 1 × 1"
    app.button(key="architectures_swap").click().run()
    assert not app.exception
    assert app.selectbox(key="architectures_left").value == "vit_b16"
    assert app.selectbox(key="architectures_right").value == "lenet5"
    said = words(app)
    assert "| input, pixels a side | 224 | 32 | 7 × as much |" in said
    assert "ViT-B/16 ends in 197 tokens of 768 numbers" in said
    assert "**ViT-B/16**: no number. encoder1_attention" in said


def test_same_network_on_both_sides_is_said(engine: GraphEngine) -> None:
    said = words(open_view(compare_script, architectures_left="lenet5", architectures_right="lenet5"))
    assert "The same network twice" in said and "| trainable parameters | 61,706 | 61,706 | the same |" in said


def test_comparison_goes_on_without_the_engine(engine: GraphEngine) -> None:
    engine.trouble = EngineError("The engine does not answer.")
    app = open_view(compare_script)
    assert app.error[0].value == "The engine does not answer."
    assert len(figures(app)) == 2 and "138,357,544" in words(app)


def test_a_tenth_of_the_parameters_and_fewer_errors_is_the_task() -> None:
    assert compare.leaner_and_better("mobilenet_v2", "vgg16"), "3.5 M, 28.122% against 138 M, 28.408%"
    assert compare.leaner_and_better("vgg16", "mobilenet_v2"), "either way round"
    assert not compare.leaner_and_better("mobilenet_v1", "vgg16"), "29.4% is more"
    assert not compare.leaner_and_better("resnet50", "vgg16"), "more than a tenth"
    assert not compare.leaner_and_better("lenet5", "vgg16"), "LeNet-5 was never measured on ImageNet"


def side_of_last_map(facts: dict[str, Any]) -> int:
    """The arithmetic of Dumoulin & Visin 2016, window by window."""
    side: int = facts["input_size"]
    for window in facts["path"]:
        padding, kernel_size, stride = window["padding"], window["kernel_size"], window["stride"]
        around = sum(padding) if isinstance(padding, list) else 0
        side = -(-side // stride) if padding == "same" else (side + around - kernel_size) // stride + 1
    return side


@pytest.mark.parametrize("key", ARCHITECTURES)
def test_middle_units_field_lies_within_the_picture(key: str) -> None:
    facts = atlas.read()["architectures"][key]
    if not facts["path"]:
        assert facts["reason"], "no path needs a reason"
        return
    (boxes, units), side = compare._boxes(key), facts["input_size"]
    assert all(0 <= first <= last < side for first, last in boxes)
    assert units == side_of_last_map(facts), "one a row of the last map"
    first, last = boxes[-1]
    assert last - first + 1 <= min(facts["receptive_field"], side)
    if facts["receptive_field"] >= 2 * side:
        assert (first, last) == (0, side - 1), "a field that is twice as large covers the picture"


# Networks and recipes ------------------------------------------------------------------------------------------------


def marks(figure: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Symbol and hover text of each network in a figure."""
    trace = figure["data"][0]
    return dict(zip(trace["customdata"], zip(trace["marker"]["symbol"], trace["hovertext"], strict=True), strict=True))


def test_a_point_is_one_network_or_open_with_the_reason() -> None:
    _, params, macs = figures(open_view(time_script))
    for figure in (params, macs):
        found = marks(figure)
        assert [key for key, (symbol, _) in found.items() if symbol.endswith("-open")] == ["alexnet_ungrouped"]
        assert "another network of this name" in found["alexnet_ungrouped"][1].replace("<br>", " ")
    costs = dict(zip(networks(macs), zip(macs["data"][0]["x"], macs["data"][0]["y"], strict=True), strict=True))
    assert costs["resnet50"] == (3_857_973_248, 74.9), "keras.io's accuracy stands at the cost of Keras' variant"


def test_many_crops_leave_the_multiply_adds_of_one_open() -> None:
    _, params, macs = figures(open_view(time_script, architectures_measure="as-published"))
    assert marks(params)["resnet50"][0] == "circle", "ten crops need no more parameters"
    assert marks(macs)["resnet50"][0] == "circle-open"
    assert "ten crops of 224 × 224" in marks(macs)["resnet50"][1].replace("<br>", " ")
    assert marks(params)["resnet18"][0] == "circle-open", "table 2: option A, without projections"


def test_shape_of_a_point_tells_the_recipe() -> None:
    app = open_view(time_script)
    found = {key: symbol for key, (symbol, _) in marks(figures(app)[1]).items()}
    assert (found["vgg16"], found["efficientnet_b0"], found["vit_b16"]) == ("circle", "square", "diamond")
    assert "◆ as since 2021: pictures mixed with each other" in words(app)


def test_vit_stands_at_the_depth_of_its_layers() -> None:
    time = figures(open_view(time_script, architectures_axis="depth"))[0]
    assert dict(zip(networks(time), time["data"][0]["y"], strict=True))["vit_b16"] == 50, "as its record says"


def test_vit_and_resnet50_are_compared_by_recipes_of_one_time(engine: GraphEngine) -> None:
    said = words(open_view(compare_script, architectures_left="vit_b16", architectures_right="resnet50"))
    assert "| ImageNet error, top-1, one crop | 18.93% | 19.14% | −0.2 points |" in said
    assert "it makes fewer errors: 18.9% against 19.1%." in said
    assert "stride in the 3 × 3 convolution; here it is in the first 1 × 1 (4.089 G multiply-adds)" in said
    assert "weights IMAGENET1K_V2; recipe of 2021" in said


def test_other_recipes_are_said_to_be_such(engine: GraphEngine) -> None:
    said = words(open_view(compare_script, architectures_left="vgg16", architectures_right="vit_b16"))
    assert "| 28.41% | 18.93% | other recipes |" in said
    assert "**This compares recipes, not only networks: the one is trained as until 2018" in said
    assert "it makes" not in said and not compare.leaner_and_better("efficientnet_b0", "vgg16")


def test_depths_counted_in_two_ways_have_no_ratio(engine: GraphEngine) -> None:
    said = words(open_view(compare_script, architectures_left="vit_b16", architectures_right="resnet50"))
    assert "| depth, as the paper counts | 12 | 50 | each its own way |" in said
    assert "| convolutions and dense layers in a row | 50 | 50 | the same |" in said
