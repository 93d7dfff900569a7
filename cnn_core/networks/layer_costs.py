"""The multiply-adds of one call of a Keras layer, from the shapes it receives.

Counted are products that are summed: of numbers with weights, and of numbers with each other, as in attention or in a
product of matrices. What is done to each number by itself is not: a bias, a normalisation, an activation, a gate.
"""

import math
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from cnn_core.networks import layer_kinds as kinds

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class MultiplyAdds:
    """Multiply-adds for one image.

    Attributes:
        count: All of them; None where they are not known.
        products: Those among them of numbers with each other, not with weights: of queries with keys, and of what
            they give with values.
        reason: Why `count` is None; else empty.
    """

    count: int | None
    products: int = 0
    reason: str = ""


class _Uncounted(Exception):
    """Why there is no count; None of a layer that is not counted."""

    def __init__(self, reason: str | None = None) -> None:
        self.reason = reason


@dataclass(frozen=True)
class _Terms:
    weights: int = 0
    products: int = 0

    def __add__(self, other: "_Terms") -> "_Terms":
        return _Terms(self.weights + other.weights, self.products + other.products)

    def __mul__(self, times: int) -> "_Terms":
        return _Terms(self.weights * times, self.products * times)


def multiply_adds(
    layer: Any,
    arguments: Mapping[str, Any],
    outputs: Shape,
    channels_first: bool,
    of_model: Callable[[Any, Shape], int | None],
) -> MultiplyAdds:
    """Return what a call of a layer costs at inference.

    Args:
        layer: It is built.
        arguments: What its `call` receives, by name; tensors have a `shape`, the batch first. Whose name it does not
            know, as of `*operands`, is a sequence.
        outputs: Shape of its (first) output, the batch first.
        channels_first: Whether the channels stand before rows and columns.
        of_model: Gives the multiply-adds of a whole model for one image of a shape: what `TimeDistributed` may hold.

    Returns:
        The count, or why there is none.

    Example:
        >>> layer = keras.layers.MultiHeadAttention(num_heads=2, key_dim=3)
        >>> tokens = keras.Input((5, 6))
        >>> found = multiply_adds(layer, {"query": tokens, "value": layer(tokens, tokens)}, (None, 5, 6), False, len)
        >>> found.count, found.products  # 4 · 5 · 6 · 6 of projections, 2 · 5 · 5 · 6 of the products
        (1020, 300)
    """
    try:
        terms = _terms(layer, arguments, outputs, channels_first, of_model)
    except _Uncounted as uncounted:
        return MultiplyAdds(
            None, 0, uncounted.reason or f"The multiply-adds of {type(layer).__name__} are not counted."
        )
    return MultiplyAdds(terms.weights + terms.products, terms.products)


def einsum_sizes(equation: str, shapes: Sequence[Shape]) -> tuple[list[str], str, dict[str, int | None]]:
    """Read an equation of Einstein's sums: the letters of each operand and of the output, and how long each axis is.

    `...` becomes letters of its own. The output is needed: Keras' layers always have one.

    >>> einsum_sizes("...x,xy->...y", [(None, 7, 3), (3, 4)])
    (['ABx', 'xy'], 'ABy', {'A': None, 'B': 7, 'x': 3, 'y': 4})
    """
    left, _, output = equation.replace(" ", "").partition("->")
    names = left.split(",")
    spare = [letter for letter in string.ascii_uppercase + string.ascii_lowercase if letter not in equation]
    hidden = [len(s) - len(n) + 3 if "..." in n else 0 for n, s in zip(names, shapes, strict=True)]
    ellipsis = "".join(spare[: max(hidden)])
    operands = []
    sizes: dict[str, int | None] = {}
    for name, shape, many in zip(names, shapes, hidden, strict=True):
        operands.append(name.replace("...", ellipsis[len(ellipsis) - many :]))
        for letter, size in zip(operands[-1], shape, strict=True):
            if sizes.get(letter, 1) == 1:  # an axis of one is spread over that of another operand
                sizes[letter] = size
    return operands, output.replace("...", ellipsis), sizes


