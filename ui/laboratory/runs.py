"""Which run of a study a step shows: the link's, this visit's, or anybody's of the same sample set."""

import hashlib
import json
from typing import Any

import streamlit as st

from cnn_core.store import keys
from cnn_core.store.records import Run, RunNotFound
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.lab.studies import STUDIES
from ui.shared.beginning import begin_run
from ui.shared.session import Album, find_run, known_runs, open_run, store
from ui.shared.text import plain


def start(chosen: LabSpec, album: Album) -> Run | None:
    """Begin a study, which is shown from now on; or say why not, and return None."""
    kind = chosen.options.kind
    run = begin_run("lab", chosen.to_json(), f"{album.title}: {STUDIES[kind].question}")
    if run is None:
        return None
    store().lists.add(keys.studies(fingerprint(album.items), kind), run.id)
    _show(run, kind, album)
    return run


def shown(kind: str, album: Album) -> Run | None:
    """Return the run to be shown for a kind of study; the link then says so.

    In this order: the run of the link, unless the pictures are others by now and have a study of their own; the run
    that this visit saw last with these pictures; the newest of these very pictures that this visit has started, or, of
    a sample set, that anybody's has finished; the study of what these pictures were before their last changes.
    """
    run, seen, mark = _of_link(kind), _seen(), fingerprint(album.items)
    if run and (same_pictures(run, album) or changes(run, album) is None):
        _show(run, kind, album)
        return run
    of_these = seen.get((kind, mark)) or _newest(kind, mark, anybodys=album.is_sample)
    before = run.id if run else seen.get((kind, album.id)) or _newest_before(kind, album)
    for run_id in filter(None, (of_these, before)):
        if found := find_run(run_id):
            _show(found, kind, album)
            return found
    st.query_params.pop("run", None)
    return None


def newest(kind: str, album: Album) -> Run | None:
    """Return the newest study of these very pictures that this visit has started; None if there is none."""
    return find_run(run_id) if (run_id := _newest(kind, fingerprint(album.items))) else None


def _of_link(kind: str) -> Run | None:
    wanted = st.query_params.get("run")
    if not wanted:
        return None
    run = open_run(wanted) if wanted not in _seen().values() else find_run(wanted)
    if run is None or run.kind != "lab":
        st.error(f"There is no study {plain(wanted[:40])} on this server. Check the link.")
        return None
    return run if run.spec["options"]["kind"] == kind else None


def _newest(kind: str, mark: str, *, anybodys: bool = False) -> str:
    """The newest study of these very pictures that this visit has started, or that anybody's has finished."""
    own = known_runs()
    for run_id in reversed(store().lists.entries(keys.studies(mark, kind))):
        try:
            glance = store().glance(run_id)
        except RunNotFound:  # deleted since
            continue
        if own.get(run_id):
            return run_id
        if anybodys and glance.state == "done":
            st.session_state.setdefault("laboratory_found", set()).add(run_id)
            return run_id
    return ""


def _newest_before(kind: str, album: Album) -> str:
    """The newest study of what an album was before its changes, the last state first."""
    states = [fingerprint(before.items) for before in reversed(album.past) if before.id == album.id]
    return next(filter(None, (_newest(kind, mark) for mark in states)), "")


def measured_before(run: Run) -> bool:
    """Tell whether a run was not this visit's, but found because somebody had studied the same sample set."""
    return run.id in st.session_state.get("laboratory_found", ())


def kind_of_link() -> str:
    """Return the kind of study that a new link names, empty if the page shows it already or it names none."""
    wanted = st.query_params.get("run", "")
    if not wanted or wanted == st.session_state.get("laboratory_linked"):
        return ""
    st.session_state.laboratory_linked = wanted
    run = find_run(wanted)
    return str(run.spec["options"]["kind"]) if run and run.kind == "lab" else ""


def forget(kind: str, album: Album) -> None:
    """Leave a study of other pictures."""
    for key in (fingerprint(album.items), album.id):
        _seen().pop((kind, key), None)
    st.query_params.pop("run", None)


def _seen() -> dict[tuple[str, str], str]:
    """What this visit has shown last, for a kind of study and the album, or the very pictures in it."""
    seen: dict[tuple[str, str], str] = st.session_state.setdefault("laboratory_runs", {})
    return seen


def _show(run: Run, kind: str, album: Album) -> None:
    changed = changes(run, album)
    if not changed:
        _seen()[kind, fingerprint(album.items)] = run.id
    if changed is not None:  # changed pictures find what they were; their own study comes before it
        _seen()[kind, album.id] = run.id
    st.session_state.laboratory_linked = st.query_params["run"] = run.id


# Which pictures -------------------------------------------------------------------------------------------------------


def same_pictures(run: Run, album: Album) -> bool:
    """Tell whether a run's pictures and labels are the album's."""
    return fingerprint(run.spec["items"]) == fingerprint(album.items)


def changes(run: Run, album: Album) -> dict[str, int] | None:
    """Count what has been changed of a run's pictures since: moved, removed, added.

    Returns:
        Nothing where they are the album's; None where they are other pictures: the album has not half of them.
    """
    studied, there = {(entry[0], entry[1]) for entry in run.spec["items"]}, {(i.digest, i.label) for i in album.items}
    before, now = {digest for digest, _ in studied}, {digest for digest, _ in there}
    if 2 * len(before & now) < len(before):
        return None
    gone, new = {digest for digest, _ in studied - there}, {digest for digest, _ in there - studied}
    counts = {"moved": len(gone & new), "removed": len(gone - new), "added": len(new - gone)}
    return {what: number for what, number in counts.items() if number}


def fingerprint(items: Any) -> str:
    """Return a name for pictures and their labels, whatever their order: of items, or of their JSON.

    Example:
        >>> fingerprint([("d1", "cat", "a.png", ""), ("d2", "dog", "b.png", "")])
        '281f7a5620e7b8d3'
    """
    entries = (item if isinstance(item, list | tuple) else item.to_json() for item in items)
    pairs = sorted((digest, label, *rest[2:]) for digest, label, *rest in entries)  # the recording, where it is one
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]
