"""EfficientNet-Lite0 as one walks through it, from the table of its stages; without Keras.

49 sums (a stem, 15 expansions, 16 depthwise, 16 projections, a top), 9 additions, an average and a classifier.
"""

from dataclasses import replace
from functools import cache
from itertools import pairwise

from cnn_core.arithmetic.geometry import Field, Window, output_size, padding_amounts
from cnn_core.arithmetic.layers import Sliding
from cnn_core.networks import backbones
from cnn_core.networks.backbones import DEFAULT
from cnn_core.networks.zoo.architectures import architecture
from cnn_core.networks.zoo.efficientnet_lite_weights import BLOCKS, STAGES
from cnn_core.networks.zoom.plan import Node, Plan, Stage

STEM, TOP, POOL, ANSWER = "stem_relu6", "top_out", "pool", "probabilities"
ENDS = (STEM, *(f"{block}_out" for block in BLOCKS), TOP)  # what `forward.every_block` gives, in its order
EPSILON = 1e-3  # of its BatchNorm
RESCALED = (127.0, 128.0)  # x → (x − 127) / 128


@cache
def plan() -> Plan:
    """Return its plan.

    Example:
        >>> [(stage.title, stage.nodes[-1]) for stage in plan().stages[:2]]
        [('1', 'block1a_out'), ('2', 'block2b_out')]
        >>> plan().node("block2b_expand_relu6").inputs, plan().node("block2b_out").inputs
        (('block2a_out',), ('block2a_out', 'block2b_project_bn'))
        >>> plan().node("block2b_out").field
        Field(size=19, stride=4, padding=6)
    """
    record = backbones.backbone(DEFAULT)
    rows = _Rows(record.input_size)
    image = rows.nodes[0].name
    last = rows.convolution(image, 32, 3, 2, name="stem")
    for block in BLOCKS:
        _, kernel_size, stride, expansion, filters = STAGES[int(block[5]) - 1]
        before, channels = last, rows.at(last).shape[2]
        if expansion != 1:
            last = rows.convolution(last, channels * expansion, name=f"{block}_expand")
        last = rows.depthwise(last, kernel_size, stride if block.endswith("a") else 1, name=f"{block}_depthwise")
        residual = rows.at(before).shape[:2] == rows.at(last).shape[:2] and channels == filters
        last = rows.projection(last, filters, f"{block}_project_conv", f"{block}_{'project_bn' if residual else 'out'}")
        if residual:
            last = rows.addition(before, last, f"{block}_out")
    last = rows.convolution(last, 1280, name="top", end=TOP)
    rows.head(last)
    ends = (*(architecture(DEFAULT).stage_ends[:-1]), TOP)
    return Plan(
        DEFAULT,
        f"trained on ImageNet, {record.top1}% top-1 as published",
        True,
        record.input_size,
        3,
        record.crop_fraction,
        tuple(rows.nodes),
        _stages([node.name for node in rows.nodes[1:]], ends),
        backbones.imagenet_labels(),
    )


def _stages(names: list[str], ends: tuple[str, ...]) -> tuple[Stage, ...]:
    bounds = [0, *(names.index(end) + 1 for end in ends)]
    numbered = (names[start:stop] for start, stop in pairwise(bounds))
    stages = [Stage(str(number), tuple(part)) for number, part in enumerate(numbered, 1)]
    return *stages, Stage("answer", tuple(names[bounds[-1] :]))


class _Rows:
    """The nodes so far."""

    def __init__(self, size: int) -> None:
        seen = Field(reach=(0, size - 1))
        self.nodes = [Node("preprocess", "input", (), (size, size, 3), norm="preprocess", field=seen)]

    def at(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def add(self, node: Node) -> str:
        self.nodes.append(node)
        return node.name

    def convolution(
        self, source: str, filters: int, kernel_size: int = 1, stride: int = 1, *, name: str, end: str = ""
    ) -> str:
        made = self._slid("convolution", source, filters, kernel_size, stride, f"{name}_conv", end or f"{name}_relu6")
        return self.add(replace(made, norm=f"{name}_bn", activation="relu6"))

    def depthwise(self, source: str, kernel_size: int, stride: int, name: str) -> str:
        channels = self.at(source).shape[2]
        made = self._slid("depthwise", source, channels, kernel_size, stride, f"{name}_conv", f"{name}_relu6")
        return self.add(replace(made, norm=f"{name}_bn", activation="relu6", groups=channels))

    def projection(self, source: str, filters: int, weights: str, norm: str) -> str:
        return self.add(replace(self._slid("convolution", source, filters, 1, 1, weights, norm), norm=norm))

    def addition(self, shortcut: str, source: str, name: str) -> str:
        wide = max((self.at(shortcut), self.at(source)), key=lambda node: node.field.size if node.field else 0)
        return self.add(Node(name, "add", (shortcut, source), wide.shape, field=wide.field))

    def head(self, source: str) -> None:
        height, width, channels = self.at(source).shape
        whole = f"{POOL} (GlobalAveragePooling2D) pools globally: from here on a neuron sees the whole image."
        pool = Node(POOL, "global_pool", (source,), (1, 1, channels), Sliding((height, width)), reason=whole)
        self.add(pool)
        labels = len(backbones.imagenet_labels())
        shape = (1, 1, labels)
        self.add(Node(ANSWER, "dense", (POOL,), shape, weights=ANSWER, activation="softmax", reason=pool.reason))

    def _slid(
        self, kind: str, source: str, channels: int, kernel_size: int, stride: int, weights: str, name: str
    ) -> Node:
        below = self.at(source)
        size, along = below.shape[0], Window(kernel_size, stride, "same")
        sides, length = padding_amounts(size, along), output_size(size, along)
        sliding = Sliding((kernel_size,) * 2, (stride,) * 2, padding=(sides, sides))
        seen = below.field and below.field.after(along, size)
        return Node(name, kind, (source,), (length, length, channels), sliding, weights, field=seen)
