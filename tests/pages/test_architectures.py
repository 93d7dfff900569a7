"""The architectures page as a whole: its views, its link, the picture only where it counts."""

from typing import Any

import pytest

from cnn_core.engine.errors import EngineUnreachable
from cnn_core.networks.zoo.architectures import ARCHITECTURES

VIEWS = ("Timeline", "Inside", "Picture", "Compare", "LeNet", "Degradation", "Prior")
AWAY = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
QUESTIONS = (
    "architecture_graph",
    "zoom_plan",
    "zoom_strip",
    "first_kernels",
    "grad_cam",
    "unit",
    "signals",
    "learn_identity",
    "read_digit",
)


@pytest.fixture
def lesson(page: Any, engine: Any) -> Any:
    engine.answers |= dict.fromkeys(QUESTIONS, AWAY)
    return lambda **query: page("architectures", **query)


@pytest.mark.parametrize("view", VIEWS)
def test_architectures_views_work_without_the_engine(lesson: Any, view: str) -> None:
    app = lesson(architectures_view=view)
    assert not app.exception and not app.warning
    assert app.segmented_control(key="architectures_view").value == view
    assert len(app.title) == 1 and app.title[0].value.endswith("?")
    assert sum(element.value.startswith("**Try this**") for element in app.markdown) == 1
    if view in ("Inside", "Picture"):
        assert "The engine cannot be reached. Try again in a moment." in [error.value for error in app.error]


def test_architectures_says_what_a_link_got_wrong(lesson: Any) -> None:
    app = lesson(architectures_one="resnet51")
    assert [warning.value for warning in app.warning] == [
        "The link says architectures_one=resnet51, which is not possible here; the default is used."
    ]


@pytest.mark.parametrize("value", ["", "1e309", "nowhere"])
@pytest.mark.parametrize(
    "name", ["view", "one", "inside", "network", "left", "lenet_epochs", "epoch", "signal_depth", "size", "run"]
)
def test_architectures_takes_any_link(lesson: Any, name: str, value: str) -> None:
    views = {"inside": "Inside", "network": "Picture", "left": "Compare", "lenet_epochs": "LeNet", "epoch": "LeNet"}
    views |= {"signal_depth": "Degradation", "size": "Prior", "run": "Prior"}
    view = {"architectures_view": views[name]} if name in views else {}
    app = lesson(**view, architectures_part="Signals", **{f"architectures_{name}": value})
    assert not app.exception


def test_architectures_ticks_off_a_task(lesson: Any) -> None:
    app = lesson(architectures_view="Compare", architectures_left="mobilenet_v2", architectures_right="vgg16")
    assert any(element.value.startswith("**Try this**") and "**Done.**" in element.value for element in app.markdown)


def test_architectures_shows_titles_and_links_keys(lesson: Any) -> None:
    app = lesson(architectures_view="Compare", architectures_left="cifar_resnet20")
    box = app.selectbox(key="architectures_left")
    assert box.value == "cifar_resnet20" and "CIFAR ResNet-20" in box.options
    assert not set(ARCHITECTURES) & set(box.options), "no key is a label"
    box.set_value("mobilenet_v1").run()
    assert app.query_params["architectures_left"] == "mobilenet_v1"


def test_number_that_a_link_got_wrong_can_still_be_set(lesson: Any) -> None:
    app = lesson(architectures_view="LeNet", architectures_lenet_epochs="1e309")
    assert "architectures_lenet_epochs=1e309" in app.warning[0].value
    app.number_input(key="architectures_lenet_epochs").set_value(3).run()
    assert not app.exception and app.number_input(key="architectures_lenet_epochs").value == 3
