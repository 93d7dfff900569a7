"""Weights that an operator gives: what is taken, and each refusal by its words."""

import hashlib
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cnn_core.networks import backbones
from cnn_core.networks import loaded as zoo
from cnn_core.networks.operator_weights import WeightsRefused, given
from cnn_core.networks.zoo.architectures import architecture
from cnn_core.networks.zoom import keras_source

KEY = "cifar_resnet20"
LABELS = [f"thing {number}" for number in range(10)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVSCOPE_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(zoo, "_subjects", type(zoo._subjects)())
    return tmp_path


@pytest.fixture
def entry(folder: Path) -> dict[str, Any]:
    """An entry whose file is empty; `write` lists it."""
    (folder / "small.weights.h5").write_bytes(b"")
    digest = hashlib.sha256(b"").hexdigest()
    return {"file": "small.weights.h5", "sha256": digest, "source": "Somebody 2026", "licence": "MIT"}


def write(folder: Path, entry: Any, key: str = KEY) -> None:
    (folder / "weights.json").write_text(json.dumps({key: entry}))


def test_nothing_is_given_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CONVSCOPE_WEIGHTS", raising=False)
    assert given(KEY) is None
    monkeypatch.setenv("CONVSCOPE_WEIGHTS", str(tmp_path))
    (tmp_path / "weights.json").write_text("{}")
    assert given(KEY) is None
    with pytest.raises(ValueError, match="No architecture is called 'resnet51'"):
        given("resnet51")


def test_given_weights_are_walked_through_and_said_to_be_so(folder: Path, entry: dict[str, Any]) -> None:
    model = architecture(KEY).build()
    random = np.random.default_rng(0)
    for variable in model.trainable_weights:
        variable.assign(random.normal(0, 0.1, variable.shape))
    path = folder / entry["file"]
    model.save_weights(path)
    taken = {"factor": 0.5, "summand": [-1, -2, -3]}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    write(folder, entry | {"sha256": digest.upper(), "labels": LABELS, "preprocessing": taken})
    subject = zoo.loaded(KEY)
    said = "trained: Somebody 2026 (MIT); given by whoever runs this server"
    assert (subject.network.pretrained, subject.network.classifies, subject.network.weights) == (True, True, said)
    seen = random.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    batch = 0.5 * seen[None].astype(np.float32) + np.float32([-1, -2, -3])
    shares = np.asarray(model(batch))[0]
    found = keras_source.Keras(subject, seen)
    assert found.plan.pretrained and found.plan.labels == tuple(LABELS)
    np.testing.assert_allclose(found.maps("probabilities")[0, 0], shares, atol=1e-6)
    first = found.answers(1)[0]
    assert first["label"] == LABELS[shares.argmax()] and first["probability"] == pytest.approx(shares.max(), abs=1e-6)


def test_labels_of_imagenet_need_a_thousand_classes(folder: Path, entry: dict[str, Any]) -> None:
    write(folder, entry | {"labels": "imagenet"}, "alexnet")
    found = given("alexnet")
    assert found is not None and found.labels == backbones.imagenet_labels() and found.preprocessing is None


def test_the_checksum_comes_first(folder: Path, entry: dict[str, Any]) -> None:
    (folder / entry["file"]).write_bytes(b"something else")
    write(folder, entry)
    with pytest.raises(
        WeightsRefused,
        match=r"small.weights.h5 has the SHA-256 [0-9a-f]{12}…; weights.json says e3b0c44298fc…. Fetch the file again",
    ):
        zoo.loaded(KEY)
    assert KEY not in zoo._subjects, "random weights are not given in their place"


def test_weights_of_another_network_are_refused(folder: Path, entry: dict[str, Any]) -> None:
    path = folder / entry["file"]
    architecture("lenet5").build().save_weights(path)
    write(folder, entry | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    said = r"is no file of weights for CIFAR ResNet-20 \({}.*\); what save_weights writes of .* Write it anew\."
    with pytest.raises(WeightsRefused, match=said.format("it holds 61,706 numbers, CIFAR ResNet-20 has 27")):
        zoo.loaded(KEY)
    path.write_bytes(b"no weights at all")
    write(folder, entry | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    with pytest.raises(WeightsRefused, match=said.format("")):
        zoo.loaded(KEY)


def test_a_layer_that_is_not_in_the_file_is_never_left_random(folder: Path, entry: dict[str, Any]) -> None:
    path = folder / entry["file"]
    architecture(KEY).build().save_weights(path)
    with h5py.File(path, "a") as file:
        file.move("layers/conv2d_3", "layers/another")
    write(folder, entry | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    with pytest.raises(WeightsRefused, match="small.weights.h5 is no file of weights for CIFAR ResNet-20"):
        zoo.loaded(KEY)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"file": None},
            "the entry 'cifar_resnet20' of weights.json has no text 'file'; file, sha256, source, li",
        ),
        ({"licence": " "}, "has no text 'licence'; .* are expected. Add it."),
        ({"classes": 10}, "has a field 'classes'; its fields are file, sha256, source, licence, labels, preprocessing"),
        ({"file": "model.keras"}, r"has the file 'model.keras'; a name that ends in .weights.h5, .* may hold code"),
        ({"file": "../small.weights.h5"}, r"has the file '../small.weights.h5'; .* of a file beside weights.json"),
        ({"file": "other.weights.h5"}, "there is no file other.weights.h5 beside weights.json; .* Put it there"),
        ({"sha256": "abc"}, "has the sha256 'abc'; 64 hexadecimal digits are expected. Write what `sha256sum small"),
        ({"labels": ["cat", "dog"]}, 'has 2 labels; 10 texts, or "imagenet" for 1000, are expected'),
        ({"labels": "imagenet"}, "has the labels 'imagenet'; 10 texts"),
        ({"preprocessing": "caffe"}, r'has the preprocessing caffe; {"factor": …, "summand": …}, a number each or 3'),
        ({"preprocessing": {"factor": 1}}, "has the preprocessing .*x becomes factor · x \\+ summand. Correct it"),
        ({"preprocessing": {"factor": True, "summand": [1, 2]}}, "has the preprocessing"),
    ],
)
def test_each_entry_is_refused_by_what_is_wrong_with_it(
    folder: Path, entry: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    write(folder, entry | change)
    with pytest.raises(WeightsRefused, match=f"CONVSCOPE_WEIGHTS: .*{said}"):
        given(KEY)


def test_a_folder_and_a_list_are_expected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        WeightsRefused,
        match=r"its folder has no weights.json; a list such as .*alexnet.* Write it, or fetch .* weights --fetch all\.",
    ):
        given(KEY)
    (folder / "weights.json").write_text("{nothing")
    with pytest.raises(WeightsRefused, match=r"weights.json cannot be read \(.*\); JSON such as .* Correct it\."):
        given(KEY)
    (folder / "weights.json").write_text("[1]")
    with pytest.raises(WeightsRefused, match="weights.json is list; an object such as"):
        given(KEY)
    write(folder, {}, "alexnet2012")
    with pytest.raises(WeightsRefused, match="names 'alexnet2012'; an architecture is one of lenet5_1998, lenet5, "):
        given(KEY)
    write(folder, "alexnet.weights.h5")
    with pytest.raises(WeightsRefused, match="has no text 'file'"):
        given(KEY)
    monkeypatch.setenv("CONVSCOPE_WEIGHTS", str(folder / "nowhere"))
    with pytest.raises(WeightsRefused, match="it names no folder that can be read; a folder is expected. Correct it"):
        given(KEY)
