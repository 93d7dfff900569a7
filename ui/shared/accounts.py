"""Accounts, where the server has them: `[auth]` in .streamlit/secrets.toml, and Authlib (`make app AUTH=1`)."""

import functools
import importlib.util

import streamlit as st

from cnn_core.store import accounts
from ui.shared.text import plain

NEEDED = ("authlib", "httpx2")  # the second is what the first asks the provider by
MISSING = "This server has accounts, but lacks {}. Whoever runs it: make app AUTH=1, then start again."


@functools.cache
def configured() -> bool:
    """Tell whether this server has accounts; who changes that starts it again."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def signed_in() -> str:
    """Return the account that this reader has signed in to, as an owner; empty if there is none."""
    claims = st.user.to_dict()
    if not claims.get("is_logged_in"):
        return ""
    return accounts.account(str(claims.get("iss", "")), str(claims["sub"]))


def account() -> None:
    """Draw the button to sign in or out, where there are accounts."""
    if not configured():
        return
    if signed_in():
        claims = st.user.to_dict()
        about = f"Signed in: {plain(str(claims.get('name') or claims.get('email') or 'your account'))}"
        st.button("Sign out", key="account_out", icon=":material/logout:", help=about, on_click=st.logout)
        return
    lacking = missing()
    about = lacking or "What you have here becomes your account's, and is there in other browsers too"
    st.button(
        "Sign in", key="account_in", icon=":material/login:", help=about, disabled=bool(lacking), on_click=st.login
    )


def missing() -> str:
    """Return what signing in lacks here, in a sentence; empty if nothing."""
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return MISSING.format(" and ".join(lacking)) if lacking else ""
