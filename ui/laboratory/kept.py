"""Compare and keep: the runs of this visit and of its link, in one table and on one chart."""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from cnn_core.figures import comparison as figures
from cnn_core.store import keys
from cnn_core.store.runs import Glance, RunNotFound
from cnn_core.training.comparison import Summary, comparison_csv, summary
from ui.laboratory.views import VIEW_OF
from ui.shared.session import known_runs, remember_run, store, visit
from ui.shared.teaching import one_of
from ui.shared.text import count, duration, plain

PARAMETER, KEY = "laboratory_runs", "laboratory_key"
MOST = 100  # runs in a list
MOST_TITLE = 80  # characters
ON_CHART = 6  # chosen beforehand


@dataclass(frozen=True)
class Entry:
    """A run of the list: how it stands, and what it was asked and has measured."""

    run: Glance
    found: Summary

    @property
    def id(self) -> str:
        """The run's."""
        return self.run.id


SORTS: dict[str, Callable[[Entry], Any]] = {  # each the other way round too, by a click on the table's header
    "newest": lambda entry: -entry.run.created,
    "accuracy": lambda entry: -(entry.found.best.value if entry.found.best else -1.0),
    "title": lambda entry: entry.run.title.casefold(),
    "longest": lambda entry: -((entry.run.ended or entry.run.created) - (entry.run.started or entry.run.created)),
}
_IDS = re.compile(r"[0-9a-f]{12}(,[0-9a-f]{12})*")
LINK: dict[str, Callable[[str], bool]] = {
    PARAMETER: lambda text: bool(_IDS.fullmatch(text)) and text.count(",") < MOST,
    KEY: lambda text: re.fullmatch("[0-9a-f]{32}", text) is not None,
    "laboratory_sort": one_of(*SORTS),
}
_PLACES = {  # page and view of each kind of run
    "transfer": ("transfer", ""),
    "degradation": ("architectures", "Degradation"),
    "lenet": ("architectures", "LeNet"),
    "inductive_bias": ("architectures", "Prior"),
}
_CAUSES = {"architectures_view": "Degradation"}
_ASKED: dict[str, Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]] = {  # page and link of a long question
    "exports": lambda spec: ("transfer", {"run": spec["run"]}),
    "signals": lambda spec: (
        "architectures",
        _CAUSES | {"architectures_part": "Signals", "architectures_signal_depth": spec["depths"][-1]},
    ),
    "identity": lambda spec: (
        "architectures",
        _CAUSES | {"architectures_part": "Identity", "architectures_blocks": spec["blocks"]},
    ),
}
_RUN_OF = {"transfer": "run", "laboratory": "run", "architectures": "architectures_run"}


def kept() -> None:
    """Show the runs that this visit has started or opened, or that the link names."""
    _from_link()
    entries = [entry for run_id in [*known_runs()][-MOST:] if (entry := _entry(run_id))]
    if not entries:
        st.info(
            "There are no runs yet. Those that you start or open on any page are listed here. Nobody else's are: "
            "there are no accounts, so a run is seen by whoever was given its link."
        )
        return
    for entry in entries:
        if entry.found.trouble:
            st.warning(f"**{plain(entry.run.title)}**: {plain(entry.found.trouble)}")
    shown = _table(entries)
    if not shown:
        st.info("No run matches. Change the filter.")
        return
    names = _names(entries)
    measured = [entry.id for entry in shown if entry.found.accuracies]
    chosen = st.multiselect(
        "Runs",
        [entry.id for entry in shown],
        measured[:ON_CHART],
        format_func=lambda run_id: names[run_id],
        key="laboratory_chosen",
        placeholder="Choose runs to compare, rename, delete or share",
    )
    picked = [entry for entry in shown if entry.id in chosen]
    if picked:
        _actions([entry.run for entry in picked])
        _charts(picked, names)


def _from_link() -> None:
    """Take up the runs that the link names, and those that its private key names as this reader's own."""
    known = known_runs()
    for run_id in filter(None, st.query_params.get(PARAMETER, "").split(",")[:MOST]):
        if not _glance(run_id):
            st.warning(f"There is no run {plain(run_id[:20])} on this server; it may have been deleted.")
        elif run_id not in known:
            remember_run(run_id, own=False)
    key = st.query_params.get(KEY, "")
    if key:
        del st.query_params[KEY]  # so that the address that is copied later does not carry it
        entries = store().lists.entries(keys.private(key)) if LINK[KEY](key) else {}
        if not entries:
            st.warning("The private link is not known on this server.")
            return
        for run_id in entries:
            if _glance(run_id):
                remember_run(run_id)


