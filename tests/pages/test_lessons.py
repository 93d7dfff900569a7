"""Lesson lists: made from Share, read by their link, followed view by view; changed by their maker alone."""

import re
from typing import Any
from urllib.parse import parse_qsl

import pytest

from cnn_core.store import classes, lessons, shares
from cnn_core.store.lessons import Lesson, View
from cnn_core.store.runs import Store
from tests.pages.test_doors import ANNA, BERTA, as_visitor, buttons, texts
from tests.pages.test_sharing import png

__all__ = ["as_visitor"]  # a fixture
VIEWS = (
    View("convolution", {"convolution_stride": "2"}, "Edges", "Where is it red?", "convolution/Whole picture"),
    View("pooling", {"pooling_view": "Steps"}, "One window", "", "pooling/Steps"),
    View("", {}, "The front door"),
)


def made(store: Store, views: tuple[View, ...] = VIEWS, title: str = "Edges first") -> Lesson:
    token = lessons.make(store, ANNA, title).token
    return lessons.change(store, ANNA, token, views=views)


def ways(app: Any) -> dict[str, str]:
    """Where the links of the way bar lead, by what they are called."""
    (body,) = [each.proto.body for each in app.get("html") if 'class="list-way"' in each.proto.body]
    found = re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', body)
    return {re.sub("<.*?>", "", words): address.replace("&amp;", "&") for address, words in found}


def opened(as_visitor: Any, who: str, address: str, **more: str) -> Any:
    page, _, query = address.partition("?")
    return as_visitor(who, page.replace("./", "home"), **dict(parse_qsl(query)), **more)


def test_views_are_added_from_share_in_their_order(as_visitor: Any, store: Store) -> None:
    app = as_visitor(ANNA, "convolution", convolution_stride="2", present="1")
    app = as_visitor(ANNA, "convolution", convolution_stride="2").button(key="visitor_share").click().run()
    app.button(key="share_add").click().run()
    assert "A list needs a title; write one, such as" in texts(app) and lessons.of(store, ANNA) == []
    app.text_input(key="share_list_title").set_value("Edges first")
    app.text_area(key="share_note").set_value("Where is\nit red?")
    app.button(key="share_add").click().run()
    assert "Added to “Edges first”." in texts(app)
    app = as_visitor(ANNA, "pooling", pooling_view="Stride").button(key="visitor_share").click().run()
    (list_,) = lessons.of(store, ANNA)
    assert "Added to" not in texts(app)
    app.selectbox(key="share_list").set_value(list_.token).run()
    app.button(key="share_add").click().run()
    one, two = lessons.of(store, ANNA)[0].views
    assert (one.page, one.title, one.note) == (
        "convolution",
        "Which pattern does this kernel find?",
        "Where is it red?",
    )
    assert one.query == {"convolution_stride": "2", "picture": "chelsea"} and one.task == "convolution/Whole picture"
    assert (two.page, two.query["pooling_view"], two.task) == ("pooling", "Stride", ""), "that step has no task"


def test_enter_in_a_field_does_what_the_button_beside_it_does(as_visitor: Any, store: Store) -> None:
    token = classes.begin(store, ANNA, "10 b").token
    shared = as_visitor(ANNA, "pooling").button(key="visitor_share").click().run()
    for app, field, button in (
        (shared, "share_list_title", "share_add"),
        (as_visitor(ANNA, "lessons"), "lessons_new", "lessons_make"),
        (as_visitor(ANNA, "lessons", lessons_view="Classes"), "lessons_class_new", "lessons_class_make"),
        (
            as_visitor(BERTA, "lessons", lessons_view="Classes", **{"class": token}),
            "lessons_class_name",
            "lessons_class_join",
        ),
    ):
        form = app.text_input(key=field).proto.form_id
        assert form and app.button(key=button).form_id == form, field


