"""A network to walk into that costs nothing: the plan of EfficientNet-Lite0, maps of waves, weights drawn by chance.

What is said of it is what the real code says of a source: every answer is consistent in itself, none is the network's.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from cnn_core.arithmetic.layers import activated
from cnn_core.networks.inside import Kernels
from cnn_core.networks.zoo.architectures import architecture
from cnn_core.networks.zoom import excites, lite, made, plan, source, strip
from cnn_core.networks.zoom.answers import Cell, Exciting, Made, Maps, Strip
from cnn_core.networks.zoom.plan import Node, Plan
from cnn_core.networks.zoom.source import Weights

TOP = (
    {"index": 281, "label": "tabby", "probability": 0.75},
    {"index": 285, "label": "Egyptian cat", "probability": 0.1},
)


class Waves:
    """A source whose maps are waves, another for each channel; the higher the node, the larger the area of each."""

    engine = "LiteRT"

    def __init__(self, whole: Plan, seen: np.ndarray) -> None:
        self.plan = whole
        self.seen = plan.checked(self.plan, seen)

    def maps(self, name: str) -> np.ndarray:
        return waves(self.plan.node(name))

    def tells(self, name: str) -> bool:
        return name in lite.ENDS

    def weights(self, node: Node) -> Weights:
        return drawn(node)

    def answers(self, top: int) -> list[dict[str, Any]]:
        return [dict(each) for each in TOP[:top]] if self.plan.labels else []


@cache
def waves(node: Node) -> np.ndarray:
    """Return maps of a node, float32 `(h, w, C)`."""
    height, width, channels = node.shape
    channel = np.arange(channels)
    down = np.sin(np.linspace(0, 3, height)[:, None] * (1 + channel % 5) + channel)
    right = np.cos(np.linspace(0, 3, width)[:, None] * (1 + channel % 3))
    values = (0.2 + channel % 7) * down[:, None] * right
    return np.asarray(activated(node.activation, values), np.float32)


@cache
def drawn(node: Node) -> Weights:
    """Return weights of a node, the same at each run."""
    random, channels = np.random.default_rng(lite.plan().nodes.index(node)), node.shape[2]
    one, nothing = np.ones(channels), np.zeros(channels)
    if not node.weights:
        return Weights(None, nothing, one, nothing)
    inputs = lite.plan().node(node.inputs[0]).shape[2]
    sides = node.window.kernel_size if node.window else (1, 1)
    shape = (*sides, channels) if node.kind == "depthwise" else (*sides, inputs, channels)
    kernel = random.standard_normal(shape, np.float32)
    return Weights(kernel, nothing, 0.1 * one, random.standard_normal(channels))


def zoom_plan(key: str) -> Plan:
    """Return the plan of EfficientNet-Lite0 for whatever network but the shipped LeNet-5, with random weights."""
    architecture(key)  # refuses what the worker would
    whole = source.by_table(key) or lite.plan()
    return whole if key == whole.key else replace(whole, key=key, weights="random weights", pretrained=False, labels=())


def zoom_strip(key: str, seen: np.ndarray, most: int = 24) -> Strip:
    return strip.strip_of(_source(key, seen), most)


def zoom_maps(key: str, seen: np.ndarray, node: str) -> Maps:
    return strip.maps_of(_source(key, seen), node)


def zoom_map(key: str, seen: np.ndarray, node: str, channel: int, singly: int = 8) -> Made:
    return made.made_of(_source(key, seen), node, channel, singly)


def zoom_cell(key: str, seen: np.ndarray, node: str, channel: int, row: int, column: int, singly: int = 8) -> Cell:
    return made.cell_of(_source(key, seen), node, channel, row, column, singly)


def first_kernels(key: str) -> Kernels:
    return Kernels("stem_conv", np.random.default_rng(0).standard_normal((3, 3, 3, 32), np.float32))


def zoom_peaks(
    key: str, node: str, channel: int, digests: Sequence[str], most: int = 9, *, location: str | None = None
) -> Exciting:
    """Every picture excites every channel, the first ones more."""
    found = lite.plan().node(node)
    places = np.arange(found.shape[2]) % (found.shape[0] * found.shape[1])
    vectors = {
        digest: np.concatenate([np.full(found.shape[2], 5 / (1 + number)), places])
        for number, digest in enumerate(digests)
    }
    return excites.ranked(lite.plan(), node, channel, vectors, most)


ANSWERS = {
    each.__name__: each for each in (zoom_plan, zoom_strip, zoom_maps, zoom_map, zoom_cell, zoom_peaks, first_kernels)
}


def _source(key: str, seen: np.ndarray) -> source.Source:
    if key == "lenet5":
        return source.source(key, seen)  # the real one costs as little
    return Waves(zoom_plan(key), seen)
