"""The watchman: makes the engine do what the store says.

The store is the truth and the scheduler may forget. One thread compares them every few seconds; several watchmen (of
two web servers, and of the embedded host) do no harm to each other, because every change in the store is conditional.
"""

import logging
import threading
import time
from collections import Counter

from cnn_core.engine.client import Engine
from cnn_core.engine.errors import EngineError
from cnn_core.engine.looks import HERE, Looks
from cnn_core.store.records import ENGINE, Glance
from cnn_core.store.runs import Store

_TICK = 0.4  # seconds between two looks at the store alone
PASS = 3.0  # seconds between two full comparisons
_REACTION = 1.5  # seconds for a job to react to a stop; a job that cannot says so by report.update(reaction=…)
_FAREWELL = 60.0  # seconds for a job that reacted to evaluate and save
_SILENCE = 600.0  # seconds in which no other heartbeat was seen (`looks`), after which a worker is given up
_STALE = 5.0  # seconds in which none was seen, after which nobody carries a run that the scheduler does not know
RESENDS = 10  # a run that was sent so often without a worker taking it up is not sent again

log = logging.getLogger(__name__)


def reconcile(
    engine: Engine,
    store: Store,
    *,
    silence: float = _SILENCE,
    resends: Counter[tuple[str, int]] | None = None,
    looks: Looks = HERE,
) -> None:
    """Compare store and engine once: restart the host, enforce stops, end silent runs, resend forgotten ones.

    Args:
        engine: The engine.
        store: The runs.
        silence: Seconds without a heartbeat that are too long.
        resends: How often each attempt was sent, kept by the caller from pass to pass.
        looks: What was seen of the runs in the passes before.

    Raises:
        EngineError: If the engine cannot be reached; the next pass tries again.
    """
    engine.start()
    _enforce_stops(engine, store, looks)
    runs = store.live()
    if not runs:
        return
    quiet = {run.id: looks.quiet(run.id, (run.attempt, run.beat)) for run in runs}
    known = engine.known([run.id for run in runs])
    resends = Counter() if resends is None else resends
    for run in runs:
        silent = quiet[run.id]
        if run.carrier != ENGINE:
            if silent > silence:
                words = f"The {run.carrier} that carried it out gave no sign of life for {_span(silence)}."
                _give_up(store, run, words)
        elif run.id not in known:
            if run.attempt and silent > _STALE:  # otherwise somebody beats for it, whom the scheduler has forgotten
                _resend(engine, store, run, resends)
        elif run.attempt and silent > silence and engine.executes(run):
            words = f"The worker gave no sign of life for {_span(silence)} and was ended."
            if _give_up(store, run, words):  # first: the engine's retry then finds the run ended
                log.warning("Run %s on %s: silent for %s, ended", run.id, run.worker, _span(silence))
                engine.kill(run)
    _take_turns(engine, store, resends)


def _take_turns(engine: Engine, store: Store, resends: Counter[tuple[str, int]], *, first: bool = False) -> None:
    """Send the runs whose turn it is; with `first` only those that were not sent yet: the others get a pass's time."""
    for run in engine.due():
        if not (first and resends[run.id, run.attempt]):
            _resend(engine, store, run, resends)


def _give_up(store: Store, run: Glance, words: str) -> bool:
    """End a run that nobody carries any more; what it has found is kept."""
    found = store.get(run.id).result
    then = "What it had found by then is kept." if found else "Start the run again."
    return store.end(run, "partial" if found else "failed", f"{words} {then}")


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 60 else f"{seconds:g} s"


def _enforce_stops(engine: Engine, store: Store, looks: Looks = HERE) -> None:
    """End the runs that were asked to stop and did not react, or did not finish within a minute after they did."""
    for run in store.live():
        if run.stop_requested is None:
            continue
        waited = looks.quiet((run.id, "stop"), run.stop_requested)
        if waited <= _REACTION:
            continue
        whole = store.get(run.id)
        progress, kept = whole.progress, "what it had found is kept" if whole.result else "nothing is kept"
        if progress.get("acknowledged"):
            allowed = _FAREWELL
            words = f"Stopped. Saving what was learnt took longer than a minute, so it was given up; {kept}."
        else:
            allowed = progress.get("reaction") or _REACTION
            words = f"Stopped. The worker did not react within {allowed:g} s and was ended; {kept}."
            if run.carrier != ENGINE:  # a process of somebody's, which is not ours to end
                words = f"Stopped. The {run.carrier} did not react within {allowed:g} s; {kept}."
        if waited > allowed and store.end(run, "stopped", words):
            engine.kill(run)


def _resend(engine: Engine, store: Store, run: Glance, resends: Counter[tuple[str, int]]) -> None:
    resends[run.id, run.attempt] += 1
    if resends[run.id, run.attempt] <= RESENDS:
        log.info("Run %s (%s) is sent to a worker", run.id, run.kind)
        engine.send(run.id)
    else:
        words = "The engine was given this run again and again, and no worker took it up. See the workers' log."
        _give_up(store, run, words)


class Reconciler:
    """A thread that reconciles every 3 s; in between it enforces stops and lets runs begin whose turn it is."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        *,
        silence: float = _SILENCE,
        every: float = PASS,
        looks: Looks = HERE,
    ) -> None:
        self._looks = looks
        self._engine, self._store, self._silence, self._every = engine, store, silence, every
        self._resends: Counter[tuple[str, int]] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="engine-reconciler", daemon=True)
        self._complaint = ""

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the pass under way."""
        self._ended.set()
        self._thread.join(timeout=10)

    def _watch(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(_TICK):
            try:
                if time.monotonic() < due:
                    _enforce_stops(self._engine, self._store, self._looks)
                    _take_turns(self._engine, self._store, self._resends, first=True)
                else:
                    due = time.monotonic() + self._every
                    reconcile(
                        self._engine, self._store, silence=self._silence, resends=self._resends, looks=self._looks
                    )
                    self._complaint = ""
            except Exception as error:
                self._complain(error)

    def _complain(self, error: Exception) -> None:
        # Once for the same trouble, not three times a second; a trouble of our own with its traceback.
        if str(error) != self._complaint:
            log.warning("Reconciling failed, trying again: %s", error, exc_info=not isinstance(error, EngineError))
            self._complaint = str(error)
