"""Where the test pictures are not like the training pictures: in what, in sentences, figures and pictures."""

import streamlit as st

from cnn_core.training.transfer.shift import Shift
from cnn_core.training.transfer.spec import ARM_TITLES
from ui.shared.contact import contact_sheet
from ui.shared.session import small
from ui.shared.text import plain, table


def show_shift(shift: Shift) -> None:
    """Show in what the parts differ: sentences, classes, and the worst mistakes beside what was learnt."""
    st.header("In what are the test pictures different?" if shift.unlike else "Why is the test so much worse?")
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in shift.words(ARM_TITLES)))
    if shift.classes:
        rows = [
            [plain(fall.name), f"{fall.validation.value:.0%}", f"{fall.test.value:.0%}", str(fall.test.total)]
            for fall in shift.classes
        ]
        table(["Class", "Validation", "Test", "Test pictures"], rows)
    if shift.traits:
        rows = [[trait.name, f"{trait.train:.3g}", f"{trait.test:.3g}"] for trait in shift.traits]
        table(["Median of", "Training", "Test"], rows)
    for number, missed in enumerate(shift.missed):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            st.image(small(missed.digest), width=96, alt=f"{missed.name}: is {missed.label}, said {missed.said}")
            st.markdown(f"is **{plain(missed.label)}**, said {plain(missed.said)}; most like it, learnt", width=130)
            alike = [(like.digest, f"{like.name}: {like.label}", "") for like in missed.nearest]
            with st.container(width=240):
                contact_sheet(f"Like {missed.name}", alike, f"transfer_like_{number}", columns=3, titled=False)
    st.caption(
        "The surest mistakes, each with the training pictures most like it. Validation against test by Fisher's exact "
        "test, how the pictures look by Mann and Whitney's; corrected for their number by Holm. Validation pictures "
        "also chose epoch and weight decay, which flatters them a little."
    )
