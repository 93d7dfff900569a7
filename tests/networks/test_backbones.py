"""Pretrained networks: the records against the networks, the preprocessing against Keras' own, the ways to weights."""

import hashlib
import socket
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from cnn_core.networks import backbones
from cnn_core.networks.backbones import BACKBONES, Backbone, BackboneUnavailable, build
from cnn_core.networks.zoo.efficientnet_lite_weights import WEIGHTS_SHA256, released_weights

APPLICATIONS = [record for record in BACKBONES.values() if not record.embedded]


@cache
def random_weights(name: str) -> keras.Model:
    return build(name, pretrained=False)


@pytest.fixture(params=BACKBONES.values(), ids=lambda record: record.name)
def record(request: pytest.FixtureRequest) -> Backbone:
    return request.param


# Facts ----------------------------------------------------------------------------------------------------------------


def test_record_counts_the_parameters_of_its_network(record: Backbone) -> None:
    assert random_weights(record.name).count_params() == record.params_without_top


def test_network_takes_pixels_and_gives_a_small_map(record: Backbone) -> None:
    model = random_weights(record.name)
    assert model.input_shape == (None, record.input_size, record.input_size, 3)
    assert model.output_shape[1:3] == (7, 7) and model.name == record.name


def test_every_block_start_cuts_the_network(record: Backbone) -> None:
    model = random_weights(record.name)
    above_before = len(model.layers) + 1
    for start in record.block_starts:
        boundary = model.get_layer(start).input
        below, above = keras.Model(model.input, boundary), keras.Model(boundary, model.output)
        # Each weight is on one side, so nothing goes around the cut.
        assert below.count_params() + above.count_params() == record.params_without_top
        assert len(above.layers) < above_before
        above_before = len(above.layers)


def test_stages_end_where_the_resolution_falls(record: Backbone) -> None:
    model = random_weights(record.name)
    outputs = [model.get_layer(start).input.shape[1] for start in record.block_starts[1:]] + [model.output_shape[1]]
    ends = [outputs[index] for index in record.stage_ends]
    assert ends == sorted(set(ends), reverse=True)
    # The last block at each resolution, and every resolution that a block ends at.
    assert list(record.stage_ends) == [max(i for i, n in enumerate(outputs) if n == size) for size in ends]
    assert set(ends) == set(outputs)


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet50", "vgg16"])
def test_network_can_be_written_and_read_with_its_preprocessing(name: str) -> None:
    model = random_weights(name)
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    batch = np.random.default_rng(1).integers(0, 256, (1, 224, 224, 3)).astype(np.float32)
    assert np.allclose(again(batch), model(batch), atol=1e-5)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(BackboneUnavailable) as caught:
        build("resnet51")
    assert str(caught.value) == f"There is no backbone 'resnet51'. Choose one of: {', '.join(BACKBONES)}."


def test_only_the_embedded_network_classifies() -> None:
    with pytest.raises(BackboneUnavailable, match="Only EfficientNet-Lite0 is carried with its ImageNet classifier"):
        backbones.classifier("vgg16")


def test_labels_are_a_thousand_in_the_order_of_imagenet() -> None:
    labels = backbones.imagenet_labels()
    assert len(labels) == 1000
    assert [labels[i] for i in (0, 281, 285, 967, 999)] == [
        "tench",
        "tabby",
        "Egyptian cat",
        "espresso",
        "toilet tissue",
    ]


# Preprocessing --------------------------------------------------------------------------------------------------------


