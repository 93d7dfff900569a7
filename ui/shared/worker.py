"""One way to ask the engine a quick question: waiting is seen, the answer is kept, a refusal is one sentence."""

import hashlib
from contextlib import ExitStack, nullcontext
from operator import attrgetter
from typing import Any

import numpy as np
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.engine.limits import counted
from cnn_core.pictures.images import Picture
from ui.shared.session import visit
from ui.shared.text import asking, plain

GETTING_READY = "The server is still getting its networks ready. On a slow or busy machine this takes a minute or more."
_ANSWERS = 300  # kept for all readers


def ask(
    question: str,
    *about: Any,
    words: str = "Asking the network…",
    timeout: float = 60.0,
    also: Any = None,
    keep: bool = True,
    **more: Any,
) -> Any:
    """Return a worker's answer; the same question about the same things is asked once.

    Args:
        question: A name in `jobs.QUESTIONS`.
        about: For the question; a picture goes as its pixels.
        words: Said while the reader waits; empty where something else tells it.
        timeout: Seconds until it is given up.
        also: What the answer depends on besides, such as the arms that a run has by now.
        keep: Whether the answer is kept; where the caller keeps what is drawn of it, or there are too many, it is not.
        more: For the question.

    Raises:
        EngineError: If there is no answer.
        ValueError: The question's own refusal.
    """
    with st.spinner(asking(words)) if words else nullcontext():
        if not keep:
            return _sent(question, about, more, timeout, visit())
        return _kept(question, about, more, also, timeout, visit())


def answered(question: str, *about: Any, **options: Any) -> Any:
    """Return a worker's answer, or None after saying why there is none; arguments as of `ask`."""
    try:
        return ask(question, *about, **options)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return None


def forget(question: str, *about: Any) -> None:
    """Ask anew when the question comes again."""
    _kept.clear(question, about, {}, None, 0.0, "")


def _exactly(array: np.ndarray) -> tuple[Any, ...]:
    """Know an array by all its numbers; of a large one Streamlit itself looks at some."""
    return array.shape, array.dtype.str, hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


@st.cache_data(
    max_entries=_ANSWERS, show_spinner=False, hash_funcs={Picture: attrgetter("digest"), np.ndarray: _exactly}
)
def _kept(question: str, about: tuple[Any, ...], more: dict[str, Any], also: Any, _timeout: float, _owner: str) -> Any:
    return _sent(question, about, more, _timeout, _owner)


def _sent(question: str, about: tuple[Any, ...], more: dict[str, Any], timeout: float, owner: str) -> Any:
    sent = [each.pixels if isinstance(each, Picture) else each for each in about]
    with (
        ExitStack() as shown,
        counted(owner, question),  # what is kept costs nobody anything, and is not counted
        client.telling(lambda: shown.enter_context(st.spinner(GETTING_READY))),
    ):
        return client.current().ask(question, *sent, timeout=timeout, **more)
