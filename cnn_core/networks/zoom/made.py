"""The lower levels of a zoom: what one map is made of, and every product of one cell.

What each kind of node makes of its inputs is in `terms`.
"""

from collections.abc import Sequence

import numpy as np

from cnn_core.arithmetic.codes import Coded, coded
from cnn_core.arithmetic.layers import activated, powers, strongest
from cnn_core.networks.inside import unit_box
from cnn_core.networks.loaded import InspectionRefused
from cnn_core.networks.zoom import source as sources
from cnn_core.networks.zoom.answers import Cell, Input, Made
from cnn_core.networks.zoom.plan import Node
from cnn_core.networks.zoom.source import Source
from cnn_core.networks.zoom.strip import of_an_average, stepped
from cnn_core.networks.zoom.terms import products, share, terms

SIDE = 56  # cells of an input or a part, at most
# Of the range of all maps of a node: a map below it is held against that. Two engines differ by some 1e-6 of the node's
# largest numbers, so that of a map which is nearly dead no share of its own range can be promised.
FLAT = 0.1


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
    if found.kind == "other":
        return _shown(source, found, channel)
    numbers, told = source.weights(found), terms(source, found, channel)
    bias, scale, shift = (float(each[channel]) for each in (numbers.bias, numbers.scale, numbers.shift))
    power = powers(told.parts)
    chosen, rest = strongest(told.parts, singly)
    singles = told.parts[..., chosen]
    total = singles.sum(axis=-1, dtype=np.float64) + rest
    before = scale * (total + bias) + shift
    if of_an_average(source.plan, found):
        output = total
    elif found.activation == "softmax":
        output = share(source, found, before)
    else:
        output = activated(found.activation, before)
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
        _named(told.inputs, chosen),
        _small(told.maps[..., chosen]),
        coded(parts[::step, ::step], np.abs(parts).max()),
        told.kernels[chosen],
        (power[chosen] / (power.sum() or 1.0)).astype(np.float32),
        len(told.inputs) - len(chosen),
        bias,
        scale,
        shift,
        found.activation,
        told.factor,
    )


def _shown(source: Source, node: Node, channel: int) -> Made:
    """A map of which it is not told how it is made."""
    output = source.maps(node.name)[..., channel]
    peak = np.unravel_index(output.argmax(), output.shape)
    none = coded(np.zeros((1, 1, 0)))
    return Made(
        node.name,
        node.kind,
        channel,
        np.array(output, np.float32),
        float(output.min()),
        float(output.max()),
        (int(peak[0]), int(peak[1])),
        (),
        none,
        none,
        np.zeros((0, 0, 0), np.float32),
        np.zeros(0, np.float32),
        others=0,
        bias=0.0,
        scale=1.0,
        shift=0.0,
        activation="",
        reason=_why(node),
    )


def _why(node: Node) -> str:
    return f"What this map is made of is not told: {(node.reason or node.kind).rstrip('.')}."


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
    """Return one cell and every product that it is made of, whoever computes it; arguments and errors as of `cell`."""
    found = _found(source, node, channel, singly)
    height, width = found.shape[:2]
    if not (0 <= row < height and 0 <= column < width):
        raise InspectionRefused(
            f"A map of {node} has the rows 0 to {height - 1} and the columns 0 to {width - 1}; "
            f"received row {row}, column {column}."
        )
    if found.kind == "other":
        return _shown_cell(source, found, channel, row, column)
    numbers, told = source.weights(found), products(source, found, channel, row, column)
    bias, scale, shift = (float(each[channel]) for each in (numbers.bias, numbers.scale, numbers.shift))
    sums = (told.values * told.weights).sum(axis=(1, 2))
    chosen, rest = strongest(sums, singly)
    before = scale * (float(sums.sum()) + bias) + shift
    every = source.maps(node)
    if found.activation == "softmax":
        value = float(share(source, found, np.array(before)))
    else:
        value = float(activated(found.activation, np.array(before)))
    return Cell(
        node,
        found.kind,
        channel,
        row,
        column,
        _named(told.inputs, chosen),
        told.values[chosen],
        told.weights[chosen].astype(np.float32),
        told.inside,
        told.corner,
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
        told.factor,
    )


def _shown_cell(source: Source, node: Node, channel: int, row: int, column: int) -> Cell:
    """A cell of which it is not told how it is made."""
    every, none = source.maps(node.name), np.zeros((0, 1, 1))
    value = float(every[row, column, channel])
    return Cell(
        node.name,
        node.kind,
        channel,
        row,
        column,
        inputs=(),
        values=none,
        weights=none.astype(np.float32),
        inside=np.ones((1, 1), bool),
        corner=(row, column),
        sums=np.zeros(0),
        rest=0.0,
        others=0,
        bias=0.0,
        scale=1.0,
        shift=0.0,
        before=value,
        activation="",
        value=value,
        engine=value,
        by=source.engine,
        range=scale_of(every, channel),
        box=unit_box(node.field, row, column, source.plan.input_size),
        reason=_why(node),
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
    return node


def _named(inputs: Sequence[Input], chosen: np.ndarray) -> tuple[Input, ...]:
    return tuple((inputs[index][0], int(inputs[index][1])) for index in chosen)


def _small(maps: np.ndarray) -> Coded:
    step = stepped((*maps.shape[:2], 1), SIDE**2)
    return coded(maps[::step, ::step])
