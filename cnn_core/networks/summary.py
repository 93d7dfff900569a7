"""Any Keras model as plain rows: shape, parameters, multiply-adds, receptive field. The only parser of Keras layers.

It walks the graph of layers from the input on and keeps, for each tensor, what one of its units sees at inference.
Where there is no number it says why, and never guesses.
"""

import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from cnn_core.arithmetic.geometry import Field, Window
from cnn_core.networks import layer_kinds as kinds
from cnn_core.networks.layer_costs import MultiplyAdds, einsum_sizes, multiply_adds

Extent = int | tuple[int, ...]  # one number if all axes agree, else one an axis: (rows, columns)
Shape = tuple[int | None, ...]
FORMATS = ("channels_last", "channels_first")


@dataclass(frozen=True)
class LayerRow:
    """One layer, once for each time it is called.

    Attributes:
        name: The layer's name; inside a nested model `model/layer`.
        kind: Its class.
        output_shape: Shape of its (first) output without the batch, `(H, W, C)`; None where an axis is free.
        params: All its numbers, with BatchNorm's statistics; weights that an earlier row has counted are not counted
            again, so that the rows add up to `model.count_params()`.
        trainable_params: Those that training changes.
        macs: Multiply-adds for one image; None where they are not known.
        receptive_field: Pixels of the input that one unit sees, along each axis; None where there is no such number.
        effective_stride: Pixels of the input between the fields of two neighbours.
        effective_padding: Pixels by which the first field reaches over the top left border; negative after a crop.
        reason: Why a number is missing; empty if none is.
        products: Those of the multiply-adds that are of numbers with each other, not with weights: in attention.
    """

    name: str
    kind: str
    output_shape: Shape
    params: int
    trainable_params: int
    macs: int | None
    receptive_field: Extent | None
    effective_stride: Extent | None
    effective_padding: Extent | None
    reason: str = ""
    products: int = 0


def layer_table(model: Any, input_size: int | tuple[int, ...] | None = None) -> list[LayerRow]:
    """Return a row for each layer of a Keras model, in the order of its graph.

    Args:
        model: A Keras model that is built.
        input_size: Length of the input along each axis, in pixels; a number means a square. None for the size that the
            model was built with.

    Returns:
        The rows; their `params` sum to `model.count_params()`.

    Raises:
        ValueError: If the model is not built, or does not take this input size.

    Example:
        >>> model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 5, 2, name="conv1")])
        >>> row = layer_table(model)[-1]
        >>> row.name, row.output_shape, row.params, row.macs, row.receptive_field, row.effective_stride
        ('conv1', (14, 14, 8), 608, 117600, 5, 2)

    Source: Araujo, Norris & Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill.
    """
    total = model.count_params()  # raises ValueError if the model is not built
    table = _Table()
    graph = _graph(model)
    if graph is None:
        seen = _Seen(None, None, "Not a graph of layers: only Python code.")
        table.add(model, model.name, (), MultiplyAdds(None), seen)
        return table.rows
    table.channels_first = next(_formats(graph), keras.config.image_data_format()) == "channels_first"
    sources = []
    for tensor in graph.inputs:
        shape = _resized(tuple(tensor.shape), input_size, table.channels_first)
        spatial = len(shape) - 2
        axes = (_Axis(Field()),) * spatial if spatial > 0 else None
        seen = _Seen(keras.KerasTensor(shape, tensor.dtype), axes, "" if axes else "The input has no rows and columns.")
        sources.append(seen)
        table.add(tensor._keras_history.operation, tensor._keras_history.operation.name, shape, MultiplyAdds(0), seen)
    table.walk(graph, sources, "")
    missing = total - sum(row.params for row in table.rows)
    if missing:  # weights that the model itself owns
        trainable = sum(math.prod(v.shape) for v in model.trainable_weights)
        trainable -= sum(row.trainable_params for row in table.rows)
        kind, shape = type(model).__name__, table.rows[-1].output_shape
        reason = "Weights of the model itself, or of layers outside of its graph."
        table.rows.append(LayerRow(model.name, kind, shape, missing, trainable, None, None, None, None, reason))
    return table.rows


