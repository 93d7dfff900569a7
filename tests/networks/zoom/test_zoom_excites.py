"""What excites a channel: against a search by brute force through the maps that Keras makes of the same pictures."""

import keras
import numpy as np
import pytest

from cnn_core.networks import backbones
from cnn_core.networks.loaded import InspectionRefused
from cnn_core.networks.zoom import excites, held, lite
from cnn_core.networks.zoom.answers import Excited
from cnn_core.networks.zoom.plan import seen
from cnn_core.pictures import sets
from cnn_core.pictures.bundled import BUNDLED
from cnn_core.pictures.images import Picture
from cnn_core.store import keys
from cnn_core.store.runs import Store

KEY, PLAN = backbones.DEFAULT, lite.plan()
NODES = ("stem_relu6", "block2a_depthwise_relu6", "block3b_out", "top_out")


def photos() -> list[Picture]:
    """Parts of photos, one of them black."""
    cat, cup = (BUNDLED[name].load().pixels for name in ("chelsea", "coffee"))
    parts = [cat[:200, :220], cat[80:, 150:], cup[:300, :300], cup[100:, 200:], np.zeros_like(cat)]
    return [Picture(np.ascontiguousarray(part), f"{number}.png") for number, part in enumerate(parts)]


@pytest.fixture(autouse=True)
def _as_slow_as_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excites, "SECONDS", 600.0)  # one question looks at as many pictures on any machine


@pytest.fixture
def own(store: Store) -> list[str]:
    return [sets.keep(store, picture, "mine").digest for picture in photos()]


@pytest.fixture(scope="module")
def by_keras() -> dict[str, dict[str, np.ndarray]]:
    """Maps of each node by picture: of those above, and of the photos of the installation."""
    model = backbones.classifier()
    every = photos() + [BUNDLED[name].load() for name in excites.bundled().values()]
    batch = np.stack([seen(PLAN, picture.pixels) for picture in every])
    found = keras.Model(model.input, {node: model.get_layer(node).output for node in NODES}).predict(batch, verbose=0)
    return {node: {picture.digest: maps for picture, maps in zip(every, found[node], strict=True)} for node in NODES}


@pytest.mark.parametrize("node", NODES)
def test_they_are_those_of_a_search_through_all_maps(
    store: Store, own: list[str], by_keras: dict[str, dict[str, np.ndarray]], node: str
) -> None:
    digests, maps = [*own, *excites.bundled()], by_keras[node]
    tolerance = 1e-4 * max(float(np.abs(each).max()) for each in maps.values())
    for channel in (0, 3, 17, PLAN.node(node).shape[2] - 1):
        found = excites.exciting(KEY, node, channel, digests, len(digests), location=store.location)
        assert (found.looked, found.left, found.lost) == (len(digests), 0, ())
        largest = {digest: max(float(cell) for row in maps[digest] for cell in row[:, channel]) for digest in digests}
        near = {digest for digest in digests if abs(largest[digest]) <= tolerance}
        silent = {digest for digest in digests if largest[digest] <= 0} - near
        assert {each.digest for each in found.pictures} - near == set(digests) - silent - near
        assert len(found.pictures) + found.silent == len(digests)
        values = [each.value for each in found.pictures]
        assert values == sorted(values, reverse=True), "the strongest first, one for each picture"
        for each in found.pictures:
            assert each.value == pytest.approx(largest[each.digest], abs=tolerance)
            assert maps[each.digest][*each.cell, channel] == pytest.approx(largest[each.digest], abs=tolerance)


def test_picture_that_leaves_a_map_at_zero_is_counted_and_not_shown() -> None:
    channels, (_, width, _) = PLAN.node("block3b_out").shape[2], PLAN.node("block3b_out").shape
    vectors = {name: np.zeros(2 * channels, np.float32) for name in ("nothing", "some", "more")}
    vectors["some"][[5, channels + 5]] = 1.5, 3 * width + 7
    vectors["more"][[5, channels + 5]] = 2.5, 0
    found = excites.ranked(PLAN, "block3b_out", 5, vectors)
    assert found.pictures == (Excited("more", 2.5, (0, 0)), Excited("some", 1.5, (3, 7)))
    assert (found.looked, found.silent) == (3, 1)
    assert excites.ranked(PLAN, "block3b_out", 6, vectors).pictures == ()


def test_file_that_is_damaged_or_gone_is_named_and_the_others_are_found(store: Store, own: list[str]) -> None:
    suffix = next(name for name in ("png", "webp", "jpg") if store.exists(keys.picture(own[0], name)))
    store.write(keys.picture(own[0], suffix), b"no picture")
    store.remove(keys.picture(own[1], suffix))
    found = excites.exciting(KEY, "stem_relu6", 3, own, location=store.location)
    assert set(found.lost) == set(own[:2]) and (found.looked, found.left) == (3, 0)
    again = excites.exciting(KEY, "stem_relu6", 3, own[2:], location=store.location)
    assert again.lost == () and again.pictures == found.pictures


def test_few_are_looked_at_in_one_question_and_none_twice(
    store: Store, own: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excites, "AT_ONCE", 2)
    asked = [excites.exciting(KEY, "block3b_out", 3, own, location=store.location) for _ in range(3)]
    assert [(each.looked, each.left) for each in asked] == [(2, 3), (4, 1), (5, 0)]
    assert set(store.features.sizes()) == set(own), "they are the pictures' own, and go when these go"

    def never(*_: object) -> None:
        raise AssertionError("it was looked at before")

    monkeypatch.setattr(excites, "_peaks", never)
    other = excites.exciting(KEY, "block3b_out", 4, own, location=store.location)
    assert other.looked == 5, "all channels of a layer at once"


def test_at_least_one_is_looked_at_however_late_it_is(
    store: Store, own: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excites, "SECONDS", -1.0)
    assert excites.exciting(KEY, "stem_relu6", 0, own, location=store.location).left == len(own) - 1


def test_what_is_not_there_is_refused_in_one_sentence(store: Store) -> None:
    with pytest.raises(InspectionRefused, match=r"block3b_out has the maps 0 to 39; received 40\."):
        excites.exciting(KEY, "block3b_out", 40, [], location=store.location)
    with pytest.raises(InspectionRefused, match=r"At most 500 pictures are searched at once; received 501\."):
        excites.exciting(KEY, "block3b_out", 0, [str(n) for n in range(501)], location=store.location)


def test_search_leaves_the_maps_of_the_readers_picture_where_they_are(store: Store, own: list[str]) -> None:
    held.forget()
    mine = held.held("mine", lambda: np.ones(3))
    excites.exciting(KEY, "stem_relu6", 0, own, location=store.location)
    assert held.held("mine", lambda: np.zeros(3)) is mine
    assert list(held._maps) == ["mine"]
    held.forget()
