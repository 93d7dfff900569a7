"""Copies of pictures, mirrored, shifted and zoomed a little: by layers while training, or drawn once and for all.

Source:
    Shorten & Khoshgoftaar 2019, Journal of Big Data 6:60, "Geometric transformations" (mirroring, shifting, zooming).
"""

import zlib
from collections.abc import Callable, Sequence
from functools import cache

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from cnn_core.networks.backbones import Backbone
from cnn_core.networks.forward import See, network_input
from cnn_core.pictures.items import Item
from cnn_core.store.runs import Store

PARTS = ("mirror", "shift", "zoom")  # of `augmentation`, in its order


def augmentation(seed: int) -> keras.Sequential:
    """Return layers that mirror, shift and zoom pictures a little while training, and do nothing otherwise.

    Each has a seed of its own: with one for all, what is mirrored would always be zoomed the same way.
    """
    return keras.Sequential(
        [
            layers.RandomFlip("horizontal", seed=seed),
            layers.RandomTranslation(0.1, 0.1, fill_mode="reflect", seed=seed + 1),
            layers.RandomZoom(0.15, fill_mode="reflect", seed=seed + 2),
        ],
        name="augmentation",
    )


def augmented(pixels: np.ndarray, digest: str, policy: str, copy: int, seed: int) -> np.ndarray:
    """Return an augmented copy of a picture; the same for the same picture, copy and seed.

    Args:
        pixels: `(H, W, 3)`, 0 to 255, as the network looks at it.
        digest: Of the picture; part of the seed.
        policy: `all`, or one of PARTS.
        copy: Number of the copy; part of the seed.
        seed: Of the draws.

    Returns:
        uint8 `(H, W, 3)`.

    Example:
        >>> picture = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
        >>> copies = [augmented(picture, "a1", "mirror", copy, seed=0) for copy in range(8)]
        >>> {"as it was" if (c == picture).all() else "mirrored" if (c == picture[:, ::-1]).all() else c for c in copies
        ... } == {"as it was", "mirrored"}
        True
    """
    own = zlib.crc32(f"{digest} {copy} {seed}".encode()) % 2**31
    drawn = _drawer(policy)(tf.constant(pixels[None], tf.float32), tf.constant(own, tf.int64))
    return np.round(np.asarray(drawn)[0]).clip(0, 255).astype(np.uint8)


@cache
def _drawer(policy: str) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """A policy as a function of a batch and a seed."""
    whole = augmentation(seed=0).layers
    chosen = whole if policy == "all" else [whole[PARTS.index(policy)]]
    own = [int(layer.generator.state.numpy()[0]) for layer in chosen]  # how the layers' seeds differ, if they do

    def draw(batch: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        for layer, offset in zip(chosen, own, strict=True):
            state = layer.generator.state
            state.assign(tf.cast(tf.stack([seed + offset, tf.zeros_like(seed)]), state.dtype))
            batch = layer(batch, training=True)
        return batch

    drawn: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = tf.function(draw)
    return drawn


def kept_copy(copy: int) -> tuple[See, str]:
    """Return how a network looks at one of the kept copies of each picture, and the name of that for keys."""

    def see(store: Store, items: Sequence[Item], record: Backbone) -> np.ndarray:
        shown = zip(network_input(store, items, record), items, strict=True)
        return np.stack([augmented(pixels, item.digest, "all", copy, seed=0) for pixels, item in shown])

    return see, f"of copy {copy}"
