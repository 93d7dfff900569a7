"""The architectures page as a whole: its views, its link, the picture only where it counts."""

from typing import Any

import pytest

from cnn_core.engine.errors import EngineUnreachable

VIEWS = ("Timeline", "Inside", "Picture", "Compare", "Degradation", "LeNet", "Prior")
AWAY = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
QUESTIONS = (
    "architecture_graph",
    "look_into",
    "look_through",
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
    assert "Try this (0 of 7)" in [element.value for element in app.subheader]
    if view in ("Inside", "Picture"):
        assert "The engine cannot be reached. Try again in a moment." in [error.value for error in app.error]


def test_architectures_says_what_a_link_got_wrong(lesson: Any) -> None:
    app = lesson(architectures_one="resnet51")
    assert [warning.value for warning in app.warning] == [
        r"The link says architectures\_one=resnet51, which is not possible here; the default is used."
    ]


def test_architectures_ticks_off_a_task(lesson: Any) -> None:
    app = lesson(architectures_view="Compare", architectures_left="mobilenet_v2", architectures_right="vgg16")
    assert "Try this (1 of 7)" in [element.value for element in app.subheader]
