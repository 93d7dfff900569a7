"""The front door."""

import io
from typing import Any

import numpy as np
from PIL import Image

from cnn_core.engine.errors import EngineUnreachable

SAID = [
    {"index": 281, "label": "tabby", "probability": 0.75},
    {"index": 285, "label": "Egyptian cat", "probability": 0.2},
]


def links(app: Any) -> list[Any]:
    return [node.proto for node in app.get("page_link")]


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_home_shows_what_the_network_says(page: Any, engine: Any) -> None:
    engine.answers["classify"] = SAID
    app = page("home")
    assert not app.exception
    assert app.title[0].value == "Drop a photo. See what each layer makes of it."
    assert app.header[0].value == r"It says\: tabby"  # escaped for Markdown
    spec = app.get("plotly_chart")[0].proto.spec
    assert "tabby" in spec
    assert "75.0%" in spec


def test_home_asks_about_the_readers_picture(page: Any, engine: Any) -> None:
    asked = []
    engine.ask = lambda question, pixels, **_: asked.append(pixels.shape) or SAID
    app = page("home")
    app.file_uploader(key="home_picture_0").upload("mine.png", png(np.zeros((30, 40, 3), np.uint8))).run()
    assert asked[-1] == (30, 40, 3)
    assert not app.error


def test_home_says_why_a_file_is_no_picture_and_goes_on(page: Any, engine: Any) -> None:
    engine.answers["classify"] = SAID
    app = page("home")
    app.file_uploader(key="home_picture_0").upload("notes.png", b"only words").run()
    assert "notes" in app.error[0].value
    assert "plain text" in app.error[0].value
    assert "**Teach it your own words**" in [link.label for link in links(app)]


def test_home_says_that_the_engine_is_away(page: Any, engine: Any) -> None:
    engine.answers["classify"] = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
    app = page("home")
    assert app.error[0].value == "The engine cannot be reached. Try again in a moment."
    assert not app.exception


def test_home_leads_to_the_lessons_to_ones_own_words_and_to_the_networks(page: Any, engine: Any) -> None:
    engine.answers["classify"] = SAID
    found = {link.label: (link.page, link.query_string) for link in links(page("home"))}
    assert found == {
        "See what each layer made of it": ("architectures", "architectures_view=Picture"),
        "**Understand it in 20 minutes**": ("convolution", ""),
        "**Teach it your own words**": ("transfer", ""),
        "**Open any of 24 networks**": ("architectures", ""),
    }


def test_home_says_how_sure_it_is(page: Any, engine: Any) -> None:
    engine.answers["classify"] = [
        {"label": name, "probability": share} for name, share in (("lynx", 0.4), ("cat", 0.3))
    ]
    assert page("home").header[0].value == r"It says\: lynx, or cat"  # escaped for Markdown
