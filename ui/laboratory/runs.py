"""A study of the laboratory on a page: started from the visit's album, followed live, found again at its link."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Generic
from urllib.parse import urlencode

import streamlit as st

from cnn_core.engine import client
from cnn_core.pictures.items import SpecRefused
from cnn_core.store import keys
from cnn_core.store.runs import Run, RunNotFound
from cnn_core.training.flags import spelled
from cnn_core.training.lab.results import LabResult
from cnn_core.training.lab.spec import LabSpec, commonest_share
from cnn_core.training.lab.studies import STUDIES, read
from cnn_core.training.results import ResultUnreadable
from cnn_core.training.study import Found, Study
from ui.laboratory.controls import controls, expected
from ui.laboratory.views import VIEW_OF
from ui.shared.navigation import PAGES
from ui.shared.run_panel import follow
from ui.shared.session import Album, find_run, known_runs, open_run, own_run, remember_run, store
from ui.shared.sets import set_bar
from ui.shared.text import count, duration, plain


@dataclass(frozen=True)
class Shown(Generic[Found]):
    """What a view draws: a run that has ended, and what it has found."""

    run: Run
    result: Found


def study(record: Study[Any, Found], album: Album) -> Shown[Found] | None:
    """Offer to carry out a study of the album, and follow the one that is shown.

    Shown is, in this order: the run of the link (`?run=`); the one this visit saw last with these pictures; the newest
    of these very pictures that this visit has started, or that anybody's has finished.

    Args:
        record: The study.
        album: The labelled pictures.

    Returns:
        The run whose result is to be drawn; None while there is none.
    """
    kind = record.key
    run = shown(kind, album)
    _pictures(album)
    options, refusal = controls(record)
    chosen = None
    if options:
        try:
            chosen = LabSpec(tuple(album.items), options, album.source)
        except SpecRefused as trouble:
            refusal = str(trouble)
    waiting = run is not None and run.live and same_pictures(run, album)
    with st.container(horizontal=True, vertical_alignment="center"):
        if (
            st.button(
                "Measure it",
                key=f"laboratory_start_{kind}",
                type="primary",
                icon=":material/play_arrow:",
                disabled=chosen is None or waiting,
            )
            and chosen
        ):
            start(chosen, album)
            st.rerun()
        if chosen is None:
            st.markdown(f":material/info: {plain(refusal)}")
        elif not waiting:
            st.caption(expected(record, chosen.options, len(album.items)))
    if run is None:
        return None
    if not same_pictures(run, album):
        st.info(f"This is a study of other pictures: {plain(run.title)}.")
        st.button("Back to my pictures", key=f"laboratory_mine_{kind}", on_click=_forget, args=(kind, album))
    follow(run, "laboratory")
    if run.state in ("partial", "stopped") and own_run(run.id):
        st.button(
            "Measure what is missing",
            key=f"laboratory_rest_{kind}",
            icon=":material/resume:",
            on_click=_go_on,
            args=(run.id,),
            help="What is below stays as it is.",
        )
    if run.live or not run.result:
        return None
    if run.id in st.session_state.get("laboratory_found", ()):
        st.caption("These very pictures were measured on this server before; measure them again if you like.")
    try:
        result, asked = record.result.from_json(run.result), read(run.spec).options
    except (ResultUnreadable, SpecRefused) as trouble:
        st.error(plain(str(trouble)))
        return None
    if chosen and asked != chosen.options and same_pictures(run, album):
        st.caption("The figures below are of other settings than those above.")
    return Shown(run, result)


def _go_on(run_id: str) -> None:
    if store().reopen(run_id):
        client.current().submit(run_id)


def start(chosen: LabSpec, album: Album) -> Run:
    """Create a study's run and hand it to the engine; it is shown from now on."""
    kind = chosen.options.kind
    run = store().create("lab", chosen.to_json(), title=f"{chosen.source}: {STUDIES[kind].question}")
    remember_run(run.id)
    client.current().submit(run.id)
    store().lists.add(keys.studies(fingerprint(album.items), kind), run.id)
    _show(run, kind, album)
    return run


def shown(kind: str, album: Album) -> Run | None:
    """Return the run to be shown for a kind of study; the link then says so."""
    seen = _seen()
    wanted = st.query_params.get("run")
    if wanted:
        run = open_run(wanted) if wanted not in seen.values() else find_run(wanted)
        if run is None or run.kind != "lab":
            st.error(f"There is no study {plain(wanted[:40])} on this server. Check the link.")
        elif run.spec["options"]["kind"] == kind:
            _show(run, kind, album)
            return run
    mark = fingerprint(album.items)
    run_id = seen.get((kind, mark)) or _newest(kind, mark)
    if run_id and (run := find_run(run_id)):
        _show(run, kind, album)
        return run
    st.query_params.pop("run", None)
    return None


