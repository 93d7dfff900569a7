"""The one room that runs a network on pictures where no gradient is wanted; and features, kept in the store.

    fixed(name, build)     what is never trained: a flatbuffer on a CPU, Keras on a GPU
    trunk, lower, features the pretrained networks so, whole, up to a block, and pooled
    every_block            all that their blocks hand on, in one pass
    compiled(model)        what was trained: one traced function a model, kept
    forward(network, …)    any of them over many pictures, batch by batch

Keras is imported where a model is built: an answer from a flatbuffer needs none.
"""

import logging
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cnn_core.networks import backbones, devices, flatbuffer
from cnn_core.networks.backbones import Backbone, weights_id
from cnn_core.pictures import kept
from cnn_core.pictures.images import square
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.report import Stopped
from cnn_core.store.runs import Store

if TYPE_CHECKING:
    import keras

BATCH = 32

Network = Callable[[np.ndarray], np.ndarray]  # (N, …) of any dtype → float32 (N, …), for any N above 0
See = Callable[[Store, Sequence[Item], Backbone], np.ndarray]
Made = tuple[str, Callable[[], "keras.Model"]]  # the name of a fixed network, and what makes it

log = logging.getLogger(__name__)


class Batches(Protocol):
    """Pictures that can be had by slices: an array, or `Pictures`."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> np.ndarray: ...


# Pictures -------------------------------------------------------------------------------------------------------------


def network_input(store: Store, items: Sequence[Item], record: Backbone) -> np.ndarray:
    """Return pictures as the backbone's published evaluation looks at them, uint8 `(N, size, size, 3)`."""
    batch = np.empty((len(items), record.input_size, record.input_size, 3), np.uint8)
    for index, item in enumerate(items):
        batch[index] = square(kept.pixels(store, item.digest), record.input_size, record.crop_fraction)
    return batch


class Pictures:
    """Pictures as `network_input` gives them, each read from the store when it is asked for; never all in memory."""

    def __init__(self, store: Store, items: Sequence[Item], record: Backbone) -> None:
        self._store, self._items, self._record = store, items, record

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, part: slice) -> np.ndarray:
        return network_input(self._store, self._items[part], self._record)


# Networks -------------------------------------------------------------------------------------------------------------


def compiled(model: "keras.Model") -> Network:
    """Return a Keras model as a function of a batch, at inference; traced once, for batches of every length.

    Keras' own `predict` would trace a second time for a shorter last batch; called directly, a model keeps every map
    between input and output in memory, and takes half as long again.
    """
    import tensorflow as tf

    function = _compiled.get(model)
    if function is None:
        mine = weakref.ref(model)  # the dictionary must not hold what its key is there to let go

        def infer(batch: Any) -> Any:
            model = mine()
            assert model is not None  # it is held by whoever calls
            return model(batch, training=False)

        seen = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        function = _compiled[model] = tf.function(infer, input_signature=[seen], autograph=False)

    def network(pictures: np.ndarray, model: "keras.Model" = model) -> np.ndarray:
        return np.asarray(function(pictures.astype(np.float32)), np.float32)

    return network


_compiled: "weakref.WeakKeyDictionary[keras.Model, Any]" = weakref.WeakKeyDictionary()


def fixed(name: str, build: "Callable[[], keras.Model]") -> Network:
    """Return a network that nobody trains; on a CPU as a flatbuffer, made once and kept.

    Args:
        name: All that it depends on, its weights too.
        build: Makes it in Keras; not called where its flatbuffer is there.
    """
    if not devices.accelerated():
        try:
            return flatbuffer.kept(name, build)
        except flatbuffer.FlatbufferRefused as reason:
            log.warning("%s runs by TensorFlow, not by LiteRT: %s.", name, reason)
    return compiled(build())


def trunk(record: Backbone) -> Network:
    """Return a pretrained network without its classifier: pictures → last feature maps, `(N, h, w, channels)`."""
    return fixed(*_trunk(record))


def lower(record: Backbone, blocks: int) -> Network:
    """Return the lowest blocks of a pretrained network: pictures → the maps that the next block reads."""
    return fixed(*_lower(record, blocks))


def shared_part(record: Backbone, blocks: int | None = None, *, above: bool = False) -> tuple[str, bytes]:
    """Return a part of a pretrained network as a flatbuffer's file: a name with checksum, and bytes.

    Args:
        record: The network.
        blocks: Its so many lowest blocks, as `lower`; by default all, as `trunk`.
        above: The rest of the trunk instead: the maps that `lower` gives → last feature maps.

    Raises:
        FlatbufferRefused: If it cannot be one.
    """
    if blocks is None:
        return flatbuffer.data(*_trunk(record))
    return flatbuffer.data(*(_above(record, blocks) if above else _lower(record, blocks)))


def _trunk(record: Backbone) -> Made:
    return f"{weights_id(record.name)} trunk", lambda: backbones.build(record.name)


