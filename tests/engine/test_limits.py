"""What one owner may have at once: from the environment, and a sentence where it is reached."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cnn_core.engine.errors import EngineBusy
from cnn_core.engine.limits import LONG_QUESTIONS, SETTINGS, Limits, counted, limits
from cnn_core.store.settings import SettingRefused


def test_defaults_are_those_of_the_documentation_and_the_environment_changes_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in SETTINGS.values():
        monkeypatch.delenv(variable, raising=False)
    assert limits() == Limits(running=1, queued=5, stored=2_000_000_000, questions=2)
    for variable, value in zip(SETTINGS.values(), ("3", "0", "0.5", "7"), strict=True):
        monkeypatch.setenv(variable, value)
    assert limits() == Limits(running=3, queued=0, stored=500_000_000, questions=7)


@pytest.mark.parametrize("wrong", ["many", "-1", "1.5", "nan", "inf"])
def test_limit_that_is_none_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("CONVSCOPE_LIMIT_QUEUED", wrong)
    words = f"CONVSCOPE_LIMIT_QUEUED is {wrong!r}; expected a whole number, or 0 for no limit."
    with pytest.raises(SettingRefused, match=words.replace(".", r"\.")):
        limits()


def test_long_questions_of_one_owner_are_counted_and_nobody_elses() -> None:
    assert {"layer_times", "effective_field"} <= LONG_QUESTIONS and "classify" not in LONG_QUESTIONS
    with counted("anna", "layer_times"), counted("anna", "effective_field"):
        with pytest.raises(EngineBusy, match=r"^2 of your long questions are being answered, the most"):
            counted("anna", "layer_times").__enter__()
        with counted("anna", "classify"), counted("berta", "layer_times"):
            pass
    with counted("anna", "layer_times"), pytest.raises(ValueError, match="a refusal"), counted("anna", "layer_times"):
        raise ValueError("a refusal")  # leaves nothing counted
    with counted("anna", "layer_times"), counted("anna", "layer_times"):
        pass


def test_no_more_than_the_limit_are_ever_open_at_once() -> None:
    now, most, refused, lock = [0], [0], [0], threading.Lock()

    def ask(_: int) -> None:
        try:
            with counted("anna", "layer_times"):
                with lock:
                    now[0] += 1
                    most[0] = max(most[0], now[0])
                threading.Event().wait(0.002)
                with lock:
                    now[0] -= 1
        except EngineBusy:
            refused[0] += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(64)))
    assert most[0] == 2 and refused[0]


def test_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_LIMIT_QUESTIONS", "0")
    with counted("anna", "layer_times"), counted("anna", "layer_times"), counted("anna", "layer_times"):
        pass
