"""Who died, and of what: a nanny that only remembers, its slips, and the words."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cnn_core.engine import deaths
from cnn_core.engine.deaths import Death, Slip, too_many
from cnn_core.engine.worker import _not_again
from cnn_core.store.runs import Store
from tests.waiting import eventually


class Nanny:
    """As much of Dask's as a witness needs; its event loop calls at once."""

    def __init__(self, folder: Path) -> None:
        self.env: dict[str, str] = {}
        self.local_directory = str(folder)
        self.name, self.status = "run-0", SimpleNamespace(name="running")
        self.memory_manager = SimpleNamespace(_last_terminated_pid=-1, memory_limit=10**9)
        self.process: Any = None
        self.loop = SimpleNamespace(add_callback=lambda function, *args: function(*args))
        self.passed_on: list[int] = []
        self.events: list[tuple[str, dict[str, str]]] = []
        deaths.dask_setup(self)

    def _on_worker_exit_sync(self, exitcode: int) -> None:
        self.passed_on.append(exitcode)

    async def instantiate(self) -> str:
        return "running"

    def log_event(self, topic: str, message: dict[str, str]) -> None:
        self.events.append((topic, message))

    def end(self, exitcode: int) -> None:
        """Have the worker end, and wait until the nanny may go on."""
        before = len(self.passed_on)
        self._on_worker_exit_sync(exitcode)
        eventually(lambda: len(self.passed_on) > before)
        assert not Path(self.env[deaths.SLIP]).exists(), "the next worker begins without one"


@pytest.fixture
def nanny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nanny:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path))
    monkeypatch.setattr(deaths, "out_of_memory_kills", lambda: 3)
    found = Nanny(tmp_path)
    monkeypatch.setenv(deaths.SLIP, found.env[deaths.SLIP])
    assert tmp_path in Path(found.env[deaths.SLIP]).parents, "not in /tmp, which may be cleared meanwhile"
    return found


def lost(nanny: Nanny, exitcode: int = -9, used: float = 0, further: bool = False) -> list[str]:
    """Have a worker end that carries a run; return what is known of the run's deaths then."""
    store = Store.default()
    run = store.claim(store.create("toy", {}, title="toy").id, worker="w")
    assert run
    store.beat(run, {"memory": used})
    slip = Slip(run=run.id, attempt=run.attempt).__enter__()
    if further:
        slip.further()
    nanny.end(exitcode)
    again = store.claim(run.id, worker="next")
    assert again
    known = deaths.known(store, again)
    assert not known or known[0].further == further
    store.close()
    return [str(death) for death in known]


def test_cause_is_what_was_seen(nanny: Nanny, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lost(nanny) == ["ended with signal 9"], "nobody saw a want of memory"
    assert lost(nanny, used=0.95e9) == ["ended with signal 9 when it used 0.9 of the 1.0 GB allowed"]
    assert lost(nanny, -11, used=0.95e9) == ["ended with signal 11"]
    assert lost(nanny, 3) == ["ended with exit code 3"]
    counted = iter([3, 4])  # when the slip is written, and when the worker has ended
    monkeypatch.setattr(deaths, "out_of_memory_kills", lambda: next(counted))
    assert lost(nanny) == ["was ended by the system, which had no memory left"]


def test_limit_is_the_cause_if_the_nanny_ended_it_for_that(nanny: Nanny) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deaths.os, "getpid", lambda: 77)
        nanny.memory_manager._last_terminated_pid = 77
        assert lost(nanny, -15) == ["reached its memory limit of 1.0 GB and was ended"]
    assert lost(nanny, -15) == [], "of a worker before"


@pytest.mark.parametrize("exitcode", [0, -15, -2])
def test_end_in_order_is_no_death(nanny: Nanny, exitcode: int) -> None:
    assert lost(nanny, exitcode) == []


def test_restart_and_closing_are_no_death_even_if_they_take_force(nanny: Nanny) -> None:
    nanny.status.name = "closing_gracefully"
    assert lost(nanny, -9) == []
    nanny.status.name = "running"
    assert lost(nanny, -9) == ["ended with signal 9"]


def test_worker_without_a_slip_carried_nothing(nanny: Nanny, tmp_path: Path) -> None:
    nanny.end(-9)
    with Slip(run="abc", attempt=1):
        assert json.loads(Path(nanny.env[deaths.SLIP]).read_text())["run"] == "abc"
    nanny.end(-9)
    assert nanny.events == [] and not (tmp_path / "objects").exists()


def test_death_at_a_question_is_told_to_its_asker(nanny: Nanny) -> None:
    Slip(key="ask-1").__enter__()
    nanny.end(-11)
    assert nanny.events == [(deaths.TOPIC, {"key": "ask-1", "words": "ended with signal 11"})]


def test_worker_starts_again_even_if_the_store_takes_nothing(nanny: Nanny, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "write", full)
    assert lost(nanny) == []


def test_run_is_given_up_in_words_that_were_seen(nanny: Nanny) -> None:
    killed, limit = Death("signal", 9), Death("limit", 15, limit=2 * 10**9)
    assert _not_again([], 2) == _not_again([killed], 2) == ""
    assert _not_again([killed, killed], 3) == "Its worker ended with signal 9, twice."
    assert "memory" not in _not_again([killed, killed], 3)
    assert _not_again([killed, limit], 3) == (
        "Its worker ended with signal 9, and the next one reached its memory limit of 2.0 GB and was ended. "
        "Use fewer or smaller pictures, a smaller model or a smaller batch."
    )
    assert _not_again([], 21) == ("Its worker was lost 20 times, and nobody saw why. See engine.log, then try again.")


def test_death_after_something_new_was_kept_counts_anew(nanny: Nanny) -> None:
    assert lost(nanny, further=True) == ["ended with signal 9"]
    killed, further = Death("signal", 9), Death("signal", 9, further=True)
    assert not too_many([further] * 9) and not too_many([killed, further]) and too_many([further, killed])
