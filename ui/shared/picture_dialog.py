"""Where the visitor chooses the picture of all pages: a file, the camera, or one that comes with the app."""

from dataclasses import dataclass

import streamlit as st

from cnn_core.pictures.bundled import BUNDLED
from cnn_core.pictures.images import ImageRefused
from cnn_core.store.owners import QuotaReached
from ui.shared.picture import FILE_MB, Chosen, choose, chosen, mine, small_bundled, take
from ui.shared.session import visitor
from ui.shared.text import plain


def change_picture() -> bool:
    """Draw the ways to choose a picture; true if one has just been chosen."""
    return drop_picture("picture_upload", camera=True) or _at_hand()


def drop_picture(key: str, *, camera: bool = False) -> bool:
    """Draw where a picture is dropped; true if one has just become the visitor's. Why one did not is said below.

    Args:
        key: Begins the keys of its widgets.
        camera: Whether it may be taken here, too.
    """
    state = st.session_state.setdefault(f"{key}_state", _Drop())
    given = st.file_uploader(
        "Drop a photo here, choose one, or paste it",
        max_upload_size=FILE_MB,
        key=f"{key}_{state.serial}",
        help="It stays on this server under your name alone. It travels with a link only if you say so under “Share”.",
    )
    if camera and st.toggle("Turn the camera on", key=f"{key}_camera_on"):
        given = st.camera_input("Take a picture", key=f"{key}_camera_{state.serial}") or given
    if given and given.file_id != state.refused:
        try:
            with st.spinner("Reading the picture…"):
                take(given.getvalue(), given.name)
        except (ImageRefused, QuotaReached) as refusal:
            state.refused, state.why = given.file_id, str(refusal)
        except OSError as error:  # the disk is full
            state.refused, state.why = given.file_id, f"The picture could not be kept ({error.strerror or error})."
        else:
            state.serial += 1
            return True
    if given:
        st.error(plain(state.why))
        st.caption(f"You keep {plain(chosen().title)}.")
    return False


@dataclass
class _Drop:
    """What became of the files that were dropped in one place."""

    serial: int = 0  # a new key empties an uploader that was taken from
    refused: str = ""
    why: str = ""


def _at_hand() -> bool:
    """Offer the pictures that come with the app, and the visitor's last own one."""
    own = visitor().own
    taken = False
    st.markdown("**Or take one of these**")
    with st.container(key="picture_samples", horizontal=True, gap="small"):
        if own and mine().kept is None:
            taken = _one("", Chosen(kept=own).small, own.name)
        for name, entry in BUNDLED.items():
            taken = _one(name, small_bundled(name), entry.title) or taken
    return taken


def _one(name: str, small: bytes, title: str) -> bool:
    with st.container(width=92, gap="xxsmall", key=f"picture_sample_{name or 'own'}"):
        st.image(small, width=88, alt="")  # the button below says what it is
        if st.button(plain(title), key=f"picture_take_{name or 'own'}", type="tertiary"):
            choose(name)
            return True
    return False
