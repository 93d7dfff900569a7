"""What crosses pages in one visit, and what all visits share: the store, the engine, the album of pictures."""

import json
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from cnn_core.pictures import kept, sets
from cnn_core.pictures.items import Item
from cnn_core.store import keys, visitors
from cnn_core.store.runs import Run, RunNotFound, Store, to_json
from cnn_core.store.secret import server_secret
from cnn_core.store.visitors import Visitor
from ui.shared.visits import COOKIE, new_visit, visit_of


@st.cache_resource
def store() -> Store:
    """Return the store of this server, opened once."""
    return Store.default()


class Album:
    """The labelled pictures of one visit, kept in the store under an id: a reload or another page loses nothing.

    Only digests, labels and names are held here; the pixels are in the store.
    """

    def __init__(self, album_id: str, source: str, items: list[Item], empty_classes: list[str] | None = None) -> None:
        self.id, self.source, self.items = album_id, source, items
        self.empty_classes = empty_classes or []

    @classmethod
    def current(cls) -> "Album":
        """Return this visit's album: of the session, of the link (`?set=`), or a sample set."""
        if "album" not in st.session_state:
            st.session_state.album = cls._of_link() or cls(secrets.token_hex(8), *sample("textures"))
        album: Album = st.session_state.album
        return album

    @classmethod
    def _of_link(cls) -> "Album | None":
        """Return a copy of what the link names: another visitor's changes must not reach the one who shared it."""
        album_id, run_id = st.query_params.get("set", ""), st.query_params.get("run", "")
        copy = secrets.token_hex(8)
        if album_id.isalnum() and store().exists(keys.album(album_id)):
            kept = json.loads(store().read(keys.album(album_id)))
            return cls(copy, kept["source"], [Item(*entry) for entry in kept["items"]], kept["empty_classes"])
        if run_id and (run := find_run(run_id)) and "items" in run.spec:
            return cls(copy, run.spec["source"], [Item(*entry) for entry in run.spec["items"]])
        return None

    @property
    def classes(self) -> list[str]:
        """Names of all classes, sorted, those without a picture yet too."""
        return sorted({item.label for item in self.items} | set(self.empty_classes))

    @property
    def counts(self) -> dict[str, int]:
        """Number of pictures of each class."""
        found = Counter(item.label for item in self.items)
        return {name: found[name] for name in self.classes}

    @property
    def is_sample(self) -> bool:
        """True while no picture of the reader's is in it."""
        return self.source in {entry.title for entry in sets.SAMPLES.values()}

    def of(self, label: str) -> list[Item]:
        """Return the pictures of one class."""
        return [item for item in self.items if item.label == label]

    def add(self, pictures: list[Item]) -> int:
        """Add kept pictures; sample pictures make room. Return how many of them were there already.

        Raises:
            OSError: If the store takes nothing; the album is as it was then.
        """
        if not pictures:
            return 0
        before = self.source, self.items
        own = [] if self.is_sample else self.items
        there = {(item.digest, item.label) for item in own}
        new = {(item.digest, item.label): item for item in pictures if (item.digest, item.label) not in there}
        try:
            self.source, self.items = "your pictures" if self.is_sample else self.source, [*own, *new.values()]
            self.save()
        except OSError:
            self.source, self.items = before
            raise
        return len(pictures) - len(new)

    def rename(self, old: str, new: str) -> None:
        """Rename a class; to the name of another means joining the two."""
        self.items = [replace(item, label=new) if item.label == old else item for item in self.items]
        self.empty_classes = [new if name == old else name for name in self.empty_classes]
        self.save()

    def remove(self, digests: set[str], label: str) -> None:
        """Take pictures out of a class; the class stays."""
        self.items = [item for item in self.items if item.label != label or item.digest not in digests]
        self.empty_classes = sorted({*self.empty_classes, label})
        self.save()

    def move(self, digests: set[str], label: str, to: str) -> None:
        """Give pictures of a class another label."""
        there = {item.digest for item in self.items if item.label == to}
        kept = [item for item in self.items if not (item.label == label and item.digest in digests & there)]
        self.items = [
            replace(item, label=to) if item.label == label and item.digest in digests else item for item in kept
        ]
        self.empty_classes = sorted({*self.empty_classes, label})
        self.save()

    def drop_class(self, label: str) -> None:
        """Take a class and its pictures out."""
        self.items = [item for item in self.items if item.label != label]
        self.empty_classes = [name for name in self.empty_classes if name != label]
        self.save()

    def take(self, source: str, items: list[Item], empty_classes: list[str] | None = None) -> None:
        """Put other pictures in the place of what is there."""
        self.source, self.items, self.empty_classes = source, items, empty_classes or []
        self.id = secrets.token_hex(8)  # the old link keeps the old pictures
        self.save()

    def use_sample(self, name: str) -> None:
        """Put a sample set in the place of what is there."""
        self.take(*sample(name))

    def clear(self) -> None:
        """Begin with nothing."""
        self.take("your pictures", [])

    def save(self) -> None:
        """Keep it under its id, and the id in the link."""
        items = [item.to_json() for item in self.items]
        kept = {"source": self.source, "items": items, "empty_classes": self.empty_classes}
        store().write(keys.album(self.id), to_json(kept).encode())
        st.query_params["set"] = self.id


@st.cache_resource
def _secret() -> bytes:
    return server_secret(store())


def _visit_of_cookie() -> str:
    found = st.context.cookies.get(COOKIE, "")
    return visit_of(found, _secret()) if isinstance(found, str) else ""  # under AppTest there is no browser


def keeps_visits() -> bool:
    """Tell whether this browser brings the cookie by which a visitor is known again; in a foreign frame it does not."""
    return bool(_visit_of_cookie())


def visit() -> str:
    """Return this visitor's name: of the signed cookie, or where there is none of the session."""
    if named := _visit_of_cookie():
        return named
    session: str = st.session_state.setdefault("visit", new_visit())
    return session


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
    """Keep in mind that this visit has started a run, or, if it is not its own, only opened it."""
    store().lists.add(keys.visit(visit()), run_id, own=own)


def known_runs() -> dict[str, bool]:
    """Return the runs that this visit has started (True: it may stop, rename and delete them) or opened, oldest first.

    There are no accounts: an id is a secret, and whoever was given it may look. Nobody's other runs are listed.
    """
    return store().lists.entries(keys.visit(visit()))


def own_run(run_id: str) -> bool:
    """Tell whether this visit has started a run."""
    return known_runs().get(run_id, False)


@st.cache_data(max_entries=8, show_spinner="Reading the sample pictures…")
def sample(name: str) -> tuple[str, list[Item]]:
    """Return a sample set's title and pictures."""
    return sets.SAMPLES[name].title, sets.read_sample(store(), name)


@st.cache_data(max_entries=4000, show_spinner=False)
def small(digest: str) -> bytes:
    """Return a picture's thumbnail, JPEG."""
    return kept.small(store(), digest)
