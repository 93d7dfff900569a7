"""What comes in is read, kept and told of: progress where it was dropped, a notice of what came of it afterwards."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from cnn_core.pictures import decoders, intake, kept, limits
from cnn_core.pictures.images import printable
from cnn_core.pictures.intake import Intake, Line, NotKept, Origin
from cnn_core.pictures.items import flaw
from ui.shared.beginning import no_room
from ui.shared.session import Album, store
from ui.shared.text import count, plain

SHOWN = 50  # lines of a list
TICK = 0.25  # seconds between two tellings of how far the reading is
NAMED = 3  # files that share a line, by name; the others are counted


def serial() -> int:
    """Return the number in the keys of all uploaders: a new one empties those that were taken from."""
    number: int = st.session_state.setdefault("transfer_serial", 0)
    return number


def origin(file: Any) -> Callable[[], Origin]:
    """Return where an uploaded file's bytes are, to be fetched when its turn comes."""
    return lambda: {"data": file.getvalue()}


def clean_label(text: str) -> str:
    """Return a class name without surrounding blanks, line breaks and characters that cannot be shown."""
    return " ".join(printable(text).split())


def too_much(taken: Sequence[Any]) -> bool:
    """Say so if an upload is beyond the limits; nothing of it is read then."""
    size = sum(file.size for file in taken)
    if len(taken) <= limits.UPLOAD_FILES and size <= limits.UPLOAD_BYTES:
        return no_place(size)
    st.error(
        f"Received {count(len(taken), 'file')}, {limits.megabytes(size)} MB; at most {limits.UPLOAD_FILES:,} files and "
        f"{limits.UPLOAD_BYTES // limits.MB} MB are taken at once. Nothing was added: upload them in smaller lots, or "
        "train from the command line, where the disk is the limit."
    )
    return True


def no_place(size: int) -> bool:
    """Say so if a visitor has no room left for so many bytes."""
    if full := no_room(size):
        st.error(plain(f"Nothing was added. {full}"))
    return bool(full)


def take(album: Album, taken: Intake, *, test: bool = False, about: Sequence[str] = ()) -> None:
    """Decode what came, keep what is a picture, say of the rest why not. The set changes at the end, or not at all.

    Args:
        album: Receives them.
        taken: What came.
        test: Test on them, and learn nothing from them: their classes must be the album's, in whatever case of letters.
        about: Sentences to be said with what came of it.
    """
    known_as = {name.casefold(): name for name in album.classes}
    strange = [name for name in taken.summary.labels if name.casefold() not in known_as]
    if test and strange:
        st.error(
            f"The test set has a class {plain(strange[0])} that your pictures lack; they have "
            f"{plain(', '.join(album.classes))}. Nothing was added: rename one of the two."
        )
        return
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
    told = 0.0
    try:
        for line in taken.lines(decoders.shared(), lambda picture: kept.keep(store(), picture)):
            lines.append(line)
            read = len(lines)
            if read == len(taken.files):
                bar.progress(1.0, "Putting them into your set…")
            elif time.monotonic() - told > TICK:  # each telling draws the whole page anew in the browser
                bar.progress(read / len(taken.files), f"Reading pictures… {read:,} of {len(taken.files):,}")
                told = time.monotonic()
        items = [line.item for line in lines if line.accepted]
        if test:
            items = [replace(item, label=known_as[item.label.casefold()], part="test") for item in items]
        known = album.add(items)
    except NotKept as error:
        not_kept(f"{error}, after {len(lines):,} of {len(taken.files):,} files")
        return
    except OSError as error:  # the list of the set, at the end
        not_kept(f"The server could not keep the set ({error.strerror or error})")
        return
    apart = ["They are tested on, and not learnt from."] if test else []
    notes = [f"{note[0].upper()}{note[1:]}." for note in taken.notes]
    finish(album, taken.summary, known, lines, [*about, *apart, *notes])


def not_kept(why: str) -> None:
    """Say that the store took nothing."""
    st.error(f"{plain(why)}. Nothing was added; the set is as it was. Tell whoever runs the server, then try again.")


def finish(album: Album, summary: intake.Summary, known: int, lines: Sequence[Line], about: Sequence[str] = ()) -> None:
    """Remember what came of a lot, and draw the page anew with it."""
    st.session_state.pop("transfer_restored", None)
    st.session_state.transfer_notice = {
        "set": album.id,
        "words": summary.words(known),
        "about": list(about),
        "skipped": _together((line, (line.reason, line.remedy)) for line in lines if line.remedy),
        "passed over": _together((line, (line.reason,)) for line in lines if line.passed_over),
        "done": _together((line, (note,)) for line in lines for note in line.notes),
    }
    st.session_state.transfer_serial = serial() + 1
    st.rerun()


def _together(told: Iterable[tuple[Line, tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """Return the lines of a list: what several files have in common stands once, with their names."""
    files: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for line, words in told:
        files[words].append(line.file.rpartition("/")[2])
    return [(*words, _names(names)) for words, names in files.items()]


def _names(files: Sequence[str]) -> str:
    more = len(files) - NAMED
    return ", ".join(files[:NAMED]) + (f" and {count(more, 'other')}" if more > 0 else "")


def notice(album: Album) -> None:
    """Say what came of the last lot, while the set that it came to is in use; it stays until the next."""
    last = st.session_state.get("transfer_notice")
    if not last or last["set"] != album.id:
        return
    skipped, done, passed = last["skipped"], last["done"], last["passed over"]
    (st.warning if skipped else st.success)(" ".join([f"{last['words']}.", *map(plain, last["about"])]))
    if skipped:
        _rows("What was skipped, and why", skipped, expanded=True)
    if done:
        _rows("What was done to the pictures", done)
    if passed:
        _rows("What was passed over", passed)


def _rows(title: str, rows: Sequence[tuple[str, ...]], expanded: bool = False) -> None:
    """Tell of files as the command line does, in lines: a table would be taller than the pictures beneath are far."""
    with st.expander(title, expanded=expanded):
        st.markdown("\n".join(f"- **{plain(names)}**: {plain('; '.join(words))}." for *words, names in rows[:SHOWN]))
        if len(rows) > SHOWN:
            st.caption(f"… and {len(rows) - SHOWN:,} more.")
