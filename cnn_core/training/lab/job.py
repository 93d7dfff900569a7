"""What a worker runs for a run of kind `lab`: one study."""

import time
from collections.abc import Callable

from cnn_core.arithmetic.statistics import METHOD
from cnn_core.networks import devices
from cnn_core.store.report import Outcome, Report, Stopped
from cnn_core.store.runs import Run, Store
from cnn_core.training.lab import (
    augmentation_job,
    depth_job,
    labels_job,
    recipes_job,
    sabotage_job,
    size_job,
    which_backbone_job,
)
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.spec import Study

STUDIES: dict[str, Callable[[Bench], None]] = {
    "depth": depth_job.study,
    "size": size_job.study,
    "recipes": recipes_job.study,
    "sabotage": sabotage_job.study,
    "backbones": which_backbone_job.study,
    "labels": labels_job.study,
    "augmentation": augmentation_job.study,
}


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Carry out a run's study.

    Args:
        run: Its spec is a `Study` as JSON.
        store: Holds the pictures; receives features.
        report: Is told of `phase` and `fraction`, and says when to stop.

    Returns:
        The study's result (each documented at its `study`) with `complete`, `sentences` (what the figures mean),
        `intervals` (how they were computed), `seconds` and `cpu_seconds`; and the environment. A stopped study returns
        what was known by then.
    """
    found = devices.find()
    study = Study.from_json(run.spec)
    cpu = time.process_time()
    report.update(reaction=30, fraction=0.0, phase="preparing", arm="")  # a stop may wait for an epoch
    with devices.placed(found):
        bench = Bench(store, study, report, found.precision)
        try:
            STUDIES[study.options.kind](bench)
            bench.result["complete"] = True
        except Stopped:
            bench.result["complete"] = False
            bench.say("Stopped early: the figures are those known by then.")
    report.update(phase="done", fraction=1.0)
    bench.result |= {
        "intervals": METHOD,
        "seconds": round(time.perf_counter() - bench.started, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
    }
    return Outcome(bench.result, devices.environment(found) | {"seed": study.options.seed})
