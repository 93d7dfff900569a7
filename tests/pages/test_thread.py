"""A place that is followed: picked once, found again in every lesson, said by the link, left by one click."""

import json
import re
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_core.arithmetic.convolution import cross_correlate, grey
from cnn_core.arithmetic.shifts import SOBEL_X
from cnn_core.arithmetic.spots import Spot
from cnn_core.engine.errors import EngineError
from cnn_core.networks.zoom import lite
from cnn_core.pictures.bundled import BUNDLED
from cnn_core.pictures.picture import framed
from tests import walks
from tests.pages.conftest import ROOT
from tests.pages.test_doors import texts
from tests.pages.test_every_control import listening
from tests.pages.test_random_links import ODD
from ui.shared.thread import READERS
from ui.zoom import sums


def sent(app: Any, name: str) -> dict[str, Any]:
    """What was sent to the component of this key."""
    (found,) = [each.proto for each in app.get("bidi_component") if name in each.proto.id]
    data: dict[str, Any] = json.loads(found.mixed.json if found.HasField("mixed") else found.json)
    return data


def followed(app: Any) -> Spot | None:
    """What the link says."""
    text = app.query_params["follow"]
    return Spot.read(text if isinstance(text, str) else text[0])


def ways(app: Any) -> dict[str, tuple[str, str]]:
    return {each.proto.label: (each.proto.page, each.proto.query_string) for each in app.get("page_link")}


def test_picked_once_it_is_where_the_other_lessons_begin(page: Any) -> None:
    app = page("convolution", convolution_view="Step by step", convolution_at="99,60")
    assert "Following a place" not in texts(app)
    app.button(key="convolution_follow").click().run()
    assert not app.exception
    spot = followed(app)
    assert spot is not None
    # Chelsea, 300 x 451, is looked at as 170 x 256: the window of 3 x 3 at 99, 60 has its middle at pixel 100, 61.
    assert spot.pixel((170, 256)) == (100, 61)
    assert "This is the place that you follow." in texts(app)
    assert f"row {int(spot.down * 300 / 1000)}, column {int(spot.right * 451 / 1000)}" in texts(app)
    assert ways(app)["Next: **what a shift does to it**"] == ("pooling", f"pooling_view=Shift&follow={spot.text}")
    app = page("pooling", pooling_view="Steps", follow=spot.text)
    assert sent(app, "pooling_stepper")["at"] == [50, 30], "windows of 2 x 2 at a stride of 2"


def test_it_goes_along_to_another_page_and_its_link_says_so(page: Any) -> None:
    app = page("convolution", convolution_view="Step by step", follow="500.250")
    app.query_params.clear()
    app.switch_page(str(ROOT / "pages" / "pooling.py")).run()
    assert followed(app) == Spot(500, 250)
    assert "Following a place" in texts(app)
    del app.query_params["follow"]  # Back, to what the address was when this page was opened
    app.run()
    assert "Following a place" in texts(app) and "follow" not in app.query_params, "no step forward is made of it"
    app.button(key="visitor_share").click().run()
    assert "follow=500.250" in app.code[0].value
    app.button(key="thread_stop").click().run()
    assert "Following a place" not in texts(app)


def test_windows_own_link_goes_before_the_place(page: Any) -> None:
    app = page("convolution", convolution_view="Step by step", follow="500.250", convolution_at="3,4")
    assert sent(app, "convolution_stepper")["at"] == [3, 4]


@pytest.mark.parametrize("text", [each for each in ODD if each] + ["1001.1", "412", "1.2.3"])
def test_what_is_no_place_is_one_sentence(page: Any, text: str) -> None:
    app = page("pooling", follow=text)
    assert not app.exception and "Following a place" not in texts(app)
    assert [each.value for each in app.warning if "The link says follow=" in each.value]


@pytest.mark.parametrize("reader", READERS, ids=lambda each: f"{each.page}-{each.step}")
def test_every_reader_opens_with_it(page: Any, engine: Any, reader: Any) -> None:
    engine.answers = defaultdict(lambda: EngineError("The engine is away."))
    app = page(reader.page, **{f"{reader.page}_view": reader.step, "follow": "400.600"})
    assert not app.exception and not app.warning
    here = READERS.index(reader)
    assert any(READERS[(here + 1) % len(READERS)].says in label for label in ways(app))


def test_cell_of_a_walk_is_followed_and_found_again_in_another_layer(page: Any) -> None:
    app = page("home", zoom="block3b_out.17.12.9")
    app.button(key="zoom_follow").click().run()
    assert not app.exception and not app.error
    spot = followed(app)
    node = lite.plan().node("block3b_out")
    assert spot is not None and node.field is not None and node.field.padding is not None
    height, width, top, left = framed((300, 451), 224, 224 / 256)
    centre = [index * node.field.stride - node.field.padding + node.field.size / 2 for index in (12, 9)]
    assert spot == Spot.at((centre[0] + top, centre[1] + left), (height, width))
    assert "This is the place that you follow." in texts(app)
    app = page("home", zoom="block3b_out.5", follow=spot.text)
    assert sent(app, "home_zoom")["at"] == [12, 9], "the map opens at the place, not at its peak"
    plain = sent(page("home", zoom="block3b_out.5"), "home_zoom")
    marked = sent(app, "home_zoom")
    assert plain["panels"][0]["source"] != marked["panels"][0]["source"], "the picture has a ring"
    assert plain["panels"][1:] == marked["panels"][1:]


