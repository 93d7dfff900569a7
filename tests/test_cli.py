"""The core without a browser: results in files, answers on standard output, trouble in one line."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from cnn_core.__main__ import main
from cnn_core.engine.here import carry_out
from cnn_core.networks import backbones
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome
from cnn_core.store.runs import Store
from cnn_core.training.transfer import experiment as job
from cnn_core.training.transfer.export import bundle
from cnn_core.training.transfer.results import Transfer

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "python -m cnn_core"


def stripes(seed: int, upright: bool) -> Image.Image:
    """A picture of one of two easy classes, no two alike."""
    rng = np.random.default_rng(seed)
    wave = 127 + 120 * np.sin(np.arange(96) / rng.uniform(2, 4) + rng.uniform(0, 6))
    values = np.tile(wave, (96, 1)) + rng.normal(0, 6, (96, 96))
    values = values if upright else values.T
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert("RGB")


def class_folders(folder: Path, first: int = 0, **counts: int) -> Path:
    for index, (label, count) in enumerate(counts.items()):
        (folder / label).mkdir(parents=True)
        for i in range(count):
            stripes(1000 * index + first + i, upright=index == 0).save(folder / label / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def folder(home: Path) -> Path:
    folder = class_folders(home / "stripes", lying=8, upright=7)
    (folder / "lying" / "broken.jpg").write_bytes(b"%PDF-1.7")
    return folder


@pytest.fixture(autouse=True)
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("CONVSCOPE_STORE", str(home / "store"))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    store = Store.default()
    yield store
    store.close()


@pytest.fixture(scope="module")
def trained(home: Path, folder: Path) -> tuple[dict, str, str]:
    """One training by the command: RESULT.json, standard output, standard error."""
    output, errors = io.StringIO(), io.StringIO()
    tests = class_folders(home / "tests", first=500, lying=3, upright=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_STORE", str(home / "store"))
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", errors)
        code = main(
            [
                "train",
                str(folder),
                "--test",
                str(tests),
                "--arms",
                "frozen,fine_tuned",
                "--epochs",
                "2",
                "--unfreeze-blocks",
                "1",
                "--head-learning-rate",
                "0.01",
                "--out",
                str(home / "RESULT.json"),
            ]
        )
    assert code == 0, errors.getvalue()
    return json.loads((home / "RESULT.json").read_text(encoding="utf-8")), output.getvalue(), errors.getvalue()


# What it does ---------------------------------------------------------------------------------------------------------


def test_train_writes_what_the_issue_names(trained: tuple[dict, str, str]) -> None:
    result, _, _ = trained
    found = Transfer.from_json(result)
    assert found.classes == ("lying", "upright") and result["version"] == 2
    assert found.split_sizes == {"train": 12, "validation": 3, "test": 6}
    assert found.arms.keys() == {"frozen", "fine_tuned"}
    for arm in found.arms.values():
        assert 0.5 < arm.accuracy.value <= 1 and arm.accuracy.low < arm.accuracy.value <= arm.accuracy.high
        assert arm.seconds["training"] > 0 and arm.seconds["features"] >= 0
    head, blocks = (found.arms[arm].history for arm in ("frozen", "fine_tuned"))
    assert [entry.phase for entry in blocks] == ["head"] * len(head) + ["blocks"] * 2 and len(head) > 2
    assert found.arms["frozen"].trainable_params == 1280 * 2 + 2
    assert found.arms["fine_tuned"].trainable_params == 320 * 1280 + 1280 * 2 + 2
    assert result["environment"]["seed"] == 0 and result["environment"]["keras"]
    assert result["options"]["epochs"] == 2


def test_train_speaks_on_standard_error_only(trained: tuple[dict, str, str]) -> None:
    result, output, errors = trained
    assert output == ""
    lines = errors.strip().splitlines()
    assert "skipped stripes/lying/broken.jpg: this is a PDF document; export the page as PNG and load that." in lines
    assert any(re.match(r" +frozen: \d of 6 right, [01]\.\d{3} \(95% interval 0\.\d{3} to ", line) for line in lines)
    assert lines[-2] == Transfer.from_json(result).verdicts()[0]
    assert lines[-1] == f"Run {result['run']}: python -m cnn_core predict {result['run']} PICTURE"


def test_train_leaves_a_finished_run(trained: tuple[dict, str, str], store: Store) -> None:
    run = store.get(trained[0]["run"])
    assert (run.state, run.error, run.title, run.kind) == ("done", "", "stripes", "transfer")
    assert run.worker.startswith("command line, process ") and run.progress["fraction"] == 1.0


def test_predict_by_run_and_by_unpacked_model(
    trained: tuple[dict, str, str], store: Store, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [home / "stripes" / "lying" / "0.png", home / "tests" / "upright" / "1.png"]
    run = store.get(trained[0]["run"])
    assert main(["predict", run.id, *map(str, files), "--json"]) == 0
    by_run = json.loads(capsys.readouterr().out)
    assert [entry["file"] for entry in by_run] == [str(path) for path in files]
    for entry in by_run:
        assert entry["arms"].keys() == {"frozen", "fine_tuned"}
        for said in entry["arms"].values():
            assert said.keys() == {"lying", "upright"} and sum(said.values()) == pytest.approx(1, abs=1e-5)

    download = bundle(store, run, "frozen", backbones.backbone("efficientnet_lite0"))
    zipfile.ZipFile(io.BytesIO(download)).extractall(home / "download")
    assert main(["predict", str(home / "download" / "frozen.keras"), *map(str, files), "--json"]) == 0
    by_model = json.loads(capsys.readouterr().out)
    for mine, theirs in zip(by_model, by_run, strict=True):
        assert mine["arms"].keys() == {"frozen"}
        assert mine["arms"]["frozen"] == pytest.approx(theirs["arms"]["frozen"], abs=1e-5)

    assert main(["predict", run.id, str(files[0])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and re.fullmatch(rf"{re.escape(str(files[0]))}  frozen: \w+ \d\.\d+, \w+ \d\.\d+", lines[0])


def test_classify_writes_json_and_nothing_else(home: Path) -> None:
    for name in ("chelsea", "coffee"):
        Image.fromarray(getattr(data, name)()).save(home / f"{name}.png")
    files = [str(home / "coffee.png"), str(home / "chelsea.png")]
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "cnn_core", "classify", *files, "--json", "--top", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, ""), "and not a line of TensorFlow's"
    said = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1  # the JSON is all there is
    assert [entry["file"] for entry in said] == files
    assert said[0]["labels"][0]["label"] == "espresso"
    assert said[0]["labels"][0]["probability"] == pytest.approx(0.94, abs=0.02)
    assert {label["label"] for label in said[1]["labels"]} == {"Egyptian cat", "tiger cat", "tabby"}


@pytest.mark.slow
def test_run_of_a_fresh_process_says_only_what_is_ours(folder: Path, home: Path, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}

    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "cnn_core", *map(str, arguments)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done

    trained = command("train", folder, "--arms", "frozen", "--epochs", 1, "--out", tmp_path / "R.json")
    ours = (
        r"skipped stripes/lying/broken\.jpg: |/.*stripes: 15 added, 1 skipped\.$|[ 1]\d0% after \d\d:\d\d  |"
        r"    frozen: \d of \d right, |Run \w+: python -m cnn_core "
    )
    assert [line for line in trained.stderr.splitlines() if not re.match(ours, line)] == []
    run = json.loads((tmp_path / "R.json").read_text(encoding="utf-8"))["run"]
    asked = command("predict", run, folder / "lying" / "0.png")
    assert asked.stderr == "" and asked.stdout.count("\n") == 1
    assert command("architectures", "lenet5").stderr == ""


def test_classify_for_people(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(data.coffee()).save(home / "cup.png")
    assert main(["classify", str(home / "cup.png"), "--top", "1"]) == 0
    assert re.fullmatch(rf"{re.escape(str(home / 'cup.png'))}: espresso 0\.9\d\d\n", capsys.readouterr().out)


# Trouble --------------------------------------------------------------------------------------------------------------


def one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail: exit code 2, one line of trouble, nothing on standard output.

    What pictures were read before stands above that line.
    """
    try:
        code = main(arguments)
    except SystemExit as end:  # argparse
        code = end.code
    said = capsys.readouterr()
    assert code == 2 and said.out == ""
    *reading, trouble = said.err.splitlines()
    assert trouble.startswith(PROGRAM) and said.err.endswith("\n"), said.err
    assert all(re.search(r"^skipped .*[.]$|: \d+ added(, \d+ skipped)?[.]$", line) for line in reading), said.err
    return trouble


