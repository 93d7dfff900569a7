"""A Keras network on one picture: all its maps by one traced pass, its weights from its layers.

The maps of the picture that was asked about last are kept, of one network: whoever walks asks for the next level soon.
They are some 10 to 120 MB, as large as the network is wide.
"""

import threading
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_core.arithmetic.layers import affine
from cnn_core.networks.loaded import Subject, loaded
from cnn_core.networks.zoom import keras_plan
from cnn_core.networks.zoom.held import digest
from cnn_core.networks.zoom.plan import Node, Plan, looked
from cnn_core.networks.zoom.weights import Weights

_lock = threading.Lock()
_last: dict[tuple[str, bytes], dict[str, np.ndarray]] = {}


@dataclass(frozen=True, eq=False)
class Walk:
    """How one walks into a network, read once for as long as it is kept: its plan, and the pass to all its maps."""

    plan: Plan
    run: Any


def walk(subject: Subject) -> Walk:
    """Return how one walks into a network that is built.

    Raises:
        InspectionRefused: If it is no graph of layers on one picture.
    """
    if subject.walk is None:
        plan, tensors = keras_plan.traced(subject.model, subject.network)
        given = {name: tensor for name, tensor in tensors.items() if tensor is not subject.model.input}
        whole = keras.Model(subject.model.input, given)
        seen = tf.TensorSpec((1, *subject.model.input.shape[1:]), tf.float32)
        run = tf.function(lambda batch: whole(batch, training=False), input_signature=[seen], autograph=False)
        subject.walk = Walk(plan, run)
    found: Walk = subject.walk
    return found


class Keras:
    """A Keras network on one picture.

    Args:
        subject: The network.
        seen: uint8 `(S, S, 3)`, as `plan.seen` cuts it.
    """

    engine = "Keras"

    def __init__(self, subject: Subject, seen: np.ndarray) -> None:
        self.subject, self._walk = subject, walk(subject)
        self.plan = self._walk.plan
        self.seen = looked(self.plan, seen)
        self._digest = digest(self.seen)

    @classmethod
    def of(cls, key: str, seen: np.ndarray) -> "Keras":
        """Return an architecture on one picture; builds it, if it is not kept."""
        return cls(loaded(key), seen)

    def tells(self, name: str) -> bool:
        return True

    def maps(self, name: str) -> np.ndarray:
        node = self.plan.node(name)
        if node.kind == "input" and not node.norm:
            taken: np.ndarray = self.subject.taken(self.seen)[0]
            return taken
        values = self._every()[name]
        if values.ndim == 2:  # tokens, perhaps with the class token first
            values = values[len(values) - node.shape[0] * node.shape[1] :]
        return values.reshape(node.shape)

    def weights(self, node: Node) -> Weights:
        channels = node.shape[2]
        scale, shift = _scaled(self.subject.model.get_layer(node.norm), channels) if node.norm else _as_it_is(channels)
        if node.kind == "input":
            factor, summand = (_each(number, channels) for number in self.subject.network.preprocessing)
            scale, shift = factor * scale, summand * scale + shift
        if not node.weights:
            return Weights(None, np.zeros(channels), scale, shift)
        layer = self.subject.model.get_layer(node.weights)
        bias = np.zeros(channels) if layer.bias is None else _numbers(layer.bias).astype(np.float64)
        kernel = _numbers(layer.kernel)
        if node.kind == "depthwise":
            kernel = kernel[..., 0]
        elif node.kind == "dense":
            kernel = kernel.reshape(*self.plan.node(node.inputs[0]).shape, channels)
        elif kernel.ndim == 2:  # a dense layer at each position
            kernel = kernel[None, None]
        return Weights(kernel, bias, scale, shift)

    def answers(self, top: int) -> list[dict[str, object]]:
        if not self.plan.labels:
            return []
        shares = self.maps(self.plan.nodes[-1].name)[0, 0]
        return [self.subject.answer(int(index), shares) for index in shares.argsort(kind="stable")[::-1][:top]]

    def _every(self) -> dict[str, np.ndarray]:
        key = (self.plan.key, self._digest)
        with _lock:
            if key not in _last or _last[key].keys() != {*self._names()}:
                _last.clear()
                told = self._walk.run(tf.constant(self.subject.taken(self.seen)))
                _last[key] = {name: np.asarray(values)[0] for name, values in told.items()}
                for values in _last[key].values():
                    values.flags.writeable = False
            return _last[key]

    def _names(self) -> list[str]:
        return [node.name for node in self.plan.nodes if node.kind != "input" or node.norm]


def forget() -> None:
    """Keep no maps."""
    with _lock:
        _last.clear()


def _numbers(variable: Any) -> np.ndarray:
    """A variable's numbers as they lie in memory, not to be written into: copies of half a gigabyte take a second."""
    return np.asarray(tf.convert_to_tensor(variable.value))


def _as_it_is(channels: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(channels), np.zeros(channels)


def _each(number: Any, channels: int) -> np.ndarray:
    """A number for each channel, float64: one for all, or those that there are."""
    return np.broadcast_to(np.asarray(number, np.float64).reshape(-1), channels).copy()


def _scaled(layer: Any, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """A layer that scales and shifts, as one factor and one summand a channel, float64."""
    one, nothing = _as_it_is(channels)
    if isinstance(layer, keras.layers.BatchNormalization):
        gamma = _numbers(layer.gamma) if layer.scale else one
        beta = _numbers(layer.beta) if layer.center else nothing
        return affine(gamma, beta, _numbers(layer.moving_mean), _numbers(layer.moving_variance), layer.epsilon)
    if isinstance(layer, keras.layers.Rescaling):
        return _each(layer.scale, channels), _each(layer.offset, channels)
    if isinstance(layer, keras.layers.Normalization):
        mean, variance = _each(layer.mean, channels), _each(layer.variance, channels)
        scale = 1 / np.maximum(np.sqrt(variance), keras.config.epsilon())
        return (1 / scale, mean / scale) if layer.invert else (scale, -mean * scale)
    return _numbers(layer.gamma).astype(np.float64), nothing  # LayerScale