def test_picture_travels_with_a_view_only_if_told_to(as_visitor: Any, store: Store, bring: Any) -> None:
    app = bring(as_visitor(ANNA, "convolution"), "mine.png", png())
    app.button(key="visitor_share").click().run()
    app.text_input(key="share_list_title").set_value("Mine")
    app.button(key="share_add").click().run()
    (list_,) = lessons.of(store, ANNA)
    assert "with" not in list_.views[0].query
    app.checkbox(key="share_picture").check().run()
    app.button(key="share_add").click().run()
    (share,) = shares.given(store, ANNA)
    assert lessons.of(store, ANNA)[0].views[1].query["with"] == share.token
    theirs = opened(as_visitor, BERTA, "convolution", list=list_.token, item="2", **{"with": share.token})
    assert "mine.png" in texts(theirs)


def test_student_goes_from_view_to_view(as_visitor: Any, store: Store) -> None:
    token = made(store).token
    app = as_visitor(BERTA, "lessons", list=token)
    links = re.findall(r'<li><a href="([^"]+)"', texts(app))
    assert len(links) == 3 and "Where is it red?" in texts(app)
    first = opened(as_visitor, BERTA, links[0].replace("&amp;", "&"))
    assert "Where is it red?" in texts(first) and "1 of 3" in texts(first)
    assert first.button_group(key="convolution_stride").value == 2
    assert "convolution_view_next" not in buttons(first), "the list leads on, not the page"
    second = opened(as_visitor, BERTA, ways(first)["Next · One window"])
    assert second.title[0].value == "What does one window keep?" and "2 of 3" in texts(second)
    last = opened(as_visitor, BERTA, ways(second)["Next · The front door"])
    assert "3 of 3" in texts(last) and ways(last)["Done · the list"] == f"lessons?list={token}"
    back = opened(as_visitor, BERTA, ways(last)["Back"])
    assert back.title[0].value == second.title[0].value


def test_list_can_be_presented(as_visitor: Any, store: Store) -> None:
    token = made(store).token
    app = as_visitor(ANNA, "pooling", list=token, item="2", present="1", pooling_view="Steps")
    assert "present=1" in ways(app)["Next · The front door"] and "visitor_share" not in buttons(app)


def test_presented_view_keeps_the_controls_it_was_added_with(as_visitor: Any, store: Store) -> None:
    app = as_visitor(ANNA, "convolution").button(key="visitor_share").click().run()
    app.multiselect(key="share_stays").set_value(["kernel", "stride"]).run()
    app.text_input(key="share_list_title").set_value("Edges first")
    app.button(key="share_add").click().run()
    (list_,) = lessons.of(store, ANNA)
    lessons.change(store, ANNA, list_.token, views=[*list_.views, *VIEWS[1:]])
    way = re.search(r'href="([^"]+present=1[^"]*)"', texts(as_visitor(ANNA, "lessons", list=list_.token)))
    assert way and "show=kernel%2Cstride" in way[1]
    app = opened(as_visitor, ANNA, way[1].replace("&amp;", "&"))
    assert app.button_group(key="convolution_stride") and "convolution_view_next" not in buttons(app)
    assert not [each for each in app.button_group if each.key == "convolution_padding"]
    on = ways(app)["Next · One window"]
    assert "present=1" in on and "show=" not in on, "the next view has its own"


def test_reader_changes_nothing_and_maker_everything(as_visitor: Any, store: Store) -> None:
    token = made(store).token
    theirs = as_visitor(BERTA, "lessons", list=token)
    assert not {key for key in buttons(theirs) if key.startswith("lessons_d") or key in ("lessons_up", "lessons_down")}
    assert not [each for each in theirs.text_input if str(each.key).startswith("lessons_")]
    mine = as_visitor(ANNA, "lessons", list=token)
    mine.selectbox(key="lessons_at").set_value(1).run()
    mine.button(key="lessons_up").click().run()
    assert [each.title for each in lessons.of(store, ANNA)[0].views] == ["One window", "Edges", "The front door"]
    mine.text_area(key=f"lessons_view_note_{token[:12]}_0_3").set_value("Guess first.").run()
    mine.text_input(key=f"lessons_title_{token[:12]}").set_value("Windows").run()
    found = lessons.of(store, ANNA)[0]
    assert (found.title, found.views[0].note, found.views[1].note) == ("Windows", "Guess first.", "Where is it red?")
    mine.button(key="lessons_drop").click().run()
    assert [each.title for each in lessons.of(store, ANNA)[0].views] == ["Edges", "The front door"]
    mine.text_input(key=f"lessons_title_{token[:12]}").set_value(" ").run()
    assert "A list needs a title; the old one is kept." in texts(mine)
    mine.button(key="lessons_delete").click().run()
    assert lessons.of(store, ANNA) == [] and "list" not in mine.query_params
    late = as_visitor(BERTA, "pooling", list=token, item="1")
    assert "The link is of a lesson list that is not there (any more)." in texts(late)
    assert "pooling_view_next" in buttons(late), "the page's own way is there again"


