"""The server: `streamlit run app.py`. The app itself begins in ui/main.py."""

import streamlit as st

from cnn_core.engine.lifecycle import lifespan

app = st.App("ui/main.py", lifespan=lifespan)
