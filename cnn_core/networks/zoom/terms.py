"""What each kind of node makes of its inputs: parts, one an input map, whose sum is scaled, shifted and activated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnn_core.arithmetic.layers import Sliding, depthwise, window
from cnn_core.arithmetic.windows import shifted_views
from cnn_core.networks.zoom.answers import Input
from cnn_core.networks.zoom.plan import Node
from cnn_core.networks.zoom.source import Source
from cnn_core.networks.zoom.strip import averaged, of_an_average

POOLS = ("max_pool", "average_pool", "global_pool")
COPIES = ("concatenate", "pad", "pointwise")  # of one map, as it is or with zeros around it
_ONE = Sliding((1, 1))


# One map --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Terms:
    """All inputs of a map: `maps` are `(H, W, n)`, `parts` `(h, w, n)`, `kernels` float32 `(n, kh, kw)`."""

    inputs: Sequence[Input]
    maps: np.ndarray
    parts: np.ndarray
    kernels: np.ndarray
    factor: Input | None = None


def terms(source: Source, node: Node, channel: int) -> Terms:
    """Return all inputs of a map of a node, whose kind is not `other`, and what each adds to it."""
    if node.kind == "input":
        pixels = source.seen[..., channel : channel + 1].astype(np.float32)
        return Terms([("picture", channel)], pixels, pixels, np.ones((1, 1, 1), np.float32))
    if node.kind == "add":
        maps = np.stack([source.maps(name)[..., channel] for name in node.inputs], axis=-1)
        inputs = [(name, channel) for name in node.inputs]
        return Terms(inputs, maps, maps, np.ones((len(inputs), 1, 1), np.float32))
    if node.kind == "multiply":
        (name, by), gate = node.inputs, source.maps(node.inputs[1])[..., channel : channel + 1]
        alone = source.maps(name)[..., channel : channel + 1]
        number = gate.astype(np.float32) if gate.shape[:2] == (1, 1) else np.empty((1, 0, 0), np.float32)
        return Terms([(name, channel)], alone, alone * gate, number, (by, channel))
    if node.kind in COPIES:
        name, copied = _copied(source, node, channel)
        alone, one = source.maps(name)[..., copied : copied + 1], np.ones((1, 1, 1), np.float32)
        return _laid(name, copied, alone, one, node.window or _ONE)
    if of_an_average(source.plan, node):
        name = averaged(source.plan, node)
        maps, kernel, sliding = source.maps(name), _kernel(source, node)[..., channel], _ONE
    else:
        name, sliding = node.inputs[0], _sliding(source, node)
        maps = source.maps(name)
        if node.kind in POOLS:
            alone = maps[..., channel : channel + 1]
            return Terms([(name, channel)], alone, _pooled(node, alone, sliding), _shares(node, sliding))
        maps, kernel, first = _read_by(node, maps, _kernel(source, node), channel)
        return _laid(name, first, maps, kernel, sliding)
    return _laid(name, 0, maps, kernel, sliding)


def _laid(name: str, first: int, maps: np.ndarray, kernel: np.ndarray, sliding: Sliding) -> Terms:
    inputs = [(name, first + number) for number in range(maps.shape[2])]
    return Terms(inputs, maps, depthwise(maps, kernel, sliding), np.moveaxis(kernel, 2, 0))


def _read_by(node: Node, maps: np.ndarray, kernel: np.ndarray, channel: int) -> tuple[np.ndarray, np.ndarray, int]:
    """The maps that a channel reads, its kernel `(kh, kw, n)`, and which of all maps is the first of these."""
    if node.kind == "depthwise":
        return maps[..., channel : channel + 1], kernel[..., channel : channel + 1], channel
    each = maps.shape[2] // node.groups
    first = channel // (node.shape[2] // node.groups) * each
    return maps[..., first : first + each], kernel[..., channel], first


def _kernel(source: Source, node: Node) -> np.ndarray:
    kernel = source.weights(node).kernel
    assert kernel is not None
    return kernel


def _sliding(source: Source, node: Node) -> Sliding:
    """How a node's window moves; a dense layer is a window over all of the map that it reads."""
    return node.window or Sliding(source.plan.node(node.inputs[0]).shape[:2])


def _copied(source: Source, node: Node, channel: int) -> Input:
    """What a channel is a copy of."""
    if node.channels:
        return node.inputs[0], node.channels[channel]
    for name in node.inputs:
        count = source.plan.node(name).shape[2]
        if channel < count:
            return name, channel
        channel -= count
    raise AssertionError(f"{node.name} has fewer maps than its inputs")


