"""A question that takes longer than a page may wait: a run, and the same run wherever the same question is asked."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cnn_core.store import keys
from cnn_core.store.records import Run
from ui.shared.beginning import begin_run
from ui.shared.run_panel import follow
from ui.shared.session import find_run, is_own, store


def asked(kind: str, spec: Mapping[str, Any]) -> Run | None:
    """Return the newest run that answers a question, or will, or is this visit's; None if nobody has asked it yet."""
    for run_id in reversed(list(store().lists.entries(keys.asked(kind, spec)))):
        run = find_run(run_id)
        if run and (run.live or run.state == "done" or is_own(run)):
            return run
    return None


def answer(kind: str, spec: Mapping[str, Any], *, title: str, begin: str, key: str, about: str = "") -> Run | None:
    """Offer to ask a question, follow its run, and return it once it has found something.

    Args:
        kind: A key of `jobs.JOBS`.
        spec: The question, plain JSON.
        title: Of a new run.
        begin: On the button.
        key: Prefix of the widgets' keys; the button's is `<key>_begin`.
        about: Of the button.
    """
    run, place = asked(kind, spec), st.empty()
    offered = run is None or not (run.live or run.state == "done")
    pressed = offered and place.button(begin, key=f"{key}_begin", icon=":material/play_arrow:", help=about or None)
    if pressed and (new := begin_run(kind, spec, title)):
        store().lists.add(keys.asked(kind, spec), new.id)
        st.rerun()
    if run is None:
        return None
    follow(run, key, lambda live: None)
    return run if run.result and not run.live else None
