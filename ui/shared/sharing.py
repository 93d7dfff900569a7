"""Share: the link of exactly this view; whether pictures travel with it is asked, and can be taken back."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import streamlit as st

from cnn_core.arithmetic.escaping import html
from cnn_core.store import removal, shares
from cnn_core.store.shares import GivenSet, Share
from cnn_core.store.visitors import OwnPicture
from ui.shared import present, thread
from ui.shared.adding import add_view, forget_said
from ui.shared.controls import asides
from ui.shared.lesson_list import CLASS, ITEM, LIST, PAGE, TOUR
from ui.shared.links import shown_link
from ui.shared.picture import PARAMETER, TOKEN, chosen
from ui.shared.present import PRESENT, SHOW
from ui.shared.session import Album, store, visit
from ui.shared.text import count, plain

WITH_A_SET = ("transfer", "laboratory")  # pages that compute on the visitor's set
_STAYS = "share_stays"  # key of the choice of controls for present mode
_MADE = "share_token"  # in the session: what was made while this dialog is open
_NOT_THE_VIEW = (TOKEN, PARAMETER, "set", PRESENT, SHOW)  # parameters that are said anew, or of how one looks at it
_PICTURE, _SET = "share_picture", "share_set"  # keys of the two switches


def share(page: str) -> bool:
    """Draw the link of this view, what travels with it, and what was given away before. True if it is to be printed.

    Args:
        page: Its name in addresses.
    """
    shown = chosen()
    album = Album.current() if page in WITH_A_SET else None
    place = st.container()
    gives_picture = _ask_picture()
    gives_set = album is not None and _ask_set(album)
    token = _given(
        OwnPicture(shown.kept.digest, shown.kept.name) if gives_picture and shown.kept else None,
        GivenSet(album.source, [item.to_json() for item in album.items], album.empty_classes)
        if gives_set and album
        else None,
    )
    with place:
        st.markdown("Whoever opens this link sees what you see now: this page, this step, these settings.")
        shown_link(link(token, page))
        wants_print = st.button(
            "Print, or keep as PDF",
            key="share_print",
            icon=":material/print:",
            help="This view with its figures, its link and the sources of what it cites",
        )
    shown_alone = _present(link(token, page))
    if page != PAGE:
        add_view(page, link(token, page).partition("?")[2], shown_alone)
    _list(token)
    return wants_print


def link(token: str, page: str, *, passing_on: bool = True) -> str:
    """Return the address of this view, with everything that a link can say.

    Args:
        token: Of the pictures that travel with it; empty if none do.
        page: Its name in addresses.
        passing_on: Whether pictures that came with a link travel on.
    """
    left_out = (*_NOT_THE_VIEW, *(() if page == PAGE else (LIST, ITEM, CLASS, TOUR)))
    query = {name: value for name, value in st.query_params.to_dict().items() if name not in left_out}
    query |= asides(page) | thread.query()
    shown = chosen()
    if shown.bundled:
        query[PARAMETER] = shown.bundled  # the usual one, too: whoever opens it may have chosen another
    passed_on = token or shown.token or st.query_params.get(TOKEN, "")
    if passed_on and passing_on:
        query[TOKEN] = passed_on
    address = (st.context.url or "").partition("?")[0]
    return f"{address}?{urlencode(query)}" if query else address


def closed() -> None:
    """Forget what the dialog was asked; what was given stays given."""
    for name in (_MADE, _PICTURE, _SET, _STAYS):
        st.session_state.pop(name, None)
    forget_said()


def _present(address: str) -> list[str]:
    """Offer the same view without all that is round it; return the controls that stay."""
    with st.expander("For a projector, or inside a page of your course", icon=":material/co_present:"):
        controls = present.offered()
        stays = st.multiselect(
            "Controls that stay",
            list(controls),
            format_func=lambda name: controls.get(name, name),
            key=_STAYS,
            placeholder="none: the result alone",
            disabled=not controls,
            help="Also where you present a list with this view" if controls else "This view has none.",
        )
        bare = f"{address}{'&' if '?' in address else '?'}{urlencode(present.query(stays), safe=',')}"
        st.markdown("The result, large, without navigation:")
        shown_link(bare)
        st.markdown("Inside a page of yours:")
        frame = f'<iframe src="{html(bare)}" width="800" height="500" title="ConvScope" allow="camera"></iframe>'
        st.code(frame, language=None, wrap_lines=True)
        st.caption("Your page may show it if whoever runs this server has put its address into CONVSCOPE_EMBED.")
    return list(stays)


def _ask_picture() -> bool:
    shown = chosen()
    if shown.kept is None:
        st.caption(f"{plain(shown.title)} comes with ConvScope: everybody has it.")
        return False
    if shown.token:
        st.caption(
            f"{plain(shown.title)} came with a link; it travels on with this one, until its owner takes it back."
        )
        return False
    return _asked(
        "My picture travels with the link",
        _PICTURE,
        "Whoever has the link sees your picture, and can pass it on. Off: they see their own in its place.",
    )


def _ask_set(album: Album) -> bool:
    if album.is_sample or album.of_link or not album.items:
        return False
    return _asked(
        f"My set of {count(len(album.items), 'picture')} travels with the link",
        _SET,
        "Whoever has the link sees these pictures and their classes as they are now, and can train on a copy. "
        "Off: they see their own in their place.",
    )


def _asked(words: str, key: str, meaning: str) -> bool:
    with st.container(gap="xxsmall"):
        yes = st.checkbox(words, key=key)
        st.caption(meaning)
    return yes


def _given(picture: OwnPicture | None, pictures: GivenSet | None) -> str:
    """Make, change or take back what this dialog has given; return its token, empty if nothing travels."""
    token: str = st.session_state.get(_MADE, "")
    there = shares.find(store(), token)
    if picture is None and pictures is None:
        if there:  # it was switched on and off again
            shares.revoke(store(), visit(), token)
        st.session_state.pop(_MADE, None)
        return ""
    wanted = (picture, pictures and pictures.items)
    if there is None or (there.picture, there.pictures and there.pictures.items) != wanted:
        token = shares.give(
            store(), visit(), picture=picture, pictures=pictures, token=there.token if there else ""
        ).token
        st.session_state[_MADE] = token
    return token


def _list(current: str) -> None:
    given = shares.given(store(), visit())
    if not given:
        return
    st.markdown("**Links you have given pictures to**")
    for each in given:
        with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
            mark = " (the link above)" if each.token == current else ""
            st.markdown(f"{_what(each)}, {_when(each)}{mark}", width="stretch")
            st.button(
                "Revoke",
                key=f"share_revoke_{each.token[:12]}",
                on_click=_revoke,
                args=(each.token,),
                help="From now on the link shows these pictures to nobody; copies that others have made stay theirs",
            )


def _what(share: Share) -> str:
    parts = [plain(share.picture.name)] if share.picture else []
    if share.pictures:
        parts.append(f"a set of {count(len(share.pictures.items), 'picture')}")
    return " and ".join(parts)


def _when(share: Share) -> str:
    return datetime.fromtimestamp(share.made, UTC).strftime("%d %B %Y, %H:%M UTC").lstrip("0")


def _revoke(token: str) -> None:
    removal.remove_link(store(), visit(), token)
    if token == st.session_state.get(_MADE):
        closed()
