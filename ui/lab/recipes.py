"""How to fine-tune: recipes side by side, what each costs, and what it does to the pretrained weights."""

from typing import Any

import streamlit as st

from cnn_core.figures.laboratory import paired, strip
from ui.lab.runs import plot, provenance, sentences, study
from ui.session import Album
from ui.text import plain


def recipes(album: Album) -> None:
    """Show the study of recipes."""
    st.markdown(
        "The same blocks, pictures and number of steps; only the recipe differs. Each is compared, fold by fold, with "
        "**the head first, then all blocks at a low rate**."
    )
    run = study("recipes", album)
    if run is None:
        return
    found = run.result.get("recipes", [])
    for entry in found:
        if "error" in entry:
            st.warning(f"**{entry['title']}** did not come through: {plain(entry['error'])}")
    done = [entry for entry in found if "accuracy" in entry]
    compared = [entry for entry in done if "paired" in entry]
    if compared:
        st.subheader("What it costs")
        alt = "; ".join(entry["paired"]["words"] for entry in compared)
        plot(paired(compared), "recipes", alt)
        st.caption(f"0 is “{plain(done[0]['title'])}”; bars are 95 % intervals of the difference on the same folds.")
    if done:
        blocks = run.result["trained_blocks"]
        st.subheader("How far the weights went from the pretrained ones")
        plot(strip(done, "distances", blocks), "distances", _spoken(done, "distances", "weights moved"))
        st.subheader("How far BatchNorm's statistics drifted")
        plot(strip(done, "statistics_drift", blocks), "drift", _spoken(done, "statistics_drift", "statistics moved"))
        st.markdown(_trap(done))
    sentences(run)
    st.caption(
        "Mean over folds of ‖w − w₀‖ / ‖w₀‖, block by block. Kumar et al. 2022, arXiv:2202.10054 (head first); Howard "
        "& Ruder 2018, arXiv:1801.06146, sections 3.2 and 3.3 (lower rates below, gradual unfreezing)."
    )
    provenance(run)


def _spoken(entries: list[dict[str, Any]], measure: str, words: str) -> str:
    return "; ".join(f"{entry['title']}: {words} by {max(entry[measure]):.1%} at most" for entry in entries)


def _trap(entries: list[dict[str, Any]]) -> str:
    """Say what the drift shows of the trap."""
    moved = [entry for entry in entries if max(entry["statistics_drift"]) > 0]
    if not moved:
        return "Here no recipe moved a statistic: `layer.trainable = False` on each BatchNorm layer holds it."
    names = ", ".join(f"“{plain(entry['title'])}”" for entry in moved)
    return (
        f"Only {names} moved them. In Keras 3 `training=False` at the base's call no longer protects them once the "
        "base is unfrozen; `layer.trainable = False` on each BatchNorm layer does: all other recipes moved exactly 0."
    )
