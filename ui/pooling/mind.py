"""A whole network on a picture that moves: what it says before and after, and how often it changes its mind."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.figures import pooling as figures
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.networks.embedded import SHIFTS, shown_to_shifts
from cnn_core.pictures.images import Picture
from ui.shared.charts import plot
from ui.shared.text import plain
from ui.shared.worker import answered

_WAYS = {"right": ("to the right", "to the left"), "down": ("down", "up")}  # by whether an axis' shift is negative
_ASKED = 20  # answers: what is first before a shift is among them after it
_DRAWN = 3

Answers = Sequence[Mapping[str, Any]]


def before_and_after(picture: Picture, by: tuple[int, int]) -> bool:
    """Show what a network says of a picture before and after it was moved.

    Args:
        picture: The reader's.
        by: Pixels down and to the right, of the 256 that the network's picture has.

    Returns:
        False if there is no answer; why is then said.
    """
    seen = _seen(picture.digest, picture.pixels)
    with st.spinner("Asking the network…"):
        before: Answers | None = answered("answer_at", seen, 0, 0, _ASKED, words="")
        after = before if before is None or not any(by) else answered("answer_at", seen, *by, _ASKED, words="")
    if before is None or after is None:
        return False
    st.markdown(f"**Does a whole network change its mind?** {_told(before, after) if any(by) else _first(before)}")
    plot(figures.minds(*_drawn(before, after)), "pooling_minds", _said(before, after))
    return True


def _said(before: Answers, after: Answers) -> str:
    """Say what has become of a network's answer.

    Args:
        before: Its labels with their probabilities, the likeliest first.
        after: The same after a shift.

    Example:
        >>> tabby, tiger = {"label": "tabby", "probability": 0.46}, {"label": "tiger cat", "probability": 0.38}
        >>> _said([tabby], [tiger])
        'tabby 46% → tiger cat 38%: it changed its mind.'
        >>> _said([tabby], [tabby | {"probability": 0.445}])
        'tabby 46% → 44%: it stays with it.'
    """
    first, now = before[0], after[0]
    if first["label"] == now["label"]:
        return f"{_sure(first)} → {_percent(now)}: it stays with it."
    return f"{_sure(first)} → {_sure(now)}: it changed its mind."


def _told(before: Answers, after: Answers) -> str:
    """Say it in Markdown, where labels are anybody's words."""
    return _said(_escaped(before), _escaped(after)).replace("it changed its mind", "**it changed its mind**")


def _first(before: Answers) -> str:
    return f"It says {_sure(*_escaped(before))}. Move the picture and see."


def _escaped(found: Answers) -> Answers:
    return [{**entry, "label": plain(entry["label"])} for entry in found[:1]]


def _sure(entry: Mapping[str, Any]) -> str:
    return f"{entry['label']} {_percent(entry)}"


def _percent(entry: Mapping[str, Any]) -> str:
    return f"{entry['probability']:.0%}"


def _drawn(before: Answers, after: Answers) -> tuple[list[str], list[float | None], list[float | None]]:
    """The labels to draw, those that were likeliest before and what is first now, with both probabilities."""
    labels = list(dict.fromkeys([*(entry["label"] for entry in before[:_DRAWN]), after[0]["label"]]))
    then, now = ({entry["label"]: float(entry["probability"]) for entry in each} for each in (before, after))
    return labels, [then.get(label) for label in labels], [now.get(label) for label in labels]


@st.cache_resource(max_entries=16, show_spinner=False)
def _seen(digest: str, _pixels: np.ndarray) -> np.ndarray:
    seen = shown_to_shifts(_pixels)
    seen.flags.writeable = False
    return seen


def over_all_shifts(picture: Picture, by: tuple[int, int]) -> None:
    """Show how a network's logits drift while a picture moves straight the way in which the reader moved it most."""
    down, right = by
    axis, pixels = ("down", down) if abs(down) > abs(right) else ("right", right)
    back = pixels < 0
    answer = answered("shift_agreement", picture, tuple(-shift for shift in SHIFTS) if back else SHIFTS)
    if answer is None:
        return
    drift, others = answer[axis]["drift"], sum(not same for same in answer[axis]["agrees"])
    st.header("How often does it change its mind?", anchor=False)
    words = f"Moved {_WAYS[axis][back]} by up to {SHIFTS[-1]} px, its logits drift by up to {max(drift):.3f}"
    words += " of their length"
    plot(
        figures.network_drift(answer, axis, abs(pixels)),
        "pooling_network",
        f"{words}; the first answer is another at {others} of {len(answer['shifts'])} shifts.",
    )
    st.markdown(
        f"{words}. An open circle is a shift at which it changes its mind: {others} of {len(answer['shifts'])} here. "
        f"Over all shifts {' and '.join(ways[back] for ways in _WAYS.values())} it keeps its first answer in "
        f"**{answer['agreement']:.0%}**."
    )
    st.caption(
        f"{BACKBONES[DEFAULT].title}, asked about a picture whose shorter side has 256 pixels. What comes in at the "
        "border was there before."
    )
