"""A camera that records while a button, a key or a touch is held; what was recorded arrives as one burst of frames."""

import base64
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cnn_core.pictures.limits import BURST_FRAMES
from ui.widgets.frontend import frontend

WIDTH = 320  # pixels of a frame, at most
RATE = 8  # frames a second

_recorder = frontend(__file__)


class RecordingDamaged(ValueError):
    """What came from the browser is no recording; the text says what to do."""


@dataclass(frozen=True)
class Recording:
    """What was recorded in one go.

    Attributes:
        id: Of the browser's, by which it is told that it was dealt with.
        label: Class, as it was chosen then.
        frames: JPEG files, in order, none nearly the same as another.
        alike: How many more there were, nearly the same as one of these.
    """

    id: str
    label: str
    frames: tuple[bytes, ...]
    alike: int


def waiting(key: str) -> Recording | None:
    """Return what was recorded and not yet dealt with.

    It is there until `dealt_with` says so, whatever else makes the page run anew meanwhile.

    Raises:
        RecordingDamaged: If it is none.
    """
    value = st.session_state.get(key, {}).get("burst")
    if not value or _id(value) == st.session_state.get(f"{key}_taken"):
        return None
    return parsed(value)


def dealt_with(key: str) -> None:
    """Say that what waits was taken, or refused: the browser sends the next."""
    value = st.session_state.get(key, {}).get("burst")
    st.session_state[f"{key}_taken"] = _id(value) if value else ""


def recorder(key: str, *, label: str, recordings: int, needed: int) -> None:
    """Show the camera.

    Args:
        key: Of the widget.
        label: Of what is in front of it; without one nothing is recorded.
        recordings: That the class has.
        needed: That it needs in all.
    """
    _recorder(
        data={
            "label": label,
            "recordings": recordings,
            "needed": needed,
            "width": WIDTH,
            "rate": RATE,
            "most": BURST_FRAMES,
            "taken": st.session_state.get(f"{key}_taken", ""),
        },
        default={"burst": None},
        key=key,
        on_burst_change=lambda: None,
    )


def parsed(value: Any) -> Recording:
    """Read what came from the browser.

    Raises:
        RecordingDamaged: If it is no recording.

    Example:
        >>> parsed({"id": "1", "label": "cup", "frames": ["/9j/"], "alike": 3})
        Recording(id='1', label='cup', frames=(b'\\xff\\xd8\\xff',), alike=3)
    """
    try:
        frames = tuple(base64.b64decode(frame, validate=True) for frame in value["frames"])
        label, alike = value["label"], value["alike"]
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingDamaged("The recording arrived damaged; nothing was added. Record it again.") from error
    if not isinstance(label, str) or not isinstance(alike, int):
        raise RecordingDamaged("The recording arrived damaged; nothing was added. Record it again.")
    if not 0 < len(frames) <= BURST_FRAMES:
        raise RecordingDamaged(
            f"A recording of {len(frames):,} frames was received; 1 to {BURST_FRAMES} are expected. Nothing was added: "
            "record again, and let go earlier."
        )
    return Recording(_id(value), label, frames, alike)


def _id(value: Any) -> str:
    return str(value.get("id", "")) if isinstance(value, dict) else ""
