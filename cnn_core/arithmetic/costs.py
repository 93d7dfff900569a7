"""What a layer costs: parameters and multiply-adds, integers only. Standard library only."""

import math
from dataclasses import dataclass

from cnn_core.arithmetic.geometry import whole_number

Sizes = int | tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """What a layer costs for one image.

    Attributes:
        params: Numbers that training changes.
        macs: Multiply-adds, 1 MAC = 1 multiplication and 1 addition = 2 FLOPs. Biases are not counted.
        statistics: Numbers that are measured, not trained: BatchNorm's moving mean and variance.
    """

    params: int
    macs: int
    statistics: int = 0


def convolution_cost(
    kernel_size: Sizes, channels: int, filters: int, output: Sizes, groups: int = 1, bias: bool = True
) -> Cost:
    """Return the cost of a convolution.

    params = prod(k) C_in / g C_out + C_out        macs = prod(k) C_in / g C_out prod(output)

    Args:
        kernel_size: Cells along each axis; a number means a square.
        channels: Channels of the input.
        filters: Channels of the output.
        output: Length of the output along each axis; a number means a square.
        groups: Groups of channels that do not see each other; they divide channels and filters.
        bias: Whether each filter has one.

    Raises:
        ValueError: If a number is no whole number of at least 1, or the groups do not divide channels and filters.

    Example:
        >>> convolution_cost(3, channels=256, filters=256, output=56)
        Cost(params=590080, macs=1849688064, statistics=0)

    Source: Howard et al. 2017, arXiv:1704.04861, section 3.1.
    """
    for value, name in ((channels, "channels"), (filters, "filters"), (groups, "groups")):
        whole_number(value, name)
    if channels % groups or filters % groups:
        raise ValueError(
            f"groups divides the channels and the filters; received {groups} groups, {channels} channels and "
            f"{filters} filters."
        )
    weights = _product(kernel_size, "kernel_size") * channels // groups * filters
    return Cost(weights + filters * bias, weights * _product(output, "output"))


def pointwise_cost(channels: int, filters: int, output: Sizes, bias: bool = True) -> Cost:
    """A 1×1 convolution: a dense layer at each pixel.

    >>> pointwise_cost(256, 64, output=56)
    Cost(params=16448, macs=51380224, statistics=0)
    """
    return convolution_cost(1, channels, filters, output, bias=bias)


def depthwise_cost(kernel_size: Sizes, channels: int, output: Sizes, multiplier: int = 1, bias: bool = True) -> Cost:
    """One kernel a channel, `multiplier` results a channel: a convolution with as many groups as channels.

    >>> depthwise_cost(3, channels=512, output=14, bias=False)
    Cost(params=4608, macs=903168, statistics=0)
    """
    return convolution_cost(kernel_size, channels, channels * multiplier, output, groups=channels, bias=bias)


def separable_cost(
    kernel_size: Sizes, channels: int, filters: int, output: Sizes, multiplier: int = 1, bias: bool = True
) -> Cost:
    """Depthwise, then 1×1; the only bias is that of the 1×1, as in Keras (Chollet 2017, arXiv:1610.02357).

    >>> separable_cost(3, channels=512, filters=512, output=14, bias=False)
    Cost(params=266752, macs=52283392, statistics=0)
    """
    depthwise = depthwise_cost(kernel_size, channels, output, multiplier, bias=False)
    pointwise = pointwise_cost(channels * multiplier, filters, output, bias)
    return Cost(depthwise.params + pointwise.params, depthwise.macs + pointwise.macs)


def transposed_cost(kernel_size: Sizes, channels: int, filters: int, input_size: Sizes, bias: bool = True) -> Cost:
    """Each input pixel times the whole kernel: counted over the input, what is cut off at borders included.

    >>> transposed_cost(4, channels=64, filters=32, input_size=14)
    Cost(params=32800, macs=6422528, statistics=0)
    """
    return convolution_cost(kernel_size, channels, filters, input_size, bias=bias)


def dense_cost(inputs: int, outputs: int, bias: bool = True) -> Cost:
    """Every input to every output.

    >>> dense_cost(25088, 4096)  # VGG-16 fc1
    Cost(params=102764544, macs=102760448, statistics=0)
    """
    return pointwise_cost(inputs, outputs, output=1, bias=bias)


def batch_norm_cost(channels: int, scale: bool = True, center: bool = True) -> Cost:
    """Gamma and beta are trained, mean and variance are measured; no MACs, since it folds into the layer before.

    >>> batch_norm_cost(64)
    Cost(params=128, macs=0, statistics=128)
    """
    return Cost(whole_number(channels, "channels") * (scale + center), 0, 2 * channels)


def _product(sizes: Sizes, name: str) -> int:
    """The number of cells; a single number means a square."""
    return math.prod(whole_number(size, name) for size in (sizes if isinstance(sizes, tuple) else (sizes, sizes)))
