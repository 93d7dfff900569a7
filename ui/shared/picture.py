"""The picture that follows the reader from page to page: bundled, uploaded or from the camera."""

import numpy as np
import streamlit as st
from PIL import Image

from cnn_core.arithmetic import convolution
from cnn_core.pictures import decoders, limits
from cnn_core.pictures.bundled import BUNDLED
from cnn_core.pictures.images import ImageRejected, Picture
from ui.shared.text import plain

OWN = "mine"
FILE_MB = limits.FILE_BYTES // limits.MB  # of a picture; the browser says it and looks at it, the decoder too
SIDE = 256  # pixels a lesson computes on, at most


@st.cache_resource(show_spinner=False)
def bundled(name: str) -> Picture:
    """Return a bundled picture, decoded once for all readers."""
    return BUNDLED[name].load()


def choose_picture(default: str = "chelsea") -> Picture:
    """Show the picker and return the chosen picture.

    A bundled choice is in the link as `picture=<name>`. An upload cannot travel in a link: the page says so.
    """
    own: Picture | None = st.session_state.get("picture_own")
    options = [*BUNDLED, *([OWN] if own else [])]
    asked = st.query_params.get("picture")
    if asked == OWN and not own:
        st.info("The link was made with its sender's own picture, which stays with them. Choose one, or take your own.")
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    name = left.selectbox(
        "Picture", options, index=options.index(default), key="picture", bind="query-params", persist_state="session"
    )
    with right.popover("Use your own", icon=":material/add_a_photo:", width="stretch"):
        serial = st.session_state.setdefault("picture_serial", 0)
        given = st.file_uploader("Upload or paste", max_upload_size=FILE_MB, key=f"picture_upload_{serial}")
        if st.toggle("Turn the camera on", key="picture_camera_on"):
            given = st.camera_input("Camera", key=f"picture_camera_{serial}") or given
        if given:
            _take(given.getvalue(), given.name)
        if "picture_refusal" in st.session_state:
            st.error(plain(st.session_state.picture_refusal))
    if name == OWN and own:
        st.caption(f"{plain(own.name)}: your own picture stays with you; a copied link shows another in its place.")
        notes(own)
        return own
    st.caption(plain(BUNDLED[name].credit))
    return bundled(name)


def _take(data: bytes, name: str) -> None:
    try:
        st.session_state.picture_own = decoded(data, name)
        st.session_state.pop("picture_refusal", None)
        st.session_state.picture_wanted = True
    except ImageRejected as rejection:
        st.session_state.picture_refusal = str(rejection)
    st.session_state.picture_serial += 1
    st.rerun()


def decoded(data: bytes, name: str) -> Picture:
    """Return an uploaded picture; a worker decodes it.

    Raises:
        ImageRejected: If it is not taken.
    """
    return decoders.shared().take(name, data=data).picture()


def notes(picture: Picture) -> None:
    """Say what was done to a picture on its way in, if anything was."""
    if picture.notes:
        st.caption(plain(f"{'; '.join(picture.notes)}."))


def adopt_own() -> None:
    """Choose the picture that was just taken; must run before the picker is drawn."""
    if st.session_state.pop("picture_wanted", False):
        st.session_state.picture = OWN


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


def the_picture() -> Picture:
    """Return the visitor's picture."""
    own: Picture | None = st.session_state.get("picture_own")
    return own or bundled("chelsea")
