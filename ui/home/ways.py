"""Where one can go from the front door."""

import streamlit as st

from cnn_core.networks.zoo.architectures import ARCHITECTURES
from ui.shared.navigation import PAGES

WAYS = (  # page, what one does there, how, icon
    (
        "convolution",
        "Understand it in 20 minutes",
        "Short lessons on this picture: a window slides, a map appears, a network grows.",
        ":material/grid_on:",
    ),
    (
        "transfer",
        "Teach it your own words",
        "Two kinds of things, ten photos each, one button. Watch a frozen and a fine-tuned network learn them.",
        ":material/school:",
    ),
    (
        "architectures",
        f"Open any of {len(ARCHITECTURES)} networks",
        "From LeNet to ViT, exact to the last parameter, drawn and foldable.",
        ":material/account_tree:",
    ),
)


def ways() -> None:
    """Show the three ways on."""
    for column, (page, label, how, icon) in zip(st.columns(len(WAYS)), WAYS, strict=True):
        with column.container(border=True, height="stretch"):
            st.page_link(PAGES / f"{page}.py", label=f"**{label}**", icon=icon)
            st.markdown(how)
