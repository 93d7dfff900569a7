"""What the tests of the studies share: a report that remembers, and a whole small run."""

import importlib
from collections.abc import Callable
from typing import Any

from cnn_core.store.runs import Run, Store, plain
from cnn_core.training.studies.published import STUDIES


class Listening:
    """Remembers what it is told; asks to stop when `stop_when` says so of the progress."""

    def __init__(self, stop_when: Callable[[dict[str, Any]], bool] = lambda progress: False) -> None:
        self.told: list[dict[str, Any]] = []
        self.progress: dict[str, Any] = {}
        self.stop_when, self.should_stop = stop_when, False

    def update(self, **progress: Any) -> None:
        self.told.append(plain(progress))
        self.progress.update(self.told[-1])
        self.should_stop = self.should_stop or self.stop_when(self.progress)

    @property
    def fractions(self) -> list[float]:
        return [told["fraction"] for told in self.told if "fraction" in told]


def carry_out(store: Store, study: str, report: Listening, **options: Any) -> Run:
    """Run a study with these options, otherwise its defaults; its end is in the store."""
    job = importlib.import_module(f"cnn_core.training.studies.{study}_job")
    run = store.claim(store.create(study, STUDIES[study](**options).to_json(), title=study).id, worker="test")
    assert run
    result, environment = job.run(run, store, report)
    state = "stopped" if report.should_stop else "done"
    assert store.finish(run, state, result=plain(result), environment=plain(environment))
    return store.get(run.id)
