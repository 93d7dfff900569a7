"""What a reader takes home works without us: another process, plain Keras, the same probabilities."""

import csv
import io
import json
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from transfer_toys import Outcome

from cnn_core.arithmetic.escaping import markdown
from cnn_core.networks import backbones
from cnn_core.networks.zoo.efficientnet_lite_weights import released_weights
from cnn_core.pictures import decoders, intake, kept
from cnn_core.pictures.archives import ArchiveRefused
from cnn_core.pictures.intake import Intake
from cnn_core.pictures.items import SpecRefused
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training.transfer import answers, documents, formats, onnx_extra
from cnn_core.training.transfer.export import (
    BundleRefused,
    bundle,
    is_bundle,
    network_file,
    read_bundle,
    self_test_of,
)
from cnn_core.training.transfer.spec import Experiment


def test_bundle_holds_what_it_names(unpacked: Path) -> None:
    assert sorted(path.name for path in unpacked.iterdir()) == [
        "backbone.keras",
        "coded.py",
        "epochs.csv",
        "fine_tuned.keras",
        "formats.py",
        "images.py",
        "labels.json",
        "limits.py",
        "metrics.csv",
        "model_card.md",
        "notebook.ipynb",
        "picture.py",
        "pictures",
        "predict.py",
        "quiet.py",
        "requirements.txt",
        "samples.py",
        "seen.py",
        "settings",
        "tiff.py",
        "train.py",
    ]
    assert len(list((unpacked / "pictures").iterdir())) == 36
    assert json.loads((unpacked / "labels.json").read_text(encoding="utf-8")) == ["brick", "grass", "gravel"]


def test_only_a_changed_backbone_goes_along(outcome: Outcome) -> None:
    record, held = backbones.backbone("efficientnet_lite0"), {}
    for arm in outcome.arms:
        with zipfile.ZipFile(io.BytesIO(bundle(outcome.store, outcome.run, arm, record, pictures=False))) as archive:
            held[arm] = [name for name in archive.namelist() if name.endswith(".keras")]
    assert held == {
        "scratch": ["scratch.keras"],
        "frozen": ["frozen.keras"],
        "fine_tuned": ["fine_tuned.keras", "backbone.keras"],
    }


def test_kept_backbone_is_the_released_one(outcome: Outcome) -> None:
    model = answers.load_model(outcome.store.read(keys.backbone(backbones.weights_id("efficientnet_lite0"))))
    released = released_weights()
    assert len(model.weights) > 200 and model.output_shape == (None, 1280)
    for variable in model.weights:
        assert np.array_equal(np.asarray(variable), released[variable.path]), variable.path


@pytest.mark.parametrize("arm", [pytest.param("scratch", marks=pytest.mark.slow), "frozen", "fine_tuned"])
def test_every_arm_is_one_flat_network_that_loads_as_it_is(outcome: Outcome, arm: str, tmp_path: Path) -> None:
    path = tmp_path / f"{arm}.keras"
    path.write_bytes(network_file(outcome.store, outcome.run, arm))
    model = keras.saving.load_model(path)  # as the script does, warnings being errors
    assert model.input_shape == (None, 224, 224, 3) and model.output_shape == (None, 3)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert model.get_layer("preprocess").name and model.get_layer("block4b_out") and model.get_layer("probabilities")
    if arm == "frozen":  # written when it is wanted: by then its weights were told
        assert outcome.arms[arm].model_bytes == 4 * model.count_params()
    else:
        assert outcome.arms[arm].model_bytes == path.stat().st_size
    batch = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype(np.float32)
    assert np.allclose(np.asarray(model(batch)).sum(axis=1), 1, atol=1e-5)


