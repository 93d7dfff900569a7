"""The picture through a network, as the view shows it, without an engine."""

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.arithmetic.geometry import Field
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.networks.inside import GradCam, Unit, View
from cnn_core.networks.loaded import RANDOM, InspectionRefused, Layer, Network

AWAY = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
LITE0 = "efficientnet_lite0"


def network(key: str) -> Network:
    """Three layers; the last is what Grad-CAM weighs."""
    trained = key == LITE0
    layers = (
        Layer("first", (56, 56, 24), Field(19, 4, 6)),
        Layer("second", (14, 14, 40), Field(67, 16, 25)),
        Layer("last", (7, 7, 40), None, "It sees the whole image."),
    )
    weights = "trained on ImageNet" if trained else RANDOM
    ends = ("first", "second", "last")
    return Network(key, trained, weights, 224, 3, 0.875, layers, ends, "last" if key != "vit_b16" else "", trained)


def view(key: str, pixels: np.ndarray, layer: str) -> View:
    shape = next(each.shape for each in network(key).layers if each.name == layer)
    top = [
        {"index": 281, "label": "tabby", "probability": 0.75},
        {"index": 282, "label": "tiger cat", "probability": 0.2},
    ]
    maps = np.random.default_rng(0).random((*shape[:2], 3)).astype(np.float16)
    seen = np.full((224, 224, 3), 90, np.uint8)
    kernels = np.ones((3, 3, 3, 8), np.float32)
    return View(layer, shape, (4, 9, 2), maps, "stem_conv", kernels, top if network(key).pretrained else [], seen)


def grad_cam(key: str, pixels: np.ndarray, index: int | None) -> GradCam:
    evidence = np.zeros((7, 7), np.float32)
    evidence[2, 5] = 1
    return GradCam("last", 281 if index is None else index, f"class of {index}", 0.75, evidence)


def unit(key: str, pixels: np.ndarray, layer: str, row: int, column: int, channel: int) -> Unit:
    gradient = np.zeros((224, 224), np.float32)
    if channel != 2:  # which is switched off
        gradient[100:110, 100:110] = 0.01
    peak = (2, 5) if channel == 9 else (1, 1)
    return Unit(-1.5, peak, 3.25, (96, 114, 96, 114), (0, 10, 0, 10), gradient, 95 if channel != 2 else 0)


def script() -> None:
    """A page of the view alone."""
    import streamlit as st

    from ui.architectures import through
    from ui.shared import stage

    st.session_state.met = through.through(stage.room())


