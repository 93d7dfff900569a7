"""The server: `streamlit run app.py`. The app itself begins in ui/main.py."""

import streamlit as st
from starlette.middleware import Middleware

from cnn_core.engine.lifecycle import lifespan
from ui.shared.faults import told
from ui.shared.session import store
from ui.shared.visits import VisitCookie

app = st.App("ui/main.py", lifespan=lifespan, on_script_error=told, middleware=[Middleware(VisitCookie, store=store)])
