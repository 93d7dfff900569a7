"""Carry out a run in this process, for the command line: the same job as in a worker, with a bar."""

import os
import sys
from typing import Any, Self

from tqdm import tqdm

from cnn_core.engine import jobs
from cnn_core.engine.errors import sentence
from cnn_core.store.report import LiveReport, how_it_ended
from cnn_core.store.runs import COMMAND_LINE, Run, Store


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
        Whatever the job raises; the run is then failed, and says so in a sentence.
    """
    queued = store.create(kind, spec, title=title, carrier=COMMAND_LINE)
    run = store.claim(queued.id, worker=f"command line, process {os.getpid()}")
    if run is None:
        raise RunTaken(queued.id)
    try:
        with LiveReport(store, run) as report, _Bar(report) as told:
            outcome = jobs.job(kind)(run, store, told)
    except KeyboardInterrupt:
        store.finish(run, "stopped", error="Stopped at the command line before its end; only what was found is kept.")
        raise
    except BaseException as error:
        failed = how_it_ended(None, sentence(error), report.stopped, store.get(run.id).result)
        store.finish(run, **failed)
        raise
    if report.lost or not store.finish(run, **how_it_ended(outcome, "", report.stopped, {})):
        raise RunTaken(run.id)
    return store.get(run.id)


class _Bar:
    """A report that also moves a progress bar."""

    def __init__(self, report: LiveReport) -> None:
        self._report = report
        self._bar = tqdm(
            total=1.0, bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}", disable=not sys.stderr.isatty()
        )

    def update(self, **progress: Any) -> None:
        """Tell the store, and show the fraction and the phase."""
        self._report.update(**progress)
        if "fraction" in progress:
            self._bar.n = progress["fraction"]
            self._bar.set_postfix_str(f"{progress.get('arm', '')} {progress.get('phase', '')}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._report, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
