"""Pixels as the network wants them, and frozen features, computed once a picture and kept in the store."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from cnn_core.networks.backbones import Backbone, weights_id
from cnn_core.pictures import kept
from cnn_core.pictures.images import square
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.report import Stopped
from cnn_core.store.runs import Store

BATCH = 32


def network_input(store: Store, items: Sequence[Item], record: Backbone) -> np.ndarray:
    """Return pictures as the backbone's published evaluation looks at them, uint8 `(N, size, size, 3)`."""
    batch = np.empty((len(items), record.input_size, record.input_size, 3), np.uint8)
    for index, item in enumerate(items):
        batch[index] = square(kept.pixels(store, item.digest), record.input_size, record.crop_fraction)
    return batch


def forward(model: keras.Model, pictures: np.ndarray, tick: Callable[[int], bool]) -> np.ndarray:
    """Return the model's output for pictures, float32, in order.

    Args:
        model: Any model of one input and one output.
        pictures: `(N, ...)`.
        tick: Called with the number of pictures done; returns True to stop.

    Raises:
        Stopped: If `tick` said so.
    """
    outputs = []
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        outputs.append(infer(model, batch))
        if tick(start + len(batch)):
            raise Stopped
    return np.concatenate(outputs)


def infer(model: keras.Model, batch: np.ndarray) -> np.ndarray:
    """Return the model's output for one batch, float32.

    Called directly: `predict` would trace the network anew for every model and for every batch of another length,
    a second or two each, for a batch that takes a third of one.
    """
    return np.asarray(model(batch.astype(np.float32), training=False), np.float32)


def pooled(base: keras.Model) -> keras.Model:
    """Return the feature extractor: pictures → the average of each channel of the last feature map, float32."""
    pool = keras.layers.GlobalAveragePooling2D(name="pool", dtype="float32")
    return keras.Model(base.input, pool(base.output), name="features")


def extractor_id(record: Backbone, precision: str, what: str = "pool") -> str:
    """Name everything that a feature depends on besides the picture."""
    crop = f"{record.input_size}px of {round(record.input_size / record.crop_fraction)} bicubic"
    return keys.extractor(weights_id(record.name), what, crop, precision)


def cached_features(
    store: Store,
    items: Sequence[Item],
    record: Backbone,
    precision: str,
    extractor: Callable[[], keras.Model],
    tick: Callable[[int], bool],
    what: str = "pool",
    see: Callable[[Store, Sequence[Item], Backbone], np.ndarray] = network_input,
) -> tuple[np.ndarray, int]:
    """Return the features of all items, computing only those that the store does not have.

    Args:
        store: Keeps the vectors by picture content, backbone and preprocessing.
        items: Pictures.
        record: The backbone.
        precision: Dtype policy of the computation.
        extractor: Builds the network; not called when nothing is missing.
        tick: Called with the number of pictures computed so far; returns True to stop.
        what: Name of the feature, if it is another than the pooled last map; part of the key.
        see: What the network looks at; another than `network_input` needs a `what` of its own.

    Returns:
        float32 `(N, channels)`, and how many had to be computed.

    Raises:
        Stopped: If `tick` said so; what was computed by then is kept.
    """
    key = extractor_id(record, precision, what)
    known = store.features.read(key, [item.digest for item in items])
    missing = list({item.digest: item for item in items if item.digest not in known}.values())
    model = extractor() if missing else None
    for start in range(0, len(missing), BATCH):
        chunk = missing[start : start + BATCH]
        vectors = infer(model, see(store, chunk, record))
        fresh = {item.digest: vector.tobytes() for item, vector in zip(chunk, vectors, strict=True)}
        store.features.write(key, fresh)
        known |= fresh
        if tick(start + len(chunk)):
            raise Stopped
    return np.stack([np.frombuffer(known[item.digest], np.float32) for item in items]), len(missing)
