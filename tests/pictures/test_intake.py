"""From a tree to pictures in the store: one line a file, one set of words, and a store that fails spoils nothing."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn_core.__main__ import main
from cnn_core.pictures import intake, kept
from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.images import decode
from cnn_core.pictures.intake import Line, NotKept, Summary
from cnn_core.store.runs import Store


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with Decoders(workers=2) as made:
        yield made


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


FILES = {
    "pets/cats/a.png": png(1),
    "pets/cats/100APPLE/b.PNG": png(2),
    "pets/cats/broken.jpg": b"%PDF-1.7",
    "pets/dogs/c": png(3),
    "pets/dogs/Thumbs.db": b"\0",
    "pets/dogs/notes.txt": b"hello",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "pets" / "cows").mkdir()
    return tmp_path / "pets"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as packed:
        for name, data in FILES.items():
            packed.writestr(name, data)
        packed.mkdir("pets/cows")
    return tmp_path / "pets.zip"


def told(lines: list[Line]) -> set[tuple[str, str, bool]]:
    return {(line.file.removeprefix("pets/"), line.label, line.accepted) for line in lines}


def test_folder_zip_and_upload_tell_the_same(folder: Path, archive: Path, decoders: Decoders) -> None:
    upload = [(name, len(data), lambda data=data: data) for name, data in FILES.items()]
    for taken, empty in (
        (intake.from_path(folder, decoders), {"cows": 0}),
        (intake.from_path(archive, decoders), {"cows": 0}),
        (intake.from_upload(upload), {}),  # a browser sends no empty folder
    ):
        lines = list(taken.lines(decoders))
        assert told(lines) == {
            ("cats/a.png", "cats", True),
            ("cats/100APPLE/b.PNG", "cats", True),
            ("cats/broken.jpg", "cats", False),
            ("dogs/c", "dogs", True),
            ("dogs/Thumbs.db", "", False),
            ("dogs/notes.txt", "", False),
        }
        assert [line.file for line in lines] == [placed.found.path for placed in taken.files]
        assert taken.summary == Summary(3, 1, 2, {"cats": 2, "dogs": 1} | empty)  # type: ignore[arg-type]
        (refused,) = (line for line in lines if line.remedy)
        assert (refused.reason, refused.remedy) == ("this is a PDF document", "export the page as PNG and load that")


def test_pictures_are_in_the_store_and_are_those_of_the_files(folder: Path, tmp_path: Path, decoders: Decoders) -> None:
    store = Store(tmp_path / "store")
    taken = intake.from_folder(folder)
    items = [line.item for line in taken.lines(decoders, lambda one: kept.keep(store, one)) if line.accepted]
    assert {(item.name, item.label) for item in items} == {("a.png", "cats"), ("b.PNG", "cats"), ("c", "dogs")}
    for item in items:
        name = next(name for name in FILES if name.endswith(f"/{item.name}"))
        np.testing.assert_array_equal(kept.pixels(store, item.digest), decode(FILES[name], name).pixels)
        assert kept.small(store, item.digest)[:3] == b"\xff\xd8\xff"
    store.close()


def test_store_that_takes_no_more_is_said_with_its_reason(folder: Path, decoders: Decoders) -> None:
    calls = []

    def keep(picture: kept.Kept) -> None:
        calls.append(picture.name)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")

    with pytest.raises(NotKept, match=r"^The server could not keep the pictures \(No space left on device\)$"):
        list(intake.from_folder(folder).lines(decoders, keep))
    assert len(list(intake.from_folder(folder).lines(decoders))) == len(FILES), "the decoders are as before"


def test_only_so_many_are_read(folder: Path, decoders: Decoders) -> None:
    taken = intake.from_folder(folder).at_most(2, "a set holds 2", "take fewer")
    lines = list(taken.lines(decoders))
    assert sum(line.accepted for line in lines) + sum("PDF" in line.reason for line in lines) == 2
    assert [line.remedy for line in lines if line.reason == "a set holds 2"] == ["take fewer"] * 2
    assert taken.summary.labels["cows"] == 0 and "cows" in taken.summary.labels


# The cases beside the checkout ----------------------------------------------------------------------------------------

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the cases are not at ../shared/data")
LONG = "Animalia_Arthropoda_Insecta_Lepidoptera_Danaus"
CASES: dict[str, tuple[dict[str, int], int]] = {  # labels, files refused
    "folders/jfif": ({"bar": 6, "disc": 12}, 0),
    "folders/heic_mixed": ({"bar": 6, "disc": 6}, 6),
    "folders/partly_nested": ({"bar": 12, "disc": 12}, 0),
    "folders/sessions": ({"bar": 12, "disc": 12}, 0),
    "folders/checkpoints": ({"bar": 6, "disc": 6}, 0),
    "folders/accents_train": ({"bar": 6, "crème brûlée": 6}, 0),
    "folders/accents_test": ({"bar": 3, "crème brûlée": 3}, 0),
    "folders/long_names": ({"Plantae": 6, f"{LONG}_gilippus": 6, f"{LONG}_plexippus": 6}, 0),
    "folders/empty_class": ({"bar": 6, "disc": 6, "third": 0}, 0),
    "zips/sjis_sofa.zip": ({"いす": 6, "ソファ": 6}, 0),
    "zips/sjis_table_ability.zip": ({"能": 6, "表": 6}, 0),
    "zips/winrar_unicode_path.zip": ({"кошки": 6, "собаки": 6}, 0),
    "zips/nested_day.zip": ({"cats": 12, "dogs": 12}, 0),
    "zips/nas.zip": ({"cats": 6, "dogs": 6}, 0),
}


@needs_shared
@pytest.mark.parametrize("case", CASES)
def test_case_of_what_people_have_comes_out_right(case: str, decoders: Decoders) -> None:
    taken = intake.from_path(SHARED / "cases" / case, decoders)
    lines = list(taken.lines(decoders))
    labels, refused = CASES[case]
    assert dict(taken.summary.labels) == labels and taken.summary.refused == refused
    assert sum(line.accepted for line in lines) == sum(labels.values())


@needs_shared
def test_hostile_files_are_taken_or_refused_in_a_sentence(decoders: Decoders) -> None:
    taken = intake.from_folder(SHARED / "hostile" / "pngsuite")
    for line in taken.lines(decoders):
        if not line.file.endswith(".png"):
            continue
        broken = line.file.rpartition("/")[2].startswith("x") and not line.file.endswith("xcsn0g01.png")
        assert line.accepted is not broken, line
        assert line.accepted or (line.reason and line.remedy)
    for file in sorted((SHARED / "hostile").glob("*.*")):
        (line,) = intake.from_path(file, decoders).lines(decoders)
        assert not line.accepted and line.reason and line.remedy, line


@needs_shared
def test_photos_are_all_taken_in_their_parts(decoders: Decoders) -> None:
    taken = intake.from_folder(SHARED / "clothing5")
    parts = {(line.label, line.part) for line in taken.lines(decoders) if line.accepted}
    assert taken.summary.accepted == 360 and taken.summary.refused == 0 and len(taken.summary.labels) == 5
    assert {part for _, part in parts} == {"train", "test"} and len(parts) == 10


# The command ----------------------------------------------------------------------------------------------------------


def test_command_shows_every_file_and_keeps_nothing(
    folder: Path, archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "store"))
    for path in (folder, archive):
        assert main(["intake", str(path), "--json"]) == 0
        *files, summary = map(json.loads, capsys.readouterr().out.splitlines())
        assert all(list(file) == ["file", "label", "part", "accepted", "notes", "reason", "remedy"] for file in files)
        assert {file["file"].removeprefix("pets/") for file in files} == {n.removeprefix("pets/") for n in FILES}
        assert summary == {
            "summary": {"accepted": 3, "refused": 1, "passed_over": 2, "labels": {"cats": 2, "cows": 0, "dogs": 1}}
        }
    assert not (tmp_path / "store").exists()


def test_command_says_in_words_what_is_skipped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intake", str(folder)]) == 0
    said = capsys.readouterr()
    assert "broken.jpg: this is a PDF document; export the page as PNG and load that." in said.out
    assert said.out.endswith("cats: 2\ncows: 0\ndogs: 1\n3 would be taken, 1 skipped, 2 other files passed over.\n")
    assert "cows" in said.err


def test_command_takes_files_and_refuses_a_zip_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    (tmp_path / "b.zip").write_bytes(b"PK but not really")
    assert main(["intake", str(tmp_path / "a.png"), str(tmp_path / "b.zip"), "--json"]) == 0
    first, second, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["file"], first["accepted"], first["label"]) == ("a.png", True, "")
    assert (second["file"], second["accepted"]) == ("b.zip", False)
    assert "damaged or cut short" in second["reason"] and second["remedy"] == "copy or upload it again"
    assert summary["summary"]["refused"] == 1
    assert main(["intake", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is not there" in capsys.readouterr().err
