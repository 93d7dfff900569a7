"""One layer in six ways, from the full convolution to the cheapest: what each costs on paper, and in milliseconds.

Without biases: a BatchNorm follows each of them in the networks they come from, and it has its own. Keras is imported
inside the function that measures.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from cnn_core.arithmetic.costs import Cost, convolution_cost, depthwise_cost, pointwise_cost, separable_cost
from cnn_core.arithmetic.geometry import Window, padding_amounts

REDUCTION = 4  # of a bottleneck: He et al. 2016, 256 → 64 → 64 → 256
MAX_MACS, MAX_CELLS = 2_000_000_000, 4_000_000  # of the full convolution and of a map, so that a measurement is short
BUDGET, MAX_ROUNDS, MIN_ROUNDS = 0.5, 40, 5  # seconds of measuring; how often each variant is timed


@dataclass(frozen=True)
class Variant:
    """A way to make a map of `filters` channels from one of `channels`.

    Attributes:
        name: `full`, `pointwise`, `depthwise`, `separable`, `grouped` or `bottleneck`.
        title: As people call it.
        shape: What it consists of.
        cost: Parameters and multiply-adds.
        macs_per_number: Multiply-adds for each number read or written: weights and the maps before and behind.
    """

    name: str
    title: str
    shape: str
    cost: Cost
    macs_per_number: float


@dataclass(frozen=True)
class LayerTime:
    """How long one variant takes for one picture.

    Attributes:
        name: As in `Variant`.
        params: As Keras counts them.
        median: Milliseconds.
        lower: First quartile, milliseconds.
        upper: Third quartile, milliseconds.
        overhead: Median of a call that computes nothing, milliseconds; it is part of the others.
        repeats: How often it was timed.
        device: Where.
    """

    name: str
    params: int
    median: float
    lower: float
    upper: float
    overhead: float
    repeats: int
    device: str


def reduced(filters: int) -> int:
    """Return the width of the middle of a bottleneck.

    >>> reduced(256)
    64
    """
    return max(1, filters // REDUCTION)


def variants(map_size: int, channels: int, filters: int, kernel_size: int, groups: int) -> list[Variant]:
    """Return the six variants with their costs, the full convolution first.

    All keep the size of the map (stride 1, padding `same`). The depthwise one leaves the number of channels as it is.

    Args:
        map_size: Side of the map, in cells.
        channels: Channels of the input.
        filters: Channels of the output.
        kernel_size: Side of the kernel, in cells.
        groups: Of the grouped convolution; they divide channels and filters.

    Raises:
        ValueError: If a number is below 1 or the groups do not divide.

    Example:
        >>> [(v.name, v.cost.params) for v in variants(14, 512, 512, 3, groups=32)][:3]
        [('full', 2359296), ('pointwise', 262144), ('depthwise', 4608)]

    Source:
        Howard et al. 2017, arXiv:1704.04861, section 3.1 (depthwise, separable); Xie et al. 2017, arXiv:1611.05431
        (grouped); He et al. 2016, arXiv:1512.03385, figure 5 (bottleneck).
    """
    k, middle, cells = kernel_size, reduced(filters), map_size**2
    whole = f"{k}×{k}, {channels} → {filters}"
    depthwise = depthwise_cost(k, channels, map_size, bias=False)
    pointwise = pointwise_cost(channels, filters, map_size, bias=False)
    down = pointwise_cost(channels, middle, map_size, bias=False)
    between = convolution_cost(k, middle, middle, map_size, bias=False)
    up = pointwise_cost(middle, filters, map_size, bias=False)
    full = convolution_cost(k, channels, filters, map_size, bias=False)
    separable = separable_cost(k, channels, filters, map_size, bias=False)
    grouped = convolution_cost(k, channels, filters, map_size, groups, bias=False)
    bottleneck = Cost(down.params + between.params + up.params, down.macs + between.macs + up.macs)
    rows = (  # and the widths of the maps that each reads and writes
        ("full", "full", whole, full, (channels, filters)),
        ("pointwise", "1×1", f"1×1, {channels} → {filters}", pointwise, (channels, filters)),
        ("depthwise", "depthwise", f"{k}×{k} on each of {channels} channels", depthwise, (channels, channels)),
        (
            "separable",
            "separable",
            f"depthwise {k}×{k}, then 1×1 to {filters}",
            separable,
            (channels, channels, channels, filters),
        ),
        ("grouped", "grouped", f"{whole}, in {groups} group{'s' * (groups > 1)}", grouped, (channels, filters)),
        (
            "bottleneck",
            "bottleneck",
            f"1×1 to {middle}, {k}×{k}, 1×1 to {filters}",
            bottleneck,
            (channels, middle, middle, middle, middle, filters),
        ),
    )
    return [
        Variant(name, title, shape, cost, cost.macs / (cost.params + cells * sum(widths)))
        for name, title, shape, cost, widths in rows
    ]


def separable_saving(filters: int, cells: float) -> float:
    """Return how many times fewer multiply-adds the separable convolution takes: 1 / (1 / C_out + 1 / k²).

    Args:
        filters: Channels of the output.
        cells: Of the kernel, k²; with `cells_on_map` the same holds for the products that are not with padding.

    Example:
        >>> round(separable_saving(512, cells=9), 2)  # never more than 9
        8.84

    Source:
        Howard et al. 2017, arXiv:1704.04861, section 3.1.
    """
    return 1 / (1 / filters + 1 / cells)


def cells_on_map(map_size: int, kernel_size: int) -> float:
    """Return how many cells of a kernel lie on the map in the mean over all positions; the others lie on padding.

    Padding is `same`, the stride 1.

    Example:
        >>> cells_on_map(1, 3), round(cells_on_map(7, 3), 2), round(cells_on_map(56, 3), 2)
        (1.0, 7.37, 8.79)
    """
    before, _ = padding_amounts(map_size, Window(kernel_size, padding="same"))
    first = np.arange(map_size) - before
    along = np.minimum(first + kernel_size, map_size) - np.maximum(first, 0)  # cells on the map, along one axis
    return float(along.mean() ** 2)


def too_large(map_size: int, channels: int, filters: int, kernel_size: int) -> str:
    """Return why these shapes are not measured, as a sentence; empty if they are.

    >>> too_large(14, 512, 512, 3)
    ''
    """
    macs = convolution_cost(kernel_size, channels, filters, map_size, bias=False).macs
    cells = map_size**2 * max(channels, filters)
    if macs <= MAX_MACS and cells <= MAX_CELLS:
        return ""
    return (
        f"A layer of {macs / 1e9:,.1f} G multiply-adds on maps of {cells / 1e6:,.1f} M numbers would keep the machine "
        f"busy for too long; measured are layers of up to {MAX_MACS / 1e9:g} G and {MAX_CELLS / 1e6:g} M. Choose a "
        "smaller map or fewer channels."
    )


def layer_times(map_size: int, channels: int, filters: int, kernel_size: int, groups: int) -> list[LayerTime]:
    """Measure the six variants on this machine: forward, batch 1, float32, each compiled by `tf.function`.

    The variants take turns, so that whatever else the machine does meets them all; the first call of each, which
    compiles, is not counted. It takes turns for half a second, 5 to 40 times.

    Args:
        map_size: Side of the map, in cells.
        channels: Channels of the input.
        filters: Channels of the output.
        kernel_size: Side of the kernel, in cells.
        groups: Of the grouped convolution; they divide channels and filters.

    Returns:
        One entry a variant, in the order of `variants`.

    Raises:
        ValueError: If the groups do not divide, or the layer is too large to be measured.
    """
    named = variants(map_size, channels, filters, kernel_size, groups)
    if refusal := too_large(map_size, channels, filters, kernel_size):
        raise ValueError(refusal)
    from cnn_core.networks import devices

    found = devices.find()
    params, calls = _ready(map_size, channels, filters, kernel_size, groups)
    seconds: list[list[float]] = [[] for _ in calls]
    begin = time.perf_counter()
    for turn in range(MAX_ROUNDS):
        if turn >= MIN_ROUNDS and time.perf_counter() - begin > BUDGET:
            break
        for call, taken in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    quartiles = [[float(q) for q in np.percentile(taken, (25, 50, 75)) * 1000] for taken in seconds]
    *of_variants, (_, overhead, _) = quartiles
    device = f"{found.kind}: {', '.join(found.names)}"
    return [
        LayerTime(variant.name, params[variant.name], median, lower, upper, overhead, len(seconds[0]), device)
        for variant, (lower, median, upper) in zip(named, of_variants, strict=True)
    ]


@lru_cache(maxsize=2)  # who measures again need not wait for the compiler again
def _ready(
    map_size: int, channels: int, filters: int, kernel_size: int, groups: int
) -> tuple[dict[str, int], list[Callable[[], object]]]:
    """The variants' parameters, and a call of each that has been compiled, the last of which computes nothing."""
    import tensorflow as tf

    pixels = tf.constant(np.random.default_rng(0).standard_normal((1, map_size, map_size, channels)).astype(np.float32))
    models = _models(channels, filters, kernel_size, groups)
    for model in models.values():
        model.build(pixels.shape)
    calls = [_compiled(tf, model, pixels) for model in models.values()]
    calls.append(_compiled(tf, lambda batch, training: batch, pixels))
    for call in calls:
        call()
    return {name: model.count_params() for name, model in models.items()}, calls


