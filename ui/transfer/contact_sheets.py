"""The classes of an album: their pictures, names and balance; pictures can be removed and moved."""

import streamlit as st

from cnn_core.figures.transfer import balance
from cnn_core.pictures.items import FEW_PICTURES, shortage
from ui.shared.session import Album
from ui.shared.text import count, plain
from ui.transfer.pictures_in import clean_label
from ui.widgets.gallery.gallery import gallery

SHOWN = 12  # pictures of a class before the reader asks for all


def contact_sheets(album: Album) -> str:
    """Show the classes; return why no experiment can be made of them yet, empty if one can."""
    counts = album.counts
    if not counts:
        st.info("There are no pictures yet. Drop some above, or use a sample set.")
        return shortage([])
    left, right = st.columns([3, 2])
    with right:
        st.plotly_chart(balance(counts), key="transfer_balance", config={"displayModeBar": False}, alt=_spoken(counts))
    with left:
        origin = "sample pictures; yours will take their place" if album.is_sample else "your pictures"
        st.markdown(f"**{count(len(album.items), 'picture')} in {count(len(counts), 'class')}** ({origin})")
        for trouble in _doubts(counts):
            st.warning(trouble)
        with st.container(horizontal=True):
            if not album.is_sample:
                st.button("Remove all", key="transfer_clear", on_click=album.clear)
    for label in counts:
        with st.expander(f"{plain(label)} · {count(counts[label], 'picture')}", expanded=len(counts) <= 3):
            _sheet(album, label)
    return shortage([item.label for item in album.items]) or _empty(counts)


def _empty(counts: dict[str, int]) -> str:
    empty = [label for label, number in counts.items() if not number]
    return f"The class {empty[0]!r} has no pictures. Add some or remove the class." if empty else ""


def _doubts(counts: dict[str, int]) -> list[str]:
    doubts = []
    few = [label for label, number in counts.items() if number < FEW_PICTURES]
    if few:
        doubts.append(
            f"Fewer than {FEW_PICTURES} pictures of {', '.join(plain(label) for label in few)}: "
            "the test will rest on one or two of them, so read its interval."
        )
    if min(counts.values()) and max(counts.values()) > 3 * min(counts.values()):
        most = plain(max(counts, key=lambda label: counts[label]))
        doubts.append(f"The classes are unequal: always answering “{most}” would already be right often.")
    return doubts


def _spoken(counts: dict[str, int]) -> str:
    return "Pictures of each class: " + ", ".join(f"{label} {number}" for label, number in counts.items())


@st.fragment
def _sheet(album: Album, label: str) -> None:
    items = album.of(label)
    key = f"{album.id}_{label}"
    everything = len(items) <= SHOWN or st.toggle(f"Show all {len(items)}", key=f"transfer_all_{key}")
    shown = items if everything else items[:SHOWN]
    chosen = gallery([(item.digest, item.name, "") for item in shown], f"transfer_sheet_{key}", selectable=True)
    if not chosen:
        st.caption("Choose pictures to remove or to move them.")
    else:
        st.markdown(f"**{count(len(chosen), 'picture')} chosen**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if st.button("Remove them", key=f"transfer_remove_{key}"):
                album.remove(set(chosen), label)
                st.rerun()
            others = [name for name in album.classes if name != label]
            target = st.selectbox(
                "Move them to", others, index=None, accept_new_options=True, key=f"transfer_move_{key}", width=260
            )
            if target and st.button("Move", key=f"transfer_move_now_{key}"):
                album.move(set(chosen), label, clean_label(target))
                st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = clean_label(st.text_input("Name of the class", label, key=f"transfer_name_{key}", width=260))
        if name and name != label:
            album.rename(label, name)
            st.rerun()
        if st.button("Remove this class", key=f"transfer_drop_{key}"):
            album.drop_class(label)
            st.rerun()
