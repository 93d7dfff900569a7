"""Looking at the data: the map of all pictures, how sure the network may be, what it refuses; labels in `suspects`."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_core.figures import data_look as figures
from cnn_core.training.lab.labels import STUDY, LabelsResult, MapPoint, Refusal, Reliability
from ui.laboratory.study import Shown, plot, receipt, sentences, stamp, study
from ui.laboratory.suspects import evidence, judged, kept, pairs, suspects, undo
from ui.shared import charts
from ui.shared.contact import contact_sheet
from ui.shared.controls import segments, slide
from ui.shared.session import Album
from ui.shared.stage import Room
from ui.shared.teaching import told
from ui.shared.text import count, plain, table

LOOKS = {
    "Map": "Map of all pictures",
    "Labels": "Labels that may be wrong",
    "Evidence": "Where it looks",
    "Look-alikes": "Look-alikes",
    "Calibration": "How sure, how right",
    "None-of-these": "None of these",
}
_PROJECTIONS = {"PCA": "Distances (PCA)", "t-SNE": "Neighbours (t-SNE)"}
GALLERY = 60
# Streamlit lets a click select only while dragging does not: the box is a tool that the reader takes up.
_TOOLS = {"displayModeBar": True, "modeBarButtonsToRemove": ["zoom", "zoomIn", "zoomOut", "autoScale", "toImage"]}


def data(room: Room) -> bool:
    """Show what a study of labels has found in the album. True if the reader has decided on a suspect of theirs."""
    album = Album.current()
    first = room.side.container()
    shown = study(STUDY, room, album)
    with room.why:
        told(
            "A network is only as good as its labels, and every set has wrong ones. How would you find them without "
            "looking at each picture? Every picture here is judged by a linear head that was **not shown it**: where "
            "that head insists on another class, look. It errs too, so you decide what happens to each."
        )
    if shown is None:
        return False
    with first:
        look = segments("Look at", LOOKS, "Map", "laboratory_look")
        own = st.container()
        if not shown.example:
            undo(album)
    with room.stage:
        _look(look, shown, album, own)
    with room.why:
        with st.expander("The study in words"):
            sentences(shown.result)
        receipt(shown)
    return shown.own and bool(kept())


def _look(look: str, shown: Shown[LabelsResult], album: Album, side: DeltaGenerator) -> None:
    """Draw one look, its own controls into the side."""
    result = shown.result
    if look == "Map" and result.map is not None:
        _map(shown, result.map, side)
    elif look == "Labels" and result.suspects is not None:
        suspects(result, album, side, example=shown.example is not None)
    elif look == "Evidence" and result.map is not None:
        evidence(shown.run.id if shown.run else "", result.map, side)
    elif look == "Look-alikes" and result.duplicates is not None:
        pairs(result.duplicates, album, side, example=shown.example is not None)
    elif look == "Calibration" and result.calibration is not None:
        _calibration(shown, result.calibration)
    elif look == "None-of-these" and result.none_of_these is not None:
        _refusal(shown, result.none_of_these, side)
    else:
        st.info("The study was stopped before it came to this. Measure it again.")
    stamp(shown)
    if look == "Map":
        st.markdown(plain(" ".join(result.sentences[:1])))


# The map --------------------------------------------------------------------------------------------------------------


def _map(shown: Shown[LabelsResult], points: Sequence[MapPoint], side: DeltaGenerator) -> None:
    with side:
        projection = segments("The map keeps", _PROJECTIONS, "PCA", "laboratory_projection")
        named = [f"{point.name} · {point.label}" for point in points]
        one = st.selectbox(
            "Find a picture",
            range(len(points)),
            index=None,
            format_func=named.__getitem__,
            key=f"laboratory_find_{shown.key}",
            placeholder="Type a name, or select points",
        )
    wrong = sum(not point.right for point in points)
    ringed = {points[one].digest} if one is not None else set()
    alt = f"{count(len(points), 'picture')} as points by {projection}, coloured by class; {wrong} judged otherwise."
    drawn = figures.embedding_map(points, shown.result.classes, projection, ringed)
    if shown.example:  # its photos are not here: there is nothing to select
        plot(drawn, "map_example", alt, shown)
        chosen = []
    else:
        event = charts.plot(
            drawn,
            f"laboratory_map_{shown.key}",
            alt,
            config=_TOOLS,
            on_select="rerun",
            selection_mode=("points", "box"),
        )
        picked = [point["customdata"] for point in event.selection.points if point.get("customdata") is not None]
        chosen = [index[0] if isinstance(index, list) else index for index in picked]
        chosen = ([one] if one is not None else []) + [index for index in chosen if index != one]
    st.caption(
        f"Crosses: {count(wrong, 'picture')} judged otherwise than labelled. "
        + (
            "PCA keeps distances as well as two axes can. "
            if projection == "PCA"
            else "t-SNE keeps neighbours together; distances between groups and their sizes mean nothing. "
        )
        + (
            ""
            if chosen or shown.example
            else "Click points (with Shift for several), or take the box tool, to see the pictures."
        )
    )
    if chosen:
        pictures = [points[index] for index in chosen[:GALLERY]]
        chosen_ones = [(each.digest, judged(each, short=True), each.name) for each in pictures]
        contact_sheet("The chosen pictures", chosen_ones, f"laboratory_picked_{shown.key}", columns=8)
        if len(chosen) > GALLERY:
            st.caption(f"… and {len(chosen) - GALLERY} more.")


# How sure, and none of these ------------------------------------------------------------------------------------------


def _calibration(shown: Shown[LabelsResult], found: Reliability) -> None:
    spoken = "; ".join(f"{each.confidence:.0%} sure, {each.right.value:.0%} right" for each in found.bins)
    plot(figures.reliability_curve(found.bins), "reliability", f"Reliability curve: {spoken}.", shown)
    st.metric("Expected calibration error", f"{found.ece:.3f}")
    st.markdown(plain(found.words))
    table(["Class", "Its own error"], [[plain(each.name), f"{each.ece:.3f}"] for each in found.per_class])
    st.caption(
        "Below the dotted line it is surer than it is right. Bars: where the share would likely lie on other photos "
        "(95%, Wilson 1927). With few pictures the error is overestimated. Its definition: Guo et al. 2017, by class "
        "Kull et al. 2019."
    )


def _refusal(shown: Shown[LabelsResult], found: Refusal, side: DeltaGenerator) -> None:
    if not found.curve:
        st.markdown(plain(found.words))
        st.info(
            "What happens to pictures of an unknown class can be measured from three classes on: each in turn is "
            "withheld from the head."
        )
        return
    percent = slide(
        "Answer “none of these” below so many percent",
        0,
        100,
        round(100 * found.threshold),
        "laboratory_threshold",
        place=side,
    )
    here = found.curve[percent]
    spoken = f"At {here.threshold:.2f}: {here.answered:.0%} answered, {here.unseen_refused:.0%} refused."
    plot(figures.refusal(found.curve, here.threshold), "refusal", spoken, shown)
    columns = st.columns(3, wrap=False)
    columns[0].metric("Own pictures answered", f"{here.answered:.0%}")
    columns[1].metric("of these right", f"{here.accuracy:.1%}")
    columns[2].metric("Unseen classes refused", f"{here.unseen_refused:.0%}")
    st.markdown(plain(here.words))
    st.markdown(plain(found.words))
    rows = [
        [plain(each.name), f"{each.refused.value:.0%}", f"{each.refused.low:.0%} – {each.refused.high:.0%}"]
        for each in found.unseen
    ]
    st.markdown(f"At the study's threshold of {found.threshold:.2f}, class by class:")
    table(["Withheld class", "Refused", "95% interval"], rows)
