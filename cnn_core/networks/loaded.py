"""Networks to look into, built once a process and kept within a budget of memory: trained if they can be had so.

Keras is imported inside the functions: pages read the dataclasses.
"""

import gc
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from cnn_core.arithmetic.geometry import Field
from cnn_core.arithmetic.written import in_bytes
from cnn_core.networks import atlas, backbones, operator_weights, shipped
from cnn_core.networks.operator_weights import Numbers
from cnn_core.networks.zoo.architectures import architecture
from cnn_core.pictures.images import square

if TYPE_CHECKING:
    import keras

    from cnn_core.networks.summary import LayerRow

BUDGET = 600_000_000  # bytes of weights that are kept: the largest network alone, or many small ones
GRAPHS = 4  # of a network, compiled for one layer each
HEADROOM = 2.5  # times a network's weights that must be free before it is built
RANDOM = "random weights: shapes and fields are the architecture's, what it answers means nothing"
_BYTES = 4  # of a float32
_PIECE = 2**22  # numbers that are drawn at once


class InspectionRefused(ValueError):
    """An architecture, layer, unit or class that cannot be looked at."""


@dataclass(frozen=True)
class Layer:
    """A layer with a feature map.

    Attributes:
        name: As in the network.
        shape: `(h, w, channels)`; of a transformer's tokens those of the patches, laid out as they lie in the picture.
        field: What its units see, the same along both axes; None where there is no such number.
        reason: Why there is none.
    """

    name: str
    shape: tuple[int, int, int]
    field: Field | None
    reason: str = ""


@dataclass(frozen=True)
class Network:
    """An architecture as it is looked at here.

    Attributes:
        key: In `ARCHITECTURES`.
        pretrained: Whether its weights are trained.
        weights: Which weights, in words.
        input_size: Height and width in pixels.
        channels: 3, or 1 for grey.
        crop_fraction: Part of the picture's shorter side that it sees.
        layers: All that have a feature map, in order.
        stage_ends: Names of those at which the stages end.
        last_feature_map: Name of the one that Grad-CAM weighs; empty if the classifier reads no feature map.
        classifies: Whether its answers mean something: trained, and with a classifier.
        labels: Of the classes, one each; empty if its answers mean nothing.
        preprocessing: Factor and summand, a number each or one a channel, by which 0–255 becomes what it takes, where
            it does not do so itself.
    """

    key: str
    pretrained: bool
    weights: str
    input_size: int
    channels: int
    crop_fraction: float
    layers: tuple[Layer, ...]
    stage_ends: tuple[str, ...]
    last_feature_map: str
    classifies: bool
    labels: tuple[str, ...] = ()
    preprocessing: tuple[Numbers, Numbers] = (1.0, 0.0)


@dataclass(eq=False)
class Subject:
    """A network, and its beginnings that end in a feature map; they share its weights, so never change them."""

    network: Network
    model: Any
    cuts: dict[str, Any] = field(default_factory=dict)
    graphs: "OrderedDict[str, Any]" = field(default_factory=OrderedDict)
    walk: Any = None  # how one walks into it, once somebody has (`zoom.keras_source`)

    def layer(self, name: str) -> Layer:
        for found in self.network.layers:
            if found.name == name:
                return found
        ends = ", ".join(self.network.stage_ends)
        raise InspectionRefused(f"{self.network.key} has no feature map {name!r}. Its stages end in {ends}.")

    def cut(self, name: str) -> Any:
        """Picture → the layer's map, `(N, h, w, channels)`."""
        import keras

        if name not in self.cuts:
            shape = self.layer(name).shape
            output = self.model.get_layer(name).output
            if len(output.shape) == 3:  # tokens, the class token first
                output = keras.ops.reshape(output[:, 1:], (-1, *shape))
            self.cuts[name] = keras.Model(self.model.input, output)
        return self.cuts[name]

    def listening(self, name: str) -> Any:
        """(batch, row, column, channel) → the layer's map, and the gradient of that unit's response by the batch.

        One graph, kept for the layers asked about lately: unlike single calls it spares the gradients of the weights.
        """
        import tensorflow as tf

        if name not in self.graphs:
            cut, place = self.cut(name), tf.TensorSpec((), tf.int32)

            def listen(batch: Any, row: Any, column: Any, channel: Any) -> tuple[Any, Any]:
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(batch)
                    maps = cut(batch, training=False)
                    response = maps[0, row, column, channel]
                return maps, tape.gradient(response, batch)

            seen = tf.TensorSpec((1, *self.model.input.shape[1:]), tf.float32)
            self.graphs[name] = tf.function(listen, input_signature=[seen, place, place, place], autograph=False)
            while len(self.graphs) > GRAPHS:
                self.graphs.popitem(last=False)
        self.graphs.move_to_end(name)
        return self.graphs[name]

    def first_convolution(self) -> Any:
        """The layer whose kernels lie on the picture itself."""
        import keras

        return next(x for x in self.model._flatten_layers(include_self=False) if isinstance(x, keras.layers.Conv2D))

    def seen(self, pixels: np.ndarray) -> np.ndarray:
        """The part of a picture that the network sees, uint8 `(size, size, 3)`; grey if the network is."""
        part = square(pixels, self.network.input_size, self.network.crop_fraction)
        return grey(part) if self.network.channels == 1 else part

    def batch(self, pixels: np.ndarray) -> np.ndarray:
        """That part as the network wants it, float32 `(1, size, size, C)`."""
        return self.taken(self.seen(pixels))

    def taken(self, seen: np.ndarray) -> np.ndarray:
        """What it sees, uint8 `(size, size, 3)`, as it wants it, float32 `(1, size, size, C)`."""
        factor, summand = self.network.preprocessing
        batch = seen[None, ..., : self.network.channels].astype(np.float32)
        taken: np.ndarray = batch * np.asarray(factor, np.float32) + np.asarray(summand, np.float32)
        return taken

    def answer(self, index: int, probabilities: np.ndarray) -> dict[str, Any]:
        """Index, label and probability of a class."""
        label = self.network.labels[index] if self.network.labels else f"class {index}"
        return {"index": int(index), "label": label, "probability": float(probabilities[index])}


