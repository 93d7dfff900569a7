"""The lower levels of a zoom: what one map is made of, and every product of one cell.

Each kind of node is told in one way: parts, one an input map, whose sum is scaled, shifted and activated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnn_core.arithmetic.codes import Coded, coded
from cnn_core.arithmetic.layers import Sliding, activated, per_channel, powers, strongest, window
from cnn_core.networks.inside import unit_box
from cnn_core.networks.loaded import InspectionRefused
from cnn_core.networks.zoom import source as sources
from cnn_core.networks.zoom.answers import Cell, Input, Made
from cnn_core.networks.zoom.plan import Node
from cnn_core.networks.zoom.source import Source
from cnn_core.networks.zoom.strip import averaged, of_an_average, stepped

SIDE = 56  # cells of an input or a part, at most
# Of the range of all maps of a node: a map below it is held against that. Two engines differ by some 1e-6 of the node's
# largest numbers, so that of a map which is nearly dead no share of its own range can be promised.
FLAT = 0.1
MADE_OF_NOTHING = ("multiply", "concatenate", "pad", "pointwise", "other")  # as yet
_ONE = Sliding((1, 1))


def made(key: str, seen: np.ndarray, node: str, channel: int, singly: int = 8) -> Made:
    """Return one map and what it is made of.

    Args:
        key: One of `ARCHITECTURES`.
        seen: uint8 `(S, S, 3)`, as `plan.seen` cuts it.
        node: One of the plan's.
        channel: From 0.
        singly: How many inputs are told one by one, at most; the others are told as one sum.

    Raises:
        InspectionRefused: If one cannot walk into the network, or there is no such node or channel.
    """
    return made_of(sources.source(key, seen), node, channel, singly)


def made_of(source: Source, node: str, channel: int, singly: int = 8) -> Made:
    """Return one map and what it is made of, whoever computes it; as `made`."""
    found = _found(source, node, channel, singly)
    numbers, terms = source.weights(found), _terms(source, found, channel)
    bias, scale, shift = (float(each[channel]) for each in (numbers.bias, numbers.scale, numbers.shift))
    power = powers(terms.parts)
    chosen, rest = strongest(terms.parts, singly)
    singles = terms.parts[..., chosen]
    total = singles.sum(axis=-1, dtype=np.float64) + rest
    output = total if of_an_average(source.plan, found) else activated(found.activation, scale * (total + bias) + shift)
    peak = np.unravel_index(output.argmax(), output.shape)
    parts = np.concatenate([singles, rest[..., None], total[..., None]], axis=-1)
    step = stepped((*parts.shape[:2], 1), SIDE**2)
    return Made(
        node,
        found.kind,
        channel,
        output.astype(np.float32),
        float(output.min()),
        float(output.max()),
        (int(peak[0]), int(peak[1])),
        _named(terms.inputs, chosen),
        _small(terms.maps[..., chosen]),
        coded(parts[::step, ::step], np.abs(parts).max()),
        terms.kernels[chosen],
        (power[chosen] / (power.sum() or 1.0)).astype(np.float32),
        len(terms.inputs) - len(chosen),
        bias,
        scale,
        shift,
        found.activation,
    )


def cell(key: str, seen: np.ndarray, node: str, channel: int, row: int, column: int, singly: int = 8) -> Cell:
    """Return one cell of a map and every product that it is made of, in float64.

    Args:
        key: One of `ARCHITECTURES`.
        seen: uint8 `(S, S, 3)`, as `plan.seen` cuts it.
        node: One of the plan's.
        channel: From 0.
        row: From 0.
        column: From 0.
        singly: How many inputs are told one by one, at most; the others are told as one sum.

    Raises:
        InspectionRefused: If one cannot walk into the network, or there is no such node, channel or cell.
    """
    return cell_of(sources.source(key, seen), node, channel, row, column, singly)


def cell_of(source: Source, node: str, channel: int, row: int, column: int, singly: int = 8) -> Cell:
    """Return one cell and every product that it is made of, whoever computes it; as `cell`."""
    found = _found(source, node, channel, singly)
    height, width = found.shape[:2]
    if not (0 <= row < height and 0 <= column < width):
        raise InspectionRefused(
            f"A map of {node} has the rows 0 to {height - 1} and the columns 0 to {width - 1}; "
            f"received row {row}, column {column}."
        )
    numbers, products = source.weights(found), _products(source, found, channel, row, column)
    bias, scale, shift = (float(each[channel]) for each in (numbers.bias, numbers.scale, numbers.shift))
    sums = (products.values * products.weights).sum(axis=(1, 2))
    chosen, rest = strongest(sums, singly)
    before = scale * (float(sums.sum()) + bias) + shift
    every = source.maps(node)
    if found.activation == "softmax":
        scores = logits(source, found)
        value = float(np.exp(before - scores.max()) / np.exp(scores - scores.max()).sum())
    else:
        value = float(activated(found.activation, np.array(before)))
    return Cell(
        node,
        found.kind,
        channel,
        row,
        column,
        _named(products.inputs, chosen),
        products.values[chosen],
        products.weights[chosen].astype(np.float32),
        products.inside,
        products.corner,
        sums[chosen],
        float(rest),
        len(sums) - len(chosen),
        bias,
        scale,
        shift,
        before,
        found.activation,
        value,
        float(every[row, column, channel]) if source.tells(node) else None,
        source.engine,
        scale_of(every, channel),
        unit_box(found.field, row, column, source.plan.input_size),
    )


def scale_of(maps: np.ndarray, channel: int) -> float:
    """Return what a difference at a map is held against: its range, of a flat map that of all maps `(h, w, C)`.

    >>> scale_of(np.array([[[0.0, 1.0], [4.0, 1.0]]]), 0), scale_of(np.array([[[0.0, 1.0], [4.0, 1.0]]]), 1)
    (4.0, 4.0)
    """
    own, every = (float(part.max() - part.min()) for part in (maps[..., channel], maps))
    return own if own > FLAT * every else every


def _found(source: Source, name: str, channel: int, singly: int) -> Node:
    node = source.plan.node(name)
    if not 0 <= channel < node.shape[2]:
        raise InspectionRefused(f"{name} has the maps 0 to {node.shape[2] - 1}; received {channel}.")
    if singly < 1:
        raise InspectionRefused(f"At least 1 input is told by itself; received {singly}.")
    if node.kind in MADE_OF_NOTHING:
        raise InspectionRefused(f"What a map of {name} is made of is not told: {node.reason or node.kind}.")
    return node


# One map --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Terms:
    """All inputs of a map: `maps` are `(H, W, n)`, `parts` `(h, w, n)`, `kernels` float32 `(n, kh, kw)`."""

    inputs: Sequence[Input]
    maps: np.ndarray
    parts: np.ndarray
    kernels: np.ndarray


def _terms(source: Source, node: Node, channel: int) -> _Terms:
    if node.kind == "input":
        pixels = source.seen[..., channel : channel + 1].astype(np.float32)
        return _Terms([("picture", channel)], pixels, pixels, np.ones((1, 1, 1), np.float32))
    if node.kind == "add":
        maps = np.stack([source.maps(name)[..., channel] for name in node.inputs], axis=-1)
        inputs = [(name, channel) for name in node.inputs]
        return _Terms(inputs, maps, maps, np.ones((len(inputs), 1, 1), np.float32))
    if of_an_average(source.plan, node):
        name = averaged(source.plan, node)
        maps, kernel, sliding = source.maps(name), _kernel(source, node)[..., channel], _ONE
    else:
        name, sliding = node.inputs[0], _sliding(source, node)
        maps = source.maps(name)
        if node.kind in ("max_pool", "average_pool", "global_pool"):
            alone = maps[..., channel : channel + 1]
            return _Terms([(name, channel)], alone, _pooled(node, alone, sliding), _shares(node, sliding))
        maps, kernel, first = _read_by(node, maps, _kernel(source, node), channel)
        return _laid(name, first, maps, kernel, sliding)
    return _laid(name, 0, maps, kernel, sliding)


def _laid(name: str, first: int, maps: np.ndarray, kernel: np.ndarray, sliding: Sliding) -> _Terms:
    inputs = [(name, first + number) for number in range(maps.shape[2])]
    return _Terms(inputs, maps, per_channel(maps, kernel, sliding), np.moveaxis(kernel, 2, 0))


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


def _pooled(node: Node, maps: np.ndarray, sliding: Sliding) -> np.ndarray:
    """A pool of one map `(H, W, 1)`; padding is no cell, neither of a maximum nor of an average."""
    positions = [(i, j) for i in range(node.shape[0]) for j in range(node.shape[1])]
    found = np.empty((*node.shape[:2], 1))
    for row, column in positions:
        values, inside = window(maps, sliding, row, column)
        under = values[inside, 0]
        found[row, column] = under.max() if node.kind == "max_pool" else under.mean()
    return found


def _shares(node: Node, sliding: Sliding) -> np.ndarray:
    if node.kind == "max_pool":
        return np.empty((1, 0, 0), np.float32)
    return np.full((1, *sliding.kernel_size), 1 / np.prod(sliding.kernel_size), np.float32)


def _named(inputs: Sequence[Input], chosen: np.ndarray) -> tuple[Input, ...]:
    return tuple((inputs[index][0], int(inputs[index][1])) for index in chosen)


def _small(maps: np.ndarray) -> Coded:
    step = stepped((*maps.shape[:2], 1), SIDE**2)
    return coded(maps[::step, ::step])


# One cell -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Products:
    """All inputs of a cell: `values` and `weights` are `(n, kh, kw)`, float64."""

    inputs: Sequence[Input]
    values: np.ndarray
    weights: np.ndarray
    inside: np.ndarray
    corner: tuple[int, int]


def _products(source: Source, node: Node, channel: int, row: int, column: int) -> _Products:
    if node.kind == "input":
        value = np.full((1, 1, 1), source.seen[row, column, channel], np.float64)
        return _Products([("picture", channel)], value, np.ones_like(value), np.ones((1, 1), bool), (row, column))
    if node.kind == "add":
        values = np.array([source.maps(name)[row, column, channel] for name in node.inputs], np.float64)
        inputs = [(name, channel) for name in node.inputs]
        here = (row, column)
        return _Products(inputs, values[:, None, None], np.ones((len(inputs), 1, 1)), np.ones((1, 1), bool), here)
    name, sliding = node.inputs[0], _sliding(source, node)
    maps, first = source.maps(name), channel
    if node.kind in ("max_pool", "average_pool", "global_pool"):
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
    return _Products(inputs, values, kernel, inside, sliding.corner(row, column))


def logits(source: Source, node: Node) -> np.ndarray:
    """Return what a classifier says before its softmax, float64 `(classes,)`."""
    numbers = source.weights(node)
    assert numbers.kernel is not None
    below = source.maps(node.inputs[0]).astype(np.float64)
    return np.einsum("hwc,hwcf->f", below, numbers.kernel) + numbers.bias
