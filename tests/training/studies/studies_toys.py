"""What the tests of the studies share: a whole small run."""

from pathlib import Path
from typing import Any

from cnn_core.store.records import Run
from cnn_core.store.report import how_it_ended
from cnn_core.store.runs import Store
from cnn_core.training.studies.studies import STUDIES
from tests.reports import FakeReport

VERSION_01 = Path(__file__).with_name("version_01")  # results that version 0.1 wrote, cut to few seeds and epochs


def carry_out(store: Store, study: str, report: FakeReport, **options: Any) -> Run:
    """Run a study with these options, otherwise its defaults; its end is in the store."""
    made = store.create(study, STUDIES[study].options(**options).to_json(), title=study)
    return carry_on(store, made.id, report)


def carry_on(store: Store, run_id: str, report: FakeReport) -> Run:
    """Take a run up (again): the next attempt has what the last one found."""
    run = store.claim(run_id, worker="test")
    assert run
    outcome = STUDIES[run.kind].load()(run, store, report)
    assert store.finish(run, **how_it_ended(outcome, "", report.should_stop, {}))
    return store.get(run.id)
