"""The watchman alone: what it resends, ends and leaves alone, with an engine that only remembers what it is told."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from cnn_core.engine import reconcile as watchman
from cnn_core.engine import turns
from cnn_core.store.runs import COMMAND_LINE, Glance, Run, Store

pytestmark = [pytest.mark.timeout(60), pytest.mark.filterwarnings("error")]


class Told:
    """Stands in for the engine."""

    def __init__(self, store: Store, free: int = 1) -> None:
        self.store, self.free = store, free
        self.scheduled: set[str] = set()
        self.sent: list[str] = []
        self.killed: list[str] = []

    def start(self) -> None:
        pass

    def known(self, run_ids: list[str]) -> set[str]:
        return self.scheduled & set(run_ids)

    def executes(self, run: Glance) -> bool:
        return run.id in self.scheduled

    def due(self) -> list[Glance]:
        return turns.next_runs(self.store.live(), self.scheduled, self.free, 1)

    def send(self, run_id: str) -> bool:
        self.sent.append(run_id)
        return True

    def kill(self, run: Glance) -> bool:
        self.killed.append(run.id)
        return True


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Have the watchman believe that it is so many seconds later."""
    begin = watchman.time.time()

    def set_clock(seconds: float) -> None:
        monkeypatch.setattr(watchman, "time", SimpleNamespace(time=lambda: begin + seconds))

    return set_clock


def begun(store: Store, **options: str) -> Run:
    run = store.claim(store.create("toy", {}, title="toy", **options).id, worker="somebody")
    assert run
    return run


def look(engine: Told, store: Store, silence: float = 600.0) -> None:
    watchman.reconcile(engine, store, silence=silence)  # type: ignore[arg-type]


def test_run_of_the_command_line_is_never_sent_nor_killed(store: Store, later: Callable[[float], None]) -> None:
    engine, queued = Told(store), store.create("toy", {}, title="not claimed yet", carrier=COMMAND_LINE)
    run = begun(store, carrier=COMMAND_LINE)
    for seconds in (0, 6, 599):  # fresh, stale, all but silent
        later(seconds)
        look(engine, store)
    assert (engine.sent, engine.killed) == ([], [])
    assert (store.glance(run.id).state, store.glance(queued.id).state) == ("running", "queued")


def test_silent_run_of_the_command_line_ends_in_words(store: Store, later: Callable[[float], None]) -> None:
    engine, run, other = Told(store), begun(store, carrier=COMMAND_LINE), begun(store, carrier=COMMAND_LINE)
    store.beat(other, {}, {"first": 0.5})
    later(601)
    look(engine, store)
    ended, kept = store.get(run.id), store.get(other.id)
    words = "The command line that carried it out gave no sign of life for 10 minutes."
    assert (ended.state, ended.error) == ("failed", f"{words} Start the run again.")
    assert (kept.state, kept.error) == ("partial", f"{words} What it had found by then is kept.")
    assert kept.result == {"first": 0.5}
    assert (engine.sent, engine.killed) == ([], [])


def test_run_that_the_scheduler_forgot_is_sent_when_nobody_beats_for_it(
    store: Store, later: Callable[[float], None]
) -> None:
    engine, run = Told(store), begun(store)
    look(engine, store)
    later(4.5)
    look(engine, store)
    assert engine.sent == []
    later(5.5)
    look(engine, store)
    assert engine.sent == [run.id]


def test_run_that_nobody_took_up_is_sent_at_once(store: Store) -> None:
    engine, run = Told(store), store.create("toy", {}, title="toy")
    look(engine, store)
    assert engine.sent == [run.id]
    engine.scheduled.add(run.id)
    look(engine, store)
    assert engine.sent == [run.id]


def test_run_that_is_sent_in_vain_ends_in_words(store: Store) -> None:
    engine, run, resends = Told(store), store.create("toy", {}, title="toy"), Counter[tuple[str, int]]()
    for _ in range(watchman.RESENDS + 1):
        watchman.reconcile(engine, store, resends=resends)  # type: ignore[arg-type]
    assert engine.sent == [run.id] * watchman.RESENDS
    ended = store.glance(run.id)
    assert ended.state == "failed"
    assert ended.error.startswith("The engine was given this run again and again, and no worker took it up.")


def test_silent_worker_is_ended_and_what_it_found_is_kept(store: Store, later: Callable[[float], None]) -> None:
    engine, run = Told(store), begun(store)
    engine.scheduled.add(run.id)
    store.beat(run, {}, {"first": 0.5})
    later(601)
    look(engine, store)
    ended = store.get(run.id)
    assert (ended.state, ended.result) == ("partial", {"first": 0.5})
    assert ended.error == (
        "The worker gave no sign of life for 10 minutes and was ended. What it had found by then is kept."
    )
    assert engine.killed == [run.id]


def test_stop_that_the_command_line_does_not_hear_ends_its_run(store: Store, later: Callable[[float], None]) -> None:
    engine, run = Told(store), begun(store, carrier=COMMAND_LINE)
    store.request_stop(run.id)
    later(1)
    look(engine, store)
    assert store.glance(run.id).state == "stopping"
    later(3)
    look(engine, store)
    ended = store.glance(run.id)
    assert (ended.state, ended.error) == (
        "stopped",
        "Stopped. The command line did not react within 1.5 s; nothing is kept.",
    )
    assert store.beat(run, {}) == "lost"
