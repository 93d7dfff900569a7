"""What a worker runs for a run of kind `lab`: one study."""

from dataclasses import replace
from typing import Any

from cnn_core.networks import devices
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome, Report, Stopped
from cnn_core.store.runs import Store
from cnn_core.training.heads import packed
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.studies import read, study_of


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Carry out a run's study.

    Args:
        run: Its spec is a `LabSpec` as JSON; what its result has already is not found again.
        store: Holds the pictures; receives features, and of a study of labels its heads.
        report: Is told of `phase`, `fraction` and all that is found, and says when to stop.

    Returns:
        The study's result as JSON, and the environment. A stopped study returns what was known by then; one that fails
        has handed over what was found before.
    """
    found = devices.find()
    study, spec = study_of(run.spec), read(run.spec)
    report.update(reaction=30, fraction=0.0, phase="preparing", arm="")  # a stop may wait for an epoch
    with devices.placed(found):
        known: Any = study.result.from_json(run.result)
        bench: Bench[Any, Any] = Bench(store, spec, report, found.precision, known)
        try:
            study.load()(bench)
            bench.show(replace(bench.result, complete=True))
        except Stopped:
            bench.end_early()
        finally:
            if bench.heads:
                store.write(keys.heads(run.id), packed(bench.heads))
    report.update(phase="done", fraction=1.0)
    return Outcome(bench.result.to_json(), devices.environment(found) | {"seed": spec.options.seed})
