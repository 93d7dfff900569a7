"""Teach a network your own categories: gather, train, try; frozen against fine-tuned, at a link."""

from pathlib import Path

import streamlit as st

import ui.transfer
from ui.shared.session import open_run
from ui.shared.text import plain
from ui.transfer.build import build
from ui.transfer.live import going
from ui.transfer.result import show_result

st.html(Path(ui.transfer.__file__).with_name("teach.css"))
wanted = st.query_params.get("run")
run = open_run(wanted) if wanted else None
if run is None or run.kind != "transfer":
    build(
        f"There is no training {plain(wanted[:40])} on this server. Check the link, or start one below."
        if wanted
        else ""
    )
elif run.live:
    st.title(f"Teaching: {plain(run.title)}", anchor=False)
    going(run)
else:
    show_result(run)
