"""What a reader takes home works without us: another process, plain Keras, the same probabilities."""

import ast
import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from transfer_toys import Outcome, picture

from cnn_core import answers, backbones
from cnn_core.images import decode
from cnn_core.transfer.export import bundle, metrics_csv, model_key

FRESH = """
import importlib.util, runpy, sys
assert importlib.util.find_spec("cnn_core") is None, "the download must not need ConvScope"
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def unpacked(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("download")
    data = bundle(outcome.store, outcome.run, "fine_tuned", backbones.backbone("efficientnet_lite0"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["fine_tuned.keras", "labels.json", "predict.py", "metrics.csv"]
        archive.extractall(folder)
    return folder


def test_download_predicts_the_same_in_a_fresh_process(outcome: Outcome, unpacked: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("small.png", "tall.png", "large.jpg", "turned.jpg", "clear.png")}
    Image.fromarray(picture(1, 90, 130).pixels).save(files["small.png"])
    Image.fromarray(picture(2, 700, 260).pixels).save(files["tall.png"])
    large = Image.fromarray(picture(3, 901, 1024).pixels).resize((1503, 1201))
    large.save(files["large.jpg"], quality=95)  # more than 1024 a side: scaled down before anything else
    turn = Image.Exif()
    turn[0x0112] = 6
    Image.fromarray(picture(4, 200, 300).pixels).save(files["turned.jpg"], exif=turn)
    clear = Image.fromarray(picture(5, 250, 250).pixels)
    clear.putalpha(Image.new("L", clear.size, 0))
    clear.save(files["clear.png"])  # all transparent: white

    command = [sys.executable, "-I", "-W", "error::UserWarning", "-c", FRESH, str(unpacked / "predict.py")]
    done = subprocess.run([*command, *files.values()], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert len(lines) == len(files)
    for line, path in zip(lines, files.values(), strict=True):
        name, _, said = line.partition(" ")
        theirs = ast.literal_eval(said)
        ours = answers.predict(outcome.run.id, decode(path.read_bytes(), path.name).pixels, location=shelf_of(outcome))
        assert name == str(path) and theirs.keys() == ours["fine_tuned"].keys()
        assert list(theirs.values()) == sorted(theirs.values(), reverse=True)
        for label, probability in theirs.items():  # the script rounds to four digits
            assert probability == pytest.approx(ours["fine_tuned"][label], abs=1e-4), path.name


def shelf_of(outcome: Outcome) -> str:
    return outcome.store.location


def test_script_names_the_versions_that_trained(outcome: Outcome, unpacked: Path) -> None:
    script = (unpacked / "predict.py").read_text(encoding="utf-8")
    assert f"pip install keras=={keras.__version__} tensorflow=={outcome.environment['tensorflow']} pillow" in script
    assert f"Run {outcome.run.id}, arm fine_tuned." in script and "224 x 224 pixels" in script
    assert json.loads((unpacked / "labels.json").read_text(encoding="utf-8")) == ["brick", "grass", "gravel"]


@pytest.mark.parametrize("arm", ["scratch", "frozen", "fine_tuned"])
def test_every_arm_is_one_flat_network_that_loads_as_it_is(outcome: Outcome, arm: str, tmp_path: Path) -> None:
    path = tmp_path / f"{arm}.keras"
    path.write_bytes(outcome.store.read(model_key(outcome.run.id, arm)))
    model = keras.saving.load_model(path)  # as the script does, warnings being errors
    assert model.input_shape == (None, 224, 224, 3) and model.output_shape == (None, 3)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert model.get_layer("preprocess").name and model.get_layer("block4b_out") and model.get_layer("probabilities")
    assert outcome.arms[arm]["model_bytes"] == path.stat().st_size
    batch = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype(np.float32)
    assert np.allclose(np.asarray(model(batch)).sum(axis=1), 1, atol=1e-5)


def test_metrics_are_a_table_of_epochs_and_one_of_arms(outcome: Outcome, unpacked: Path) -> None:
    text = (unpacked / "metrics.csv").read_text(encoding="utf-8")
    assert text == metrics_csv(outcome.arms)
    epochs, arms = (list(csv.DictReader(io.StringIO(part))) for part in text.split("\n\n"))
    expected = [(arm, entry) for arm, figures in outcome.arms.items() for entry in figures["history"]]
    assert len(epochs) == len(expected) == 2 + 2 + 4
    for row, (arm, entry) in zip(epochs, expected, strict=True):
        assert (row["arm"], row["phase"], int(row["epoch"])) == (arm, entry["phase"], entry["epoch"])
        for name in ("loss", "accuracy", "val_loss", "val_accuracy", "seconds"):
            assert float(row[name]) == entry[name]
    assert [row["arm"] for row in arms] == ["scratch", "frozen", "fine_tuned"]
    for row in arms:
        figures = outcome.arms[row["arm"]]
        assert float(row["test_accuracy"]) == figures["test_accuracy"]
        assert [float(row["interval_low"]), float(row["interval_high"])] == figures["test_interval"]
        assert int(row["trainable_params"]) == figures["trainable_params"]


def test_arm_that_failed_is_left_out_of_the_table() -> None:
    assert metrics_csv({"frozen": {"error": "The loss became nan."}}).count("frozen") == 0
