"""Augmentation seen before it is used, on the reader's own pictures, and its measured effect beneath."""

import numpy as np
import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures.data_look import augmentation_effect, sheet
from cnn_core.figures.maps import png
from cnn_core.training.lab.augmentation import POLICIES, STUDY, AugmentationResult
from cnn_core.training.lab.size import ARMS
from ui.laboratory.study import Shown, plot, receipt, sentences, stamp, study
from ui.shared.controls import segments
from ui.shared.session import Album, store
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import asking, plain, table

COPIES = 5
SIDE = 128  # pixels of a picture of the sheet
ROWS = 2  # pictures of it
ABOUT = {
    "all": "the three together, as “Augment” on the page “Teach it yours” has it",
    "mirror": "left and right exchanged, half of the time; wrong where the side matters, as in letters and digits",
    "shift": "up to a tenth of the side in either direction, the border reflected",
    "zoom": "up to 15% larger or smaller, the border reflected",
}


def augmentation(room: Room) -> bool:
    """Show copies of the album's pictures under a policy, and what training on them changes. True if mirrored."""
    album = Album.current()
    policy = segments(
        "What the copies differ in",
        POLICIES,
        "all",
        "laboratory_policy",
        place=room.side,
        on_change=_measure_this,
    )
    sheet_place, effect_place = room.stage.container(), room.stage.container()
    with sheet_place:
        if digests := _some(album):
            _sheet(digests, policy)
        st.markdown(f"**{POLICIES[policy]}**: {ABOUT[policy]}.")
    shown = study(STUDY, room, album)
    if shown:
        with effect_place:
            _effect(shown, policy)
    with room.why:
        told(
            "Five photos more would help; could you draw them from the one you have? A copy that is mirrored, shifted "
            "or zoomed is free, and a network that sees it learns that this makes no difference. But does it? The "
            "same head and the same upper blocks are trained with copies and without, on the same divisions of your "
            "pictures, and tested on pictures as they are."
        )
        st.caption("Shorten & Khoshgoftaar 2019, Journal of Big Data 6:60, “Geometric transformations”.")
        if shown:
            _figures(shown.result)
            st.caption(
                f"{shown.result.copies} copies of each training picture; fine-tuning takes as many steps as without."
            )
            receipt(shown)
    return policy == "mirror"


def _effect(shown: Shown[AugmentationResult], policy: str) -> None:
    result = shown.result
    if result.policies:
        effects = [(arm, entry, effect) for entry in result.policies for arm, effect in entry.arms.items()]
        spoken = "; ".join(f"{ARMS[arm]}: {effect.paired.words}" for arm, _, effect in effects)
        plot(augmentation_effect(result.policies, ARMS), "augmentation_effect", spoken, shown)
    stamp(shown)
    sentences(result)
    if result.policies and policy not in {entry.policy for entry in result.policies}:
        st.caption("The figures are of other copies than the sheet above shows. Measure these too.")


def _figures(result: AugmentationResult) -> None:
    if result.policies:
        effects = [(arm, entry, effect) for entry in result.policies for arm, effect in entry.arms.items()]
        rows = [
            [
                f"{ARMS[arm]}: {plain(entry.title.lower())}",
                f"{result.without[arm].mean:.1%}",
                f"{effect.accuracy.mean:.1%} ({effect.accuracy.low:.1%} – {effect.accuracy.high:.1%})",
            ]
            for arm, entry, effect in effects
        ]
        table(["Trained", "Without copies", "With"], rows)


def _measure_this() -> None:
    """Have the study measure the policy that the sheet shows."""
    st.session_state.laboratory_augmentation_policies = [st.session_state.laboratory_policy]


def _some(album: Album) -> list[str]:
    """A few pictures, of every class in turn."""
    rows = [album.of(label) for label in album.classes]
    turns = [of[turn].digest for turn in range(ROWS) for of in rows if turn < len(of)]
    return list(dict.fromkeys(turns))[:ROWS]


def _sheet(digests: list[str], policy: str) -> None:
    seed = int(st.session_state.get("laboratory_augmentation_seed") or 0)  # of the study's settings: the same copies
    try:
        with st.spinner(asking("Drawing copies…")):
            picture = _drawn(tuple(digests), policy, seed)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return
    caption = "Each row: the picture as the network sees it, then copies as training would draw them."
    st.image(picture, caption=caption, alt=caption, width="stretch")


@st.cache_data(max_entries=50, show_spinner=False)
def _drawn(digests: tuple[str, ...], policy: str, seed: int) -> bytes:
    answer: np.ndarray = client.current().ask(
        "augmented_sheet", list(digests), policy, COPIES, seed, location=store().location, timeout=90
    )
    return png(sheet(answer, SIDE))