def _models(channels: int, filters: int, kernel_size: int, groups: int) -> dict[str, Any]:
    """The variants in Keras, not built yet."""
    import keras

    same = {"padding": "same", "use_bias": False}
    layers, middle = keras.layers, reduced(filters)
    return {
        "full": keras.Sequential([layers.Conv2D(filters, kernel_size, **same)]),
        "pointwise": keras.Sequential([layers.Conv2D(filters, 1, **same)]),
        "depthwise": keras.Sequential([layers.DepthwiseConv2D(kernel_size, **same)]),
        "separable": keras.Sequential([layers.SeparableConv2D(filters, kernel_size, **same)]),
        "grouped": keras.Sequential([layers.Conv2D(filters, kernel_size, groups=groups, **same)]),
        "bottleneck": keras.Sequential(
            [
                layers.Conv2D(middle, 1, **same),
                layers.Conv2D(middle, kernel_size, **same),
                layers.Conv2D(filters, 1, **same),
            ]
        ),
    }


def _compiled(tf: Any, model: Callable[..., Any], pixels: Any) -> Callable[[], object]:
    """A call that runs the compiled model and waits for its numbers, which a GPU would give later."""
    run = tf.function(lambda batch: model(batch, training=False), autograph=False)
    return lambda: float(run(pixels)[0, 0, 0, 0])
