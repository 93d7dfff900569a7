"""How a run begins, and how it begins again: one way for all pages and studies, with this visitor's limits."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.limits import limits
from cnn_core.pictures.stored import stored_by
from cnn_core.store.owners import NotYours, QuotaReached
from cnn_core.store.records import Run
from ui.shared.session import remember_run, store, visit
from ui.shared.text import in_bytes, plain


@contextmanager
def refusals() -> Iterator[None]:
    """Say in passing what somebody may not do, or not now; for what a button calls before the page is drawn."""
    try:
        yield
    except (NotYours, QuotaReached) as refusal:
        st.toast(plain(str(refusal)), icon=":material/block:", duration="long")


def begin_run(kind: str, spec: Mapping[str, Any], title: str) -> Run | None:
    """Begin a run of this visitor's, or say why not.

    Args:
        kind: A key of `jobs.JOBS`.
        spec: Of the run, plain JSON.
        title: Of the run.
    """
    if full := no_room():
        st.error(plain(full))
        return None
    try:
        run = store().create(kind, spec, title=title, owner=visit(), most=limits().queued)
    except QuotaReached as refusal:
        st.error(plain(str(refusal)))
        return None
    remember_run(run.id)
    client.current().submit(run.id)
    return run


def begin_again(run_id: str) -> None:
    """Have what a run of this visitor's has not found yet computed, under the same id and so at the same link."""
    with refusals():
        if store().reopen(run_id, by=visit(), most=limits().queued):
            client.current().submit(run_id)


def no_room(coming: int = 0) -> str:
    """Return why no more is kept for this visitor, a sentence; empty if it is.

    Args:
        coming: Bytes that are to be kept.
    """
    most = limits().stored
    if not most or (there := stored_by(store(), visit())) + coming < most:
        return ""
    more = f", and {in_bytes(coming)} more were received" if coming else ""
    return (
        f"{in_bytes(there)} of yours are kept here{more}; one visitor may have {in_bytes(most)}. Delete what "
        "you no longer need on the page “What is kept”, then try again."
    )
