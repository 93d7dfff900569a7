"""The embedded network: its size, its published weights, what it says of two known photos."""

import keras
import numpy as np
import pytest
from skimage import data

from cnn_core.networks import backbones, embedded
from cnn_core.networks.zoo import efficientnet_lite_weights, torch_file
from cnn_core.networks.zoo.efficientnet_lite import efficientnet_lite0
from cnn_core.networks.zoo.efficientnet_lite_weights import BLOCKS, released_weights


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return backbones.classifier()


def test_parameters_are_those_of_the_paper(network: keras.Model) -> None:
    assert sum(np.prod(weight.shape) for weight in network.trainable_weights) == 4_652_008
    assert network.count_params() == 4_694_024
    assert (network.input_shape, network.output_shape) == ((None, 224, 224, 3), (None, 1000))


def test_parameters_of_the_released_file_agree(network: keras.Model) -> None:
    released = released_weights()
    assert sum(array.size for array in released.values()) == 4_694_024
    assert {weight.path for weight in network.weights} == released.keys()
    for weight in network.weights:
        assert np.array_equal(np.asarray(weight), released[weight.path]), weight.path


def test_every_block_has_its_output_layer() -> None:
    model = efficientnet_lite0(include_top=False, input_size=64)
    sizes = [model.get_layer(f"{block}_out").output.shape[1] for block in BLOCKS]
    assert sizes == [32, *[16] * 2, *[8] * 2, *[4] * 3, *[4] * 3, *[2] * 5]
    assert model.output_shape == (None, 2, 2, 1280)


def test_first_layer_is_the_published_preprocessing(network: keras.Model) -> None:
    pixels = np.array([0, 127, 255], np.float32)
    assert np.allclose(network.get_layer("preprocess")(pixels), (pixels - 127) / 128, atol=1e-6)


def test_batch_normalisation_and_activation_are_those_of_lite(network: keras.Model) -> None:
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 49 and {norm.epsilon for norm in norms} == {1e-3}
    assert {layer.max_value for layer in network.layers if isinstance(layer, keras.layers.ReLU)} == {6.0}


def test_chelsea_is_a_cat() -> None:
    said = embedded.classify(data.chelsea(), top=3)
    assert {entry["label"] for entry in said} == {"Egyptian cat", "tiger cat", "tabby"}
    assert [entry["probability"] for entry in said] == sorted((e["probability"] for e in said), reverse=True)


def test_coffee_is_an_espresso() -> None:
    first = embedded.classify(data.coffee(), top=1)[0]
    assert (first["index"], first["label"]) == (967, "espresso")
    assert first["probability"] == pytest.approx(0.94, abs=0.02)


def test_reading_without_strides_gives_other_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    right = released_weights()

    def ignoring_strides(tensor, storage: np.ndarray) -> np.ndarray:  # what many readers do
        return storage[tensor.offset : tensor.offset + int(np.prod(tensor.shape))].reshape(tensor.shape)

    monkeypatch.setattr(torch_file, "_strided", ignoring_strides)
    naive = released_weights()
    differs = {name for name in right if not np.array_equal(right[name], naive[name])}
    kernels = {name for name in right if right[name].ndim == 4}
    assert kernels <= differs and not any(name.split("/")[1].startswith(("gamma", "moving")) for name in differs)
    for name in differs:  # same numbers in other places: no error tells of it
        assert np.array_equal(np.sort(right[name], axis=None), np.sort(naive[name], axis=None)), name


def test_another_weight_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite_weights, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(torch_file.WeightFileRefused, match=r"expected 0{16}…\. Reinstall the package that holds it\."):
        released_weights()