def test_what_networks_say_there_is_told_beside_the_strip(page: Any) -> None:
    app = page("home", follow="500.500")
    assert not app.exception and not app.error
    bodies = [each.proto.body for each in app.get("html")]
    body = next(each for each in bodies if "What networks say at the followed place" in each)
    assert body.count("<tr>") == 1 + 2 + 5, "a row a stage of each network: LeNet-5 and EfficientNet-Lite0"
    assert "EfficientNet-Lite0" in body and "follow=500.500" in body
    link = re.search(r"efficientnet_lite0\S*zoom=([\w.]+).*?</a></td><td class=.number.>([^<]+)<", body)
    assert link
    place, number = link.groups()
    node, *rest = place.split(".")
    cell = walks.cell(walks.plan_of("efficientnet_lite0"), node, *map(int, rest))
    assert sums.number(cell.value) == number
    assert "At which depth do five kinds of clothing, an example, come apart?" in texts(app)
    assert ("laboratory", "laboratory_view=Depth&follow=500.500") in ways(app).values()
    assert "What networks say" not in texts(page("home"))


def test_place_outside_what_the_network_sees_is_said(page: Any) -> None:
    app = page("home", follow="500.1")
    assert not app.exception
    assert "lies outside what this network sees" in texts(app)
    assert "outside what it sees" in texts(app)
    app = page("home", zoom="block3b_out.5", follow="500.1")
    assert sent(app, "home_zoom") == sent(page("home", zoom="block3b_out.5"), "home_zoom")


def test_neuron_of_the_calculator_is_the_one_that_looks_there(page: Any) -> None:
    app = page("channels", channels_view="Field", follow="500.500")
    middle = app.number_input(key="channels_unit_row").value
    app = page("channels", channels_view="Field", follow="100.500")
    assert app.number_input(key="channels_unit_row").value < middle
    assert app.number_input(key="channels_unit_column").value == middle
    assert "channels_unit_row" not in app.query_params, "the place says it"
    app.number_input(key="channels_unit_row").set_value(middle).run()
    app.button(key="channels_follow").click().run()
    assert not app.exception and app.number_input(key="channels_unit_row").value == middle
    assert "This is the place that you follow." in texts(app)


def test_shift_says_what_becomes_of_the_place(page: Any) -> None:
    link = {"pooling_view": "Shift", "pooling_stride": "2"}
    app = page("pooling", **link, pooling_shift="2", follow="500.500")
    assert not app.exception
    assert "after the shift, where that place is now, it says the same" in texts(app), "a whole cell of the pooled map"
    image = large_of(page)
    features = np.maximum(cross_correlate(image, SOBEL_X), 0)
    row, column = (int(length / 2) - 1 for length in image.shape)  # the map's own pixel below the place
    was = features[row // 2 * 2 : row // 2 * 2 + 2, column // 2 * 2 : column // 2 * 2 + 2].max()
    assert f"the pooled map says {was:.3f}" in texts(app).replace("**", "")
    hands = [one.get("bidi_component")[0].proto.json for one in (app, page("pooling", **link, pooling_shift="2"))]
    assert len({json.loads(hand)["picture"] for hand in hands}) == 2, "the moved picture has a ring"
    assert "the place that you follow" not in texts(page("pooling", **link))


def large_of(page: Any) -> np.ndarray:
    """The picture as the lesson has it: grey, of 256 pixels at most."""
    pixels = np.asarray(Image.fromarray(BUNDLED["chelsea"].load().pixels).resize((256, 170), Image.Resampling.LANCZOS))
    return grey(pixels / 255.0)


@pytest.mark.parametrize(
    ("follow", "words"),
    [
        ("500.500", "is one of the 10 pixels that it uses"),
        ("400.500", "is one that it can see, but hardly uses"),
        ("100.500", "lies outside of what it can see"),
        ("500.10", "lies outside of what it can see"),
    ],
)
def test_effective_field_says_whether_the_place_is_used(follow: str, words: str, page: Any, engine: Any) -> None:
    gradient = np.zeros((224, 224), np.float32)
    gradient[112, 107:117] = 0.1
    field = replace(listening(), gradient=gradient, held=10)
    engine.answers = defaultdict(lambda: EngineError("Away."), effective_field=field)
    app = page("channels", channels_view="Effective", follow=follow)
    assert not app.exception
    app.button(key="channels_guess_show").click().run()
    assert f"The place that you follow {words}" in texts(app).replace("**", "")
