"""Training again and again: same start, own rates, and BatchNorm's statistics exactly where they were."""

import itertools

import keras
import numpy as np
import pytest
from lab_toys import TOY, toy_network

from cnn_core.networks.forward import pooled
from cnn_core.training import heads
from cnn_core.training.lab.recipes_job import discriminative_rates, gradual_rates
from cnn_core.training.lab.tuning import Tuner, block_layers, constant_rates
from cnn_core.training.loop import Diverged

pytestmark = pytest.mark.usefixtures("toy")

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (30, 16, 16, 3)).astype(np.uint8)
LABELS = (np.arange(30) % 3).astype(np.int32)


def tuner(frozen: int, batchnorm_training: bool = False) -> tuple[Tuner, np.ndarray]:
    made = Tuner(toy_network(), TOY, frozen, 3, batchnorm_training)
    return made, made.inputs(PIXELS, lambda done: False)


def test_blocks_hold_every_layer_once() -> None:
    base = toy_network()
    names = [layer.name for block in range(3) for layer in block_layers(base, TOY, block)]
    assert names == [layer.name for layer in base.layers[1:]]


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_head_from_the_probe_says_what_the_probe_says(frozen: int) -> None:
    features = pooled(toy_network()).predict(PIXELS, verbose=0)
    probe = heads.fit(features, LABELS)
    made, inputs = tuner(frozen)
    assert made.blocks == list(TOY.block_starts[frozen:])
    made.train(inputs, LABELS, [], 8, 0, probe)  # no epochs
    assert made.probabilities(inputs) == pytest.approx(probe.probabilities(features), abs=1e-5)
    assert made.distances() == [0.0] * (3 - frozen) and made.statistics_drift() == [0.0] * (3 - frozen)


def test_fixed_batchnorm_keeps_its_statistics_and_the_trap_moves_them() -> None:
    fixed, inputs = tuner(1)
    fixed.train(inputs, LABELS, constant_rates(2, 3, 1e-2, 1e-2), 8, 0)
    assert fixed.statistics_drift() == [0.0, 0.0] and min(fixed.distances()) > 0
    trap, inputs = tuner(1, batchnorm_training=True)
    trap.train(inputs, LABELS, constant_rates(2, 3, 1e-2, 1e-2), 8, 0)
    assert min(trap.statistics_drift()) > 0.01


def test_drift_is_computed_from_the_moving_statistics() -> None:
    base = toy_network()
    made = Tuner(base, TOY, 2, 3, batchnorm_training=True)
    inputs = made.inputs(PIXELS, lambda done: False)
    layer = base.get_layer("three_bn")
    before = np.concatenate([layer.moving_mean.numpy().copy(), layer.moving_variance.numpy().copy()])
    kernel = base.get_layer("three_conv").kernel.numpy().copy()
    bias = base.get_layer("three_conv").bias.numpy().copy()
    made.train(inputs, LABELS, constant_rates(1, 2, 1e-2, 1e-2), 8, 0)
    after = np.concatenate([layer.moving_mean.numpy().copy(), layer.moving_variance.numpy().copy()])
    assert made.statistics_drift() == pytest.approx([np.linalg.norm(after - before) / np.linalg.norm(before)], rel=1e-5)
    moved = [
        base.get_layer("three_conv").kernel.numpy().copy() - kernel,
        base.get_layer("three_conv").bias.numpy().copy() - bias,
    ]
    norm = np.sqrt(sum((part**2).sum() for part in moved)) / np.sqrt((kernel**2).sum() + (bias**2).sum())
    assert made.distances() == pytest.approx([norm], rel=1e-5)


def test_every_training_begins_at_the_same_place() -> None:
    made, inputs = tuner(1)
    rates = constant_rates(2, 2, 1e-3, 1e-2)
    first = made.train(inputs, LABELS, rates, 8, 5), made.probabilities(inputs)
    made.train(inputs, LABELS[::-1].copy(), constant_rates(2, 2, 1e-1, 1e-1), 8, 1)
    again = made.train(inputs, LABELS, rates, 8, 5), made.probabilities(inputs)
    assert first[0] == again[0] and np.array_equal(first[1], again[1])
    assert first[0] != made.train(inputs, LABELS, rates, 8, 6), "another order, another head"


def test_each_block_has_its_rate() -> None:
    made, inputs = tuner(0)
    made.train(inputs, LABELS, [[0.0, 1e-3, 1e-2, 1e-3]], 8, 0)
    low, middle, high = made.distances()
    assert low == 0 and 0 < middle < high


def test_step_is_adams() -> None:
    """One step of one block against Keras' own fit with one Adam."""
    made, inputs = tuner(2)
    made.train(inputs, LABELS, [[1e-3, 1e-3]], 30, 0)
    base = toy_network()
    base.trainable = False
    base.get_layer("three_conv").trainable = True
    x = keras.layers.GlobalAveragePooling2D()(base.output)
    dense = keras.layers.Dense(3, activation="softmax")
    model = keras.Model(base.input, dense(x))
    dense.kernel.assign(keras.initializers.GlorotUniform(0)(dense.kernel.shape))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.fit(PIXELS.astype(np.float32), LABELS, batch_size=30, epochs=1, verbose=0)
    assert made.probabilities(inputs) == pytest.approx(model.predict(PIXELS, verbose=0), abs=1e-5)


def test_rate_that_breaks_the_network_is_said_so() -> None:
    made, inputs = tuner(1)
    with pytest.raises(Diverged, match=r"The loss became (nan|inf) in epoch \d\. Choose a lower learning rate\."):
        made.train(inputs, LABELS, constant_rates(2, 4, float("inf"), 1.0), 8, 0)


@pytest.mark.parametrize(("blocks", "epochs"), [(6, 4), (2, 5), (5, 1)])
def test_gradual_rates_wake_from_the_top_and_end_with_all(blocks: int, epochs: int) -> None:
    rates = gradual_rates(blocks, epochs, 1.0, 2.0)
    awake = [sum(rate == 1 for rate in epoch[:-1]) for epoch in rates]
    assert len(rates) == epochs and awake == sorted(awake) and awake[0] >= 1 and awake[-1] == blocks
    assert all(epoch[:-1] == sorted(epoch[:-1]) and epoch[-1] == 2.0 for epoch in rates)


def test_discriminative_rates_fall_by_the_papers_factor() -> None:
    (rates,) = discriminative_rates(4, 1, 1.0, 9.0)
    assert [high / low for low, high in itertools.pairwise(rates[:4])] == pytest.approx([2.6] * 3)
    assert rates[3:] == [1.0, 9.0]
