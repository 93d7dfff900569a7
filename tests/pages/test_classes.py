"""A class: joined by its link, ticked off by what is done on any page, read by its teacher alone."""

import re
from typing import Any

import pytest

from cnn_core.arithmetic import kernels
from cnn_core.store import classes, lessons
from cnn_core.store.runs import Store
from tests.pages.test_doors import ANNA, BERTA, as_visitor, buttons, texts
from tests.pages.test_lessons import VIEWS, made

__all__ = ["as_visitor"]  # a fixture
BLUR = kernels.to_text(kernels.PRESETS["box"].kernel())  # six digits: its weights add up to 0.999999


def class_of(as_visitor: Any, who: str, token: str) -> Any:
    return as_visitor(who, "lessons", lessons_view="Classes", **{"class": token})


def joined(as_visitor: Any, who: str, token: str, name: str) -> Any:
    app = class_of(as_visitor, who, token)
    app.text_input(key="lessons_class_name").set_value(name)
    return app.button(key="lessons_class_join").click().run()


def task_done(as_visitor: Any, who: str) -> None:
    """Do the task of one step: a kernel that blurs."""
    app = as_visitor(who, "convolution", convolution_kernel=BLUR)
    assert any("**Done.**" in each.value for each in app.markdown)


@pytest.fixture
def token(as_visitor: Any, store: Store) -> str:
    made(store)
    app = as_visitor(ANNA, "lessons", lessons_view="Classes")
    app.text_input(key="lessons_class_new").set_value("10 b")
    app.selectbox(key="lessons_class_list").set_value(lessons.of(store, ANNA)[0].token)
    app.button(key="lessons_class_make").click().run()
    assert "Nobody is in it yet." in texts(app)
    return classes.of(store, ANNA)[0].token


def test_what_a_student_does_is_ticked_off_for_the_teacher(as_visitor: Any, store: Store, token: str) -> None:
    student = joined(as_visitor, BERTA, token, "Berta")
    assert "You are in it as Berta." in texts(student).replace("**", "") and "0 of 2 tasks" in texts(student)
    task_done(as_visitor, BERTA)
    assert "1 of 2 tasks" in texts(class_of(as_visitor, BERTA, token)) and "✓ done" in texts(student.run())
    teacher = class_of(as_visitor, ANNA, token)
    assert "<td>Berta</td>" in texts(teacher) and "1: Edges; 2: One window" in texts(teacher)
    assert texts(teacher).count("<td>✓</td>") == 1


def test_list_says_to_a_student_what_is_done_and_leads_to_the_class(as_visitor: Any, store: Store, token: str) -> None:
    (list_,) = lessons.of(store, ANNA)
    joined(as_visitor, BERTA, token, "Berta")
    task_done(as_visitor, BERTA)
    theirs = texts(as_visitor(BERTA, "lessons", list=list_.token))
    assert theirs.count("✓ done") == 1 and theirs.count("to do") == 1
    assert f"class={token}" in theirs and "Your class: 10 b" in theirs
    others = texts(as_visitor("d" * 40, "lessons", list=list_.token))
    assert "✓ done" not in others and "to do" not in others and token not in others


def test_what_is_done_stays_ticked_off_after_a_reload(as_visitor: Any, store: Store, token: str) -> None:
    joined(as_visitor, BERTA, token, "Berta")
    task_done(as_visitor, BERTA)

    def ticked(who: str) -> bool:
        return any("**Done.**" in each.value for each in as_visitor(who, "convolution").markdown)

    assert ticked(BERTA) and not ticked(ANNA)
    assert not any("**Done.**" in each.value for each in as_visitor(BERTA, "pooling").markdown)
    classes.leave(store, token, BERTA)
    assert not ticked(BERTA), "what a class kept went with it"


def test_what_was_done_before_joining_counts(as_visitor: Any, store: Store, token: str) -> None:
    app = class_of(as_visitor, BERTA, token)
    app.session_state["pooling_tasks"] = {"Steps"}
    app.text_input(key="lessons_class_name").set_value("Berta")
    app.button(key="lessons_class_join").click().run()
    (student,) = classes.students(store, token, by=ANNA)
    assert set(student.done) == {"pooling/Steps"}


def test_student_sees_no_table_nor_other_names(as_visitor: Any, store: Store, token: str) -> None:
    carla = "c" * 40
    joined(as_visitor, carla, token, "Carla")
    for app in (class_of(as_visitor, BERTA, token), joined(as_visitor, BERTA, token, "Berta")):
        assert "Carla" not in texts(app) and "lessons_class_delete" not in buttons(app)
        assert not app.get("download_button")
    assert "10 b" in texts(as_visitor(BERTA, "lessons", lessons_view="Classes"))
    assert "10 b" not in texts(as_visitor("d" * 40, "lessons", lessons_view="Classes"))


def test_name_is_asked_for_and_can_be_changed(as_visitor: Any, store: Store, token: str) -> None:
    assert "Write the name by which your teacher knows you." in texts(joined(as_visitor, BERTA, token, " "))
    joined(as_visitor, BERTA, token, "Berta")
    joined(as_visitor, BERTA, token, "Berta M.")
    assert [each.name for each in classes.students(store, token, by=ANNA)] == ["Berta M."]


def test_leaving_and_deleting(as_visitor: Any, store: Store, token: str) -> None:
    student = joined(as_visitor, BERTA, token, "Berta")
    student.button(key="lessons_class_leave").click().run()
    assert "Join it:" in texts(student) and classes.students(store, token, by=ANNA) == []
    open_still = class_of(as_visitor, BERTA, token)
    class_of(as_visitor, ANNA, token).button(key="lessons_class_delete").click().run()
    assert classes.of(store, ANNA) == []
    open_still.text_input(key="lessons_class_name").set_value("Berta")
    open_still.button(key="lessons_class_join").click().run()
    assert "There is no such class (any more)." in texts(open_still)
    task_done(as_visitor, BERTA)


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "<b>x</b>", ":material/delete:", "[a](https://evil.example)"])
def test_names_of_students_are_text(name: str, as_visitor: Any, store: Store, token: str) -> None:
    student = joined(as_visitor, BERTA, token, name)
    teacher = class_of(as_visitor, ANNA, token)
    for app in (student, teacher):
        told = "".join(each.value for each in app.markdown)
        assert "<b>x" not in told + "".join(each.proto.body for each in app.get("html"))
        assert not re.search(r"(?<!\\)\](?=\()", told) and ":material/delete:" not in told


def test_class_without_a_list_has_a_column_for_what_was_done(as_visitor: Any, store: Store) -> None:
    token = classes.begin(store, ANNA, "evening").token
    joined(as_visitor, BERTA, token, "Berta")
    task_done(as_visitor, BERTA)
    assert "1: Convolution: whole picture" in texts(class_of(as_visitor, ANNA, token))
    assert len(VIEWS) == 3


def test_what_is_kept_lists_and_deletes_them(as_visitor: Any, store: Store, token: str) -> None:
    joined(as_visitor, BERTA, token, "Berta")
    app = as_visitor(ANNA, "keeping")
    assert "You have 1 lesson list and 1 class" in texts(app) and "<td>Class</td>" in texts(app)
    app.button(key="keeping_delete_all").click().run()
    assert classes.of(store, ANNA) == [] and lessons.of(store, ANNA) == []
