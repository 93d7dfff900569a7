"""What excites a map, below it: photos of the installation and the visitor's own, and the way into one of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_core.arithmetic.geometry import Field
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.figures.palette import LIGHT, rgb
from cnn_core.figures.through import patch
from cnn_core.networks.zoom.answers import Excited, Exciting
from cnn_core.pictures import sets
from cnn_core.pictures.albums import Album
from cnn_core.pictures.bundled import PHOTOS
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store import keys, visitors
from cnn_core.store.runs import Store
from tests import walks
from ui.shared.contact import judged
from ui.shared.picture import bundled, forget_pictures
from ui.zoom import excites, sheets

WHOLE = walks.small()
OUT = "block1a_out"


@pytest.fixture
def own(store: Store) -> list[Item]:
    """Five pictures in the store."""
    rng = np.random.default_rng(1)
    pictures = [Picture(rng.integers(0, 256, (40, 50, 3)).astype(np.uint8), f"own_{n}.png") for n in range(5)]
    return [sets.keep(store, picture, "cat") for picture in pictures]


@pytest.fixture
def open_at(store: Store, engine: Any, walls: None, own: list[Item], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The front door at a place; with pictures of one's own as the set that the visitor is at."""
    engine.answers |= walks.answers(WHOLE)
    monkeypatch.setattr(sheets, "_lite", lambda: WHOLE)

    def opened(place: str, items: Sequence[Item] = ()) -> AppTest:
        app = AppTest.from_file(str(Path(__file__).parents[2] / "ui" / "main.py"), default_timeout=60)
        app.session_state.visit = "somebody"
        if items:
            Album(store, "somebody", "ab12", "mine", list(items)).save()
        app.query_params["zoom"] = place
        return app.run()

    return opened


def tiles(app: AppTest) -> list[Any]:
    return [button for button in app.button if str(button.key).startswith("zoom_excites_") and "all" not in button.key]


def words(app: AppTest) -> str:
    return "\n".join(
        each.value.replace("\u00a0×\u00a0", " × ")
        for kind in (app.markdown, app.caption, app.warning, app.error)
        for each in kind
    )


def test_photos_that_come_along_are_searched_and_the_strongest_shown(open_at: Any) -> None:
    app = open_at(f"{OUT}.3")
    assert not app.exception and not app.error
    assert [tile.label for tile in tiles(app)][:2] == ["6 · Chelsea the cat", "5 · Cup of coffee"]
    assert len(tiles(app)) == len(PHOTOS) - 1, "one of them leaves the map at 0"
    assert (
        tiles(app)[1].help.replace("\u00a0×\u00a0", " × ") == "at row 0, column 1 of 16 × 16. Open this picture there"
    )
    said = words(app)
    assert "**What excites map 3 of Block 1a, output**" in said
    assert "The strongest place in each of 6 pictures: what that cell can see, 7 × 7 pixels." in said
    assert "Searched: the 7 photos that come with ConvScope. Pictures that you bring are searched too." in said
    assert "1 of these pictures leaves it at 0 or below everywhere." in said
    assert not tiles(open_at(OUT)) and not tiles(open_at("preprocess.1")), "only of a map that is computed"


def test_pictures_of_the_visitors_set_are_searched_too_and_one_is_opened_at_its_cell(
    open_at: Any, own: list[Item]
) -> None:
    app = open_at(f"{OUT}.3", own)
    assert not app.exception
    assert "Searched: 12 pictures, the 7 photos that come with ConvScope among them." in words(app)
    tile = next(each for each in tiles(app) if each.label.endswith("own_0.png"))
    tile.click().run()
    assert not app.exception
    assert app.query_params["zoom"] == f"{OUT}.3.0.7"
    assert "own_0.png<small>From your set of pictures</small>" in str([each.proto for each in app.get("html")])
    app.button(key="visitor_mine").click().run()
    assert "Chelsea the cat" in str([each.proto for each in app.get("html")])
    assert "own_0.png" not in str([each.proto for each in app.get("html")])


def test_photo_that_comes_along_is_opened_at_its_cell(open_at: Any, store: Store) -> None:
    app = open_at(f"{OUT}.3")
    tiles(app)[1].click().run()
    assert app.query_params["zoom"] == f"{OUT}.3.0.1" and app.query_params["picture"] == "coffee"
    assert visitors.read(store, "somebody").bundled == "coffee"


