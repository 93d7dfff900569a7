"""A run, as it goes on and after: whatever is shown is read from the store."""

import time
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from cnn_core.engine import client, looks
from cnn_core.engine.errors import EngineError
from cnn_core.engine.limits import limits
from cnn_core.engine.turns import SOONEST, Outlook, expected, time_left
from cnn_core.store.records import AGAIN, Run, RunNotFound
from cnn_core.training.transfer.spec import ARM_TITLES
from ui.shared.beginning import begin_again, refusals
from ui.shared.faults import toasted
from ui.shared.session import is_own, store, visit
from ui.shared.text import count, duration, plain

PHASES = {
    "preparing": "getting ready",
    "features": "reading your photos",
    "head": "training the head",
    "feature_maps": "reading your photos once more, for the blocks that will change",
    "blocks": "fine-tuning the top blocks",
    "all": "training every layer",
    "tuning": "looking for the best learning rate of each",
    "training": "training",
    "testing": "testing on pictures it has not seen",
    "done": "writing the result",
}

QUIET = 5.0  # seconds without a word from a worker, which writes four times a second, after which that is said

Draw = Callable[[Run], None]


def follow(run: Run, page: str, draw: Draw | None = None, *, first: Draw | None = None) -> None:
    """Show a run's state once a second while it is live, and the whole page anew when it has ended.

    Args:
        run: Any run.
        page: Prefix of the widgets' keys.
        draw: Draws below what the run has reported, if anything.
        first: Draws it above the state.
    """
    st.fragment(_follow, run_every=1.0 if run.live else None)(run, page, draw, first)


def _follow(run: Run, page: str, draw: Draw | None, first: Draw | None) -> None:
    if run.live:  # what it was asked does not change, so only the rest is read again
        try:
            glance, progress = store().glance(run.id), store().progress(run.id)
        except RunNotFound:
            st.error("This run has been removed from the store.")
            return
        if not glance.live:
            st.rerun()  # the result's part of the page stands outside of this fragment
        run = replace(run, **vars(glance), progress=progress)
    if first:
        first(run)
    _state(run, page)
    if draw:
        draw(run)


def _state(run: Run, page: str) -> None:
    progress = run.progress
    if run.state == "queued":
        st.progress(0.0, _why_queued(run))
    elif run.live:
        fraction = progress.get("fraction", 0.0)
        elapsed = max(0.0, time.time() - (run.started or time.time()))  # the worker's clock may be ahead
        name = progress.get("arm", "")
        seed = f", seed {progress['seed']}" if "seed" in progress else ""
        words = f"**{ARM_TITLES.get(name) or plain(name.replace('_', ' '))}**{seed}: " if name else ""
        phase = progress.get("phase", "preparing")
        words += PHASES.get(phase, plain(phase))
        if run.state == "stopping":
            words = "**Stopping**: keeping what was found so far"
        left = time_left(progress, elapsed) if fraction >= SOONEST else None
        told = "" if left is None or left < 0.05 or run.state != "running" else f" · about {duration(left)} left"
        st.progress(min(1.0, fraction), f"{words} · {duration(elapsed)}{told}")
        silent = looks.HERE.quiet(run.id, (run.attempt, run.beat))
        if silent >= QUIET:
            st.warning(f"No word from it for {duration(silent)}: its worker may be stopped. What it has kept is safe.")
    if progress.get("note") and run.live:
        st.warning(progress["note"])
    if run.state == "failed":
        st.error(f"**The run failed.** {plain(run.error)}")
    if run.state == "partial":
        st.warning(f"**Done in part.** {plain(run.error)}")
    if run.state == "stopped":
        known = "What was found until then is below." if run.result else "There was no result yet."
        st.info(plain(run.error) or f"**Stopped.** {known}")
    if not run.live and run.state not in AGAIN:
        return
    if not is_own(run):
        st.caption(f"Only whoever started this run can {'stop it' if run.live else 'try it again'}.")
    elif run.live:
        st.button(
            "Stop",
            key=f"{page}_stop",
            icon=":material/stop_circle:",
            on_click=_stop,
            args=(run.id,),
            disabled=run.state == "stopping",
            help="Ends it, and keeps what was found so far.",
        )
    elif st.button(
        "Try again what failed",
        key=f"{page}_again",
        icon=":material/replay:",
        help="Keeps what was found and computes only the rest." if run.result else None,
    ):
        begin_again(run.id)
        st.rerun()  # the whole page: its parts stand or fall with the run


def _why_queued(run: Run) -> str:
    """Say what a queued run waits for."""
    engine = client.current().status()
    outlook = _expected(engine.run_workers).get(run.id)
    if not outlook or not outlook.before:
        return engine.message or "Waiting for the worker to take it up."
    are, mine = "is" if outlook.before == 1 else "are", "yours" if is_own(run) else "this one"
    soon = "" if outlook.seconds is None else f" It begins in about {duration(max(2.0, outlook.seconds))}."
    return f"Waiting: {count(outlook.before, 'run')} {are} before {mine}.{soon}"


@st.cache_data(ttl=2.0, show_spinner=False)  # one look for all who wait
def _expected(workers: int) -> dict[str, Outlook]:
    return expected(store(), workers, limits().running)


def _stop(run_id: str) -> None:
    try:
        with toasted(), refusals():
            client.current().stop(run_id, by=visit())
    except EngineError as error:
        st.toast(plain(str(error)))