def _terms(
    layer: Any,
    arguments: Mapping[str, Any],
    outputs: Shape,
    channels_first: bool,
    of_model: Callable[[Any, Shape], int | None],
) -> _Terms:
    """The count of one call; `_Uncounted` if there is none."""
    if not kinds.is_keras(layer):
        raise _Uncounted
    tensors = [tensor for tensor in arguments.values() if tensor is not None]
    first = keras.tree.flatten(tensors)[0] if tensors else None
    shape: Shape = tuple(getattr(first, "shape", ()))
    again = (channels_first, of_model)
    if isinstance(layer, keras.layers.SpectralNormalization):  # its power iterations are training's
        return _terms(layer.layer, {"inputs": first}, outputs, *again)
    if isinstance(layer, keras.layers.TimeDistributed):
        return _each_step(layer.layer, shape, *again) * _times(shape[1:2])
    if isinstance(layer, keras.layers.Bidirectional):
        halves = (layer.forward_layer, layer.backward_layer)
        both = [_terms(half, {"sequence": first}, (), *again) for half in halves]
        return both[0] + both[1]
    if isinstance(layer, keras.layers.RNN):
        return _step(layer.cell, shape, channels_first) * _times(shape[1:2])
    if isinstance(layer, (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)):
        return _projected_attention(layer, arguments)
    if isinstance(layer, (keras.layers.Attention, keras.layers.AdditiveAttention)):
        return _attention(layer, [tuple(tensor.shape) for tensor in keras.tree.flatten(arguments["inputs"])])
    if isinstance(layer, keras.layers.Embedding):
        return _embedding(layer, shape, bool(arguments.get("reverse")))
    if isinstance(layer, keras.layers.EinsumDense):
        return _Terms(weights=_einsum(layer.equation, [shape, tuple(layer.kernel.shape)]))
    if isinstance(layer, keras.layers.Dense):
        _same_width(layer.name, shape[-1], int(layer.kernel.shape[0]))
        return _Terms(math.prod(layer.kernel.shape) * _times(outputs[1:-1]))
    if isinstance(layer, kinds.CONVOLUTIONS + kinds.TRANSPOSED):
        return _Terms(_convolution(layer, shape, outputs, channels_first))
    if isinstance(layer, keras.layers.Dot) or kinds.is_part(layer, kinds.PRODUCTS):
        operands = [tensor for tensor in keras.tree.flatten(tensors) if hasattr(tensor, "shape")]
        return _products(layer, operands, outputs)
    if not _is_free(layer):
        raise _Uncounted
    return _Terms()


def _is_free(layer: Any) -> bool:
    """Whether a layer multiplies nothing that it sums up: it works on each number, or only moves, adds or compares."""
    if isinstance(layer, (*kinds.PIXELWISE, *kinds.ON_AN_AXIS, keras.layers.GroupNormalization)):
        return True
    if kinds.is_ours(layer) or kinds.is_part(layer, kinds.PIXELWISE_PARTS + kinds.MERGING_PARTS + kinds.MOVING_PARTS):
        return True
    stateless = not getattr(layer, "weights", ()) and type(layer).__module__.startswith("keras.src.layers.")
    return stateless and not isinstance(layer, kinds.PROGRAMS)


def _times(*shapes: Sequence[int | None]) -> int:
    """How many numbers there are along some axes."""
    sizes = [size for shape in shapes for size in shape]
    if None in sizes:
        raise _Uncounted("Unknown input size: the multiply-adds depend on it.")
    return math.prod(size or 0 for size in sizes)


def _same_width(name: str, received: int | None, expected: int) -> None:
    if received != expected:
        raise _Uncounted(f"{name} has weights for {expected} numbers and receives {received} at this input size.")


def _convolution(layer: Any, shape: Shape, outputs: Shape, channels_first: bool) -> int:
    over = shape if isinstance(layer, kinds.TRANSPOSED) else outputs
    positions = over[2:] if channels_first else over[1:-1]
    separable = isinstance(layer, kinds.SEPARABLE)
    kernels = (layer.depthwise_kernel, layer.pointwise_kernel) if separable else (layer.kernel,)
    return sum(math.prod(kernel.shape) for kernel in kernels) * _times(positions)  # (k, k, C_in / groups, C_out)


def _each_step(layer: Any, shape: Shape, channels_first: bool, of_model: Callable[[Any, Shape], int | None]) -> _Terms:
    """What `TimeDistributed` does at each step."""
    step = keras.KerasTensor((shape[0], *shape[2:]))
    if isinstance(layer, keras.Model):
        count = of_model(layer, tuple(step.shape))
        if count is None:
            raise _Uncounted("Of some layers at each step the multiply-adds are not counted.")
        return _Terms(count)
    outputs = keras.tree.flatten(layer.compute_output_spec(step))[0].shape
    return _terms(layer, {"inputs": step}, tuple(outputs), channels_first, of_model)


