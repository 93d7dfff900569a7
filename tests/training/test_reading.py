"""Labelled pictures for a command: what goes into the store, and every word about the rest."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn_core.pictures import kept
from cnn_core.pictures.items import SpecRefused
from cnn_core.store.runs import Store
from cnn_core.training import reading


def png(seed: int, side: int = 40) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write(folder: Path, **files: bytes) -> Path:
    for name, data in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def test_folder_of_class_folders_is_read(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pictures"
    for name, data in {
        "dogs/b.PNG": png(1),
        "cats/a.png": png(2),
        "cats/deeper/d.png": png(4),
        "cats/c.bmp": b"%PDF-1.7",
        "cats/notes.txt": b"hello",
        "cats/.hidden.png": png(3),
        ".git/e.png": png(5),
        "loose.png": png(6),
    }.items():
        write(folder, **{name: data})
    found = reading.read(store, folder, part="test")
    assert {(item.label, item.name, item.part) for item in found} == {
        ("cats", "a.png", "test"),
        ("cats", "d.png", "test"),
        ("dogs", "b.PNG", "test"),
    }
    assert all(kept.pixels(store, item.digest).shape == (40, 40, 3) for item in found)
    said = capsys.readouterr()
    assert said.out == ""
    assert "skipped pictures/cats/c.bmp: this is a PDF document; export the page as PNG and load that." in said.err
    assert "skipped pictures/loose.png: " in said.err
    assert said.err.endswith(f"{folder}: 3 added, 2 skipped, 3 other files passed over.\n")


def test_zip_is_read_like_its_folder_and_notes_are_said(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as packed:
        packed.writestr("pets/train/cats/a.png", png(1, side=1500))
        packed.writestr("pets/train/cats/c.png", png(3, side=1500))
        packed.writestr("pets/test/cats/b.png", png(2))
    found = reading.read(store, tmp_path / "pets.zip")
    assert {(item.label, item.name, item.part) for item in found} == {
        ("cats", "a.png", "train"),
        ("cats", "c.png", "train"),
        ("cats", "b.png", "test"),
    }
    said = "pets/train/cats/a.png and 1 other file: scaled down from 1500 x 1500 to 1024 x 1024 pixels"
    assert said in capsys.readouterr().err


def test_missing_folder_says_what_is_expected(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SpecRefused) as caught:
        reading.read(store, tmp_path / "nowhere")
    assert str(caught.value) == (
        f"{tmp_path / 'nowhere'} is not there. Give a folder, or a zip of one, that holds one sub-folder a class."
    )


def test_folder_without_pictures_says_what_is_expected(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpecRefused, match=r"empty holds no pictures in class folders\. Expected empty/<class>/<pic"):
        reading.read(store, tmp_path / "empty")
    write(tmp_path / "broken" / "cats", a=b"%PDF-1.7")
    with pytest.raises(SpecRefused, match=r"1 file skipped, the first: \S*a: this is a PDF document; export"):
        reading.read(store, tmp_path / "broken")


def test_full_disk_is_said(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(key: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write", full)
    write(tmp_path / "pets", cats__a=png(1))
    with pytest.raises(SpecRefused, match=r"could not keep the pictures \(No space left on device\)\. Make room, or"):
        reading.read(store, tmp_path / "pets")
