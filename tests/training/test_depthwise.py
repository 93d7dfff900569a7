"""The gradient of a wide depthwise filter: as TensorFlow's own says, and as a sum in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_core.networks import devices
from cnn_core.training.depthwise import cheaper, filter_gradient

RNG = np.random.default_rng(0)


def noise(*shape: int) -> np.ndarray:
    return RNG.normal(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize("size", [(3, 3), (5, 5), (7, 7), (5, 7), (1, 9)])
@pytest.mark.parametrize("shape", [(3, 7, 7, 6), (2, 14, 9, 4), (1, 3, 2, 5), (2, 4, 3, 3), (1, 1, 1, 2)])
def test_filter_gradient_is_that_of_tensorflow(size: tuple[int, int], shape: tuple[int, ...]) -> None:
    inputs, slopes = noise(*shape), noise(*shape)
    found = filter_gradient(tf.constant(inputs), tf.constant(slopes), size).numpy()
    expected = tf.nn.depthwise_conv2d_backprop_filter(inputs, (*size, shape[-1], 1), slopes, [1, 1, 1, 1], "SAME")
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_filter_gradient_is_the_sum_of_products() -> None:
    inputs, slopes = noise(2, 6, 8, 3), noise(2, 6, 8, 3)
    padded = np.pad(inputs, ((0, 0), (2, 2), (2, 2), (0, 0))).astype(float)
    expected = np.array(
        [[(padded[:, i : i + 6, j : j + 8] * slopes).sum((0, 1, 2)) for j in range(5)] for i in range(5)]
    )
    found = filter_gradient(tf.constant(inputs), tf.constant(slopes), (5, 5)).numpy()
    assert found[..., 0] == pytest.approx(expected, abs=1e-4)


def network(**chosen: object) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((9, 8, 4))
    options = {"kernel_size": 5, "padding": "same", "activation": "relu", "bias_initializer": "normal"} | chosen
    x = keras.layers.DepthwiseConv2D(**options, name="wide")(image)
    return keras.Model(image, keras.layers.Conv2D(2, 1, name="mixed")(x))


def gradients(model: keras.Model, batch: np.ndarray) -> list[np.ndarray]:
    @tf.function
    def traced(batch: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(batch)
            loss = tf.reduce_mean(model(batch, training=True) ** 2)
        return tape.gradient(loss, [batch, *(variable.value for variable in model.trainable_variables)])

    return [gradient.numpy() for gradient in traced(tf.constant(batch))]


@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        ({}, True),
        ({"use_bias": False}, True),
        ({"activation": None, "kernel_size": (3, 7)}, True),
        ({"kernel_size": 3}, False),
        ({"kernel_size": 6}, False),
        ({"strides": 2}, False),
        ({"dilation_rate": 2}, False),
        ({"padding": "valid"}, False),
        ({"depth_multiplier": 2}, False),
        ({"trainable": False}, False),
    ],
)
def test_network_has_the_same_gradients_and_is_as_it_was(chosen: dict[str, object], taken: bool) -> None:
    model, batch = network(**chosen), noise(3, 9, 8, 4)
    expected = gradients(model, batch)
    with cheaper(model):
        assert ("call" in vars(model.get_layer("wide"))) == taken
        found = gradients(model, batch)
    assert "call" not in vars(model.get_layer("wide"))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= 1e-5 * np.abs(other).max()
    same = keras.models.model_from_json(model.to_json())
    same.set_weights(model.get_weights())
    assert np.allclose(same(batch), model(batch), atol=1e-6)


def test_layer_in_half_precision_stays_so() -> None:
    model, batch = network(dtype="mixed_float16"), noise(2, 9, 8, 4)
    expected = gradients(model, batch)
    with cheaper(model):
        found = gradients(model, batch)
    assert [one.dtype for one in found] == [one.dtype for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= 0.01 * np.abs(other).max()


def test_gpu_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "accelerated", lambda: True)
    model = network()
    with cheaper(model):
        assert "call" not in vars(model.get_layer("wide"))
