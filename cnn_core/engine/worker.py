"""What runs inside a worker process: `execute` a run, `answer` a question.

Dask may start a run twice (it retries when a worker dies, and the reconciler resends). That is safe: the claim in the
store makes the newest attempt the only one that can write.
"""

import logging
import os
import pickle
import socket
import time
from dataclasses import dataclass
from typing import Any

from distributed import get_worker

from cnn_core.engine import jobs
from cnn_core.engine.errors import MEMORY_WORDS, AskFailed, on_purpose, sentence
from cnn_core.engine.probes import KILL
from cnn_core.store.report import LiveReport, Stopped, how_it_ended
from cnn_core.store.runs import Run, Store

ATTEMPTS = 2  # a run whose worker died this often is not tried again
PATIENCE_AT_THE_END = (0, 1, 3, 10, 30)  # seconds between tries to write a result that took an hour to learn

log = logging.getLogger(__name__)


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
        store.finish(run, "partial" if run.result else "failed", error=_death(run))
        return
    if run.stop_requested:
        kept = "only what was found before is kept" if run.result else "there is nothing to keep"
        store.finish(run, "stopped", error=f"Stopped. Its worker had been lost, so {kept}.")
        return
    log.info("Run %s (%s), attempt %d, begins on %s", run.id, run.kind, run.attempt, socket.gethostname())
    outcome, failure = None, ""
    with LiveReport(store, run, memory_limit, abandon=_die) as report:
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


def _die() -> None:
    os.kill(os.getpid(), KILL)


def _finish(store: Store, run: Run, **ending: Any) -> None:
    for pause in PATIENCE_AT_THE_END:
        time.sleep(pause)
        try:
            store.finish(run, **ending)
            return
        except TypeError as error:  # the job returned something that is not JSON
            log.exception("The result of run %s cannot be stored", run.id)
            ending = how_it_ended(None, sentence(error), False, store.get(run.id).result)
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


@dataclass(frozen=True)
class Unanswered:
    """Comes in place of an answer. What a task raises Dask logs as an error of its own, with the traceback."""

    error: Exception


def answer(question: str, arguments: bytes) -> Any:
    """Answer a question; its arguments come pickled, so that Dask does not look into them.

    Returns:
        The answer; or Unanswered with a refusal of our own (a ValueError of `cnn_core`), which is no fault of the
        engine's and leaves a line in its log, or with AskFailed, if the function failed otherwise.
    """
    args, kwargs = pickle.loads(arguments)
    try:
        return jobs.question(question)(*args, **kwargs)
    except Exception as error:
        if on_purpose(error):
            log.info("Question %s is refused: %s", question, error)
            return Unanswered(error)
        log.exception("Question %s failed", question)
        return Unanswered(AskFailed(sentence(error, what="question")))
