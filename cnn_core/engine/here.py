"""Carry out a run in this process, for the command line: the same job as in a worker, with a bar."""

import os
import sys
from typing import Any

from tqdm import tqdm

from cnn_core.engine import jobs
from cnn_core.engine.errors import sentence
from cnn_core.store.runs import Run, Store


def carry_out(store: Store, kind: str, spec: dict[str, Any], title: str) -> Run:
    """Create a run, do its job, and return it, done.

    Args:
        store: Where the run is kept.
        kind: A key of `jobs.JOBS`.
        spec: Of the run, plain JSON.
        title: Of the run.

    Raises:
        Whatever the job raises; the run is then failed, and says so in a sentence.
    """
    from cnn_core.engine.worker import Report

    run = store.claim(store.create(kind, spec, title=title).id, worker=f"command line, process {os.getpid()}")
    assert run is not None
    try:
        with Report(store, run) as report, _Bar(report):
            result, environment = jobs.job(kind)(run, store, report)
    except KeyboardInterrupt:
        store.finish(run, "stopped", error="Stopped at the command line before it had a result; nothing was kept.")
        raise
    except BaseException as error:
        store.finish(run, "failed", error=sentence(error))
        raise
    store.finish(run, "done", result=result, environment=environment)
    return store.get(run.id)


class _Bar:
    """A progress bar fed by what the job reports."""

    def __init__(self, report: Any) -> None:
        self._bar = tqdm(
            total=1.0, bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}", disable=not sys.stderr.isatty()
        )
        self._update, report.update = report.update, self._report

    def _report(self, **progress: Any) -> None:
        self._update(**progress)
        if "fraction" in progress:
            self._bar.n = progress["fraction"]
            self._bar.set_postfix_str(f"{progress.get('arm', '')} {progress.get('phase', '')}")

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._bar.close()
