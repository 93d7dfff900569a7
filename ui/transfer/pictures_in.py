"""The ways pictures come in beside a class's own card: a new class, a folder, a zip, the camera, a sample set."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from cnn_core.pictures import decoders, intake, limits
from cnn_core.pictures.bursts import needed, new_burst, recordings
from cnn_core.pictures.images import FileRefused
from cnn_core.pictures.intake import Origin
from cnn_core.pictures.items import flaw
from cnn_core.pictures.sets import SAMPLES
from cnn_core.training.transfer.export import is_bundle
from ui.shared.picture import FILE_MB
from ui.shared.session import Album
from ui.shared.text import count, plain
from ui.transfer.bundle_in import bundle_notice, restore_bundle
from ui.transfer.taking import clean_label, finish, no_place, not_kept, notice, serial, take, too_much
from ui.transfer.test_set import add_test_set
from ui.widgets.recorder.recorder import Recording, RecordingDamaged, dealt_with, recorder, waiting

RECORDER = "transfer_recorder"
_LIMITS = f"At most {limits.UPLOAD_FILES:,} files and {limits.UPLOAD_BYTES // limits.MB} MB at once."


def add_pictures(album: Album) -> None:
    """Show the ways in and take what comes. What came of it is said in a place of its own, so that no tab moves."""
    with st.container(key="transfer_notices"):
        notice(album)
        bundle_notice(album)
    number = serial()
    named, folder, archive, camera, samples, tests = st.tabs(
        ["New class", "Folder", "Zip", "Camera", "Samples", "Test set"], key="transfer_ways"
    )
    with named:
        _new_class(album)
    with folder:
        taken = st.file_uploader(
            "A folder with one sub-folder a class",
            accept_multiple_files="directory",
            max_upload_size=FILE_MB,
            key=f"transfer_folder_{number}",
            help="The sub-folders' names become the classes. " + _LIMITS,
        )
        if _is_phone():
            st.caption(
                "Many phones cannot choose folders. There, name each class under “New class” and add its photos there."
            )
        if taken and not too_much(taken):
            take(album, intake.from_upload([(file.name, file.size, file.getvalue) for file in taken]))
    with archive:
        packed = st.file_uploader(
            "A zip of class folders, or one that this page made of a trained network",
            type=["zip"],
            key=f"transfer_zip_{number}",
            help="From a trained network's zip come its pictures, classes and settings, never its weights or code. "
            f"At most {limits.ZIP_BYTES // limits.MB} MB.",
        )
        if packed:
            _take_zip(album, packed)
    with camera:
        _camera(album)
    with samples:
        for sample in SAMPLES.values():
            st.markdown(f"**{sample.title}.** {sample.about}")
            st.caption(sample.credit)
            st.button(
                f"Use {sample.title.lower()}",
                key=f"transfer_sample_{sample.name}",
                on_click=album.use_sample,
                args=(sample.name,),
            )
    with tests:
        add_test_set(album, partial(_take_zip, test=True))


def _is_phone() -> bool:
    return "Mobi" in st.context.headers.get("User-Agent", "")


def _new_class(album: Album) -> None:
    """Ask for the name of a class; its card receives the photos."""
    with st.form("transfer_new", border=False, clear_on_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom", wrap=False):
            asked = st.text_input(
                "What is in these photos?",
                key="transfer_new_class",
                placeholder="a name, such as cats",
            )
            sent = st.form_submit_button("Add class", key="transfer_new_go")
    name = clean_label(asked)
    if not sent or not name:
        return
    if trouble := flaw(name):
        st.error(f"A class {plain(trouble)}.")
    elif len(album.classes) >= limits.SET_CLASSES and not album.is_sample:
        st.error(f"A set in the browser holds at most {limits.SET_CLASSES} classes.")
    else:
        album.add_class(name)
        st.rerun()


def _camera(album: Album) -> None:
    """Record one class after the other; this tab and the class stay as they are."""
    chosen = st.selectbox(
        "What is in front of the camera?",
        [] if album.is_sample else album.classes,
        index=None,
        accept_new_options=True,
        key="transfer_camera_class",
        placeholder="Choose a class or type a new one",
    )
    label, own = clean_label(chosen or ""), [] if album.is_sample else album.items
    place = st.container()
    st.caption(
        "Hold the button, by pointer, finger or space bar: eight pictures a second; a tap takes one. A recording is "
        "learnt from or tested on, never both: record each class at least three times, from other sides or in another "
        "light. Recordings come to this server as uploads do; nothing else of your camera does."
    )
    _take_recording(album)
    with place:
        recorder(
            RECORDER,
            label=label,
            recordings=recordings([item for item in own if item.part != "test"])[label],
            needed=needed(own, label),
        )


def _take_recording(album: Album) -> None:
    """Take what was recorded, as uploads are taken; before the camera is drawn, which is then told that it was."""
    try:
        recording = waiting(RECORDER)
    except RecordingDamaged as damage:
        dealt_with(RECORDER)
        st.error(str(damage))
        return
    if not recording:
        return
    if no_place(sum(map(len, recording.frames))):
        dealt_with(RECORDER)
        return
    label = clean_label(recording.label)
    before = serial()
    many = len(recording.frames) > 1  # one frame is a picture like others
    names = [f"{label} {before + 1}-{number + 1}.jpg" for number in range(len(recording.frames))]
    files = [(name, partial(Origin, data=data)) for name, data in zip(names, recording.frames, strict=True)]
    try:
        take(album, intake.from_files(files, label, new_burst() if many else ""), about=_left_out(recording))
        dealt_with(RECORDER)  # refused, and said why
    finally:
        if serial() != before:  # taken: the page is being drawn anew
            dealt_with(RECORDER)


def _left_out(recording: Recording) -> list[str]:
    """Say how many frames were not sent."""
    if not recording.alike:
        return []
    left = f"{count(recording.alike, 'frame')} of the recording left out: nearly the same as others."
    return [left if recording.alike < len(recording.frames) else f"{left} Move a little while you hold."]


def _take_zip(album: Album, packed: Any, *, test: bool = False) -> None:
    """Take a zip, as `take` does; one that this page has made comes back as it was, unless it is to be tested on."""
    name = packed.name
    with tempfile.TemporaryDirectory(prefix="convscope-") as folder:
        path = Path(folder) / "upload.zip"
        try:
            with st.spinner("Reading the table of contents…"):
                path.write_bytes(packed.getbuffer())
                taken = intake.from_zip(path, name, decoders.shared())
        except FileRefused as refusal:
            finish(album, intake.Summary(refused=1), 0, [intake.refused(refusal)])
            return
        except OSError as error:
            not_kept(f"The server could not keep the zip while reading it ({error.strerror or error})")
            return
        if no_place(sum(placed.found.size for placed in taken.files)):
            return
        if is_bundle(taken) and not test:
            restore_bundle(album, name, taken)
            st.session_state.transfer_serial = serial() + 1
            st.session_state.pop("transfer_notice", None)
            st.rerun()
        take(album, taken, test=test)
