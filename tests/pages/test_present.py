"""Present mode: the result and the named controls; what is not drawn has the link's value, or the default."""

from collections import defaultdict
from typing import Any

import pytest

from cnn_core.engine.errors import EngineError
from tests.pages.test_every_control import controls, steps_of
from tests.pages.test_sharing import asked, texts
from ui.shared import present

LESSONS = ("convolution", "pooling", "channels", "architectures")


def keys(app: Any) -> set[str]:
    """Of the controls in sight that `ui.shared.controls` makes."""
    return {str(each.key) for each in controls(app) if each.key}


def walls(app: Any) -> str:
    return "".join(str(each.proto) for each in app.get("bidi_component"))


def test_only_named_controls_are_drawn(page: Any) -> None:
    whole = page("convolution")
    assert {"convolution_stride", "convolution_padding", "convolution_relu"} <= keys(whole)
    assert "pick what it should find" in texts(whole)
    app = page("convolution", present="1", show="stride")
    assert not app.exception and not app.warning
    assert keys(app) & {"convolution_stride", "convolution_padding", "convolution_relu", "convolution_channel"} == {
        "convolution_stride"
    }
    assert "pick what it should find" not in texts(app)
    assert "pick what it should find" in texts(page("convolution", present="1", show="kernel"))
    assert not {"visitor_share", "convolution_view_next"} & {str(each.key) for each in app.button}


def test_what_is_not_drawn_has_the_links_value(page: Any) -> None:
    given = {"convolution_stride": "3", "convolution_padding": "same", "convolution_relu": "true"}
    usual, bare = page("convolution", **given), page("convolution", present="1", **given)
    told = [[each.value for each in app.caption if "its map" in each.value] for app in (usual, bare)]
    assert told[0] == told[1] and len(told[0]) == 1
    assert told[0] != [each.value for each in page("convolution", present="1").caption if "its map" in each.value]


def test_value_that_cannot_be_is_said_and_the_default_used(page: Any) -> None:
    app = page("convolution", present="1", convolution_stride="9")
    assert [each.value.replace("\\", "") for each in app.warning] == [
        "The link says convolution_stride=9, which is not possible here; the default is used."
    ]
    assert "convolution_stride" not in app.query_params


def test_named_control_works_and_the_mode_stays(page: Any) -> None:
    app = page("convolution", present="1", show="stride")
    before = next(each.value for each in app.caption if "its map" in each.value)
    app.button_group(key="convolution_stride").set_value(2).run()
    assert next(each.value for each in app.caption if "its map" in each.value) != before
    assert app.query_params["present"] == "1" and "visitor_share" not in {str(each.key) for each in app.button}


@pytest.mark.parametrize("name", LESSONS)
def test_every_step_can_be_presented(name: str, page: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        steps = list(steps_of(name, patch))
    engine.answers = defaultdict(lambda: EngineError("The engine is away."))
    for step in steps:
        app = page(name, present="1", **{f"{name}_view": step})
        assert not app.exception and app.title, step


@pytest.mark.parametrize("show", ["<b>", "a" * 99, "../x", "}body{display:none", ",".join("abcdefghijklmnop")])
def test_names_that_are_none_leave_no_trace(show: str, page: Any) -> None:
    app = page("convolution", present="1", show=show)
    assert not app.exception
    (style,) = [each.proto.body for each in app.get("html") if "Present mode" in each.proto.body]
    assert show not in style and style.count("{") == style.count("}")


def test_share_offers_the_view_without_the_rest(page: Any) -> None:
    app = page("convolution", convolution_stride="2").button(key="visitor_share").click().run()
    stays = app.multiselect(key="share_stays")
    assert {"Kernel", "Stride", "Padding"} <= {*stays.options}
    stays.set_value(["kernel", "stride"]).run()
    bare, frame = app.code[1].value, app.code[2].value
    assert "&present=1&show=kernel,stride" in bare and "convolution_stride=2" in bare
    assert frame.startswith('<iframe src="') and 'width="800" height="500"' in frame and "&amp;present=1" in frame
    assert 'allow="camera"' in frame, "or a browser gives a frame of another site none"
    assert "present" not in asked(app)


def test_offered_controls_are_those_of_the_view_that_is_seen(page: Any) -> None:
    app = page("pooling", pooling_view="Cost").button(key="visitor_share").click().run()
    assert "Kernel" not in app.multiselect(key="share_stays").options


def test_query_says_names_in_their_order() -> None:
    assert present.query(["stride", "kernel"]) == {"present": "1", "show": "stride,kernel"}
