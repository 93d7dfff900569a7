"""A network of three small blocks and pictures that differ in colour: every study in a second or two."""

from typing import Any

import keras
import numpy as np
from keras import layers

from cnn_core.networks.backbones import Backbone
from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store.records import Run
from cnn_core.store.runs import Store

TOY = Backbone(
    "toy", "Toy", "nobody", 50.0, 0, 16, 1.0, ("one_conv", "two_conv", "three_conv"), (0, 1, 2), "Toy", "toy.h5"
)


def toy_network(name: str = "toy", *, pretrained: bool = True) -> keras.Model:
    """Three blocks of convolution, BatchNorm and ReLU behind x / 127.5 − 1; the same weights every time."""
    keras.utils.set_random_seed(7 if pretrained else 8)
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocess")(image)
    for block, filters in (("one", 6), ("two", 8), ("three", 12)):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", name=f"{block}_conv")(x)
        x = layers.BatchNormalization(name=f"{block}_bn", momentum=0.9)(x)
        x = layers.ReLU(name=f"{block}_out")(x)
    return keras.Model(image, x, name="toy")


def colours(store: Store, per_class: int = 12, part: str = "") -> list[Item]:
    """Noisy pictures that are rather red, green or blue."""
    rng = np.random.default_rng(3)
    items = []
    for channel, label in enumerate(("red", "green", "blue")):
        for index in range(per_class):
            pixels = rng.integers(0, 200, (20, 24, 3))
            pixels[..., channel] += 55
            items.append(sets.keep(store, Picture(pixels.astype(np.uint8), f"{label} {index}"), label, part))
    return items


def claimed(store: Store, spec: dict[str, Any]) -> Run:
    run = store.claim(store.create("lab", spec, title="toy").id, worker="test")
    assert run
    return run
