"""The walk into a network, as it is drawn at each link; its component has tests of its own (zoom.test.js)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.arithmetic.codes import coded
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.figures.palette import LIGHT
from cnn_core.networks.inside import Unit
from cnn_core.networks.zoom.answers import Maps
from cnn_core.networks.zoom.strip import strip as lenet_strip
from tests import walks
from ui.shared.picture import forget_pictures
from ui.zoom import products, scenes, sheets, sums
from ui.zoom.place import Place, nearest

FILE = Path(__file__).parents[2] / "ui" / "widgets" / "zoom" / "scenes.json"
WHOLE = walks.small()
OUT = "block1a_out"


def script() -> None:
    """A page of the walk alone."""
    import streamlit as st

    from ui.zoom.zoom import zoom

    st.session_state.place = zoom("efficientnet_lite0", "walk")


@pytest.fixture
def walk(store: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    engine.asked = []
    engine.answers |= walks.answers(WHOLE)

    def ask(question: str, *args: Any, timeout: float = 30.0, **more: Any) -> Any:
        engine.asked.append((question, *(arg for arg in args[1:] if not isinstance(arg, np.ndarray))))
        answer = engine.answers[question]
        if isinstance(answer, Exception):
            raise answer
        return answer(*args, **more)

    engine.ask = ask
    monkeypatch.setattr(sheets, "_lite", lambda: WHOLE)

    def open_at(place: str = "") -> AppTest:
        app = AppTest.from_function(script, default_timeout=60)
        if place:
            app.query_params["zoom"] = place
        return app.run()

    return open_at


def scene(app: AppTest) -> dict[str, Any]:
    """What was sent to the component."""
    found = app.get("bidi_component")[0]
    data: dict[str, Any] = json.loads(found.proto.mixed.json if found.proto.HasField("mixed") else found.proto.json)
    return data


def words(app: AppTest) -> str:
    html = [element.proto.body for element in app.get("html")]
    return "\n".join([*html, *(each.value for kind in (app.warning, app.error, app.caption) for each in kind)])


def test_whole_network_is_one_question(walk: Any, engine: Any) -> None:
    app = walk()
    assert not app.exception and not app.error
    assert engine.asked == [("zoom_strip",)]
    drawn = scene(app)
    assert (drawn["level"], drawn["place"]) == (0, "-")
    assert [panel["kind"] for panel in drawn["panels"]] == ["picture", "sheet", "sheet", "bars"]
    assert drawn["panels"][1]["title"] == "1 · 16 × 16 · 12 maps"
    assert drawn["panels"][3]["bars"][0] == {"title": "tabby", "share": 0.75}
    assert app.session_state.place == Place()


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (OUT, [("zoom_maps", OUT)]),
        (f"{OUT}.3", [("zoom_map", OUT, 3)]),
        (f"{OUT}.3.12.9", [("zoom_map", OUT, 3), ("zoom_cell", OUT, 3, 12, 9)]),
    ],
)
def test_each_level_opens_from_its_link(walk: Any, engine: Any, text: str, asked: list[Any]) -> None:
    app = walk(text)
    assert not app.exception and not app.warning and not app.error
    assert [each for each in engine.asked if each[0] != "zoom_peaks"] == asked
    assert app.session_state.place.text == text
    assert scene(app)["level"] == text.count(".") + (1 if text.count(".") < 2 else 0)


def test_another_cell_of_a_map_asks_for_the_cell_alone(walk: Any, engine: Any) -> None:
    walk(f"{OUT}.3.12.9")
    engine.asked.clear()
    app = walk(f"{OUT}.3.12.10")
    assert engine.asked == [("zoom_cell", OUT, 3, 12, 10)]
    assert scene(app)["at"] == [12, 10]


def test_maps_of_a_layer_lie_in_the_order_that_is_chosen(walk: Any) -> None:
    def ids(app: AppTest) -> list[str]:
        return [tile["id"] for tile in scene(app)["panels"][-1]["tiles"]]

    app = walk(OUT)
    by_number = [f"{OUT}.{channel}" for channel in range(WHOLE.node(OUT).shape[2])]
    varied = [f"{OUT}.{channel}" for channel in walks.maps(WHOLE, OUT).order]
    assert ids(app) == varied != by_number
    assert "those that vary most first. Click one" in scene(app)["panels"][-1]["about"]
    app.button_group(key="zoom_order").set_value("number").run()
    assert ids(app) == by_number and app.query_params["zoom_order"] == "number"
    assert "by number. Click one" in scene(app)["panels"][-1]["about"]
    assert not walk().button_group and not walk(f"{OUT}.3").button_group, "only where it orders something"


def test_cell_that_the_reader_has_moved_sends_the_same_scene(walk: Any) -> None:
    app = walk(f"{OUT}.3.12.9")
    before = scene(app)
    app.session_state["walk_sent"] = (Place(OUT, 3), before["at"])  # as the component's move leaves it
    app.query_params["zoom"] = f"{OUT}.3.12.10"
    app.run()
    assert scene(app) == before
    assert sums.number(walks.cell(WHOLE, OUT, 3, 12, 10).value, 6) in words(app)
    app.run()
    assert scene(app)["at"] == [12, 10], "whoever comes by another way is told where they are"


def test_products_and_formula_are_on_the_page(walk: Any) -> None:
    app, cell = walk(f"{OUT}.3.12.9"), walks.cell(WHOLE, OUT, 3, 12, 9)
    said = words(app)
    assert sums.number(float(cell.sums[0]), 6) in said
    assert f"(the other {cell.others:,})" in said
    assert f"<b>{sums.number(cell.value, 6)}</b>" in said
    assert "NumPy says" in said and "the network (LiteRT) says" in said


def test_pixels_that_a_cell_listens_to_are_asked_for_only_when_wanted(walk: Any, engine: Any) -> None:
    gradient = np.zeros((32, 32), np.float32)
    gradient[4:6, 4:6] = 0.25
    engine.answers["unit"] = lambda *_: Unit(1.0, (0, 0), 1.0, (2, 8, 2, 8), (0, 1, 0, 1), gradient, 4)
    app = walk(f"{OUT}.3.12.9")
    assert "unit" not in {question for question, *_ in engine.asked}
    app.toggle(key="zoom_listens").set_value(True).run()
    assert not app.exception
    assert engine.asked[-1] == ("unit", OUT, 12, 9, 3)
    assert "It listens to **4 pixels** for 95% of its gradient: 8.2% of what it can see." in app.markdown[-1].value


def test_padding_is_marked_in_the_products(walk: Any) -> None:
    said = words(walk("block1a_depthwise_relu6.3.0.9"))
    assert said.count('class="padding"') == 3
    assert "ReLU6(z)" in said


def test_padding_of_a_pooling_is_not_called_0() -> None:
    """It is no cell of a maximum or a mean (`terms.products`)."""
    cell = walks.cell(WHOLE, "block1a_depthwise_relu6", 3, 0, 9)
    for kind, said in (("depthwise", "padding: 0"), ("max_pool", "not counted"), ("average_pool", "not counted")):
        assert products.products(WHOLE, replace(cell, kind=kind)).count(f'{said}"') == 3


@pytest.mark.parametrize(
    ("text", "instead", "seen"),
    [
        ("nowhere", "", "you see the whole network"),
        ("", "", "you see the whole network"),
        (f"{OUT}.99", OUT, "you see block1a_out in its place"),
        (f"{OUT}.3.16.0", f"{OUT}.3", "you see block1a_out.3 in its place"),
        (f"{OUT}.3.1", f"{OUT}.3", "you see block1a_out.3 in its place"),
        (f"{OUT}.1e309", OUT, "you see block1a_out in its place"),
    ],
)
def test_link_to_what_is_not_there_says_so_and_goes_near(walk: Any, text: str, instead: str, seen: str) -> None:
    assert nearest(text, WHOLE).text == instead
    if not text:
        return
    app = walk(text)
    assert not app.exception
    (warning,) = app.warning
    assert seen in warning.value and "which is not possible here" in warning.value
    assert app.session_state.place.text == instead


@pytest.mark.parametrize("place", ["", OUT, f"{OUT}.3"])
def test_engine_that_is_away_is_one_sentence(walk: Any, engine: Any, place: str) -> None:
    away = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
    engine.answers |= dict.fromkeys(("zoom_strip", "zoom_maps", "zoom_map"), away)
    app = walk(place)
    assert not app.exception
    assert app.error[0].value == str(away)
    assert not app.get("bidi_component")


def test_answer_that_failed_is_asked_again(walk: Any, engine: Any) -> None:
    right = engine.answers["zoom_strip"]
    engine.answers["zoom_strip"] = EngineUnreachable("Away.")
    assert walk().error
    engine.answers["zoom_strip"] = right
    assert not walk().error


def test_what_is_kept_of_a_walk_goes_with_the_pictures(walk: Any, engine: Any) -> None:
    for again in ([], [("zoom_maps", OUT)]):
        walk(OUT)
        engine.asked.clear()
        if again:
            forget_pictures()
        walk(OUT)
        assert engine.asked == again


def test_going_somewhere_is_said_by_the_link() -> None:
    app = AppTest.from_string(
        "from ui.zoom.place import go\nimport streamlit as st\ngo(st.session_state.to)", default_timeout=60
    )
    app.query_params["zoom"], app.query_params["other"] = OUT, "1"
    app.session_state.to = f"{OUT}.2"
    assert app.run().query_params["zoom"] == f"{OUT}.2"
    app.session_state.to = "-"
    app.run()
    assert "zoom" not in app.query_params and app.query_params["other"] == "1"


def test_random_weights_are_called_so() -> None:
    untrained = replace(WHOLE, pretrained=False)
    drawn = sums.made(untrained, walks.made(untrained, OUT, 3), "", LIGHT)
    assert "random weights" in drawn["label"] and "random weights" in drawn["trail"][0]["title"]


def test_component_is_tested_on_what_is_sent() -> None:
    """`scenes.json` is what these functions make; to write it anew: `python -m tests.walks`."""
    assert json.loads(FILE.read_text(encoding="utf-8")) == json.loads(json.dumps(walks.scenes_of_waves()))


# Other kinds, other networks ------------------------------------------------------------------------------------------


def nodes_of(kind: str, **more: Any) -> Any:
    """A plan whose last map is of a kind, and what a worker would say of it."""
    below, other = WHOLE.node("block1a_expand_relu6"), replace(WHOLE.node(OUT), name="gate", shape=(1, 1, 24))
    above = replace(WHOLE.node(OUT), kind=kind, inputs=(below.name,), shape=below.shape, window=None, **more)
    whole = replace(WHOLE, nodes=(*WHOLE.nodes[:-1], other, above))
    base = walks.made(WHOLE, OUT, 3)
    return whole, replace(base, kind=kind, inputs=((below.name, 3),), others=0, kernels=np.full((1, 1, 1), 0.25))


def test_factor_of_a_product_leads_to_the_map_that_it_comes_from() -> None:
    whole, made = nodes_of("multiply")
    drawn = sums.made(whole, replace(made, factor=("gate", 3)), "", LIGHT)
    (factor,) = [panel for panel in drawn["panels"] if panel["id"] == "kernel0"]
    assert (factor["text"], factor["go"], factor["about"]) == ("0.25", "gate.3", "times Gate")
    each = sums.made(whole, replace(made, factor=("gate", 3), kernels=np.zeros((1, 0, 0))), "", LIGHT)
    assert [panel["text"] for panel in each["panels"] if panel["id"] == "kernel0"] == ["×"]


@pytest.mark.parametrize("kind", ["concatenate", "pad", "pointwise"])
def test_copies_have_no_kernel(kind: str) -> None:
    whole, made = nodes_of(kind)
    drawn = sums.made(whole, made, "", LIGHT)
    assert not [panel for panel in drawn["panels"] if panel["id"].startswith("kernel")]
    (copied,) = [panel for panel in drawn["panels"] if panel.get("go")]
    assert copied["go"] == "block1a_expand_relu6.3"
    assert copied["title"] == ("Block 1a, expand" if kind == "concatenate" else "map 3")


def test_dense_layer_reads_the_whole_of_each_map() -> None:
    whole, made = nodes_of("dense")
    made = replace(made, output=np.ones((1, 1), np.float32))
    drawn = sums.made(
        replace(whole, nodes=(*whole.nodes[:-1], replace(whole.nodes[-1], shape=(1, 1, 9)))), made, "", LIGHT
    )
    (read,) = [panel for panel in drawn["panels"] if panel.get("go")]
    assert read["window"]["size"] == [16, 16]


@pytest.mark.parametrize(
    ("scale", "shift", "said"),
    [(2.0, 0.5, "× 2 + 0.5 (BatchNorm)"), (4.0, 0.0, "× 4 (scaled)")],
)
def test_what_becomes_of_a_sum_is_called_what_it_is(scale: float, shift: float, said: str) -> None:
    _, made = nodes_of("pointwise")
    assert sums.affine(replace(made, scale=scale, shift=shift, activation="gelu")) == [said, "GELU: z · Φ(z)"]


def test_way_down_ends_with_the_reason_where_it_is_not_told(walk: Any, engine: Any, monkeypatch: Any) -> None:
    why = "What this map is made of is not told: attention has no kernel."
    whole, made = nodes_of("other")
    monkeypatch.setattr(sheets, "_lite", lambda: whole)
    none = {"inputs": (), "reason": why, "kernels": np.zeros((0, 0, 0), np.float32)}
    engine.answers["zoom_map"] = lambda *_, **__: replace(made, **none)
    engine.answers["zoom_cell"] = lambda *_, **__: replace(walks.cell(WHOLE, OUT, 3, 2, 2), inputs=(), reason=why)
    for place in (f"{OUT}.3", f"{OUT}.3.2.2"):
        app = walk(place)
        drawn = scene(app)
        assert not app.exception and not app.error and drawn["joins"] == []
        assert [panel["kind"] for panel in drawn["panels"]] == ["picture", "map", "number"]
        assert drawn["panels"][2]["text"] == why
        assert "<table>" not in words(app)
    assert app.toggle(key="zoom_listens").value is False, "its pixels can be asked for all the same"


def other_network(key: str) -> AppTest:
    def script(key: str) -> None:
        from ui.zoom.zoom import zoom

        zoom(key, "walk")

    return AppTest.from_function(script, args=(key,), default_timeout=60).run()


def test_random_weights_are_called_random_in_every_title(walk: Any, engine: Any) -> None:
    weights = "random weights: shapes are the architecture's"
    whole = replace(WHOLE, key="resnet50", pretrained=False, weights=weights)
    engine.answers["zoom_plan"] = lambda key: whole
    engine.answers["zoom_strip"] = lambda key, seen, **_: replace(walks.strip(whole), top=[])
    app = other_network("resnet50")
    drawn = scene(app)
    assert drawn["label"].startswith("ResNet-50, random weights, from")
    assert drawn["trail"][0]["title"] == "ResNet-50, random weights"
    assert drawn["panels"][-1]["text"] == "It names no classes: its weights are random."
    assert "Random weights" in words(app) and "shapes are the architecture's." in words(app)
    assert engine.asked[0] == ("zoom_plan",)
    made = walks.made(whole, OUT, 3)
    assert sums.made(whole, made, "", LIGHT)["trail"][0]["title"] == "ResNet-50, random weights"


def test_lenet_says_that_it_knows_ten_digits_only_and_asks_nobody_for_its_plan(walk: Any, engine: Any) -> None:
    engine.answers["zoom_strip"] = lenet_strip
    app = other_network("lenet5")
    assert engine.asked == [("zoom_strip",)], "its plan needs no worker"
    assert not app.error
    assert "it knows ten digits only, and takes any picture for one of them." in words(app)


def test_no_more_maps_are_drawn_than_can_be_looked_at() -> None:
    count = 1500
    node = replace(WHOLE.node(OUT), shape=(1, 1, count))
    whole = replace(WHOLE, nodes=(*WHOLE.nodes[:-1], node))
    values = np.arange(count, dtype=np.float32)
    peaks = np.zeros((count, 2), np.int32)
    maps = Maps(OUT, node.shape, coded(values[None, None]), 1, values, values, peaks, np.argsort(-values))
    (wall,) = [panel for panel in scenes.layer(whole, maps, "", LIGHT)["panels"] if panel["kind"] == "sheet"]
    assert len(wall["tiles"]) == 1280 and wall["tiles"][0]["go"] == f"{OUT}.1499"
    assert wall["about"].startswith("1,500 maps of 1 × 1, the largest first. The first 1,280 are drawn.")
