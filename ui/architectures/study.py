"""An experiment on a step: the result that ships, a button that runs it here, and the run at its link."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Generic
from urllib.parse import urlencode

import streamlit as st

from cnn_core.pictures.items import SpecRefused
from cnn_core.store.records import Run, RunNotFound
from cnn_core.training.results import ResultUnreadable
from cnn_core.training.spec import Bounds, bounds_of
from cnn_core.training.studies.published import Provenance, shipped
from cnn_core.training.studies.studies import STUDIES
from cnn_core.training.study import Found, Options, Study
from ui.shared import controls
from ui.shared.beginning import begin_run
from ui.shared.links import shown_link
from ui.shared.run_panel import follow
from ui.shared.session import find_run, open_run, store
from ui.shared.stage import Room
from ui.shared.text import duration, plain

PARAMETER = "architectures_run"


@dataclass(frozen=True)
class Shown(Generic[Options, Found]):
    """What a step draws: a run of this server that has ended, or, without a run, the result that ships."""

    options: Options
    result: Found
    run: Run | None


def study(
    room: Room,
    place: Any,
    record: Study[Options, Found],
    options: Options | None,
    *,
    title: str,
    draw: Callable[[Options, Found], None],
) -> Shown[Options, Found] | None:
    """Offer to run an experiment here; show the one of the link while it goes on, else what ships.

    Args:
        room: Of the step; a live run is drawn on its stage.
        place: Among its controls: the button, what it would take, and where the result is from.
        record: The experiment.
        options: What the reader has set; None if no run can be made of it.
        title: Of a new run.
        draw: Draws what a live run has found so far, again and again.

    Returns:
        What is to be drawn; None while there is nothing yet, or if the run has failed.
    """
    run = _linked(record.key)
    with place:
        _begin(record, options, run, title)
        if run is None:
            ready = shipped(record)
            example_from(ready.provenance)
            return Shown(ready.options, ready.result, None)
        follow(run, "architectures")
        st.button(
            "Show the example again", key=f"architectures_shipped_{record.key}", on_click=_forget, args=(record.key,)
        )
        _share()
    if run.live:
        with room.stage:
            st.fragment(_drawn, run_every=1.0)(run.id, record, draw)
        return None
    if not run.result:
        room.stage.info("This run has found nothing that could be shown. The example is still there.")
        return None
    try:
        found = Shown(record.options.from_json(run.spec), record.result.from_json(run.result), run)
    except ResultUnreadable as trouble:
        room.stage.error(plain(str(trouble)))
        return None
    with place:
        computed_here(run)
    return found


def _begin(record: Study[Options, Found], options: Options | None, run: Run | None, title: str) -> None:
    kind = record.key
    pressed = st.button(
        "Run it here",
        key=f"architectures_start_{kind}",
        type="primary",
        icon=":material/play_arrow:",
        disabled=options is None or (run is not None and run.live),
        width="stretch",
    )
    if pressed and options and (new := begin_run(kind, options.to_json(), title)):
        _remember(new)
        st.rerun()
    with st.container(key="estimate"):
        if options is None:
            return
        seconds = record.seconds(options, 0)
        about = duration(seconds) if seconds < 90 else f"{seconds / 60:.0f} minutes"
        st.caption(f"About {about} on a machine like the example's.")
        if run is None and options != shipped(record).options:
            st.warning("Your settings are not the example's: what you see are the example's. Run yours.")


def _drawn(run_id: str, record: Study[Options, Found], draw: Callable[[Options, Found], None]) -> None:
    """Draw a live run as far as it has come."""
    try:
        run = store().get(run_id)
    except RunNotFound:
        return  # the run's panel says so
    if so_far := run.progress.get("so_far"):
        draw(record.options.from_json(run.spec), record.result.from_json(so_far))
    else:
        st.info("Your run has begun: its first curve comes soon.", icon=":material/hourglass_top:")


def _linked(kind: str) -> Run | None:
    """Return the run of this kind that the link names, or this visit has seen last; the link then says so."""
    wanted, seen = st.query_params.get(PARAMETER), _seen()
    if wanted:
        run = open_run(wanted) if wanted not in seen.values() else find_run(wanted)
        if run is None or run.kind not in STUDIES:
            st.error(f"There is no such experiment {plain(wanted[:40])} on this server. Check the link.")
            del st.query_params[PARAMETER]
        elif run.kind == kind:
            seen[kind] = run.id
            return run
        else:
            seen[run.kind] = run.id
    run = find_run(seen[kind]) if kind in seen else None
    if run:
        st.query_params[PARAMETER] = run.id
    elif PARAMETER in st.query_params:
        del st.query_params[PARAMETER]
    return run


def _seen() -> dict[str, str]:
    """The run of each kind that this visit has shown last."""
    seen: dict[str, str] = st.session_state.setdefault("architectures_runs", {})
    return seen


def _remember(run: Run) -> None:
    _seen()[run.kind] = run.id
    st.query_params[PARAMETER] = run.id


def _forget(kind: str) -> None:
    _seen().pop(kind, None)
    st.query_params.pop(PARAMETER, None)


# Where a result comes from -------------------------------------------------------------------------------------------


def example_from(provenance: Provenance) -> None:
    """Stamp an example as one, and offer its receipt."""
    st.info("**An example, computed before, not here**, at the default settings.", icon=":material/inventory_2:")
    with st.expander("Its receipt", icon=":material/receipt_long:"):
        st.markdown(
            f"`{provenance.command}`, seed {provenance.seed}, {provenance.date}, {plain(provenance.device)}, "
            f"{_versions(provenance.versions)}. It took {duration(provenance.seconds)}, while {provenance.load:g} "
            f"processes wanted the processor. {provenance.note}"
        )


def computed_here(run: Run) -> None:
    """Say that a result is of this server, and offer its receipt."""
    day = datetime.fromtimestamp(run.ended or run.created, UTC).date().isoformat()
    environment = run.environment
    took = f" in {duration(run.ended - run.started)}" if run.ended and run.started else ""
    st.success(f"**Computed here**{took}.", icon=":material/check:")
    with st.expander("Its receipt", icon=":material/receipt_long:"):
        st.markdown(
            f"Run {run.id}, {day}, seed {environment.get('seed', run.spec.get('seed', 0))}, "
            f"{plain(environment.get('device', 'an unknown device'))}, {_versions(environment)}."
        )


def _versions(found: dict[str, Any]) -> str:
    titles = {"python": "Python", "keras": "Keras", "tensorflow": "TensorFlow", "numpy": "NumPy"}
    return ", ".join(f"{title} {plain(str(found[name]))}" for name, title in titles.items() if name in found)


def _share() -> None:
    kept = {name: st.query_params[name] for name in ("architectures_view", PARAMETER) if name in st.query_params}
    with st.popover("Link to this run", icon=":material/link:"):
        st.markdown("It shows the run to anyone who can reach this server, now and after a restart.")
        shown_link(f"{(st.context.url or '').partition('?')[0]}?{urlencode(kept)}")


# Settings ------------------------------------------------------------------------------------------------------------


def whole(record: Study, name: str, place: Any = st) -> int:
    """Ask for one of an experiment's whole numbers, within its bounds; the link carries it."""
    bounds, default = field(record, name)
    assert bounds.low is not None and bounds.high is not None, f"{bounds.label} is no number"
    low, high = int(bounds.low), min(int(bounds.high), 9999)
    key = f"architectures_{record.key}_{name}"
    return controls.whole(bounds.label, low, high, default, key, place=place, help=f"{low} to {high}. {bounds.about}")


def made(room: Room, options: Callable[[], Options]) -> Options | None:
    """Return what the settings make; None, and why, if they make no experiment."""
    try:
        return options()
    except SpecRefused as refusal:
        room.side.error(plain(str(refusal)))
        return None


def field(record: Study, name: str) -> tuple[Bounds, Any]:
    """Return the bounds of an option, which know its label, and its default."""
    entry = next(entry for entry in fields(record.options) if entry.name == name)
    return bounds_of(entry), entry.default
