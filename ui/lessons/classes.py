"""Classes: a link to join by a name, the table that their teacher sees, and what a student sees of it."""

from collections.abc import Mapping

import streamlit as st

from cnn_core.store import classes as kept
from cnn_core.store import lessons, removal
from cnn_core.store.classes import NAME, TITLE, Class, ClassRefused, Student
from cnn_core.store.lessons import Lesson
from ui.lessons.lists import here, views
from ui.shared import tour
from ui.shared.lesson_list import CLASS, PAGE
from ui.shared.links import shown_link
from ui.shared.progress import so_far
from ui.shared.rows import Link, scrolled
from ui.shared.session import keeps_visits, store, visit
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, plain

_SAID = "lessons_class_said"  # in the session: why the last wish was not done
_NEW, _OF, _NAME = "lessons_class_new", "lessons_class_list", "lessons_class_name"  # keys of controls
_QUERY = f"lessons_view=Classes&{CLASS}="
GONE = "There is no such class (any more). Ask whoever gave you the link for a new one."
NO_COOKIE = (
    "This browser brings no cookie for this page: what you do is noted until you reload or close it, and then you join "
    "anew."
)


def classes(room: Room) -> None:
    """Show the class that the link names, as its teacher or as a student, or one's own."""
    if said := st.session_state.pop(_SAID, ""):
        room.side.warning(plain(said))
    token = st.query_params.get(CLASS)
    found = kept.find(store(), token) if token is not None else None
    if token is not None and found is None:
        room.stage.warning(GONE)
    if found is None:
        _mine(room)
    elif found.owner == visit():
        _taught(room, found)
    else:
        _attended(room, found)


# One's own ------------------------------------------------------------------------------------------------------------


def _mine(room: Room) -> None:
    taught, attended = kept.of(store(), visit()), kept.attended(store(), visit())
    mine = lessons.of(store(), visit())
    with room.stage:
        if taught or attended:
            rows = [(_link(each), "you teach it") for each in taught]
            rows += [(_link(each), "you are in it") for each in attended]
            scrolled(("Class", "You"), rows, "Your classes", words=("Class",))
        else:
            st.markdown("**A class is a link for your students.** To you it looks like this:")
            _table(*_example())
    with room.side, st.form("lessons_class_form", border=False):
        st.text_input("A new class", max_chars=TITLE, key=_NEW, placeholder="10 b, autumn")
        titles = {each.token: each.title for each in reversed(mine)} | {"": "none: all tasks count"}
        st.selectbox(
            "Its lesson list",
            list(titles),
            format_func=lambda token: titles.get(token, ""),
            key=_OF,
            disabled=not mine,
            help=None if mine else "You have no list yet; the step before makes one",
        )
        st.form_submit_button("Make it", key="lessons_class_make", type="primary", on_click=_make)
    with room.why:
        told(
            "Whoever opens the link joins by a name, and each “Try this” that they do is ticked off in a table that "
            "you alone see. **What is kept of a student:** the name that they give, when they joined, and when they "
            "first did each task; nothing else, and no account. Students need not give their whole name. All of it "
            "goes when you delete the class, and a student’s part when they leave it."
        )


def _example() -> tuple[list[Student], dict[str, str]]:
    """Return three students who are not there, on the list that comes with the app."""
    tasks = {stop.view.task: stop.view.title for stop in tour.STOPS if stop.view.task}
    names = (("Ada", 5), ("Emmy", 3), ("Sofja", 1))
    return [Student(name, 0.0, dict.fromkeys([*tasks][:done], 0.0)) for name, done in names], tasks


def _link(each: Class) -> Link:
    return Link(each.title, f"{PAGE}?{_QUERY}{each.token}")


def _make() -> None:
    try:
        made = kept.begin(store(), visit(), st.session_state[_NEW], st.session_state[_OF] or "")
    except ClassRefused as refusal:
        st.session_state[_SAID] = str(refusal)
        return
    st.session_state[_NEW] = ""
    st.query_params[CLASS] = made.token


# The teacher's --------------------------------------------------------------------------------------------------------


