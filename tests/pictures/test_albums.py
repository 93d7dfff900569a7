"""Sets of labelled pictures: every change can be undone, and what a visitor has is found again, and only by them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cnn_core.pictures.albums import STEPS, Album
from cnn_core.pictures.items import Item
from cnn_core.store import keys, visitors
from cnn_core.store.runs import Store

ANNA, BERTA = "a" * 40, "b" * 40
CATS = [Item(f"c{n}", "cat", f"cat{n}.png") for n in range(3)]
DOGS = [Item(f"d{n}", "dog", f"dog{n}.png") for n in range(2)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    for item in (*CATS, *DOGS):
        opened.write(keys.picture_record(item.digest), b"{}")
    yield opened
    opened.close()


@pytest.fixture
def album(store: Store) -> Album:
    made = Album(store, ANNA, "abc", "your pictures", [*CATS, *DOGS], ["bird"])
    made.save()
    return made


def contents(album: Album) -> Any:
    return album.source, album.items, album.empty_classes


CHANGES: dict[str, tuple[Callable[[Album], Any], dict[str, int], str]] = {
    "add": (
        lambda album: album.add([Item("b0", "bird", "b.png")]),
        {"bird": 1, "cat": 3, "dog": 2},
        "1 picture added",
    ),
    "rename": (lambda album: album.rename("dog", "wolf"), {"bird": 0, "cat": 3, "wolf": 2}, "“dog” renamed to “wolf”"),
    "join": (lambda album: album.rename("dog", "cat"), {"bird": 0, "cat": 5}, "“dog” joined with “cat”"),
    "remove": (
        lambda album: album.remove({"c0"}, "cat"),
        {"bird": 0, "cat": 2, "dog": 2},
        "cat0.png removed from “cat”",
    ),
    "move": (
        lambda album: album.move({"d0", "d1"}, "dog", "cat"),
        {"bird": 0, "cat": 5, "dog": 0},
        "2 pictures moved from “dog” to “cat”",
    ),
    "drop": (
        lambda album: album.remove_class("cat"),
        {"bird": 0, "dog": 2},
        "the class “cat” with 3 pictures removed",
    ),
    "clear": (lambda album: album.clear(), {}, "a set of 5 pictures left"),
    "take": (lambda album: album.take("pets", list(DOGS)), {"dog": 2}, "pets taken"),
}


@pytest.mark.parametrize("session", ["this", "next"])
@pytest.mark.parametrize("change", CHANGES)
def test_change_is_undone_in_this_session_and_in_the_next(
    store: Store, album: Album, change: str, session: str
) -> None:
    do, counts, words = CHANGES[change]
    before = contents(album)
    do(album)
    assert album.counts == counts and album.past[-1].words == words
    again = Album.open(store, ANNA, visitors.read(store, ANNA).current)
    assert again is not None and contents(again) == contents(album)
    each = album if session == "this" else again
    assert each.undo() == words
    assert contents(each) == before and each.id == "abc"
    assert visitors.read(store, ANNA).current == "abc"
    assert [entry.id for entry in visitors.read(store, ANNA).sets] == ["abc"]
    assert each.undo() == "", "nothing is left to undo"


def test_several_changes_are_undone_one_after_another(album: Album) -> None:
    states = [contents(album)]
    for label in ("a", "b", "c"):
        album.add([Item(f"{label}0", label, f"{label}.png")])
        states.append(contents(album))
    for state in reversed(states[:-1]):
        album.undo()
        assert contents(album) == state
    for n in range(STEPS + 5):
        album.add([Item(f"x{n}", "x", f"{n}.png")])
    assert len(album.past) == STEPS


@pytest.mark.parametrize("change", CHANGES)
def test_store_that_takes_nothing_leaves_all_as_it_was(
    store: Store, album: Album, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    album.add([Item("e0", "emu", "e.png")])
    was = dict(vars(album))

    def full(self: Store, key: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "write", full)
    for do in (CHANGES[change][0], Album.undo):
        with pytest.raises(OSError, match="No space left"):
            do(album)
        assert vars(album) == was


def test_other_pictures_leave_ones_own_behind_as_a_set(store: Store, album: Album) -> None:
    album.take("pets", list(DOGS))
    known = visitors.read(store, ANNA)
    assert [entry.name for entry in known.sets] == ["Your pictures", "Pets"] and known.current == album.id != "abc"
    left = Album.open(store, ANNA, "abc")
    assert left is not None and left.items == [*CATS, *DOGS]
    album.clear()
    album.add(list(CATS))
    assert [entry.name for entry in visitors.read(store, ANNA).sets] == ["Your pictures", "Pets", "Your pictures 2"]


def test_sample_pictures_make_room_and_are_no_set_to_keep(store: Store) -> None:
    album = Album(store, ANNA, "s1", "Brick, grass, gravel", list(DOGS))
    assert album.is_sample and visitors.read(store, ANNA).sets == ()
    assert album.add([*CATS, CATS[0]]) == 1
    assert album.counts == {"cat": 3} and not album.is_sample
    assert [entry.id for entry in visitors.read(store, ANNA).sets] == [album.id] != ["s1"]
    album.undo()
    assert album.items == DOGS and album.is_sample


def test_copy_of_a_link_is_nobodys_until_it_is_changed(store: Store, album: Album) -> None:
    copy = Album.copied(store, BERTA, "abc")
    assert copy is not None and copy.of_link and copy.id != "abc" and contents(copy) == contents(album)
    assert visitors.read(store, BERTA).sets == () and not store.exists(keys.album(copy.id))
    copy.remove_class("cat")
    assert not copy.of_link and visitors.read(store, BERTA).current == copy.id
    mine = Album.open(store, ANNA, "abc")
    assert mine is not None and mine.counts["cat"] == 3, "whoever shared the link keeps their pictures"


@pytest.mark.parametrize("album_id", ["", "../visitors/x", "unknown", "ü", "a b"])
def test_set_that_is_not_there_is_none(store: Store, album_id: str) -> None:
    assert Album.open(store, ANNA, album_id) is None is Album.copied(store, ANNA, album_id)


def test_set_of_before_is_read(store: Store) -> None:
    store.write(
        keys.album("old1"), b'{"source":"your pictures","items":[["c0","cat","cat0.png",""]],"empty_classes":[]}'
    )
    album = Album.open(store, ANNA, "old1")
    assert album is not None and album.items == [CATS[0]] and album.undo() == ""


# Two tabs on one set -------------------------------------------------------------------------------------------------


def opened(store: Store) -> Album:
    found = Album.open(store, ANNA, "abc")
    assert found
    return found


@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"take", "clear"}))
def test_change_in_a_second_tab_is_made_on_the_newest_state(store: Store, album: Album, name: str) -> None:
    change, *_ = CHANGES[name]
    first, second = opened(store), opened(store)
    first.add([Item("z0", "zebra", "zebra.png")])
    change(second)
    assert second.elsewhere, "for the page to tell"
    assert second.counts["zebra"] == 1, "the first tab's change is there"
    assert opened(store).counts == second.counts
    assert first.refresh() and first.counts == second.counts, "and the first tab is shown the second one's"


def test_undo_does_not_take_back_what_another_tab_has_done(store: Store, album: Album) -> None:
    first, second = opened(store), opened(store)
    first.remove_class("bird")
    second.add([Item("z0", "zebra", "zebra.png")])
    assert first.undo() == "" and first.elsewhere, "nothing, but the newest state is shown"
    assert first.counts == {"cat": 3, "dog": 2, "zebra": 1}
    assert first.undo() == "1 picture added"
    assert opened(store).counts == {"cat": 3, "dog": 2}


def test_change_of_what_another_tab_took_away_changes_nothing(store: Store, album: Album) -> None:
    first, second = opened(store), opened(store)
    first.remove_class("dog")
    for change in (
        lambda: second.rename("dog", "wolf"),
        lambda: second.move({"d0"}, "dog", "cat"),
        lambda: second.remove({"d0"}, "dog"),
        lambda: second.remove_class("dog"),
    ):
        change()
        assert second.counts == {"bird": 0, "cat": 3} and opened(store).past[-1].words.startswith("the class “dog”")


def test_album_that_nobody_else_changed_is_not_read_anew(store: Store, album: Album) -> None:
    tab = opened(store)
    tab.add([Item("z0", "zebra", "zebra.png")])
    tab.add_class("yak")
    assert not tab.refresh() and not tab.elsewhere and len(tab.past) == 1
    assert Album(store, ANNA, "new", "your pictures", []).refresh() is False, "the store does not have it yet"
