"""New pictures for the trained networks: one is answered by bars, many by a wall, the doubtful first, and a file."""

import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from cnn_core.arithmetic.tables import csv_text
from cnn_core.engine.errors import EngineError
from cnn_core.figures.transfer import answers
from cnn_core.pictures.images import ImageRefused, Picture
from cnn_core.pictures.picture import thumbnail
from cnn_core.training.transfer.spec import ARM_TITLES
from ui.shared import worker
from ui.shared.charts import plot
from ui.shared.picture import FILE_MB, decoded, notes
from ui.shared.session import store
from ui.shared.text import asking, count, plain
from ui.transfer.taking import too_much
from ui.transfer.why import looked
from ui.widgets.wall.wall import Tile, wall

SURE = 0.9  # from here on a reader may think that the network knows
SHOWN, COLUMNS, SIDE = 24, 4, 160  # pictures on the wall, in a row, and their pixels; the file has all answers
VIDEO = 320
OPENED = "transfer_try_opened"  # in the session: of many, the picture that is looked into

Said = Mapping[str, Mapping[str, float]]


def ask(run_id: str, arms: Collection[str]) -> None:
    """Let the reader ask the arms of a run about new pictures."""
    given = st.file_uploader(
        "Drop photos that it has not seen",
        accept_multiple_files=True,
        max_upload_size=FILE_MB,
        key="transfer_try",
        help="Drop one, or many at once; or click here and paste one.",
    )
    if st.toggle("Use the camera", key="transfer_try_camera_on"):
        shot = st.camera_input("A photo to try", key="transfer_try_camera", width=VIDEO, label_visibility="collapsed")
        given = [shot] if shot else given
    if not given:
        st.caption("What would fool it? Try something that belongs to none of your classes, too.")
    elif len(given) == 1:
        _one(run_id, arms, given[0])
    elif not too_much(given):
        _many(run_id, arms, given)


def _one(run_id: str, arms: Collection[str], file: Any) -> None:
    try:
        picture = decoded(file.getvalue(), file.name)
        said = _said(run_id, arms, picture, "Asking the networks…")
    except (ImageRefused, EngineError, ValueError) as trouble:
        st.error(plain(str(trouble)))
        return
    _answered(run_id, picture, said)


def _answered(run_id: str, picture: Picture, said: Said) -> None:
    plot(answers(said), "transfer_answers", _spoken(said))
    st.image(picture.pixels, alt=picture.name, width=SIDE)
    notes(picture)
    if max(max(arm.values()) for arm in said.values()) > SURE:
        st.caption("A network must choose among its classes: it can be sure of a picture that belongs to none of them.")
    looked(run_id, picture, said)


def _many(run_id: str, arms: Collection[str], files: Sequence[Any]) -> None:
    found: list[tuple[Any, Picture, Said]] = []
    refused: list[str] = []
    bar = st.progress(0.0, asking("Asking the networks…"))
    for done, file in enumerate(files, 1):
        try:
            picture = decoded(file.getvalue(), file.name)
            found.append((file, picture, _said(run_id, arms, picture)))
        except (ImageRefused, ValueError) as trouble:
            refused.append(str(trouble))
        except EngineError as trouble:
            bar.empty()
            st.error(plain(str(trouble)))
            return
        bar.progress(done / len(files), f"Asking the networks… {done:,} of {len(files):,}")
    bar.empty()
    for words in refused:
        st.warning(plain(words))
    if not found:
        return
    agree = sum(not _differ(said) for _, _, said in found)
    if len(arms) > 1:
        st.markdown(f"The networks agree on **{agree} of {count(len(found), 'picture')}**.")
    doubtful = sorted(found, key=lambda each: (not _differ(each[2]), min(_surest(each[2]))))
    tiles = {picture.digest: _tile(picture, said) for _, picture, said in doubtful[:SHOWN]}
    wall(
        "Answers",
        list(tiles.values()),
        "",
        f"transfer_try_wall_{run_id}",
        _open,
        columns=COLUMNS,
        shape="1 / 1",
        enters=True,
        headed=False,
    )
    more = f" {len(found) - len(tiles):,} more are in the file." if len(found) > len(tiles) else ""
    st.caption(f"The most doubtful first. Click one: how sure is each network, and why?{more}")
    for _, picture, said in found:
        if picture.digest == st.session_state.get(OPENED):
            st.dialog(plain(picture.name), width="medium", on_dismiss=_close)(_answered)(run_id, picture, said)
            break
    with st.container(horizontal=True):
        st.download_button(
            "Answers (CSV)",
            _csv([(file, said) for file, _, said in found], arms),
            "convscope-answers.csv",
            "text/csv",
            key="transfer_try_csv",
            on_click="ignore",
        )
        last = list(arms)[-1]
        st.download_button(
            "Sorted into folders (zip)",
            lambda: _sorted([(file, said) for file, _, said in found], last),
            "convscope-sorted.zip",
            "application/zip",
            key="transfer_try_zip",
            on_click="ignore",
            help=f"A folder a class, by what the network “{ARM_TITLES[last]}” says.",
        )


