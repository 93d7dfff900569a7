"""What crosses pages in one visit, and what all visits share: the store, the engine, the album of pictures."""

from collections.abc import Callable

import streamlit as st

from cnn_core.pictures import albums, kept, sets
from cnn_core.pictures.items import Item
from cnn_core.store import keys, shares, visitors
from cnn_core.store.accounts import hand_over
from cnn_core.store.records import Glance, Run, RunNotFound
from cnn_core.store.runs import Store
from cnn_core.store.secret import server_secret
from cnn_core.store.visitors import Visitor
from ui.shared.accounts import signed_in
from ui.shared.visits import COOKIE, new_visit, visit_of

ELSEWHERE = (
    "This set has been changed in another tab. Here it is as it stands now; what you change comes on top of that."
)


@st.cache_resource
def store() -> Store:
    """Return the store of this server, opened once."""
    return Store.default()


class Album(albums.Album):
    """The set of labelled pictures that this visitor is at: every page, a reload and another day find the same one."""

    @classmethod
    def current(cls) -> "Album":
        """Return the pictures that came with the link, or else the visitor's current set, or else a sample set."""
        if "album" not in st.session_state:
            st.session_state.album = cls._of_link() or cls.mine()
        album: Album = st.session_state.album
        album.refresh()
        if album.elsewhere:  # now, or when the change was made that this run answers
            album.elsewhere = False
            st.toast(ELSEWHERE, icon=":material/sync:", duration="long")
        return album

    @classmethod
    def mine(cls) -> "Album":
        """Return the visitor's current set, or a sample set while there is none."""
        current = visitor(anew=True).current
        own = cls.open(store(), visit(), current) if current else None
        return own or cls(store(), visit(), albums.new_id(), *sample("textures"))

    @classmethod
    def _of_link(cls) -> "Album | None":
        """Return what the link names: the visitor's own set if it is that, else a copy, which is nobody's yet."""
        asked, own = st.query_params, visitor(anew=True)
        if (share := shares.find(store(), asked.get("with", ""))) and (given := share.pictures):
            items = [Item.from_json(entry) for entry in given.items]
            return cls.linked(store(), visit(), given.source, items, list(given.empty_classes))
        album_id, run_id = asked.get("set", ""), asked.get("run", "")
        if album_id and (copy := cls.copied(store(), visit(), album_id)):
            is_own = album_id in {entry.id for entry in own.sets}
            return cls.open(store(), visit(), album_id) if is_own else copy
        if run_id and (run := find_run(run_id)) and (copy := cls.of_run(store(), visit(), run)):
            others = (cls.open(store(), visit(), entry.id) for entry in own.sets)
            return next((album for album in (cls.mine(), *others) if album and album.items == copy.items), copy)
        return None

    @property
    def title(self) -> str:
        """What the visitor calls it, or its source."""
        return visitor().name_of(self.id) or f"{self.source[:1].upper()}{self.source[1:]}"

    def use_sample(self, name: str) -> None:
        """Go on with a sample set."""
        self.take(*sample(name))


@st.cache_resource
def _secret() -> bytes:
    return server_secret(store())


def _visit_of_cookie() -> str:
    found = st.context.cookies.get(COOKIE, "")
    return visit_of(found, _secret()) if isinstance(found, str) else ""  # under AppTest there is no browser


def keeps_visits() -> bool:
    """Tell whether this browser brings the cookie by which a visitor is known again; in a foreign frame it does not."""
    return bool(signed_in() or _visit_of_cookie())


def visit() -> str:
    """Return this visitor's name: of the account, of the signed cookie, or where there is neither of the session."""
    if named := signed_in() or _visit_of_cookie():
        return named
    session: str = st.session_state.setdefault("visit", new_visit())
    return session


def take_over() -> None:
    """Give the account that somebody has signed in to what they had as a visitor; once a session."""
    here = signed_in()
    if here and st.session_state.get("taken_over") != here:
        for name in (_visit_of_cookie(), st.session_state.get("visit", "")):
            hand_over(store(), name, here)
        for name in ("album", "visitor"):  # read anew, as the account's
            st.session_state.pop(name, None)
        st.session_state.taken_over = here


def visitor(*, anew: bool = False) -> Visitor:
    """Return what is known of this visitor: as the session remembers it, or read anew, which a page does once a run."""
    if anew or "visitor" not in st.session_state:
        st.session_state.visitor = visitors.read(store(), visit())
    known: Visitor = st.session_state.visitor
    return known


def change_visitor(how: Callable[[Visitor], Visitor]) -> None:
    """Change what is known of this visitor.

    Raises:
        OSError: If the store takes nothing.
    """
    st.session_state.visitor = visitors.change(store(), visit(), how)


def find_run(run_id: str) -> Run | None:
    """Return a run of this store, or None if it has no such run."""
    try:
        return store().get(run_id)
    except RunNotFound:
        return None


def open_run(run_id: str) -> Run | None:
    """Return the run that a link names, or None; from now on this visit lists it as opened."""
    run = find_run(run_id)
    if run and run_id not in known_runs():
        remember_run(run_id, own=False)
    return run


def remember_run(run_id: str, *, own: bool = True) -> None:
    """List a run among those of this visit, which has started it or, if it is not its own, only opened it."""
    store().lists.add(keys.visit(visit()), run_id, own=own)


def known_runs() -> dict[str, bool]:
    """Return the runs that this visit has started (True: it may stop, rename and delete them) or opened, oldest first.

    An id is a secret, and whoever was given it may look. Nobody's other runs are listed.
    """
    own = store().owned(visit())
    return {run_id: run_id in own for run_id in store().lists.entries(keys.visit(visit()))}


def is_own(run: Glance) -> bool:
    """Tell whether a run is this visit's: only then may it be changed."""
    return run.owner == visit()


@st.cache_data(max_entries=8, show_spinner="Reading the sample pictures…")
def sample(name: str) -> tuple[str, list[Item]]:
    """Return a sample set's title and pictures."""
    return sets.SAMPLES[name].title, sets.read_sample(store(), name)


@st.cache_data(max_entries=4000, show_spinner=False)
def small(digest: str) -> bytes:
    """Return a picture's thumbnail, JPEG."""
    return kept.small(store(), digest)
