"""A small network of random maps and what a worker would say of it: for the walk's scenes, and for their component."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnn_core.arithmetic.codes import coded
from cnn_core.arithmetic.geometry import Field
from cnn_core.arithmetic.layers import Sliding
from cnn_core.figures.palette import LIGHT
from cnn_core.networks.zoom import excites
from cnn_core.networks.zoom.answers import Cell, Exciting, Made, Maps, Mosaic, Strip
from cnn_core.networks.zoom.plan import Node, Plan, Stage
from ui.zoom import scenes, sums

LITE0 = "efficientnet_lite0"
SHOWN = 8


def plan(side: int = 32, channels: int = 12) -> Plan:
    """A stem, an inverted residual with its addition, and a classifier; titles are those of the embedded network."""
    half = side // 2

    def sliding(kernel_size: int, stride: int = 1) -> Sliding:
        before = (kernel_size - 1) // 2 if stride == 1 else 0
        return Sliding((kernel_size,) * 2, (stride,) * 2, (1, 1), ((before, 1), (before, 1)))

    def node(name: str, kind: str, source: str, count: int, field: Field, window: Sliding | None = None) -> Node:
        activation = "relu6" if name.endswith("relu6") else ""
        return Node(name, kind, (source,), (half, half, count), window, name, "", activation, 1, field)

    seen, near, far = Field(), Field(3, 2, 0), Field(7, 2, 2)
    nodes = (
        Node("preprocess", "input", (), (side, side, 3), None, "", "", "", 1, seen),
        node("stem_relu6", "convolution", "preprocess", channels, near, sliding(3, 2)),
        node("block1a_expand_relu6", "convolution", "stem_relu6", 2 * channels, near, sliding(1)),
        node("block1a_depthwise_relu6", "depthwise", "block1a_expand_relu6", 2 * channels, far, sliding(3)),
        node("block1a_out", "convolution", "block1a_depthwise_relu6", channels, far, sliding(1)),
    )
    stages = (Stage("1", ("stem_relu6",)), Stage("2", tuple(each.name for each in nodes[2:])), Stage("answer", ()))
    return Plan(LITE0, "trained on ImageNet", True, side, 3, 0.875, nodes, stages, ())


def maps_of(shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Smooth random maps, `(h, w, C)`."""
    height, width, channels = shape
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    waves = rng.normal(0, 7, (2, channels))
    turn = rng.uniform(0, 6, channels)
    found: np.ndarray = np.sin(rows[..., None] * waves[0] + columns[..., None] * waves[1] + turn)
    return (found * rng.uniform(0.2, 3, channels)).astype(np.float32)


def strip(whole: Plan, most: int = 24) -> Strip:
    stages = []
    for number, stage in enumerate(whole.stages[:-1]):
        node = whole.node(stage.nodes[-1])
        maps = maps_of(node.shape, number)
        chosen = maps.reshape(-1, maps.shape[2]).var(axis=0).argsort()[::-1][:most]
        shown = maps[..., chosen]
        low, high = shown.min(axis=(0, 1)), shown.max(axis=(0, 1))
        peaks = np.stack(np.unravel_index(shown.reshape(-1, len(chosen)).argmax(axis=0), node.shape[:2]), axis=1)
        channels = tuple(int(channel) for channel in chosen)
        stages.append(Mosaic(stage.title, node.name, node.shape, channels, coded(shown), low, high, peaks))
    top = [{"index": 281, "label": "tabby", "probability": 0.75}, {"index": 282, "label": "lynx", "probability": 0.04}]
    return Strip(whole.key, (whole.input_size, whole.input_size, 3), tuple(stages), top)


def maps(whole: Plan, name: str) -> Maps:
    node = whole.node(name)
    found = maps_of(node.shape, len(name))
    flat = found.reshape(-1, node.shape[2])
    peaks = np.stack(np.unravel_index(flat.argmax(axis=0), node.shape[:2]), axis=1)
    order = flat.var(axis=0).argsort()[::-1]
    return Maps(name, node.shape, coded(found), 1, flat.min(axis=0), flat.max(axis=0), peaks, order)


