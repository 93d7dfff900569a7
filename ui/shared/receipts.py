"""The mark beside a published figure that opens its receipt."""

import re

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cnn_core.receipts.check import receipts
from cnn_core.receipts.records import Receipt

_SHOWN = "receipts_shown"  # in the session: those that the view drawn last refers to
_MARK = re.compile(r"receipts\?receipt=([\w.-]+)")


def receipt(*keys: str) -> str:
    """Return the mark as Markdown: a small link to the receipt, in a tab of its own; one for each key.

    Example:
        >>> receipt("resnet50-top1-keras")
        ':small[[:material/receipt_long:](receipts?receipt=resnet50-top1-keras "Where this figure is from")]'

    Raises:
        KeyError: If there is no such receipt.
    """
    for key in keys:
        receipts()[key]
    _remember(*keys)
    return "".join(
        f':small[[:material/receipt_long:](receipts?receipt={key} "Where this figure is from")]' for key in keys
    )


def marked(text: str) -> str:
    """Return a text that was written with its marks before it is shown, after its receipts are remembered."""
    _remember(*_MARK.findall(text))
    return text


def _remember(*keys: str) -> None:
    """Count receipts as referred to by this view: they are printed with it."""
    if get_script_run_ctx(suppress_warning=True) is not None:  # else nobody looks: a module is read, or a doctest
        st.session_state.setdefault(_SHOWN, {}).update(dict.fromkeys(keys))


def forget_shown() -> None:
    """Begin a view."""
    st.session_state[_SHOWN] = {}


def referred_to() -> list[Receipt]:
    """Return the receipts that this view refers to, in the order in which it does."""
    return [receipts()[key] for key in st.session_state.get(_SHOWN, {})]
