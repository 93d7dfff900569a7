"""What the tests of the studies share: a report that remembers, and a whole small run."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cnn_core.store.records import Run, plain
from cnn_core.store.report import how_it_ended
from cnn_core.store.runs import Store
from cnn_core.training.studies.studies import STUDIES

VERSION_01 = Path(__file__).with_name("version_01")  # results that version 0.1 wrote, cut to few seeds and epochs


class Listening:
    """Remembers what it is told; asks to stop when `stop_when` says so of the progress."""

    def __init__(self, stop_when: Callable[[dict[str, Any]], bool] = lambda progress: False) -> None:
        self.told: list[dict[str, Any]] = []
        self.kept: list[dict[str, Any]] = []
        self.progress: dict[str, Any] = {}
        self.stop_when, self.should_stop, self.lost = stop_when, False, False

    def update(self, **progress: Any) -> None:
        self.told.append(plain(progress))
        self.progress.update(self.told[-1])
        self.should_stop = self.should_stop or self.stop_when(self.progress)

    def found(self, result: Mapping[str, Any]) -> None:
        self.kept.append(plain(result))

    @property
    def fractions(self) -> list[float]:
        return [told["fraction"] for told in self.told if "fraction" in told]


def carry_out(store: Store, study: str, report: Listening, **options: Any) -> Run:
    """Run a study with these options, otherwise its defaults; its end is in the store."""
    made = store.create(study, STUDIES[study].options(**options).to_json(), title=study)
    return carry_on(store, made.id, report)


def carry_on(store: Store, run_id: str, report: Listening) -> Run:
    """Take a run up (again): the next attempt has what the last one found."""
    run = store.claim(run_id, worker="test")
    assert run
    outcome = STUDIES[run.kind].load()(run, store, report)
    assert store.finish(run, **how_it_ended(outcome, "", report.should_stop, {}))
    return store.get(run.id)
