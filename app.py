"""The server: `streamlit run app.py`. The app itself begins in ui/main.py."""

import os

import streamlit as st
from starlette.middleware import Middleware

from cnn_core.engine import settings
from cnn_core.engine.lifecycle import lifespan
from ui.shared.faults import told
from ui.shared.headers import Headers, hosting
from ui.shared.serving import routes
from ui.shared.session import store
from ui.shared.visits import VisitCookie

st.secrets.load_if_toml_exists()  # settings too, on hosts that know no other; Streamlit reads them after this file
try:
    settings.check()
    rules = hosting(os.environ)
except ValueError as refusal:
    raise SystemExit(f"ConvScope: {refusal}") from None

app = st.App(
    "ui/main.py",
    lifespan=lifespan,
    on_script_error=told,
    routes=routes(store),
    middleware=[
        Middleware(Headers, rules=rules),
        Middleware(VisitCookie, store=store, embedded=bool(rules.embed)),
    ],
)
