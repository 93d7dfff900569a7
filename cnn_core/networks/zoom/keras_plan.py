"""Any Keras network as one walks through it, read from its graph of layers.

A sum takes in what follows it up to the next fork: its BatchNorm, its activation, and the zeros that were laid around
its input. What is not understood is a node all the same, `other`, with the reason: its maps are shown, and the way down
ends there. Nothing is guessed.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import keras
from keras import layers

from cnn_core.arithmetic.geometry import padding_amounts
from cnn_core.arithmetic.layers import Sliding
from cnn_core.networks import layer_kinds as kinds
from cnn_core.networks.layer_fields import windows
from cnn_core.networks.loaded import InspectionRefused, Network, field_of
from cnn_core.networks.summary import LayerRow, calls, graph_of, layer_table
from cnn_core.networks.zoom.plan import Node, Plan, Stage

SUMS = ("convolution", "depthwise", "dense", "add", "pointwise")  # that take in a norm and an activation
_QUARTERS = 4  # stages of a network whose record names one end only
_FUNCTIONS = {
    **{name: name for name in ("linear", "relu", "relu6", "sigmoid", "tanh", "silu", "softmax", "gelu")},
    "swish": "silu",
}
_NOTHING = (  # what an answer is not changed by
    *(layers.Identity, layers.Dropout, layers.AlphaDropout, layers.GaussianDropout, layers.GaussianNoise),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D, layers.ActivityRegularization),
)
_MERGES = {layers.Add: "add", layers.Multiply: "multiply", layers.Concatenate: "concatenate"}


def read(model: keras.Model, facts: Network) -> Plan:
    """Return how one walks through a model.

    Args:
        model: A graph of layers `(N, H, W, C)` → `(N, classes)` or maps.
        facts: Of the network that it is.

    Raises:
        InspectionRefused: If it is no graph of layers on one picture.

    Example:
        >>> image = keras.Input((8, 8, 3), name="image")
        >>> x = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="conv")(image))
        >>> model = keras.Model(image, layers.ReLU(name="out")(x))
        >>> facts = Network("vgg16", False, "random", 8, 3, 1.0, (), ("out",), "", False)
        >>> [(node.name, node.kind, node.norm, node.activation) for node in read(model, facts).nodes]
        [('image', 'input', '', ''), ('out', 'convolution', 'norm', 'relu')]
    """
    return traced(model, facts)[0]


def traced(model: keras.Model, facts: Network) -> tuple[Plan, dict[str, Any]]:
    """Return how one walks through a model, and the symbolic tensor of each node; arguments and errors as of `read`."""
    graph = graph_of(model)
    if graph is None or len(graph.inputs) != 1 or len(graph.inputs[0].shape) != 4:
        raise InspectionRefused(f"One walks through graphs of layers on one picture; {facts.key} is none.")
    reader = _Reader(model, graph)
    for call in calls(graph):
        reader.take(call)
    nodes = tuple(draft.node for draft in reader.drafts)
    ends = [reader.at[end].node.name for end in facts.stage_ends if end in reader.at]
    plan = Plan(
        *(facts.key, facts.weights, facts.pretrained, facts.input_size, facts.channels, facts.crop_fraction),
        nodes,
        _stages(nodes, ends),
        facts.labels,
    )
    return plan, {draft.node.name: draft.tensor for draft in reader.drafts}


def _stages(nodes: Sequence[Node], ends: Sequence[str]) -> tuple[Stage, ...]:
    """The nodes up to each end, the last one at the last map; what follows is the answer."""
    names = [node.name for node in nodes[1:]]
    maps = [node.name for node in nodes[1:] if node.shape[:2] != (1, 1)]
    told = [node.name for node in nodes[1:] if node.shape[:2] != (1, 1) and node.kind != "other"]
    found = [end for end in ends if end in maps]
    if len(found) == 1:
        found = _quarters(maps, found[0])
    if told and (not found or names.index(told[-1]) > names.index(found[-1])):
        found = [*found[:-1], told[-1]]
    bounds = [0, *sorted({names.index(end) + 1 for end in found})]
    stages = [Stage(str(number), tuple(names[a:b])) for number, (a, b) in enumerate(pairwise(bounds), 1)]
    rest = names[bounds[-1] :]
    return (*stages, Stage("answer", tuple(rest))) if rest else tuple(stages)


def _quarters(maps: Sequence[str], end: str) -> list[str]:
    """Of a network in one stage: its first map, and a quarter, a half, … of its blocks."""
    pattern = re.sub(r"\d+", r"\\d+", end)
    blocks = [name for name in maps if re.fullmatch(pattern, name)]
    if len(blocks) < 2 * _QUARTERS:
        return [end]
    return [maps[0], *(blocks[len(blocks) * number // _QUARTERS - 1] for number in range(1, _QUARTERS + 1))]


@dataclass(eq=False)
class _Draft:
    """A node as far as it is read; `open`: nothing but the next layer reads it, which may thus become part of it."""

    node: Node
    tensor: Any
    open: bool


class _Reader:
    """Drafts so far, and which of them each tensor and each layer belongs to."""

    def __init__(self, model: keras.Model, graph: Any) -> None:
        self.rows: dict[str, LayerRow] = {}
        for row in layer_table(model):
            self.rows.setdefault(row.name, row)
            self.rows[row.name.partition("/")[0]] = row  # of a model within, its last
        self.uses = Counter(id(tensor) for call in calls(graph) for tensor in call.input_tensors)
        self.uses.update(id(tensor) for tensor in graph.outputs)
        self.drafts: list[_Draft] = []
        self.known: dict[int, _Draft] = {}
        self.at: dict[str, _Draft] = {}
        image = graph.inputs[0]
        shape = tuple(image.shape[1:])
        self._add("input", image._keras_history.operation.name, (), shape, image)

    def take(self, call: Any) -> None:
        """Read the next call of a layer."""
        layer, output = call.operation, call.outputs[0]
        below = [self.known[id(tensor)] for tensor in call.input_tensors if id(tensor) in self.known]
        trusted = kinds.is_keras(layer) and not isinstance(layer, keras.Model) and len(call.outputs) == 1
        trusted = trusted and getattr(layer, "data_format", None) in (None, "channels_last")
        shape = _shape(tuple(output.shape))
        first_call = layer.name not in self.at
        if trusted and shape and len(below) == len(call.input_tensors) and first_call:
            if len(below) == 1 and self._absorbed(layer, below[0], output, shape):
                return
            if self._understood(layer, below, output, shape):
                return
        names = tuple(dict.fromkeys(draft.node.name for draft in below))
        why = "it is called more than once" if not first_call else _why_not(layer)
        self._add("other", layer.name, names, shape or (1, 1, 1), output, reason=why)

    # What becomes a part of the node below ----------------------------------------------------------------------------

    def _absorbed(self, layer: Any, below: _Draft, output: Any, shape: tuple[int, int, int]) -> bool:
        if _changes_nothing(layer, below.node.shape, shape):
            below.open &= self.uses[id(output)] == 1
            self._belongs(layer, output, below)
            return True
        node = below.node
        if not below.open or shape != node.shape:
            return False
        if _scales(layer) and not node.norm and not node.activation:
            if node.kind in SUMS or (node.kind == "input" and isinstance(layer, layers.Rescaling)):
                return self._grown(layer, below, output, norm=layer.name)
            return False
        name = _function(layer) if _activates(layer) else ""
        fits = name != "softmax" or (node.kind == "dense" and node.shape[:2] == (1, 1))
        if name and fits and node.kind in SUMS and not node.activation:
            return self._grown(layer, below, output, activation=name if name != "linear" else "")
        return False

    def _grown(self, layer: Any, below: _Draft, output: Any, **parts: Any) -> bool:
        below.node = replace(below.node, name=layer.name, **parts)
        below.tensor, below.open = output, self.uses[id(output)] == 1
        self._belongs(layer, output, below)
        return True

    def _belongs(self, layer: Any, output: Any, draft: _Draft) -> None:
        self.known[id(output)] = draft
        self.at[layer.name] = draft

    # What is a node of its own ----------------------------------------------------------------------------------------

    def _understood(self, layer: Any, below: Sequence[_Draft], output: Any, shape: tuple[int, int, int]) -> bool:
        facts: dict[str, Any] | None = None
        if len(below) > 1:
            facts = _merge(layer, [draft.node for draft in below], shape)
        elif isinstance(layer, layers.Dense):
            facts = _dense(layer, below[0].node, shape)
        elif isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D) and not isinstance(layer, kinds.TRANSPOSED):
            facts = self._convolution(layer, below[0], shape)
        elif isinstance(layer, layers.MaxPooling2D | layers.AveragePooling2D):
            kind = "max_pool" if isinstance(layer, layers.MaxPooling2D) else "average_pool"
            facts = {"kind": kind, "window": _sliding(layer, below[0].node.shape)}
        elif isinstance(layer, layers.GlobalMaxPooling2D | layers.GlobalAveragePooling2D):
            kind = "max_pool" if isinstance(layer, layers.GlobalMaxPooling2D) else "global_pool"
            facts = {"kind": kind, "window": Sliding(below[0].node.shape[:2])}
        elif isinstance(layer, layers.ZeroPadding2D):
            facts = {"kind": "pad", "window": Sliding((1, 1), padding=layer.padding)}
        elif (taken := _taken(layer, below[0].node)) is not None:
            facts = {"kind": "concatenate", "channels": taken}
        elif below[0].node.shape == shape and len(output.shape) > 1:
            if _scales(layer):
                facts = {"kind": "pointwise", "norm": layer.name}
            elif _activates(layer) and (name := _function(layer)) not in ("", "softmax"):
                facts = {"kind": "pointwise", "activation": name if name != "linear" else ""}
        if facts is None:
            return False
        facts = {"inputs": tuple(draft.node.name for draft in below)} | facts
        self._add(facts.pop("kind"), layer.name, facts.pop("inputs"), shape, output, **facts)
        return True

    def _convolution(self, layer: Any, below: _Draft, shape: tuple[int, int, int]) -> dict[str, Any] | None:
        activation = _function(layer)
        if activation in ("", "softmax") or isinstance(layer, kinds.SEPARABLE):
            return None
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        if depthwise and layer.depth_multiplier != 1:
            return None
        node, sliding = below.node, _sliding(layer, below.node.shape)
        inputs: tuple[str, ...] = (node.name,)
        if node.kind == "pad" and below.open and layer.padding == "valid" and node.window is not None:
            self.drafts.remove(below)  # its zeros are this one's padding
            sliding, inputs = replace(sliding, padding=node.window.padding), node.inputs
        return {
            "kind": "depthwise" if depthwise else "convolution",
            "inputs": inputs,
            "window": sliding,
            "weights": layer.name,
            "activation": activation if activation != "linear" else "",
            "groups": shape[2] if depthwise else layer.groups,
        }

    def _add(
        self, kind: str, name: str, inputs: tuple[str, ...], shape: tuple[int, int, int], tensor: Any, **facts: Any
    ) -> None:
        taken = {draft.node.name for draft in self.drafts}
        unique = (
            name if name not in taken else next(n for n in (f"{name}_{i}" for i in range(2, 999)) if n not in taken)
        )
        row = self.rows.get(name)
        seen = field_of(row) if row else None
        reason = facts.pop("reason", "") or ("" if seen or row is None else row.reason)
        node = Node(unique, kind, inputs, shape, field=seen, reason=reason, **facts)
        draft = _Draft(node, tensor, self.uses[id(tensor)] == 1)
        self.drafts.append(draft)
        self.known[id(tensor)] = draft
        self.at.setdefault(name, draft)


# Layers one by one ----------------------------------------------------------------------------------------------------


def _shape(shape: tuple[int | None, ...]) -> tuple[int, int, int] | None:
    """Rows, columns and channels; tokens lie in a square, a class token before them is left out."""
    if None in shape[1:]:
        return None
    sizes = tuple(size or 0 for size in shape[1:])
    if len(sizes) == 3:
        return sizes[0], sizes[1], sizes[2]
    if len(sizes) == 1:
        return 1, 1, sizes[0]
    if len(sizes) == 2:
        for count in (sizes[0], sizes[0] - 1):
            side = int(count**0.5 + 0.5)
            if side * side == count and side:
                return side, side, sizes[1]
    return None


def _changes_nothing(layer: Any, before: tuple[int, int, int], after: tuple[int, int, int]) -> bool:
    if isinstance(layer, _NOTHING) or kinds.is_part(layer, ("StochasticDepth",)):
        return True
    if isinstance(layer, layers.Flatten):
        return after[:2] == (1, 1)  # who reads it reads the map as it lies
    return isinstance(layer, layers.Reshape) and before == after  # tokens of cells, or a vector as one cell


def _scales(layer: Any) -> bool:
    """Whether it has one factor and one summand a channel."""
    if isinstance(layer, layers.BatchNormalization | layers.Normalization):
        axes = layer.axis if isinstance(layer.axis, list | tuple) else (layer.axis,)
        return {axis if axis >= 0 else axis + 4 for axis in axes if axis is not None} == {3}
    return isinstance(layer, layers.Rescaling) or kinds.is_part(layer, ("LayerScale",))


def _activates(layer: Any) -> bool:
    """Whether it is an activation and nothing else."""
    ours = type(layer).__name__ == "ScaledTanh" and kinds.is_ours(layer)
    return ours or isinstance(layer, layers.ReLU | layers.Softmax | layers.Activation)


def _function(layer: Any) -> str:
    """The activation that a layer is or has, as `arithmetic.layers` calls it; empty if that does not know it."""
    if isinstance(layer, layers.ReLU):
        if layer.negative_slope or layer.threshold:
            return ""
        return {None: "relu", 6.0: "relu6"}.get(layer.max_value, "")
    if isinstance(layer, layers.Softmax):
        return "softmax" if layer.axis == -1 else ""
    if type(layer).__name__ == "ScaledTanh":
        return "scaled_tanh"
    if isinstance(layer, layers.Activation | layers.Conv2D | layers.DepthwiseConv2D | layers.Dense):
        return _FUNCTIONS.get(getattr(layer.activation, "__name__", ""), "")
    return ""


def _dense(layer: Any, below: Node, shape: tuple[int, int, int]) -> dict[str, Any] | None:
    activation, reads = _function(layer), int(layer.kernel.shape[0])
    height, width, channels = below.shape
    facts = {"weights": layer.name, "activation": activation if activation != "linear" else ""}
    if not activation:
        return None
    if shape[:2] == (1, 1) and reads == height * width * channels:
        return {"kind": "dense", **facts}
    if shape[:2] == (height, width) and reads == channels and activation != "softmax":
        return {"kind": "convolution", "window": Sliding((1, 1)), **facts}  # at each position: 1 × 1
    return None


def _merge(layer: Any, below: Sequence[Node], shape: tuple[int, int, int]) -> dict[str, Any] | None:
    kind = next((kind for merge, kind in _MERGES.items() if isinstance(layer, merge)), "")
    if kind == "add" and all(node.shape == shape for node in below):
        return {"kind": kind}
    if kind == "multiply" and len(below) == 2:
        whole = [node.shape == shape for node in below]
        gates = [node.shape == (1, 1, shape[2]) for node in below]
        if all(whole) or (any(whole) and any(gates)):
            inputs = tuple(node.name for node in (below if whole[0] else below[::-1]))
            return {"kind": kind, "inputs": inputs}  # the gate, if there is one, last
    channels, beside = sum(node.shape[2] for node in below), all(node.shape[:2] == shape[:2] for node in below)
    if kind == "concatenate" and layer.axis in (-1, 3) and beside and channels == shape[2]:
        return {"kind": kind}
    return None


def _taken(layer: Any, below: Node) -> tuple[int, ...] | None:
    """Which channels a layer takes over, in its order; None if that is not what it does."""
    if type(layer).__name__ == "Channels" and kinds.is_ours(layer):
        return tuple(layer.indices)
    if kinds.is_part(layer, ("Flip",)) and layer.axis in (-1, 3):  # blue, green, red
        return tuple(reversed(range(below.shape[2])))
    return None


def _sliding(layer: Any, shape: tuple[int, int, int]) -> Sliding:
    along = windows(layer, 2)
    rows, columns = (padding_amounts(size, each) for size, each in zip(shape[:2], along, strict=True))
    (a, b), (c, d), (e, f) = ([getattr(each, n) for each in along] for n in ("kernel_size", "stride", "dilation"))
    return Sliding((a, b), (c, d), (e, f), (rows, columns))


def _why_not(layer: Any) -> str:
    """Why it is not told how a layer's maps are made, as a part of a sentence."""
    kind = type(layer).__name__
    if isinstance(layer, keras.Model):
        return f"{kind} is a model within the model, whose layers have no maps of their own here"
    if isinstance(layer, kinds.ATTENTION):
        return "attention weighs all positions by how well each suits this one, so that it has no kernel"
    if isinstance(layer, layers.LayerNormalization):
        return (
            "LayerNormalization divides each position by the spread of its own channels, so that it is no sum of maps"
        )
    if kind == "LocalResponseNormalization":
        return "it divides each number by those of its neighbouring channels, so that it is no sum of maps"
    if isinstance(layer, kinds.SEPARABLE):
        return f"{kind} is two convolutions in one layer"
    if kind == "Positions" and kinds.is_ours(layer):
        return "it adds a vector that was learnt for each position"
    return f"{kind} is no sum that this walk knows"
