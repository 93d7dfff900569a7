"""Lesson lists: those one has made, and one of them, to be read by whoever has its link and changed by its maker."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import streamlit as st

from cnn_core.arithmetic.escaping import html
from cnn_core.store import classes, lessons, removal
from cnn_core.store.lessons import NOTE, TITLE, Lesson, LessonRefused, View
from ui.shared import tour
from ui.shared.lesson_list import CLASS, GONE, LIST, PAGE, address, carried
from ui.shared.links import shown_link
from ui.shared.rows import Link, scrolled
from ui.shared.session import store, visit
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, plain

_SAID = "lessons_said"  # in the session: why the last change was not made
_NEW, _AT = "lessons_new", "lessons_at"  # keys of controls


def lists(room: Room) -> None:
    """Show the list that the link names, or one's own."""
    token = st.query_params.get(LIST)
    if said := st.session_state.pop(_SAID, ""):
        room.side.warning(plain(said))
    if token is None:
        _mine(room)
        return
    found = lessons.find(store(), token)
    if found is None:
        room.stage.warning(GONE)
        _mine(room)
        return
    _one(room, found)


def here(query: str) -> str:
    """Return the address of this page, whole, with a query."""
    return f"{(st.context.url or '').partition('?')[0]}?{query}"


# One's own ------------------------------------------------------------------------------------------------------------


def _mine(room: Room) -> None:
    mine = lessons.of(store(), visit())
    with room.stage:
        if mine:
            rows = [(Link(each.title, f"{PAGE}?{LIST}={each.token}"), f"{len(each.views)}") for each in mine]
            scrolled(("List", "Views"), rows, "Your lesson lists", numbers=("Views",), words=("List",))
        else:
            st.markdown(
                "**A list is a lesson of yours:** views of these pages, in your order, with your notes. This one comes "
                "with ConvScope; try it."
            )
            _lines([(stop.view, tour.address(at)) for at, stop in enumerate(tour.STOPS)])
    with room.side:
        if not mine:
            st.button(
                "Take this list as mine",
                key="lessons_take",
                type="primary",
                on_click=_take,
                help="A copy of it: change titles and notes, move views, remove them, add yours",
            )
        with st.form("lessons_form", border=False):
            st.text_input("A new list", max_chars=TITLE, key=_NEW, placeholder="Edges, and what pooling forgives")
            kind: Literal["primary", "secondary"] = "primary" if mine else "secondary"
            st.form_submit_button("Make it", key="lessons_make", type=kind, on_click=_make)
    with room.why:
        told(
            "Your students open one link and go from view to view, each set up as you want it seen. **How a list is "
            "made.** Go to any page and set it up: step, picture, kernel, stride. Then press *Share*, "
            "and add the view to a list, with a note of what to look at. Nobody needs an account, and whoever has the "
            "list’s link can read it; only this browser, or your account, changes it."
        )


def _make() -> None:
    with _telling():
        st.query_params[LIST] = lessons.make(store(), visit(), st.session_state[_NEW]).token
        st.session_state[_NEW] = ""


def _take() -> None:
    with _telling():
        token = lessons.make(store(), visit(), tour.TITLE).token
        lessons.change(store(), visit(), token, views=[stop.view for stop in tour.STOPS])
        st.query_params[LIST] = token


@contextmanager
def _telling() -> Iterator[None]:
    """Have the page say why a change was refused."""
    try:
        yield
    except (LessonRefused, PermissionError) as refusal:
        st.session_state[_SAID] = str(refusal)


# One of them ----------------------------------------------------------------------------------------------------------


def _one(room: Room, lesson: Lesson) -> None:
    is_own = lesson.owner == visit()
    attended = [each for each in classes.attended(store(), visit()) if each.lesson == lesson.token]
    students = (classes.student(store(), each.token, visit()) for each in attended)
    with room.stage:
        st.header(plain(lesson.title), anchor=False)
        if lesson.views:
            views(lesson, [task for each in students if each for task in each.done] if attended else None)
        else:
            st.markdown("**It has no views yet.**" + (" Open a page, press *Share*, and add it." if is_own else ""))
    with room.side:
        _begin(lesson)
        if is_own:
            _edit(lesson)
        st.markdown("**Its link**, for students:")
        shown_link(here(f"{LIST}={lesson.token}"))
        if is_own:
            _delete(lesson)
    with room.why:
        for each in attended:
            where = html(f"{PAGE}?lessons_view=Classes&{CLASS}={each.token}")
            st.html(f'<p class="all-mine"><a href="{where}" target="_self">Your class: {html(each.title)}</a></p>')
        st.html(f'<p class="all-mine"><a href="{PAGE}" target="_self">All your lists</a></p>')