def made(whole: Plan, name: str, channel: int) -> Made:
    node = whole.node(name)
    source = whole.node(node.inputs[0])
    depthwise = node.kind == "depthwise"
    inputs = [channel] if depthwise else list(range(min(SHOWN, source.shape[2])))
    others = 0 if depthwise else source.shape[2] - len(inputs)
    parts = maps_of((*node.shape[:2], len(inputs) + 1), channel)
    if not others:
        parts[..., -1] = 0
    total = parts.sum(axis=2, keepdims=True)
    every = np.concatenate([parts, total], axis=2)
    assert node.window is not None
    kernels = np.random.default_rng(channel).normal(0, 1, (len(inputs), *node.window.kernel_size)).astype(np.float32)
    scale, shift = 0.75, -0.25
    output = total[..., 0] * scale + shift
    if node.activation:
        output = np.clip(output, 0, 6)
    peak = np.unravel_index(output.argmax(), output.shape)
    limit = np.full(every.shape[2], np.abs(every).max())
    return Made(
        name, node.kind, channel, output.astype(np.float32), float(output.min()), float(output.max()),
        (int(peak[0]), int(peak[1])), tuple((source.name, each) for each in inputs),
        coded(maps_of(source.shape, 3)[..., inputs]), coded(every, limit), kernels,
        np.linspace(0.4, 0.05, len(inputs)), others, 0.0, scale, shift, node.activation,
    )  # fmt: skip


def cell(whole: Plan, name: str, channel: int, row: int, column: int) -> Cell:
    """A cell whose products add up, and the network's own number beside it."""
    node = whole.node(name)
    found = made(whole, name, channel)
    assert node.window is not None
    rng = np.random.default_rng(row * 100 + column)
    values = rng.normal(0, 1, found.kernels.shape)
    inside = np.ones(node.window.kernel_size, bool)
    inside[0] = row > 0
    values[:, ~inside] = 0
    sums = (values * found.kernels).sum(axis=(1, 2))
    rest = 0.5 if found.others else 0.0
    before = (sums.sum() + rest) * found.scale + found.shift
    value = float(np.clip(before, 0, 6)) if found.activation else float(before)
    return Cell(
        name, node.kind, channel, row, column, found.inputs, values, found.kernels, inside, (row - 1, column - 1), sums,
        rest, found.others, found.bias, found.scale, found.shift, float(before), found.activation, value, value + 1e-6,
        "LiteRT", 6.0, (0, 2, 0, 2),
    )  # fmt: skip


def peaks(whole: Plan, name: str, channel: int, digests: Sequence[str], most: int = 9) -> Exciting:
    """Each picture excites each channel, the first ones more, one cell further each time; the last one not at all."""
    node = whole.node(name)
    vectors = {
        digest: np.repeat([float(len(digests) - 1 - number), float(number)], node.shape[2])
        for number, digest in enumerate(digests)
    }
    return excites.ranked(whole, name, channel, vectors, most)


def answers(whole: Plan) -> dict[str, Any]:
    """What a stand-in engine answers."""
    return {
        "zoom_strip": lambda key, seen, **_: strip(whole),
        "zoom_maps": lambda key, seen, name: maps(whole, name),
        "zoom_map": lambda key, seen, name, channel, **_: made(whole, name, channel),
        "zoom_cell": lambda key, seen, *where, **_: cell(whole, *where),
        "zoom_peaks": lambda key, *about, location=None: peaks(whole, *about),
    }


def scenes_of_random_maps() -> dict[str, dict[str, Any]]:
    """A scene of each level, without its pictures: for `ui/widgets/zoom/zoom.test.js`."""
    whole = plan(16, 9)
    near = sums.made(whole, made(whole, "block1a_out", 2), "", LIGHT)
    found = {
        "strip": scenes.whole(whole, strip(whole), "", LIGHT),
        "maps": scenes.layer(whole, maps(whole, "block1a_out"), "", LIGHT),
        "map": near,
        "cell": sums.at_cell(near, (3, 2)),
    }
    for scene in found.values():
        scene["sheets"] = {name: sheet | {"source": ""} for name, sheet in scene["sheets"].items()}
        for panel in scene["panels"]:
            if panel.get("values"):  # sines differ in their last bit from machine to machine
                numbers = np.arange(np.prod(panel["shape"]), dtype=np.float32) / 8 - 5
                panel["values"] = base64.b64encode(numbers.tobytes()).decode()
    return found


if __name__ == "__main__":
    file = Path(__file__).parents[1] / "ui" / "widgets" / "zoom" / "scenes.json"
    lines = [f'"{name}": {json.dumps(scene, ensure_ascii=False)}' for name, scene in scenes_of_random_maps().items()]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
