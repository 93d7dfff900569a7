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
def test_channels_steps_work_without_the_engine(lesson: Any, view: str) -> None:
    app = lesson(channels_view=view)
    assert not app.exception and not app.warning
    assert app.segmented_control(key="channels_view").value == view
    tasks = [element.value for element in app.markdown if element.value.startswith("**Try this**")]
    assert len(tasks) == (view != "Rhythm") and not any("**Done.**" in task for task in tasks)
    away = "The engine cannot be reached. Try again in a moment."
    assert (away in [error.value for error in app.error]) == (view in ("Cost", "Effective", "Yours"))


def test_channels_ticks_off_the_chapters_layer(lesson: Any) -> None:
    app = lesson(channels_view="Layer", channels_in="256", channels_out="256")
    assert any("590,080" in element.value for element in app.markdown if "Try this" not in element.value)
    assert [element.value for element in app.markdown if "parameters. **Done.**" in element.value]


@pytest.mark.parametrize(
    ("name", "value"),
    [("channels_view", "Layers"), ("channels_view", ""), ("channels_kernel", ""), ("channels_in", "1e309")],
)
def test_channels_says_what_a_link_got_wrong(lesson: Any, name: str, value: str) -> None:
    app = lesson(**{name: value})
    assert not app.exception
    shown = f"{name}={value or 'nothing'}"
    assert [warning.value for warning in app.warning] == [
        f"The link says {shown}, which is not possible here; the default is used."
    ]
