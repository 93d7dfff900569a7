"""The laboratory: studies of transfer on the reader's own pictures, each opening with an example."""

import streamlit as st

from ui.laboratory.runs import kind_of_link
from ui.laboratory.views import STEPS, VIEW_OF
from ui.shared import stage

linked = VIEW_OF.get(kind_of_link())
if linked and "laboratory_view" not in st.query_params:
    st.query_params["laboratory_view"] = linked  # a run's link opens the step of its study

stage.lesson("laboratory", STEPS)
