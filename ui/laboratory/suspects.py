"""Single pictures of a study of labels: suspects to be decided on, look-alikes, and where the network looks."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_core.figures import maps
from cnn_core.figures.pooling import evidence as overlaid
from cnn_core.pictures.albums import Before
from cnn_core.training.lab.labels import Evidence, LabelsResult, MapPoint, Pair, Suspect
from ui.shared.contact import contact_sheet
from ui.shared.controls import segments
from ui.shared.session import Album, small, store
from ui.shared.teaching import told
from ui.shared.text import count, plain, table
from ui.shared.worker import answered

CHOSEN = {"Wrong": "Judged wrong", "Right": "Judged right", "All": "All"}
PAIRS = {"All-pairs": "All", "Across-classes": "Under two labels", "Across-parts": "In two parts of a split"}
_OF_KIND: dict[str, Callable[[Pair], bool]] = {
    "Across-classes": lambda pair: pair.across_classes,
    "Across-parts": lambda pair: pair.across_parts,
    "All-pairs": lambda pair: True,
}
PAGE = 8  # suspects or pairs before the reader asks for more


def judged(point: MapPoint, *, short: bool = False) -> str:
    """Say how a picture is labelled and judged."""
    verdict = point.label if point.right else f"{point.label}, judged {point.said}"
    return verdict if short else f"{point.name}: {verdict}"


# Changes to the album -------------------------------------------------------------------------------------------------


def undo(album: Album) -> None:
    """Offer to take the last change back that was made here."""
    if album.past and any(album.past[-1] is change for change in _history()):
        st.button(
            f"Undo: {plain(album.past[-1].words)}",
            key="laboratory_undo",
            icon=":material/undo:",
            on_click=_undo,
            args=(album,),
        )


def _undo(album: Album) -> None:
    album.undo()


def _there(album: Album) -> set[tuple[str, str]]:
    return {(item.digest, item.label) for item in album.items}


def _history() -> list[Before]:
    """The changes that were made here: others are not to be undone from here."""
    history: list[Before] = st.session_state.setdefault("laboratory_history", [])
    return history


def kept() -> set[tuple[str, str]]:
    """Return the pictures, with their label, that the reader has kept, moved or removed in this visit."""
    return _right() | st.session_state.setdefault("laboratory_decided", set())


def _right() -> set[tuple[str, str]]:
    """Pictures, with their label, of which the reader has said in this visit that they are right."""
    right: set[tuple[str, str]] = st.session_state.setdefault("laboratory_kept", set())
    return right


def _move(album: Album, digest: str, label: str, to: str) -> None:
    album.move({digest}, label, to)
    _changed(album, digest, label)


def _remove(album: Album, digest: str, label: str) -> None:
    album.remove({digest}, label)
    _changed(album, digest, label)


def _changed(album: Album, digest: str, label: str) -> None:
    if album.past:  # else another tab had taken the picture away before
        _history().append(album.past[-1])
    st.session_state.setdefault("laboratory_decided", set()).add((digest, label))


# Labels ---------------------------------------------------------------------------------------------------------------


def suspects(result: LabelsResult, album: Album, side: DeltaGenerator, *, example: bool) -> None:
    """Show the labels that are likely wrong, to be decided on; an example's are told without their photos."""
    found = result.suspects or ()
    if not found:
        st.info("No label is suspected: of no picture is the head as sure of another class as of that class's own.")
        return
    if example:
        _listed(result)
        return
    there = _there(album)
    done = sum((s.digest, s.label) in _right() or (s.digest, s.label) not in there for s in found)
    side.markdown(
        f"**{count(len(found), 'label')} may be wrong**, the surest first; {done} decided. The head claims another "
        "class for them more strongly than pictures of that class usually get. It errs too: look before you move."
    )
    for place, suspect in enumerate(_more(found, "suspects", side)):
        with st.container(border=True):
            _suspect(suspect, album, there, place)


def _listed(result: LabelsResult) -> None:
    rows = [
        [
            plain(each.name),
            f"{plain(each.label)} ({each.probability_of_label:.0%})",
            f"{plain(each.suggested)} ({each.probability:.0%})",
        ]
        for each in (result.suspects or ())[:PAGE]
    ]
    table(["Photo", "Labelled", "Looks like"], rows)
    if result.finding:
        st.markdown(
            f"Before this study **{result.finding.flipped}** labels were exchanged on purpose; "
            f"**{result.finding.hits}** of them are among the {result.finding.found} that it suspects. Here are the "
            f"{len(rows)} surest."
        )


def _suspect(suspect: Suspect, album: Album, there: set[tuple[str, str]], place: int) -> None:
    digest, name, label, other = suspect.digest, suspect.name, suspect.label, suspect.suggested
    key = f"{place}_{digest[:12]}"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.image(small(digest), width=96, alt=f"{name}, labelled {label}")
        st.markdown(
            f"**{plain(name)}** is labelled **{plain(label)}** ({suspect.probability_of_label:.0%}), looks like "
            f"**{plain(other)}** ({suspect.probability:.0%})",
            width=300,
        )
        nearest = suspect.nearest
        with st.container(width=220, gap="xxsmall"):
            alike = [(near.digest, f"{near.name}, labelled {near.label}", "one of the nearest") for near in nearest]
            contact_sheet(f"Nearest to {name}", alike, f"laboratory_near_{key}", columns=3, titled=False)
            st.caption("Nearest: " + ", ".join(plain(near.label) for near in nearest))
    if (digest, label) not in there:
        labels = [current for known, current in there if known == digest]
        st.markdown(f":material/check: now **{plain(labels[0])}**" if labels else ":material/check: removed")
    elif (digest, label) in _right():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(":material/check: kept as it is", width="content")
            st.button("Decide anew", key=f"laboratory_anew_{key}", on_click=_right().discard, args=((digest, label),))
    else:
        with st.container(horizontal=True):
            st.button(
                f"Move to {plain(other)}",
                key=f"laboratory_move_{key}",
                on_click=_move,
                args=(album, digest, label, other),
            )
            st.button("Remove", key=f"laboratory_remove_{key}", on_click=_remove, args=(album, digest, label))
            st.button("Keep", key=f"laboratory_keep_{key}", on_click=_right().add, args=((digest, label),))


