"""Why a picture was missed: where each arm's evidence is, and the training pictures most alike; computed when asked."""

from collections.abc import Collection

import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures import maps
from cnn_core.figures.pooling import evidence as overlaid
from cnn_core.training.lab.labels import Attention
from cnn_core.training.transfer.results import Answer
from cnn_core.training.transfer.spec import ARM_TITLES
from ui.shared.charts import palette
from ui.shared.session import store
from ui.shared.teaching import told
from ui.shared.text import asking, plain
from ui.widgets.gallery.gallery import gallery

ENLARGED = 224  # pixels of a picture under its evidence
NEAR = 88  # of a training picture


def why(run_id: str, picture: Answer, arms: Collection[str]) -> None:
    """Show what spoke for the answer of each arm that missed a picture, and for its label.

    Args:
        run_id: Whose networks.
        picture: One of the test pictures.
        arms: That missed it.
    """
    found: dict[str, Attention] = {}
    try:
        with st.spinner(asking("Asking the networks…")):
            for arm in arms:
                found[arm] = _evidence(run_id, arm, picture.digest)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return
    with st.container(key="transfer_evidence"):
        for arm, answer in found.items():
            _arm(arm, answer)
    told(
        "The redder a place, the more it speaks for that class ([[Grad-CAM]]); one scale for both. Does the network "
        "look at the thing itself, or at what is around it?"
    )
    nearest = next(iter(found.values())).nearest
    if not nearest:
        st.caption("The pretrained network has not read these pictures: which ones are most alike is not known.")
        return
    st.markdown("**It has learnt from these, and finds them most alike**")
    gallery(
        [(near.digest, f"{near.name}: {near.label}", f"{near.label} {near.similarity:.2f}") for near in nearest],
        f"transfer_nearest_{run_id}",
        side=NEAR,
    )
    other = sum(near.label != picture.label for near in nearest)
    st.caption(
        f"Likeness is the cosine of what the pretrained network makes of two pictures: 1 is the same. {other} of these "
        f"{len(nearest)} are not called “{plain(picture.label)}”."
    )


def _arm(arm: str, answer: Attention) -> None:
    names = list(dict.fromkeys((answer.said, answer.label)))
    strongest = max(float(answer.maps[name].max()) for name in names) or 1.0
    dot = f'<span style="color:{palette().arms[arm]}">●</span>'
    st.markdown(
        f"{dot} **{ARM_TITLES[arm]}** says {plain(answer.said)} at {answer.probabilities[answer.said]:.0%}, "
        f"{plain(answer.label)} at {answer.probabilities[answer.label]:.0%}.",
        unsafe_allow_html=True,
    )
    columns = st.columns(3, wrap=False)
    columns[0].image(answer.seen, caption="As the network sees it", alt="As the network sees it", width="stretch")
    for column, name in zip(columns[1:], names, strict=False):
        role = "its label" if name == answer.label else "what it says"
        shown = maps.enlarged(overlaid(answer.seen, answer.maps[name], strongest), ENLARGED)
        alt = f"{ARM_TITLES[arm]}: evidence for {name} ({role}), strongest {_place(answer, name)}"
        column.image(shown, caption=f"for **{plain(name)}**, {role}", alt=alt, width="stretch")


def _place(answer: Attention, name: str) -> str:
    """Say where a class's evidence is strongest."""
    shown = answer.maps[name]
    if not shown.max():
        return "nowhere"
    row, column = divmod(int(shown.argmax()), shown.shape[1])
    thirds = [min(2, 3 * at // size) for at, size in zip((row, column), shown.shape, strict=True)]
    words = " ".join(filter(None, (("top", "", "bottom")[thirds[0]], ("left", "", "right")[thirds[1]])))
    return f"at the {words}" if words else "in the middle"


@st.cache_data(max_entries=100, show_spinner=False)
def _evidence(run_id: str, arm: str, digest: str) -> Attention:
    answer: Attention = client.current().ask("evidence", run_id, arm, digest, location=store().location, timeout=90)
    return answer