def _newest(kind: str, mark: str) -> str:
    """The newest study of these very pictures that this visit has started, or that anybody's has finished."""
    own = known_runs()
    for run_id in reversed(store().lists.entries(keys.studies(mark, kind))):
        try:
            glance = store().glance(run_id)
        except RunNotFound:  # deleted since
            continue
        if own.get(run_id):
            return run_id
        if glance.state == "done":
            st.session_state.setdefault("laboratory_found", set()).add(run_id)
            return run_id
    return ""


def kind_of_link() -> str:
    """Return the kind of study that a new link names, empty if the page shows it already or it names none."""
    wanted = st.query_params.get("run", "")
    if not wanted or wanted == st.session_state.get("laboratory_linked"):
        return ""
    st.session_state.laboratory_linked = wanted
    run = find_run(wanted)
    return str(run.spec["options"]["kind"]) if run and run.kind == "lab" else ""


def same_pictures(run: Run, album: Album) -> bool:
    """Tell whether a run's pictures and labels are the album's."""
    return fingerprint(run.spec["items"]) == fingerprint(album.items)


def fingerprint(items: Any) -> str:
    """Return a name for pictures and their labels, whatever their order: of items, or of their JSON.

    Example:
        >>> fingerprint([("d1", "cat", "a.png", ""), ("d2", "dog", "b.png", "")])
        '281f7a5620e7b8d3'
    """
    pairs = sorted(
        (item[0], item[1]) if isinstance(item, list | tuple) else (item.digest, item.label) for item in items
    )
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]


def _seen() -> dict[tuple[str, str], str]:
    """What this visit has shown last, for a kind of study and the album's pictures."""
    seen: dict[tuple[str, str], str] = st.session_state.setdefault("laboratory_runs", {})
    return seen


def _show(run: Run, kind: str, album: Album) -> None:
    _seen()[kind, fingerprint(album.items)] = run.id
    st.session_state.laboratory_linked = st.query_params["run"] = run.id


def _forget(kind: str, album: Album) -> None:
    _seen().pop((kind, fingerprint(album.items)), None)
    st.query_params.pop("run", None)


def _pictures(album: Album) -> None:
    """Say which pictures a study would take, and where they are changed."""
    set_bar(album)
    counts = ", ".join(f"{plain(label)} {number}" for label, number in album.counts.items())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{count(len(album.items), 'picture')}** of {plain(album.source)}: {counts}")
        st.page_link(PAGES / "transfer.py", label="Change them", icon=":material/photo_library:")


# Beside a result ------------------------------------------------------------------------------------------------------


def sentences(result: LabResult, *, but: tuple[str, ...] = ()) -> None:
    """Show what a result's figures mean, as the study computed it; `but` leaves sentences out."""
    told = [text for text in result.sentences if text not in but]
    st.markdown("\n".join(f"- {plain(text)}" for text in told) if len(told) > 1 else plain("".join(told)))


def plot(figure: Any, key: str, alt: str) -> None:
    """Show a figure of the laboratory."""
    st.plotly_chart(figure, key=f"laboratory_{key}", config={"displayModeBar": False}, alt=alt)


def provenance(shown: Shown[Any]) -> None:
    """Offer a run's link and tell how it was computed, and how to do so without a browser."""
    run, result = shown.run, shown.result
    options = read(run.spec).options
    changed = {
        entry.name: value for entry in fields(options) if (value := getattr(options, entry.name)) != entry.default
    }
    lines = [
        f"{count(result.pictures, 'picture')} in {count(len(result.classes), 'class')}; {_day(run)}, "
        f"{duration(result.seconds)} ({duration(result.cpu_seconds)} of processor time).",
        f"{result.intervals}; {options.folds} folds, divided {options.repeats} times.",
        f"Seed {options.seed}{_machine(run.environment)}.",
        *result.notes,
    ]
    with st.container(horizontal=True):
        with st.popover("Link to this study", icon=":material/link:"):
            st.markdown("It shows the study to anyone who can reach this server, now and after a restart.")
            query = urlencode({"laboratory_view": VIEW_OF[options.kind], "run": run.id})
            st.code(f"{(st.context.url or '').partition('?')[0]}?{query}", language=None, wrap_lines=True)
        with st.popover("How it was computed", icon=":material/receipt_long:"):
            st.markdown("\n".join(f"- {plain(line)}" for line in lines) + "\n\nThe same on a folder of class folders:")
            command = f"python -m cnn_core lab {options.kind} FOLDER {spelled(changed)}".strip()
            st.code(command, language=None, wrap_lines=True)


def _day(run: Run) -> str:
    return datetime.fromtimestamp(run.ended or run.created, UTC).date().isoformat()


def _machine(environment: Mapping[str, Any]) -> str:
    """Device and versions, as far as a run has come to write them down: one that failed has not."""
    if not environment:
        return ""
    return (
        f"; {environment['device']}; Keras {environment['keras']}, TensorFlow {environment['tensorflow']}, "
        f"Python {environment['python']}; ConvScope {environment['commit']}"
    )


def commonest(run: Run) -> float:
    """Return the accuracy of always naming the commonest class of a run's pictures."""
    return commonest_share(label for _, label, _, part in run.spec["items"] if part != "test")
