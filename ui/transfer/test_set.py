"""A test set of the reader's own: pictures that no network learns from, taken in beside those that are learnt."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from cnn_core.pictures import intake
from cnn_core.pictures.items import Item
from cnn_core.pictures.sets import SAMPLES
from cnn_core.store.records import Run
from ui.shared.picture import FILE_MB
from ui.shared.session import Album
from ui.shared.text import count, plain
from ui.transfer.taking import origin, serial, take, too_much

WAYS = ("Files of a class", "Folder", "Zip")


def own_test(source: str, items: list[Item]) -> list[Item]:
    """Return the pictures that somebody has set aside to test on; a sample set's are part of it."""
    return [] if source in {sample.title for sample in SAMPLES.values()} else [i for i in items if i.part == "test"]


def tested_apart(run: Run) -> bool:
    """Tell whether a run was tested on a set that was given for it."""
    return bool(own_test(run.spec["source"], [Item.from_json(entry) for entry in run.spec["items"]]))


def add_test_set(album: Album, take_zip: Callable[[Album, Any], None]) -> None:
    """Show the ways in for a test set, what it holds, and the way back to none.

    Args:
        album: Receives it.
        take_zip: Takes an uploaded zip as a test set.
    """
    if album.is_sample or not album.items:
        st.caption("Give photos to learn from first: a test set is matched to their classes.")
        return
    there = own_test(album.source, album.items)
    if there:
        counts = {label: sum(item.label == label for item in there) for label in album.classes}
        st.markdown(
            f"**{count(len(there), 'picture')} to test on**, from which nothing is learnt: "
            + ", ".join(f"{plain(label)} {number}" for label, number in counts.items())
            + "."
        )
        st.button(
            "Remove the test set", key="transfer_test_clear", on_click=album.remove_test, icon=":material/delete:"
        )
    else:
        st.markdown(
            "Without a test set a fifth of your photos is put aside to test on. Photos of another day or another "
            "camera are the harder, more honest test."
        )
    way = st.segmented_control("How it comes", WAYS, default=WAYS[0], key="transfer_test_way", required=True)
    number = serial()
    if way == "Zip":
        packed = st.file_uploader("A zip of class folders", type=["zip"], key=f"transfer_test_zip_{number}")
        if packed:
            take_zip(album, packed)
    elif way == "Folder":
        taken = st.file_uploader(
            "A folder with one sub-folder a class, called as your classes are",
            accept_multiple_files="directory",
            max_upload_size=FILE_MB,
            key=f"transfer_test_folder_{number}",
        )
        if taken and not too_much(taken):
            take(album, intake.from_upload([(file.name, file.size, file.getvalue) for file in taken]), test=True)
    else:
        label = st.selectbox("Their class", album.classes, key="transfer_test_class")
        files = st.file_uploader(
            "Photos to test on",
            accept_multiple_files=True,
            max_upload_size=FILE_MB,
            key=f"transfer_test_files_{number}",
            label_visibility="collapsed",
        )
        if files and label and not too_much(files):
            take(album, intake.from_files([(file.name, origin(file)) for file in files], label), test=True)
