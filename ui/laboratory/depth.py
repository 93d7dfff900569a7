"""How deep the features transfer: probes after every stage, and fine-tuning above every cut."""

import streamlit as st

from cnn_core.figures.laboratory import depth as curve
from cnn_core.training.lab.depth import STUDY
from ui.laboratory.runs import commonest, plot, provenance, sentences, study
from ui.shared.session import Album


def depth(album: Album) -> None:
    """Show the study of depth."""
    st.markdown(
        "Two questions to one network, level by level. A **linear probe** on what a stage puts out: are your classes "
        "told apart there already? And **Yosinski's cut**: keep the lowest blocks as they are, train all above; what "
        "is frozen too deep costs accuracy, what is trained on too few pictures does too."
    )
    shown = study(STUDY, album)
    if shown is None:
        return
    result = shown.result
    if result.stages:
        alt = "; ".join(f"probe after {stage.name} {stage.accuracy.median:.0%}" for stage in result.stages)
        alt += "".join(f"; trained above {cut.name} {cut.accuracy.median:.0%}" for cut in result.cuts)
        plot(curve(result.stages, result.cuts, commonest(shown.run)), "depth", alt)
    sentences(result)
    st.caption(
        "Marks are medians over folds, bars 95 % intervals of the mean. See Alain & Bengio 2016, arXiv:1610.01644 "
        "(probes), Yosinski et al. 2014, arXiv:1411.1792, section 4 (freezing the first n layers)."
    )
    provenance(shown)
