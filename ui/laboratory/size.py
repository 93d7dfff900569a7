"""How many pictures are needed: accuracy against pictures a class, and what doubling would buy."""

import streamlit as st

from cnn_core.arithmetic.measures import FoldAccuracy
from cnn_core.figures.laboratory import size as curves
from cnn_core.training.lab.size import ARMS, STUDY
from ui.laboratory.runs import commonest, plot, provenance, study
from ui.shared.session import Album
from ui.shared.text import plain, table


def size(album: Album) -> None:
    """Show the study of size."""
    st.markdown(
        "The same test pictures, fewer and fewer to learn from. Where the errors follow a power law, it tells what "
        "**twice as many** pictures would buy, and how unsure that is: photographing has its price too."
    )
    shown = study(STUDY, album)
    if shown is None:
        return
    result, arms = shown.result, [arm for arm in shown.result.arms if arm.points]
    if arms:
        alt = "; ".join(
            f"{ARMS[arm.name]}: "
            + ", ".join(f"{point.pictures} a class {point.accuracy.median:.0%}" for point in arm.points)
            for arm in arms
        )
        plot(curves(arms, commonest(shown.run)), "size", alt)
    for arm in arms:
        if arm.law:
            st.markdown(f"- **{ARMS[arm.name]}**: {plain(arm.law.words)}")
    if not result.complete and result.sentences:
        st.caption(plain(result.sentences[-1]))
    with st.expander("The figures"):
        rows = []
        for pictures in sorted({point.pictures for arm in arms for point in arm.points}):
            found = [{point.pictures: point.accuracy for point in arm.points}.get(pictures) for arm in arms]
            rows.append([str(pictures), *map(_cell, found)])
        table(["Pictures a class", *(ARMS[arm.name] for arm in arms)], rows)
    st.caption(
        "Marks are medians over folds, bars 95 % intervals of the mean; the band holds 95 % of the laws fitted to "
        "divisions drawn anew. Hestness et al. 2017, arXiv:1712.00409; how far one may trust such a line beyond the "
        "data: Mahmood et al. 2022, CVPR."
    )
    provenance(shown)


def _cell(accuracy: FoldAccuracy | None) -> str:
    return f"{accuracy.median:.3f} ({accuracy.low:.3f}–{accuracy.high:.3f})" if accuracy else "–"
