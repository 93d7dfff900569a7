"""What a layer makes of one place and of one input map, so that a sum can be shown with its parts.

A layer is told as `before = scale · (Σ over its inputs of kernel ⋆ map + bias) + shift`, then an activation. BatchNorm
is scale and shift, and is not folded into the kernels: the kernels are then those of the network's file.
"""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np

from cnn_core.arithmetic.windows import effective_size, shifted_views

Pair = tuple[int, int]

ACTIVATIONS = ("", "linear", "relu", "relu6", "sigmoid", "tanh", "scaled_tanh", "silu", "gelu", "softmax")
_error_function = np.frompyfunc(math.erf, 1, 1)


@dataclass(frozen=True)
class Sliding:
    """How a window moves over a map; each pair is rows, columns.

    Attributes:
        kernel_size: Of the window, in cells.
        stride: Step, in cells of the map.
        dilation: Distance between two cells of the kernel.
        padding: Rows above and below, columns left and right of the map.

    Example:
        >>> Sliding((3, 3), stride=(2, 2), padding=((0, 1), (0, 1))).corner(2, 0)
        (4, 0)
    """

    kernel_size: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))

    def corner(self, row: int, column: int) -> Pair:
        """Return where the first cell of a window lies in the map without padding; negative: in the padding."""
        return row * self.stride[0] - self.padding[0][0], column * self.stride[1] - self.padding[1][0]

    def shape(self, height: int, width: int) -> Pair:
        """Return how many positions it has on a map of this size; 0 where it does not fit.

        >>> Sliding((3, 3), stride=(2, 2), padding=((0, 1), (0, 1))).shape(224, 224)
        (112, 112)
        """
        sides = (height, width)
        spans = (effective_size(k, d) for k, d in zip(self.kernel_size, self.dilation, strict=True))
        free = (n + sum(p) - s for n, p, s in zip(sides, self.padding, spans, strict=True))
        down, right = (max(room // step + 1, 0) for room, step in zip(free, self.stride, strict=True))
        return down, right


def depthwise(maps: np.ndarray, kernel: np.ndarray, sliding: Sliding) -> np.ndarray:
    """Return what each channel's own kernel makes of it: a depthwise convolution.

    Summed over the channels it is one filter of a convolution: `cross_correlate` with a kernel `(kh, kw, C)`.

    Args:
        maps: `(H, W, C)`, floats.
        kernel: `(kh, kw, C)`.
        sliding: How it moves.

    Returns:
        `(H', W', C)`, in the type of the maps.

    Raises:
        ValueError: If the kernel is of other channels or another size, or does not fit into the padded maps.

    Example:
        >>> depthwise(np.ones((3, 3, 1)), np.ones((3, 3, 1)), Sliding((3, 3), padding=((1, 1), (1, 1))))[..., 0]
        array([[4., 6., 4.],
               [6., 9., 6.],
               [4., 6., 4.]])
    """
    expected = (*sliding.kernel_size, maps.shape[-1])
    if maps.ndim != 3 or kernel.shape != expected:
        raise ValueError(f"Maps of shape {maps.shape} take a kernel of {expected}; received one of {kernel.shape}.")
    height, width = sliding.shape(maps.shape[0], maps.shape[1])
    if not height or not width:
        raise ValueError(f"{sliding} does not fit into maps of shape {maps.shape}; expected larger maps.")
    kernel = kernel.astype(maps.dtype, copy=False)
    padded = np.pad(maps, (*sliding.padding, (0, 0))) if any(map(any, sliding.padding)) else maps
    made = np.empty((height, width, maps.shape[2]), maps.dtype)
    product = np.empty_like(made)
    for number, ((a, b), cells) in enumerate(
        shifted_views(padded, sliding.kernel_size, sliding.stride, sliding.dilation)
    ):
        if number:
            made += np.multiply(cells, kernel[a, b], out=product)
        else:
            np.multiply(cells, kernel[a, b], out=made)
    return made


def window(maps: np.ndarray, sliding: Sliding, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells under a window, float64, and which of them are in the map.

    Args:
        maps: `(H, W, C)`.
        sliding: How the window moves.
        row: Of the output's cell, from 0.
        column: Of the output's cell, from 0.

    Returns:
        `(kh, kw, C)`, 0 in the padding; and `(kh, kw)`, False in the padding.

    Raises:
        ValueError: If there is no such position.

    Example:
        >>> values, inside = window(np.ones((4, 4, 1)), Sliding((2, 2), padding=((1, 0), (0, 0))), 0, 1)
        >>> values[..., 0], inside.tolist()
        (array([[0., 0.],
               [1., 1.]]), [[False, False], [True, True]])
    """
    height, width = sliding.shape(maps.shape[0], maps.shape[1])
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(f"The window has {height} × {width} positions, from 0; received {row}, {column}.")
    axes = zip(sliding.corner(row, column), sliding.kernel_size, sliding.dilation, maps.shape, strict=False)
    rows, columns = (first + step * np.arange(size) for first, size, step, _ in axes)
    inside = ((rows >= 0) & (rows < maps.shape[0]))[:, None] & ((columns >= 0) & (columns < maps.shape[1]))
    values = maps[np.clip(rows, 0, maps.shape[0] - 1)][:, np.clip(columns, 0, maps.shape[1] - 1)].astype(np.float64)
    values[~inside] = 0
    return values, inside


def affine(
    gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, variance: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return BatchNorm at inference as one factor and one summand a channel, float64 `(C,)` each.

    γ (x − μ) / √(σ² + ε) + β = scale · x + shift

    Example:
        >>> scale, shift = affine(np.array([2.0]), np.array([1.0]), np.array([3.0]), np.array([0.25]), 0.0)
        >>> scale.item(), shift.item()
        (4.0, -11.0)

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 2.
    """
    scale = np.asarray(gamma, np.float64) / np.sqrt(np.asarray(variance, np.float64) + epsilon)
    return scale, np.asarray(beta, np.float64) - np.asarray(mean, np.float64) * scale


def activated(name: str, values: np.ndarray) -> np.ndarray:
    """Return an activation of values, in their type; a softmax is over the last axis.

    Raises:
        ValueError: If it is not one of ACTIVATIONS.

    Example:
        >>> activated("relu6", np.array([-1.0, 3.0, 8.0]))
        array([0., 3., 6.])
    """
    if name in ("", "linear"):
        return values
    if name == "relu":
        return np.maximum(values, 0)
    if name == "relu6":
        return np.clip(values, 0, 6)
    if name == "tanh":
        return cast(np.ndarray, np.tanh(values))
    if name == "scaled_tanh":  # of LeNet-5 in 1998: f(1) = 1 and f(−1) = −1
        return cast(np.ndarray, 1.7159 * np.tanh(2 / 3 * values))
    if name == "gelu":
        return values * (0.5 + 0.5 * np.asarray(_error_function(values / math.sqrt(2)), values.dtype))
    if name in ("sigmoid", "silu"):
        share = 0.5 * (1 + np.tanh(0.5 * values))  # as 1 / (1 + exp(−x)), and never above what a float holds
        return cast(np.ndarray, share if name == "sigmoid" else values * share)
    if name == "softmax":
        powers = np.exp(values - values.max(axis=-1, keepdims=True))
        return cast(np.ndarray, powers / powers.sum(axis=-1, keepdims=True))
    raise ValueError(f"Activations known here are {', '.join(ACTIVATIONS[1:])}; received {name!r}.")


def strongest(parts: np.ndarray, singly: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which parts of a sum are the strongest, and the sum of all others.

    A part's strength is its root mean square; of a part at one cell that is its absolute value.

    Args:
        parts: `(…, C)`, one part a channel.
        singly: How many are wanted at most; at least 0.

    Returns:
        Channels, the strongest first, of equals the lower one; and the sum of the rest, float64 `(…)`.

    Raises:
        ValueError: If `singly` is below 0.

    Example:
        >>> strongest(np.array([1.0, -5.0, 2.0, 0.5]), 2)
        (array([1, 2]), array(1.5))
    """
    if singly < 0:
        raise ValueError(f"The number of parts that are told singly is at least 0; received {singly}.")
    order = np.argsort(-powers(parts), kind="stable")
    rest = parts[..., order[singly:]].sum(axis=-1, dtype=np.float64)
    return order[:singly], np.asarray(rest)


def powers(parts: np.ndarray) -> np.ndarray:
    """Return the mean square of each channel's part, float64 `(C,)`; parts are `(…, C)`.

    >>> powers(np.array([[1.0, 0.0], [3.0, 2.0]]))
    array([5., 2.])
    """
    flat = parts.reshape(-1, parts.shape[-1])
    return cast(np.ndarray, np.einsum("pc,pc->c", flat, flat, dtype=np.float64) / len(flat))
