"""How many pictures are needed: accuracy against pictures a class, and what doubling would buy."""

from collections.abc import Sequence

import streamlit as st

from cnn_core.arithmetic.measures import FoldAccuracy
from cnn_core.figures.laboratory import size as curves
from cnn_core.training.lab.size import ARMS, STUDY, SizeArm
from ui.laboratory.study import plot, receipt, sentences, stamp, study
from ui.shared.session import Album
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import table


def size(room: Room) -> bool:
    """Show the study of size. True if it is of pictures of the reader's own."""
    shown = study(STUDY, room, Album.current())
    arms = [arm for arm in shown.result.arms if arm.points] if shown else []
    if shown:
        with room.stage:
            if arms:
                plot(curves(arms, shown.chance), "size", _spoken(arms), shown)
            stamp(shown)
            sentences(shown.result)
    with room.why:
        told(
            "Taking photos is work: when is it enough? The same test pictures are asked again and again, with fewer "
            "and fewer to learn from. Where the errors follow a power law, the law tells what **twice as many** "
            "pictures would buy, and how unsure that is. Guess before you read: would you go on collecting?"
        )
        if arms:
            _figures(arms)
        st.caption(
            "Marks are means over folds, bars their 95% intervals; the band holds 95% of the laws fitted to "
            "divisions drawn anew, widened because divisions share pictures. Hestness et al. 2017, arXiv:1712.00409; "
            "how far one may trust such a line beyond the data: Mahmood et al. 2022, CVPR."
        )
        if shown:
            receipt(shown)
    return bool(shown and shown.own)


def _spoken(arms: Sequence[SizeArm]) -> str:
    return "; ".join(
        f"{ARMS[arm.name]}: " + ", ".join(f"{point.pictures} a class {point.accuracy.mean:.0%}" for point in arm.points)
        for arm in arms
    )


def _figures(arms: Sequence[SizeArm]) -> None:
    with st.expander("The figures"):
        rows = []
        for pictures in sorted({point.pictures for arm in arms for point in arm.points}):
            found = [{point.pictures: point.accuracy for point in arm.points}.get(pictures) for arm in arms]
            rows.append([str(pictures), *map(_cell, found)])
        table(["Pictures a class", *(ARMS[arm.name] for arm in arms)], rows)


def _cell(accuracy: FoldAccuracy | None) -> str:
    return f"{accuracy.mean:.3f} ({accuracy.low:.3f}–{accuracy.high:.3f})" if accuracy else "–"
