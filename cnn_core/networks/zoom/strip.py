"""The upper levels of a zoom: a whole network on a picture, and all maps of one node."""

import math

import numpy as np

from cnn_core.arithmetic.codes import coded
from cnn_core.networks.loaded import InspectionRefused
from cnn_core.networks.zoom import source as sources
from cnn_core.networks.zoom.answers import Maps, Mosaic, Strip
from cnn_core.networks.zoom.plan import Node, Plan, Stage
from cnn_core.networks.zoom.source import Source

SIDE = 40  # cells of a map on the strip, at most
CELLS = 200_000  # of all maps of a node together, at most: as many bytes


def plan(key: str) -> Plan:
    """Return what one walks through in a network; see `source.plan`."""
    return sources.plan(key)


def strip(key: str, seen: np.ndarray, most: int = 24) -> Strip:
    """Return a whole network on a picture: maps of each stage, and its answer.

    Args:
        key: One of `ARCHITECTURES`.
        seen: uint8 `(S, S, 3)`, as `plan.seen` cuts it.
        most: Maps a stage; at least 1.

    Raises:
        InspectionRefused: If one cannot walk into the network, or `seen` or `most` is out of range.
    """
    return strip_of(sources.source(key, seen), most)


def strip_of(source: Source, most: int = 24) -> Strip:
    """Return a whole network on a picture, whoever computes it; arguments and errors as of `strip`."""
    if most < 1:
        raise InspectionRefused(f"The strip shows at least 1 map a stage; received {most}.")
    stages = tuple(_mosaic(source, stage, node, most) for stage, node in source.plan.shown())
    return Strip(source.plan.key, source.seen.shape, stages, source.answers(5))


def maps(key: str, seen: np.ndarray, node: str) -> Maps:
    """Return all maps of a node.

    Args:
        key: One of `ARCHITECTURES`.
        seen: uint8 `(S, S, 3)`, as `plan.seen` cuts it.
        node: One of the plan's.

    Raises:
        InspectionRefused: If one cannot walk into the network, or there is no such node.
    """
    return maps_of(sources.source(key, seen), node)


def maps_of(source: Source, node: str) -> Maps:
    """Return all maps of a node, whoever computes them; as `maps`."""
    found = source.plan.node(node)
    values = _class_maps(source, found) if of_an_average(source.plan, found) else source.maps(node)
    step = stepped(values.shape, CELLS)
    low, high, peaks = _extremes(values)
    order = _most_varied(values) if values.shape[:2] != (1, 1) else np.argsort(-values[0, 0], kind="stable")
    return Maps(node, found.shape, coded(values[::step, ::step]), step, low, high, peaks, order.astype(np.int32))


def of_an_average(plan: Plan, node: Node) -> bool:
    """Whether a node is a classifier behind a global average: its sum is then a mean of class maps."""
    classifies = node.kind == "dense" and node.activation in ("", "softmax")
    return classifies and plan.node(node.inputs[0]).kind == "global_pool"


def averaged(plan: Plan, node: Node) -> str:
    """Return whose maps are averaged for such a classifier."""
    return plan.node(node.inputs[0]).inputs[0]


def _class_maps(source: Source, node: Node) -> np.ndarray:
    """Return what speaks where for each class, float32 `(h, w, classes)`; the mean and the bias are the logit.

    M[i, j] = Σ_c w[c] f[i, j, c]

    Source: Zhou et al. 2016, arXiv:1512.04150, section 2.
    """
    kernel = source.weights(node).kernel
    assert kernel is not None
    found: np.ndarray = source.maps(averaged(source.plan, node)) @ kernel[0, 0]
    return found


def _most_varied(maps: np.ndarray) -> np.ndarray:
    """Return the channels of `(h, w, C)` in the order of their variance, the largest first."""
    return maps.reshape(-1, maps.shape[-1]).var(axis=0).argsort(kind="stable")[::-1]


def stepped(shape: tuple[int, ...], cells: int) -> int:
    """Return the smallest step at which maps `(h, w, C)` have at most so many cells, or one each.

    >>> stepped((112, 112, 96), 200_000), stepped((7, 7, 1280), 200_000)
    (3, 1)
    """
    height, width, channels = shape
    step = 1
    while step < max(height, width) and math.ceil(height / step) * math.ceil(width / step) * channels > cells:
        step += 1
    return step


def _mosaic(source: Source, stage: Stage, node: Node, most: int) -> Mosaic:
    values = source.maps(node.name)
    channels = _most_varied(values)[:most]
    values, step = values[..., channels], -(-max(node.shape[:2]) // SIDE)
    low, high, peaks = _extremes(values)
    few = coded(values[::step, ::step])
    return Mosaic(stage.title, node.name, node.shape, tuple(map(int, channels)), few, low, high, peaks)


def _extremes(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smallest and largest value of each map of `(h, w, C)`, and where the latter is."""
    flat = maps.reshape(-1, maps.shape[-1])
    places = flat.argmax(axis=0)
    peaks = np.stack(np.unravel_index(places, maps.shape[:2]), axis=1).astype(np.int32)
    return flat.min(axis=0), np.take_along_axis(flat, places[None], axis=0)[0], peaks
