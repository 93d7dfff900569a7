"""What one walks through: a network as sums, in stages. No Keras.

A node is one sum and what follows it up to the next fork: a convolution with its BatchNorm and its activation. It has
the name of the last layer that it takes in, whose output its map is. What changes nothing at inference is left out.
"""

from dataclasses import dataclass, field

import numpy as np

from cnn_core.arithmetic.geometry import Field
from cnn_core.arithmetic.layers import Sliding
from cnn_core.networks.loaded import InspectionRefused, grey
from cnn_core.pictures.images import square

KINDS = (
    *("input", "convolution", "depthwise", "dense", "max_pool", "average_pool", "global_pool", "add", "multiply"),
    *("concatenate", "pad", "pointwise", "other"),
)


@dataclass(frozen=True)
class Node:
    """One sum of a network.

    Attributes:
        name: Of the layer whose output its map is.
        kind: One of KINDS; `other`: its map can be seen, and nothing of how it is made.
        inputs: Names of the nodes that it reads; the input reads none.
        shape: Of its map, `(h, w, channels)`; `(1, 1, channels)` of a vector.
        window: How it moves over its input, where it has one; of a global pool it is the whole map.
        weights: Layer that has its kernel; empty without one.
        norm: Layer that scales and shifts the sum: its BatchNorm, of an input its rescaling; empty without one.
        activation: Its name; empty without one.
        groups: Of a grouped convolution.
        field: What its units see of the picture, the same along both axes; None where they see all, or `reason`.
        reason: Why there is no field, or why it is `other`.
        channels: Of a copy that takes its input's maps in another order, or not all: which, in its own order.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: tuple[int, int, int]
    window: Sliding | None = None
    weights: str = ""
    norm: str = ""
    activation: str = ""
    groups: int = 1
    field: Field | None = None
    reason: str = ""
    channels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Stage:
    """Nodes at one resolution; the last of them is what the strip shows."""

    title: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A network as one walks through it.

    Attributes:
        key: In `ARCHITECTURES`.
        weights: Which weights, in words.
        pretrained: Whether they are trained.
        input_size: Height and width in pixels.
        channels: 3, or 1 for grey.
        crop_fraction: Part of the picture's shorter side that it sees.
        nodes: In the order of computing; the first is the input.
        stages: All nodes but the input, in order. One whose last node is no map, but a vector, is the answer.
        labels: Of the classes; empty if its answers mean nothing.
    """

    key: str
    weights: str
    pretrained: bool
    input_size: int
    channels: int
    crop_fraction: float
    nodes: tuple[Node, ...]
    stages: tuple[Stage, ...]
    labels: tuple[str, ...] = ()
    _by_name: dict[str, Node] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({node.name: node for node in self.nodes})

    def node(self, name: str) -> Node:
        """Return the node of this name.

        Raises:
            InspectionRefused: If there is none.
        """
        if name not in self._by_name:
            ends = ", ".join(stage.nodes[-1] for stage in self.stages)
            raise InspectionRefused(f"{self.key} has no map {name!r} to walk into. Its stages end in {ends}.")
        return self._by_name[name]

    def stage_of(self, name: str) -> Stage | None:
        """Return the stage that a node is in; None for the input.

        Raises:
            InspectionRefused: If there is no such node.
        """
        self.node(name)
        return next((stage for stage in self.stages if name in stage.nodes), None)

    def shown(self) -> tuple[tuple[Stage, Node], ...]:
        """Return the stages that the strip shows, each with its last node."""
        ends = ((stage, self.node(stage.nodes[-1])) for stage in self.stages)
        return tuple((stage, node) for stage, node in ends if node.shape[:2] != (1, 1))


def seen(plan: Plan, pixels: np.ndarray) -> np.ndarray:
    """Return what a network looks at in a picture, as its published evaluation does; each question wants this.

    Args:
        plan: Of the network.
        pixels: uint8 `(H, W, 3)`.

    Returns:
        uint8 `(size, size, 3)`, in colours also where the network sees grey.
    """
    return np.ascontiguousarray(square(pixels, plan.input_size, plan.crop_fraction))


def looked(plan: Plan, seen: np.ndarray) -> np.ndarray:
    """Return what a network looks at as it looks: grey where it sees grey.

    Args:
        plan: Of the network.
        seen: uint8 `(size, size, 3)`.

    Returns:
        uint8 `(size, size, 3)`.
    """
    return grey(seen) if plan.channels == 1 else seen


def checked(plan: Plan, pixels: np.ndarray) -> np.ndarray:
    """Return what a question was given to look at, if the network can.

    Raises:
        InspectionRefused: If it is no square of the network's size.
    """
    expected = (plan.input_size, plan.input_size, 3)
    if pixels.dtype != np.uint8 or pixels.shape != expected:
        raise InspectionRefused(
            f"{plan.key} looks at uint8 pixels of shape {expected}; received {pixels.dtype} of shape {pixels.shape}. "
            "Cut the picture by `plan.seen` first."
        )
    return pixels
