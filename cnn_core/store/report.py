"""What a job tells of itself while it goes on and hears of the reader's wish to stop; and how it ends.

A job is `def job(run: Run, store: Store, report: Report) -> Outcome`. Who carries it out (a worker of the engine, the
command line, a test) gives it a report; in the store's, `LiveReport`, all goes into the run's row.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

import psutil

from cnn_core.store.records import Run, plain
from cnn_core.store.runs import Store
from cnn_core.store.troubles import patience

_BEAT = 0.25  # seconds between two heartbeats
LOST = 20.0  # seconds for a job to return after its run ended elsewhere; then its process may be abandoned

log = logging.getLogger(__name__)


class Stopped(Exception):
    """The reader stopped the run before there was anything to keep."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        result: What it has found, plain JSON.
        environment: Versions and devices.
        trouble: What failed while the rest is worth having, as a sentence: the run is then done in part.
    """

    result: Mapping[str, Any]
    environment: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""


class Report(Protocol):
    """What a job tells and hears."""

    def update(self, **progress: Any) -> None:
        """Merge JSON values into the run's progress; cheap, from any thread."""

    def found(self, result: Mapping[str, Any]) -> None:
        """Hand over all that is known so far: it is kept, whatever happens to the job afterwards."""

    @property
    def should_stop(self) -> bool:
        """True when the job should evaluate and save what was learnt so far, and return."""

    @property
    def lost(self) -> bool:
        """True when the run ended or another attempt took over: nothing that this job writes counts any more."""


def how_it_ended(outcome: Outcome | None, failure: str, stopped: bool, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `Store.finish` is to write.

    Args:
        outcome: What the job returned; None if it raised something.
        failure: What it raised, as a sentence; empty if that was `Stopped`.
        stopped: It was asked to stop, and heard it.
        found: What it had handed over before it failed.

    Example:
        >>> how_it_ended(Outcome({"a": 1}, trouble="b did not fit."), "", False, {})["state"]
        'partial'
        >>> how_it_ended(None, "The memory did not suffice.", False, {})["state"]
        'failed'
        >>> how_it_ended(None, "", True, {})
        {'state': 'stopped', 'error': 'Stopped before there was anything to keep.'}
    """
    if outcome is None and not failure:
        words = "before its end; what was found by then is kept." if found else "before there was anything to keep."
        return {"state": "stopped", "error": f"Stopped {words}"}
    if outcome is None:
        return {"state": "partial" if found else "failed", "error": failure}
    state = "stopped" if stopped else "partial" if outcome.trouble else "done"
    return {
        "state": state,
        "error": outcome.trouble,
        "result": outcome.result,
        "environment": outcome.environment,
    }


class LiveReport:
    """A report that a thread writes to the store every 0.25 s.

    Progress, heartbeat, the question whether to stop, what was found, and the fence against a newer attempt: all in one
    UPDATE.

    Args:
        store: Holds the run.
        run: As it was claimed.
        memory_limit: Bytes that the process may use, for the words about its death.
        abandon: Called when the run is lost and the job does not return within LOST seconds.
        kept: Called when something is kept with which a next attempt would begin: what was found, or, told by
            `update(kept=…)`, a checkpoint.

    Example:
        >>> import tempfile
        >>> store = Store(tempfile.mkdtemp())
        >>> run = store.claim(store.create("toy", {}, title="toy").id, worker="w1")
        >>> with LiveReport(store, run) as report:
        ...     report.update(epoch=1, epochs=3)
        ...     report.found({"first": 0.5})
        ...     report.should_stop
        False
        >>> store.get(run.id).progress["epoch"], store.get(run.id).result
        (1, {'first': 0.5})
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        memory_limit: int | None = None,
        abandon: Callable[[], None] | None = None,
        kept: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._run, self._abandon, self._kept = store, run, abandon, kept
        self._progress: dict[str, Any] = {"memory_limit": memory_limit}
        self._found: Mapping[str, Any] | None = None
        self._process = psutil.Process()
        self._changing, self._writing = threading.Lock(), threading.Lock()
        self._stop, self._lost, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, name=f"beat-{run.id}", daemon=True)
        self.stopped = False  # the job has heard that it should stop

    def update(self, **progress: Any) -> None:
        """Merge JSON values into the run's progress; cheap, from any thread."""
        progress = plain(progress)  # here, so that a value of no use fails in the job and not in the heartbeat
        with self._changing:
            self._progress.update(progress)
        if "kept" in progress:
            self._kept()

    def found(self, result: Mapping[str, Any]) -> None:
        """Hand over all that is known so far: it is kept with the next heartbeat."""
        result = plain(result)
        with self._changing:
            self._found = result

    @property
    def should_stop(self) -> bool:
        """True when the job should evaluate and save what was learnt so far, and return.

        Reading True is the acknowledgement: from then on the job has a minute before its worker is ended.
        """
        if self._stop.is_set() and not self.stopped:
            self.stopped = True
            self.update(acknowledged=True)
            self._beat()
        return self.stopped or self.lost

    @property
    def lost(self) -> bool:
        """True when the run ended or another attempt took over: nothing that this job writes counts any more."""
        return self._lost.is_set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        if not self.lost:
            self._beat()  # the last words

    def _keep_beating(self) -> None:
        while not self.lost:
            self._beat()
            if self._ended.wait(_BEAT):
                return
        # A job that does not notice would block its lane for good, perhaps on a worker that nobody else can reach.
        if not self._ended.wait(LOST) and self._abandon:
            log.error("Run %s ended elsewhere and its job does not return: this worker ends", self._run.id)
            self._abandon()

    def _beat(self) -> None:
        with self._writing:
            with self._changing:
                progress = self._progress | {"memory": self._process.memory_info().rss}
                found, self._found = self._found, None
            try:
                with patience(0):  # the next one comes soon
                    answer = self._store.beat(self._run, progress, found)
            except Exception:  # the database is away for a moment: training goes on, and so do we
                log.exception("Heartbeat of run %s could not be written", self._run.id)
                with self._changing:
                    self._found = found if self._found is None else self._found
                return
            if found is not None:
                self._kept()
            if answer == "stop":
                self._stop.set()
            elif answer == "lost":
                self._lost.set()
