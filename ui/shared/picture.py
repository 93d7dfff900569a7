"""The visitor's one picture: every page computes on it, and a reload, another tab or another day finds it again.

Which one it is stands in the store, under the visitor's name; the session only caches it. A link may bring one along:
a bundled one by its name, another visitor's by a token. It is shown until the visitor asks for their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from PIL import Image

from cnn_core.arithmetic import convolution
from cnn_core.pictures import decoders, kept, limits
from cnn_core.pictures.bundled import BUNDLED
from cnn_core.pictures.images import Picture
from cnn_core.pictures.picture import thumbnail
from cnn_core.store import keys, shares
from cnn_core.store.owners import QuotaReached
from cnn_core.store.visitors import OwnPicture
from ui.shared.beginning import no_room
from ui.shared.session import change_visitor, store, visitor
from ui.shared.session import small as small_kept
from ui.shared.text import plain

Cached = TypeVar("Cached")
PARAMETER, TOKEN = "picture", "with"  # in a link
OWN = "mine"  # a value of PARAMETER in links of version 0.2
DEFAULT = "chelsea"
FILE_MB = limits.FILE_BYTES // limits.MB  # of a picture; the browser says it and looks at it, the decoder too
SIDE = 256  # pixels a lesson computes on, at most
# In the session: what came with the link, or is lent by the visitor's set, until they ask for their own.
_LINKED = "picture_of_link"


@dataclass(frozen=True)
class Chosen:
    """Which picture is shown: a bundled one by its name, or one in the store.

    Attributes:
        bundled: Its name in BUNDLED; empty if it is one in the store.
        kept: It in the store.
        token: Of the share that it came with; empty if it did not.
    """

    bundled: str = ""
    kept: OwnPicture | None = None
    token: str = ""

    @property
    def same(self) -> str:
        """What two must agree in to be one picture."""
        return self.kept.digest if self.kept else self.bundled

    @property
    def title(self) -> str:
        """For people."""
        return self.kept.name if self.kept else BUNDLED[self.bundled].title

    @property
    def about(self) -> str:
        """Who made it, or what was done to it on its way in."""
        if self.kept is None:
            return BUNDLED[self.bundled].credit
        return "; ".join(kept.notes(store(), self.kept.digest))

    @property
    def picture(self) -> Picture:
        """Its pixels."""
        return _kept(self.kept.digest, self.kept.name) if self.kept else bundled(self.bundled)

    @property
    def small(self) -> bytes:
        """Its thumbnail, JPEG."""
        return small_kept(self.kept.digest) if self.kept else small_bundled(self.bundled)


def the_picture() -> Picture:
    """Return the visitor's picture, or the one that came with the link."""
    return chosen().picture


def chosen() -> Chosen:
    """Return which picture is shown."""
    return of_link() or mine()


def mine() -> Chosen:
    """Return which picture the visitor has chosen, whatever came with the link."""
    known = visitor()
    return Chosen(kept=known.own) if known.own and not known.bundled else Chosen(known.bundled or DEFAULT)


def of_link() -> Chosen | None:
    """Return the picture that came with the link, or is lent by a set, if it is not the visitor's choice anyway."""
    asked = st.query_params.get(PARAMETER, "")
    linked: Chosen | None = st.session_state.get(_LINKED)
    if asked in BUNDLED and not (linked and linked.token):
        linked = Chosen(asked)
    return linked if linked and linked.same != mine().same else None


def read_link() -> list[str]:
    """Take up what the link says of the picture; return what of it cannot be followed, a sentence each."""
    said = [*_lost(), *_read_token()]
    asked = st.query_params.get(PARAMETER)
    if asked is None:
        return said
    if asked in BUNDLED:
        linked: Chosen | None = st.session_state.get(_LINKED)
        if not (linked and linked.token):
            st.session_state[_LINKED] = Chosen(asked)
        return said
    del st.query_params[PARAMETER]
    if asked != OWN:
        shown = plain(asked[:40]) or "nothing"
        return [*said, f"The link says picture={shown}, which is not possible here; the default is used."]
    if visitor().own:
        choose("")
        return said
    return [
        *said,
        "This link was made with somebody's own picture, which does not travel in it. You see "
        f"{plain(mine().title)} in its place; “Change” takes yours.",
    ]


def _lost() -> list[str]:
    """Forget a picture that the store has lost: a page would fail on it, every time."""
    linked: Chosen | None = st.session_state.get(_LINKED)
    if linked and linked.kept and not linked.token and not store().exists(keys.picture_record(linked.kept.digest)):
        use_mine()
        return [f"{plain(linked.kept.name)} is no longer kept on this server. You see your own."]
    own = mine().kept
    if own is None or store().exists(keys.picture_record(own.digest)):
        return []
    change_visitor(lambda known: replace(known, own=None))
    return [f"{plain(own.name)} is no longer kept on this server. “Change” takes it again."]