def read_table(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file that is one table: every row has the header's columns."""
    header, *rows = csv.reader(io.StringIO(text))
    assert {len(row) for row in rows} == {len(header)}
    return list(csv.DictReader(io.StringIO(text)))


def test_epochs_are_one_table(outcome: Outcome, unpacked: Path) -> None:
    epochs = read_table((unpacked / "epochs.csv").read_text(encoding="utf-8"))
    expected = [(arm, entry) for arm, figures in outcome.arms.items() for entry in figures.history]
    assert len(epochs) == len(expected) == 2 + 2 + 2 * len(outcome.arms["frozen"].history)
    for row, (arm, entry) in zip(epochs, expected, strict=True):
        assert (row["arm"], row["phase"], int(row["epoch"])) == (arm, entry.phase, entry.epoch)
        for name in ("loss", "accuracy", "val_loss", "val_accuracy", "seconds"):
            assert float(row[name]) == getattr(entry, name)


def test_metrics_are_one_table(outcome: Outcome, unpacked: Path) -> None:
    arms = read_table((unpacked / "metrics.csv").read_text(encoding="utf-8"))
    assert [row["arm"] for row in arms] == ["scratch", "frozen", "fine_tuned"]
    for row in arms:
        figures = outcome.arms[row["arm"]]
        share = figures.accuracy
        assert (float(row["test_accuracy"]), int(row["correct"])) == (share.value, share.correct)
        assert (float(row["interval_low"]), float(row["interval_high"])) == (share.low, share.high)
        assert int(row["trainable_params"]) == figures.trainable_params


def test_card_tells_data_figures_limits_and_licence(outcome: Outcome, unpacked: Path) -> None:
    card = (unpacked / "model_card.md").read_text(encoding="utf-8")
    figures = outcome.arms["fine_tuned"]
    correct, low, high = figures.accuracy.correct, figures.accuracy.low, figures.accuracy.high
    assert "36 pictures: 18 trained on, 6 chosen by, 12 tested" in card
    assert f"{correct} of 12 right" in card and f"interval {low:.3f} to {high:.3f}" in card
    assert "ImageNet weights (Apache-2.0)" in card and "| brick | 12 | 4 |" in card
    assert "Not carried out" in card and "These classes only" not in card and "knows these 3 classes only" in card


def listed(data: bytes, name: str, folder: Path) -> Intake:
    """A zip as it comes in."""
    (folder / name).write_bytes(data)
    return intake.from_zip(folder / name, name, decoders.shared())


def restore(data: bytes, name: str, store: Store) -> Experiment:
    """What a page does with a bundle."""
    with tempfile.TemporaryDirectory() as folder:
        return read_bundle(listed(data, name, Path(folder)), name, store, decoders.shared())


def test_bundle_restores_the_experiment_on_another_server(outcome: Outcome, tmp_path: Path) -> None:
    data = bundle(outcome.store, outcome.run, "frozen", backbones.backbone("efficientnet_lite0"))
    other = Store(tmp_path / "other")
    restored = restore(data, "bundle.zip", other)
    assert restored == outcome.experiment
    for item in restored.items:
        assert np.array_equal(kept.pixels(other, item.digest), kept.pixels(outcome.store, item.digest))
    assert not other.exists(keys.file(outcome.run.id, "frozen")), "never the weights"
    other.close()


def test_recordings_go_into_a_bundle_come_back_and_are_on_one_side_of_its_split(
    outcome: Outcome, tmp_path: Path
) -> None:
    taken = [item.to_json() for item in outcome.experiment.items]
    items = [[*entry[:3], "", f"{number // 4:016x}"] for number, entry in enumerate(taken)]  # 12 a class
    run = replace(outcome.run, spec=outcome.run.spec | {"items": items})
    settings = documents.experiment_settings(run, "frozen")
    part_of = {digest: part for part, digests in settings["split"].items() for digest in digests}
    sides = {(burst, part_of[digest]) for digest, *_, burst in items if digest in part_of}
    assert len(part_of) == 36 and len(sides) == 9 and {part for _, part in sides} == {"train", "validation", "test"}
    card = documents.model_card(run, "frozen", backbones.backbone("efficientnet_lite0"))
    assert "test pictures were drawn at random" in card
    other = Store(tmp_path / "other")
    data = bundle(outcome.store, run, "frozen", backbones.backbone("efficientnet_lite0"))
    assert [item.burst for item in restore(data, "b.zip", other).items] == [burst for *_, burst in items]
    other.close()


def changed(data: bytes, change: dict[str, bytes | None]) -> bytes:
    """The bundle with some files exchanged or left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = change.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return buffer.getvalue()


def test_what_is_no_whole_bundle_is_refused_in_a_sentence(outcome: Outcome, tmp_path: Path) -> None:
    data = bundle(outcome.store, outcome.run, "frozen", backbones.backbone("efficientnet_lite0"))
    other, settings = Store(tmp_path / "other"), "settings/experiment.json"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        document = json.loads(archive.read(settings))
    first, second = (item.digest for item in outcome.experiment.items[:2])
    cases: list[tuple[dict[str, bytes | None], str]] = [
        ({settings: None}, "b.zip has no settings/experiment.json. Choose the zip that ConvScope made"),
        ({settings: b"{"}, "settings/experiment.json in b.zip is damaged"),
        ({settings: b'{"items": [[1]]}'}, "settings/experiment.json in b.zip is damaged"),
        ({settings: b"[" * 100_000}, "settings/experiment.json in b.zip is damaged"),
        (
            {settings: json.dumps(document | {"source": 5}).encode()},
            "damaged (the set has the name 5, which is no text)",
        ),
        ({settings: with_item(document, label=7)}, "damaged (a class has the name 7, which is no text)"),
        ({settings: with_item(document, part="exam")}, "damaged (there is no part 'exam' of a set)"),
        ({settings: with_item(document, label="")}, "damaged (a class has no name)"),
        ({settings: with_item(document, label="a\0b")}, "damaged (a class has characters in its name that cannot"),
        ({settings: with_item(document, label="\udc00")}, "damaged (a class has characters in its name that cannot"),
        ({settings: with_item(document, label="x" * 9000)}, "damaged (a class has a name of 9,000 characters; at most"),
        ({settings: with_item(document, name="")}, "damaged (a picture has no name)"),
        ({settings: with_item(document, digest="../../secret")}, "'../../secret' is the content of no picture)"),
        ({settings: with_item(document, burst="../../x")}, "'../../x' is no recording)"),
        ({settings: with_item(document, digest="0" * 64)}, f"b.zip lacks 1 of its pictures, such as {'0' * 64}."),
        ({f"pictures/{first}.webp": None}, f"b.zip lacks 1 of its pictures, such as {first}."),
        ({f"pictures/{first}.webp": b"nothing"}, "A picture of b.zip is damaged"),
        ({f"pictures/{first}.webp": other_picture(outcome, second)}, "is another than it was"),
    ]
    for change, message in cases:
        with pytest.raises(BundleRefused) as refusal:
            restore(changed(data, change), "b.zip", other)
        assert message in str(refusal.value)
    for epochs in (2.5, True):
        odd = json.dumps(document | {"options": document["options"] | {"epochs": epochs}}).encode()
        with pytest.raises(SpecRefused, match=f"epochs is {epochs}; expected a whole number from 1 to 200"):
            restore(changed(data, {settings: odd}), "b.zip", other)
    with pytest.raises(ArchiveRefused, match="not a zip archive"):
        restore(b"%PDF-1.7", "b.zip", other)
    without = bundle(outcome.store, outcome.run, "frozen", backbones.backbone("efficientnet_lite0"), pictures=False)
    with pytest.raises(BundleRefused, match="Download it with its pictures"):
        restore(without, "b.zip", other)
    other.close()


def with_item(document: dict[str, Any], **change: Any) -> bytes:
    """The settings with the first picture's entry changed."""
    names = ("digest", "label", "name", "part", "burst")
    first = dict(zip(names, document["items"][0], strict=False)) | change  # without a recording there are four
    return json.dumps(document | {"items": [[*first.values()], *document["items"][1:]]}).encode()


def test_bundle_is_told_from_a_zip_of_class_folders(outcome: Outcome, tmp_path: Path) -> None:
    data = bundle(outcome.store, outcome.run, "frozen", backbones.backbone("efficientnet_lite0"), pictures=False)
    without = changed(data, {"settings/experiment.json": None})
    assert is_bundle(listed(data, "a.zip", tmp_path)) and not is_bundle(listed(without, "b.zip", tmp_path))


def test_bundle_holds_the_chosen_formats_that_passed(outcome: Outcome) -> None:
    store, run, record = outcome.store, outcome.run, backbones.backbone("efficientnet_lite0")
    for name in ("tflite", "int8", "onnx"):  # an earlier test's files may be there still
        store.write(keys.file(run.id, "scratch", name), name.encode())
    entries = [{"name": name, "passed": name != "onnx", "words": f"{name}: words."} for name in formats.TOLERANCES]
    key = keys.self_test(run.id, "scratch")
    store.remove(key)  # of a test that came before

    def files(**chosen: Any) -> set[str]:
        with zipfile.ZipFile(io.BytesIO(bundle(store, run, "scratch", record, pictures=False, **chosen))) as archive:
            return {name for name in archive.namelist() if name.startswith(("scratch", "selftest"))}

    assert files() == {"scratch.keras"}, "what was not tested is not offered"
    store.write(key, json.dumps({"pictures": [], "formats": entries}).encode())
    assert files() == {"scratch.keras", "scratch.tflite", "scratch.int8.tflite", "selftest.json"}
    assert files(formats=("int8", "onnx")) == {"scratch.keras", "scratch.int8.tflite", "selftest.json"}
    for name in ("tflite", "int8", "onnx"):
        store.remove(keys.file(run.id, "scratch", name))
    store.remove(key)


def other_picture(outcome: Outcome, digest: str) -> bytes:
    return kept.file(outcome.store, digest)[0]


@pytest.mark.slow
def test_every_format_agrees_in_a_fresh_process(outcome: Outcome) -> None:
    tested = formats.export_formats(outcome.run.id, "frozen", location=outcome.store.location)
    found = {entry["name"]: entry for entry in tested["formats"]}
    assert list(found) == ["keras", "tflite", "int8", "onnx"] and len(tested["pictures"]) == 10
    assert found["keras"]["passed"] and found["keras"]["largest_difference"] <= 1e-4
    assert found["tflite"]["passed"] and found["tflite"]["largest_difference"] <= 1e-3
    assert found["int8"]["agreement"] >= 0.8 and found["int8"]["bytes"] < 0.35 * found["tflite"]["bytes"]
    assert onnx_extra.missing() == "", "requirements/dev.in includes onnx.in"
    assert found["onnx"]["passed"] and found["onnx"]["largest_difference"] <= 1e-3
    assert self_test_of(outcome.store, outcome.run.id, "frozen") == tested
    data = bundle(outcome.store, outcome.run, "frozen", backbones.backbone("efficientnet_lite0"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {"frozen.tflite", "frozen.int8.tflite", "selftest.json"} <= set(archive.namelist())
        assert markdown(found["tflite"]["words"]) in archive.read("model_card.md").decode()


def test_format_that_differs_or_fails_is_not_offered(tmp_path: Path) -> None:
    def tested(name: str, *expected: float) -> dict[str, Any]:
        said = np.array([expected])
        return formats._tested(tmp_path, name, f"frozen.{name}", ["0.png"], said, ["a", "b", "c"])

    (tmp_path / "predict.py").write_text("import sys; sys.exit('no such network')")
    entry = tested("tflite", 0.4, 0.3, 0.3)
    assert entry["passed"] is False
    assert entry["words"] == "frozen.tflite does not work in a fresh process: no such network; not offered."
    said = json.dumps([{"a": 0.5, "b": 0.3, "c": 0.2}])
    (tmp_path / "predict.py").write_text(f"print({said!r})")
    entry = tested("tflite", 0.502, 0.302, 0.202)
    assert entry["passed"] is False and "beyond 1e-03: not offered" in entry["words"]
    entry = tested("keras", 0.5, 0.3, 0.2)
    assert entry["passed"] is True and entry["agreement"] == 1


def test_formats_of_nothing_are_refused(outcome: Outcome) -> None:
    with pytest.raises(answers.NoModel, match="has no trained network 'luck'"):
        formats.export_formats(outcome.run.id, "luck", location=outcome.store.location)
