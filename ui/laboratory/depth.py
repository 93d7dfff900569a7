"""How deep the features transfer: probes after every stage, and fine-tuning above every cut."""

import streamlit as st

from cnn_core.figures.laboratory import depth as curve
from cnn_core.training.lab.depth import STUDY, DepthResult
from cnn_core.training.lab.examples import example
from cnn_core.training.results import ResultUnreadable
from ui.laboratory.runs import newest
from ui.laboratory.study import plot, receipt, sentences, stamp, study
from ui.shared.session import Album
from ui.shared.stage import Room
from ui.shared.teaching import told


def classes_part() -> tuple[str, bool]:
    """Say after which stage a probe tells the reader's classes apart best, as the study has found it.

    Returns:
        The sentence, and whether it is of the reader's own pictures: else it is the example's; empty if there is none.
    """
    album = Album.current()
    if found := newest(STUDY.key, album):
        try:
            if told := _first(STUDY.result.from_json(found.result or {})):
                return told, not album.is_sample
        except ResultUnreadable:  # the study itself says so
            pass
    ready = example(STUDY)
    return (_first(ready.result) if ready else ""), False


def _first(found: DepthResult) -> str:
    """The first sentence on the probes; where nothing was learnt it says that."""
    return f"{found.sentences[0].partition('. ')[0].removesuffix('.')}." if found.stages else ""


def depth(room: Room) -> bool:
    """Show the study of depth. True if it is of pictures of the reader's own."""
    shown = study(STUDY, room, Album.current())
    if shown:
        result = shown.result
        with room.stage:
            if result.stages:
                alt = "; ".join(f"probe after {stage.name} {stage.accuracy.mean:.0%}" for stage in result.stages)
                alt += "".join(f"; trained above {cut.name} {cut.accuracy.mean:.0%}" for cut in result.cuts)
                plot(curve(result.stages, result.cuts, shown.chance), "depth", alt, shown)
            stamp(shown)
            sentences(result)
    with room.why:
        told(
            "Where in a network that knows ImageNet do *your* classes come apart? Two ways to ask. A linear probe "
            "reads what a stage puts out, and nothing above it: if a straight line tells your classes apart there, "
            "nothing deeper is needed. And **freeze the lowest n blocks**, train all above: what is frozen too deep "
            "costs accuracy, and what is trained on too few pictures does too. Guess first: at which block would you "
            "stop freezing?"
        )
        st.caption(
            "Marks are means over folds, bars their 95% intervals. See Alain & Bengio 2016, arXiv:1610.01644 "
            "(probes), Yosinski et al. 2014, arXiv:1411.1792, section 4 (freezing the first n layers)."
        )
        if shown:
            receipt(shown)
    return bool(shown and shown.own)
