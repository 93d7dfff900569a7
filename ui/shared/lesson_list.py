"""A list of views on the way through it: `?list=TOKEN&item=2` shows its note, and leads to the view before and after.

The ways are plain links that load the page anew: a view is then exactly what its link says, whatever was turned before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from cnn_core.arithmetic.escaping import html
from cnn_core.store import lessons
from cnn_core.store.lessons import Lesson, View
from ui.shared.controls import usable, within
from ui.shared.present import PRESENT, SHOW, presenting
from ui.shared.session import store
from ui.shared.text import plain

LIST, ITEM, CLASS = "list", "item", "class"  # in a link
TOUR = "tour"  # the walk that comes with the app (`tour.py`)
PAGE = "lessons"  # where lists are made and read; its link names one without being on the way through it
_SEEN = "view_seen"  # in the session: what the view is called that was drawn last, and its task
GONE = "The link is of a lesson list that is not there (any more). Ask whoever gave it to you for a new one."


@dataclass(frozen=True)
class Followed:
    """A list, and at which of its views one is, from 0."""

    lesson: Lesson
    at: int

    @property
    def view(self) -> View:
        """The view that this is."""
        return self.lesson.views[self.at]


def on_the_way(page: str) -> bool:
    """Tell whether the link is of a view of a list, or of the walk: then that leads on, and not the page."""
    return page != PAGE and bool({LIST, TOUR} & {*st.query_params})


def followed(page: str) -> Followed | None:
    """Return the list that the link follows, or None; if it cannot be followed that is said, and left out.

    Args:
        page: Its name in addresses.
    """
    if page == PAGE or LIST not in st.query_params:
        return None
    lesson = lessons.find(store(), st.query_params[LIST])
    if lesson is None or not lesson.views:
        st.warning(GONE)
        for name in (LIST, ITEM):
            st.query_params.pop(name, None)
        return None
    usable(ITEM, within(1, len(lesson.views)))
    return Followed(lesson, int(st.query_params.get(ITEM, "1")) - 1)


def address(lesson: Lesson, at: int, around: Mapping[str, str] | None = None) -> str:
    """Return the address of a view of a list, as seen from any page.

    Args:
        lesson: The list.
        at: Which of its views, from 0.
        around: How one looks at it, as `carried` says; what the view itself says goes before.
    """
    view = lesson.views[at]
    query = dict(around or {}) | dict(view.query) | {LIST: lesson.token, ITEM: str(at + 1)}
    return f"{view.page or './'}?{urlencode(query)}"


def note(here: Followed) -> None:
    """Show what the teacher says of this view."""
    if here.view.note:
        with st.container(key="list_note"):
            st.markdown(f":material/school: {plain(here.view.note)}")


def carried(present: bool) -> dict[str, str]:
    """Return what of how one looks at a view goes on to the next: present mode, with the controls that stay."""
    if not present:
        return {}
    return {PRESENT: "1"} | ({SHOW: st.query_params[SHOW]} if SHOW in st.query_params else {})


def way(here: Followed) -> None:
    """Show where one is in the list, and the ways back and on."""
    views, at = here.lesson.views, here.at
    back = way_to(_address(here, at - 1), "Back", "back") if at else "<span></span>"
    done = f"{PAGE}?{LIST}={here.lesson.token}"
    on = (
        way_to(_address(here, at + 1), "Next", "next", views[at + 1].title)
        if at + 1 < len(views)
        else way_to(done, "Done", "next", "the list")
    )
    about = f'<a href="{done}" target="_self">{html(here.lesson.title)}</a>'
    foot(back, f"{at + 1} of {len(views)}<i> · {about}</i>", on)


def foot(back: str, where: str, on: str, said: str = "") -> None:
    """Show, in place of the steps of a page, where one is on a way through several, and the ways back and on.

    Args:
        back: As `way_to` makes it, or an empty element.
        where: Between them, HTML.
        on: As `back`.
        said: What there is to see here.
    """
    told = f'<p class="list-said">{html(said)}</p>' if said else ""
    with st.bottom, st.container(key="list_way"):
        st.html(Path(__file__).with_name("lesson_list.css"))
        st.html(f'{told}<nav class="list-way" aria-label="The way on">{back}<span>{where}</span>{on}</nav>')


def way_to(to: str, words: str, kind: str, title: str = "") -> str:
    """Return a way on or back: a plain link.

    Args:
        to: Its address.
        words: What it says.
        kind: `back` or `next`.
        title: Of the view there; left out where there is no room.
    """
    named = f" <b>· {html(title)}</b>" if title else ""
    return f'<a class="{kind}" href="{html(to)}" target="_self">{words}{named}</a>'


def _address(here: Followed, at: int) -> str:
    around = carried(presenting())
    if SHOW in here.view.query:  # controls of this view, not of the whole way
        around.pop(SHOW, None)
    return address(here.lesson, at, around)


def view_seen(page: str, title: str, step: str = "") -> None:
    """Remember what a view is called, for whoever adds it to a list.

    Args:
        page: Its name in addresses.
        title: For people.
        step: Its step, if that has a task.
    """
    st.session_state[_SEEN] = (title, f"{page}/{step}" if step else "")


def seen() -> tuple[str, str]:
    """Return the title and the task of the view that was drawn last."""
    found: tuple[str, str] = st.session_state.get(_SEEN, ("A view", ""))
    return found
