"""One way to ask the engine: once for the same things, a refusal as a sentence, nothing kept of a failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineUnreachable
from cnn_core.pictures.bundled import BUNDLED
from ui.shared import worker

LARGE = np.zeros((400, 700, 3), np.uint8)  # of which Streamlit's own key looks at some numbers only


@pytest.fixture
def asked(engine: Any) -> Iterator[list[tuple[Any, ...]]]:
    st.cache_data.clear()
    seen: list[tuple[Any, ...]] = []

    def ask(question: str, *about: Any, **more: Any) -> Any:
        seen.append((question, about, more))
        if isinstance(answer := engine.answers.get(question, len(seen)), Exception):
            raise answer
        return answer

    engine.ask = ask
    yield seen
    st.cache_data.clear()


def test_same_question_about_the_same_things_is_asked_once(asked: list[Any]) -> None:
    assert [worker.ask("sum", LARGE.copy(), 2, timeout=timeout) for timeout in (5.0, 9.0)] == [1, 1]
    assert worker.ask("sum", LARGE, 3) == 2 and worker.ask("sum", LARGE, 2, also=("frozen",)) == 3
    assert worker.ask("sum", LARGE, 2, location="elsewhere") == 4
    assert asked[0][2] == {"timeout": 5.0} and asked[-1][2] == {"timeout": 60.0, "location": "elsewhere"}


def test_one_changed_number_of_a_large_array_is_another_question(asked: list[Any]) -> None:
    worker.ask("sum", LARGE)
    for place in ((0, 0, 0), (399, 699, 2), (17, 303, 1)):
        other = LARGE.copy()
        other[place] = 1
        worker.ask("sum", other)
    worker.ask("sum", LARGE.astype(np.int8))
    assert len(asked) == 5


def test_picture_is_known_by_its_digest_and_goes_as_its_pixels(asked: list[Any]) -> None:
    cat, coffee = BUNDLED["chelsea"].load(), BUNDLED["coffee"].load()
    assert worker.ask("look", cat) == worker.ask("look", BUNDLED["chelsea"].load()) != worker.ask("look", coffee)
    assert np.array_equal(asked[0][1][0], cat.pixels)


def test_failure_is_not_kept_and_the_next_answer_is(asked: list[Any], engine: Any) -> None:
    engine.answers["sum"] = EngineUnreachable("The engine cannot be reached.")
    with pytest.raises(EngineUnreachable, match="cannot be reached"):
        worker.ask("sum", 1)
    assert worker.answered("sum", 1) is None
    engine.answers["sum"] = ValueError("too large")
    assert worker.answered("sum", 1) is None
    engine.answers["sum"] = 7
    assert worker.answered("sum", 1) == 7


def test_reader_is_told_that_the_server_is_getting_ready(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    @contextmanager
    def spinner(words: str) -> Iterator[None]:
        shown.append(words)
        yield
        shown.remove(words)

    def ask(*_: Any, **__: Any) -> list[str]:
        tell = client._tell.get()
        assert tell
        tell()
        return shown[:]

    monkeypatch.setattr(st, "spinner", spinner)
    engine.ask = ask
    assert worker.ask("sum", 1, words="", keep=False) == [worker.GETTING_READY]
    assert not shown and client._tell.get() is None


def test_forgotten_answer_is_asked_anew(asked: list[Any]) -> None:
    assert [worker.ask("time", 3, 4), worker.ask("time", 3, 5)] == [1, 2]
    worker.forget("time", 3, 4)
    assert [worker.ask("time", 3, 4), worker.ask("time", 3, 5)] == [3, 2]
