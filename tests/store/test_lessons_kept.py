"""Lists of views: read by whoever has their link, changed by whoever made them."""

import pytest
from stores import ANNA, BERTA

from cnn_core.store import accounts, keys, lessons, removal
from cnn_core.store.belongings import belongings
from cnn_core.store.collector import collect
from cnn_core.store.keys import LESSON
from cnn_core.store.lessons import LessonRefused, View
from cnn_core.store.runs import Store
from cnn_core.store.terms import DAY, Terms
from tests.store.stores import all_aged

EDGES = View("convolution", {"convolution_stride": "2"}, "Edges", "What is red?", "convolution/Whole picture")
SHIFT = View("pooling", {}, "A shift", "", "pooling/Shift")


def test_whoever_has_the_link_reads_and_its_maker_changes(store: Store) -> None:
    made = lessons.make(store, ANNA, "  Edges\n first ")
    assert made.title == "Edges first" and lessons.find(store, made.token) == made
    lessons.change(store, ANNA, made.token, views=[EDGES, SHIFT])
    found = lessons.find(store, made.token)
    assert found and list(found.views) == [EDGES, SHIFT]
    lessons.change(store, ANNA, made.token, title="Maps", views=[SHIFT, EDGES])
    assert [each.title for each in lessons.of(store, ANNA)] == ["Maps"] and lessons.of(store, BERTA) == []
    with pytest.raises(PermissionError, match="Only whoever made a list can change it"):
        lessons.change(store, BERTA, made.token, title="Berta's")
    assert not lessons.remove(store, BERTA, made.token) and lessons.remove(store, ANNA, made.token)
    assert lessons.find(store, made.token) is None and not lessons.remove(store, ANNA, made.token)


@pytest.mark.parametrize("token", ["", "x" * 43, "x" * 42, "../visitors/" + ANNA, "ü" * 43])
def test_what_is_no_token_finds_nothing(store: Store, token: str) -> None:
    assert lessons.find(store, token) is None
    with pytest.raises(PermissionError):
        lessons.change(store, "", token, title="x")


@pytest.mark.parametrize("page", ["https://evil.example", "//evil.example", "../x", "javascript:1", "Convolution"])
def test_view_leads_nowhere_but_into_this_app(store: Store, page: str) -> None:
    made = lessons.make(store, ANNA, "Edges")
    with pytest.raises(LessonRefused, match="This is no view of this app; open it, and add it under Share."):
        lessons.change(store, ANNA, made.token, views=[View(page)])


def test_bounds_are_said(store: Store) -> None:
    with pytest.raises(LessonRefused, match="A list needs a title"):
        lessons.make(store, ANNA, " \n\x00 ")
    made = lessons.make(store, ANNA, "a" * 500)
    assert len(made.title) == lessons.TITLE
    with pytest.raises(LessonRefused, match="at most 60 views"):
        lessons.change(store, ANNA, made.token, views=[SHIFT] * 61)
    for number in range(lessons.MAX_LISTS - 1):
        lessons.make(store, ANNA, f"{number}")
    with pytest.raises(LessonRefused, match="You have 50 lists, the most that one may have here. Delete one first."):
        lessons.make(store, ANNA, "one more")


def test_it_is_its_makers_until_its_time_is_over(store: Store) -> None:
    made = lessons.make(store, ANNA, "Edges")
    key = keys.lesson(made.token)
    (mine,) = belongings(store, ANNA, Terms(days=10)).of(LESSON)
    size, written = store.stored()[key].size, store.stored()[key].written
    assert (mine.title, mine.bytes, mine.until) == ("Edges", size, written + 10 * DAY)
    assert belongings(store, BERTA, Terms()).things == []
    assert collect(store, Terms(days=10), now=written + 9 * DAY).things == {}
    done = collect(store, Terms(days=10), now=written + 11 * DAY)
    assert done.things[LESSON] == 1 and done.bytes[LESSON] == size and lessons.find(store, made.token) is None
    assert collect(store, Terms(), now=written + 11 * DAY).unknown == []
    assert store.lists.entries(keys.lessons(ANNA)) == {}, "the entry that leads nowhere goes too"


def test_deleting_says_what_is_free_and_all_goes_at_once(store: Store) -> None:
    one, _, theirs = (lessons.make(store, who, "Edges") for who in (ANNA, ANNA, BERTA))
    all_aged(store, 1.5e9)
    size = store.stored()[keys.lesson(one.token)].size
    assert removal.remove_lesson(store, BERTA, one.token).bytes == 0
    assert removal.remove_lesson(store, ANNA, one.token).bytes == size
    assert removal.remove_all(store, ANNA).bytes == size
    assert lessons.of(store, ANNA) == [] and lessons.of(store, BERTA) == [theirs]


def test_who_signs_in_takes_them_along(store: Store) -> None:
    made = lessons.make(store, ANNA, "Edges")
    accounts.hand_over(store, ANNA, "account-1")
    assert [each.token for each in lessons.of(store, "account-1")] == [made.token] and lessons.of(store, ANNA) == []
    lessons.change(store, "account-1", made.token, title="Mine")
