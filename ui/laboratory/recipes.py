"""How to fine-tune: recipes side by side, what each costs, and what it does to the pretrained weights."""

from collections.abc import Mapping, Sequence

import streamlit as st

from cnn_core.figures.laboratory import paired, strip
from cnn_core.training.lab.recipes import STUDY
from ui.laboratory.runs import plot, provenance, sentences, study
from ui.shared.session import Album
from ui.shared.text import plain


def recipes(album: Album) -> None:
    """Show the study of recipes."""
    st.markdown(
        "The same blocks, pictures and number of steps; only the recipe differs. Each is compared, fold by fold, with "
        "**the head first, then all blocks at a low rate**."
    )
    shown = study(STUDY, album)
    if shown is None:
        return
    result = shown.result
    for tried in result.recipes:
        if tried.error:
            st.warning(f"**{plain(tried.title)}** did not come through: {plain(tried.error)}")
    done = [tried for tried in result.recipes if tried.accuracy]
    compared = {tried.title: tried.paired for tried in done if tried.paired}
    if compared:
        st.subheader("What it costs")
        plot(paired(compared), "recipes", "; ".join(difference.words for difference in compared.values()))
        st.caption(f"0 is “{plain(done[0].title)}”; bars are 95 % intervals of the difference on the same folds.")
    if done:
        blocks = result.trained_blocks
        moved = {tried.title: tried.distances for tried in done}
        drifted = {tried.title: tried.statistics_drift for tried in done}
        st.subheader("How far the weights went from the pretrained ones")
        plot(strip(moved, blocks), "distances", _spoken(moved, "weights moved"))
        st.subheader("How far BatchNorm's statistics drifted")
        plot(strip(drifted, blocks), "drift", _spoken(drifted, "statistics moved"))
        st.markdown(plain(result.trap))
    sentences(result)
    st.caption(
        "Mean over folds of ‖w − w₀‖ / ‖w₀‖, block by block. Kumar et al. 2022, arXiv:2202.10054 (head first); Howard "
        "& Ruder 2018, arXiv:1801.06146, sections 3.2 and 3.3 (lower rates below, gradual unfreezing)."
    )
    provenance(shown)


def _spoken(measured: Mapping[str, Sequence[float]], words: str) -> str:
    return "; ".join(f"{title}: {words} by {max(values):.1%} at most" for title, values in measured.items())
