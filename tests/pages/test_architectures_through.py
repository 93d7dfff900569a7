"""The walk into any network, as the view shows it, without an engine."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.engine.errors import EngineUnreachable
from cnn_core.networks.inside import GradCam, Kernels
from cnn_core.networks.loaded import RANDOM, InspectionRefused
from cnn_core.networks.zoom.plan import Plan
from tests import walks
from ui.zoom import sheets

AWAY = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
LITE0 = "efficientnet_lite0"
WHOLE, OUT = walks.small(), "block1a_out"
NO_WAY_IN = "CIFAR plain-20 has no way in yet; received 'cifar_plain20'. Choose EfficientNet-Lite0."


def plan_of(key: str) -> Plan:
    """One that nobody has trained, with a layer that takes in its BatchNorm; into one there is no way."""
    if key == "cifar_plain20":
        raise InspectionRefused(NO_WAY_IN)
    nodes = tuple(replace(node, norm=f"{node.name}_bn") if node.name == OUT else node for node in WHOLE.nodes)
    return replace(WHOLE, key=key, weights=RANDOM, pretrained=False, nodes=nodes)


def grad_cam(key: str, pixels: np.ndarray, index: int | None) -> GradCam:
    if key == "vit_b16":
        raise InspectionRefused("ViT-B/16 has here no classifier that reads a feature map, which Grad-CAM needs.")
    evidence = np.zeros((7, 7), np.float32)
    evidence[2, 5] = 1
    return GradCam("last", 281 if index is None else index, f"class of {index}", 0.75, evidence)


def script() -> None:
    """A page of the view alone."""
    import streamlit as st

    from ui.architectures import through
    from ui.shared import stage

    st.session_state.met = through.through(stage.room("wide"))


@pytest.fixture
def lesson(store: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    engine.asked = []
    engine.answers |= walks.answers(WHOLE) | {
        "zoom_plan": plan_of,
        "grad_cam": grad_cam,
        "first_kernels": lambda key: Kernels("stem_conv", np.ones((3, 3, 3, 8), np.float32)),
    }
    monkeypatch.setattr(sheets, "_lite", lambda: WHOLE)

    def ask(question: str, *args: Any, timeout: float = 30.0, **more: Any) -> Any:
        engine.asked.append((question, *(arg for arg in args if not isinstance(arg, np.ndarray))))
        answer = engine.answers[question]
        if isinstance(answer, Exception):
            raise answer
        return answer(*args, **more)

    engine.ask = ask

    def open_view(**query: str) -> AppTest:
        app = AppTest.from_function(script, default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return open_view


def captions(app: AppTest) -> list[str]:
    return [image.caption.replace("\u00a0×\u00a0", " × ") for each in app.get("image") for image in each.proto.imgs]


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.info, app.warning, app.error, app.caption)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\u00a0×\u00a0", " × ")


def test_view_opens_the_embedded_network_and_asks_for_no_gradient(lesson: Any, engine: Any) -> None:
    app = lesson()
    assert not app.exception and not app.error and not app.warning
    assert engine.asked == [("zoom_strip", LITE0), ("first_kernels", LITE0)]
    assert "**EfficientNet-Lite0**: trained on ImageNet" in words(app)
    assert captions(app) == ["8 first kernels of 3 × 3, Stem, convolution; middle grey is 0"]
    assert app.session_state.met is False


@pytest.mark.parametrize("place", [OUT, f"{OUT}.3", f"{OUT}.3.12.9"])
def test_task_is_met_at_one_product_and_not_before(lesson: Any, engine: Any, place: str) -> None:
    app = lesson(zoom=place)
    assert not app.exception and not app.error and not app.warning
    assert app.session_state.met is (place.count(".") == 3)
    assert not {"first_kernels", "zoom_strip"} & {question for question, *_ in engine.asked}, "of the whole alone"
    assert "architectures_evidence" not in [toggle.key for toggle in app.toggle]


def test_evidence_for_another_class_is_asked_once(lesson: Any, engine: Any) -> None:
    app = lesson()
    before = len(engine.asked)
    app.toggle(key="architectures_evidence").set_value(True).run()
    assert engine.asked[before:] == [("grad_cam", LITE0, 281)]
    assert captions(app)[0] == "Evidence (Grad-CAM) for class of 281, 75.0%"
    box = next(each for each in app.selectbox if each.label == "Evidence for")
    before = len(engine.asked)
    box.set_value("lynx").run()
    assert engine.asked[before:] == [("grad_cam", LITE0, 282)]


def test_random_weights_are_labelled_in_words(lesson: Any, engine: Any) -> None:
    nobody = walks.strip(WHOLE)
    engine.answers["zoom_strip"] = lambda key, seen, **_: replace(nobody, top=[])
    app = lesson(architectures_network="mobilenet_v2", architectures_evidence="true")
    assert not app.exception and not app.error
    assert "Random weights" in words(app) and "no evidence" in words(app)
    assert ("grad_cam", "mobilenet_v2", None) in engine.asked, "no classes are named: the most probable"
    assert "Evidence for" not in [box.label for box in app.selectbox]
    assert captions(app)[-1].endswith("; random weights")


def test_large_network_is_built_only_when_asked_for(lesson: Any, engine: Any) -> None:
    app = lesson(architectures_network="vgg16")
    assert not engine.asked and "553 MB" in words(app)
    app.button(key="architectures_build").click().run()
    assert engine.asked[:2] == [("zoom_plan", "vgg16"), ("zoom_strip", "vgg16")]
    app.toggle(key="architectures_evidence").set_value(True).run()
    assert engine.asked[-1][0] == "grad_cam", "agreed for the whole visit"


def test_network_without_a_feature_map_says_so(lesson: Any) -> None:
    app = lesson(architectures_network="vit_b16", architectures_evidence="true")
    app.button(key="architectures_build").click().run()
    assert not app.exception
    assert [each.value for each in app.error] == [
        "ViT-B/16 has here no classifier that reads a feature map, which Grad-CAM needs."
    ]


def test_network_without_a_way_in_says_so_and_another_can_be_chosen(lesson: Any, engine: Any) -> None:
    app = lesson(architectures_network="cifar_plain20", zoom="stem.2")
    assert [each.value.replace("\\", "") for each in app.error] == [NO_WAY_IN]
    assert {question for question, *_ in engine.asked} == {"zoom_plan"}
    app.selectbox(key="architectures_network").set_value("mobilenet_v1").run()
    assert not app.exception and not app.error and not app.warning
    assert "zoom" not in app.query_params, "another network begins at the whole"
    assert ("zoom_strip", "mobilenet_v1") in engine.asked


@pytest.mark.parametrize("trouble", [AWAY, InspectionRefused("EfficientNet-Lite0 has 19 MB of weights.")])
def test_trouble_is_one_sentence(lesson: Any, engine: Any, trouble: Exception) -> None:
    engine.answers["zoom_strip"] = trouble
    app = lesson()
    assert not app.exception and [each.value for each in app.error] == [str(trouble)]
    assert app.session_state.met is False


# Links of earlier versions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "place"),
    [
        ({"layer": OUT}, OUT),
        ({"layer": OUT, "unit_channel": "3"}, f"{OUT}.3"),
        ({"layer": OUT, "unit_channel": "3", "unit_row": "12", "unit_column": "9"}, f"{OUT}.3.12.9"),
        ({"layer": OUT, "unit_channel": "3", "unit_row": "12"}, f"{OUT}.3.12.8"),  # one was in the middle of 16
        ({"layer": OUT, "unit_row": "12", "unit_column": "9"}, OUT),  # the map was that which varied most
        ({"unit_channel": "3"}, f"{OUT}.3"),  # one began at the end of the second stage
    ],
)
def test_old_link_leads_to_the_place_that_it_meant(lesson: Any, old: dict[str, str], place: str) -> None:
    app = lesson(**{f"architectures_{name}": value for name, value in old.items()})
    assert not app.exception and not app.warning
    assert app.query_params["zoom"] == place
    assert not [name for name in app.query_params if name.startswith("architectures_")]


def test_old_link_to_what_a_node_takes_in_leads_to_the_node(lesson: Any) -> None:
    app = lesson(architectures_network="mobilenet_v2", architectures_layer=f"{OUT}_bn", architectures_unit_channel="3")
    assert not app.warning and app.query_params["zoom"] == f"{OUT}.3"
    assert app.query_params["architectures_network"] == "mobilenet_v2"


@pytest.mark.parametrize(
    ("old", "said", "place"),
    [
        ({"layer": "nowhere"}, "zoom=nowhere, which is not possible here; you see the whole network", None),
        ({"layer": OUT, "unit_channel": "99"}, "you see block1a_out in its place", OUT),
        (
            {"layer": OUT, "unit_channel": "3", "unit_row": "999", "unit_column": "9"},
            "you see block1a_out.3 in its place",
            f"{OUT}.3",
        ),
    ],
)
def test_old_link_to_what_is_not_there_says_so_once(
    lesson: Any, old: dict[str, str], said: str, place: str | None
) -> None:
    app = lesson(**{f"architectures_{name}": value for name, value in old.items()})
    assert not app.exception
    (warning,) = app.warning
    assert said in warning.value
    assert app.query_params.get("zoom") == place
    assert not app.run().warning


def test_place_in_a_link_goes_before_what_an_old_one_meant(lesson: Any) -> None:
    app = lesson(zoom=f"{OUT}.2", architectures_layer="stem_relu6", architectures_unit_channel="7")
    assert not app.warning and app.query_params["zoom"] == f"{OUT}.2"
    assert "architectures_layer" not in app.query_params