_subjects: "OrderedDict[str, Subject]" = OrderedDict()


def weights_bytes(key: str) -> int:
    """Return how many bytes an architecture's weights take in memory; builds nothing.

    >>> weights_bytes("vgg16")
    553430176
    """
    architecture(key)  # refuses what there is not
    return int(atlas.read()["architectures"][key]["total_params"]) * _BYTES


def at_hand(key: str) -> bool:
    """Return whether trained weights of an architecture are on this machine; builds nothing, asks nobody else.

    >>> at_hand("efficientnet_lite0"), at_hand("lenet5"), at_hand("googlenet")
    (True, True, False)
    """
    backbone = backbones.BACKBONES.get(key)
    try:
        given = operator_weights.given(key) is not None
    except operator_weights.WeightsRefused:
        given = False  # said to whoever opens the network
    return given or _ships(key) or (backbone is not None and backbones.at_hand(backbone))


def loaded(key: str) -> Subject:
    """Return a network, from memory if it was asked lately; shared by all callers of this process.

    Raises:
        InspectionRefused: If there is no memory for it.
        ValueError: If there is no such architecture.
    """
    if key not in _subjects:
        size = weights_bytes(key)
        while _subjects and size + sum(map(weights_bytes, _subjects)) > BUDGET:
            _subjects.popitem(last=False)
            gc.collect()  # a model's parts refer to each other
        free = psutil.virtual_memory().available
        if free < HEADROOM * size:
            raise InspectionRefused(
                f"{architecture(key).title} has {in_bytes(size)} of weights and needs {HEADROOM:g} times as much "
                f"memory to be built; {in_bytes(free)} are free. Choose a smaller network."
            )
        _subjects[key] = _built(key)
    _subjects.move_to_end(key)
    return _subjects[key]


