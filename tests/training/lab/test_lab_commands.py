"""`python -m cnn_core lab …`: sentences or JSON on standard output, refusals in one line."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from lab_toys import colours
from PIL import Image

from cnn_core.pictures import kept
from cnn_core.pictures.items import SpecRefused
from cnn_core.store.runs import Store
from cnn_core.training.lab import recipes_job
from cnn_core.training.lab.commands import add_commands
from cnn_core.training.lab.recipes import RecipesResult

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def folder(shelf: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "store"))
    for item in colours(shelf, 6):
        path = tmp_path / "colours" / item.label / f"{item.name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(kept.pixels(shelf, item.digest)).save(path)
    (tmp_path / "colours" / "red" / "broken.png").write_bytes(b"%PDF-1.7")
    return tmp_path / "colours"


def said(*arguments: str) -> str:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    options = parser.parse_args(["lab", *arguments])
    answer: str = options.command(options)
    return answer


def test_study_answers_in_json_and_in_sentences(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--backbone", "toy", "--folds", "2", "--epochs", "1", "--frozen-blocks", "2")
    result = json.loads(said("depth", str(folder), "--json", *options))
    assert (
        result["options"]["kind"] == "depth" and result["options"]["frozen_blocks"] == [2] and result["pictures"] == 18
    )
    assert result["options"]["training_splits"] == 2 and result["environment"]["tensorflow"]
    skipped = "skipped colours/red/broken.png: this is a PDF document; export the page as PNG and load that."
    assert skipped in capsys.readouterr().err
    assert said("depth", str(folder), *options) == "\n".join([*result["notes"], *result["sentences"]])


def test_two_divisions_are_enough_where_nobody_has_chosen_trainings(folder: Path) -> None:
    options = ("--backbone", "toy", "--folds", "2", "--repeats", "1", "--epochs", "1", "--unfreeze-blocks", "1")
    result = json.loads(said("recipes", str(folder), "--json", "--recipes", "head_first", *options))
    assert result["options"]["training_splits"] == 2 and result["recipes"][0]["accuracy"]["folds"] == 2


def test_refusals_are_sentences(folder: Path) -> None:
    with pytest.raises(SpecRefused, match=r"folds is 1; expected a whole number from 2 to 20\."):
        said("size", str(folder), "--folds", "1")
    with pytest.raises(SpecRefused, match="is not there. Give a folder"):
        said("size", str(folder / "nowhere"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("width",), "invalid choice: 'width'"),
        (("labels", "--epochs", "3"), "--epochs is no option of the study labels, only of depth, size, recipes, augm"),
        (("backbones", "--training-splits", "1"), "--training-splits is no option of the study backbones, only of"),
        (("sabotage", "--backbone", "toy"), "--backbone is no option of the study sabotage, only of depth, size, "),
        (("depth", "--folds", "3.5"), "argument --folds: invalid int value: '3.5'"),
        (("size", "--sizes", "1,five"), "argument --sizes: invalid list of int value: '1,five'"),
    ],
)
def test_option_of_another_study_is_refused_and_not_taken_in_silence(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        said(arguments[0], "folder", *arguments[1:])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["depth", "size", "recipes", "sabotage", "backbones", "labels", "augmentation"])
def test_flags_have_the_spelling_of_version_0_1(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        said(kind, "--help")
    help_text = capsys.readouterr().out
    assert ended.value.code == 0 and "--folds" in help_text and "2 to 20 (default: 5)" in " ".join(help_text.split())
    assert ("--training-splits" in help_text) == (kind in ("depth", "size", "recipes", "augmentation"))
    assert ("--backbone " in help_text) == (kind != "sabotage")


def test_study_that_fails_ends_in_part_with_the_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trying = recipes_job._try

    def fail(bench: Any, name: str, *more: Any) -> Any:
        if name == "at_once":
            raise MemoryError
        return trying(bench, name, *more)

    monkeypatch.setattr(recipes_job, "_try", fail)
    options = ("--backbone", "toy", "--folds", "2", "--epochs", "1", "--unfreeze-blocks", "1", "--training-splits", "1")
    said("recipes", str(folder), *options)
    store = Store.default()
    run = store.get(store.recent()[0].id)
    store.close()
    assert run.state == "partial" and run.error.startswith("There was not enough memory.")
    assert [tried.name for tried in RecipesResult.from_json(run.result).recipes] == ["head_first"]
