"""How many pictures are needed: accuracy against pictures a class, and what doubling would buy."""

import streamlit as st

from cnn_core.figures.laboratory import size as curves
from cnn_core.figures.transfer import ARM_TITLES
from ui.lab.runs import commonest, plot, provenance, study
from ui.session import Album
from ui.text import plain, table


def size(album: Album) -> None:
    """Show the study of size."""
    st.markdown(
        "The same test pictures, fewer and fewer to learn from. Where the errors follow a power law, it tells what "
        "**twice as many** pictures would buy, and how unsure that is: photographing has its price too."
    )
    run = study("size", album)
    if run is None:
        return
    arms = {name: arm for name, arm in run.result.get("arms", {}).items() if arm["points"]}
    if arms:
        alt = "; ".join(
            f"{ARM_TITLES[name]}: " + ", ".join(f"{p['pictures']} a class {p['median']:.0%}" for p in arm["points"])
            for name, arm in arms.items()
        )
        plot(curves(arms, commonest(run)), "size", alt)
    for name, arm in arms.items():
        if "law" in arm:
            st.markdown(f"- **{ARM_TITLES[name]}**: {plain(arm['law']['words'])}")
    if not run.result["complete"]:
        st.caption(plain(run.result["sentences"][-1]))
    every = sorted({point["pictures"] for arm in arms.values() for point in arm["points"]})
    with st.expander("The figures"):
        rows = []
        for pictures in every:
            found = {name: p for name, arm in arms.items() for p in arm["points"] if p["pictures"] == pictures}
            rows.append([str(pictures), *(_cell(found[name]) if name in found else "–" for name in arms)])
        table(["Pictures a class", *(ARM_TITLES[name] for name in arms)], rows)
    st.caption(
        "Marks are medians over folds, bars 95 % intervals of the mean; the band holds 95 % of the laws fitted to "
        "divisions drawn anew. Hestness et al. 2017, arXiv:1712.00409; how far one may trust such a line beyond the "
        "data: Mahmood et al. 2022, CVPR."
    )
    provenance(run)


def _cell(point: dict[str, float]) -> str:
    return f"{point['median']:.3f} ({point['low']:.3f}–{point['high']:.3f})"