def _pooled(node: Node, maps: np.ndarray, sliding: Sliding) -> np.ndarray:
    """A pool of one map `(H, W, 1)`; padding is no cell, neither of a maximum nor of an average."""
    largest = node.kind == "max_pool"
    sides = (*sliding.padding, (0, 0))
    padded = np.pad(maps.astype(np.float64), sides, constant_values=-np.inf if largest else 0)
    cells = np.pad(np.ones(maps.shape), sides)
    views = [view for _, view in shifted_views(padded, sliding.kernel_size, sliding.stride, sliding.dilation)]
    if largest:
        return np.asarray(np.maximum.reduce(views))
    counts = [view for _, view in shifted_views(cells, sliding.kernel_size, sliding.stride, sliding.dilation)]
    return np.asarray(sum(views[1:], views[0]) / sum(counts[1:], counts[0]))


def _shares(node: Node, sliding: Sliding) -> np.ndarray:
    if node.kind == "max_pool":
        return np.empty((1, 0, 0), np.float32)
    return np.full((1, *sliding.kernel_size), 1 / np.prod(sliding.kernel_size), np.float32)


# One cell -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Products:
    """All inputs of a cell: `values` and `weights` are `(n, kh, kw)`, float64."""

    inputs: Sequence[Input]
    values: np.ndarray
    weights: np.ndarray
    inside: np.ndarray
    corner: tuple[int, int]
    factor: Input | None = None


def products(source: Source, node: Node, channel: int, row: int, column: int) -> Products:
    """Return all products of a cell of a node, whose kind is not `other`."""
    if node.kind == "input":
        value = np.full((1, 1, 1), source.seen[row, column, channel], np.float64)
        return Products([("picture", channel)], value, np.ones_like(value), np.ones((1, 1), bool), (row, column))
    if node.kind == "add":
        values = np.array([source.maps(name)[row, column, channel] for name in node.inputs], np.float64)
        inputs = [(name, channel) for name in node.inputs]
        here = (row, column)
        return Products(inputs, values[:, None, None], np.ones((len(inputs), 1, 1)), np.ones((1, 1), bool), here)
    if node.kind == "multiply":
        (name, by), here = node.inputs, (row, column)
        gate = source.maps(by)
        weight = gate[0, 0, channel] if gate.shape[:2] == (1, 1) else gate[row, column, channel]
        values, weights = (
            np.full((1, 1, 1), each, np.float64) for each in (source.maps(name)[row, column, channel], weight)
        )
        return Products([(name, channel)], values, weights, np.ones((1, 1), bool), here, (by, channel))
    if node.kind in COPIES:
        (name, first), sliding = _copied(source, node, channel), node.window or _ONE
        values, inside = window(source.maps(name)[..., first : first + 1], sliding, row, column)
        values = np.moveaxis(values, 2, 0)
        return Products([(name, first)], values, np.ones_like(values), inside, sliding.corner(row, column))
    name, sliding = node.inputs[0], _sliding(source, node)
    maps, first = source.maps(name), channel
    if node.kind in POOLS:
        maps = maps[..., channel : channel + 1]
        values, inside = window(maps, sliding, row, column)
        kernel = inside[..., None] / inside.sum()
        if node.kind == "max_pool":
            kernel = np.zeros_like(values)
            kernel[np.unravel_index(np.where(inside, values[..., 0], -np.inf).argmax(), inside.shape)] = 1
    else:
        maps, kernel, first = _read_by(node, maps, _kernel(source, node), channel)
        values, inside = window(maps, sliding, row, column)
    inputs = [(name, first + number) for number in range(maps.shape[2])]
    values, kernel = (np.moveaxis(each.astype(np.float64), 2, 0) for each in (values, kernel))
    return Products(inputs, values, kernel, inside, sliding.corner(row, column))


def share(source: Source, node: Node, score: np.ndarray) -> np.ndarray:
    """Return what a softmax makes of the score of one class, beside those of all others."""
    scores = _logits(source, node)
    return np.asarray(np.exp(score - scores.max()) / np.exp(scores - scores.max()).sum())


def _logits(source: Source, node: Node) -> np.ndarray:
    """Return what a classifier says before its softmax, float64 `(classes,)`."""
    numbers = source.weights(node)
    assert numbers.kernel is not None
    below = source.maps(node.inputs[0]).astype(np.float64)
    sums = np.tensordot(below.reshape(-1), numbers.kernel.reshape(below.size, -1), 1)
    return np.asarray(numbers.scale * (sums + numbers.bias) + numbers.shift)
