"""One map and one cell of each kind of node that EfficientNet-Lite0 does not have, against one layer of Keras."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from cnn_core.arithmetic.geometry import Window, padding_amounts
from cnn_core.arithmetic.layers import Sliding, affine
from cnn_core.networks.zoom import made, strip
from cnn_core.networks.zoom.plan import Node, Plan, Stage
from cnn_core.networks.zoom.source import Weights

HEIGHT, WIDTH, CHANNELS = 9, 8, 12
MAPS = np.random.default_rng(0).standard_normal((HEIGHT, WIDTH, CHANNELS)).astype(np.float32)


class Toy:
    """Two nodes: maps drawn by chance, and one node that reads them."""

    engine = "Keras"
    seen = np.zeros((9, 9, 3), np.uint8)

    def __init__(self, node: Node, output: np.ndarray, weights: Weights) -> None:
        below = Node("below", "input", (), MAPS.shape)
        self.plan = Plan("toy", "", False, 9, 3, 1.0, (below, node), (Stage("1", (node.name,)),))
        self._maps = {"below": MAPS, node.name: output}
        self._weights = weights

    def maps(self, name: str) -> np.ndarray:
        return self._maps[name]

    def tells(self, name: str) -> bool:
        return True

    def weights(self, node: Node) -> Weights:
        return self._weights

    def answers(self, top: int) -> list[dict[str, Any]]:
        return []


def sliding(size: int, stride: int = 1, dilation: int = 1, padding: str = "same") -> Sliding:
    along = Window(size, stride, padding, dilation)
    sides = (padding_amounts(HEIGHT, along), padding_amounts(WIDTH, along))
    return Sliding((size,) * 2, (stride,) * 2, (dilation,) * 2, sides)


KINDS: dict[str, tuple[str, Any, Sliding | None, int]] = {
    "strided": ("convolution", lambda: layers.Conv2D(6, 3, 2, padding="same", activation="relu"), sliding(3, 2), 1),
    "dilated": ("convolution", lambda: layers.Conv2D(6, 3, dilation_rate=2, padding="same"), sliding(3, 1, 2), 1),
    "grouped": (
        "convolution",
        lambda: layers.Conv2D(6, 3, groups=3, activation="tanh"),
        sliding(3, padding="valid"),
        3,
    ),
    "depthwise": ("depthwise", lambda: layers.DepthwiseConv2D(3, 2, padding="same"), sliding(3, 2), CHANNELS),
    "maximum": ("max_pool", lambda: layers.MaxPooling2D(3, 2, padding="same"), sliding(3, 2), 1),
    "average": ("average_pool", lambda: layers.AveragePooling2D(3, 2, padding="same"), sliding(3, 2), 1),
    "dense": ("dense", lambda: layers.Dense(6, activation="sigmoid"), None, 1),
    "classifier": ("dense", lambda: layers.Dense(6, activation="softmax"), None, 1),
}


def toy(name: str) -> Toy:
    kind, build, window, groups = KINDS[name]
    keras.utils.set_random_seed(1)
    layer = build()
    dense = kind == "dense"
    layer.build((None, HEIGHT * WIDTH * CHANNELS) if dense else (None, *MAPS.shape))
    if getattr(layer, "bias", None) is not None:
        layer.bias.assign(np.linspace(-1, 1, layer.bias.shape[0]))
    output = np.asarray(layer(MAPS.reshape(1, -1) if dense else MAPS[None]))[0]
    output = output[None, None] if dense else output
    count = output.shape[2]
    kernel = np.asarray(layer.kernel) if hasattr(layer, "kernel") else None
    if dense:
        kernel = kernel.reshape(*MAPS.shape, count)
    elif kind == "depthwise":
        kernel = kernel[..., 0]
    bias = np.zeros(count) if getattr(layer, "bias", None) is None else np.asarray(layer.bias, np.float64)
    weights = Weights(kernel, bias, np.ones(count), np.zeros(count))
    activation = layer.activation.__name__ if kernel is not None else ""
    node = Node("above", kind, ("below",), output.shape, window, "above", activation=activation, groups=groups)
    return Toy(node, output, weights)


@pytest.mark.parametrize("name", KINDS)
def test_every_cell_of_every_kind_is_as_keras_says(name: str) -> None:
    source = toy(name)
    expected = source.maps("above")
    for channel in range(expected.shape[2]):
        for row in range(expected.shape[0]):
            for column in range(expected.shape[1]):
                found = made.cell_of(source, "above", channel, row, column)
                assert found.value == pytest.approx(float(expected[row, column, channel]), abs=1e-5)
                assert found.engine == float(expected[row, column, channel]) and found.by == "Keras"
                products = (found.values * found.weights).sum(axis=(1, 2))
                np.testing.assert_allclose(products, found.sums, rtol=1e-5, atol=1e-6)
                total = found.scale * (found.sums.sum() + found.rest + found.bias) + found.shift
                assert found.before == pytest.approx(total)
        if name != "classifier":  # a softmax is of all classes together
            whole = made.made_of(source, "above", channel)
            np.testing.assert_allclose(whole.output, expected[..., channel], atol=1e-5)


def test_grouped_convolution_reads_its_group_only() -> None:
    found = made.made_of(toy("grouped"), "above", 4, singly=20)
    assert sorted(channel for _, channel in found.inputs) == [8, 9, 10, 11] and found.others == 0


def test_pools_have_no_rest_and_a_maximum_has_a_winner() -> None:
    found = made.cell_of(toy("maximum"), "above", 3, 0, 0)
    rows, columns = np.nonzero(found.weights[0])
    window = MAPS[:2, :2, 3] if found.corner == (0, 0) else None
    assert (
        len(rows) == 1 and found.inside[rows[0], columns[0]] and found.others == 0 and found.inputs == (("below", 3),)
    )
    top, left = found.corner
    assert MAPS[top + rows[0], left + columns[0], 3] == found.value
    assert window is None or found.value >= window.max()
    average = made.cell_of(toy("average"), "above", 3, 4, 3)
    assert average.weights.sum() == pytest.approx(1) and not average.weights[0][~average.inside].any()
    assert made.made_of(toy("maximum"), "above", 3).kernels.shape == (1, 0, 0)


def test_sum_of_branches_is_batch_normalised_and_activated_where_that_follows() -> None:
    random = np.random.default_rng(2)
    gamma, beta, mean = random.standard_normal((3, CHANNELS))
    variance = random.random(CHANNELS)
    summed = layers.BatchNormalization(epsilon=1e-3)
    summed.build((None, *MAPS.shape))
    summed.set_weights([gamma, beta, mean, variance])
    output = np.asarray(keras.activations.relu(summed(2 * MAPS[None])))[0]
    weights = Weights(None, np.zeros(CHANNELS), *affine(gamma, beta, mean, variance, 1e-3))
    source = Toy(Node("above", "add", ("below", "below"), MAPS.shape, norm="bn", activation="relu"), output, weights)
    for row, column, channel in ((0, 0, 0), (8, 7, 11), (4, 4, 5)):
        found = made.cell_of(source, "above", channel, row, column)
        assert found.value == pytest.approx(float(output[row, column, channel]), abs=1e-5) and len(found.inputs) == 2
        np.testing.assert_allclose(made.made_of(source, "above", channel).output, output[..., channel], atol=1e-5)


def test_what_is_not_told_is_said() -> None:
    nothing = Weights(None, np.zeros(CHANNELS), np.ones(CHANNELS), np.zeros(CHANNELS))
    source = Toy(Node("above", "other", ("below",), MAPS.shape, reason="LayerNormalization."), MAPS, nothing)
    assert strip.maps_of(source, "above").coded.codes.shape == (CHANNELS, HEIGHT, WIDTH), "its maps can be seen"
    found, cell = made.made_of(source, "above", 3), made.cell_of(source, "above", 3, 4, 5)
    said = "What this map is made of is not told: LayerNormalization."
    assert found.reason == cell.reason == said and found.inputs == cell.inputs == ()
    np.testing.assert_array_equal(found.output, MAPS[..., 3])
    assert found.output[found.peak] == MAPS[..., 3].max() and cell.value == cell.engine == float(MAPS[4, 5, 3])
