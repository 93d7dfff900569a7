"""Compare and keep: the runs of this visit and of its link, in one table and on one chart."""

import re
import secrets
from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from cnn_core.figures import comparison as figures
from cnn_core.store import keys, removal
from cnn_core.store.records import Glance, RunNotFound
from cnn_core.training.comparison import Summary, summary
from ui.laboratory.run_table import Entry, example_table, here, run_table
from ui.laboratory.study import EXAMPLE
from ui.shared.beginning import refusals
from ui.shared.charts import plot
from ui.shared.controls import usable
from ui.shared.links import shown_link
from ui.shared.session import is_own, known_runs, remember_run, store, visit
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, plain

PARAMETER, KEY = "laboratory_runs", "laboratory_key"
MAX_RUNS = 100  # runs in a list
MAX_TITLE = 80  # characters
ON_CHART = 6  # chosen beforehand
_IDS = re.compile(r"[0-9a-f]{12}(,[0-9a-f]{12})*")
_KEY = re.compile("[0-9a-f]{32}")


def kept(room: Room) -> None:
    """Show the runs that this visit has started or opened, or that the link names."""
    with room.side:
        _from_link()
    entries = [entry for run_id in [*known_runs()][-MAX_RUNS:] if (entry := _entry(run_id))]
    with room.why:
        told(
            "Which of all that you have tried was best, and is it better at all? Every run that you start or open on "
            "any page is listed here, under the name that you give it. Nobody else's are: a run is seen by whoever was "
            "given its link."
        )
    if not entries:
        example_table(room)
        room.stage.info(f"**{EXAMPLE}.** There are no runs yet.", icon=":material/inventory_2:")
        return
    for entry in entries:
        if entry.found.trouble:
            room.side.warning(f"**{plain(entry.run.title)}**: {plain(entry.found.trouble)}")
    choice = room.side.container()
    shown = run_table(entries, room)
    if not shown:
        room.stage.info("No run matches. Change the filter.")
        return
    names = _names(entries)
    measured = [entry.id for entry in shown if entry.found.accuracies]
    chosen = choice.multiselect(
        "Runs to compare, rename, delete or share",
        [entry.id for entry in shown],
        measured[:ON_CHART],
        format_func=lambda run_id: names[run_id],
        key="laboratory_picked",
        placeholder="Choose some",
    )
    picked = [entry for entry in shown if entry.id in chosen]
    if picked:
        with choice:
            _actions([entry.run for entry in picked])
        _charts(picked, names, room)


def _from_link() -> None:
    """Take up the runs that the link names, and those that its private key names as this reader's own."""
    known = known_runs()
    usable(PARAMETER, lambda text: bool(_IDS.fullmatch(text)) and text.count(",") < MAX_RUNS)
    named = st.query_params.get(PARAMETER, "")
    for run_id in filter(None, named.split(",")[:MAX_RUNS]):
        if not _glance(run_id):
            st.warning(f"There is no run {plain(run_id[:20])} on this server; it may have been deleted.")
        elif run_id not in known:
            remember_run(run_id, own=False)
    key = st.query_params.get(KEY, "")
    if key:
        del st.query_params[KEY]  # so that the address that is copied later does not carry it
        entries = store().lists.entries(keys.private(key)) if _KEY.fullmatch(key) else {}
        if not entries:
            st.warning("The private link is not known on this server.")
            return
        for run_id in entries:
            if _glance(run_id):
                store().give([run_id], visit())
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


# What can be done with the chosen ones --------------------------------------------------------------------------------


def _actions(picked: list[Glance]) -> None:
    own = [run for run in picked if is_own(run)]
    with st.container(horizontal=True):
        with st.popover("Copy a link", icon=":material/link:"):
            _links(picked, own)
        with st.popover("Rename", icon=":material/edit:", disabled=len(picked) != 1 or not own):
            if len(picked) == 1:
                with st.form("laboratory_rename_form", border=False):
                    st.text_input("Title", picked[0].title, MAX_TITLE, key=f"laboratory_title_{picked[0].id}")
                    st.form_submit_button("Rename", key="laboratory_rename", on_click=_rename, args=(picked[0].id,))
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
    shown_link(f"{here()}?{query}")
    if not own:
        return
    st.markdown("For yourself, to come back in another visit and still be able to rename and delete:")
    if st.button("Make a private link", key="laboratory_private"):
        key = secrets.token_hex(16)
        store().lists.add(keys.private(key), [run_id for run_id, mine in known_runs().items() if mine], own=True)
        shown_link(f"{here()}?laboratory_view=Runs&{KEY}={key}")
        st.caption("Where it is opened, all that you have started until now is yours from then on. Give it to nobody.")


def _deletion(own: list[Glance]) -> None:
    ended = [run for run in own if not run.live]
    if len(ended) < len(own):
        st.markdown("What still goes on must be stopped first.")
    if ended:
        st.markdown(
            f"**Delete {_these(ended)}** with the trained networks, for everybody who has the link? This cannot be "
            "undone. Pictures that no set, run or link uses any more go too."
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


def _rename(run_id: str) -> None:
    if words := " ".join(st.session_state[f"laboratory_title_{run_id}"].split())[:MAX_TITLE]:
        with refusals():
            store().rename(run_id, words, by=visit())


def _delete(run_ids: list[str]) -> None:
    with refusals():
        for run_id in run_ids:
            removal.remove_run(store(), run_id, by=visit())
            _forget([run_id])


def _forget(run_ids: list[str]) -> None:
    store().lists.remove(keys.visit(visit()), run_ids)
    named = [run_id for run_id in st.query_params.get(PARAMETER, "").split(",") if run_id not in ["", *run_ids]]
    if named:
        st.query_params[PARAMETER] = ",".join(named)
    else:
        st.query_params.pop(PARAMETER, None)


# The charts -----------------------------------------------------------------------------------------------------------


def _charts(picked: list[Entry], names: dict[str, str], room: Room) -> None:
    measured = [(names[entry.id], entry.found.accuracies) for entry in picked if entry.found.accuracies]
    learnt = [(names[entry.id], entry.found.curves) for entry in picked if entry.found.curves]
    if measured:
        best = {name: max(each.value for each in found) for name, found in measured}
        with room.stage:
            plot(
                figures.accuracies(measured),
                "laboratory_kept_accuracies",
                "; ".join(f"{name}: best {value:.1%}" for name, value in best.items()),
            )
            st.caption(
                "Each bar is its run's own 95% interval: where it would likely land on other photos of the kind. Runs "
                "on other pictures can be read side by side, not ranked."
            )
    if learnt:
        arms = sum(len(found) for _, found in learnt)
        with room.why:
            st.header("How did they get there?", anchor=False)
            plot(figures.curves(learnt), "laboratory_kept_curves", f"Accuracy over the epochs of {count(arms, 'arm')}.")
            st.caption("Validation pictures where you taught it yours, test pictures in the studies of networks.")
    if not measured and not learnt:
        room.stage.info("None of these has measured anything yet.")
