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

from cnn_core.arithmetic.geometry import Field
from cnn_core.networks import layer_kinds as kinds
from cnn_core.networks.layer_costs import MultiplyAdds, einsum_sizes, multiply_adds
from cnn_core.networks.layer_fields import Axis, Seen, follow, spatial

Extent = int | tuple[int, ...]  # one number if all axes agree, else one an axis: (rows, columns)
Shape = tuple[int | None, ...]


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
        hull: Where branches meet that are not aligned, pixels from the first to the last that any of them sees; the
            stride and the padding are its own, and `receptive_field` is None.
        reach: First and last pixel that come through all layers before, along each axis; None where sizes are unknown.
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
    hull: Extent | None = None
    reach: tuple[tuple[int, int] | None, ...] | None = None


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
    graph = graph_of(model)
    if graph is None:
        seen = Seen(None, None, "Not a graph of layers: only Python code.")
        table.add(model, model.name, (), MultiplyAdds(None), seen)
        return table.rows
    table.channels_first = next(_formats(graph), keras.config.image_data_format()) == "channels_first"
    sources = []
    for tensor in graph.inputs:
        shape = _resized(tuple(tensor.shape), input_size, table.channels_first)
        sides = spatial(shape, table.channels_first)
        reaches = [None if side is None else (0, side - 1) for side in sides]
        axes = tuple(Axis(Field(reach=reach)) for reach in reaches) or None
        seen = Seen(keras.KerasTensor(shape, tensor.dtype), axes, "" if axes else "The input has no rows and columns.")
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


# The walk through the graph ------------------------------------------------------------------------------------------


class _Table:
    """The rows so far, and which weights they have counted."""

    def __init__(self) -> None:
        self.rows: list[LayerRow] = []
        self.counted: set[int] = set()
        self.channels_first = False

    def add(self, layer: Any, name: str, shape: Shape, macs: MultiplyAdds, seen: Seen) -> None:
        fresh = [v for v in getattr(layer, "weights", ()) if id(v) not in self.counted]
        self.counted.update(id(v) for v in fresh)
        trainable = {id(v) for v in getattr(layer, "trainable_weights", ())}
        reasons = [seen.reason, macs.reason]
        field = stride = padding = hull = reach = None
        if seen.axes is not None:
            field = _extent([axis.field.size for axis in seen.axes])
            stride = _extent([axis.field.stride for axis in seen.axes])
            unknown = [axis.unknown for axis in seen.axes if axis.unknown]
            padding = None if unknown else _extent([axis.known for axis in seen.axes])
            reach = tuple(axis.field.reach for axis in seen.axes)
            reasons += [f"Unknown input size: the SAME padding of {names[0]} depends on it." for names in unknown[:1]]
        if seen.loose:
            field, hull = None, field
            reasons.insert(0, f"A neuron sees at most {_pixels(hull)}: {seen.loose}")
        params = sum(math.prod(v.shape) for v in fresh)
        trained = sum(math.prod(v.shape) for v in fresh if id(v) in trainable)
        reason = " ".join(reason for reason in reasons if reason)
        numbers = (params, trained, macs.count, field, stride, padding)
        kind = type(layer).__name__
        self.rows.append(LayerRow(name, kind, shape[1:], *numbers, reason, macs.products, hull, reach))

    def walk(self, graph: Any, sources: Sequence[Seen], prefix: str) -> list[Seen]:
        """Add the rows of a graph of layers, and return what its outputs see."""
        known = dict(zip(map(id, graph.inputs), sources, strict=True))
        for node in calls(graph):
            layer, inputs = node.operation, [known[id(tensor)] for tensor in node.input_tensors]
            inner = graph_of(layer)
            if inner is not None:
                outputs = self.walk(inner, inputs, f"{prefix}{layer.name}/")
            else:
                outputs = self.visit(node, inputs, prefix + layer.name)
            known.update(zip(map(id, node.outputs), outputs, strict=True))
        return [known[id(tensor)] for tensor in graph.outputs]

    def visit(self, node: Any, inputs: Sequence[Seen], name: str) -> list[Seen]:
        layer = node.operation
        tensors = _output_tensors(node, inputs, name)
        if inputs:
            arguments = _arguments(node, inputs)
            seen = follow(layer, name, inputs, arguments, tensors[0], self.channels_first)
            macs = multiply_adds(layer, arguments, seen.shape, self.channels_first, _macs_of_model)
        else:
            seen, macs = Seen(tensors[0], None, f"{name} does not depend on the input."), MultiplyAdds(None)
        self.add(layer, name, seen.shape, macs, seen)
        return [replace(seen, tensor=tensor) for tensor in tensors]


def graph_of(model: Any) -> Any:
    """Return the model's graph of layers, or None: a layer, or a model that is code only."""
    if not isinstance(model, keras.Model) or not kinds.is_keras(model):
        return None
    if isinstance(model, keras.Sequential):
        return model._functional
    return model if hasattr(model, "_nodes_by_depth") else None


def calls(graph: Any) -> Iterator[Any]:
    """Return the calls of layers of a graph, each behind those that it reads."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from (node for node in graph._nodes_by_depth[depth] if node.operation and not node.is_input)


def _formats(graph: Any) -> Iterator[str]:
    for node in calls(graph):
        inner = graph_of(node.operation)
        if inner is not None:
            yield from _formats(inner)
        elif getattr(node.operation, "data_format", None):
            yield node.operation.data_format


def _output_tensors(node: Any, inputs: Sequence[Seen], name: str) -> list[Any]:
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


def _arguments(node: Any, inputs: Sequence[Seen]) -> dict[str, Any]:
    """What the layer's `call` receives, by name, with the shapes of these inputs."""
    filled = {id(t): seen.tensor for seen, t in zip(inputs, node.input_tensors, strict=True)}
    args, kwargs = node.arguments.fill_in(filled)
    return dict(inspect.signature(node.operation.call).bind_partial(*args, **kwargs).arguments)


def _macs_of_model(model: Any, shape: Shape) -> int | None:
    """All multiply-adds of a model for one image of this shape, None if one layer's are not known."""
    graph = graph_of(model)
    if graph is None:
        return None
    first = next(_formats(graph), keras.config.image_data_format()) == "channels_first"
    sizes = tuple(size for size in spatial(shape, first) if size is not None)
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


def _pixels(extent: Extent | None) -> str:
    sides = extent if isinstance(extent, tuple) else (extent,)
    return " × ".join(f"{side:,}" for side in sides) + " pixels"


def _extent(values: Sequence[int]) -> Extent:
    return values[0] if len(set(values)) == 1 else tuple(values)
