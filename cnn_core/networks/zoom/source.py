"""Who computes what a zoom shows: the maps of a network on one picture, and the numbers that made them.

EfficientNet-Lite0 needs no TensorFlow: LiteRT gives what its blocks hand on, in one pass, and NumPy what lies inside of
a block, from the network's file. The shipped LeNet-5 is NumPy's (`lenet`), all others are Keras' (`keras_source`).
"""

from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np

from cnn_core.arithmetic.layers import activated, affine, depthwise
from cnn_core.networks import backbones, devices, embedded, forward
from cnn_core.networks.loaded import loaded
from cnn_core.networks.zoo.architectures import architecture
from cnn_core.networks.zoom import lenet, lite
from cnn_core.networks.zoom.held import digest, held
from cnn_core.networks.zoom.plan import Node, Plan, checked
from cnn_core.networks.zoom.weights import Weights

__all__ = ["Source", "Weights", "by_table", "plan", "source"]


class Source(Protocol):
    """A network on one picture.

    Attributes:
        plan: Of the network.
        seen: uint8 `(S, S, 3)`, what it looks at.
        engine: Who gives the maps that `tells` is true of.
    """

    plan: Plan
    seen: np.ndarray
    engine: str

    def maps(self, name: str) -> np.ndarray:
        """Return the maps of a node, float32 `(h, w, C)`; not to be written into."""
        ...

    def tells(self, name: str) -> bool:
        """Whether the network itself gives these maps, so that what NumPy computes can be held against them."""
        ...

    def weights(self, node: Node) -> Weights:
        """Return what a node computes with."""
        ...

    def answers(self, top: int) -> list[dict[str, object]]:
        """Return `index`, `label` and `probability` of the most probable classes; none where they mean nothing."""
        ...


def plan(key: str) -> Plan:
    """Return the plan of a network; those that do not ship trained are built for it, if they are not kept.

    Raises:
        InspectionRefused: If one cannot walk into it, or there is no memory for it.
        ValueError: If there is no such architecture.

    Example:
        >>> plan("efficientnet_lite0").input_size
        224
    """
    architecture(key)  # refuses what there is not
    if (table := by_table(key)) is not None:
        return table
    from cnn_core.networks.zoom import keras_source

    return keras_source.walk(loaded(key)).plan


def by_table(key: str) -> Plan | None:
    """Return the plan of a network that ships trained, without Keras; None of all others."""
    if key == backbones.DEFAULT:
        return lite.plan()
    return lenet.plan() if key == lenet.KEY else None


def source(key: str, seen: np.ndarray) -> Source:
    """Return a network on a picture.

    Args:
        key: One of `ARCHITECTURES`.
        seen: uint8 `(S, S, 3)`, as `plan.seen` cuts it.

    Raises:
        InspectionRefused: If one cannot walk into it, or if the picture is of another size.
        ValueError: If there is no such architecture.
    """
    found = checked(plan(key), seen)
    if key == backbones.DEFAULT:
        return Lite(found)
    if key == lenet.KEY:
        return lenet.Lenet(found)
    from cnn_core.networks.zoom import keras_source

    return keras_source.Keras.of(key, found)


class Lite:
    """EfficientNet-Lite0 on one picture."""

    def __init__(self, seen: np.ndarray) -> None:
        self.plan, self.seen = lite.plan(), seen
        self.engine = "Keras" if devices.accelerated() else "LiteRT"
        self._digest = digest(seen)

    def tells(self, name: str) -> bool:
        return name in lite.ENDS

    def maps(self, name: str) -> np.ndarray:
        node = self.plan.node(name)
        if self.tells(name):
            start, stop = _places()[name]
            return self._every()[start:stop].reshape(node.shape)
        if node.kind == "input":
            less, by = lite.RESCALED
            return (self.seen.astype(np.float32) - np.float32(less)) / np.float32(by)
        if node.kind == "global_pool":
            return self.maps(node.inputs[0]).mean(axis=(0, 1), keepdims=True)
        return held((self.plan.key, name, self._digest), lambda: self._inside(node))

    def weights(self, node: Node) -> Weights:
        return _weights(node)

    def answers(self, top: int) -> list[dict[str, object]]:
        return embedded.answers(self.maps(lite.TOP), top)

    def _every(self) -> np.ndarray:
        return held((self.plan.key, self._digest), lambda: _network()(self.seen[None])[0])

    def _inside(self, node: Node) -> np.ndarray:
        """A sum within a block, by NumPy, in float32."""
        inputs, numbers = self.maps(node.inputs[0]), self.weights(node)
        assert numbers.kernel is not None
        if node.kind == "depthwise":
            assert node.window is not None
            made = depthwise(inputs, numbers.kernel, node.window)
        else:  # the classifier, and 1 × 1: the only other convolution, the stem, is told by the network
            made = inputs @ numbers.kernel[0, 0]
        made *= numbers.scale.astype(np.float32)
        made += (numbers.scale * numbers.bias + numbers.shift).astype(np.float32)
        return activated(node.activation, made)


def _network() -> forward.Network:
    return _on_gpu() if devices.accelerated() else forward.every_block(backbones.backbone(backbones.DEFAULT))


@lru_cache(maxsize=1)
def _on_gpu() -> forward.Network:
    """There it is a Keras model: built once, while a flatbuffer is kept by `flatbuffer` itself."""
    return forward.every_block(backbones.backbone(backbones.DEFAULT))


@lru_cache(maxsize=1)
def _places() -> dict[str, tuple[int, int]]:
    """Where the maps of each end lie in what `forward.every_block` gives."""
    sizes = [int(np.prod(lite.plan().node(name).shape)) for name in lite.ENDS]
    bounds = np.cumsum([0, *sizes]).tolist()
    return {name: (start, stop) for name, (start, stop) in zip(lite.ENDS, pairwise(bounds), strict=True)}


@lru_cache(maxsize=32)
def _weights(node: Node) -> Weights:
    """A node's numbers from the file of EfficientNet-Lite0, as they lie there: BatchNorm is not folded in."""
    channels = node.shape[2]
    one, nothing = np.ones(channels), np.zeros(channels)
    if node.kind == "input":
        less, by = lite.RESCALED
        return Weights(None, nothing, one / by, nothing - less / by)
    if node.kind == "dense":
        kernel, bias = embedded.head()
        return Weights(kernel[None, None], bias.astype(np.float64), one, nothing)
    if not node.weights:
        return Weights(None, nothing, one, nothing)
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    names = [f"{node.weights}/kernel", *(f"{node.norm}/{part}" for part in parts)]
    found = backbones.embedded_weights(*names)
    kernel, gamma, beta, mean, variance = (found[name] for name in names)
    if node.kind == "depthwise":
        kernel = kernel[..., 0]
    return Weights(kernel, nothing, *affine(gamma, beta, mean, variance, lite.EPSILON))
