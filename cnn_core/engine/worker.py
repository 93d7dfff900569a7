"""What runs inside a worker process: `execute` a run, `answer` a question.

Dask may start a run twice (it retries when a worker dies, and the reconciler resends). That is safe: the claim in the
store makes the newest attempt the only one that can write.
"""

import logging
import os
import pickle
import socket
from dataclasses import dataclass
from typing import Any

from distributed import get_worker

from cnn_core.engine import deaths, jobs, readiness
from cnn_core.engine.errors import AskFailed, on_purpose, sentence
from cnn_core.engine.probes import KILL
from cnn_core.store.records import Run
from cnn_core.store.report import LiveReport, Stopped, how_it_ended
from cnn_core.store.runs import Store
from cnn_core.store.troubles import PATIENCE, patience

log = logging.getLogger(__name__)


def execute(run_id: str) -> None:
    """Train a run to its end; all that it has to say is in the store, for which it waits where that is away."""
    with patience(PATIENCE):
        store = Store.existing()
        try:
            readiness.warmed()
            worker = get_worker()
            run = store.claim(run_id, worker=worker.address)
            if run is not None:
                with deaths.Slip(run=run.id, attempt=run.attempt) as slip:
                    _execute(store, run, worker.memory_manager.memory_limit, slip)
        finally:
            store.close()


def _execute(store: Store, run: Run, memory_limit: int | None, slip: deaths.Slip) -> None:
    if end := _not_again(deaths.known(store, run), run.attempt):
        store.finish(run, "partial" if run.result else "failed", error=end)
        return
    if run.stop_requested:
        kept = "only what was found before is kept" if run.result else "there is nothing to keep"
        store.finish(run, "stopped", error=f"Stopped. Its worker had been lost, so {kept}.")
        return
    log.info("Run %s (%s), attempt %d, begins on %s", run.id, run.kind, run.attempt, socket.gethostname())
    outcome, failure = None, ""

    def abandon() -> None:
        slip.drop()  # it is no death of this run
        os.kill(os.getpid(), KILL)

    with LiveReport(store, run, memory_limit, abandon, slip.further) as report:
        if run.attempt > 1:
            report.update(note=_again(run))
        try:
            outcome = jobs.job(run.kind)(run, store, report)
        except Stopped:
            log.info("Run %s stopped before it had a result", run.id)
        except Exception as error:
            failure = sentence(error)
            if on_purpose(error):
                log.info("Run %s is refused: %s", run.id, failure)
            else:
                log.exception("Run %s failed", run.id)
    if report.lost:
        log.info("Run %s, attempt %d: ended elsewhere meanwhile, nothing is kept of this attempt", run.id, run.attempt)
        return
    _finish(store, run, **how_it_ended(outcome, failure, report.stopped, store.get(run.id).result))
    log.info("Run %s ends: %s", run.id, store.glance(run.id).state)


def _again(run: Run) -> str:
    begin = "after what was found before" if run.result else "from the start"
    return f"The worker was lost while training; this is attempt {run.attempt}, {begin}."


def _not_again(seen: list[deaths.Death], attempt: int) -> str:
    """Say why a run is not tried again; empty if it is."""
    if deaths.too_many(seen):
        return deaths.told(seen)
    if attempt > deaths.MAX_ATTEMPTS:
        return f"Its worker was lost {attempt - 1} times, and nobody saw why. See engine.log, then try again."
    return ""


def _finish(store: Store, run: Run, **ending: Any) -> None:
    try:
        store.finish(run, **ending)
    except TypeError as error:  # the job returned something that is not JSON
        log.exception("The result of run %s cannot be stored", run.id)
        store.finish(run, **how_it_ended(None, sentence(error), False, store.get(run.id).result))


@dataclass(frozen=True)
class Unanswered:
    """Comes in place of an answer. What a task raises Dask logs as an error of its own, with the traceback."""

    error: Exception


def answer(question: str, arguments: bytes, key: str = "") -> Any:
    """Answer a question; its arguments come pickled, so that Dask does not look into them, and Dask's key for it.

    Returns:
        The answer; or Unanswered with a refusal of our own (a ValueError of `cnn_core`), which is no fault of the
        engine's and leaves a line in its log, or with AskFailed, if the function failed otherwise.
    """
    args, kwargs = pickle.loads(arguments)
    try:
        with deaths.Slip(key=key):
            readiness.warmed()
            return jobs.question(question)(*args, **kwargs)
    except Exception as error:
        if on_purpose(error):
            log.info("Question %s is refused: %s", question, error)
            return Unanswered(error)
        log.exception("Question %s failed", question)
        return Unanswered(AskFailed(sentence(error, what="question")))
