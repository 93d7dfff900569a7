"""The channels page as a whole: its views, and its link."""

from typing import Any

import pytest

from cnn_core.engine.errors import EngineUnreachable

VIEWS = ("Layer", "Stride", "Cost", "Rhythm", "Field", "Effective", "Yours")
AWAY = EngineUnreachable("The engine cannot be reached. Try again in a moment.")


@pytest.fixture
def lesson(page: Any, engine: Any) -> Any:
    engine.answers |= dict.fromkeys(("layer_times", "effective_field", "field_growth", "read_architecture"), AWAY)
    return lambda **query: page("channels", **query)


@pytest.mark.parametrize("view", VIEWS)
def test_channels_views_work_without_the_engine(lesson: Any, view: str) -> None:
    app = lesson(channels_view=view)
    assert not app.exception and not app.warning
    assert app.segmented_control(key="channels_view").value == view
    assert "Try this (0 of 6)" in [element.value for element in app.subheader]
    if view in ("Cost", "Effective"):
        assert "The engine cannot be reached. Try again in a moment." in [error.value for error in app.error]


def test_channels_ticks_off_the_chapters_layer(lesson: Any) -> None:
    app = lesson(channels_view="Layer", channels_in="256", channels_out="256")
    assert any("590,080" in element.value for element in app.markdown)
    assert "Try this (1 of 6)" in [element.value for element in app.subheader]


def test_channels_says_what_a_link_got_wrong(lesson: Any) -> None:
    app = lesson(channels_view="Layers")
    assert [warning.value for warning in app.warning] == [
        r"The link says channels\_view=Layers, which is not possible here; the default is used."
    ]