def _more(entries: Sequence[Any], what: str, side: DeltaGenerator) -> Sequence[Any]:
    """Return the first entries, and more of them once the reader has asked."""
    if len(entries) <= PAGE:
        return entries
    pages = -(-len(entries) // PAGE)
    page = side.number_input(f"Page of {pages}", 1, pages, 1, key=f"laboratory_page_{what}_{pages}", width=160)
    return entries[PAGE * (page - 1) : PAGE * page]


# Look-alikes ----------------------------------------------------------------------------------------------------------


def pairs(found: Sequence[Pair], album: Album, side: DeltaGenerator, *, example: bool) -> None:
    """Show pictures that are nearly the same; an example's are told without their photos."""
    across = sum(pair.across_classes for pair in found)
    parts = sum(pair.across_parts for pair in found)
    with side:
        kind = segments("Pairs", PAIRS, "All-pairs", "laboratory_pairs")
        st.markdown(
            f"**{count(len(found), 'pair')}** of pictures are nearly the same to the network (cosine 0.95 or more): "
            f"{across} under two labels, one of which may be wrong; {parts} in two parts of a split, where a test "
            "would be too easy. ConvScope itself keeps copies, and frames that look nearly the same, on one side of a "
            "split; what only the network takes for alike is yours to judge."
        )
    shown = [pair for pair in found if _OF_KIND[kind](pair)]
    if not shown:
        st.success(f"None ({PAIRS[kind].lower()}).")
        return
    if example:
        rows = [[*map(plain, pair.names), f"{pair.similarity:.3f}"] for pair in shown[:PAGE]]
        table(["One photo", "The other", "Cosine"], rows)
        return
    there = _there(album)
    for place, pair in enumerate(_more(shown, kind, side)):
        _pair(pair, album, there, f"{kind}_{place}")


def _pair(pair: Pair, album: Album, there: set[tuple[str, str]], place: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        for number, digest in enumerate((pair.first, pair.second)):
            name, label = pair.names[number], pair.labels[number]
            with st.container(width=130, gap="xsmall"):
                st.image(small(digest), width=96, alt=f"{name}, labelled {label}")
                st.caption(f"{plain(label)}: {plain(name)}")
                gone = (digest, label) not in there
                st.button(
                    "Gone" if gone else "Remove",
                    disabled=gone,
                    on_click=_remove,
                    key=f"laboratory_drop_{place}_{number}_{digest[:12]}",
                    args=(album, digest, label),
                )
        st.markdown("the same picture" if pair.identical else f"cosine {pair.similarity:.3f}", width=130)


# Evidence -------------------------------------------------------------------------------------------------------------


def evidence(run_id: str, every: Sequence[MapPoint], side: DeltaGenerator) -> None:
    """Show what of a picture speaks for its label and for what was said; an example, without a run, has no photos."""
    if not run_id:
        st.info(
            "Here you will see which part of each photo spoke for its class. The photos of the example are not here: "
            "measure yours."
        )
        return
    with side:
        kind = segments("Pictures", CHOSEN, "Wrong", "laboratory_chosen")
        # The surest mistakes first, then the least sure right answers.
        points = sorted(
            (point for point in every if kind == "All" or point.right == (kind == "Right")),
            key=lambda point: point.probability_of_label,
        )
        point = (
            st.selectbox("Picture", points, format_func=judged, key=f"laboratory_evidence_{run_id}_{kind}")
            if points
            else None
        )
    if point is None:
        st.success("There is none.")
        return
    answer: Evidence | None = answered("lab_evidence", run_id, point.digest, location=store().location, timeout=90)
    if answer is None:
        return
    names = list(dict.fromkeys((answer.label, answer.said)))
    strongest = max(float(answer.maps[name].max()) for name in names) or 1.0
    columns = st.columns(3, wrap=False)
    columns[0].image(answer.seen, caption="As the network sees it", alt=point.name, width="stretch")
    for column, name in zip(columns[1:], names, strict=False):
        role = "its label" if name == answer.label else "what was said"
        caption = f"Evidence for {name} ({role}), {answer.probabilities[name]:.0%}"
        shown = maps.enlarged(overlaid(answer.seen, answer.maps[name], strongest), 224)
        column.image(shown, caption=plain(caption), alt=caption, width="stretch")
    told(
        "[[Grad-CAM]] at the last feature map, of the head that was not shown this picture; one scale for all. Behind "
        "a global average and a linear head it is the [[class activation map]] without its negative part."
    )
    st.markdown("**The training pictures that are most alike**")
    alike = [(near.digest, f"{near.label} {near.similarity:.2f}", near.name) for near in answer.nearest]
    contact_sheet("The training pictures that are most alike", alike, f"laboratory_nearest_{run_id}")
