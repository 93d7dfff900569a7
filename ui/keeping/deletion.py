"""Deleting one's own things: one, which is asked for once, or all; where it can be, it can be taken back."""

from dataclasses import dataclass

import streamlit as st

from cnn_core.pictures.kept import hold, lost
from cnn_core.store import keys, removal, visitors
from cnn_core.store.belongings import Belonging, Belongings
from cnn_core.store.keys import CLASS, LESSON, RUN, SET, VISITOR
from cnn_core.store.owners import NotYours
from cnn_core.store.records import RunNotFound
from cnn_core.store.references import digests
from cnn_core.store.removal import Removed, StillLive
from cnn_core.store.visitors import OwnPicture
from ui.shared.picture import forget_pictures
from ui.shared.session import store, visit, visitor
from ui.shared.text import count, in_bytes, plain

KINDS = {VISITOR: "picture", SET: "set", LESSON: "lesson list", CLASS: "class", RUN: "run"}
_UNDO = "keeping_undo"  # in the session: what was deleted last
# And what is said of it. No toast: after one from a callback of a fragment the page's style was gone; Streamlit 1.67
# keeps both in one container.
_SAID = "keeping_said"
_ANEW = "keeping_anew"  # the whole page is to be drawn anew
_GOES = {
    VISITOR: "Every page then shows one of the pictures that come with ConvScope.",
    SET: "Runs that were trained on it keep their pictures.",
    LESSON: "Its link then shows nothing to anybody.",
    CLASS: "All that it keeps of its students goes too. This cannot be undone.",
    RUN: "Its networks go too, for everybody who has its link. This cannot be undone.",
}


@dataclass(frozen=True)
class _Deleted:
    """A set or a picture as it was, so that it can come back while its pictures are there."""

    title: str
    picture: OwnPicture | None = None
    set_id: str = ""
    album: bytes = b""


def delete_one(mine: Belongings) -> None:
    """Ask which one, and once more."""
    st.subheader("Delete", anchor=False)
    things = {(each.kind, each.name): each for kind in KINDS for each in mine.of(kind)}
    if not things:
        return
    chosen = st.selectbox(
        "One of them",
        list(things),
        format_func=lambda key: f"{KINDS[key[0]].capitalize()}: {things[key].title}" if key in things else "",
        key="keeping_one",
    )
    thing = things[chosen]
    with st.popover(
        "Delete it",
        icon=":material/delete:",
        disabled=thing.live,
        help="It goes on: stop it first" if thing.live else None,
        key=f"keeping_ask_{thing.name}",  # one for each: after a deletion none stands open and asks of the next thing
    ):
        st.markdown(f"**Delete “{plain(thing.title)}”?** {_GOES[thing.kind]}")
        if thing.opened:
            st.markdown("Others have opened it: they lose it too.")
        st.button("Delete it", key=f"keeping_delete_{thing.name}", type="primary", on_click=_delete, args=(thing,))


def delete_all(mine: Belongings) -> None:
    """Ask once, and say what goes."""
    with st.popover("Delete all of mine", icon=":material/delete_forever:", key="keeping_ask_all"):
        ended = {kind: [each for each in mine.of(kind) if not each.live] for kind in KINDS}
        gone = [count(len(found), KINDS[kind]) for kind, found in ended.items() if found]
        st.markdown(f"**All of this goes:** {', '.join(gone) or 'nothing but links'}, with all trained networks.")
        if mine.links:
            is_one = len(mine.links) == 1
            st.markdown(
                f"{count(len(mine.links), 'link')} that you have given pictures to {'stops' if is_one else 'stop'} "
                f"working, for everybody who has {'it' if is_one else 'one'}."
            )
        if opened := sum(each.opened for each in mine.things):
            are = "is" if opened == 1 else "are"
            st.markdown(f"{count(opened, 'run')} that others have opened by a link {are} lost to them.")
        if live := sum(each.live for each in mine.things):
            goes, stay, them = ("goes", "stays", "it") if live == 1 else ("go", "stay", "them")
            st.markdown(f"{count(live, 'run')} that still {goes} on {stay}: stop {them} first.")
        st.markdown("This cannot be undone. Download it first if you may want it back.")
        st.button(
            "Delete all for good", key="keeping_delete_all", type="primary", on_click=_delete_all, args=(mine.pictures,)
        )


