"""A view on paper, or as a PDF: its figures and words, below them its link and the sources of its figures.

`ui/print.css` leaves the controls out; what stands below is in the page all the time, and shown on paper only.
"""

import secrets

import streamlit as st

from cnn_core.arithmetic.escaping import html
from cnn_core.receipts.records import written
from ui.shared.links import qr
from ui.shared.receipts import referred_to
from ui.shared.sharing import link
from ui.widgets.printer.printer import print_page

_WISH = "print_wish"  # in the session: the view is to be printed when it has been drawn


def ask() -> None:
    """Have the view printed when it is drawn next, with the QR code of its link."""
    st.session_state[_WISH] = secrets.token_hex(4)


def foot(page: str) -> None:
    """Draw what stands below a view on paper: its link, and where its published figures are from.

    Pictures that travel with a link do not travel on paper.

    Args:
        page: Its name in addresses.
    """
    address = link("", page, passing_on=False)
    sources = "".join(
        f"<li>{html(one.about)}, {html(one.quantity)} {html(written(one.value, one.unit))}: "
        f"{html(one.source)}; {html(one.link)}</li>"
        for one in referred_to()
    )
    code = qr(address) if _WISH in st.session_state else ""
    with st.container(key="foot"):
        st.html(
            f'<div class="foot">{code}<p><b>ConvScope.</b> This view: {html(address)}</p>'
            + (f"<p><b>Sources</b></p><ol>{sources}</ol>" if sources else "")
            + "</div>"
        )


def print_if_asked() -> None:
    """Open the browser's print dialog if that was asked; after all else is drawn."""
    if wish := st.session_state.pop(_WISH, ""):
        print_page(wish)
