"""A downloaded bundle comes back: pictures, classes and settings, never weights."""

from typing import Any

import streamlit as st

from cnn_core.pictures import decoders
from cnn_core.pictures.intake import Intake, NotKept
from cnn_core.pictures.items import SpecRefused
from cnn_core.training.transfer.export import BundleRefused, read_bundle
from ui.shared.session import Album, store
from ui.shared.text import count, plain
from ui.transfer import settings


def restore_bundle(album: Album, name: str, taken: Intake) -> None:
    """Put a bundle's pictures and settings in the place of what is there, or say in a sentence why not.

    Args:
        album: Receives the pictures; stays as it is if the bundle is refused.
        name: File name.
        taken: The zip, untrusted.
    """
    restored: dict[str, Any] = {"name": name, "refusal": "", "changed": [], "before": None}
    st.session_state.transfer_restored = restored
    try:
        with st.spinner("Reading the pictures…"):
            experiment = read_bundle(taken, name, store(), decoders.shared())
    except (BundleRefused, SpecRefused) as refusal:
        restored["refusal"] = str(refusal)
        return
    except NotKept as error:
        restored["refusal"] = f"{error}. Tell whoever runs the server."
        return
    restored["before"] = album.id
    restored["changed"] = settings.restore(experiment.options)
    album.take(experiment.source, list(experiment.items))


def bundle_notice(album: Album) -> None:
    """Say what came of the last bundle; the pictures that were there before can be taken back."""
    if "transfer_restored" not in st.session_state:
        return
    restored = st.session_state.transfer_restored
    if restored["refusal"]:
        st.error(f"{plain(restored['refusal'])} Nothing has changed.")
        return
    changed = "".join(f" {plain(words[0].upper() + words[1:])}." for words in restored["changed"])
    st.success(
        f"From {plain(restored['name'])}: {count(len(album.items), 'picture')} in "
        f"{count(len(album.classes), 'class')}, and the settings below.{changed}"
    )
    st.button("Take back what was here before", key="transfer_unrestore", on_click=_take_back, args=(album,))


def _take_back(album: Album) -> None:
    before = st.session_state.pop("transfer_restored")["before"]
    while album.id != before and album.undo():
        pass