def _open(digest: str) -> None:
    st.session_state[OPENED] = digest


def _close() -> None:
    st.session_state.pop(OPENED, None)


def _differ(said: Said) -> bool:
    return len({_likeliest(arm) for arm in said.values()}) > 1


def _surest(said: Said) -> list[float]:
    """How sure each network is of what it says."""
    return [max(arm.values()) for arm in said.values()]


def _tile(picture: Picture, said: Said) -> Tile:
    """Name a picture by what is said of it, and how surely; where the networks differ, by what each says."""
    sure = dict.fromkeys(f"{100 * share:.0f}" for share in sorted(_surest(said)))
    named = list(dict.fromkeys(_likeliest(arm) for arm in said.values()))
    title = " / ".join(named) if len(named) > 1 else f"{named[0]} {'–'.join([*sure][:: max(1, len(sure) - 1)])}%"
    return Tile(picture.digest, title, f"{picture.name}. {_spoken(said)}.", thumbnail(picture.pixels, SIDE))


def _csv(found: Sequence[tuple[Any, Said]], arms: Collection[str]) -> str:
    classes = list(next(iter(found[0][1].values())))
    header = ["picture", *(f"{arm}_{what}" for arm in arms for what in ("says", *classes))]
    return csv_text(
        header,
        [
            [
                file.name,
                *(cell for arm in arms for cell in (_likeliest(said[arm]), *(round(p, 4) for p in said[arm].values()))),
            ]
            for file, said in found
        ],
    )


def _sorted(found: Sequence[tuple[Any, Said]], arm: str) -> bytes:
    """Return the files as they were given, each in the folder of what the arm says of it."""
    buffer, taken = io.BytesIO(), set[str]()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, (file, said) in enumerate(found, 1):
            folder = _likeliest(said[arm]).replace("/", "_").replace("\\", "_").strip(". ") or "class"
            name = file.name.replace("/", "_").replace("\\", "_")
            path = f"{folder}/{name}"
            path = path if path not in taken else f"{folder}/{number}_{name}"
            taken.add(path)
            archive.writestr(path, file.getvalue())
    return buffer.getvalue()


def _said(run_id: str, arms: Collection[str], picture: Picture, words: str = "") -> Said:
    """Ask once for a picture; of a run that goes on, again when another arm is there."""
    said = worker.ask("predict", run_id, picture, words=words, also=tuple(arms), location=store().location)
    return {arm: said[arm] for arm in arms}


def _likeliest(labels: Mapping[str, float]) -> str:
    return max(labels, key=lambda name: labels[name])


def _spoken(said: Said) -> str:
    return "; ".join(
        f"{ARM_TITLES[arm]} says {_likeliest(labels)} at {max(labels.values()):.0%}" for arm, labels in said.items()
    )
