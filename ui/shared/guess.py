"""A guess before the answer: each lesson asks once a visit, before it tells, and then compares.

Nobody has to guess: "Show me" tells at once. What was guessed is this visit's, and in no link.
"""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from cnn_core.arithmetic.written import with_unit
from ui.shared.present import shows
from ui.shared.text import plain

Range = tuple[float, float, str]  # lowest, highest, unit

_GUESSES = "guesses"  # in the session
_OFFERED = 5  # guesses at a number


class _Guess(NamedTuple):
    """What somebody has said, None if they would rather be shown, and what it was."""

    said: str | float | None
    truth: str | float


def guess(key: str, question: str, answers: Sequence[str] | Range, truth: str | float) -> bool:
    """Ask for a guess, or say how it compares with what was computed; a control like others in present mode.

    Args:
        key: Of the place, and the guess's name among the controls: `<page>_guess`.
        question: Markdown, about what is shown beside it.
        answers: What can be said: a few words each, or lowest and highest of a number, and its unit.
        truth: Computed from what the reader sees now: one of the words, or the number.

    Returns:
        True if the lesson may tell: it was guessed, or nobody is to be asked.
    """
    if not shows(key, "Guess first"):
        return True
    guesses: dict[str, _Guess] = st.session_state.setdefault(_GUESSES, {})
    if key in guesses:
        said, was = guesses[key]
        if said is not None and was == truth:  # of other settings it would not be true
            st.markdown(_compared(_escaped(said), _escaped(truth), answers))
        return True
    st.markdown(f"**Guess first.** {question}")
    with st.container(key=key, horizontal=True, gap="small"):
        for number, (said, label) in enumerate(_offered(answers)):
            st.button(label, key=f"{key}_{number}", on_click=_take, args=(key, _Guess(said, truth)))
        st.button("Show me", key=f"{key}_show", type="tertiary", on_click=_take, args=(key, _Guess(None, truth)))
    return False


def _compared(said: str | float, truth: str | float, answers: Sequence[str] | Range) -> str:
    """Return how a guess compares with what is.

    Example:
        >>> _compared(10, 37.2, (0, 100, "%")), _compared(90, 37.2, (0, 100, "%")), _compared(30, 37.2, (0, 100, "%"))
        ('You said 10%, it is 37%: more than it looks.', 'You said 90%, it is 37%: less than it looks.', 'You said \
30%, it is 37%: well seen.')
        >>> _compared("blur", "edges", ("blur", "edges")), _compared("edges", "edges", ("blur", "edges"))
        ('You said blur, it is edges: good to have looked.', 'You said edges, and so it is: well seen.')
    """
    if isinstance(said, str) or isinstance(truth, str):
        if said == truth:
            return f"You said {said}, and so it is: well seen."
        return f"You said {said}, it is {truth}: good to have looked."
    low, high, unit = _range(answers)
    near = abs(said - truth) <= (high - low) / _OFFERED / 2
    verdict = "well seen" if near else "more than it looks" if truth > said else "less than it looks"
    return f"You said {_written(said, unit)}, it is {_written(truth, unit)}: {verdict}."


def _offered(answers: Sequence[str] | Range) -> list[tuple[str | float, str]]:
    """What can be said, and how it is read: of a number the middles of as many equal parts of its range."""
    if all(isinstance(answer, str) for answer in answers):
        return [(answer, plain(str(answer))) for answer in answers]
    low, high, unit = _range(answers)
    part = (high - low) / _OFFERED
    numbers = [low + part * (number + 0.5) for number in range(_OFFERED)]
    return [(number, _written(number, unit)) for number in numbers]


def _range(answers: Sequence[str] | Range) -> Range:
    low, high, unit = answers
    return float(low), float(high), str(unit)


def _written(number: float, unit: str) -> str:
    """Write a number as one guesses it: no digits that nobody could.

    Example:
        >>> _written(37.2, "%"), _written(8.43, "times"), _written(1234.0, "px")
        ('37%', '8.4 times', '1,234 px')
    """
    digits = 0 if abs(number) >= 10 or number == round(number) else 1
    return with_unit(f"{number:,.{digits}f}", unit)


def _escaped(said: str | float) -> str | float:
    return plain(said) if isinstance(said, str) else said


def _take(key: str, made: _Guess) -> None:
    st.session_state.setdefault(_GUESSES, {})[key] = made
