"""Transfer learning: the reader's pictures in, frozen against fine-tuned out, at a link."""

import streamlit as st

from cnn_core.engine import client
from cnn_core.store.runs import Run
from cnn_core.training.transfer.spec import Experiment
from ui.shared.run_panel import follow
from ui.shared.session import Album, open_run, remember_run, store
from ui.shared.sets import set_bar
from ui.shared.text import count, plain
from ui.transfer.contact_sheets import contact_sheets
from ui.transfer.pictures_in import add_pictures
from ui.transfer.result import draw_curves, show_result
from ui.transfer.settings import settings


def show_run(run: Run) -> None:
    """Show one run at its link."""
    st.title(f"Frozen against fine-tuned: {plain(run.title)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Change pictures or settings", icon=":material/arrow_back:", key="transfer_back", on_click=back)
        devices = sorted(set(client.current().status().devices))
        st.caption("Computes on " + (", ".join(devices) if devices else "an engine that is starting"))
    follow(run, "transfer", draw_curves)
    if not run.live:
        show_result(run)
    st.subheader("Share")
    st.markdown("This link shows the run to anyone who can reach this server, now and after a restart.")
    st.code(f"{(st.context.url or '').partition('?')[0]}?run={run.id}", language=None, wrap_lines=True)


def back() -> None:
    """Return to the pictures of this visit, or to those of the run."""
    Album.current()  # takes up the link's while it is there
    st.query_params.clear()


def build() -> None:
    """Let the reader gather pictures and start a run."""
    st.title("Frozen against fine-tuned, on your pictures")
    st.markdown(
        "A network that has learnt ImageNet's thousand classes is taught yours: once with its features "
        "**frozen**, once **fine-tuned**. You see both learn, and on which pictures each goes wrong."
    )
    album = Album.current()
    st.header("1 · Pictures", divider="gray")
    set_bar(album)
    add_pictures(album)
    trouble = contact_sheets(album)
    st.header("2 · Experiment", divider="gray")
    options, refusal = settings()
    trouble = trouble or refusal
    if (
        st.button(
            "Train and compare",
            type="primary",
            key="transfer_start",
            disabled=bool(trouble),
            icon=":material/play_arrow:",
        )
        and options
    ):
        experiment = Experiment(tuple(album.items), options, album.source)
        title = f"{album.source}, {count(len(album.classes), 'class')}"
        run = store().create("transfer", experiment.to_json(), title=title)
        remember_run(run.id)
        client.current().submit(run.id)
        st.query_params.from_dict({"run": run.id})
        st.rerun()
    if trouble:
        st.info(plain(trouble))


wanted = st.query_params.get("run")
if wanted and (found := open_run(wanted)) and found.kind == "transfer":
    show_run(found)
else:
    if wanted:
        st.error(
            f"There is no run {plain(wanted)} on this server. Check the link; below you can start one of your own."
        )
    build()
