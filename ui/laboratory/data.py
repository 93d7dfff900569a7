"""Looking at the data: the map of all pictures, wrong labels, look-alikes, evidence, calibration, refusal."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from cnn_core.engine import client
from cnn_core.engine.errors import EngineError
from cnn_core.figures import data_look as figures
from cnn_core.figures import maps
from cnn_core.figures.pooling import evidence
from cnn_core.pictures.albums import Before
from cnn_core.store.runs import Run
from cnn_core.training.lab.labels import STUDY, Attention, MapPoint, Pair, Refusal, Reliability, Suspect
from ui.laboratory.runs import plot, provenance, sentences, study
from ui.shared.session import Album, small, store
from ui.shared.teaching import glossary, one_of
from ui.shared.text import asking, count, plain, table
from ui.widgets.gallery.gallery import gallery

LOOKS = ("Map", "Labels", "Evidence", "Look-alikes", "Calibration", "None-of-these")
CHOSEN = ("Wrong", "Right", "All")
PAIRS: dict[str, Callable[[Pair], bool]] = {
    "Across-classes": lambda pair: pair.across_classes,
    "Across-parts": lambda pair: pair.across_parts,
    "All-pairs": lambda pair: True,
}
PAGE = 8  # suspects or pairs before the reader asks for more
GALLERY = 60
# Streamlit lets a click select only while dragging does not: the box is a tool that the reader takes up.
_TOOLS = {"displayModeBar": True, "modeBarButtonsToRemove": ["zoom", "zoomIn", "zoomOut", "autoScale", "toImage"]}
LINK: dict[str, Callable[[str], bool]] = {
    "laboratory_look": one_of(*LOOKS),
    "laboratory_projection": one_of(*figures.PROJECTIONS),
    "laboratory_chosen": one_of(*CHOSEN),
    "laboratory_pairs": one_of(*PAIRS),
    "laboratory_threshold": one_of(*range(101)),
}
_LINKED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def data(album: Album) -> None:
    """Start or follow a study of labels and show what it has found in the album."""
    st.markdown(
        "Every picture is judged by a linear head that was **not shown it**. What comes out shows which pictures hurt: "
        "you decide what happens to them."
    )
    shown = study(STUDY, album)
    if shown is None:
        return
    run, result = shown.run, shown.result
    _changes(run, album)
    look = st.segmented_control(
        "Look at", LOOKS, default=LOOKS[0], key="laboratory_look", required=True, wrap=True, **_LINKED
    )
    if look == "Map" and result.map is not None:
        _map(run.id, result.map, result.classes)
    elif look == "Labels" and result.suspects is not None:
        _suspects(result.suspects, album)
    elif look == "Evidence" and result.map is not None:
        _evidence(run.id, result.map)
    elif look == "Look-alikes" and result.duplicates is not None:
        _pairs(result.duplicates, album)
    elif look == "Calibration" and result.calibration is not None:
        _calibration(result.calibration)
    elif look == "None-of-these" and result.none_of_these is not None:
        _refusal(result.none_of_these)
    else:
        st.info("The study was stopped before it came to this. Measure it again.")
    with st.expander("The study in words"):
        sentences(result)
    provenance(shown)


# Changes to the album -------------------------------------------------------------------------------------------------


def _changes(run: Run, album: Album) -> None:
    """Say how the pictures differ from those that were studied, and offer to undo the last change."""
    studied, there = {(entry[0], entry[1]) for entry in run.spec["items"]}, _there(album)
    gone, new = {digest for digest, _ in studied - there}, {digest for digest, _ in there - studied}
    changes = {"moved": gone & new, "removed": gone - new, "added": new - gone}
    if studied & there and (gone or new):
        told = ", ".join(f"{count(len(which), 'picture')} {what}" for what, which in changes.items() if which)
        st.warning(f"**This result is older than your pictures**: {told} since. Measure again when you are done.")
    if album.past and any(album.past[-1] is change for change in _history()):
        st.button(
            f"Undo: {plain(album.past[-1].words)}",
            key="laboratory_undo",
            icon=":material/undo:",
            on_click=_undo,
            args=(album,),
        )


def _there(album: Album) -> set[tuple[str, str]]:
    return {(item.digest, item.label) for item in album.items}


def _history() -> list[Before]:
    """The changes that were made here: others are not to be undone from here."""
    history: list[Before] = st.session_state.setdefault("laboratory_history", [])
    return history


def _kept() -> set[tuple[str, str]]:
    """Pictures, with their label, of which the reader has said in this visit that they are right."""
    kept: set[tuple[str, str]] = st.session_state.setdefault("laboratory_kept", set())
    return kept


def _move(album: Album, digest: str, label: str, to: str) -> None:
    album.move({digest}, label, to)
    _history().append(album.past[-1])


def _remove(album: Album, digest: str, label: str) -> None:
    album.remove({digest}, label)
    _history().append(album.past[-1])


def _undo(album: Album) -> None:
    album.undo()


# The map --------------------------------------------------------------------------------------------------------------


@st.fragment
def _map(run_id: str, points: Sequence[MapPoint], classes: Sequence[str]) -> None:
    projection = st.segmented_control(
        "Projection", list(figures.PROJECTIONS), default="PCA", required=True, key="laboratory_projection", **_LINKED
    )
    wrong = sum(not point.right for point in points)
    named = [f"{point.name} · {point.label}" for point in points]
    one = st.selectbox(
        "Find a picture",
        range(len(points)),
        index=None,
        format_func=named.__getitem__,
        key=f"laboratory_find_{run_id}",
        placeholder="Type a name, or select points below",
    )
    ringed = {points[one].digest} if one is not None else set()
    event = st.plotly_chart(
        figures.embedding_map(points, classes, projection, ringed),
        key=f"laboratory_map_{run_id}",
        config=_TOOLS,
        on_select="rerun",
        selection_mode=("points", "box"),
        alt=f"{len(points)} pictures as points by {projection}, coloured by class; {wrong} are judged otherwise.",
    )
    picked = [point["customdata"] for point in event.selection.points if point.get("customdata") is not None]
    chosen = [index[0] if isinstance(index, list) else index for index in picked]
    chosen = ([one] if one is not None else []) + [index for index in chosen if index != one]
    st.caption(
        f"A cross is one of {wrong} pictures judged otherwise than labelled. "
        + (
            "PCA keeps distances as well as two axes can. "
            if projection == "PCA"
            else "t-SNE keeps neighbours together; distances between groups and their sizes mean nothing. "
        )
        + ("" if chosen else "Click points (with Shift for several), or take the box tool, to see the pictures.")
    )
    if chosen:
        shown = [points[index] for index in chosen[:GALLERY]]
        gallery([(p.digest, _judged(p), _judged(p, short=True)) for p in shown], key=f"laboratory_picked_{run_id}")
        if len(chosen) > GALLERY:
            st.caption(f"… and {len(chosen) - GALLERY} more.")


def _judged(point: MapPoint, *, short: bool = False) -> str:
    verdict = point.label if point.right else f"{point.label}, judged {point.said}"
    return verdict if short else f"{point.name}: {verdict}"


# Labels ---------------------------------------------------------------------------------------------------------------


def _suspects(suspects: Sequence[Suspect], album: Album) -> None:
    if not suspects:
        st.success("No label is likely to be wrong.")
        return
    there = _there(album)
    done = sum((s.digest, s.label) in _kept() or (s.digest, s.label) not in there for s in suspects)
    st.markdown(
        f"**{count(len(suspects), 'label')} may be wrong**, the surest first; {done} decided. The head claims another "
        "class for them more strongly than pictures of that class usually get. It errs too: look before you move."
    )
    for place, suspect in enumerate(_more(suspects, "suspects")):
        with st.container(border=True):
            _suspect(suspect, album, there, place)


def _suspect(suspect: Suspect, album: Album, there: set[tuple[str, str]], place: int) -> None:
    digest, name, label, other = suspect.digest, suspect.name, suspect.label, suspect.suggested
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.image(small(digest), width=96, alt=f"{name}, labelled {label}")
        st.markdown(
            f"**{plain(name)}** is labelled **{plain(label)}** ({suspect.probability_of_label:.0%}), looks like "
            f"**{plain(other)}** ({suspect.probability:.0%})",
            width=300,
        )
        nearest = suspect.nearest
        with st.container(width=220, gap="xxsmall"):
            st.image(
                [small(near.digest) for near in nearest],
                width=64,
                alt=[f"{near.name}, labelled {near.label}" for near in nearest],
            )
            st.caption("Nearest: " + ", ".join(plain(near.label) for near in nearest))
    key = f"{place}_{digest[:12]}"
    if (digest, label) not in there:
        labels = [current for known, current in there if known == digest]
        st.markdown(f":material/check: now **{plain(labels[0])}**" if labels else ":material/check: removed")
    elif (digest, label) in _kept():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(":material/check: kept as it is", width="content")
            st.button("Decide anew", key=f"laboratory_anew_{key}", on_click=_kept().discard, args=((digest, label),))
    else:
        with st.container(horizontal=True):
            st.button(
                f"Move to {plain(other)}",
                key=f"laboratory_move_{key}",
                on_click=_move,
                args=(album, digest, label, other),
            )
            st.button("Remove", key=f"laboratory_remove_{key}", on_click=_remove, args=(album, digest, label))
            st.button("Keep", key=f"laboratory_keep_{key}", on_click=_kept().add, args=((digest, label),))


def _more(entries: Sequence[Any], what: str) -> Sequence[Any]:
    """Return the first entries, and more of them once the reader has asked."""
    if len(entries) <= PAGE:
        return entries
    pages = -(-len(entries) // PAGE)
    page = st.number_input(f"Page of {pages}", 1, pages, 1, key=f"laboratory_page_{what}_{pages}", width=160)
    return entries[PAGE * (page - 1) : PAGE * page]


# Look-alikes ----------------------------------------------------------------------------------------------------------


def _pairs(pairs: Sequence[Pair], album: Album) -> None:
    across = sum(pair.across_classes for pair in pairs)
    parts = sum(pair.across_parts for pair in pairs)
    st.markdown(
        f"**{count(len(pairs), 'pair')}** of pictures are nearly the same to the network (cosine 0.95 or more): "
        f"{across} under two labels, one of which may be wrong; {parts} in two parts of a split, where a test would be "
        "too easy. ConvScope itself keeps exact copies on one side of a split, near ones are yours to judge."
    )
    kind = st.segmented_control(
        "Pairs", list(PAIRS), default="All-pairs", key="laboratory_pairs", required=True, **_LINKED
    )
    shown = [pair for pair in pairs if PAIRS[kind](pair)]
    if not shown:
        st.success("None.")
        return
    there = _there(album)
    for place, pair in enumerate(_more(shown, kind)):
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            for side, digest in enumerate((pair.first, pair.second)):
                name, label = pair.names[side], pair.labels[side]
                with st.container(width=130, gap="xsmall"):
                    st.image(small(digest), width=96, alt=f"{name}, labelled {label}")
                    st.caption(f"{plain(label)}: {plain(name)}")
                    gone = (digest, label) not in there
                    st.button(
                        "Gone" if gone else "Remove",
                        disabled=gone,
                        on_click=_remove,
                        key=f"laboratory_drop_{kind}_{place}_{side}_{digest[:12]}",
                        args=(album, digest, label),
                    )
            st.markdown("the same picture" if pair.identical else f"cosine {pair.similarity:.3f}", width=130)


# Evidence -------------------------------------------------------------------------------------------------------------


@st.fragment
def _evidence(run_id: str, every: Sequence[MapPoint]) -> None:
    glossary("Grad-CAM", "class activation map")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Pictures judged", CHOSEN, default="Wrong", key="laboratory_chosen", required=True, **_LINKED
        )
        # The surest mistakes first, then the least sure right answers.
        points = sorted(
            (point for point in every if kind == "All" or point.right == (kind == "Right")),
            key=lambda point: point.probability_of_label,
        )
        if not points:
            st.success("There is none.")
            return
        point = st.selectbox("Picture", points, format_func=_judged, key=f"laboratory_evidence_{run_id}_{kind}")
    try:
        with st.spinner(asking("Asking the network…")):
            answer = _attention(run_id, point.digest)
    except (EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return
    names = list(dict.fromkeys((answer.label, answer.said)))
    strongest = max(float(answer.maps[name].max()) for name in names) or 1.0
    columns = st.columns([2] * (1 + len(names)) + [1] * (2 - len(names)))
    columns[0].image(answer.seen, caption="As the network sees it", alt=point.name, width="stretch")
    for column, name in zip(columns[1:], names, strict=False):
        role = "its label" if name == answer.label else "what was said"
        caption = f"Evidence for {name} ({role}), {answer.probabilities[name]:.0%}"
        shown = maps.enlarged(evidence(answer.seen, answer.maps[name], strongest), 224)
        column.image(shown, caption=plain(caption), alt=caption, width="stretch")
    st.caption(
        "Grad-CAM at the last feature map, of the head that was not shown this picture; one scale for all. "
        "Behind a global average and a linear head it is the class activation map without its negative part."
    )
    st.markdown("**The training pictures that are most alike**")
    gallery(
        [(near.digest, f"{near.name}: {near.label}", f"{near.label} {near.similarity:.2f}") for near in answer.nearest],
        key=f"laboratory_nearest_{run_id}",
    )


@st.cache_data(max_entries=200, show_spinner=False)
def _attention(run_id: str, digest: str) -> Attention:
    answer: Attention = client.current().ask("lab_attention", run_id, digest, location=store().location, timeout=90)
    return answer


# How sure, and none of these ------------------------------------------------------------------------------------------


def _calibration(found: Reliability) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        spoken = "; ".join(f"{each.confidence:.0%} sure, {each.right.value:.0%} right" for each in found.bins)
        plot(figures.reliability_curve(found.bins), "reliability", f"Reliability curve: {spoken}.")
    with right:
        st.metric("Expected calibration error", f"{found.ece:.3f}")
        st.markdown(plain(found.words))
        table(["Class", "Its own error"], [[plain(each.name), f"{each.ece:.3f}"] for each in found.per_class])
    st.caption(
        "Below the dotted line it is surer than it is right. Bars are Wilson's 95 % intervals; with few pictures the "
        "error is overestimated (Guo et al. 2017; by class Kull et al. 2019)."
    )


@st.fragment
def _refusal(found: Refusal) -> None:
    st.markdown(plain(found.words))
    if not found.curve:
        st.info(
            "What happens to pictures of an unknown class can be measured from three classes on: each in turn is "
            "withheld from the head."
        )
        return
    percent = st.slider(
        "Answer “none of these” below",
        0,
        100,
        round(100 * found.threshold),
        format="%d %%",
        key="laboratory_threshold",
        **_LINKED,
    )
    here = found.curve[min(100, max(0, int(percent)))]
    columns = st.columns(3)
    columns[0].metric("Own pictures answered", f"{here.answered:.0%}")
    columns[1].metric("of these right", f"{here.accuracy:.1%}")
    columns[2].metric("Unseen classes refused", f"{here.unseen_refused:.0%}")
    st.markdown(plain(here.words))
    spoken = f"At {here.threshold:.2f}: {here.answered:.0%} answered, {here.unseen_refused:.0%} refused."
    plot(figures.refusal(found.curve, here.threshold), "refusal", spoken)
    rows = [
        [plain(each.name), f"{each.refused.value:.0%}", f"{each.refused.low:.0%} – {each.refused.high:.0%}"]
        for each in found.unseen
    ]
    st.markdown(f"At the study's threshold of {found.threshold:.2f}, class by class:")
    table(["Withheld class", "Refused", "95 % interval"], rows)