def _lower(record: Backbone, blocks: int) -> Made:
    def build() -> "keras.Model":
        import keras

        base = backbones.build(record.name)
        return keras.Model(base.input, base.get_layer(record.block_starts[blocks]).input, name="lower")

    return f"{weights_id(record.name)} {blocks} blocks", build


def _above(record: Backbone, blocks: int) -> Made:
    def build() -> "keras.Model":
        import keras

        base = backbones.build(record.name)
        return keras.Model(base.get_layer(record.block_starts[blocks]).input, base.output, name="above")

    return f"{weights_id(record.name)} above {blocks} blocks", build


def every_block(record: Backbone) -> Network:
    """Return what all blocks of a pretrained network hand on: pictures → `(N, numbers)`, the maps one after another.

    The maps are those that each block reads, bottom to top, and at last those of the trunk; each is laid out as its
    `(h, w, channels)`. Of EfficientNet-Lite0 they are 1 044 288 numbers a picture.
    """

    def build() -> "keras.Model":
        import keras

        base = backbones.build(record.name)
        ends = [*(base.get_layer(start).input for start in record.block_starts), base.output]
        flat = [keras.layers.Flatten(name=f"maps_{number}")(end) for number, end in enumerate(ends)]
        return keras.Model(base.input, keras.layers.Concatenate(name="every")(flat), name="every_block")

    return fixed(f"{weights_id(record.name)} every block", build)


def features(record: Backbone) -> Network:
    """Return the feature extractor: pictures → the average of each channel of the last feature map, `(N, channels)`."""
    if devices.accelerated():  # a vector comes back from there sooner than its map
        return compiled(pooled(backbones.build(record.name)))
    maps = trunk(record)
    return lambda pictures: maps(pictures).mean(axis=(1, 2))


def pooled(base: "keras.Model") -> "keras.Model":
    """Return the feature extractor in Keras."""
    import keras

    pool = keras.layers.GlobalAveragePooling2D(name="pool", dtype="float32")
    return keras.Model(base.input, pool(base.output), name="features")


# Many pictures --------------------------------------------------------------------------------------------------------


def forward(network: Network, pictures: Batches, tick: Callable[[int], bool] = lambda done: False) -> np.ndarray:
    """Return a network's output for pictures, float32, in order.

    Args:
        network: Runs a batch.
        pictures: `(N, ...)`, at least one; looked at BATCH at a time.
        tick: Called with the number of pictures done; returns True to stop.

    Raises:
        Stopped: If `tick` said so.
    """
    outputs = np.empty(0, np.float32)
    for start in range(0, len(pictures), BATCH):
        part = network(pictures[start : start + BATCH])
        if not start:
            outputs = np.empty((len(pictures), *part.shape[1:]), np.float32)
        outputs[start : start + len(part)] = part
        if tick(start + len(part)):
            raise Stopped
    return outputs


def extractor_id(record: Backbone, precision: str, what: str = "pool") -> str:
    """Name everything that a feature depends on besides the picture.

    By what it was computed is no part of it: LiteRT and Keras agree to 1e-4 in float32 (`flatbuffer.held_against`).
    """
    crop = f"{record.input_size}px of {round(record.input_size / record.crop_fraction)} bicubic"
    return keys.extractor(weights_id(record.name), what, crop, precision)


def cached_features(
    store: Store,
    items: Sequence[Item],
    record: Backbone,
    precision: str,
    tick: Callable[[int], bool],
    what: str = "pool",
    extractor: Callable[[], Network] | None = None,
    see: See = network_input,
) -> tuple[np.ndarray, int]:
    """Return the features of all items, computing only those that the store does not have.

    Args:
        store: Keeps the vectors by picture content, backbone and preprocessing.
        items: Pictures.
        record: The backbone.
        precision: Dtype policy of the computation.
        tick: Called with the number of pictures computed so far; returns True to stop.
        what: Name of the feature, if it is another than the pooled last map; part of the key.
        extractor: Gives the network, if it is another than `features`; not called when nothing is missing.
        see: What the network looks at; another than `network_input` needs a `what` of its own.

    Returns:
        float32 `(N, channels)`, and how many had to be computed.

    Raises:
        Stopped: If `tick` said so; what was computed by then is kept.
    """
    key = extractor_id(record, precision, what)
    known = store.features.read(key, [item.digest for item in items])
    missing = list({item.digest: item for item in items if item.digest not in known}.values())
    network = (extractor() if extractor else features(record)) if missing else None
    for start in range(0, len(missing), BATCH):
        chunk = missing[start : start + BATCH]
        assert network is not None
        vectors = network(see(store, chunk, record))
        fresh = {item.digest: vector.tobytes() for item, vector in zip(chunk, vectors, strict=True)}
        store.features.write(key, fresh)
        known |= fresh
        if tick(start + len(chunk)):
            raise Stopped
    return np.stack([np.frombuffer(known[item.digest], np.float32) for item in items]), len(missing)
