"""What any run measured, in one form, so that runs of different kinds fit into one table and one chart. Light."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cnn_core.arithmetic.measures import Accuracy, Curve
from cnn_core.arithmetic.tables import csv_text
from cnn_core.networks.backbones import BACKBONES
from cnn_core.store.records import Glance, Run
from cnn_core.training.kinds import KINDS, key_of, result_of
from cnn_core.training.results import Result, ResultUnreadable

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
class Summary:
    """What a list tells of a run beside its glance: no picture and no answer, so that it is small.

    Attributes:
        key: Of `kinds.KINDS`.
        backbone: Title of the pretrained network that it builds on, empty if on none.
        labels: Names of the classes, sorted; none if it is not on a reader's pictures.
        pictures: Number of the reader's pictures.
        accuracies: What was measured, a row an arm.
        curves: How that went over the epochs.
        trouble: Why what was found cannot be read, as a sentence; empty if it can.
    """

    key: str
    backbone: str
    labels: tuple[str, ...]
    pictures: int
    accuracies: tuple[Accuracy, ...]
    curves: tuple[Curve, ...]
    trouble: str = ""

    @property
    def kind(self) -> str:
        """What was asked, in a few words."""
        return KINDS[self.key].title

    @property
    def best(self) -> Accuracy | None:
        """The row with the highest accuracy."""
        return max(self.accuracies, key=lambda row: row.value, default=None)


def summary(run: Run) -> Summary:
    """Sum up a run of any kind."""
    labels = [label for _, label, *_ in run.spec.get("items", ())]
    name, trouble = run.spec.get("options", {}).get("backbone", ""), ""
    try:
        result = result_of(run) or Result()
    except ResultUnreadable as error:
        result, trouble = Result(), str(error)
    return Summary(
        key=key_of(run),
        backbone=BACKBONES[name].title if name in BACKBONES else "",
        labels=tuple(sorted(set(labels))),
        pictures=len(labels),
        accuracies=tuple(result.accuracies()),
        curves=tuple(result.curves()),
        trouble=trouble,
    )


def comparison_csv(runs: Iterable[tuple[Glance, Summary]]) -> str:
    """Return one row a run and arm (see COLUMNS), times in UTC; a run that has measured nothing has one row."""
    table: list[list[Any]] = []
    for run, found in runs:
        about = [
            run.id,
            run.title,
            found.kind,
            run.state,
            datetime.fromtimestamp(run.started or run.created, UTC).isoformat(timespec="seconds"),
            f"{run.ended - run.started:.1f}" if run.ended and run.started else "",
            found.backbone,
            found.pictures or "",
            len(found.labels) or "",
        ]
        rows: list[list[Any]] = [[row.arm, row.value, row.low, row.high] for row in found.accuracies] or [[""] * 4]
        table += [[*about, *row] for row in rows]
    return csv_text(COLUMNS, table)
