"""Lists of views for a lesson: links into this app in an order, each with a title and a note, read by its link."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cnn_core.store import keys, tokens
from cnn_core.store.runs import Store
from cnn_core.store.tokens import one_line

MAX_LISTS, MAX_VIEWS = 50, 60  # of one owner; of one list
TITLE, NOTE, QUERY = 80, 600, 4000  # characters
_PAGE = re.compile("[a-z]{0,30}")


class LessonRefused(ValueError):
    """A list of views that cannot be; the text says what is expected."""


@dataclass(frozen=True)
class View:
    """A view of a list.

    Attributes:
        page: The page's name in addresses; empty for the front door.
        query: What its link says besides.
        title: For people.
        note: What the teacher says of it.
        task: `page/step` if there is something to be ticked off, else empty.
    """

    page: str
    query: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    note: str = ""
    task: str = ""


@dataclass(frozen=True)
class Lesson:
    """A list of views.

    Attributes:
        token: In its link; whoever has it may read it.
        owner: Who made it, and alone may change it. It is never shown.
        title: For people.
        views: In their order.
    """

    token: str
    owner: str
    title: str
    views: Sequence[View] = ()


def make(store: Store, owner: str, title: str) -> Lesson:
    """Make a list without views.

    Raises:
        LessonRefused: If it has no title, or the owner has as many lists as one may have.
    """
    title = one_line(title, TITLE)
    if not title:
        raise LessonRefused("A list needs a title; write one, such as “Edges, and what pooling forgives”.")
    if len(of(store, owner)) >= MAX_LISTS:
        raise LessonRefused(f"You have {MAX_LISTS} lists, the most that one may have here. Delete one first.")
    made = Lesson(tokens.token(), owner, title)
    _write(store, made)
    store.lists.add(keys.lessons(owner), made.token, own=True)
    return made


def find(store: Store, token: str) -> Lesson | None:
    """Return a list by its token; None if there is none (any more)."""
    found = tokens.read(store, keys.lesson(token)) if tokens.is_token(token) else None
    if found is None:
        return None
    return Lesson(**found | {"views": tuple(View(**each) for each in found["views"])})


def of(store: Store, owner: str) -> list[Lesson]:
    """Return somebody's lists, the oldest first."""
    found = (find(store, each) for each in store.lists.entries(keys.lessons(owner)))
    return [each for each in found if each and each.owner == owner]


def change(
    store: Store, owner: str, token: str, *, title: str | None = None, views: Sequence[View] | None = None
) -> Lesson:
    """Give one's own list another title or other views.

    Raises:
        LessonRefused: If it has no title then, too many views, or one that is none of this app.
        PermissionError: If it is another's, or there is none.
    """
    there = _own(store, owner, token)
    if title is not None and not (title := one_line(title, TITLE)):
        raise LessonRefused("A list needs a title; the old one is kept.")
    if views is not None and len(views) > MAX_VIEWS:
        raise LessonRefused(f"A list has at most {MAX_VIEWS} views; make a second one for what follows.")
    changed = replace(
        there,
        title=there.title if title is None else title,
        views=there.views if views is None else tuple(map(_checked, views)),
    )
    if changed != there:
        _write(store, changed)
    return changed


def remove(store: Store, owner: str, token: str) -> bool:
    """Delete one's own list; False if there is none of that name."""
    try:
        _own(store, owner, token)
    except PermissionError:
        return False
    store.remove(keys.lesson(token))
    store.lists.remove(keys.lessons(owner), [token])
    return True


def hand_over(store: Store, before: str, after: str) -> None:
    """Make one's lists another's."""
    for each in of(store, before):
        _write(store, replace(each, owner=after))


def _checked(view: View) -> View:
    if not _PAGE.fullmatch(view.page) or sum(len(k) + len(v) for k, v in view.query.items()) > QUERY:
        raise LessonRefused("This is no view of this app; open it, and add it under Share.")
    return replace(view, title=one_line(view.title, TITLE) or "A view", note=one_line(view.note, NOTE))


def _own(store: Store, owner: str, token: str) -> Lesson:
    found = find(store, token)
    if found is None or not owner or found.owner != owner:
        raise PermissionError("Only whoever made a list can change it. Make one of your own.")
    return found


def _write(store: Store, lesson: Lesson) -> None:
    tokens.write(store, keys.lesson(lesson.token), lesson)