def lively(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Random kernels of a scale that lets a picture through (He et al. 2015); Keras' own let it fade to nothing."""
    rng = np.random.default_rng(2)

    def kernel(shape: tuple[int, ...]) -> np.ndarray:
        inputs = np.prod(shape[:2]) if shape[-1] == 1 else np.prod(shape[:-1])  # depthwise: one channel each
        return rng.normal(0, np.sqrt(2 / inputs), shape).astype(np.float32)

    return [kernel(weight.shape) if weight.ndim == 4 else weight for weight in weights]


@pytest.mark.parametrize("record", APPLICATIONS, ids=lambda record: record.name)
def test_preprocessing_is_that_of_keras(record: Backbone) -> None:
    model = build(record.name, pretrained=False)
    builder = getattr(keras.applications, record.application)
    theirs = builder(include_top=False, weights=None, input_shape=(224, 224, 3))
    weights = lively(model.get_weights())
    model.set_weights(weights)
    theirs.set_weights(weights)
    preprocess = sys.modules[builder.__module__].preprocess_input  # Keras has it beside the builder
    pixels = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3)).astype(np.float32)
    expected, another = theirs(preprocess(pixels.copy())), theirs(preprocess(pixels[..., ::-1].copy()))
    scale = np.abs(expected).max()
    assert np.abs(model(pixels) - expected).max() <= 1e-4 * scale
    assert np.abs(another - expected).max() > 1e-2 * scale  # the comparison would notice a mistake


# Weights that are downloaded ------------------------------------------------------------------------------------------


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty KERAS_HOME; Keras has read the variable when it was imported."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)


def legacy(home: Path, name: str) -> tuple[keras.Model, str]:
    """Put a file in the layout of the published ones where Keras would have downloaded it; its network and MD5."""
    record = BACKBONES[name]
    donor = getattr(keras.applications, record.application)(include_top=False, weights=None, input_shape=(224, 224, 3))
    path = home / "models" / record.weights_file
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, donor)
    return donor, hashlib.md5(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("record", APPLICATIONS, ids=lambda record: record.name)
def test_weight_file_has_the_name_that_keras_gives_it(
    record: Backbone, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def retrieve(origin: str, target: str, _bar: object) -> None:
        asked.append(origin)
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", retrieve)
    with pytest.raises(BackboneUnavailable) as caught:
        build(record.name)
    assert [origin.rpartition("/")[2] for origin in asked] == [record.weights_file]
    assert asked[0].startswith(f"https://{backbones._DOWNLOAD_HOST}/")
    assert str(caught.value) == (
        f"The ImageNet weights of {record.title} could not be downloaded ([Errno 104] Connection reset by peer). "
        "Connect and try again, or choose EfficientNet-Lite0, which is built in."
    )


def test_downloaded_weights_are_used(keras_home: Path, offline: None) -> None:
    donor, _ = legacy(keras_home, "mobilenet_v2")
    model = build("mobilenet_v2")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), donor.get_weights(), strict=True))
    assert backbones.unavailable(BACKBONES["mobilenet_v2"]) == ""


def test_downloaded_weights_are_used_if_their_checksum_is_right(
    keras_home: Path, offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    donor, md5 = legacy(keras_home, "efficientnet_v2_b0")
    hashes = {**keras.src.applications.efficientnet_v2.WEIGHTS_HASHES, "b0": ("", md5)}
    monkeypatch.setattr("keras.src.applications.efficientnet_v2.WEIGHTS_HASHES", hashes)
    model = build("efficientnet_v2_b0")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), donor.get_weights(), strict=True))


