"""What the page shows before there is anything of the reader's: a published result, stamped as one."""

import streamlit as st

from cnn_core.training.transfer.headline import headline
from cnn_core.training.transfer.published import CLOTHING
from ui.shared.stage import stop
from ui.shared.text import plain
from ui.transfer.figures import chart, large


def example() -> None:
    """Show what others' pictures came to, and what will stand here."""
    shares = CLOTHING.shares
    with st.container(key="stage"):
        stop()
        chart(shares, CLOTHING.chance, "transfer_example")
        st.markdown(f":material/verified: **Example, not yours: {headline(shares)}.**")
        large(
            shares,
            {
                name: f"{share.correct} of {share.total} · {CLOTHING.words[name]} · {CLOTHING.trained[name]:,} weights"
                for name, share in shares.items()
            },
        )
        st.markdown(CLOTHING.about)
        st.caption(plain(CLOTHING.source))


def awaits() -> None:
    """Say what will be here once networks are trained."""
    with st.container(key="transfer_awaits"):
        st.markdown(
            "**Then yours.** Once your networks have learnt, your figures take the place of these, and you drop a "
            "photo that was not among those: each network answers, in bars. Many at once are shown together, the "
            "doubtful first."
        )
