"""How deep the features transfer: probes after every stage, and fine-tuning above every cut."""

import streamlit as st

from cnn_core.figures.laboratory import depth as curve
from ui.lab.runs import commonest, plot, provenance, sentences, study
from ui.session import Album


def depth(album: Album) -> None:
    """Show the study of depth."""
    st.markdown(
        "Two questions to one network, level by level. A **linear probe** on what a stage puts out: are your classes "
        "told apart there already? And **Yosinski's cut**: keep the lowest blocks as they are, train all above; what "
        "is frozen too deep costs accuracy, what is trained on too few pictures does too."
    )
    run = study("depth", album)
    if run is None:
        return
    stages, cuts = run.result.get("stages", []), run.result.get("cuts", [])
    if stages:
        alt = "; ".join(f"probe after {entry['name']} {entry['median']:.0%}" for entry in stages)
        alt += "".join(f"; trained above {entry['name']} {entry['median']:.0%}" for entry in cuts)
        plot(curve(stages, cuts, commonest(run)), "depth", alt)
    sentences(run)
    st.caption(
        "Marks are medians over folds, bars 95 % intervals of the mean. See Alain & Bengio 2016, arXiv:1610.01644 "
        "(probes), Yosinski et al. 2014, arXiv:1411.1792, section 4 (freezing the first n layers)."
    )
    provenance(run)
