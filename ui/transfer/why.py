"""Why a picture gets its answer: where each arm's evidence is, and the training pictures most alike."""

from collections.abc import Collection

import streamlit as st

from cnn_core.figures import maps
from cnn_core.figures.pooling import evidence as overlaid
from cnn_core.pictures.images import Picture
from cnn_core.training.lab.labels import Evidence
from cnn_core.training.transfer.results import Answer
from cnn_core.training.transfer.spec import ARM_TITLES
from ui.shared.charts import palette
from ui.shared.contact import contact_sheet
from ui.shared.session import store
from ui.shared.teaching import told
from ui.shared.text import plain
from ui.shared.worker import answered

ENLARGED = 224  # pixels of a picture under its evidence


def why(run_id: str, picture: Answer, arms: Collection[str]) -> None:
    """Show what spoke for the answer of each arm that missed a picture, and for its label.

    Args:
        run_id: Whose networks.
        picture: One of the test pictures.
        arms: That missed it.
    """
    found = looked(run_id, picture.digest, arms)
    if not found:
        return
    nearest = next(iter(found.values())).nearest
    if not nearest:
        return
    other = sum(near.label != picture.label for near in nearest)
    st.caption(f"{other} of these {len(nearest)} are not called “{plain(picture.label)}”.")


def looked(run_id: str, picture: str | Picture, arms: Collection[str]) -> dict[str, Evidence]:
    """Show where each arm looks, and what it has learnt from that is most alike; return it, empty without an answer.

    Args:
        run_id: Whose networks.
        picture: Digest of a test picture, or a new one.
        arms: That are asked.
    """
    found: dict[str, Evidence] = {}
    for arm in arms:
        answer = answered(
            "evidence", run_id, arm, picture, words="Asking the networks…", location=store().location, timeout=90
        )
        if answer is None:
            return {}
        found[arm] = answer
    place = f"{run_id}_{(picture if isinstance(picture, str) else picture.digest)[:12]}"
    with st.container(key=f"transfer_evidence_{place}"):
        for arm, answer in found.items():
            _arm(arm, answer)
    told(
        "The redder a place, the more it speaks for that class ([[Grad-CAM]]); one scale for both. Does the network "
        "look at the thing itself, or at what is around it?"
    )
    nearest = next(iter(found.values())).nearest
    if not nearest:
        st.caption("The pretrained network has not read these pictures: which ones are most alike is not known.")
        return found
    st.markdown("**It has learnt from these, and finds them most alike**")
    alike = [(near.digest, f"{near.label} {near.similarity:.2f}", near.name) for near in nearest]
    contact_sheet("Training pictures most alike", alike, f"transfer_nearest_{place}")
    st.caption("Likeness is the cosine of what the pretrained network makes of two pictures: 1 is the same.")
    return found


def _arm(arm: str, answer: Evidence) -> None:
    names = list(answer.maps)
    second = answer.label or names[-1]
    strongest = max(float(answer.maps[name].max()) for name in names) or 1.0
    dot = f'<span style="color:{palette().arms[arm]}">●</span>'
    st.markdown(
        f"{dot} **{ARM_TITLES[arm]}** says {plain(answer.said)} at {answer.probabilities[answer.said]:.0%}, "
        f"{plain(second)} at {answer.probabilities[second]:.0%}.",
        unsafe_allow_html=True,
    )
    columns = st.columns(3, wrap=False)
    columns[0].image(answer.seen, caption="As the network sees it", alt="As the network sees it", width="stretch")
    for column, name in zip(columns[1:], names, strict=False):
        role = "its label" if name == answer.label else "what it says" if name == answer.said else "its second guess"
        shown = maps.enlarged(overlaid(answer.seen, answer.maps[name], strongest), ENLARGED)
        alt = f"{ARM_TITLES[arm]}: evidence for {name} ({role}), strongest {_place(answer, name)}"
        column.image(shown, caption=f"for **{plain(name)}**, {role}", alt=alt, width="stretch")


def _place(answer: Evidence, name: str) -> str:
    """Say where a class's evidence is strongest."""
    shown = answer.maps[name]
    if not shown.max():
        return "nowhere"
    row, column = divmod(int(shown.argmax()), shown.shape[1])
    thirds = [min(2, 3 * at // size) for at, size in zip((row, column), shown.shape, strict=True)]
    words = " ".join(filter(None, (("top", "", "bottom")[thirds[0]], ("left", "", "right")[thirds[1]])))
    return f"at the {words}" if words else "in the middle"
