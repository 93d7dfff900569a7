"""Carry out a run in this process, for the command line: the same job as in a worker, with a bar."""

import contextlib
import logging
import os
from typing import Any

from cnn_core.engine import jobs
from cnn_core.engine.errors import on_purpose, sentence
from cnn_core.engine.progress import Progress
from cnn_core.engine.quiet import quiet
from cnn_core.store.records import COMMAND_LINE, Run
from cnn_core.store.report import LiveReport, Stopped, how_it_ended
from cnn_core.store.runs import Store
from cnn_core.store.troubles import PATIENCE, patience

_DETAILS = "Details stand in the terminal where the command was given."

log = logging.getLogger(__name__)


class RunTaken(RuntimeError):
    """The run ended or was taken over while it was carried out here; what was computed is not kept."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        return (
            f"Run {self.run_id} was ended or taken over by another process while it was computed here, so its result "
            "is not this command's. Look at it in the app, or run the command again."
        )


@patience(PATIENCE)
def carry_out(store: Store, kind: str, spec: dict[str, Any], title: str) -> Run:
    """Create a run, do its job, and return it, ended.

    Args:
        store: Where the run is kept; an engine that works for it leaves the run alone.
        kind: A key of `jobs.JOBS`.
        spec: Of the run, plain JSON.
        title: Of the run.

    Returns:
        The run: done, done in part (`error` says what failed), or stopped by somebody in the app.

    Raises:
        RunTaken: If the run was ended or taken over meanwhile.
        Whatever the job raises before it has found anything; the run is then failed, and says so in a sentence.
    """
    with quiet():  # TensorFlow comes with it
        job = jobs.job(kind)
    queued = store.create(kind, spec, title=title, carrier=COMMAND_LINE)
    run = store.claim(queued.id, worker=f"command line, process {os.getpid()}")
    if run is None:
        raise RunTaken(queued.id)
    report, outcome, failure = LiveReport(store, run), None, ""
    try:
        try:
            with report, Progress() as progress, contextlib.suppress(Stopped):
                outcome = job(run, store, _Shown(report, progress))
        except Exception as error:
            if report.lost or not store.get(run.id).result:
                raise
            if not on_purpose(error):
                log.exception("Run %s is done in part", run.id)
            failure = sentence(error, details=_DETAILS)
        found = store.get(run.id).result
        kept = not report.lost and store.finish(run, **how_it_ended(outcome, failure, report.stopped, found))
    except KeyboardInterrupt:
        words = "before it had a result; nothing was kept."
        if store.get(run.id).result:
            words = "before its end; what was found by then is kept."
        store.finish(run, "stopped", error=f"Stopped at the command line {words}")
        raise
    except BaseException as error:
        if report.lost:
            raise RunTaken(run.id) from error
        store.finish(run, **how_it_ended(None, sentence(error, details=_DETAILS), report.stopped, {}))
        raise
    if not kept:
        raise RunTaken(run.id)
    return store.get(run.id)


def shortfall(run: Run) -> str:
    """Return what a run that `carry_out` returned lacks, as a sentence; empty if it is done.

    Example:
        >>> import tempfile
        >>> store = Store(tempfile.mkdtemp())
        >>> run = store.claim(store.create("toy", {}, title="toy").id, worker="w1")
        >>> store.finish(run, "partial", error="The arm b did not fit into memory.")
        True
        >>> shortfall(store.get(run.id))
        'The arm b did not fit into memory.'
    """
    if run.state == "stopped":
        return run.error or "Stopped by somebody in the app; the figures are of what was learnt until then."
    return run.error


class _Shown:
    """A report that also shows how far the job is."""

    def __init__(self, report: LiveReport, progress: Progress) -> None:
        self._report, self._progress = report, progress

    def update(self, **progress: Any) -> None:
        """Tell the store, and show the fraction and the phase."""
        self._report.update(**progress)
        if "fraction" in progress:
            words = f"{progress.get('arm', '')} {progress.get('phase', '')}"
            self._progress.show(progress["fraction"], words.strip())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._report, name)
