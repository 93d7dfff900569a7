"""A page of lessons: a line a view, and what surrounds them all: link, title, choice, glossary, picture, tasks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from ui.shared.picture import the_picture
from ui.shared.teaching import challenges, check_link, glossary, one_of


@dataclass(frozen=True)
class View:
    """One view of a page.

    Attributes:
        title: Its heading.
        terms: Of the glossary, offered beneath the heading.
        show: Draws it, with the reader's picture where `picture` is set; True if the task has just been done.
        link: What else a link may say, each with the check of its value.
        task: What to try; empty where there is nothing to be ticked off.
        picture: Whether it computes on the reader's picture.
    """

    title: str
    terms: tuple[str, ...]
    show: Callable[..., bool | None]
    link: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    task: str = ""
    picture: bool = False


def lessons(page: str, title: str, introduction: str, views: Mapping[str, View]) -> None:
    """Draw a page of lessons and the view that is chosen; the first one at first.

    Args:
        page: Begins the keys of its widgets, and with them its names in a link.
        title: Of the page.
        introduction: In a sentence or two, below the title.
        views: By the names that the reader chooses from, which are those of a link.
    """
    links = {name: usable for view in views.values() for name, usable in view.link.items()}
    check_link({f"{page}_view": one_of(*views)} | links)
    st.title(title)
    st.markdown(introduction)
    chosen = st.segmented_control(
        "View",
        list(views),
        default=next(iter(views)),
        key=f"{page}_view",
        label_visibility="collapsed",
        bind="query-params",
        persist_state="session",
        required=True,
        wrap=True,
    )
    view = views[chosen]
    st.header(view.title, divider="gray")
    glossary(*view.terms)
    done = view.show(the_picture()) if view.picture else view.show()
    challenges(page, [(each.task, each is view and bool(done)) for each in views.values() if each.task])
