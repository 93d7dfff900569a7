"""Deletion: what nobody else uses is gone at once, what is shared stays, nothing is lost if it is cut short."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import ANNA, BERTA, CARLA, album, all_aged, begun, digest, ended, items, picture

from cnn_core.pictures import albums, kept, sets
from cnn_core.pictures.images import Picture
from cnn_core.store import cached_maps, keys, removal, shares, visitors
from cnn_core.store.collector import collect
from cnn_core.store.owners import NotYours
from cnn_core.store.records import RunNotFound
from cnn_core.store.references import Inventory
from cnn_core.store.removal import StillLive
from cnn_core.store.runs import Store
from cnn_core.store.shares import GivenSet
from cnn_core.store.terms import GRACE, Terms
from cnn_core.store.visitors import OwnPicture

NOW = 2_000_000_000.0  # when everything is old
LONG = 1_500_000_000.0  # before this test was written: what is touched now is younger


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(cached_maps, "FOLDER", tmp_path / "maps")
    opened = Store(tmp_path / "store")
    yield opened
    opened.close()


def pictures_of(store: Store) -> set[str]:
    """Numbers of the pictures of which anything is left."""
    left = {owner.name for key in store.stored("pictures") if (owner := keys.owner(key))}
    assert left >= set(store.features.sizes())
    return {str(int(name, 16)) for name in left}


def map_of(name: str, origin: str = "weights-17-blocks") -> Path:
    path = cached_maps.FOLDER / origin / keys.map_file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"maps")
    return path


def test_run_goes_with_what_only_it_uses(store: Store) -> None:
    one, two, three, four = (picture(store, number) for number in (1, 2, 3, 4))
    mine, theirs = ended(store, [one, two, three, four]), ended(store, [two], BERTA)
    album(store, CARLA, "s3", [three])
    shares.give(store, CARLA, pictures=GivenSet("", items([four]), []))
    store.lists.add(keys.asked("transfer", {}), mine.id)
    gone, stays = map_of(one), map_of(two)
    all_aged(store, LONG)
    done = removal.remove_run(store, mine.id, by=ANNA, now=NOW)
    assert pictures_of(store) == {"2", "3", "4"} and done.pictures == 1
    assert done.bytes == 1000 + 100 + 17 + 8 + 4, "network, picture, its record, its vector, its map"
    assert not gone.exists() and stays.exists()
    assert store.stored(keys.run(mine.id)) == {} and store.lists.entries(keys.asked("transfer", {})) == {}
    with pytest.raises(RunNotFound):
        store.get(mine.id)
    assert store.exists(keys.file(theirs.id, "frozen"))


def test_nobody_deletes_anothers_run_or_one_that_goes_on(store: Store) -> None:
    mine, live = ended(store, [picture(store, 1)]), begun(store, [picture(store, 2)])
    all_aged(store, LONG)
    before = store.stored()
    with pytest.raises(NotYours, match="Only whoever started this run can delete it"):
        removal.remove_run(store, mine.id, by=BERTA, now=NOW)
    with pytest.raises(StillLive, match="“cats” still goes on. Stop it, then delete it."):
        removal.remove_run(store, live.id, by=ANNA, now=NOW)
    with pytest.raises(RunNotFound):
        removal.remove_run(store, "0" * 12, by=ANNA, now=NOW)
    assert store.stored() == before


@pytest.mark.parametrize("kind", ["exports", "live"])
def test_what_was_made_of_a_run_goes_with_it(store: Store, kind: str) -> None:
    mine = ended(store, [picture(store, 1)])
    test = ended(store, [], BERTA, kind=kind, run=mine.id)
    removal.remove_run(store, mine.id, by=ANNA, now=NOW)
    with pytest.raises(RunNotFound):
        store.get(test.id)


def test_set_goes_and_a_run_keeps_its_pictures(store: Store) -> None:
    one, two = picture(store, 1), picture(store, 2)
    album(store, ANNA, "s1", [one, two])
    ended(store, [two])
    all_aged(store, LONG)
    with pytest.raises(PermissionError, match="Only whoever made a set can delete it."):
        removal.remove_set(store, BERTA, "s1", now=NOW)
    assert removal.remove_set(store, ANNA, "s1", now=NOW).pictures == 1
    assert pictures_of(store) == {"2"} and not store.exists(keys.album("s1"))
    assert visitors.read(store, ANNA).sets == ()


def test_picture_goes_unless_another_visitor_has_the_same(store: Store) -> None:
    one = picture(store, 1)
    for who in (ANNA, BERTA):
        visitors.change(store, who, lambda known: known.with_own(OwnPicture(one, "one.jpg")))
    all_aged(store, LONG)
    assert removal.remove_picture(store, ANNA, now=NOW).pictures == 0 and pictures_of(store) == {"1"}
    assert removal.remove_picture(store, ANNA, now=NOW) == removal.Removed(), "there is none any more"
    assert removal.remove_picture(store, BERTA, now=NOW).pictures == 1 and pictures_of(store) == set()


def test_link_is_taken_back_with_its_pictures(store: Store) -> None:
    one = picture(store, 1)
    share = shares.give(store, ANNA, picture=OwnPicture(one, "one.jpg"))
    all_aged(store, LONG)
    assert removal.remove_link(store, BERTA, share.token, now=NOW) == removal.Removed()
    assert shares.find(store, share.token) == share
    assert removal.remove_link(store, ANNA, share.token, now=NOW).pictures == 1
    assert shares.find(store, share.token) is None and pictures_of(store) == set()


def test_all_of_a_visitors_goes_and_nothing_of_anothers(store: Store) -> None:
    one, two, three, four, five = (picture(store, number) for number in (1, 2, 3, 4, 5))
    mine, live = ended(store, [one]), begun(store, [five])
    theirs = ended(store, [two], BERTA)
    album(store, ANNA, "s1", [two, three])
    album(store, BERTA, "s2", [two])
    visitors.change(store, ANNA, lambda known: known.with_own(OwnPicture(four, "own.jpg")))
    share = shares.give(store, ANNA, pictures=GivenSet("", items([three]), []))
    other = shares.give(store, BERTA, pictures=GivenSet("", items([two]), []))
    store.lists.add(keys.visit(ANNA), [mine.id, live.id], own=True)
    store.lists.add(keys.visit(ANNA), theirs.id)
    all_aged(store, LONG)
    done = removal.remove_all(store, ANNA, now=NOW)
    assert done.live == ("cats",) and done.pictures == 3
    assert pictures_of(store) == {"2", "5"}, "what Berta uses, and what goes on"
    assert shares.find(store, share.token) is None and shares.find(store, other.token) == other
    assert list(store.lists.entries(keys.visit(ANNA))) == [live.id]
    assert store.lists.entries(keys.shares(ANNA)) == {} and not store.exists(keys.visitor(ANNA))
    assert store.get(theirs.id) and store.exists(keys.album("s2"))
    assert {each.owner for each in Inventory.of(store).holders.values()} == {"", ANNA, BERTA}
    with pytest.raises(PermissionError):
        removal.remove_all(store, "", now=NOW)


def test_what_came_in_less_than_an_hour_ago_waits_for_the_collector(store: Store) -> None:
    one = picture(store, 1)
    album(store, ANNA, "s1", [one])
    all_aged(store, LONG)
    kept.hold(store, [one])  # somebody else uploads the same picture now; their set is not written yet
    written = store.stored()[keys.picture_record(one)].written
    done = removal.remove_set(store, ANNA, "s1", now=written + 60)
    assert (done.pictures, done.later) == (0, 1) and pictures_of(store) == {"1"}
    collect(store, Terms(), now=written + GRACE - 1)
    assert pictures_of(store) == {"1"}
    collect(store, Terms(), now=written + GRACE + 1)
    assert pictures_of(store) == set()


def test_picture_that_comes_again_is_as_new(store: Store) -> None:
    import numpy as np

    item = sets.keep(store, Picture(np.zeros((8, 8, 3), np.uint8), "a", ()), "cat")
    all_aged(store, LONG)
    sets.keep(store, Picture(np.zeros((8, 8, 3), np.uint8), "b", ()), "dog")
    assert store.stored()[keys.picture_record(item.digest)].written > LONG + 1
    assert removal.sweep(store, [item.digest]).later == 1
    assert kept.pixels(store, item.digest).shape == (8, 8, 3)


def test_run_that_begins_while_a_sweep_looks_keeps_its_pictures(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one = picture(store, 1)
    album(store, ANNA, "s1", [one])
    all_aged(store, LONG)
    texts = store.texts

    def with_a_new_run(*arguments: Any) -> Any:  # after the sets were read, before the runs are
        begun(store, [one], BERTA)
        return texts(*arguments)

    monkeypatch.setattr(store, "texts", with_a_new_run)
    removal.remove_set(store, ANNA, "s1", now=NOW)
    assert pictures_of(store) == {"1"}


class Killed(BaseException):
    pass


@pytest.mark.parametrize("last", range(1, 12))
@pytest.mark.parametrize("what", ["run", "set", "all"])
def test_what_is_cut_short_is_finished_by_the_collector(
    what: str, last: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ones = [picture(store, number) for number in (1, 2)]
    shared = picture(store, 3)
    run = ended(store, [*ones, shared])
    album(store, ANNA, "s1", [*ones, shared])
    ended(store, [shared], BERTA)
    if what == "run":
        removal.remove_set(store, ANNA, "s1", now=0.0)
    if what == "set":
        removal.remove_run(store, run.id, by=ANNA, now=0.0)
    all_aged(store, LONG)
    steps = 0

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == last:
                raise Killed
            return function(*arguments, **named)

        return step

    with monkeypatch.context() as patch:
        for where, name in (
            *((store, name) for name in ("remove", "write")),
            *((store.lists, name) for name in ("remove_everywhere", "remove_list", "remove")),
            (store.features, "remove"),
            (cached_maps, "forget"),
        ):
            patch.setattr(where, name, dying(getattr(where, name)))
        try:
            if what == "run":
                removal.remove_run(store, run.id, by=ANNA, now=NOW)
            elif what == "set":
                removal.remove_set(store, ANNA, "s1", now=NOW)
            else:
                removal.remove_all(store, ANNA, now=NOW)
        except Killed:
            pass
    # Whatever still stands is whole; what its owner then deletes again, and the collector, leave nothing else.
    for name in pictures_of(store):
        record, *coded = keys.picture_files(digest(int(name)))
        assert any(store.exists(key) for key in coded) or not store.exists(record)
    removal.remove_all(store, ANNA, now=NOW)
    collect(store, Terms(math.inf), now=NOW)
    assert pictures_of(store) == {"3"}
    assert all(owner.kind in ("picture", "run") for key in store.stored() if (owner := keys.owner(key)))
    assert len(store.stored("runs")) == 1 and len(Inventory.of(store).holders) == 2


def test_undo_finds_what_fell_off_a_set_for_an_hour_and_says_what_is_gone(store: Store) -> None:
    old, new = digest(1), digest(2)
    for number in (1, 2, 3):
        picture(store, number)
    mine = albums.Album(store, ANNA, "0a", "your pictures", [])
    mine.add([albums.Item(old, "cat", "old.jpg"), albums.Item(digest(3), "cat", "third.jpg")])
    all_aged(store, LONG)
    mine.remove({old}, "cat")
    mine.add([albums.Item(new, "cat", "new.jpg")])  # now the store does not name the first picture any more
    written = store.stored()[keys.picture_record(old)].written
    assert written > LONG + 1, "held from the moment it fell off"
    collect(store, Terms(), now=written + 60)
    assert mine.undo() and mine.undo() == "old.jpg removed from “cat”"
    assert old in {item.digest for item in mine.items}
    mine.remove({old}, "cat")
    mine.add([albums.Item(new, "cat", "new.jpg")])
    collect(store, Terms(), now=written + 2 * GRACE)
    assert mine.undo() == "1 picture added"
    assert mine.undo() == "old.jpg removed from “cat”, without 1 picture no longer kept"
    assert old not in {item.digest for item in mine.items}
