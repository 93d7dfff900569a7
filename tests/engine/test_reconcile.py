"""The watchman alone: what it resends, ends and leaves alone, with an engine that only remembers what it is told."""

import time
from collections import Counter
from collections.abc import Callable

import pytest

from cnn_core.engine import reconcile as watchman
from cnn_core.engine import turns
from cnn_core.engine.looks import BLIND, Looks
from cnn_core.store.records import COMMAND_LINE, Glance, Run
from cnn_core.store.runs import Store

pytestmark = pytest.mark.filterwarnings("error")


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


Look = Callable[..., None]


class Clock:
    """A watchman's own, which goes on when it is told to; the first look is at 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = Looks(clock=lambda: self.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begun(store: Store, **options: str) -> Run:
    run = store.claim(store.create("toy", {}, title="toy", **options).id, worker="somebody")
    assert run
    return run


@pytest.fixture
def look(store: Store, clock: Clock) -> Look:
    """Have the watchman look every 3 s until it is so many seconds later."""

    def until(engine: Told, seconds: float = 0.0) -> None:
        while True:
            watchman.reconcile(engine, store, looks=clock.looks)  # type: ignore[arg-type]
            if clock.now >= seconds:
                return
            clock.now = min(clock.now + watchman.PASS, seconds)

    return until


def test_run_of_the_command_line_is_never_sent_nor_killed(store: Store, look: Look) -> None:
    engine, queued = Told(store), store.create("toy", {}, title="not claimed yet", carrier=COMMAND_LINE)
    run = begun(store, carrier=COMMAND_LINE)
    for seconds in (0, 6, 599):  # fresh, stale, all but silent
        look(engine, seconds)
    assert (engine.sent, engine.killed) == ([], [])
    assert (store.glance(run.id).state, store.glance(queued.id).state) == ("running", "queued")


def test_silent_run_of_the_command_line_ends_in_words(store: Store, look: Look) -> None:
    engine, run, other = Told(store), begun(store, carrier=COMMAND_LINE), begun(store, carrier=COMMAND_LINE)
    store.beat(other, {}, {"first": 0.5})
    look(engine, 601)
    ended, kept = store.get(run.id), store.get(other.id)
    words = "The command line that carried it out gave no sign of life for 10 minutes."
    assert (ended.state, ended.error) == ("failed", f"{words} Start the run again.")
    assert (kept.state, kept.error) == ("partial", f"{words} What it had found by then is kept.")
    assert kept.result == {"first": 0.5}
    assert (engine.sent, engine.killed) == ([], [])


def test_run_that_the_scheduler_forgot_is_sent_when_nobody_beats_for_it(store: Store, look: Look) -> None:
    engine, run = Told(store), begun(store)
    look(engine)
    look(engine, 4.5)
    assert engine.sent == []
    look(engine, 5.5)
    assert engine.sent == [run.id]


@pytest.mark.parametrize("minutes", [11, -11])
def test_clocks_of_two_machines_are_never_compared(
    store: Store, look: Look, monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    """The worker beats by its own clock, which is 11 minutes from the watchman's, and then no more."""
    engine, run, real = Told(store), begun(store), time.time
    engine.scheduled.add(run.id)
    for second in range(3, 30, 3):  # the last beat is seen at 24 s, before the clock goes on
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("cnn_core.store.runs.time.time", lambda at=second: real() + 60 * minutes + at)
            store.beat(run, {})
        look(engine, second)
    assert (store.glance(run.id).state, engine.killed, engine.sent) == ("running", [], [])
    look(engine, 24 + 599)
    assert store.glance(run.id).state == "running"
    look(engine, 24 + 603)
    assert store.glance(run.id).state == "failed" and engine.killed == [run.id]


def test_watchman_that_could_not_look_begins_anew(store: Store, look: Look, clock: Clock) -> None:
    """The database was away for an hour: nobody could write a heartbeat either."""
    engine, run = Told(store), begun(store)
    engine.scheduled.add(run.id)
    look(engine, 300)
    clock.now += 3600 + BLIND
    look(engine, clock.now)
    assert (store.glance(run.id).state, engine.killed) == ("running", [])
    look(engine, clock.now + 603)
    assert engine.killed == [run.id]


def test_run_that_nobody_took_up_is_sent_at_once(store: Store, look: Look) -> None:
    engine, run = Told(store), store.create("toy", {}, title="toy")
    look(engine)
    assert engine.sent == [run.id]
    engine.scheduled.add(run.id)
    look(engine)
    assert engine.sent == [run.id]


def test_run_that_is_sent_in_vain_ends_in_words(store: Store) -> None:
    engine, run, resends = Told(store), store.create("toy", {}, title="toy"), Counter[tuple[str, int]]()
    for _ in range(watchman.RESENDS + 1):
        watchman.reconcile(engine, store, resends=resends)  # type: ignore[arg-type]
    assert engine.sent == [run.id] * watchman.RESENDS
    ended = store.glance(run.id)
    assert ended.state == "failed"
    assert ended.error.startswith("The engine was given this run again and again, and no worker took it up.")


def test_silent_worker_is_ended_and_what_it_found_is_kept(store: Store, look: Look) -> None:
    engine, run = Told(store), begun(store)
    engine.scheduled.add(run.id)
    store.beat(run, {}, {"first": 0.5})
    look(engine, 601)
    ended = store.get(run.id)
    assert (ended.state, ended.result) == ("partial", {"first": 0.5})
    assert ended.error == (
        "The worker gave no sign of life for 10 minutes and was ended. What it had found by then is kept."
    )
    assert engine.killed == [run.id]


def test_stop_that_the_command_line_does_not_hear_ends_its_run(store: Store, look: Look) -> None:
    engine, run = Told(store), begun(store, carrier=COMMAND_LINE)
    store.request_stop(run.id)
    look(engine, 1)
    assert store.glance(run.id).state == "stopping"
    look(engine, 3)
    ended = store.glance(run.id)
    assert (ended.state, ended.error) == (
        "stopped",
        "Stopped. The command line did not react within 1.5 s; nothing is kept.",
    )
    assert store.beat(run, {}) == "lost"