def _taught(room: Room, found: Class) -> None:
    students = kept.students(store(), found.token, by=visit())
    lesson = lessons.find(store(), found.lesson)
    tasks = _tasks(lesson, students)
    with room.stage:
        st.header(plain(found.title), anchor=False)
        if students:
            _table(students, tasks)
        else:
            st.markdown("**Nobody is in it yet.** Give them the link: on paper, on the board, as a QR code.")
    with room.side:
        st.markdown("**Its link**, for students:")
        shown_link(here(f"{_QUERY}{found.token}"))
        with st.container(horizontal=True):
            st.button("Look again", key="lessons_class_look", icon=":material/refresh:")
            st.download_button(
                "CSV",
                kept.to_csv(students, tasks),
                "class.csv",
                "text/csv",
                key="lessons_class_csv",
                icon=":material/download:",
                on_click="ignore",
                disabled=not students,
                help="For a spreadsheet; times are UTC" if students else "Nobody is in it yet",
            )
        _delete(found, students)
    with room.why:
        if lesson:
            st.markdown(f"**{plain(lesson.title)}**, its lesson list:")
            views(lesson)
        else:
            st.markdown("It has no lesson list: each task that somebody does has a column.")
        st.html(f'<p class="all-mine"><a href="{PAGE}?lessons_view=Classes" target="_self">All your classes</a></p>')


def _tasks(lesson: Lesson | None, students: list[Student]) -> dict[str, str]:
    """Return the tasks that count, with their titles: those of the list, or without one those that were done."""
    if lesson:
        return {each.task: each.title for each in lesson.views if each.task}
    return {task: task.replace("/", ": ").capitalize() for task in sorted({t for each in students for t in each.done})}


def _table(students: list[Student], tasks: Mapping[str, str]) -> None:
    numbered = {task: f"{number}" for number, task in enumerate(tasks, 1)}
    rows = [
        [each.name, f"{sum(task in each.done for task in tasks)}", *("✓" if t in each.done else "–" for t in tasks)]
        for each in students
    ]
    scrolled(("Name", "Done", *numbered.values()), rows, "Who has done what", numbers=("Done",))
    everybody = sum(all(task in each.done for task in tasks) for each in students)
    st.markdown(
        f"**{count(len(students), 'student')}**"
        + (
            f", {everybody} with {'all ' * (len(tasks) > 1)}{count(len(tasks), 'task')} done."
            if tasks
            else "; nobody has done a task yet."
        )
    )
    if tasks:
        st.caption("; ".join(f"{numbered[task]}: {plain(title)}" for task, title in tasks.items()))


def _delete(found: Class, students: list[Student]) -> None:
    with st.popover("Delete the class", icon=":material/delete:", key=f"lessons_class_ask_{found.token[:12]}"):
        who = count(len(students), "student")
        st.markdown(f"**Delete “{plain(found.title)}”** and all that it keeps of {who}? This cannot be undone.")
        st.button("Delete it", key="lessons_class_delete", type="primary", on_click=_deleted, args=(found.token,))


def _deleted(token: str) -> None:
    removal.remove_class(store(), visit(), token)
    st.query_params.pop(CLASS, None)


# A student's ----------------------------------------------------------------------------------------------------------


def _attended(room: Room, found: Class) -> None:
    me, lesson = kept.student(store(), found.token, visit()), lessons.find(store(), found.lesson)
    with room.stage:
        st.header(plain(found.title), anchor=False)
        if me is None:
            st.markdown("**Join it:** your teacher then sees, by the name that you give, which tasks you have done.")
        else:
            st.markdown(f"**You are in it as {plain(me.name)}.** {_progress(lesson, me)}")
        if lesson:
            views(lesson, list(me.done) if me else None)
    with room.side:
        with st.form("lessons_class_name_form", border=False):
            st.text_input("Your name", me.name if me else "", NAME, key=_NAME, help="As your teacher knows you")
            st.form_submit_button(
                "Take this name" if me else "Join",
                key="lessons_class_join",
                type="secondary" if me else "primary",
                on_click=_join,
                args=(found.token,),
            )
        if me:
            st.button(
                "Leave it",
                key="lessons_class_leave",
                on_click=_leave,
                args=(found.token,),
                help="What it keeps of you is deleted",
            )
        if not keeps_visits():
            st.caption(NO_COOKIE)
    with room.why:
        told(
            "**What your teacher sees:** this name, when you joined, and when you first did each “Try this”. Nothing "
            "else that you do here, and none of your pictures."
        )


def _progress(lesson: Lesson | None, me: Student) -> str:
    if lesson is None:
        return f"You have done {count(len(me.done), 'task')}. Go to any lesson: what you try there is ticked off."
    tasks = {each.task for each in lesson.views if each.task}
    if not tasks:
        return "Its list has no tasks: there is nothing to be ticked off."
    return f"You have done {len(tasks & {*me.done})} of {count(len(tasks), 'task')}."


def _join(token: str) -> None:
    try:
        kept.join(store(), token, visit(), st.session_state[_NAME], so_far())
    except ClassRefused as refusal:
        st.session_state[_SAID] = str(refusal)


def _leave(token: str) -> None:
    kept.leave(store(), token, visit())
