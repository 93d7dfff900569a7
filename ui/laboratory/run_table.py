"""The table of runs: what each asked and measured, sorted and filtered. It needs neither pandas nor its engine."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from cnn_core.arithmetic.measures import Accuracy
from cnn_core.store.records import Glance
from cnn_core.training.comparison import Summary, comparison_csv
from cnn_core.training.lab.examples import example
from cnn_core.training.lab.studies import STUDIES
from ui.laboratory.views import VIEW_OF
from ui.shared.controls import pick
from ui.shared.rows import Link, scrolled
from ui.shared.session import store
from ui.shared.stage import Room
from ui.shared.text import duration


@dataclass(frozen=True)
class Entry:
    """A run of the list: how it stands, and what it was asked and has measured."""

    run: Glance
    found: Summary

    @property
    def id(self) -> str:
        """The run's."""
        return self.run.id

    @property
    def took(self) -> float:
        """Seconds from its start to its end; 0 while it has none."""
        return self.run.ended - self.run.started if self.run.ended and self.run.started else 0.0


ORDERS = {
    "newest": "newest first",
    "oldest": "oldest first",
    "accuracy": "most accurate first",
    "least": "least accurate first",
    "title": "by name",
    "asked": "by question",
    "longest": "longest first",
}
_SORTS: dict[str, Callable[[Entry], Any]] = {
    "newest": lambda entry: -entry.run.created,
    "oldest": lambda entry: entry.run.created,
    "accuracy": lambda entry: -_best(entry),
    "least": lambda entry: (not entry.found.best, _best(entry)),
    "title": lambda entry: entry.run.title.casefold(),
    "asked": lambda entry: (entry.found.kind, -entry.run.created),
    "longest": lambda entry: -entry.took,
}
_HEAD = ("Run", "Best", "95% interval", "Of", "Asked", "State", "Network", "Pictures", "Started (UTC)", "Took")
_NUMBERS = {"Best", "95% interval", "Pictures", "Took"}
_PLACES = {  # page and view of each kind of run
    "transfer": ("transfer", ""),
    "degradation": ("architectures", "Degradation"),
    "lenet": ("architectures", "LeNet"),
    "inductive_bias": ("architectures", "Prior"),
}
_CAUSES = {"architectures_view": "Degradation"}
_ASKED: dict[str, Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]] = {  # page and link of a long question
    "exports": lambda spec: ("transfer", {"run": spec["run"]}),
    "live": lambda spec: ("transfer", {"run": spec["run"]}),
    "signals": lambda spec: (
        "architectures",
        _CAUSES | {"architectures_part": "Signals", "architectures_signal_depth": spec["depths"][-1]},
    ),
    "identity": lambda spec: (
        "architectures",
        _CAUSES | {"architectures_part": "Identity", "architectures_blocks": spec["blocks"]},
    ),
}
_RUN_OF = {"transfer": "run", "laboratory": "run", "architectures": "architectures_run"}


def run_table(entries: list[Entry], room: Room) -> list[Entry]:
    """Show the runs that match the filter, sorted, on the stage; return them."""
    with room.side:
        order = pick("Sort", ORDERS, "newest", "laboratory_sort")
    with room.more("Show only some"):
        words = st.text_input(
            "Words they contain", key="laboratory_filter", placeholder="title, class, network, state"
        ).casefold()
        kinds = sorted({entry.found.kind for entry in entries})
        only = st.multiselect("What was asked", kinds, key="laboratory_kinds", placeholder="everything")
    shown = sorted((entry for entry in entries if _matches(entry, words, only)), key=_SORTS[order])
    if not shown:
        return []
    scrolled(_HEAD, [_row(entry) for entry in shown], "Runs", numbers=_NUMBERS, place=room.stage)
    room.side.download_button(
        "Table (CSV)",
        lambda: comparison_csv((entry.run, entry.found) for entry in shown),
        "convscope-runs.csv",
        "text/csv",
        key="laboratory_csv",
        on_click="ignore",
        icon=":material/download:",
        help="A row a run and arm, with intervals.",
    )
    return shown


def example_table(room: Room) -> None:
    """Show what a list of runs looks like: the studies of clothing."""
    rows: list[list[str | Link]] = []
    for key, study in STUDIES.items():
        ready = example(study)
        if ready is None:
            continue
        best = max(ready.result.accuracies(), key=lambda each: each.value, default=None)
        name = Link(study.question, _address("laboratory", {"laboratory_view": VIEW_OF[key]}))
        rows.append([name, *_accuracy(best), duration(ready.result.seconds)])
    scrolled((*_HEAD[:4], "Took"), rows, "An example of a list of runs", numbers=_NUMBERS, place=room.stage)


def here() -> str:
    """Return the address of this page, without what follows a question mark."""
    return (st.context.url or "").partition("?")[0]


def _best(entry: Entry) -> float:
    return entry.found.best.value if entry.found.best else -1.0


def _matches(entry: Entry, words: str, only: list[str]) -> bool:
    run, found = entry.run, entry.found
    text = " ".join([run.title, run.state, run.id, found.backbone, found.kind, *found.labels])
    return all(word in text.casefold() for word in words.split()) and (not only or found.kind in only)


def _row(entry: Entry) -> list[str | Link]:
    """The cells of a run: its name leads to it."""
    run, found = entry.run, entry.found
    return [
        Link(run.title, _opened(entry)),
        *_accuracy(found.best),
        found.kind,
        run.state,
        found.backbone,
        str(found.pictures or ""),
        datetime.fromtimestamp(run.started or run.created, UTC).strftime("%Y-%m-%d %H:%M"),
        duration(entry.took) if entry.took else "",
    ]


def _accuracy(best: Accuracy | None) -> list[str]:
    if best is None:
        return ["", "", ""]
    return [f"{best.value:.1%}", f"{best.low:.1%} – {best.high:.1%}", best.arm]


def _opened(entry: Entry) -> str:
    """The link of one run, on the page that shows it."""
    family, _, study = entry.found.key.partition("/")
    if family in _ASKED:  # found by the question, which the link puts again
        page, query = _ASKED[family](store().get(entry.id).spec)
    else:
        page, view = ("laboratory", VIEW_OF[study]) if family == "lab" else _PLACES[family]
        query = ({f"{page}_view": view} if view else {}) | {_RUN_OF[page]: entry.id}
    return _address(page, query)


def _address(page: str, query: dict[str, Any]) -> str:
    return f"{here().rpartition('/')[0]}/{page}?{urlencode(query)}"
