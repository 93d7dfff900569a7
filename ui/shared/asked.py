"""A question that takes longer than a page may wait: a run, and the same run wherever the same question is asked."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cnn_core.store import keys
from cnn_core.store.records import Run
from ui.shared.beginning import begin_run
from ui.shared.run_panel import follow
from ui.shared.session import find_run, is_own, store


def _asked(kind: str, spec: Mapping[str, Any]) -> Run | None:
    """Return the newest run that answers a question, or will, or is this visit's; None if nobody has asked it yet."""
    for run_id in reversed(list(store().lists.entries(keys.asked(kind, spec)))):
        run = find_run(run_id)
        if run and (run.live or run.state == "done" or is_own(run)):
            return run
    return None


def answer(
    kind: str,
    spec: Mapping[str, Any],
    *,
    title: str,
    begin: str,
    key: str,
    about: str = "",
    of: Run | None = None,
    what: str = "",
    at_once: bool = False,
) -> Run | None:
    """Offer to ask a question, follow its run, and return it once it has found something.

    Args:
        kind: A key of `jobs.JOBS`.
        spec: The question, plain JSON.
        title: Of a new run.
        begin: On the button.
        key: Prefix of the widgets' keys; the button's is `<key>_begin`.
        about: Of the button.
        of: The run to which the answer's files are added, and counted with its owner, who alone may ask then.
        what: What only the owner can do with it, in words.
        at_once: Whoever comes here has asked already: it is begun without the button, which is for another try.
    """
    run, place = _asked(kind, spec), st.empty()
    offered = run is None or not (run.live or run.state == "done")
    theirs = of is not None and not _may_add_to(of)
    pressed = offered and (
        (at_once and run is None and not theirs)
        or place.button(begin, key=f"{key}_begin", icon=":material/play_arrow:", help=about or None, disabled=theirs)
    )
    if offered and theirs:
        st.caption(f"Only whoever started this run can {what}.")
    elif pressed and (new := begin_run(kind, spec, title)):
        store().lists.add(keys.asked(kind, spec), new.id)
        st.rerun()
    if run is None:
        return None
    follow(run, key, lambda live: None)
    return run if run.result and not run.live else None


def _may_add_to(run: Run) -> bool:
    """Tell whether a run is this visit's now, which may be later than it was read; or nobody's, so nobody pays."""
    now = store().glance(run.id)
    return is_own(now) or not now.owner