def train(folder: object, out: object, *more: str) -> list[str]:
    return ["train", str(folder), "--out", str(out), *more]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--arms", "hot"], "arms is 'hot'; expected one of scratch, frozen, fine_tuned."),
        (["--arms", ","], "arms has 0 values; expected 1 or more of scratch, frozen, fine_tuned."),
        (["--backbone", "alexnet"], f"backbone is 'alexnet'; expected one of {', '.join(backbones.BACKBONES)}."),
        (["--epochs", "0"], "epochs is 0; expected a whole number from 1 to 200."),
        (["--seed", "-1"], "seed is -1; expected a whole number from 0 to 2147483647."),
        (["--unfreeze-blocks", "99"], "unfreeze_blocks is 99; expected a whole number from 1 to 22."),
        (["--unfreeze-blocks", "18"], "unfreeze_blocks is 18; expected 1 to 17, as EfficientNet-Lite0 has."),
        (["--epochs", "x"], "argument --epochs: invalid int value: 'x'; see python -m cnn_core train --help."),
        (["--colour"], "unrecognized arguments: --colour; see python -m cnn_core --help."),
        (["--test", "nowhere"], "nowhere is not there. Give a folder, or a zip of one, that holds one sub-folder"),
    ],
)
def test_bad_option_ends_in_one_line(
    options: list[str], message: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in one_line(train(folder, tmp_path / "R.json", *options), capsys)
    assert not (tmp_path / "R.json").exists()


def test_bad_folder_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "R.json"
    missing = tmp_path / "missing"
    assert one_line(train(missing, out), capsys) == (
        f"{PROGRAM}: {missing} is not there. Give a folder, or a zip of one, that holds one sub-folder a class."
    )
    single = class_folders(tmp_path / "single", lying=6)
    assert one_line(train(single, out), capsys).endswith(
        "There is 1 class; at least 2 are needed. Add pictures of another class."
    )
    few = class_folders(tmp_path / "few", lying=6, upright=4)
    assert one_line(train(few, out), capsys).endswith(
        "The class 'upright' has 4 pictures; at least 5 are needed. Add 1 more."
    )
    file = tmp_path / "file.txt"
    file.write_text("hello")
    assert f"{file} is neither a folder nor a zip. Give" in one_line(train(file, out), capsys)


def test_copies_of_one_picture_end_in_one_line(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = class_folders(tmp_path / "copies", lying=6, upright=1)
    for i in range(1, 9):
        (folder / "upright" / f"{i}.png").write_bytes((folder / "upright" / "0.png").read_bytes())
    said = one_line(train(folder, tmp_path / "R.json"), capsys)
    assert "the class 'upright' has too few different pictures to train and test on" in said
    assert store.recent()[0].state == "failed" and store.recent()[0].error in said


def test_class_that_is_only_tested_ends_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tests = class_folders(tmp_path / "tests", lying=2, slanted=2)
    said = one_line(train(folder, tmp_path / "R.json", "--test", str(tests)), capsys)
    assert said == f"{PROGRAM}: --test: {tests} has a class 'slanted' that {folder} lacks."


def test_bad_out_is_noticed_before_the_training(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "run", lambda *_: pytest.fail("trained before looking at --out"))
    nowhere = tmp_path / "nowhere"
    assert one_line(train(folder, nowhere / "R.json"), capsys) == (
        f"{PROGRAM}: --out: the folder {nowhere} does not exist. Create it first."
    )
    assert one_line(train(folder, tmp_path), capsys) == (
        f"{PROGRAM}: --out: {tmp_path} is a folder. Give the path of a file in it, such as RESULT.json."
    )
    said = one_line(["train", str(folder)], capsys)
    assert "the following arguments are required: --out" in said


def test_bad_picture_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    assert "notes.txt: this is plain text; choose a picture: JPEG, PNG" in one_line(["classify", str(text)], capsys)
    assert one_line(["classify", str(tmp_path / "no.png")], capsys) == (
        f"{PROGRAM}: {tmp_path / 'no.png'}: there is no such file; give the path of a picture file."
    )
    assert "cannot be read (Is a directory)" in one_line(["classify", str(tmp_path)], capsys)


def test_bad_question_ends_in_one_line(tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "stripes.png"
    stripes(1, True).save(picture)
    assert "There is no run 'abc' in this store. Check the link" in one_line(["predict", "abc", str(picture)], capsys)
    assert "--top is 0; expected 1 to 1000." in one_line(["classify", "--top", "0", str(picture)], capsys)
    assert "required: intake | train | predict | export | classify" in one_line([], capsys)
    waiting = store.create("transfer", {}, title="waits")
    said = one_line(["predict", waiting.id, str(picture)], capsys)
    assert said.endswith("has no trained network to ask (its state is queued). Choose another run.")


def test_bad_model_file_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, model = tmp_path / "stripes.png", tmp_path / "frozen.keras"
    stripes(1, True).save(picture)
    ask = ["predict", str(model), str(picture)]
    assert f"{model} is not there. Unpack the whole download in one folder." in one_line(ask, capsys)
    model.write_bytes(b"no network")
    assert f"{tmp_path / 'labels.json'} is not there." in one_line(ask, capsys)
    (tmp_path / "labels.json").write_text('["a", "b"]')
    assert re.search(r"frozen\.keras or its labels\.json is damaged \(.+\)\. Unpack it again\.", one_line(ask, capsys))


def test_labels_of_another_model_end_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    image = keras.Input((224, 224, 3))
    head = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(image))
    keras.Model(image, head).save(tmp_path / "m.keras")
    stripes(1, True).save(tmp_path / "stripes.png")
    (tmp_path / "labels.json").write_text('["a", "b", "c"]')
    said = one_line(["predict", str(tmp_path / "m.keras"), str(tmp_path / "stripes.png")], capsys)
    assert said.endswith(f"m.keras tells 2 classes apart, {tmp_path / 'labels.json'} names 3.")


@pytest.fixture
def hear_ctrl_c() -> Iterator[Callable[[Any], Any]]:
    """Say what Ctrl-C does: whoever starts the tests in the background has it ignored, for them and their children."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda handler: signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGINT, before)


def interrupted(run: Run, store: Store, report: object) -> Outcome:
    """A job during which somebody presses Ctrl-C."""
    signal.raise_signal(signal.SIGINT)
    return Outcome({"pressed": "Ctrl-C"})


def test_interrupt_ends_the_run_with_a_sentence(
    folder: Path,
    tmp_path: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hear_ctrl_c: Callable[[Any], Any],
) -> None:
    monkeypatch.setattr(job, "run", interrupted)
    hear_ctrl_c(signal.default_int_handler)
    assert main(train(folder, tmp_path / "R.json")) == 130
    assert capsys.readouterr().err.splitlines()[-1] == f"{PROGRAM}: stopped; nothing more is written."
    run = store.recent()[0]
    assert run.state == "stopped" and not run.live
    assert run.error == "Stopped at the command line before it had a result; nothing was kept."
    assert not (tmp_path / "R.json").exists()


def test_ctrl_c_meant_for_another_leaves_a_run_in_the_background_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch, hear_ctrl_c: Callable[[Any], Any]
) -> None:
    monkeypatch.setattr(job, "run", interrupted)
    hear_ctrl_c(signal.SIG_IGN)  # as `nohup … &` starts it
    run = carry_out(store, "transfer", {}, "in the background")
    assert (run.state, run.result) == ("done", {"pressed": "Ctrl-C"})


def test_failure_is_kept_with_the_run(
    folder: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(run: Run, store: Store, report: object) -> None:
        raise MemoryError

    monkeypatch.setattr(job, "run", broken)
    with pytest.raises(MemoryError):
        main(train(folder, tmp_path / "R.json"))
    assert store.recent()[0].state == "failed"
    assert store.recent()[0].error.startswith("There was not enough memory. Use fewer or smaller pictures")


def test_bad_picture_costs_the_others_nothing(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(data.coffee()).save(tmp_path / "cup.png")
    (tmp_path / "paper.jpg").write_bytes(b"%PDF-1.7")
    files = [str(tmp_path / name) for name in ("paper.jpg", "cup.png")]
    assert main(["classify", *files, "--top", "1", "--json"]) == 1
    said = capsys.readouterr()
    (answer,) = json.loads(said.out)
    assert answer["file"] == files[1] and answer["labels"][0]["label"] == "espresso"
    skipped, last = said.err.splitlines()
    assert skipped == f"skipped {files[0]}: this is a PDF document; export the page as PNG and load that."
    assert last == f"{PROGRAM}: 1 of 2 files skipped."


def test_what_was_done_to_a_picture_is_said(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.linspace(0, 4000, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert main(["classify", str(tmp_path / "deep.png")]) == 0
    assert "deep.png: 12-bit values in a 16-bit file stretched to 8-bit\n" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_fault(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(b"%PDF-1.7")
    command = [sys.executable, "-m", "cnn_core", "intake", str(tmp_path / "cat.jpg"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()  # as head does
        assert process.stderr.read() == ""
    assert process.returncode == 0
