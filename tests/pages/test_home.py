"""The front door."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_core.engine.errors import EngineUnreachable
from cnn_core.networks.zoom.answers import Strip
from tests import walks

SAID = [
    {"index": 281, "label": "tabby", "probability": 0.75},
    {"index": 285, "label": "Egyptian cat", "probability": 0.2},
]


def saying(said: list[dict[str, Any]]) -> Callable[..., Strip]:
    """A strip under which this is said."""
    return lambda key, seen, most=24: replace(walks.strip(walks.plan_of(key), most), top=tuple(said))


def links(app: Any) -> list[Any]:
    return [node.proto for node in app.get("page_link")]


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_home_shows_what_the_network_says(page: Any, engine: Any) -> None:
    engine.answers["zoom_strip"] = saying(SAID)
    app = page("home")
    assert not app.exception
    assert app.title[0].value == "Drop a photo. See what each layer makes of it."
    assert app.header[0].value == "It says: tabby"
    spec = app.get("plotly_chart")[0].proto.spec
    assert "tabby" in spec
    assert "75.0%" in spec


def test_home_asks_about_the_readers_picture(page: Any, engine: Any) -> None:
    asked: list[np.ndarray] = []

    def strip(key: str, seen: np.ndarray, most: int = 24) -> Strip:
        asked.append(seen)
        return walks.strip(walks.plan_of(key), most)

    engine.answers["zoom_strip"] = strip
    app = page("home")
    app.file_uploader(key="home_picture_0").upload("mine.png", png(np.full((30, 40, 3), 77, np.uint8))).run()
    assert not app.error and not app.exception
    assert len(asked) == 2 and asked[0].std() > 0, "strip and answer are one question"
    assert (asked[1] == 77).all() and asked[1].shape == (224, 224, 3)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 40)])
def test_home_takes_a_picture_smaller_than_a_kernel(shape: tuple[int, int], page: Any) -> None:
    app = page("home")
    app.file_uploader(key="home_picture_0").upload("tiny.png", png(np.full((*shape, 3), 77, np.uint8))).run()
    assert not app.error and not app.exception


def test_home_shows_the_network_as_a_strip_and_lets_who_walks_in_have_the_room(page: Any, engine: Any) -> None:
    def walking(app: Any) -> bool:
        return any('class="walking"' in node.proto.body for node in app.get("html"))

    app = page("home")
    assert not walking(app) and len(app.get("bidi_component")) == 2, "eight pictures, and the walk"
    app = page("home", zoom="block3b_out.17")
    assert walking(app) and not app.warning
    assert app.title[-1].value == "What is this map made of?"
    app = page("home", zoom="no_such_layer")
    assert not walking(app)
    assert "The link says zoom=no_such_layer, which is not possible here" in app.warning[0].value


def test_home_says_why_a_file_is_no_picture_and_goes_on(page: Any, engine: Any) -> None:
    engine.answers["zoom_strip"] = saying(SAID)
    app = page("home")
    app.file_uploader(key="home_picture_0").upload("notes.png", b"only words").run()
    assert "notes" in app.error[0].value
    assert "plain text" in app.error[0].value
    assert "**Teach it your own words**" in [link.label for link in links(app)]


def test_home_says_that_the_engine_is_away(page: Any, engine: Any) -> None:
    engine.answers["zoom_strip"] = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
    app = page("home")
    assert app.error[0].value == "The engine cannot be reached. Try again in a moment."
    assert not app.exception
    engine.answers["zoom_strip"] = saying(SAID)
    app.button(key="home_again").click().run()
    assert app.header[0].value == "It says: tabby" and not app.error


def test_home_leads_to_the_lessons_to_ones_own_words_and_to_the_networks(page: Any, engine: Any) -> None:
    engine.answers["zoom_strip"] = saying(SAID)
    found = {link.label: (link.page, link.query_string) for link in links(page("home"))}
    assert found == {
        "**Understand it step by step**": ("convolution", ""),
        "**Teach it your own words**": ("transfer", ""),
        "**Open any of 24 networks**": ("architectures", ""),
    }


def test_home_says_how_sure_it_is(page: Any, engine: Any) -> None:
    said = [{"label": name, "probability": share} for name, share in (("lynx", 0.4), ("cat", 0.3))]
    engine.answers["zoom_strip"] = saying(said)
    assert page("home").header[0].value == "It says: lynx, or cat"
