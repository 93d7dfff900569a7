"""A card a class: its name, its pictures, a place to drop more; pictures can be removed and moved."""

from collections import defaultdict
from collections.abc import Sequence

import streamlit as st

from cnn_core.pictures import intake
from cnn_core.pictures.bursts import shortage as too_few_recordings
from cnn_core.pictures.items import FEW_PICTURES, Item, shortage
from ui.shared.picture import FILE_MB
from ui.shared.session import Album
from ui.shared.text import count, plain
from ui.transfer.taking import clean_label, origin, serial, take, too_much
from ui.transfer.test_set import own_test
from ui.widgets.gallery.gallery import Act, gallery

SHOWN = 7  # pictures of a class before the reader asks for all: with the tiles after them three rows of three
SIDE = 50  # pixels of a thumbnail
CARDS = 12  # classes before the reader asks for all
EDITED = "transfer_edited"  # in the session: the class whose name is being changed


def cards(album: Album) -> str:
    """Show the classes; return why no experiment can be made of them yet, empty if one can."""
    tested = set(own_test(album.source, album.items))
    counts = {label: sum(item not in tested for item in album.of(label)) for label in album.classes}
    if not counts:
        st.info("There are no pictures yet. Name a class above, drop a folder, or take a sample set.")
        return shortage([])
    origin_words = "sample pictures; yours will take their place" if album.is_sample else "your pictures"
    st.markdown(f"**{count(sum(counts.values()), 'picture')} in {count(len(counts), 'class')}** ({origin_words})")
    if doubts := [*_under_two(album.items), *_doubts(counts, bool(tested))]:
        st.warning("\n\n".join(doubts))  # in one box: the pictures are below
    everything = len(counts) <= CARDS or st.toggle(f"Show all {len(counts)} classes", key="transfer_all_classes")
    with st.grid(min_column_width=190, gap="small", key="transfer_cards"):
        for label in list(counts) if everything else list(counts)[:CARDS]:
            _card(album, label)
    learnt = [item.label for item in album.items if item not in tested]
    return shortage(learnt) or _empty(counts) or too_few_recordings(album.items)


def _empty(counts: dict[str, int]) -> str:
    empty = [label for label, number in counts.items() if not number]
    return f"The class {empty[0]!r} has no pictures. Add some or remove the class." if empty else ""


def _under_two(items: Sequence[Item]) -> list[str]:
    """Name a picture that has two labels: `sets.split` leaves it out, and only here can that be mended."""
    of: dict[str, dict[str, str]] = defaultdict(dict)
    for item in items:
        of[item.digest].setdefault(item.label, item.name)
    twice = [found for found in of.values() if len(found) > 1]
    if not twice:
        return []
    (first, name), (second, _) = sorted(twice[0].items())[:2]
    more = f", and so are {count(len(twice) - 1, 'other')}" if len(twice) > 1 else ""
    return [
        f"The same picture is in {plain(first)} ({plain(name)}) and in {plain(second)}{more}. It is left out of the "
        "training until it has one label: remove it from the wrong class."
    ]


def _doubts(counts: dict[str, int], tested: bool) -> list[str]:
    doubts = []
    few = [] if tested else [label for label, number in counts.items() if 0 < number < FEW_PICTURES]
    if few:
        doubts.append(
            f"Fewer than {FEW_PICTURES} pictures of {', '.join(plain(label) for label in few)}: "
            "the test will rest on one or two of them, so the result will be vague."
        )
    if min(counts.values()) and max(counts.values()) > 3 * min(counts.values()):
        most = plain(max(counts, key=lambda label: counts[label]))
        doubts.append(
            f"The classes are unequal: always answering “{most}” would already be right often. The settings can let "
            "every class count the same."
        )
    return doubts


@st.fragment
def _card(album: Album, label: str) -> None:
    tested = set(own_test(album.source, album.items))
    every = album.of(label)
    items = [item for item in every if item not in tested]
    aside = f", {len(every) - len(items)} to test" if len(every) > len(items) else ""
    key = f"{album.id}_{label}"
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{plain(label)}** · {len(items)}{aside}")
        everything = st.session_state.get(_all(key), False)
        shown = items if everything else items[:SHOWN]
        acts = [Act("edit", "Edit", f"Edit the class {label}: rename or remove it")]
        if len(items) > SHOWN:
            more = f"+{len(items) - SHOWN}"
            acts.insert(
                0,
                Act("all", "Fewer", f"Fewer pictures of {label}")
                if everything
                else Act("all", more, f"{more}: show all {len(items)} pictures of {label}"),
            )
        chosen = gallery(
            [(item.digest, item.name) for item in shown],
            f"transfer_sheet_{key}",
            side=SIDE,
            label=f"Pictures of {label}",
            acts=acts,
            on_act=lambda act: _act(act, label, key),
        )
        if chosen:
            _chosen(album, label, key, set(chosen))
        if not album.is_sample:
            _drop(album, label)
    if st.session_state.get(EDITED) == label:
        st.dialog(f"The class “{plain(label)}”", on_dismiss=_close)(_edit)(album, label, key)


def _all(key: str) -> str:
    return f"transfer_all_{key}"


def _act(act: str, label: str, key: str) -> None:
    """Do what a tile after a class's pictures says."""
    if act == "edit":
        st.session_state[EDITED] = label
    else:
        st.session_state[_all(key)] = not st.session_state.get(_all(key), False)


def _close() -> None:
    st.session_state.pop(EDITED, None)


def _edit(album: Album, label: str, key: str) -> None:
    name = clean_label(st.text_input("Name of the class", label, key=f"transfer_name_{key}"))
    st.caption("The name of another class joins the two.")
    if name and name != label:
        album.rename(label, name)
        _close()
        st.rerun()
    if st.button("Remove this class", key=f"transfer_drop_{key}", icon=":material/delete:"):
        album.remove_class(label)
        _close()
        st.rerun()


def _chosen(album: Album, label: str, key: str, chosen: set[str]) -> None:
    st.markdown(f"**{count(len(chosen), 'picture')} chosen**")
    if st.button("Remove them", key=f"transfer_remove_{key}"):
        album.remove(chosen, label)
        st.rerun()
    others = [name for name in album.classes if name != label]
    target = st.selectbox("Move them to", others, index=None, accept_new_options=True, key=f"transfer_move_{key}")
    if target and st.button("Move", key=f"transfer_move_now_{key}"):
        album.move(chosen, label, clean_label(target))
        st.rerun()


def _drop(album: Album, label: str) -> None:
    taken = st.file_uploader(
        f"Pictures of the class “{plain(label)}”",
        accept_multiple_files=True,
        max_upload_size=FILE_MB,
        key=f"transfer_files_{serial()}_{label}",
        label_visibility="collapsed",
    )
    if taken and not too_much(taken):
        take(album, intake.from_files([(file.name, origin(file)) for file in taken], label))
