"""The LeNet-5 that ships, trained on digits: its plan, and NumPy for all of it; without Keras.

Its weights lie in a .keras file, a zip of which only the numbers are read.
"""

import io
import zipfile
from functools import cache

import numpy as np

from cnn_core.arithmetic.geometry import Field, Window, output_size
from cnn_core.arithmetic.layers import Sliding, activated
from cnn_core.networks import shipped
from cnn_core.networks.zoom.held import digest, held
from cnn_core.networks.zoom.plan import Node, Plan, Stage, looked
from cnn_core.networks.zoom.weights import Weights

KEY = "lenet5"
SIZE = 32
_FLAT = "flatten (Flatten) mixes positions: from here on a neuron sees the whole image."
_FILE = "model.weights.h5"
_PLACES = {"c1": "conv2d", "c3": "conv2d_1", "c5": "conv2d_2", "f6": "dense", "logits": "dense_1"}


@cache
def plan() -> Plan:
    """Return its plan.

    Example:
        >>> [(node.name, node.kind, node.shape) for node in plan().nodes[1:4]]
        [('c1', 'convolution', (28, 28, 6)), ('s2', 'max_pool', (14, 14, 6)), ('c3', 'convolution', (10, 10, 16))]
        >>> plan().node("c3").field
        Field(size=14, stride=2, padding=0)
    """
    nodes = [Node("image", "input", (), (SIZE, SIZE, 1), field=Field(reach=(0, SIZE - 1)))]
    for name, channels, window in (
        *(("c1", 6, Window(5)), ("s2", 6, Window(2, 2)), ("c3", 16, Window(5)), ("s4", 16, Window(2, 2))),
        *(("c5", 120, Window(5)),),
    ):
        nodes.append(_slid(name, nodes[-1], channels, window))
    f6 = Node("f6", "dense", ("c5",), (1, 1, 84), weights="f6", activation="relu", reason=_FLAT)
    shares = Node("probabilities", "dense", ("f6",), (1, 1, 10), weights="logits", activation="softmax", reason=_FLAT)
    return Plan(
        *(KEY, shipped.LENET_WEIGHTS, True, SIZE, 1, 1.0),
        (*nodes, f6, shares),
        (Stage("1", ("c1", "s2")), Stage("2", ("c3", "s4")), Stage("answer", ("c5", "f6", "probabilities"))),
        shipped.DIGITS,
    )


def _slid(name: str, below: Node, channels: int, window: Window) -> Node:
    size, (length, convolves) = below.shape[0], (output_size(below.shape[0], window), name.startswith("c"))
    sliding = Sliding((window.kernel_size,) * 2, (window.stride,) * 2)
    found = ("convolution", name, "relu") if convolves else ("max_pool", "", "")
    kind, weights, activation = found
    field = below.field and below.field.after(window, size)
    shape = (length, length, channels)
    return Node(name, kind, (below.name,), shape, sliding, weights, activation=activation, field=field)


class Lenet:
    """The shipped LeNet-5 on one picture.

    Args:
        seen: uint8 `(32, 32, 3)`.
    """

    engine = "NumPy"

    def __init__(self, seen: np.ndarray) -> None:
        self.plan = plan()
        self.seen = looked(self.plan, seen)
        self._digest = digest(self.seen)

    def tells(self, name: str) -> bool:
        return False  # all of it is NumPy's; tests hold it against Keras

    def maps(self, name: str) -> np.ndarray:
        node = self.plan.node(name)
        return held((KEY, name, self._digest), lambda: self._computed(node))

    def weights(self, node: Node) -> Weights:
        channels = node.shape[2]
        one, nothing = np.ones(channels), np.zeros(channels)
        if node.kind == "input":
            return Weights(None, nothing, one / 255, nothing)
        if not node.weights:
            return Weights(None, nothing, one, nothing)
        kernel, bias = _numbers()[node.weights]
        if node.kind == "dense":
            kernel = kernel.reshape(*self.plan.node(node.inputs[0]).shape, channels)
        return Weights(kernel, bias.astype(np.float64), one, nothing)

    def answers(self, top: int) -> list[dict[str, object]]:
        shares = self.maps("probabilities")[0, 0]
        order = shares.argsort(kind="stable")[::-1][:top]
        return [{"index": int(n), "label": self.plan.labels[n], "probability": float(shares[n])} for n in order]

    def _computed(self, node: Node) -> np.ndarray:
        if node.kind == "input":
            return self.seen[..., :1].astype(np.float32) * np.float32(1 / 255)
        below = self.maps(node.inputs[0])
        if node.kind == "max_pool":
            height, width, channels = node.shape
            return below[: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels).max(axis=(1, 3))
        numbers = self.weights(node)
        assert numbers.kernel is not None
        windows = np.lib.stride_tricks.sliding_window_view(below, numbers.kernel.shape[:2], axis=(0, 1))
        sums = np.einsum("hwcab,abcf->hwf", windows, numbers.kernel, optimize=True)
        return activated(node.activation, sums + numbers.bias.astype(np.float32))


@cache
def _numbers() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kernel and bias of each layer that has them."""
    import h5py

    with zipfile.ZipFile(shipped.LENET) as archive, h5py.File(io.BytesIO(archive.read(_FILE))) as file:
        return {
            name: (file[f"layers/{place}/vars/0"][()], file[f"layers/{place}/vars/1"][()])
            for name, place in _PLACES.items()
        }
