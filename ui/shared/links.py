"""A link that is given to somebody: its text to copy, and beside it the same as a QR code for a phone's camera."""

import segno
import streamlit as st
from segno.encoder import DataOverflowError

from cnn_core.arithmetic.escaping import html

TOO_LONG = "This link is too long for a QR code; copy its text."


def shown_link(address: str) -> None:
    """Show a link and its QR code, which a press makes as large as the screen: a class scans it from the wall.

    Args:
        address: Whole, as it is opened.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.code(address, language=None, wrap_lines=True)
        code = qr(address)
        large = f'<details class="large-qr"><summary>{code}<span>Large</span></summary></details>'
        st.html(large if 'class="qr"' in code else code, width=148)


@st.cache_data(max_entries=256, show_spinner=False)
def qr(address: str) -> str:
    """Return a QR code (ISO/IEC 18004) as an element of HTML, or the sentence why there is none.

    Args:
        address: What whoever scans it is led to; at most 2,953 bytes.

    Example:
        >>> qr("https://convscope.example")[:38], qr("x" * 3000) == f"<p>{TOO_LONG}</p>"
        ('<img class="qr" alt="QR code of this l', True)
    """
    try:
        code = segno.make_qr(address, error="l")  # and more of it where the same size has room
    except DataOverflowError:
        return f"<p>{TOO_LONG}</p>"
    # White behind it and round it in either theme: cameras look for dark on light.
    source = code.svg_data_uri(border=4, omitsize=True, dark="#000", light="#fff")
    return f'<img class="qr" alt="QR code of this link" src="{html(source)}">'