def last_done() -> None:
    """Say what the last deletion did, and offer to take it back if that can be done."""
    if st.session_state.pop(_ANEW, False):
        st.rerun()
    if said := st.session_state.get(_SAID):
        st.info(said, icon=":material/delete:")
    last: _Deleted | None = st.session_state.get(_UNDO)
    if last is None:
        return
    wanted = digests(last.album.decode()) | ({last.picture.digest} if last.picture else set())
    if lost(store(), wanted):  # nobody else used them: they are gone for good
        del st.session_state[_UNDO]
        return
    st.button("Undo", key="keeping_undo_button", icon=":material/undo:", on_click=_undo, args=(last, wanted))


def _undo(last: _Deleted, wanted: frozenset[str]) -> None:
    hold(store(), wanted)
    if last.picture:
        visitors.change(store(), visit(), lambda known: known.with_own(last.picture) if last.picture else known)
    else:
        store().write(keys.album(last.set_id), last.album)
        visitors.change(store(), visit(), lambda known: known.with_set(last.set_id, last.title))
    st.session_state.pop(_UNDO)
    _read_anew()
    st.session_state[_SAID] = f"“{plain(last.title)}” is back."


def _delete(thing: Belonging) -> None:
    st.session_state.pop(_UNDO, None)
    try:
        if thing.kind == RUN:
            done = removal.remove_run(store(), thing.name, by=visit())
        elif thing.kind == SET:
            last = _Deleted(thing.title, set_id=thing.name, album=store().read(keys.album(thing.name)))
            done = removal.remove_set(store(), visit(), thing.name)
            st.session_state[_UNDO] = last
        elif thing.kind == LESSON:
            done = removal.remove_lesson(store(), visit(), thing.name)
        elif thing.kind == CLASS:
            done = removal.remove_class(store(), visit(), thing.name)
        else:
            own = visitor(anew=True).own
            done = removal.remove_picture(store(), visit())
            st.session_state[_UNDO] = _Deleted(thing.title, picture=own) if own else None
    except (NotYours, StillLive, PermissionError) as refusal:
        st.session_state[_SAID] = plain(str(refusal))
        return
    except (RunNotFound, FileNotFoundError):
        st.session_state[_SAID] = "It was deleted already, in another tab."
        return
    _read_anew()
    st.session_state[_SAID] = _said(f"“{plain(thing.title)}” is deleted", thing.pictures, done)


def _delete_all(pictures: int) -> None:
    st.session_state.pop(_UNDO, None)
    done = removal.remove_all(store(), visit())
    _read_anew()
    words = _said("All of yours is deleted", pictures, done)
    if done.live:
        words += f" What still goes on stays: {plain(', '.join(done.live))}."
    st.session_state[_SAID] = words


def _said(what: str, pictures: int, done: Removed) -> str:
    words = f"{what}; {in_bytes(done.bytes)} are free." if done.bytes >= 500 else f"{what}."
    if pictures and done.bytes < 500 and not done.later:
        words += " Its pictures stay, since something else uses them."
    if done.later:
        whose = "its" if done.later == 1 else "their"
        words += f" {count(done.later, 'picture')} came in less than an hour ago: {whose} bytes go within two hours."
    return words


def _read_anew() -> None:
    """Let no page show from memory what is gone, nor the top of this one, which stands outside of the view."""
    st.session_state[_ANEW] = True
    forget_pictures()
    for name in ("album", "visitor"):
        st.session_state.pop(name, None)
