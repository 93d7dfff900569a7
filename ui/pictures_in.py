"""The ways pictures come in: files of one class, a folder, a zip, the camera, a sample set."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import streamlit as st

from cnn_core.pictures.archives import ArchiveRejected, Entry, read_zip
from cnn_core.pictures.images import ImageRejected, Picture, Rejected, decode
from cnn_core.pictures.sets import SAMPLES
from cnn_core.training.transfer.export import is_bundle
from ui.bundle_in import bundle_notice, restore_bundle
from ui.session import Album
from ui.text import count, plain, table

SUFFIXES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif"]
MAX_PICTURES = 5000  # of one album
MAX_LABEL = 40  # characters


def add_pictures(album: Album) -> None:
    """Show the ways in and take what comes."""
    _notice()
    bundle_notice(album)
    serial = st.session_state.setdefault("transfer_serial", 0)  # a new key empties an uploader that was taken from
    files, folder, archive, camera, samples = st.tabs(["Files", "Folder", "Zip", "Camera", "Sample sets"])
    own = [] if album.is_sample else album.classes
    with files:
        label = _class_box("transfer_file_class", own)
        taken = st.file_uploader(
            f"Pictures of the class “{plain(label)}”" if label else "Name the class first",
            type=SUFFIXES,
            accept_multiple_files=True,
            disabled=not label,
            key=f"transfer_files_{serial}",
            help="Drop files, choose them, or click here and paste a picture.",
        )
        if label and taken:
            _take(album, ((file.name, label, file.getvalue()) for file in taken), len(taken))
    with folder:
        taken = st.file_uploader(
            "A folder with one sub-folder a class",
            type=SUFFIXES,
            accept_multiple_files="directory",
            key=f"transfer_folder_{serial}",
            help="The sub-folders' names become the classes.",
        )
        if taken:
            _take(
                album,
                ((file.name, PurePosixPath(file.name).parent.name, file.getvalue()) for file in taken),
                len(taken),
            )
    with archive:
        packed = st.file_uploader(
            "A zip of class folders, or one that this page made of a trained network",
            type=["zip"],
            key=f"transfer_zip_{serial}",
            help="From a trained network's zip come its pictures, classes and settings, never its weights or code.",
        )
        if packed:
            _take_zip(album, packed.name, packed.getvalue())
    with camera:
        label = _class_box("transfer_camera_class", own)
        if label and st.toggle("Turn the camera on", key="transfer_camera_on"):
            shot = st.camera_input(f"A picture of the class “{plain(label)}”", key=f"transfer_camera_{serial}")
            if shot:
                _take(album, [(f"camera {serial + 1}", label, shot.getvalue())], 1)
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


def _class_box(key: str, classes: list[str]) -> str:
    chosen = st.selectbox(
        "Class",
        classes,
        index=None,
        accept_new_options=True,
        key=key,
        placeholder="Type a name, such as cats",
        help="Choose a class or type the name of a new one.",
    )
    return clean_label(chosen or "")


def clean_label(text: str) -> str:
    """Return a class name without surrounding blanks and line breaks, at most MAX_LABEL characters."""
    return " ".join(text.split())[:MAX_LABEL]


def _take_zip(album: Album, name: str, data: bytes) -> None:
    try:
        entries = read_zip(data, name)
    except ArchiveRejected as rejection:
        _finish(0, 0, [rejection])
        return
    if is_bundle(data):
        restore_bundle(album, name, data, MAX_PICTURES)
        st.session_state.transfer_serial += 1
        st.session_state.pop("transfer_notice", None)
        st.rerun()

    def pictures() -> Iterator[tuple[str, str, bytes] | ImageRejected]:
        for entry in entries:
            yield (entry.name, entry.label, entry.data) if isinstance(entry, Entry) else entry

    _take(album, pictures(), None)


def _take(album: Album, files: Iterable[tuple[str, str, bytes] | ImageRejected], total: int | None) -> None:
    """Decode what came, keep what is a picture, and say of the rest why not."""
    bar = st.progress(0.0, "Reading pictures…")
    accepted: list[tuple[Picture, str]] = []
    refused: list[Rejected] = []
    room = MAX_PICTURES - (0 if album.is_sample else len(album.items))
    for number, file in enumerate(files, 1):
        if isinstance(file, ImageRejected):
            refused.append(file)
            continue
        name, label, data = file
        try:
            if not clean_label(label):
                raise ImageRejected(name, "it lies in no folder, so its class is unknown", "put it into a class folder")
            if len(accepted) >= room:
                limit = f"a set holds at most {MAX_PICTURES:,} pictures"
                raise ImageRejected(name, limit, "train longer sets from the command line")
            accepted.append((decode(data, PurePosixPath(name).name), clean_label(label)))
        except ImageRejected as rejection:
            refused.append(rejection)
        bar.progress(min(1.0, number / (total or number + 20)), f"Reading pictures… {number}")
    try:
        new, known = album.add(accepted) if accepted else (0, 0)
    except OSError as error:  # the disk is full, the object store away
        st.error(
            f"The server could not keep the pictures ({error.strerror or error}). Tell whoever runs it; try again."
        )
        return
    _finish(new, known, refused)


def _finish(new: int, known: int, refused: list[Rejected]) -> None:
    st.session_state.pop("transfer_restored", None)
    st.session_state.transfer_notice = (new, known, [(r.name, r.reason, r.remedy) for r in refused])
    st.session_state.transfer_serial += 1
    st.rerun()


def _notice() -> None:
    """Say what came of the last lot; it stays until the next or until it is dismissed."""
    if "transfer_notice" not in st.session_state:
        return
    new, known, refused = st.session_state.transfer_notice
    words = (
        f"{new} added"
        + (f", {known} there already" if known else "")
        + (f", {len(refused)} skipped" if refused else "")
    )
    (st.warning if refused else st.success)(f"{words}.")
    if refused:
        with st.expander(
            f"Why {count(len(refused), 'file')} {'was' if len(refused) == 1 else 'were'} skipped", expanded=True
        ):
            rows = [[plain(cell) for cell in row] for row in refused[:50]]
            table(["File", "Reason", "What to do"], rows, numbers=False)
            if len(refused) > 50:
                st.caption(f"… and {len(refused) - 50} more.")
