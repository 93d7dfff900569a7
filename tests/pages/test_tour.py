"""The walk of ten steps: each stop is a link that opens its view, says its words and lights what they are about."""

from collections import defaultdict
from typing import Any
from urllib.parse import parse_qsl

import pytest

from cnn_core.engine.errors import EngineError
from cnn_core.networks.zoom import lite
from tests.pages.test_doors import texts
from tests.pages.test_lessons import ways
from tests.pages.test_random_links import ODD
from ui.shared.tour import STOPS, address


def opened(page: Any, link: str) -> Any:
    name, _, query = link.partition("?")
    return page(name.replace("./", "home"), **dict(parse_qsl(query)))


def keys(node: Any) -> set[str]:
    """Keys of all that is drawn."""
    found = {str(getattr(node, "key", "") or "")}
    for child in getattr(node, "children", {}).values():
        found |= keys(child)
    return found


@pytest.mark.parametrize("at", range(len(STOPS)))
def test_every_stop_opens_says_its_words_and_lights_what_is_there(at: int, page: Any) -> None:
    app, stop = opened(page, address(at)), STOPS[at]
    assert not app.exception and not app.warning
    assert f'<p class="list-said">{stop.view.note}' in texts(app).replace("&#x27;", "'")
    assert f".st-key-{stop.lights} {{" in texts(app)
    assert f"{at + 1} of 10" in texts(app)
    drawn = "\n".join([*keys(app._tree), *(each.proto.id for each in app.get("bidi_component"))])
    assert stop.lights in drawn
    assert not [button for button in app.button if "_view_next" in str(button.key)], "the walk leads on, not the page"
    assert "1. " not in stop.view.note and 40 < len(stop.view.note) < 260


def test_map_of_the_walk_is_what_its_words_say() -> None:
    """Forty maps, each the sum of all maps of one layer, every one times one weight; a block's end adds two layers."""
    name = STOPS[6].view.query["zoom"]
    node = lite.plan().node(name)
    assert [stop.view.query["zoom"].split(".")[0] for stop in STOPS[7:9]] == [name, name]
    assert (node.shape[2], node.kind, len(node.inputs)) == (40, "convolution", 1)
    assert node.window and node.window.kernel_size == (1, 1) and node.groups == 1


def test_one_goes_from_stop_to_stop_and_back_and_leaves_where_one_is(page: Any) -> None:
    app = opened(page, address(1))
    assert ways(app)["Back"] == address(0) and ways(app)["Next · One window"] == address(2)
    left = opened(page, ways(app)["Leave the walk"])
    assert left.title[0].value == app.title[0].value and "list-way" not in texts(left)
    assert "convolution_view_next" in {button.key for button in left.button}
    assert "Back" not in ways(opened(page, address(0)))
    last = ways(opened(page, address(9)))
    assert "Done" in last and not [words for words in last if words.startswith("Next")]


@pytest.mark.parametrize("text", ["99", "0", "11", *(each for each in ODD if each)])
def test_a_stop_that_is_not_there_is_one_sentence(page: Any, text: str) -> None:
    app = page("convolution", tour=text)
    assert not app.exception
    (said,) = [each.value for each in app.warning]
    assert "The link says tour=" in said and "which is not possible here" in said
    assert "list-way" not in texts(app) and "convolution_view_next" in {button.key for button in app.button}


def test_on_another_page_it_is_said_where_the_walk_goes_on(page: Any, engine: Any) -> None:
    engine.answers = defaultdict(lambda: EngineError("The engine is away."))
    app = page("channels", tour="2")
    assert not app.exception and "You have left the walk of ten steps at step 2." in texts(app)
    assert ways(app)["Go on · An edge"] == address(1)


def test_front_door_leads_in_and_a_list_goes_before(page: Any) -> None:
    app = page("home")
    assert 'class="walk-in" href="./?tour=1"' in texts(app)
    assert 'class="walk-in"' not in texts(page("home", tour="1"))
    app = page("home", tour="1", list="nobodys")
    assert "lesson list that is not there" in texts(app)


def test_place_that_is_followed_goes_along(page: Any) -> None:
    app = opened(page, address(2) + "&follow=500.250")
    assert "follow=500.250" in ways(app)["Next · Keep the largest"]
    app.button(key="visitor_share").click().run()
    assert "tour" not in app.code[0].value and "follow=500.250" in app.code[0].value, "the view is shared, not the walk"
