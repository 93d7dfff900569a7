"""What any run measured, in one form, so that runs of different kinds fit into one table and one chart. Light."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cnn_core.networks.backbones import BACKBONES
from cnn_core.store.runs import Run
from cnn_core.training.lab.studies import STUDIES, study_of
from cnn_core.training.transfer.evaluation import wilson_interval

KIND_TITLES = {
    "transfer": "Frozen against fine-tuned",
    "degradation": "Degradation",
    "lenet": "LeNet-5",
    "inductive_bias": "The convolution's prior",
    **{f"lab/{key}": study.question for key, study in STUDIES.items()},
}
COLUMNS = (
    "run",
    "title",
    "kind",
    "state",
    "started",
    "seconds",
    "backbone",
    "pictures",
    "classes",
    "arm",
    "accuracy",
    "interval_low",
    "interval_high",
)


@dataclass(frozen=True)
class Accuracy:
    """The share of right answers on pictures not trained on, with its 95 % interval as the run itself computed it."""

    arm: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """Accuracy on pictures not trained on, after each epoch."""

    arm: str
    epochs: tuple[int, ...]
    accuracy: tuple[float, ...]


def kind_of(run: Run) -> str:
    """Return a key of KIND_TITLES: the run's kind, for the laboratory with its study."""
    return f"lab/{run.spec['options']['kind']}" if run.kind == "lab" else run.kind


def backbone_of(run: Run) -> str:
    """Return the title of the pretrained network that a run builds on, empty if on none."""
    name = run.spec.get("options", {}).get("backbone", "")
    return BACKBONES[name].title if name in BACKBONES else ""


def accuracies(run: Run) -> list[Accuracy]:
    """Return what a run has measured, an entry an arm; none while it has measured nothing.

    Intervals: Wilson's of the test pictures (transfer, LeNet, labels), the corrected resampled t over folds (the other
    studies of the laboratory). Runs whose accuracies carry no interval (degradation, prior) get Wilson's of the test
    pictures, of the mean over seeds.
    """
    result, kind = run.result, kind_of(run)
    if not result:
        return []
    if kind == "transfer":
        arms = [(name, arm) for name, arm in result["arms"].items() if "test_accuracy" in arm]
        return [Accuracy(name.replace("_", "-"), arm["test_accuracy"], *arm["test_interval"]) for name, arm in arms]
    if kind == "lenet":
        return [Accuracy("LeNet-5", result["test_accuracy"], *result["test_interval"])]
    if kind == "degradation":
        last = {
            arm: [1 - e["epochs"][-1]["test_error"] for e in figures["seeds"] if e["epochs"]]
            for arm, figures in result["arms"].items()
        }
        return _of_means({arm.replace("_", " "): values for arm, values in last.items()}, result["pictures"]["test"])
    if kind == "inductive_bias":
        return _prior(result)
    found = study_of(run.spec).result.from_json(result).accuracies()
    return [Accuracy(row.arm, row.value, row.low, row.high) for row in found]


def _prior(result: Mapping[str, Any]) -> list[Accuracy]:
    largest = max((point["size"] for point in result["points"]), default=0)
    values: dict[str, list[float]] = {}
    for point in result["points"]:
        if point["size"] == largest:
            name = f"{point['net'].replace('_', ' ')}{', shuffled' if point['shuffled'] else ''}, {largest} pictures"
            values.setdefault(name, []).append(point["test_accuracy"])
    return _of_means(values, result["pictures"]["test"])


def _of_means(values: Mapping[str, list[float]], tested: int) -> list[Accuracy]:
    return [_share(arm, round(sum(of) / len(of) * tested), tested) for arm, of in values.items() if of]


def _share(arm: str, correct: int, total: int) -> Accuracy:
    return Accuracy(arm, correct / total, *wilson_interval(correct, total))


def curves(run: Run) -> list[Curve]:
    """Return how a run's accuracy went over the epochs, an entry an arm; none of a run without epochs of its own."""
    if run.kind == "transfer":
        histories = {arm: figures.get("history", ()) for arm, figures in run.result.get("arms", {}).items()}
        of = {arm.replace("_", "-"): [(e["epoch"], e["val_accuracy"]) for e in h] for arm, h in histories.items()}
    elif run.kind == "lenet":
        of = {"LeNet-5": [(e["epoch"], 1 - e["test_error"]) for e in run.result.get("epochs", ())]}
    elif run.kind == "degradation":
        of = {
            f"{arm.replace('_', ' ')}, seed {entry['seed']}": [
                (e["epoch"], 1 - e["test_error"]) for e in entry["epochs"]
            ]
            for arm, figures in run.result.get("arms", {}).items()
            for entry in figures["seeds"]
        }
    else:
        return []
    return [Curve(arm, *map(tuple, zip(*points, strict=True))) for arm, points in of.items() if points]


def comparison_csv(runs: Iterable[Run]) -> str:
    """Return one row a run and arm (see COLUMNS), times in UTC; a run that has measured nothing has one row."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for run in runs:
        labels = [label for _, label, *_ in run.spec.get("items", ())]
        started = datetime.fromtimestamp(run.started or run.created, UTC).isoformat(timespec="seconds")
        about = [
            run.id,
            run.title,
            KIND_TITLES[kind_of(run)],
            run.state,
            started,
            _seconds(run),
            backbone_of(run),
            len(labels) or "",
            len(set(labels)) or "",
        ]
        rows = [[a.arm, a.value, a.low, a.high] for a in accuracies(run)] or [[""] * 4]
        writer.writerows([*about, *row] for row in rows)
    return buffer.getvalue()


def _seconds(run: Run) -> str:
    return f"{run.ended - run.started:.1f}" if run.ended and run.started else ""