def views(lesson: Lesson, done: Sequence[str] | None = None) -> None:
    """Show the views of a list, each as a link with its note.

    Args:
        lesson: The list.
        done: Tasks that are done, to be ticked off; None where nobody's are known.
    """
    _lines([(view, address(lesson, at)) for at, view in enumerate(lesson.views)], done)


def _lines(found: Sequence[tuple[View, str]], done: Sequence[str] | None = None) -> None:
    """Show views with their addresses, as `views` does those of a list."""
    shown = []
    for each, where in found:
        mark = ""
        if done is not None and each.task:
            mark = " <b>✓ done</b>" if each.task in done else ' <i class="todo">to do</i>'
        about = f"<p>{html(each.note)}</p>" if each.note else ""
        shown.append(f'<li><a href="{html(where)}" target="_self">{html(each.title)}</a>{mark}{about}</li>')
    st.html(f'<ol class="lesson-views">{"".join(shown)}</ol>')


def _begin(lesson: Lesson) -> None:
    if not lesson.views:
        return
    first, bare = html(address(lesson, 0)), html(address(lesson, 0, carried(present=True)))
    st.html(
        f'<p class="lesson-ways"><a class="first" href="{first}" target="_self">Begin</a>'
        f'<a href="{bare}" target="_blank">Present it</a></p>'
    )


def _edit(lesson: Lesson) -> None:
    token = lesson.token
    with st.expander("Change it", icon=":material/edit:", expanded=bool(lesson.views)):
        st.text_input(
            "Title", lesson.title, TITLE, key=f"lessons_title_{token[:12]}", on_change=_retitle, args=(token,)
        )
        if not lesson.views:
            return
        numbers = list(range(len(lesson.views)))
        if st.session_state.get(_AT) not in numbers:
            st.session_state[_AT] = 0
        at: int = st.selectbox(
            "View", numbers, format_func=lambda n: f"{n + 1}. {lesson.views[n].title}" if n in numbers else "", key=_AT
        )
        view, of = lesson.views[at], f"{token[:12]}_{at}_{len(numbers)}"
        revise: dict[str, Any] = {"on_change": _revise, "args": (lesson, at, of)}
        st.text_input("What it is called", view.title, TITLE, key=f"lessons_view_title_{of}", **revise)
        st.text_area("Your note", view.note, max_chars=NOTE, height=80, key=f"lessons_view_note_{of}", **revise)
        with st.container(horizontal=True):
            for label, to, icon in (("Up", at - 1, "arrow_upward"), ("Down", at + 1, "arrow_downward")):
                st.button(
                    label,
                    key=f"lessons_{label.lower()}",
                    icon=f":material/{icon}:",
                    disabled=to not in numbers,
                    on_click=_move,
                    args=(lesson, at, to),
                )
            st.button("Remove", key="lessons_drop", icon=":material/close:", on_click=_move, args=(lesson, at, None))


def _retitle(token: str) -> None:
    with _telling():
        lessons.change(store(), visit(), token, title=st.session_state[f"lessons_title_{token[:12]}"])


def _revise(lesson: Lesson, at: int, of: str) -> None:
    title, note = (st.session_state[f"lessons_view_{what}_{of}"] for what in ("title", "note"))
    changed = replace(lesson.views[at], title=title, note=note)
    _change(lesson.token, [*lesson.views[:at], changed, *lesson.views[at + 1 :]])


def _move(lesson: Lesson, at: int, to: int | None) -> None:
    rest = [*lesson.views[:at], *lesson.views[at + 1 :]]
    if to is not None:
        rest.insert(to, lesson.views[at])
        st.session_state[_AT] = to
    _change(lesson.token, rest)


def _change(token: str, found: Sequence[View]) -> None:
    with _telling():
        lessons.change(store(), visit(), token, views=found)


def _delete(lesson: Lesson) -> None:
    with st.popover("Delete the list", icon=":material/delete:", key=f"lessons_ask_{lesson.token[:12]}"):
        held = count(len(lesson.views), "view")
        st.markdown(f"**Delete “{plain(lesson.title)}”** with {held}? Its link then shows nothing to anybody.")
        st.button("Delete it", key="lessons_delete", type="primary", on_click=_deleted, args=(lesson.token,))


def _deleted(token: str) -> None:
    removal.remove_lesson(store(), visit(), token)
    st.query_params.pop(LIST, None)
