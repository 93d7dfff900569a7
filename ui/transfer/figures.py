"""Numbers that matter, large and in the colours of the arms; and the chart of what each arm reached."""

from collections.abc import Mapping

import streamlit as st

from cnn_core.arithmetic.escaping import html
from cnn_core.arithmetic.measures import Share
from cnn_core.figures.transfer import accuracies
from cnn_core.training.transfer.headline import again
from cnn_core.training.transfer.spec import ARM_TITLES
from ui.shared.charts import palette, plot


def large(shares: Mapping[str, Share], below: Mapping[str, str]) -> None:
    """Show each arm's accuracy as a large figure.

    Args:
        shares: Right answers of each arm.
        below: What stands beneath each figure after the arm's name.
    """
    colours = palette().arms
    figures = "".join(
        f'<div style="color:{colours[name]}"><b>{share.value:.1%}</b>'
        f"<span>{html(f'{ARM_TITLES[name]} · {below[name]}')}</span></div>"
        for name, share in shares.items()
    )
    st.markdown(f'<div class="arms">{figures}</div>', unsafe_allow_html=True)


def chart(shares: Mapping[str, Share], chance: float, key: str) -> None:
    """Show where each arm's accuracy lies, and where it would likely land on other pictures."""
    told = "; ".join(
        f"{ARM_TITLES[name]} {share.value:.1%}, on other photos likely {again(share)}" for name, share in shares.items()
    )
    plot(accuracies(shares, chance), key, f"{told}; always guessing the biggest class {chance:.0%}.")
