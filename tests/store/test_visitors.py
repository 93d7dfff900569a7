"""The record of a visitor: what is written comes back, and the sets keep their order and their current one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cnn_core.store import keys, visitors
from cnn_core.store.runs import Store
from cnn_core.store.visitors import NamedSet, OwnPicture, Visitor

ANNA, BERTA = "a" * 40, "b" * 40


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "with space")
    yield opened
    opened.close()


def test_record_comes_back_as_it_was_written_and_is_nobody_elses(store: Store) -> None:
    wanted = Visitor("coffee", OwnPicture("3fa9", "Übung 1.jpg"), (NamedSet("a1", "Vögel"), NamedSet("b2")), "b2")
    assert visitors.change(store, ANNA, lambda _: wanted) == wanted
    assert visitors.read(store, ANNA) == wanted
    assert visitors.read(store, BERTA) == Visitor()


def test_change_is_of_what_another_tab_has_written_meanwhile(store: Store) -> None:
    visitors.change(store, ANNA, lambda visitor: visitor.with_set("a1"))
    visitors.change(store, ANNA, lambda visitor: visitor.with_own(OwnPicture("3fa9", "cat.jpg")))
    found = visitors.read(store, ANNA)
    assert found.own == OwnPicture("3fa9", "cat.jpg") and found.current == "a1"


def test_nothing_is_written_of_a_stranger_who_changes_nothing(store: Store) -> None:
    visitors.change(store, ANNA, lambda visitor: visitor)
    assert not store.exists(keys.visitor(ANNA))


def test_own_picture_takes_the_place_of_a_bundled_one_and_stays_behind_the_next() -> None:
    mine = OwnPicture("3fa9", "cat.jpg")
    assert Visitor("coffee").with_own(mine) == Visitor("", mine)
    assert replace(Visitor("", mine), bundled="flower").own == mine


def test_sets_keep_their_order_and_names() -> None:
    visitor = Visitor().with_set("a1").with_set("b2", "Birds").with_set("c3")
    assert visitor.current == "c3" and [entry.id for entry in visitor.sets] == ["a1", "b2", "c3"]
    back = visitor.with_set("b2")
    assert back.sets == visitor.sets and back.current == "b2" and NamedSet("b2", "Birds") in back.sets
    assert NamedSet("b2") in back.with_set("b2", "").sets


@pytest.mark.parametrize(("current", "gone", "then"), [("b2", "b2", "a1"), ("a1", "a1", "b2"), ("c3", "a1", "c3")])
def test_set_that_is_deleted_leaves_a_neighbour_current(current: str, gone: str, then: str) -> None:
    visitor = replace(Visitor().with_set("a1").with_set("b2").with_set("c3"), current=current)
    assert visitor.without_set(gone).current == then
    assert gone not in [entry.id for entry in visitor.without_set(gone).sets]


def test_last_set_leaves_none() -> None:
    assert Visitor().with_set("a1").without_set("a1") == Visitor() == Visitor().without_set("a1")
