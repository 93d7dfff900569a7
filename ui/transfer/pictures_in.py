"""The ways pictures come in: files of one class, a folder, a zip, the camera, a sample set."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from cnn_core.pictures import decoders, intake, kept, limits
from cnn_core.pictures.images import Rejected, printable
from cnn_core.pictures.intake import Intake, Line, NotKept, Origin
from cnn_core.pictures.items import flaw
from cnn_core.pictures.sets import SAMPLES
from cnn_core.training.transfer.export import is_bundle
from ui.shared.picture import FILE_MB
from ui.shared.session import Album, store
from ui.shared.text import count, plain, table
from ui.transfer.bundle_in import bundle_notice, restore_bundle

SHOWN = 50  # rows of a table
NAMED = 3  # files that share a row, by name; the others are counted
_LIMITS = f"At most {limits.UPLOAD_FILES:,} files and {limits.UPLOAD_BYTES // limits.MB} MB at once."


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
            accept_multiple_files=True,
            max_upload_size=FILE_MB,
            disabled=not label,
            key=f"transfer_files_{serial}",
            help="Drop files, choose them, or click here and paste a picture. " + _LIMITS,
        )
        if label and taken and not _too_much(taken):
            _take(album, intake.from_files([(file.name, _origin(file)) for file in taken], label))
    with folder:
        taken = st.file_uploader(
            "A folder with one sub-folder a class",
            accept_multiple_files="directory",
            max_upload_size=FILE_MB,
            key=f"transfer_folder_{serial}",
            help="The sub-folders' names become the classes. " + _LIMITS,
        )
        if taken and not _too_much(taken):
            _take(album, intake.from_upload([(file.name, file.size, file.getvalue) for file in taken]))
    with archive:
        packed = st.file_uploader(
            "A zip of class folders, or one that this page made of a trained network",
            type=["zip"],
            key=f"transfer_zip_{serial}",
            help="From a trained network's zip come its pictures, classes and settings, never its weights or code. "
            f"At most {limits.ZIP_BYTES // limits.MB} MB.",
        )
        if packed:
            _take_zip(album, packed)
    with camera:
        label = _class_box("transfer_camera_class", own)
        if label and st.toggle("Turn the camera on", key="transfer_camera_on"):
            shot = st.camera_input(f"A picture of the class “{plain(label)}”", key=f"transfer_camera_{serial}")
            if shot:
                _take(album, intake.from_files([(f"camera {serial + 1}", _origin(shot))], label))
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


def _origin(file: Any) -> Callable[[], Origin]:
    """Return where an uploaded file's bytes are, to be fetched when its turn comes."""
    return lambda: {"data": file.getvalue()}


def clean_label(text: str) -> str:
    """Return a class name without surrounding blanks, line breaks and characters that cannot be shown."""
    return " ".join(printable(text).split())


def _too_much(taken: Sequence[Any]) -> bool:
    """Say so if an upload is beyond the limits; nothing of it is read then."""
    size = sum(file.size for file in taken)
    if len(taken) <= limits.UPLOAD_FILES and size <= limits.UPLOAD_BYTES:
        return False
    st.error(
        f"{len(taken):,} files of {size / limits.MB:.0f} MB were received; at most {limits.UPLOAD_FILES:,} files and "
        f"{limits.UPLOAD_BYTES // limits.MB} MB are taken at once. Nothing was added: upload them in smaller lots, or "
        "train from the command line, where the disk is the limit."
    )
    return True


def _take_zip(album: Album, packed: Any) -> None:
    name = packed.name
    with tempfile.TemporaryDirectory(prefix="convscope-") as folder:
        path = Path(folder) / "upload.zip"
        try:
            with st.spinner("Reading the table of contents…"):
                path.write_bytes(packed.getbuffer())
                taken = intake.from_zip(path, name, decoders.shared())
        except Rejected as rejection:
            _finish(album, intake.Summary(refused=1), 0, [intake.refused(rejection)])
            return
        except OSError as error:
            _not_kept(f"The server could not keep the zip while reading it ({error.strerror or error})")
            return
        if is_bundle(taken):
            restore_bundle(album, name, taken)
            st.session_state.transfer_serial += 1
            st.session_state.pop("transfer_notice", None)
            st.rerun()
        _take(album, taken)


