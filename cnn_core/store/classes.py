"""A class without accounts: whoever has its link joins by a name, and only its teacher sees how far each is.

Of a student it is kept under which name they joined, when, and which tasks they did when. Which visit that is, is not:
a student's file is named by a digest of the visit and the class's token.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cnn_core.arithmetic.tables import csv_text
from cnn_core.store import keys, tokens
from cnn_core.store.runs import Store
from cnn_core.store.tokens import is_token, one_line

MAX_CLASSES, MAX_STUDENTS, MAX_TASKS = 50, 300, 300
TITLE, NAME = 80, 40  # characters


class ClassRefused(ValueError):
    """What a class cannot be or take; the text says what is expected."""


@dataclass(frozen=True)
class Class:
    """A class.

    Attributes:
        token: In its link; whoever has it may join.
        owner: Its teacher, who alone sees who is in it. It is never shown.
        title: For people.
        lesson: Token of its list of views; empty if it has none.
        made: When, seconds since 1970.
    """

    token: str
    owner: str
    title: str
    lesson: str = ""
    made: float = 0.0


@dataclass(frozen=True)
class Student:
    """A student of a class.

    Attributes:
        name: As they gave it.
        joined: When, seconds since 1970.
        done: Tasks (`page/step`), each with when it was first done.
    """

    name: str
    joined: float
    done: Mapping[str, float] = field(default_factory=dict)


def begin(store: Store, owner: str, title: str, lesson: str = "") -> Class:
    """Make a class that nobody is in yet.

    Raises:
        ClassRefused: If it has no title, or the owner has as many as one may have.
    """
    title = one_line(title, TITLE)
    if not title:
        raise ClassRefused("A class needs a title; write one, such as “10 b, autumn”.")
    if len(of(store, owner)) >= MAX_CLASSES:
        raise ClassRefused(f"You have {MAX_CLASSES} classes, the most that one may have here. Delete one first.")
    made = Class(tokens.token(), owner, title, lesson, time.time())
    _write(store, made)
    store.lists.add(keys.classes(owner), made.token, own=True)
    return made


def find(store: Store, token: str) -> Class | None:
    """Return a class by its token; None if there is none (any more)."""
    found = tokens.read(store, keys.school_class(token)) if is_token(token) else None
    return Class(**found) if found else None


def of(store: Store, owner: str) -> list[Class]:
    """Return the classes that somebody teaches, the oldest first."""
    found = (find(store, each) for each in store.lists.entries(keys.classes(owner)))
    return [each for each in found if each and each.owner == owner]


def attended(store: Store, visit: str) -> list[Class]:
    """Return the classes that somebody is a student of."""
    found = (find(store, each) for each in store.lists.entries(keys.attended(visit)))
    return [each for each in found if each]


def join(store: Store, token: str, visit: str, name: str, done: Iterable[str] = ()) -> Student:
    """Join a class, or take another name in it.

    Args:
        store: Where.
        token: Of the class.
        visit: Who joins.
        name: What the teacher reads, at most 40 characters.
        done: Tasks that were done before.

    Raises:
        ClassRefused: If there is no such class (any more), no name, or no room.
    """
    name = one_line(name, NAME)
    if find(store, token) is None:
        raise ClassRefused("There is no such class any more. Ask whoever gave you the link for a new one.")
    if not name:
        raise ClassRefused("Write the name by which your teacher knows you.")
    there = student(store, token, visit)
    if there is None and len(store.stored(keys.students(token))) >= MAX_STUDENTS:
        raise ClassRefused(f"This class has {MAX_STUDENTS} students, the most that one may have here.")
    now = time.time()
    joined = replace(there, name=name) if there else Student(name, now)
    joined = replace(joined, done=dict.fromkeys(done, now) | dict(joined.done))
    _write_student(store, token, visit, joined)
    store.lists.add(keys.attended(visit), token)
    return joined


def student(store: Store, token: str, visit: str) -> Student | None:
    """Return what a visitor has done in a class; None if they are not in it."""
    found = tokens.read(store, keys.student(token, _digest(token, visit)))
    return Student(**found) if found else None


def note(store: Store, visit: str, task: str) -> None:
    """Note that a visitor has done a task, in each class that they are in; the first time counts."""
    for each in attended(store, visit):
        there = student(store, each.token, visit)
        if there and task not in there.done and len(there.done) < MAX_TASKS:
            _write_student(store, each.token, visit, replace(there, done=dict(there.done) | {task: time.time()}))


def leave(store: Store, token: str, visit: str) -> bool:
    """Take a visitor out of a class, with all that it keeps of them; False if they were not in it."""
    if not is_token(token) or student(store, token, visit) is None:
        return False
    store.lists.remove(keys.attended(visit), [token])
    store.remove(keys.student(token, _digest(token, visit)))
    return True


def students(store: Store, token: str, *, by: str) -> list[Student]:
    """Return who is in a class, by their names.

    Raises:
        PermissionError: If somebody else than its teacher asks.
    """
    _own(store, by, token)
    found = [Student(**json.loads(data)) for data in store.read_all(keys.students(token)).values()]
    return sorted(found, key=lambda each: (each.name.casefold(), each.joined))


def remove(store: Store, owner: str, token: str) -> bool:
    """Delete one's own class with all that it keeps of its students; False if there is none of that name."""
    try:
        _own(store, owner, token)
    except PermissionError:
        return False
    discard(store, token)
    store.lists.remove(keys.classes(owner), [token])
    return True


def discard(store: Store, token: str) -> None:
    """Remove all that is kept of a class: first the class, so that nobody joins meanwhile."""
    store.remove(keys.school_class(token))
    store.remove(keys.students(token))
    store.lists.remove_everywhere(token)


def hand_over(store: Store, before: str, after: str) -> None:
    """Make one's classes another's, and what one has done as a student."""
    for each in of(store, before):
        _write(store, replace(each, owner=after))
    for each in attended(store, before):
        was, there = student(store, each.token, before), student(store, each.token, after)
        if was is None:
            continue
        done = dict(there.done if there else {}) | dict(was.done)
        _write_student(store, each.token, after, replace(there or was, done=done))
        store.remove(keys.student(each.token, _digest(each.token, before)))


def to_csv(found: Iterable[Student], tasks: Mapping[str, str]) -> str:
    """Return a class as a table: a student a line, a column for each task with the time at which it was done (UTC).

    Args:
        found: The students.
        tasks: Titles by task.

    Example:
        >>> print(to_csv([Student("Ada", 0.0, {"pooling/Shift": 60.0})], {"pooling/Shift": "A shift"}), end="")
        name,joined,done,A shift
        Ada,1970-01-01 00:00,1,1970-01-01 00:01
    """
    rows = [
        [
            each.name,
            _time(each.joined),
            sum(task in each.done for task in tasks),
            *(_time(each.done[task]) if task in each.done else "" for task in tasks),
        ]
        for each in found
    ]
    return csv_text(("name", "joined", "done", *tasks.values()), rows)


def _time(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(when))


def _digest(token: str, visit: str) -> str:
    return hashlib.sha256(f"{token} {visit}".encode()).hexdigest()[:32]


def _own(store: Store, owner: str, token: str) -> Class:
    found = find(store, token)
    if found is None or not owner or found.owner != owner:
        raise PermissionError("Only the teacher of a class sees who is in it.")
    return found


def _write(store: Store, made: Class) -> None:
    tokens.write(store, keys.school_class(made.token), made)


def _write_student(store: Store, token: str, visit: str, found: Student) -> None:
    tokens.write(store, keys.student(token, _digest(token, visit)), found)
