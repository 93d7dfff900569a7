"""An experiment on a page: the result that ships, a button that runs it here, and the run at its link."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from cnn_core.engine import client
from cnn_core.store.runs import Run
from cnn_core.training.studies.published import STUDIES, precomputed
from cnn_core.training.studies.spec import Degradation, InductiveBias, LeNet
from ui.run_panel import follow
from ui.session import find_run, open_run, remember_run, store
from ui.text import duration, plain

Spec = Degradation | LeNet | InductiveBias
PARAMETER = "architectures_run"
LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


@dataclass(frozen=True)
class Shown:
    """What a view draws: a run of this server that has ended, or, without a run, the result that ships."""

    spec: dict[str, Any]
    result: dict[str, Any]
    run: Run | None


def study(
    kind: str, spec: Spec | None, *, title: str, draw: Callable[[dict[str, Any], dict[str, Any]], None]
) -> Shown | None:
    """Offer to run an experiment here; show the one of the link while it goes on, else what ships.

    Args:
        kind: A key of `published.STUDIES`.
        spec: What the reader has set; None if no run can be made of it.
        title: Of a new run.
        draw: Draws a live run's spec and progress, again and again.

    Returns:
        What is to be drawn below; None while there is nothing yet, or if the run has failed.
    """
    run = linked(kind)
    with st.container(horizontal=True, vertical_alignment="center"):
        if (
            st.button(
                "Run it here",
                key=f"architectures_start_{kind}",
                type="primary",
                icon=":material/play_arrow:",
                disabled=spec is None or (run is not None and run.live),
            )
            and spec
        ):
            new = store().create(kind, spec.to_json(), title=title)
            remember_run(new.id)
            client.current().submit(new.id)
            _remember(new)
            st.rerun()
        if run:
            st.button("Show the result that ships", key=f"architectures_shipped_{kind}", on_click=_forget, args=(kind,))
    if run is None:
        shipped = precomputed(kind)
        _shipped_from(shipped["provenance"])
        if spec is None or spec.to_json() != shipped["spec"]:
            st.warning("Your settings are not the default's, of which this is the result. Run yours here.")
        return Shown(shipped["spec"], shipped["result"], None)
    follow(run, "architectures", lambda live: draw(live.spec, live.progress) if live.live else None)
    _share()
    if run.live or not run.result:
        return None
    _computed_here(run)
    return Shown(run.spec, run.result, run)


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


def _shipped_from(provenance: dict[str, Any]) -> None:
    st.info(
        f"**Computed before, not here**, at the default settings: `{provenance['command']}`, seed "
        f"{provenance['seed']}, {provenance['date']}, {plain(provenance['device'])}, "
        f"{_versions(provenance['versions'])}; {duration(provenance['seconds'])} while {provenance['load']:g} "
        "processes wanted the processor.",
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


def whole(kind: str, name: str, label: str, place: Any = st, *, unit: str = "") -> int:
    """Ask for one of a spec's whole numbers, within its bounds; the link carries it."""
    default, low, high = _bounds(kind, name)
    value = place.number_input(
        label, low, high, default, key=f"architectures_{kind}_{name}", help=f"{low} to {high}{unit}", **LINKED
    )
    return min(high, max(low, int(value)))


def link(kind: str, *names: str) -> dict[str, Callable[[str], bool]]:
    """Return checks of the query parameters that `whole` makes."""

    def within(name: str) -> Callable[[str], bool]:
        _, low, high = _bounds(kind, name)
        return lambda text: text.isascii() and text.isdigit() and low <= int(text[:12]) <= high

    return {f"architectures_{kind}_{name}": within(name) for name in names}


def _bounds(kind: str, name: str) -> tuple[int, int, int]:
    entry = next(entry for entry in fields(STUDIES[kind]) if entry.name == name)
    default: Any = entry.default
    return default, entry.metadata["low"], min(entry.metadata["high"], 9999)