def _read_token() -> list[str]:
    """Take up the token of the link; what was taken back meanwhile is no longer shown."""
    linked: Chosen | None = st.session_state.get(_LINKED)
    token = st.query_params.get(TOKEN, linked.token if linked else "")
    if not token and TOKEN not in st.query_params:
        return []
    share = shares.find(store(), token)
    if share is None:
        use_mine()
        return [
            "The pictures of this link are not here: whoever gave them has taken them back, or the link is not "
            "complete. You see your own."
        ]
    if share.picture:
        st.session_state[_LINKED] = Chosen(kept=share.picture, token=token)
    return []


def write_link() -> None:
    """Put a bundled picture into the link, as a name; one's own never gets there."""
    shown = chosen()
    if shown.kept or (shown.bundled == DEFAULT and not of_link()):
        st.query_params.pop(PARAMETER, None)
    elif st.query_params.get(PARAMETER) != shown.bundled:
        st.query_params[PARAMETER] = shown.bundled


def use_mine() -> None:
    """Leave the picture of the link, and take the visitor's own again."""
    st.session_state.pop(_LINKED, None)
    st.query_params.pop(PARAMETER, None)
    st.query_params.pop(TOKEN, None)


def choose(name: str) -> None:
    """Make a bundled picture the visitor's, or by an empty name the one that they brought last.

    Raises:
        OSError: If the store takes nothing.
    """
    change_visitor(lambda known: replace(known, bundled=name))
    use_mine()


def lend(picture: OwnPicture) -> None:
    """Show a picture of the visitor's set until they ask for their own, which stays chosen."""
    use_mine()
    if mine().same != picture.digest:
        st.session_state[_LINKED] = Chosen(kept=picture)


def take(data: bytes, name: str) -> None:
    """Keep a file's picture and make it the visitor's; a worker decodes it.

    Raises:
        ImageRefused: If it is not taken.
        QuotaReached: If the visitor has no room left for it.
        OSError: If the store takes nothing.
    """
    if full := no_room(len(data)):
        raise QuotaReached(full)
    found = decoders.shared().take(name, data=data)
    kept.keep(store(), found)
    change_visitor(lambda known: known.with_own(OwnPicture(found.digest, found.name)))
    use_mine()


def forgotten(cached: Cached) -> Cached:
    """Have a cache of what is drawn of pictures forgotten together with them (`forget_pictures`); a decorator."""
    _DRAWN.append(cached)
    return cached


_DRAWN: list[Any] = []


def forget_pictures() -> None:
    """Have no picture that was brought in memory any more, whosever it was: one may just have been deleted."""
    for kept_in_memory in (_kept, scaled, _grey, small_kept, *_DRAWN):
        kept_in_memory.clear()


# Pictures -------------------------------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False)
def bundled(name: str) -> Picture:
    """Return a bundled picture, decoded once for all readers."""
    return BUNDLED[name].load()


@st.cache_data(show_spinner=False)
def small_bundled(name: str) -> bytes:
    """Return a bundled picture's thumbnail, JPEG."""
    return thumbnail(bundled(name).pixels, kept.THUMBNAIL)


@st.cache_resource(max_entries=16, show_spinner=False)
def _kept(digest: str, name: str) -> Picture:
    pixels = kept.pixels(store(), digest)
    pixels.flags.writeable = False
    return Picture(pixels, name, kept.notes(store(), digest))


def decoded(data: bytes, name: str) -> Picture:
    """Return an uploaded picture; a worker decodes it.

    Raises:
        ImageRefused: If it is not taken.
    """
    return decoders.shared().take(name, data=data).picture()


def notes(picture: Picture) -> None:
    """Say what was done to a picture on its way in, if anything was."""
    if picture.notes:
        st.caption(said_of(picture.notes))


def said_of(what: Sequence[str]) -> str:
    """Return notes as a sentence, escaped.

    Example:
        >>> said_of(["turned upright (EXIF orientation 6)", "nearly black"])
        'turned upright (EXIF orientation 6); nearly black.'
    """
    return plain(f"{'; '.join(what)}.")


@st.cache_resource(max_entries=32, show_spinner=False)
def scaled(digest: str, _pixels: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Return the picture with its longer side at most `side`, uint8 `(H, W, 3)`; nobody can write on it."""
    longest = max(_pixels.shape[:2])
    if longest <= side:
        return _pixels
    height, width = (max(1, round(n * side / longest)) for n in _pixels.shape[:2])
    small = np.asarray(Image.fromarray(_pixels).resize((width, height), Image.Resampling.LANCZOS))
    small.flags.writeable = False
    return small


def grey(picture: Picture) -> np.ndarray:
    """Return the scaled picture as lessons compute on it: one channel, float64 `(H, W)`, 0 to 1."""
    return _grey(picture.digest, picture.pixels)


@st.cache_resource(max_entries=16, show_spinner=False)
def _grey(digest: str, _pixels: np.ndarray) -> np.ndarray:
    small = convolution.grey(scaled(digest, _pixels) / 255.0)
    small.flags.writeable = False
    return small
