"""What runs inside a worker process: `execute` a run, `answer` a question.

Dask may start a run twice (it retries when a worker dies, and the reconciler resends). That is safe: the claim in the
store makes the newest attempt the only one that can write.
"""

import logging
import os
import pickle
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import psutil
from distributed import get_worker

from cnn_core.engine import jobs
from cnn_core.engine.errors import MEMORY_WORDS, AskFailed, on_purpose, sentence
from cnn_core.engine.probes import KILL
from cnn_core.store.runs import Run, Store, plain

BEAT = 0.25  # seconds between two heartbeats
LOST = 20.0  # seconds for a job to return after its run ended elsewhere; then its process ends itself
ATTEMPTS = 2  # a run whose worker died this often is not tried again
PATIENCE_AT_THE_END = (0, 1, 3, 10, 30)  # seconds between tries to write a result that took an hour to learn

log = logging.getLogger(__name__)


class Report:
    """What a job says of itself while it trains, and hears of the reader's wish to stop.

    A thread writes it to the store every 0.25 s: progress, heartbeat, the question whether to stop, and the fence
    against a newer attempt, in one UPDATE.

    Example:
        >>> import tempfile
        >>> store = Store(tempfile.mkdtemp())
        >>> run = store.claim(store.create("toy", {}, title="toy").id, worker="w1")
        >>> with Report(store, run) as report:
        ...     report.update(epoch=1, epochs=3)
        ...     report.should_stop
        False
        >>> store.get(run.id).progress["epoch"]
        1
    """

    def __init__(
        self, store: Store, run: Run, memory_limit: int | None = None, abandon: Callable[[], None] | None = None
    ) -> None:
        self._store, self._run, self._abandon = store, run, abandon
        self._progress: dict[str, Any] = {"memory_limit": memory_limit}
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
            if self._ended.wait(BEAT):
                return
        # A job that does not notice would block its lane for good, perhaps on a worker that nobody else can reach.
        if not self._ended.wait(LOST) and self._abandon:
            log.error("Run %s ended elsewhere and its job does not return: this worker ends", self._run.id)
            self._abandon()

    def _beat(self) -> None:
        with self._writing:
            with self._changing:
                progress = self._progress | {"memory": self._process.memory_info().rss}
            try:
                answer = self._store.beat(self._run, progress)
            except Exception:  # the database is away for a moment: training goes on, and so do we
                log.exception("Heartbeat of run %s could not be written", self._run.id)
                return
            if answer == "stop":
                self._stop.set()
            elif answer == "lost":
                self._lost.set()


def execute(run_id: str) -> None:
    """Train a run to its end; all that it has to say is in the store."""
    store = Store.default()
    try:
        worker = get_worker()
        run = store.claim(run_id, worker=worker.address)
        if run is not None:
            _execute(store, run, worker.memory_manager.memory_limit)
    finally:
        store.close()


def _execute(store: Store, run: Run, memory_limit: int | None) -> None:
    if run.attempt > ATTEMPTS:
        store.finish(run, "failed", error=_death(run))
        return
    if run.stop_requested:
        store.finish(run, "stopped", error="Stopped. Its worker had been lost, so there is nothing to keep.")
        return
    log.info("Run %s (%s), attempt %d, begins on %s", run.id, run.kind, run.attempt, socket.gethostname())
    result: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    failure = ""
    with Report(store, run, memory_limit, abandon=_die) as report:
        if run.attempt > 1:
            report.update(note=f"The worker was lost while training; this is attempt {run.attempt}, from the start.")
        try:
            result, environment = jobs.job(run.kind)(run, store, report)
        except Exception as error:
            log.exception("Run %s failed", run.id)
            failure = sentence(error)
    if report.lost:
        log.info("Run %s, attempt %d: ended elsewhere meanwhile, nothing is kept of this attempt", run.id, run.attempt)
        return
    state = "failed" if failure else "stopped" if report.stopped else "done"
    _finish(store, run, state, result=result, error=failure, environment=environment)
    log.info("Run %s ends: %s", run.id, state)


def _die() -> None:
    os.kill(os.getpid(), KILL)


def _finish(store: Store, run: Run, state: str, **values: Any) -> None:
    for pause in PATIENCE_AT_THE_END:
        time.sleep(pause)
        try:
            store.finish(run, state, **values)
            return
        except TypeError as error:  # the job returned something that is not JSON
            log.exception("The result of run %s cannot be stored", run.id)
            state, values = "failed", {"error": sentence(error)}
        except Exception:
            log.exception("The end of run %s could not be written", run.id)
    log.error("The end of run %s is lost: the store did not answer", run.id)


def _death(run: Run) -> str:
    # `run.progress` is still what the attempt before wrote last.
    used, limit = run.progress.get("memory"), run.progress.get("memory_limit")
    reason = "A shortage of memory is the usual cause."
    if used and limit:
        near = "probably ran out of memory" if used > 0.7 * limit else "may have run out of memory"
        reason = f"It {near}: at its last report it used {used / 1e9:.1f} of the {limit / 1e9:.1f} GB allowed."
    return f"The worker died twice while training this run. {reason} {MEMORY_WORDS}"


def answer(question: str, arguments: bytes) -> Any:
    """Answer a question; its arguments come pickled, so that Dask does not look into them.

    Raises:
        AskFailed: If the function failed other than by a refusal of our own (a ValueError of `cnn_core`).
    """
    args, kwargs = pickle.loads(arguments)
    try:
        return jobs.question(question)(*args, **kwargs)
    except Exception as error:
        if on_purpose(error):
            raise
        log.exception("Question %s failed", question)
        raise AskFailed(sentence(error, what="question")) from None