# What a unit of a tensor sees ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Axis:
    """A field, whose padding is its own (the known part) and that of the layers that are listed (the unknown part)."""

    field: Field
    unknown: tuple[str, ...] = ()

    def after(self, window: Window, size: int | None, name: str) -> "_Axis":
        field = self.field.after(window, size)
        if field.padding is None:
            return _Axis(replace(field, padding=self.field.padding), (*self.unknown, name))
        return replace(self, field=field)

    def shifted(self, before: int) -> "_Axis":
        return replace(self, field=replace(self.field, padding=_known(self.field) + before * self.field.stride))


@dataclass(frozen=True)
class _Seen:
    """A tensor: its shape, and what its units see or why there is no number for it."""

    tensor: Any
    axes: tuple[_Axis, ...] | None
    reason: str = ""

    @property
    def shape(self) -> Shape:
        return tuple(self.tensor.shape)


def _known(field: Field) -> int:
    assert field.padding is not None  # an _Axis keeps the unknown part apart
    return field.padding


def _merged(name: str, branches: Sequence[_Seen], tensor: Any, channels_first: bool) -> _Seen:
    """The largest of the branches, if their centres agree."""
    for branch in branches:
        if branch.axes is None:
            return _Seen(tensor, None, branch.reason)
    if len({_spatial(shape, channels_first) for shape in (tensor.shape, *(b.shape for b in branches))}) > 1:
        return _Seen(tensor, None, f"{name} spreads one value over many positions, so that its units differ.")
    merged = []
    for index, axis_of_all in enumerate(zip(*(branch.axes or () for branch in branches), strict=True)):
        direction = ("vertical", "horizontal")[index] if len(branches[0].axes or ()) == 2 else f"axis {index}"
        if len({axis.field.stride for axis in axis_of_all}) > 1:
            return _Seen(tensor, None, _NOT_ALIGNED.format("effective strides", direction, name))
        if len({axis.unknown for axis in axis_of_all}) > 1:
            return _Seen(tensor, None, f"Unknown input size: whether the branches of {name} are aligned depends on it.")
        if len({axis.field.size - 2 * _known(axis.field) for axis in axis_of_all}) > 1:
            return _Seen(tensor, None, _NOT_ALIGNED.format("center shift", direction, name))
        merged.append(max(axis_of_all, key=lambda axis: axis.field.size))
    return _Seen(tensor, tuple(merged))


# The words of google-research/receptive_field, which accompanies the paper.
_NOT_ALIGNED = "Graph is not aligned since {} from different paths is different in {} direction (at {})."

# What a layer's units see ---------------------------------------------------------------------------------------------


def _follow(layer: Any, name: str, inputs: Sequence[_Seen], tensor: Any, channels_first: bool) -> _Seen:
    """What the units of a layer's output see."""
    first, trusted = inputs[0], kinds.is_keras(layer)
    axes, channel = first.axes or (), 1 if channels_first else len(first.shape) - 1
    if trusted and (isinstance(layer, kinds.MERGES) or kinds.is_part(layer, kinds.MERGING_PARTS)):
        if isinstance(layer, keras.layers.Concatenate) and axes and layer.axis % len(first.shape) != channel:
            return _Seen(tensor, None, f"{name} joins images side by side: its units see windows of no one size.")
        return _merged(name, inputs, tensor, channels_first)
    for seen in inputs:
        if seen.axes is None and not (trusted and isinstance(layer, kinds.GLOBAL + kinds.ATTENTION)):
            return _Seen(tensor, None, seen.reason)
    trusted = trusted and not (channels_first and getattr(layer, "activation", None) is keras.activations.softmax)
    trusted = trusted and getattr(layer, "data_format", None) in (None, FORMATS[channels_first])
    if trusted and len(inputs) == 1:
        if isinstance(layer, kinds.CONVOLUTIONS + kinds.POOLINGS):
            windows = zip(axes, _windows(layer, len(axes)), _spatial(first.shape, channels_first), strict=True)
            return _Seen(tensor, tuple(axis.after(window, size, name) for axis, window, size in windows))
        if isinstance(layer, kinds.PADDINGS + kinds.CROPPINGS):
            sign, sides = (1, layer.padding) if isinstance(layer, kinds.PADDINGS) else (-1, layer.cropping)
            pairs = zip(axes, (sides,) if len(axes) == 1 else sides, strict=True)
            return _Seen(tensor, tuple(axis.shifted(sign * before) for axis, (before, _) in pairs))
        if _is_pixelwise(layer, len(first.shape), channel):
            return replace(first, tensor=tensor)
    why = next((why for kinds, why in kinds.REFUSED if trusted and isinstance(layer, kinds)), kinds.UNKNOWN)
    return _Seen(tensor, None, f"{name} ({type(layer).__name__}) {why}.")


