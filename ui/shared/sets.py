"""The visitor's sets of pictures in one row: which one is in use, another, a new one, its name, undo."""

import streamlit as st

from cnn_core.pictures import albums
from cnn_core.store import removal
from ui.shared.picture import forget_pictures
from ui.shared.session import Album, change_visitor, store, visit, visitor
from ui.shared.text import count, plain

NAME = 60  # characters


def set_bar(album: Album) -> None:
    """Show which set is in use, and let the visitor switch, begin, name and delete sets, and undo the last change."""
    with st.container(key="set_bar", horizontal=True, vertical_alignment="bottom"):
        if album.of_link:
            _of_link(album)
        else:
            _own(album)
        last = album.past[-1].words if album.past else ""
        st.button(
            "Undo",
            key="set_undo",
            icon=":material/undo:",
            disabled=not last,
            help=f"Take back: {plain(last)}" if last else "There is nothing to take back yet",
            on_click=_undo,
            args=(album,),
        )


def _of_link(album: Album) -> None:
    st.markdown(
        f":material/link: **The link's pictures**: {len(album.items):,}, in {count(len(album.classes), 'class')}"
    )
    st.button("Use mine", key="set_mine", on_click=_use_mine, help="Leave the pictures that came with the link")
    st.button("Keep as a set of mine", key="set_keep", on_click=album.save)


def _own(album: Album) -> None:
    names = {entry.id: entry.name for entry in visitor(anew=True).sets}
    if album.id not in names:
        names[album.id] = album.source
    st.session_state.set_choose = album.id
    st.selectbox(
        "Set of pictures",
        list(names),
        key="set_choose",
        format_func=lambda album_id: names.get(album_id, ""),
        on_change=_switch,
        width=280,
        disabled=len(names) == 1,
        help="This is the only set so far: New set begins another" if len(names) == 1 else None,
    )
    st.button("New set", key="set_new", icon=":material/add:", on_click=album.clear, disabled=not album.items)
    with st.popover("Name, delete", key="set_more", icon=":material/edit:"):
        st.text_input(
            "Name of this set",
            names[album.id],
            max_chars=NAME,
            key=f"set_name_{album.id}",
            on_change=_rename,
            args=(album,),
        )
        st.button(
            "Delete this set",
            key="set_delete",
            icon=":material/delete:",
            on_click=_delete,
            args=(album,),
            help="With its pictures; those that a run was trained on, or another set holds, stay with that",
        )


def _switch() -> None:
    """Go on with the chosen set."""
    chosen = st.session_state.set_choose
    if found := Album.open(store(), visit(), chosen):
        change_visitor(lambda known: known.with_set(chosen))
        st.session_state.album = found


def _rename(album: Album) -> None:
    name = " ".join(st.session_state[f"set_name_{album.id}"].split())
    if name:
        album.save()  # a sample set that was not changed is in no list yet
        change_visitor(lambda known: known.with_set(album.id, name))


def _delete(album: Album) -> None:
    if album.id in {entry.id for entry in visitor(anew=True).sets}:  # a sample set that was not changed is in no list
        removal.remove_set(store(), visit(), album.id)
        forget_pictures()
    st.session_state.album = Album.mine()
    st.toast("The set is deleted.")


def _use_mine() -> None:
    for name in ("set", "with"):
        st.query_params.pop(name, None)
    st.session_state.album = Album.mine()


def _undo(album: albums.Album) -> None:
    if words := album.undo():
        st.toast(f"Taken back: {plain(words)}.", icon=":material/undo:")