def test_many_pictures_are_searched_when_it_is_wished_and_further_on_without_asking(
    open_at: Any, own: list[Item], engine: Any
) -> None:
    looked: dict[str, set[str]] = {}

    def few(key: str, node: str, channel: int, digests: list[str], most: int, *, location: str) -> Exciting:
        known = looked.setdefault(node, set())
        known |= set([digest for digest in digests if digest not in known][:5])
        found = walks.peaks(WHOLE, node, channel, [digest for digest in digests if digest in known], most)
        return Exciting(node, channel, found.pictures, len(known), found.silent, len(digests) - len(known), ())

    engine.answers["zoom_peaks"] = few
    app = open_at(f"{OUT}.3", own)
    button = app.button(key="zoom_excites_all")
    assert button.label == "Search 7 more of your pictures"
    button.click().run()
    assert not app.exception
    assert len(looked[OUT]) == 12 and "zoom_excites_all" not in {each.key for each in app.button}
    app.query_params["zoom"] = "block1a_depthwise_relu6.2"
    app.run()
    assert len(looked["block1a_depthwise_relu6"]) == 12


def test_picture_that_cannot_be_read_is_named(open_at: Any, own: list[Item], engine: Any, store: Store) -> None:
    right, broken, asked = engine.answers["zoom_peaks"], own[1], []

    def lost(key: str, node: str, channel: int, digests: list[str], most: int, *, location: str) -> Exciting:
        asked.append(list(digests))
        found = right(key, node, channel, [each for each in digests if each != broken.digest], most)
        return Exciting(node, channel, found.pictures, found.looked, found.silent, 0, (broken.digest,))

    engine.answers["zoom_peaks"] = lost
    app = open_at(f"{OUT}.3", own)
    assert len(asked) == 1
    (warning,) = app.warning
    assert warning.value == (
        "own_1.png cannot be read any more and was left out: remove it from your set, or bring it again."
    )
    engine.answers["zoom_peaks"] = lambda *_, **__: Exciting(
        OUT, 4, (Excited(own[2].digest, 1.0, (0, 0)), Excited(own[3].digest, 0.5, (0, 0))), 5, 0, 0, ()
    )
    store.remove(keys.picture_record(own[2].digest))  # found by what was seen of it once
    app = open_at(f"{OUT}.4", own)
    assert "own_2.png cannot be read any more" in app.warning[0].value
    assert [tile.label for tile in tiles(app)] == ["0.5 · own_3.png"]


def test_nothing_excites_a_dead_map_and_an_engine_that_is_away_says_so(open_at: Any, engine: Any) -> None:
    engine.answers["zoom_peaks"] = lambda *_, **__: Exciting(OUT, 3, (), 7, 7, 0, ())
    app = open_at(f"{OUT}.3")
    assert "**What excites map 3 of Block 1a, output:** none of these pictures." in words(app)
    assert "7 of these pictures leave it at 0 or below everywhere." in words(
        app
    ) and "The strongest place" not in words(app)
    engine.answers["zoom_peaks"] = lambda *_, **__: Exciting(
        OUT, 3, (Excited(bundled(PHOTOS[0]).digest, 1.0, (0, 0)),), 7, 6, 0, ()
    )
    assert "The strongest place in 1 picture: what that cell" in words(open_at(f"{OUT}.3"))
    engine.answers["zoom_peaks"] = EngineUnreachable("The engine cannot be reached. Try again in a moment.")
    app = open_at(f"{OUT}.3")
    assert [each.value for each in app.error] == ["The engine cannot be reached. Try again in a moment."]
    assert app.get("bidi_component"), "the walk stands"


def test_what_was_drawn_of_a_picture_is_forgotten_with_it(store: Store, own: list[Item]) -> None:
    digest = own[0].digest
    drawn = (judged(digest), excites._patch(WHOLE.key, OUT, digest, (3, 4), "", WHOLE, excites.Searched("own_0.png")))
    for key in (keys.picture_record(digest), *keys.picture_files(digest)):
        store.remove(key)
    assert drawn[0] == judged(digest), "it is in memory"
    forget_pictures()
    for again in (
        lambda: judged(digest),
        lambda: excites._patch(WHOLE.key, OUT, digest, (3, 4), "", WHOLE, excites.Searched("own_0.png")),
    ):
        with pytest.raises(FileNotFoundError):
            again()


def test_patch_is_the_field_of_the_cell_in_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    inner, corner = (patch(image, Field(40, 4, 6), *cell) for cell in ((3, 4), (0, 0)))
    assert (inner == image[6:46, 10:50]).all()
    assert (corner[6:, 6:] == image[:34, :34]).all() and (corner[:6] == 127).all() and (corner[:, :6] == 127).all()
    assert patch(image, Field(64, 4, 6), 3, 4) is image and patch(image, None, 0, 0) is image
    small = patch(image, Field(4, 2, 0), 10, 12)  # rows 20 to 23 and columns 24 to 27, of which 14 more are shown
    assert small.shape == (128, 128, 3)
    assert (small[0, ::4] == image[6, 10:42]).all()
    assert (small[58:70, 58:70] == image[20:24, 24:28].repeat(4, 0).repeat(4, 1)[2:14, 2:14]).all()
    assert (small[54:56, 54:74] == rgb(LIGHT.selection)).all()