def _is_pixelwise(layer: Any, rank: int, channel: int) -> bool:
    """Whether each position of the output depends on the same position of the input only."""
    if isinstance(layer, kinds.ON_AN_AXIS):
        numbers = layer.axis if isinstance(layer.axis, (list, tuple)) else (layer.axis,)
        return {number % rank for number in numbers} == {channel}
    if isinstance(layer, keras.layers.Dense) or kinds.is_ours(layer):
        return channel == rank - 1  # along the last axis: of each pixel, if that is the channels
    return isinstance(layer, kinds.PIXELWISE) or kinds.is_part(layer, kinds.PIXELWISE_PARTS)


def _windows(layer: Any, rank: int) -> list[Window]:
    sizes = layer.pool_size if isinstance(layer, kinds.POOLINGS) else layer.kernel_size
    dilations = getattr(layer, "dilation_rate", 1)
    columns = (_each(value, rank) for value in (sizes, layer.strides, dilations))
    windows = [Window(k, s, dilation=d) for k, s, d in zip(*columns, strict=True)]
    return [replace(w, padding=(w.span - 1, 0) if layer.padding == "causal" else layer.padding) for w in windows]


# The walk through the graph ------------------------------------------------------------------------------------------


class _Table:
    """The rows so far, and which weights they have counted."""

    def __init__(self) -> None:
        self.rows: list[LayerRow] = []
        self.counted: set[int] = set()
        self.channels_first = False

    def add(self, layer: Any, name: str, shape: Shape, macs: MultiplyAdds, seen: _Seen) -> None:
        fresh = [v for v in getattr(layer, "weights", ()) if id(v) not in self.counted]
        self.counted.update(id(v) for v in fresh)
        trainable = {id(v) for v in getattr(layer, "trainable_weights", ())}
        reasons = [seen.reason, macs.reason]
        field = stride = padding = None
        if seen.axes is not None:
            field = _extent([axis.field.size for axis in seen.axes])
            stride = _extent([axis.field.stride for axis in seen.axes])
            unknown = [axis.unknown for axis in seen.axes if axis.unknown]
            padding = None if unknown else _extent([_known(axis.field) for axis in seen.axes])
            reasons += [f"Unknown input size: the SAME padding of {names[0]} depends on it." for names in unknown[:1]]
        params = sum(math.prod(v.shape) for v in fresh)
        trained = sum(math.prod(v.shape) for v in fresh if id(v) in trainable)
        reason = " ".join(reason for reason in reasons if reason)
        numbers = (params, trained, macs.count, field, stride, padding)
        self.rows.append(LayerRow(name, type(layer).__name__, shape[1:], *numbers, reason, macs.products))

    def walk(self, graph: Any, sources: Sequence[_Seen], prefix: str) -> list[_Seen]:
        """Add the rows of a graph of layers, and return what its outputs see."""
        known = dict(zip(map(id, graph.inputs), sources, strict=True))
        for node in _nodes(graph):
            layer, inputs = node.operation, [known[id(tensor)] for tensor in node.input_tensors]
            inner = _graph(layer)
            if inner is not None:
                outputs = self.walk(inner, inputs, f"{prefix}{layer.name}/")
            else:
                outputs = self.visit(node, inputs, prefix + layer.name)
            known.update(zip(map(id, node.outputs), outputs, strict=True))
        return [known[id(tensor)] for tensor in graph.outputs]

    def visit(self, node: Any, inputs: Sequence[_Seen], name: str) -> list[_Seen]:
        layer = node.operation
        tensors = _output_tensors(node, inputs, name)
        if inputs:
            seen = _follow(layer, name, inputs, tensors[0], self.channels_first)
            arguments = _arguments(node, inputs)
            macs = multiply_adds(layer, arguments, seen.shape, self.channels_first, _macs_of_model)
        else:
            seen, macs = _Seen(tensors[0], None, f"{name} does not depend on the input."), MultiplyAdds(None)
        self.add(layer, name, seen.shape, macs, seen)
        return [replace(seen, tensor=tensor) for tensor in tensors]