@pytest.fixture
def lesson(store: Any, engine: Any) -> Any:
    engine.asked = []
    engine.answers |= {"look_into": network, "look_through": view, "grad_cam": grad_cam, "unit": unit}

    def ask(question: str, *args: Any, timeout: float = 30.0) -> Any:
        engine.asked.append((question, *(arg for arg in args if not isinstance(arg, np.ndarray))))
        answer = engine.answers[question]
        if isinstance(answer, Exception):
            raise answer
        return answer(*args)

    engine.ask = ask

    def open_view(**query: str) -> AppTest:
        app = AppTest.from_function(script, default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return open_view


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.info, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_view_asks_the_embedded_network_first(lesson: Any, engine: Any) -> None:
    app = lesson()
    assert not app.exception and not app.error
    assert engine.asked == [
        *(("look_into", LITE0), ("look_through", LITE0, "second"), ("grad_cam", LITE0, 281)),
        ("unit", LITE0, "second", 7, 7, 4),
    ]
    said = words(app)
    assert "trained on ImageNet" in said
    assert "Unit (7, 7) of map 4 says **−1.5**; the strongest, **3.25**, is at (1, 1)" in said
    assert "By arithmetic it sees 67 × 67 pixels, 19 × 19 of them in the picture" in said
    assert "**95 pixels** for 95 % of its gradient: 26.3% of what it can see" in said
    assert app.session_state.met is False


def test_link_brings_back_layer_unit_and_channel(lesson: Any, engine: Any) -> None:
    app = lesson(
        architectures_layer="first",
        architectures_unit_row="3",
        architectures_unit_column="50",
        architectures_unit_channel="2",
    )
    assert not app.exception and not app.warning
    assert engine.asked[-1] == ("unit", LITE0, "first", 3, 50, 2)
    assert "**It is switched off**" in words(app)


def test_link_to_what_is_not_there_says_so(lesson: Any, engine: Any) -> None:
    app = lesson(architectures_layer="nowhere", architectures_unit_row="9999")
    assert not app.exception
    assert "architectures\\_layer=nowhere" in app.warning[0].value
    assert engine.asked[1] == ("look_through", LITE0, "second")
    assert 0 <= engine.asked[-1][3] <= 13


def test_another_layer_starts_in_its_middle(lesson: Any, engine: Any) -> None:
    app = lesson(architectures_unit_row="1")
    app.selectbox(key="architectures_layer").set_value("first").run()
    assert engine.asked[-1] == ("unit", LITE0, "first", 28, 28, 4)
    app.selectbox(key="architectures_network").set_value("lenet5").run()
    assert not app.exception and not app.warning
    assert engine.asked[-1] == ("unit", "lenet5", "second", 7, 7, 4)


def test_random_weights_are_labelled_in_words(lesson: Any, engine: Any) -> None:
    app = lesson(architectures_network="mobilenet_v2")
    said = words(app)
    assert "**MobileNet v2**, random weights" in said and "its weights are random" in said
    assert ("grad_cam", "mobilenet_v2", None) in engine.asked and "no evidence" in said
    assert not app.get("plotly_chart"), "no classes are named"


def test_large_network_is_built_only_when_asked_for(lesson: Any, engine: Any) -> None:
    app = lesson(architectures_network="vgg16")
    assert not engine.asked and "553 MB" in words(app)
    app.button(key="architectures_build").click().run()
    assert engine.asked[0] == ("look_into", "vgg16")
    app.selectbox(key="architectures_layer").set_value("last").run()
    assert engine.asked[-1][0] == "unit", "agreed for the whole visit"


def test_network_without_a_feature_map_has_no_grad_cam(lesson: Any, engine: Any) -> None:
    app = lesson(architectures_network="vit_b16")
    app.button(key="architectures_build").click().run()
    assert not app.exception and "No Grad-CAM here" in words(app)
    assert "grad_cam" not in {question for question, *_ in engine.asked}


def test_unit_without_a_field_says_why(lesson: Any) -> None:
    assert "It sees the whole image." in words(lesson(architectures_layer="last"))


def test_challenge_is_met_at_the_peak_of_channel_and_evidence(lesson: Any) -> None:
    app = lesson(architectures_layer="last", architectures_unit_channel="9")
    assert app.session_state.met is False and "Grad-CAM for class of 281 is strongest at (2, 5)" in words(app)
    app.button(key="architectures_peak").click().run()
    assert app.session_state.met is True
    app.selectbox(key="architectures_unit_channel").set_value("4").run()
    assert app.session_state.met is False


def test_evidence_for_another_class_is_asked_once(lesson: Any, engine: Any) -> None:
    app = lesson()
    box = next(each for each in app.selectbox if each.label == "Evidence for")
    before = len(engine.asked)
    box.set_value("tiger cat").run()
    assert engine.asked[before:] == [("grad_cam", LITE0, 282)]


@pytest.mark.parametrize("trouble", [AWAY, InspectionRefused("VGG-16 has 553 MB of weights.")])
def test_trouble_is_one_sentence(lesson: Any, engine: Any, trouble: Exception) -> None:
    engine.answers["look_through"] = trouble
    app = lesson()
    assert not app.exception and app.error[0].value == str(trouble)
    assert app.session_state.met is False