def _glance(run_id: str) -> Glance | None:
    try:
        return store().glance(run_id)
    except RunNotFound:
        return None


def _entry(run_id: str) -> Entry | None:
    """Return a run of the list; None if there is none (any more)."""
    try:
        run = store().glance(run_id)
        return Entry(run, _ended(run_id, run.ended) if run.ended else summary(store().get(run_id)))
    except RunNotFound:
        return None


@st.cache_data(max_entries=1000, show_spinner=False)
def _ended(run_id: str, ended: float) -> Summary:
    """Sum up a run that has ended: it is read whole once, and again when it was tried again."""
    return summary(store().get(run_id))


def _names(entries: Sequence[Entry]) -> dict[str, str]:
    """What each run is called: its title, with as much of its id as is needed to tell it from others."""
    titles = [entry.run.title for entry in entries]
    return {
        entry.id: entry.run.title + (f" ({entry.id[:4]})" if titles.count(entry.run.title) > 1 else "")
        for entry in entries
    }


# The table ------------------------------------------------------------------------------------------------------------


def _table(entries: list[Entry]) -> list[Entry]:
    """Show the runs that match the filter, sorted; return them."""
    left, middle, right = st.columns([3, 3, 2])
    words = left.text_input("Filter", key="laboratory_filter", placeholder="title, class, network, state").casefold()
    kinds = sorted({entry.found.kind for entry in entries})
    only = middle.multiselect("What was asked", kinds, key="laboratory_kinds", placeholder="everything")
    order = right.selectbox("Sort by", list(SORTS), key="laboratory_sort", bind="query-params", persist_state="session")
    shown = sorted((entry for entry in entries if _matches(entry, words, only)), key=SORTS[order])
    if not shown:
        return []
    import pandas as pd  # here: views without a table do without its 57 MB

    st.dataframe(
        pd.DataFrame([_row(entry) for entry in shown]),
        hide_index=True,
        key="laboratory_table",
        column_config={
            "best": st.column_config.NumberColumn(format="%.1f %%", help="Accuracy of the best arm"),
            "open": st.column_config.LinkColumn(display_text="open"),
        },
    )
    st.download_button(
        "Table (CSV)",
        lambda: comparison_csv((entry.run, entry.found) for entry in shown),
        "convscope-runs.csv",
        "text/csv",
        key="laboratory_csv",
        on_click="ignore",
        icon=":material/download:",
        help="A row a run and arm, with intervals.",
    )
    return shown


def _matches(entry: Entry, words: str, only: list[str]) -> bool:
    run, found = entry.run, entry.found
    text = " ".join([run.title, run.state, run.id, found.backbone, found.kind, *found.labels])
    return all(word in text.casefold() for word in words.split()) and (not only or found.kind in only)


def _row(entry: Entry) -> dict[str, Any]:
    run, found, best = entry.run, entry.found, entry.found.best
    return {
        "title": run.title,
        "open": _address(entry),
        "best": 100 * best.value if best else None,
        "95 % interval": f"{best.low:.1%} – {best.high:.1%}" if best else "",
        "arm": best.arm if best else "",
        "asked": found.kind,
        "state": run.state,
        "network": found.backbone,
        "pictures": found.pictures or None,
        "started (UTC)": datetime.fromtimestamp(run.started or run.created, UTC).strftime("%Y-%m-%d %H:%M"),
        "took": duration(run.ended - run.started) if run.ended and run.started else "",
    }


def _address(entry: Entry) -> str:
    """The link of one run, on the page that shows it."""
    family, _, study = entry.found.key.partition("/")
    if family in _ASKED:  # found by the question, which the link puts again
        page, query = _ASKED[family](store().get(entry.id).spec)
    else:
        page, view = ("laboratory", VIEW_OF[study]) if family == "lab" else _PLACES[family]
        query = ({f"{page}_view": view} if view else {}) | {_RUN_OF[page]: entry.id}
    return f"{_here().rpartition('/')[0]}/{page}?{urlencode(query)}"


def _here() -> str:
    return (st.context.url or "").partition("?")[0]


# What can be done with the chosen ones --------------------------------------------------------------------------------