def _take(album: Album, taken: Intake) -> None:
    """Decode what came, keep what is a picture, say of the rest why not. The set changes at the end, or not at all."""
    own = [] if album.is_sample else album.items
    classes = {item.label for item in own} | set(taken.summary.labels)
    if len(classes) > limits.SET_CLASSES:
        st.error(
            f"With these there would be {len(classes):,} classes; a set in the browser holds at most "
            f"{limits.SET_CLASSES}. Nothing was added. Train larger sets from the command line: "
            "`python -m cnn_core train FOLDER --out RESULT.json`."
        )
        return
    if trouble := next(filter(None, map(flaw, taken.summary.labels)), ""):
        st.error(f"Nothing was added: a class {plain(trouble)}. Rename it and try again.")
        return
    taken = taken.at_most(
        limits.SET_PICTURES - len(own),
        f"a set in the browser holds at most {limits.SET_PICTURES:,} pictures",
        "train longer sets from the command line",
    )
    bar = st.progress(0.0, "Reading pictures…")
    lines: list[Line] = []
    try:
        for line in taken.lines(decoders.shared(), lambda picture: kept.keep(store(), picture)):
            lines.append(line)
            bar.progress(len(lines) / len(taken.files), f"Reading pictures… {len(lines):,} of {len(taken.files):,}")
        known = album.add([line.item for line in lines if line.accepted])
    except NotKept as error:
        _not_kept(f"{error}, after {len(lines):,} of {len(taken.files):,} files")
        return
    except OSError as error:  # the list of the set, at the end
        _not_kept(f"The server could not keep the set ({error.strerror or error})")
        return
    _finish(album, taken.summary, known, lines, taken.notes)


def _not_kept(why: str) -> None:
    st.error(f"{plain(why)}. Nothing was added; the set is as it was. Tell whoever runs the server, then try again.")


def _finish(
    album: Album, summary: intake.Summary, known: int, lines: Sequence[Line], about: Sequence[str] = ()
) -> None:
    st.session_state.pop("transfer_restored", None)
    st.session_state.transfer_notice = {
        "words": summary.words(known),
        "about": list(about),
        "skipped": _together((line, (line.reason, line.remedy)) for line in lines if line.remedy),
        "passed over": _together((line, (line.reason,)) for line in lines if line.passed_over),
        "done": _together((line, (note,)) for line in lines for note in line.notes),
    }
    st.session_state.transfer_serial += 1
    st.rerun()


def _together(told: Iterable[tuple[Line, tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """Return rows of a table: what several files have in common stands once, with their names."""
    files: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for line, words in told:
        files[words].append(line.file.rpartition("/")[2])
    return [(*words, _names(names)) for words, names in files.items()]


def _names(files: Sequence[str]) -> str:
    more = len(files) - NAMED
    return ", ".join(files[:NAMED]) + (f" and {count(more, 'other')}" if more > 0 else "")


def _notice() -> None:
    """Say what came of the last lot; it stays until the next or until it is dismissed."""
    if "transfer_notice" not in st.session_state:
        return
    notice = st.session_state.transfer_notice
    skipped, done, passed = notice["skipped"], notice["done"], notice["passed over"]
    (st.warning if skipped else st.success)(" ".join([f"{notice['words']}.", *map(plain, notice["about"])]))
    if skipped:
        _rows("What was skipped, and why", ["Reason", "What to do", "Files"], skipped, expanded=True)
    if done:
        _rows("What was done to the pictures", ["What", "Files"], done)
    if passed:
        _rows("What was passed over", ["Why", "Files"], passed)


def _rows(title: str, header: Sequence[str], rows: Sequence[tuple[str, ...]], expanded: bool = False) -> None:
    with st.expander(title, expanded=expanded):
        table(header, [[plain(cell) for cell in row] for row in rows[:SHOWN]], numbers=False)
        if len(rows) > SHOWN:
            st.caption(f"… and {len(rows) - SHOWN:,} more.")
