"""`python -m cnn_core lab …`: sentences or JSON on standard output, refusals in one line."""

import argparse
import json
from pathlib import Path

import pytest
from lab_toys import colours
from PIL import Image

from cnn_core.pictures import sets
from cnn_core.pictures.items import SpecRefused
from cnn_core.store.runs import Store
from cnn_core.training.lab.commands import add_commands

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def folder(shelf: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "store"))
    for item in colours(shelf, 6):
        path = tmp_path / "colours" / item.label / f"{item.name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sets.pixels(shelf, item.digest)).save(path)
    (tmp_path / "colours" / "red" / "broken.png").write_bytes(b"%PDF-1.7")
    return tmp_path / "colours"


def said(*arguments: str) -> str:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    options = parser.parse_args(["lab", *arguments])
    answer: str = options.command(options)
    return answer


def test_study_answers_in_json_and_in_sentences(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--backbone", "toy", "--unfreeze-blocks", "1", "--folds", "2", "--epochs", "1", "--frozen-blocks", "2")
    result = json.loads(said("depth", str(folder), "--json", *options))
    assert result["kind"] == "depth" and result["options"]["frozen_blocks"] == [2] and result["pictures"] == 18
    assert result["options"]["training_splits"] == 2 and result["environment"]["tensorflow"]
    assert (
        "skipped broken.png: this is a PDF document; export the page as PNG and load that." in capsys.readouterr().err
    )
    assert said("depth", str(folder), *options) == "\n".join(result["sentences"])


def test_refusals_are_sentences(folder: Path) -> None:
    with pytest.raises(SpecRefused, match=r"folds is 1; expected 2 to 20\."):
        said("size", str(folder), "--folds", "1")
    with pytest.raises(SpecRefused, match="is not a folder"):
        said("size", str(folder / "nowhere"))
    with pytest.raises(SystemExit):
        said("width", str(folder))