def test_page_that_was_open_before_changes_no_others_list(as_visitor: Any, store: Store) -> None:
    token = made(store).token
    app = as_visitor(ANNA, "lessons", list=token)
    lessons.hand_over(store, ANNA, BERTA)
    app.button(key="lessons_down").click().run()
    assert "Only whoever made a list can change it." in texts(app)
    assert [each.title for each in lessons.find(store, token).views] == [each.title for each in VIEWS]  # type: ignore[union-attr]


def test_page_lists_ones_own_and_makes_one(as_visitor: Any, store: Store) -> None:
    app = as_visitor(ANNA, "lessons")
    assert "A list is a lesson of yours" in texts(app)
    app.button(key="lessons_make").click().run()
    assert "A list needs a title" in texts(app)
    app.text_input(key="lessons_new").set_value("Puddles")
    app.button(key="lessons_make").click().run()
    (list_,) = lessons.of(store, ANNA)
    assert app.query_params["list"] == list_.token and "It has no views yet." in texts(app)
    assert f"?list={list_.token}" in app.code[0].value
    assert "Puddles" in texts(as_visitor(ANNA, "lessons")) and "Puddles" not in texts(as_visitor(BERTA, "lessons"))


def test_ready_made_list_can_be_looked_at_and_taken(as_visitor: Any, store: Store) -> None:
    app = as_visitor(BERTA, "lessons")
    links = re.findall(r'<li><a href="([^"]+)"', texts(app))
    assert links[2].replace("&amp;", "&") == "convolution?convolution_view=Step+by+step&tour=3" and len(links) == 10
    app.button(key="lessons_take").click().run()
    (list_,) = lessons.of(store, BERTA)
    assert app.query_params["list"] == list_.token and "lessons_take" not in buttons(app)
    assert [each.task for each in list_.views[:3]] == ["", "convolution/Whole picture", "convolution/Step by step"]
    third = opened(as_visitor, ANNA, f"convolution?convolution_view=Step+by+step&list={list_.token}&item=3")
    assert "nine products" in texts(third) and "3 of 10" in texts(third)
    assert "lessons_take" not in buttons(as_visitor(BERTA, "lessons"))


@pytest.mark.parametrize("name", ["<b>bold</b>", ":material/delete: x", "[a](https://evil.example)", "$x$", '"><img>'])
def test_names_and_notes_are_text(name: str, as_visitor: Any, store: Store) -> None:
    token = made(store, (View("pooling", {}, name, name),), name).token
    for app in (as_visitor(ANNA, "lessons", list=token), as_visitor(BERTA, "pooling", list=token, item="1")):
        told = "".join(each.value for each in (*app.markdown, *app.header))
        shown = told + "".join(each.proto.body for each in app.get("html"))
        assert "<b>bold" not in shown and "<img>" not in shown
        assert not re.search(r"(?<!\\)\](?=\()", told) and ":material/delete:" not in told


def test_share_on_the_way_shares_the_view_and_not_the_list(as_visitor: Any, store: Store) -> None:
    token = made(store).token
    app = as_visitor(BERTA, "pooling", list=token, item="2", pooling_view="Steps")
    assert token not in app.button(key="visitor_share").click().run().code[0].value
    app = as_visitor(BERTA, "lessons", list=token).button(key="visitor_share").click().run()
    assert f"list={token}" in app.code[0].value and "share_add" not in buttons(app)
