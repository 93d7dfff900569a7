"""What is computed of published figures: a function a kind of figure, called by its name with plain arguments.

Results are in the unit of the receipt. Networks are built without their weights, each once.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from cnn_core.arithmetic import experiments
from cnn_core.arithmetic.costs import convolution_cost, dense_cost, separable_cost
from cnn_core.networks import atlas
from cnn_core.receipts.lite import lite

GIGA, MEGA = 1e9, 1e6
_WAYS = (convolution_cost, separable_cost)


def compute(ours: tuple[str | int, ...]) -> Any:
    """Call a function of this module by its name.

    Example:
        >>> compute(("stacked", 3))
        27
    """
    name, *arguments = ours
    return FUNCTIONS[str(name)](*arguments)


# Networks of the zoo -------------------------------------------------------------------------------------------------


@cache
def _layers(key: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in atlas.architecture_graph(key)["layers"]}


def parameters(key: str) -> int:
    """Trainable parameters of an architecture."""
    return sum(int(row["trainable_params"]) for row in _layers(key).values())


def millions(key: str) -> float:
    """Trainable parameters of an architecture, in millions."""
    return parameters(key) / MEGA


def multiply_adds(key: str, unit: int = 1) -> float:
    """Multiply-adds of an architecture for one picture, of its attention too."""
    return sum(row["macs"] or 0 for row in _layers(key).values()) / unit


def reach(key: str, layer: str) -> tuple[int, int, int]:
    """Receptive field, effective stride and effective padding of a layer of an architecture."""
    row = _layers(key)[layer]
    return row["receptive_field"], row["effective_stride"], row["effective_padding"]


def sight(key: str, layer: str) -> tuple[int, int]:
    """Receptive field and effective stride of a layer of an architecture."""
    return reach(key, layer)[:2]


@cache
def strided_in_the_3x3(depth: int) -> float:
    """Thousand millions of multiply-adds of a ResNet whose bottlenecks have their stride in the 3 × 3."""
    from cnn_core.networks.summary import layer_table
    from cnn_core.networks.zoo.resnet import resnet
    from cnn_core.networks.zoo.weightless import weightless

    return sum(row.macs or 0 for row in layer_table(weightless(resnet, depth=depth, strided=2))) / GIGA


# Networks of keras.applications --------------------------------------------------------------------------------------


def application_parameters(name: str, include_top: int = 1) -> int:
    """All numbers of a network of `keras.applications`, with BatchNorm's statistics."""
    from cnn_core.networks import applications

    return sum(row.params for row in applications.rows(name, bool(include_top)).values())


def application_reach(name: str, layer: str, input_size: int) -> tuple[Any, Any, Any]:
    """Receptive field, effective stride and effective padding of a layer."""
    from cnn_core.networks import applications

    row = applications.rows(name, True, input_size)[layer]
    return row.receptive_field, row.effective_stride, row.effective_padding


def binary_head(name: str) -> int:
    """All numbers of a network of `keras.applications` with one logit on its averaged features."""
    from cnn_core.networks import applications

    rows = list(applications.rows(name, False).values())
    return sum(row.params for row in rows) + one_logit(int(rows[-1].output_shape[-1] or 0))


def one_logit(features: int) -> int:
    """Parameters of a dense layer with one output."""
    return dense_cost(features, 1).params


# Arithmetic ----------------------------------------------------------------------------------------------------------


def lite_parameters(number: int) -> float:
    """Millions of parameters of an EfficientNet-Lite."""
    return lite(number).params / MEGA


def lite_multiply_adds(number: int) -> float:
    """Millions of multiply-adds of an EfficientNet-Lite: convolutions and the dense layer."""
    return lite(number).macs / MEGA


def lite_as_published(number: int) -> float:
    """Millions of multiply-adds of an EfficientNet-Lite with three more for each output of a BatchNorm."""
    return lite(number).as_published / MEGA


def stacked(count: int) -> int:
    """Weights of 3 × 3 kernels in a row, one channel in and out."""
    return count * convolution_cost(3, 1, 1, output=1, bias=False).params


def single(kernel_size: int) -> int:
    """Weights of one kernel, one channel in and out."""
    return convolution_cost(kernel_size, 1, 1, output=1, bias=False).params


def layer_parameters(kernel_size: int, channels: int, filters: int) -> int:
    """Parameters of a convolution with biases."""
    return convolution_cost(kernel_size, channels, filters, output=1).params


def dense_weights(side: int) -> int:
    """Weights of a dense layer from a picture of one channel to one of the same size."""
    return dense_cost(side**2, side**2, bias=False).params


def separable_saving() -> tuple[float, float]:
    """How many times cheaper than full 3 × 3 convolutions MobileNet v1's thirteen pairs are: the least, the most."""
    rows = _layers("mobilenet_v1")
    pairs = [row["output_shape"][-1] for name, row in rows.items() if re.fullmatch(r"block\d+_out", name)]
    costs = [[cost(3, 8, filters, output=1, bias=False).macs for cost in _WAYS] for filters in pairs]
    savings = [full / separable for full, separable in costs]
    return round(min(savings), 2), round(max(savings), 2)


def bar_by_sobel() -> tuple[int, ...]:
    """A row of the chapter's bar, 2 wide in 6 × 6, under Sobel x."""
    edges = experiments.bar_edges(6, 2)
    assert (edges == edges[0]).all()
    return tuple(int(value) for value in edges[0])


def nine_pooled(shift: int) -> tuple[int, ...]:
    """The chapter's 4 × 4 map with a 9, shifted sideways, under 2 × 2 max-pooling; row by row."""
    return tuple(int(value) for value in experiments.pooled_shift(experiments.peak_map(), 0, shift).after.ravel())


def threshold_exponents() -> tuple[float, float]:
    """Exponents of n of the effective field and of its share, by a threshold, for stacks of n 3 × 3 box kernels.

    The root of the expected squared gradient of n = 5 to 40 layers; an effective pixel has more than 4.55% of the
    centre, which is what lies beyond two deviations of a Gaussian.
    """
    depths, sizes, energy = np.arange(1, 41), [], np.ones(1)
    for _ in depths:
        energy = np.convolve(energy, np.ones(3) / 3)
        magnitude = np.sqrt(energy)
        sizes.append((magnitude > 0.0455 * magnitude.max()).sum())
    wanted = depths >= 5
    logs, found, fields = np.log(depths[wanted]), np.array(sizes)[wanted], 2 * depths[wanted] + 1
    return (
        round(float(np.polyfit(logs, np.log(found), 1)[0]), 2),
        round(float(np.polyfit(logs, np.log(found / fields), 1)[0]), 2),
    )


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(parameters, millions, multiply_adds, reach, sight, strided_in_the_3x3),
        *(application_parameters, application_reach, binary_head, one_logit),
        *(lite_parameters, lite_multiply_adds, lite_as_published),
        *(stacked, single, layer_parameters, dense_weights, separable_saving),
        *(bar_by_sobel, nine_pooled, threshold_exponents),
    )
}