def _graph(model: Any) -> Any:
    """The model's graph of layers, or None: a layer, or a model that is code only."""
    if not isinstance(model, keras.Model) or not kinds.is_keras(model):
        return None
    if isinstance(model, keras.Sequential):
        return model._functional
    return model if hasattr(model, "_nodes_by_depth") else None


def _nodes(graph: Any) -> Iterator[Any]:
    """The calls of layers, each behind those that it reads."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from (node for node in graph._nodes_by_depth[depth] if node.operation and not node.is_input)


def _formats(graph: Any) -> Iterator[str]:
    for node in _nodes(graph):
        inner = _graph(node.operation)
        if inner is not None:
            yield from _formats(inner)
        elif getattr(node.operation, "data_format", None):
            yield node.operation.data_format


def _output_tensors(node: Any, inputs: Sequence[_Seen], name: str) -> list[Any]:
    """The output's shapes for these inputs, without calling the layer: a shared model gets no new nodes."""
    layer = node.operation
    if isinstance(layer, keras.layers.EinsumDense) and kinds.is_keras(layer):  # Keras forgets the axes that it keeps
        kernel = tuple(layer.kernel.shape)
        _, letters, sizes = einsum_sizes(layer.equation, [inputs[0].shape, kernel])
        return [keras.KerasTensor([sizes[letter] for letter in letters], node.outputs[0].dtype)]
    if all(seen.shape == tuple(t.shape) for seen, t in zip(inputs, node.input_tensors, strict=True)):
        return list(node.outputs)
    filled = {id(t): seen.tensor for seen, t in zip(inputs, node.input_tensors, strict=True)}
    args, kwargs = node.arguments.fill_in(filled)
    try:
        return list(keras.tree.flatten(layer.compute_output_spec(*args, **kwargs)))
    except (ValueError, TypeError) as error:
        shapes = ", ".join(str(seen.shape[1:]) for seen in inputs)
        raise ValueError(f"{name} does not take {shapes}, which it receives at this input size: {error}") from error


def _arguments(node: Any, inputs: Sequence[_Seen]) -> dict[str, Any]:
    """What the layer's `call` receives, by name, with the shapes of these inputs."""
    filled = {id(t): seen.tensor for seen, t in zip(inputs, node.input_tensors, strict=True)}
    args, kwargs = node.arguments.fill_in(filled)
    return dict(inspect.signature(node.operation.call).bind_partial(*args, **kwargs).arguments)


def _macs_of_model(model: Any, shape: Shape) -> int | None:
    """All multiply-adds of a model for one image of this shape, None if one layer's are not known."""
    graph = _graph(model)
    if graph is None:
        return None
    first = next(_formats(graph), keras.config.image_data_format()) == "channels_first"
    sizes = tuple(size for size in _spatial(shape, first) if size is not None)
    counts = [row.macs for row in layer_table(model, sizes if 0 < len(sizes) == len(shape) - 2 else None)]
    return None if None in counts else sum(count or 0 for count in counts)


def _resized(shape: Shape, input_size: int | tuple[int, ...] | None, channels_first: bool) -> Shape:
    rank = len(shape) - 2
    if input_size is None or rank < 1:
        return shape
    sizes = input_size if isinstance(input_size, tuple) else (input_size,) * rank
    if len(sizes) != rank or not all(isinstance(n, int) and n >= 1 for n in sizes):
        raise ValueError(f"input_size is a whole number or {rank} of them, at least 1; received {input_size!r}.")
    return (*shape[:2], *sizes) if channels_first else (shape[0], *sizes, shape[-1])


def _spatial(shape: Shape, channels_first: bool) -> Shape:
    return shape[2:] if channels_first else shape[1:-1]


def _each(value: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * rank


def _extent(values: Sequence[int]) -> Extent:
    return values[0] if len(set(values)) == 1 else tuple(values)