def grey(seen: np.ndarray) -> np.ndarray:
    """Return pixels without colour: uint8 `(H, W, 3)`, three times the same.

    Source: ITU-R BT.601, luma.
    """
    luma: np.ndarray = np.round(seen @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return luma[..., None].repeat(3, axis=2)


def _built(key: str) -> Subject:
    """A network with the best weights there are: what ships with it, an operator's, downloaded ones, random ones."""
    record, backbone = architecture(key), backbones.BACKBONES.get(key)
    if _ships(key):
        return _shipped(key)
    if (given := operator_weights.given(key)) is not None:
        return _given(key, given)
    if backbone is None or not backbones.at_hand(backbone):
        how = "" if backbone is None else f". {backbones.to_be_had(backbone)}"
        return _described(key, _random(record.build()), RANDOM + how, preprocessing=_preprocessing(key))
    weights = f"trained on ImageNet, {backbone.top1}% top-1 as published; without their classifier"
    model = backbones.build(key)
    ends = _ends(model, backbone)
    return _described(key, model, f"{weights}, so it names no classes", trained=True, ends=ends, last="")


def _ships(key: str) -> bool:
    return key in (backbones.DEFAULT, "lenet5")


def _shipped(key: str) -> Subject:
    if key == "lenet5":
        import keras

        model, factor = keras.saving.load_model(shipped.LENET, compile=False), 1 / 255
        return _described(
            key, model, shipped.LENET_WEIGHTS, trained=True, labels=shipped.DIGITS, preprocessing=(factor, 0)
        )
    weights = f"trained on ImageNet, {backbones.backbone(key).top1}% top-1 as published"
    return _described(key, backbones.classifier(key), weights, trained=True, labels=backbones.imagenet_labels())


def _given(key: str, given: operator_weights.Given) -> Subject:
    model = architecture(key).build()
    operator_weights.load(model, given)
    preprocessing = _preprocessing(key) if given.preprocessing is None else given.preprocessing
    return _described(key, model, given.weights, trained=True, labels=given.labels, preprocessing=preprocessing)


def _described(
    key: str,
    model: "keras.Model",
    weights: str,
    *,
    trained: bool = False,
    labels: tuple[str, ...] = (),
    preprocessing: tuple[Numbers, Numbers] = (1.0, 0.0),
    ends: tuple[str, ...] | None = None,
    last: str | None = None,
) -> Subject:
    record, backbone = architecture(key), backbones.BACKBONES.get(key)
    size, channels = record.input_shape[0], record.input_shape[2]
    facts = Network(
        key,
        trained,
        weights,
        size,
        channels,
        backbone.crop_fraction if backbone else size / 256 if size > 200 else 1.0,
        tuple(_layers(model)),
        record.stage_ends if ends is None else ends,
        (record.last_feature_map or "") if last is None else last,
        bool(labels),
        labels,
        preprocessing,
    )
    return Subject(facts, model)


def _preprocessing(key: str) -> tuple[Numbers, Numbers]:
    """What an architecture of the zoo takes in place of 0–255, as its module says."""
    record = architecture(key)
    if record.raw_pixels:
        return 1.0, 0.0
    if record.input_shape[2] == 1:  # 0 (paper) to 1 (ink), and in 1998 from -0.1 to 1.175: bright is ink, as in MNIST
        return (1.275 / 255, -0.1) if key == "lenet5_1998" else (1 / 255, 0.0)
    return 1 / 127.5, -1.0


def _random(model: "keras.Model") -> "keras.Model":
    """Weights by He's rule, drawn anew by the layer's place: a picture has one answer, whichever worker is asked."""
    for number, variable in enumerate(model.trainable_weights):
        if variable.path.endswith(("kernel", "/table")):
            shape = tuple(variable.shape)
            depthwise = len(shape) == 4 and shape[3] == 1 and shape[2] > 3  # (kh, kw, channels, 1)
            inputs = math.prod(shape[:2] if depthwise else shape[:-1])
            random, scale = np.random.default_rng(number), np.float32(math.sqrt(2 / inputs))
            rows = max(1, _PIECE // math.prod(shape[1:]))
            for start in range(0, shape[0], rows):  # in place: VGG's first dense layer alone has 411 MB
                piece = random.standard_normal((min(rows, shape[0] - start), *shape[1:]), np.float32)
                variable.value[start : start + rows].assign(scale * piece)
    return model


def _ends(model: "keras.Model", backbone: backbones.Backbone) -> tuple[str, ...]:
    """Where a backbone's stages end: what the next block's first layer reads, and at last the output."""
    inputs = [model.get_layer(start).input for start in backbone.block_starts[1:]] + [model.output]
    return tuple(inputs[stage]._keras_history.operation.name for stage in backbone.stage_ends)


def _layers(model: "keras.Model") -> list[Layer]:
    from cnn_core.networks.summary import layer_table

    rows = layer_table(model)
    names = [row.name for row in rows]
    found = []
    for row in rows:
        if row.kind == "InputLayer" or "/" in row.name or names.count(row.name) > 1:  # within a model, or used twice
            continue
        if (shape := _map_shape(row.output_shape)) is None:
            continue
        seen = field_of(row)
        found.append(Layer(row.name, shape, seen, "" if seen else row.reason))
    return found


def field_of(row: "LayerRow") -> Field | None:
    """Return what a layer's units see, if that is the same along both axes; else None."""
    size, stride, padding = row.receptive_field, row.effective_stride, row.effective_padding
    if isinstance(size, int) and isinstance(stride, int) and isinstance(padding, int):
        return Field(size, stride, padding, row.reach[0] if row.reach and len({*row.reach}) == 1 else None)
    return None


def _map_shape(shape: tuple[int | None, ...]) -> tuple[int, int, int] | None:
    """Rows, columns and channels of a layer that has them; tokens lie in a square, behind the class token."""
    if len(shape) == 3 and None not in shape:
        return shape[0] or 0, shape[1] or 0, shape[2] or 0
    if len(shape) == 2 and shape[0] and shape[1]:
        side = math.isqrt(shape[0] - 1)
        if side > 1 and side**2 == shape[0] - 1:
            return side, side, shape[1]
    return None
