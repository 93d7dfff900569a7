"""The transfer laboratory: studies of the reader's own pictures, with error bars."""

import streamlit as st

from cnn_core.training.lab.studies import STUDIES
from ui.laboratory.runs import kind_of_link
from ui.laboratory.views import RUNS, VIEW_OF, VIEWS
from ui.shared.session import Album
from ui.shared.teaching import check_link, one_of

QUESTIONS = {view.name: STUDIES[key].question for key, view in VIEWS.items()} | {RUNS.name: "All my runs"}
SHOWN = {view.name: view for view in (*VIEWS.values(), RUNS)}

check_link({"laboratory_view": one_of(*SHOWN)})
album = Album.current()
linked = VIEW_OF.get(kind_of_link())
if "laboratory_view" not in st.query_params and (linked or "laboratory_view" not in st.session_state):
    st.session_state.laboratory_view = linked or "Depth"

st.title("The transfer laboratory")
st.markdown(
    "What to freeze, how deep, with how many pictures, at which rate, and what goes wrong: on **your pictures**, "
    "the same divisions for every arm, so that differences are paired and have error bars."
)
view = st.segmented_control(
    "View",
    list(SHOWN),
    key="laboratory_view",
    wrap=True,
    required=True,
    bind="query-params",
    persist_state="session",
    label_visibility="collapsed",
)
view = view or "Depth"
st.header(QUESTIONS[view], divider="gray")
if view == RUNS.name:
    RUNS.show()
else:
    SHOWN[view].show(album)
