"""Networks to walk into that cost nothing: EfficientNet-Lite0's plan or a small one, maps of waves, random weights.

What is said of them is what the real code says of a source: every answer is consistent in itself, none is a network's.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cnn_core.arithmetic.geometry import Field
from cnn_core.arithmetic.layers import Sliding, activated
from cnn_core.figures.palette import LIGHT
from cnn_core.networks.inside import Kernels
from cnn_core.networks.zoo.architectures import architecture
from cnn_core.networks.zoom import excites, lite, source
from cnn_core.networks.zoom import made as lower
from cnn_core.networks.zoom import strip as upper
from cnn_core.networks.zoom.answers import Cell, Exciting, Made, Maps, Strip
from cnn_core.networks.zoom.plan import Node, Plan, Stage, checked
from cnn_core.networks.zoom.source import Source, Weights
from ui.zoom import scenes, sums

LITE0 = "efficientnet_lite0"
TOP = (
    {"index": 281, "label": "tabby", "probability": 0.75},
    {"index": 282, "label": "lynx", "probability": 0.1},
)


class Waves:
    """A source whose maps are waves, another for each channel; the higher the node, the larger the area of each."""

    engine = "LiteRT"

    def __init__(self, plan: Plan, seen: np.ndarray) -> None:
        self.plan = plan
        self.seen = checked(plan, seen)

    def maps(self, name: str) -> np.ndarray:
        return waves(self.plan.node(name))

    def tells(self, name: str) -> bool:
        return name in lite.ENDS

    def weights(self, node: Node) -> Weights:
        inputs = self.plan.node(node.inputs[0]).shape[2] if node.inputs else 0
        return drawn(node, inputs, self.plan.nodes.index(node))

    def answers(self, top: int) -> list[dict[str, Any]]:
        return [dict(each) for each in TOP[:top]] if self.plan.pretrained else []


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
def drawn(node: Node, inputs: int, seed: int) -> Weights:
    """Return weights of a node on so many maps, drawn at random."""
    random, channels = np.random.default_rng(seed), node.shape[2]
    one, nothing = np.ones(channels), np.zeros(channels)
    if not node.weights:
        return Weights(None, nothing, one, nothing)
    sides = node.window.kernel_size if node.window else (1, 1)
    shape = (*sides, channels) if node.kind == "depthwise" else (*sides, inputs, channels)
    kernel = random.standard_normal(shape, np.float32)
    return Weights(kernel, nothing, 0.1 * one, random.standard_normal(channels))


def small(side: int = 32, channels: int = 12) -> Plan:
    """A stem and an inverted residual, under the key and the names of EfficientNet-Lite0."""
    half = side // 2

    def sliding(kernel_size: int, stride: int = 1) -> Sliding:
        before = (kernel_size - 1) // 2 if stride == 1 else 0
        return Sliding((kernel_size,) * 2, (stride,) * 2, (1, 1), ((before, 1), (before, 1)))

    def node(name: str, kind: str, below: str, count: int, field: Field, window: Sliding | None = None) -> Node:
        activation = "relu6" if name.endswith("relu6") else ""
        return Node(name, kind, (below,), (half, half, count), window, name, "", activation, 1, field)

    near, far = Field(3, 2, 0), Field(7, 2, 2)
    nodes = (
        Node("preprocess", "input", (), (side, side, 3), None, "", "", "", 1, Field()),
        node("stem_relu6", "convolution", "preprocess", channels, near, sliding(3, 2)),
        node("block1a_expand_relu6", "convolution", "stem_relu6", 2 * channels, near, sliding(1)),
        node("block1a_depthwise_relu6", "depthwise", "block1a_expand_relu6", 2 * channels, far, sliding(3)),
        node("block1a_out", "convolution", "block1a_depthwise_relu6", channels, far, sliding(1)),
    )
    stages = (Stage("1", ("stem_relu6",)), Stage("2", tuple(each.name for each in nodes[2:])))
    return Plan(LITE0, "trained on ImageNet", True, side, 3, 0.875, nodes, stages, ())


def strip(plan: Plan, most: int = 24) -> Strip:
    return upper.strip_of(_waves(plan), most)


def maps(plan: Plan, node: str) -> Maps:
    return upper.maps_of(_waves(plan), node)


def made(plan: Plan, node: str, channel: int) -> Made:
    return lower.made_of(_waves(plan), node, channel)


def cell(plan: Plan, node: str, channel: int, row: int, column: int) -> Cell:
    return lower.cell_of(_waves(plan), node, channel, row, column)


def peaks(plan: Plan, node: str, channel: int, digests: Sequence[str], most: int = 9) -> Exciting:
    """Each picture excites each channel, the first ones more, one cell further each time; the last one not at all."""
    channels = plan.node(node).shape[2]
    vectors = {
        digest: np.repeat([float(len(digests) - 1 - number), float(number)], channels)
        for number, digest in enumerate(digests)
    }
    return excites.ranked(plan, node, channel, vectors, most)


def plan_of(key: str) -> Plan:
    """Return the plan of EfficientNet-Lite0 for whatever network but the shipped LeNet-5, with random weights."""
    architecture(key)  # refuses what the worker would
    whole = source.by_table(key) or lite.plan()
    return whole if key == whole.key else replace(whole, key=key, weights="random weights", pretrained=False, labels=())


def answers(plan: Plan | None = None) -> dict[str, Callable[..., Any]]:
    """Return what a stand-in engine answers: of the network that is asked for, or always of this one."""

    def of(key: str, seen: np.ndarray) -> Source:
        if plan:
            return Waves(plan, seen)
        if key == "lenet5":
            return source.source(key, seen)  # the real one costs as little
        return Waves(plan_of(key), seen)

    return {
        "zoom_plan": plan_of,
        "zoom_strip": lambda key, seen, most=24: upper.strip_of(of(key, seen), most),
        "zoom_maps": lambda key, seen, node: upper.maps_of(of(key, seen), node),
        "zoom_map": lambda key, seen, *where: lower.made_of(of(key, seen), *where),
        "zoom_cell": lambda key, seen, *where: lower.cell_of(of(key, seen), *where),
        "zoom_peaks": lambda key, *about, location=None: peaks(plan or lite.plan(), *about),
        "first_kernels": lambda key: Kernels("stem_conv", drawn(lite.plan().node("stem_relu6"), 3, 0).kernel),
    }


def scenes_of_waves() -> dict[str, dict[str, Any]]:
    """A scene of each level, without its pictures: for `ui/widgets/zoom/zoom.test.js`."""
    plan = small(16, 9)
    near = sums.made(plan, made(plan, "block1a_out", 2), "", LIGHT)
    found = {
        "strip": scenes.whole(plan, strip(plan), "", LIGHT),
        "maps": scenes.layer(plan, maps(plan, "block1a_out"), "", LIGHT),
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


def _waves(plan: Plan) -> Waves:
    return Waves(plan, np.zeros((plan.input_size, plan.input_size, 3), np.uint8))


if __name__ == "__main__":
    file = Path(__file__).parents[1] / "ui" / "widgets" / "zoom" / "scenes.json"
    lines = [f'"{name}": {json.dumps(scene, ensure_ascii=False)}' for name, scene in scenes_of_waves().items()]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
