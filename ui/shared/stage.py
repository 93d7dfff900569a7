"""The frame of a page: a question, what is computed and its controls side by side, why, a task, and where to go next.

A page is a table of its steps. What is computed lies on the *stage*, which stays in sight while the reader scrolls or
turns a control (style.css); beside it are only the controls of this step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.shared.controls import follow, say
from ui.shared.lesson_list import on_the_way, view_seen
from ui.shared.present import presenting, view_opened
from ui.shared.printing import foot
from ui.shared.receipts import forget_shown
from ui.shared.teaching import task

Form = Literal["beside", "wide", "story"]


@dataclass(frozen=True)
class Room:
    """Where a step draws.

    Attributes:
        stage: What is computed: pictures and figures first, with a sentence of what they show.
        side: The controls, the two that matter most first.
        why: Below both: three sentences, the formula, the source.
        story: What is told beside stage and controls, where the step has that form; else the stage.
    """

    stage: DeltaGenerator
    side: DeltaGenerator
    why: DeltaGenerator
    story: DeltaGenerator

    def more(self, label: str = "More controls") -> DeltaGenerator:
        """Return a folded place for the controls that matter less."""
        if presenting():  # what was named there is to be in sight
            return self.side.container()
        return self.side.expander(label, icon=":material/tune:")


@dataclass(frozen=True)
class Step:
    """One step of a page.

    Attributes:
        name: On the way through the page, in two or three words that a newcomer understands.
        question: What it answers: the heading.
        show: Draws it; true if the task has just been done.
        task: What to try; empty where there is nothing to be ticked off.
        form: How it is laid out, as of `room`.
    """

    name: str
    question: str
    show: Callable[[Room], bool | None]
    task: str = ""
    form: Form = "beside"


def lesson(page: str, steps: Mapping[str, Step], *, after: tuple[str, str] | None = None) -> None:
    """Draw a page at the step that is chosen, the first one at first.

    Args:
        page: Begins the keys of its widgets, and with them its names in a link.
        steps: By their names in links, in the order in which they are meant to be read.
        after: File of the page to go to after the last step, and its name.
    """
    key = f"{page}_view"
    follow(key, steps, next(iter(steps)))
    chosen: str = st.session_state[key]
    say(key, chosen, next(iter(steps)))
    step = steps[chosen]
    view_opened(f"{page} {chosen}")
    view_seen(page, step.question, chosen if step.task else "")
    st.title(step.question, anchor=False)
    st.fragment(_drawn)(page, chosen, step)
    if not presenting() and not on_the_way(page):
        _way(key, steps, chosen, after)


def room(form: Form = "beside") -> Room:
    """Lay out a stage, its controls, and the words below.

    Args:
        form: `beside`, the controls beside the stage; `wide`, below a stage that takes all the width; `story`, both
            beside a story that is longer than they are, and on a phone below it.
    """
    if form == "wide":
        stage, side = st.container(key="stage"), st.container(key="controls", horizontal=True)
        return Room(stage, side, st.container(key="why"), stage)
    columns = st.columns([5, 3], gap="medium")
    place = columns[1 if form == "story" else 0]
    stage = place.container(key="stage")
    stop(stage)
    side = columns[1].container(key="controls")
    story = columns[0].container(key="story") if form == "story" else stage
    return Room(stage, side, st.container(key="why"), story)


def stop(place: Any = st) -> None:
    """Give a stage a stop of the keyboard: on a phone it scrolls, and arrow keys scroll it too."""
    place.html('<span class="stage-stop" tabindex="0" role="note" aria-label="What is computed"></span>')


def _drawn(page: str, chosen: str, step: Step) -> None:
    """Draw a step; in a fragment, so that a control redraws nothing but its own step."""
    forget_shown()
    place = room(step.form)
    done = bool(step.show(place))
    if step.task:
        with place.why, st.container(key="task"):
            task(page, chosen, step.task, done)
    foot(page)


def _way(key: str, steps: Mapping[str, Step], chosen: str, after: tuple[str, str] | None) -> None:
    """Show where one is, and the ways back and on."""
    names = list(steps)
    at = names.index(chosen)
    with st.bottom, st.container(key="way", horizontal=True, vertical_alignment="center"):
        if at:
            st.button("Back", key=f"{key}_back", on_click=_go, args=(key, names[at - 1]), icon=":material/arrow_back:")
        st.segmented_control(
            "Steps of this page",
            names,
            key=key,
            format_func=lambda name: steps[name].name,
            label_visibility="collapsed",
            required=True,
        )
        if at + 1 < len(names):
            st.button(
                f"Next **· {steps[names[at + 1]].name}**",
                key=f"{key}_next",
                type="primary",
                on_click=_go,
                args=(key, names[at + 1]),
            )
        elif after and st.button(f"Next **· {after[1]}**", key=f"{key}_after", type="primary"):
            st.switch_page(after[0])


def _go(key: str, step: Any) -> None:
    st.session_state[key] = step
