"""An experiment on a page: the result that ships, a button that runs it here, and the run at its link."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Generic
from urllib.parse import urlencode

import streamlit as st

from cnn_core.engine import client
from cnn_core.store.runs import Run
from cnn_core.training.results import ResultUnreadable
from cnn_core.training.spec import Bounds, bounds_of
from cnn_core.training.studies.published import Provenance, shipped
from cnn_core.training.studies.studies import STUDIES
from cnn_core.training.study import Found, Options, Study
from ui.shared.run_panel import follow
from ui.shared.session import find_run, open_run, remember_run, store
from ui.shared.text import duration, plain

PARAMETER = "architectures_run"
LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


@dataclass(frozen=True)
class Shown(Generic[Options, Found]):
    """What a view draws: a run of this server that has ended, or, without a run, the result that ships."""

    options: Options
    result: Found
    run: Run | None


def study(
    record: Study[Options, Found], options: Options | None, *, title: str, draw: Callable[[Options, Found], None]
) -> Shown[Options, Found] | None:
    """Offer to run an experiment here; show the one of the link while it goes on, else what ships.

    Args:
        record: The experiment.
        options: What the reader has set; None if no run can be made of it.
        title: Of a new run.
        draw: Draws what a live run has found so far, again and again.

    Returns:
        What is to be drawn below; None while there is nothing yet, or if the run has failed.
    """
    kind = record.key
    run = linked(kind)
    with st.container(horizontal=True, vertical_alignment="center"):
        if (
            st.button(
                "Run it here",
                key=f"architectures_start_{kind}",
                type="primary",
                icon=":material/play_arrow:",
                disabled=options is None or (run is not None and run.live),
            )
            and options
        ):
            new = store().create(kind, options.to_json(), title=title)
            remember_run(new.id)
            client.current().submit(new.id)
            _remember(new)
            st.rerun()
        if run:
            st.button("Show the result that ships", key=f"architectures_shipped_{kind}", on_click=_forget, args=(kind,))
    if run is None:
        ready = shipped(record)
        _shipped_from(ready.provenance)
        if options != ready.options:
            st.warning("Your settings are not the default's, of which this is the result. Run yours here.")
        return Shown(ready.options, ready.result, None)

    def draw_live(live: Run) -> None:
        if live.live and (so_far := live.progress.get("so_far")):
            draw(record.options.from_json(live.spec), record.result.from_json(so_far))

    follow(run, "architectures", draw_live)
    _share()
    if run.live or not run.result:
        return None
    try:
        found = Shown(record.options.from_json(run.spec), record.result.from_json(run.result), run)
    except ResultUnreadable as trouble:
        st.error(plain(str(trouble)))
        return None
    _computed_here(run)
    return found


def linked(kind: str) -> Run | None:
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


def _shipped_from(provenance: Provenance) -> None:
    st.info(
        f"**Computed before, not here**, at the default settings: `{provenance.command}`, seed {provenance.seed}, "
        f"{provenance.date}, {plain(provenance.device)}, {_versions(provenance.versions)}; "
        f"{duration(provenance.seconds)} while {provenance.load:g} processes wanted the processor. {provenance.note}",
        icon=":material/inventory_2:",
    )


def _computed_here(run: Run) -> None:
    day = datetime.fromtimestamp(run.ended or run.created, UTC).date().isoformat()
    environment = run.environment
    took = f", {duration(run.ended - run.started)}" if run.ended and run.started else ""
    st.success(
        f"**Computed here**: run {run.id}, {day}{took}, seed {environment.get('seed', run.spec['seed'])}, "
        f"{plain(environment.get('device', 'an unknown device'))}, {_versions(environment)}.",
        icon=":material/check:",
    )


def _versions(found: dict[str, Any]) -> str:
    titles = {"python": "Python", "keras": "Keras", "tensorflow": "TensorFlow", "numpy": "NumPy"}
    return ", ".join(f"{title} {plain(str(found[name]))}" for name, title in titles.items() if name in found)


def _share() -> None:
    kept = {name: st.query_params[name] for name in ("architectures_view", PARAMETER) if name in st.query_params}
    with st.popover("Link to this run", icon=":material/link:"):
        st.markdown("It shows the run to anyone who can reach this server, now and after a restart.")
        st.code(f"{(st.context.url or '').partition('?')[0]}?{urlencode(kept)}", language=None, wrap_lines=True)


# Parts of a view ------------------------------------------------------------------------------------------------------


def plot(figure: Any, key: str, alt: str, place: Any = st) -> None:
    """Show a figure."""
    place.plotly_chart(figure, key=f"architectures_{key}", config={"displayModeBar": False}, alt=alt)


def whole(record: Study, name: str, place: Any = st) -> int:
    """Ask for one of an experiment's whole numbers, within its bounds; the link carries it."""
    bounds, default = field(record, name)
    low, high = _limits(bounds)
    value = place.number_input(
        bounds.label,
        low,
        high,
        default,
        key=f"architectures_{record.key}_{name}",
        help=f"{low} to {high}. {bounds.about}",
        **LINKED,
    )
    return min(high, max(low, int(value)))


def link(record: Study, *names: str) -> dict[str, Callable[[str], bool]]:
    """Return checks of the query parameters that `whole` makes."""

    def within(name: str) -> Callable[[str], bool]:
        low, high = _limits(field(record, name)[0])
        return lambda text: text.isascii() and text.isdigit() and low <= int(text[:12]) <= high

    return {f"architectures_{record.key}_{name}": within(name) for name in names}


def field(record: Study, name: str) -> tuple[Bounds, Any]:
    """Return the bounds of an option, which know its label, and its default."""
    entry = next(entry for entry in fields(record.options) if entry.name == name)
    return bounds_of(entry), entry.default


def _limits(bounds: Bounds) -> tuple[int, int]:
    assert bounds.low is not None and bounds.high is not None, f"{bounds.label} is no number"
    return int(bounds.low), min(int(bounds.high), 9999)


def about_seconds(record: Study[Options, Found], options: Options) -> str:
    """Return in words what a run would take, as the record reckons it."""
    return f"By the run that ships: about {duration(record.seconds(options, 0))} where it was computed."
