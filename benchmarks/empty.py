# ruff: noqa: TID251
"""An app that computes nothing, with as many elements as a page of ConvScope: what `feel.py` holds a page against.

`?shape=` has a letter an element, in their order: w a control, p a picture, c a chart, t anything else. The one in
capitals answers the slider.
"""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

value = st.slider("Value", 0, 100, 50)
for number, kind in enumerate(st.query_params.get("shape", "T")):
    shown = value if kind.isupper() else 0
    if kind in "wW":
        st.toggle(f"Control {number}")
    elif kind in "pP":
        st.image(np.full((8, 8, 3), shown, np.uint8), alt=f"Picture {number}")
    elif kind in "cC":
        figure = go.Figure(go.Scatter(x=[0, 100], y=[0, shown]), {"yaxis": {"range": [0, 100]}})
        st.plotly_chart(figure, key=f"chart_{number}")
    else:
        st.markdown(f"Text {number}: {shown}")
