"""Small networks and examples for the tests of the loop; run as a program, what one of them found as JSON."""

import hashlib
import json
import sys
from dataclasses import asdict
from typing import Any

import keras
import numpy as np

from cnn_core.training.examples import Examples
from cnn_core.training.loop import Steps, Training


def network(*, random_layers: bool = True) -> keras.Model:
    """Convolution and BatchNorm, `(8, 8, 1)` → 3; with layers that draw at random, each with a seed of its own."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((8, 8, 1))
    if random_layers:
        x = keras.layers.RandomFlip(seed=1)(x)
        x = keras.layers.RandomTranslation(0.2, 0.2, seed=2)(x)
    # No bias: BatchNorm takes it away, so that its gradient is rounding alone, which Adam would make steps of.
    x = keras.layers.Conv2D(4, 3, use_bias=False, name="conv")(x)
    x = keras.layers.BatchNormalization(momentum=0.8, name="norm")(x)
    x = keras.layers.Activation("relu")(x)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32")(x)
    if random_layers:
        x = keras.layers.Dropout(0.3, seed=3)(x)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax", dtype="float32", name="head")(x))


def examples(count: int, seed: int = 0) -> Examples:
    """Noise with a stripe in the column, of three, that says the class."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 3).astype(np.int32)
    inputs = rng.normal(0, 0.3, (count, 8, 8, 1)).astype(np.float32)
    for picture, label in zip(inputs, labels, strict=True):
        picture[:, 2 * label + 1] += 1
    return Examples(inputs, labels)


def training(model: keras.Model, batch_size: int = 6, seed: int = 0) -> Training:
    """19 examples, so that the last step of an epoch has one; two groups with an optimizer each."""
    head = model.get_layer("head").trainable_variables
    rest = [v for v in model.trainable_variables if all(v is not other for other in head)]
    steps = Steps(model, [(keras.optimizers.Adam(0.01), rest), (keras.optimizers.SGD(0.1, momentum=0.9), head)])
    return Training(steps, examples(19), batch_size, seed, validation=examples(10, seed=1))


def figures(done: Training) -> list[dict[str, Any]]:
    """All but the seconds."""
    return [{name: value for name, value in asdict(epoch).items() if name != "seconds"} for epoch in done.history]


def resumed(path: str) -> dict[str, Any]:
    """Go on from a checkpoint to the sixth epoch."""
    going = training(network())
    with open(path, "rb") as file:
        going.resume(file.read())
    going.run(6)
    return {"history": figures(going), "weights": [w.tolist() for w in going.steps.model.get_weights()]}


def replicated(policy: str) -> dict[str, Any]:
    """Train on two logical processors; then take one step whose gradients are not finite on the second alone."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    keras.config.set_dtype_policy(policy)
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        going = training(network(random_layers=False))
        going.run(2)
        kept = going.checkpoint()
        going.run(4)
        weights = [w.tolist() for w in going.steps.model.get_weights()]
        again = training(network(random_layers=False))
        again.resume(kept)
        again.run(4)
        shown = examples(2)
        shown.inputs[1] = np.inf
        going.steps.step(shown.inputs, shown.labels)
        after = [v.numpy().tolist() for v in going.steps.model.trainable_variables]
    return {
        "history": figures(going),
        "again": figures(again),
        "weights": weights,
        "after": after,
        "scale": float(going.steps.scale.value.numpy()) if going.steps.scale else None,
        "synchronized": going.steps.model.get_layer("norm").synchronized,
    }


def to_the_bit() -> dict[str, Any]:
    """Train with deterministic operations: in one go, and with a break after each epoch; digests of all weights."""
    import tensorflow as tf
    from tensorflow.python.framework import config

    tf.config.experimental.enable_op_determinism()

    def digest(done: Training) -> str:
        weights = [weight.tobytes() for weight in done.steps.model.get_weights()]
        return hashlib.sha256(b"".join([*weights, json.dumps(figures(done)).encode()])).hexdigest()

    straight, other, kept = training(network()), training(network(), seed=1), list[bytes]()
    straight.run(4)
    other.run(4)
    for epochs in range(1, 5):
        broken = training(network())
        if kept:
            broken.resume(kept[-1])
        broken.run(epochs, keep=kept.append)
    return {
        "deterministic": config.is_op_determinism_enabled(),
        "epochs": [epoch.epoch for epoch in broken.history],
        "straight": digest(straight),
        "broken": digest(broken),
        "another_seed": digest(other),
    }


if __name__ == "__main__":
    known = {"resumed": resumed, "replicated": replicated, "to_the_bit": to_the_bit}
    print(json.dumps(known[sys.argv[1]](*sys.argv[2:])))
