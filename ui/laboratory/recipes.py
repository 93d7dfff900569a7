"""How to fine-tune: recipes side by side, what each costs, and what it does to the pretrained weights."""

from collections.abc import Mapping, Sequence

import streamlit as st

from cnn_core.figures.laboratory import paired, strip
from cnn_core.training.lab.recipes import STUDY, RecipesResult
from ui.laboratory.study import Shown, plot, receipt, sentences, stamp, study
from ui.shared.session import Album
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import plain


def recipes(room: Room) -> bool:
    """Show the study of recipes. True if it is of pictures of the reader's own."""
    shown = study(STUDY, room, Album.current())
    if shown:
        with room.stage:
            _costs(shown)
    with room.why:
        told(
            "A pretrained network is easily ruined in its first hundred steps. How would you go about it: everything "
            "at once, a higher rate, the head first? The same blocks, pictures and number of steps; only the recipe "
            "differs. Each is compared, fold by fold, with **the head first, then all blocks at a low rate**."
        )
        if shown:
            st.header("What did each recipe cost?", anchor=False)
            sentences(shown.result)
            _weights(shown)
        st.caption(
            "Block by block ‖w − w₀‖ / ‖w₀‖: of weights the mean over folds, of statistics the largest. Kumar et al. "
            "2022, arXiv:2202.10054 (head first); Howard & Ruder 2018, arXiv:1801.06146, sections 3.2 and 3.3 (lower "
            "rates below, gradual unfreezing)."
        )
        if shown:
            receipt(shown)
    return bool(shown and shown.own)


def _costs(shown: Shown[RecipesResult]) -> None:
    result = shown.result
    compared = {tried.title: tried.paired for tried in result.recipes if tried.accuracy and tried.paired}
    if compared:
        spoken = "; ".join(difference.words for difference in compared.values())
        plot(paired(compared), "recipes", spoken, shown)
        right = next(tried for tried in result.recipes if tried.accuracy)
        st.caption(
            f"A bar is what a recipe gains or loses against “{plain(right.title)}” on the same folds; the line through "
            "it is the 95% interval of that difference. A bar without a line has too few folds, or folds too alike, "
            "for one."
        )
    stamp(shown)
    for tried in result.recipes:
        if tried.error:
            st.warning(f"**{plain(tried.title)}** did not come through: {plain(tried.error)}")


def _weights(shown: Shown[RecipesResult]) -> None:
    """Draw how far each recipe moved what was pretrained."""
    done = [tried for tried in shown.result.recipes if tried.accuracy]
    if not done:
        return
    blocks = shown.result.trained_blocks
    moved = {tried.title: tried.distances for tried in done}
    drifted = {tried.title: tried.statistics_drift for tried in done}
    st.header("How far did the weights go from the pretrained ones?", anchor=False)
    plot(strip(moved, blocks), "distances", _spoken(moved, "weights moved"), shown)
    st.header("How far did BatchNorm's statistics drift?", anchor=False)
    plot(strip(drifted, blocks), "drift", _spoken(drifted, "statistics moved"), shown)
    st.markdown(plain(shown.result.trap))


def _spoken(measured: Mapping[str, Sequence[float]], words: str) -> str:
    return "; ".join(f"{title}: {words} by {max(values):.1%} at most" for title, values in measured.items())