def _actions(picked: list[Glance]) -> None:
    mine = known_runs()
    own = [run for run in picked if mine.get(run.id)]
    with st.container(horizontal=True):
        with st.popover("Copy a link", icon=":material/link:"):
            _links(picked, own)
        with st.popover("Rename", icon=":material/edit:", disabled=len(picked) != 1 or not own):
            if len(picked) == 1:
                title = st.text_input("Title", picked[0].title, MOST_TITLE, key=f"laboratory_title_{picked[0].id}")
                st.button("Rename", key="laboratory_rename", on_click=_rename, args=(picked[0].id, title))
        with st.popover("Delete", icon=":material/delete:", disabled=not own):
            _deletion(own)
        st.button(
            "Take off the list",
            key="laboratory_forget",
            on_click=_forget,
            args=([run.id for run in picked],),
            help="They stay on the server, at their links.",
        )
    if len(own) < len(picked):
        st.caption("Only whoever started a run can rename or delete it.")


def _links(picked: list[Glance], own: list[Glance]) -> None:
    query = urlencode({"laboratory_view": "Runs", PARAMETER: ",".join(run.id for run in picked)}, safe=",")
    st.markdown(f"Shows {_these(picked)} to anyone who can reach this server; they can neither rename nor delete.")
    st.code(f"{_here()}?{query}", language=None, wrap_lines=True)
    if not own:
        return
    st.markdown("For yourself, to come back in another visit and still be able to rename and delete:")
    if st.button("Make a private link", key="laboratory_private"):
        key = secrets.token_hex(16)
        store().lists.add(keys.private(key), [run_id for run_id, mine in known_runs().items() if mine], own=True)
        st.code(f"{_here()}?laboratory_view=Runs&{KEY}={key}", language=None, wrap_lines=True)
        st.caption("It holds all that you have started until now. Give it to nobody.")


def _deletion(own: list[Glance]) -> None:
    ended = [run for run in own if not run.live]
    if len(ended) < len(own):
        st.markdown("What still goes on must be stopped first.")
    if ended:
        st.markdown(
            f"**Delete {_these(ended)}** with the trained networks, for everybody who has the link? This cannot be "
            "undone. The pictures stay: other runs may use them."
        )
        st.button(
            "Delete for good",
            key="laboratory_delete",
            type="primary",
            on_click=_delete,
            args=([run.id for run in ended],),
        )


def _these(runs: list[Glance]) -> str:
    return f"“{plain(runs[0].title)}”" if len(runs) == 1 else count(len(runs), "run")


def _rename(run_id: str, title: str) -> None:
    if words := " ".join(title.split())[:MOST_TITLE]:
        store().rename(run_id, words)


def _delete(run_ids: list[str]) -> None:
    for run_id in run_ids:
        store().delete(run_id)
    _forget(run_ids)


def _forget(run_ids: list[str]) -> None:
    store().lists.drop(keys.visit(visit()), run_ids)
    named = [run_id for run_id in st.query_params.get(PARAMETER, "").split(",") if run_id not in ["", *run_ids]]
    if named:
        st.query_params[PARAMETER] = ",".join(named)
    else:
        st.query_params.pop(PARAMETER, None)


# The charts -----------------------------------------------------------------------------------------------------------


def _charts(picked: list[Entry], names: dict[str, str]) -> None:
    measured = [(names[entry.id], entry.found.accuracies) for entry in picked if entry.found.accuracies]
    learnt = [(names[entry.id], entry.found.curves) for entry in picked if entry.found.curves]
    if measured:
        st.subheader("Accuracy, with 95 % intervals")
        spoken = "; ".join(f"{name}: best {max(each.value for each in found):.1%}" for name, found in measured)
        _plot(figures.accuracies(measured), "accuracies", spoken)
        st.caption(
            "Each interval is its run's own: over folds in the laboratory, Wilson's of the test pictures elsewhere. "
            "Runs on other pictures can be read side by side, not ranked."
        )
    if learnt:
        st.subheader("While they learnt")
        arms = sum(len(found) for _, found in learnt)
        _plot(figures.curves(learnt), "curves", f"Accuracy over the epochs of {count(arms, 'arm')}.")
        st.caption("Validation pictures in transfer learning, test pictures in the studies of architectures.")
    if not measured and not learnt:
        st.info("None of these has measured anything yet.")


def _plot(figure: Any, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=f"laboratory_kept_{key}", config={"displayModeBar": False}, alt=alt)