def _step(cell: Any, shape: Shape, channels_first: bool) -> _Terms:
    """One step of a recurrent layer: each gate reads the input and what was kept."""
    if isinstance(cell, keras.layers.StackedRNNCells):
        return sum((_step(each, shape, channels_first) for each in cell.cells), _Terms())
    if not kinds.is_keras(cell) or not hasattr(cell, "recurrent_kernel"):
        raise _Uncounted
    weights = math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape)
    if hasattr(cell, "kernel_size"):  # of a ConvLSTM; what was kept is as large as what is given
        given = cell.compute_output_shape((shape[0], *shape[2:]))[0]
        return _Terms(weights * _times(given[2:] if channels_first else given[1:-1]))
    return _Terms(weights)


def _projected_attention(layer: Any, arguments: Mapping[str, Any]) -> _Terms:
    """Projections of each token, then each query with each key, and what that gives with each value."""
    query, value = tuple(arguments["query"].shape), tuple(arguments["value"].shape)
    key = value if arguments.get("key") is None else tuple(arguments["key"].shape)
    by_query = (layer._query_dense, layer._output_dense, getattr(layer, "_gate_dense", None))
    weights = _weights(*by_query) * _times(query[1:-1])
    weights += _weights(layer._key_dense) * _times(key[1:-1]) + _weights(layer._value_dense) * _times(value[1:-1])
    heads, key_dim = layer._query_dense.kernel.shape[-2:]
    value_dim = layer._value_dense.kernel.shape[-1]
    along = getattr(layer, "attention_axes", None) or (1,)
    pairs = _times(query[1:-1], [key[axis] for axis in along])  # the other axes stay each by itself
    return _Terms(weights, pairs * heads * (key_dim + value_dim))


def _weights(*parts: Any) -> int:
    return sum(math.prod(part.kernel.shape) for part in parts if part is not None)


def _attention(layer: Any, shapes: Sequence[Shape]) -> _Terms:
    """Without projections: the scores of each query with each key, and what they give with each value."""
    query, value, key = (*shapes, shapes[1])[:3]
    pairs = _times(query[1:-1], key[-2:-1])
    give = _Terms(products=pairs * _times(value[-1:]))
    if isinstance(layer, keras.layers.AdditiveAttention):  # its scale weighs each number of a sum
        return give + _Terms(weights=pairs * _times(query[-1:]) if layer.use_scale else 0)
    return give + _Terms(products=pairs * _times(query[-1:]) if layer.score_mode == "dot" else 0)


def _embedding(layer: Any, shape: Shape, reverse: bool) -> _Terms:
    """A row of a table, looked up; backwards, as a language model ends, a product with the whole table."""
    if not reverse:
        return _Terms()
    _same_width(layer.name, shape[-1], layer.output_dim)
    return _Terms(weights=_times(shape[1:]) * layer.input_dim)


def _products(layer: Any, tensors: Sequence[Any], outputs: Shape) -> _Terms:
    """A product of two tensors, as a layer or as an operator."""
    shapes = [tuple(tensor.shape) for tensor in tensors]
    name = type(layer).__name__
    if name == "DotProductAttention":  # (N, tokens, heads, numbers)
        query, key = shapes[:2]
        return _Terms(products=_times(query[1:3], key[1:2]) * _times(query[-1:]) * 2)
    if len(shapes) != 2:
        raise _Uncounted
    if name == "Einsum":
        alone = [isinstance(tensor, keras.KerasTensor) for tensor in tensors]  # whose first axis are the images
        count = _einsum(layer.subscripts, shapes, alone)
    else:
        axis = -1
        if isinstance(layer, keras.layers.Dot):
            axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
        count = _times(outputs[1:], [shapes[0][axis]])
    both = all(isinstance(tensor, keras.KerasTensor) for tensor in tensors)
    return _Terms(products=count) if both else _Terms(weights=count)


def _einsum(equation: str, shapes: Sequence[Shape], images: Sequence[bool] = (True, False)) -> int:
    """A loop over all letters but that of the images."""
    operands, _, sizes = einsum_sizes(equation, shapes)
    batch = {letters[0] for letters, each in zip(operands, images, strict=True) if each}
    return _times([size for letter, size in sizes.items() if letter not in batch])