def test_wrong_checksum_is_no_network(keras_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def retrieve(origin: str, target: str, _bar: object) -> None:
        Path(target).write_bytes(b"something else")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", retrieve)
    with pytest.raises(BackboneUnavailable) as caught:
        build("efficientnet_v2_b0")
    said = str(caught.value)
    assert said.startswith("The ImageNet weights of EfficientNetV2-B0 could not be read (Incomplete or corrupted file")
    path = keras_home / "models" / "efficientnetv2-b0_notop.h5"
    assert said.endswith(f"Delete {path} and try again, or choose EfficientNet-Lite0, which is built in.")


def test_half_a_file_is_no_network(keras_home: Path, offline: None) -> None:
    legacy(keras_home, "mobilenet_v2")  # Keras knows no checksum of it
    path = keras_home / "models" / BACKBONES["mobilenet_v2"].weights_file
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(BackboneUnavailable, match=r"MobileNetV2 could not be read \(.*truncated.*\)\. Delete "):
        build("mobilenet_v2")


def test_without_connection_there_is_one_sentence(keras_home: Path, offline: None) -> None:
    record = BACKBONES["mobilenet_v2"]
    with pytest.raises(BackboneUnavailable) as caught:
        build("mobilenet_v2")
    said = str(caught.value)
    assert said.startswith("The ImageNet weights of MobileNetV2 could not be downloaded (URL fetch failure on https://")
    assert "Temporary failure in name resolution" in said and "\n" not in said
    assert said.endswith("Connect and try again, or choose EfficientNet-Lite0, which is built in.")
    assert backbones.unavailable(record) == (
        "MobileNetV2 is not on this machine and its weights cannot be downloaded (storage.googleapis.com: [Errno -3] "
        "Temporary failure in name resolution). Connect once, or choose EfficientNet-Lite0, which is built in."
    )
    assert backbones.unavailable(BACKBONES["efficientnet_lite0"]) == ""
    assert build("mobilenet_v2", pretrained=False).count_params() == record.params_without_top


def test_bugs_of_our_own_are_not_disguised_as_a_missing_download(
    keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise TypeError("unexpected keyword")

    monkeypatch.setattr(keras.applications, "MobileNetV2", broken)
    with pytest.raises(TypeError, match="unexpected keyword"):
        build("mobilenet_v2")


# The weights that are carried, converted once -------------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[int]]]:
    """An empty place for the converted weights, and how often they were converted."""
    conversions: list[int] = []

    def counted() -> dict[str, np.ndarray]:
        conversions.append(1)
        return released_weights()

    monkeypatch.setattr("cnn_core.networks.zoo.efficientnet_lite_weights.released_weights", counted)
    monkeypatch.setattr(backbones, "DEFAULT_LOCATION", tmp_path)
    return tmp_path / "cache" / f"efficientnet_lite0-{WEIGHTS_SHA256[:12]}.npz", conversions


def test_converted_weights_are_kept(cached: tuple[Path, list[int]], warned) -> None:
    path, conversions = cached
    first, second = backbones.embedded_weights(), backbones.embedded_weights()
    assert conversions == [1] and path.is_file() and [p.name for p in path.parent.iterdir()] == [path.name]
    assert first.keys() == second.keys() and all(np.array_equal(first[key], second[key]) for key in first)
    assert warned() == []


@pytest.mark.parametrize("damage", ["cut short", "no zip", "one bit", "empty", "of another file", "nothing in it"])
def test_damaged_cache_is_converted_again(cached: tuple[Path, list[int]], damage: str, warned) -> None:
    path, conversions = cached
    good = backbones.embedded_weights()
    data = path.read_bytes()
    if damage == "of another file":
        np.savez(path, source_sha256=np.array("0" * 64), **good)
    elif damage == "nothing in it":
        np.savez(path, probabilities=np.zeros(3))
    else:
        middle = len(data) // 2
        path.write_bytes(
            {
                "cut short": data[:middle],
                "no zip": b"hello",
                "one bit": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
                "empty": b"",
            }[damage]
        )
    again = backbones.embedded_weights()
    assert conversions == [1, 1]
    (message,) = warned()
    assert message.startswith(f"The kept weights {path.name} are of no use (")
    assert message.endswith("); they are converted again.")
    assert all(np.array_equal(again[key], good[key]) for key in good)
    backbones.embedded_weights()
    assert conversions == [1, 1]  # and kept again


def test_weights_are_not_kept_where_nothing_can_be_written(cached: tuple[Path, list[int]], warned) -> None:
    path, conversions = cached
    path.parent.parent.joinpath("cache").write_text("a file where the folder should be")
    assert len(backbones.embedded_weights()) == len(released_weights())
    (message,) = warned()
    assert message.endswith("every start converts them again.")
    assert conversions == [1]
