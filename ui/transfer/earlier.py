"""What this visitor has taught, or opened, so far: who comes back need not have kept a link."""

from datetime import UTC, datetime

import streamlit as st

from cnn_core.arithmetic.escaping import html
from cnn_core.store.records import Glance, RunNotFound
from ui.shared.session import known_runs, store

NEWEST, LOOKED = 3, 30  # that are shown; of how many runs
_ALL = '<a href="laboratory?laboratory_view=Runs" target="_self">All my runs</a>'


def earlier() -> None:
    """Lead to the visitor's newest trainings, those that go on too."""
    known = known_runs()
    found = [run for run_id in [*known][-LOOKED:] if (run := _training(run_id))][::-1]
    if not found:
        return
    lines = [
        f'<a href="transfer?run={run.id}" target="_self">{html(run.title)}</a>, {_stands(run, known[run.id])}'
        for run in found
    ]
    more = [_ALL] if len(found) > NEWEST else []
    rows = "".join(f"<li>{line}</li>" for line in [*lines[:NEWEST], *more])
    st.html(f'<div class="earlier"><b>Taught so far</b><ul>{rows}</ul></div>')


def _training(run_id: str) -> Glance | None:
    try:
        run = store().glance(run_id)
    except RunNotFound:  # deleted since
        return None
    return run if run.kind == "transfer" else None


def _stands(run: Glance, own: bool) -> str:
    if run.live:
        return "<b>goes on</b>"
    opened = "" if own else ", opened by its link"
    ended = "" if run.state == "done" else f", {run.state}"
    return f"{datetime.fromtimestamp(run.created, UTC):%Y-%m-%d %H:%M} UTC{ended}{opened}"
