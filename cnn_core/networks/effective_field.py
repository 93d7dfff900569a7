"""Which pixels a unit really listens to: its gradient with respect to the picture, and the law that it follows.

Keras is imported inside the functions: pages show the facts and the theory without it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cnn_core.arithmetic.geometry import Field, unit_centre, unit_interval
from cnn_core.networks.backbones import BACKBONES, DEFAULT
from cnn_core.pictures.images import square

if TYPE_CHECKING:
    import keras

NETWORK = BACKBONES[DEFAULT]
BLOCKS = tuple(start.partition("_")[0] for start in NETWORK.block_starts)  # each ends in the layer <block>_out
MARGIN = 16  # pixels on each side of the network's window, in which it is moved
HELD = 0.95  # of the gradient
DEPTHS = {3: (2, 4, 8, 16, 32), 5: (2, 4, 8, 12, 20), 7: (2, 4, 8, 12, 16)}  # by kernel size: a second or two each
KINDS = ("linear", "relu")
_CHANNELS = 8


class FieldRefused(ValueError):
    """A layer, a number of shifts or a stack for which there is no effective field here."""


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """The gradient of one unit of a layer, averaged over shifts of the picture.

    Attributes:
        layer: The layer whose centre unit is meant.
        pretrained: Whether the weights are ImageNet's or random.
        windows: How many windows were averaged.
        gradient: float32 `(H, W)`, absolute gradient summed over the colours; sums to 1.
        unit: Row and column of the unit in the feature map.
        receptive_field: The theoretical field, in pixels, arithmetic only.
        box: Its first and last pixel along each axis, both included, clipped at the picture's border.
        centre: The middle of the unclipped field, in pixels.
        held: Number of pixels in the smallest set that holds 95% of the gradient.
        share: These pixels as part of the box: 1 would be a unit that listens to all that it can see.
        inner: Gradient in the inner quarter of the box, half as wide and half as high: 0.25 if it were even.
        mean: Row and column of the gradient's centre of mass, in pixels.
        sigma: Standard deviation of the Gaussian of the same spread (its maximum-likelihood fit), rows and columns,
            in pixels.
    """

    layer: str
    pretrained: bool
    windows: int
    gradient: np.ndarray
    unit: tuple[int, int]
    receptive_field: int
    box: tuple[int, int]
    centre: float
    held: int
    share: float
    inner: float
    mean: tuple[float, float]
    sigma: tuple[float, float]


def effective_field(pixels: np.ndarray, layer: str, pretrained: bool = True, shifts: int = 3) -> EffectiveField:
    """Measure which pixels of a picture the centre unit of a layer listens to.

    A gradient of 1 is laid on the centre unit in all channels, 0 on all others, and propagated back to the picture.
    The picture is scaled to 256 and the network's window of 224 moved in it, so that what comes in at its border was
    there before. Each window's absolute gradient is scaled to a sum of 1 and the windows averaged.

    Args:
        pixels: uint8 `(H, W, 3)`.
        layer: `<block>_out`, block from `BLOCKS`.
        pretrained: ImageNet weights, or Glorot's random ones (always the same).
        shifts: Positions of the window along each axis, 1 to 4; their square is the number of windows.

    Raises:
        FieldRefused: If there is no such layer or number of shifts.

    Source:
        Luo et al. 2016, arXiv:1701.04128, sections 1 and 3 (gradient of the centre unit, averaged over inputs). The
        share of pixels that hold 95% is ours: theirs counts pixels above 4.55% of the centre's gradient, one pixel.
    """
    if layer not in (names := [f"{block}_out" for block in BLOCKS]):
        raise FieldRefused(f"There is no layer {layer!r} to look at. Choose one of: {', '.join(names)}.")
    if type(shifts) is not int or not 1 <= shifts <= 4:
        raise FieldRefused(f"The window takes 1 to 4 positions along each axis; received {shifts!r}.")
    size = NETWORK.input_size
    whole = square(pixels, size + 2 * MARGIN, 1.0)
    starts = np.linspace(0, 2 * MARGIN, shifts).round().astype(int) if shifts > 1 else np.array([MARGIN])
    batch = np.stack([whole[y : y + size, x : x + size] for y in starts for x in starts])
    listens = _compiled(layer, pretrained)
    gradient = np.zeros((size, size))
    for some in np.split(batch.astype(np.float32), shifts):  # a row of windows at a time: 120 MB of maps a window
        maps = np.abs(np.asarray(listens(some))).sum(axis=3, dtype=np.float64)  # (shifts, H, W)
        gradient += (maps / maps.sum(axis=(1, 2), keepdims=True)).sum(axis=0) / len(batch)
    unit, field = _cut(layer, pretrained).output_shape[1] // 2, _field(layer)
    box = unit_interval(field, unit, size)
    return EffectiveField(
        layer,
        pretrained,
        len(batch),
        gradient.astype(np.float32),
        (unit, unit),
        field.size,
        box,
        unit_centre(field, unit),
        **_measured(gradient, box),
    )


def centre_gradient(model: "keras.Model", batch: np.ndarray) -> np.ndarray:
    """Return the gradient of the sum over channels of a model's centre unit with respect to its input.

    Args:
        model: `(N, H, W, C)` → `(N, h, w, channels)`; the unit is row h // 2, column w // 2.
        batch: `(N, H, W, C)`, any dtype.

    Returns:
        float32 `(N, H, W, C)`.
    """
    return np.asarray(_of_centre(model, batch.astype(np.float32)))


def _of_centre(model: "keras.Model", batch: Any) -> Any:
    """The same, of and as tensors."""
    import tensorflow as tf

    inputs = tf.convert_to_tensor(batch)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        maps = model(inputs, training=False)
        units = tf.reduce_sum(maps[:, maps.shape[1] // 2, maps.shape[2] // 2])
    return tape.gradient(units, inputs)


def _measured(gradient: np.ndarray, box: tuple[int, int]) -> dict[str, Any]:
    """What the gradient, of sum 1, says in numbers."""
    first, last = box
    side = last - first + 1
    ranked = np.cumsum(np.sort(gradient, axis=None)[::-1])
    held = int(np.searchsorted(ranked, HELD * ranked[-1])) + 1
    inset = side // 4
    middle = slice(first + inset, last + 1 - inset)
    moments = [_moments(gradient.sum(axis=axis)) for axis in (1, 0)]
    return {
        "held": held,
        "share": held / side**2,
        "inner": float(gradient[middle, middle].sum()),
        "mean": (moments[0][0], moments[1][0]),
        "sigma": (moments[0][1], moments[1][1]),
    }


def _moments(profile: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of a distribution over pixels."""
    places = np.arange(len(profile))
    weights = profile / profile.sum()
    mean = float(weights @ places)
    return mean, math.sqrt(float(weights @ (places - mean) ** 2))


# The embedded network, cut at a layer --------------------------------------------------------------------------------


@cache
def _network(pretrained: bool) -> "keras.Model":
    import keras

    from cnn_core.networks import backbones

    if pretrained:
        return backbones.classifier()
    model = backbones.build(DEFAULT, pretrained=False)
    for number, variable in enumerate(model.trainable_weights):  # anew, so that a picture has one answer
        if variable.path.endswith("/kernel"):
            variable.assign(keras.initializers.GlorotUniform(seed=number)(variable.shape))
    return model


@cache
def _cut(layer: str, pretrained: bool) -> "keras.Model":
    """Picture → the layer's map; shares the weights of `_network`, so never change it."""
    import keras

    network = _network(pretrained)
    return keras.Model(network.input, network.get_layer(layer).output, name=f"to_{layer}")


@lru_cache(maxsize=8)
def _compiled(layer: str, pretrained: bool) -> Callable[[np.ndarray], Any]:
    """Pictures → the centre unit's gradient, as one graph: outside of one, TensorFlow computes the weights' too."""
    import tensorflow as tf

    model = _cut(layer, pretrained)
    seen = tf.TensorSpec((None, NETWORK.input_size, NETWORK.input_size, 3), tf.float32)
    compiled: Callable[[np.ndarray], Any] = tf.function(
        lambda batch: _of_centre(model, batch), input_signature=[seen], autograph=False
    )
    return compiled


@cache
def _field(layer: str) -> Field:
    """The theoretical field."""
    from cnn_core.networks.summary import layer_table

    row = next(row for row in layer_table(_cut(layer, True)) if row.name == layer)
    size, stride, padding = row.receptive_field, row.effective_stride, row.effective_padding
    assert isinstance(size, int) and isinstance(stride, int) and isinstance(padding, int)  # square throughout
    return Field(size, stride, padding)


# The law over depth --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldGrowth:
    """Effective field against depth, measured on random stacks.

    Attributes:
        kernel_size: Of all layers.
        depths: Numbers of layers n.
        fields: Theoretical fields n (k - 1) + 1, in pixels.
        theory: 4 σ_n, in pixels.
        sizes: Measured 4 σ for each of `KINDS`, in pixels.
        growth: Exponent a of size ~ n^a, fitted, for each kind; 1/2 in theory.
        shrinkage: Exponent of size / field ~ n^a for each kind, and `"theory"` for the theory's line at these depths;
            it tends to -1/2.
        runs: Random stacks averaged.
    """

    kernel_size: int
    depths: tuple[int, ...]
    fields: tuple[int, ...]
    theory: tuple[float, ...]
    sizes: dict[str, tuple[float, ...]]
    growth: dict[str, float]
    shrinkage: dict[str, float]
    runs: int


def expected_extent(kernel_size: int, depth: int) -> float:
    """Return the effective extent that theory expects of n layers of k × k kernels, in pixels.

    The squared gradient spreads as n uniform distributions over k cells are summed: each has the variance
    (k² - 1) / 12, so σ_n = sqrt(n (k² - 1) / 12). The extent is ±2 σ_n: 95.45% of a Gaussian.

    Example:
        >>> expected_extent(3, depth=6)  # variance 6 · 8 / 12 = 4
        8.0

    Source: Luo et al. 2016, arXiv:1701.04128, section 2.
    """
    return 4 * math.sqrt(depth * (kernel_size**2 - 1) / 12)


def field_growth(kernel_size: int = 3, depths: Sequence[int] = DEPTHS[3], runs: int = 12) -> FieldGrowth:
    """Measure how the effective field of random stacks grows with depth.

    Each stack has n convolutions of 8 channels without padding, He's random weights, and an input just as large as the
    field, so that one unit is left. Its squared gradient, scaled to a sum of 1, is averaged over the stacks: for linear
    stacks its expectation is exactly the n-fold convolution of the uniform kernel, border included.

    Args:
        kernel_size: 2 to 7.
        depths: Numbers of layers, at least two different ones, 1 to 32.
        runs: Random stacks for each depth and kind.

    Raises:
        FieldRefused: If a number is out of range.

    Source: Luo et al. 2016, arXiv:1701.04128, sections 2 and 3.1.
    """
    depths = tuple(int(depth) for depth in depths)
    if not 2 <= kernel_size <= 7 or len(set(depths)) < 2 or min(depths) < 1 or max(depths) > 32 or runs < 1:
        raise FieldRefused(
            "Stacks of kernels of 2 to 7 cells and of 1 to 32 layers, at least two depths and one run, are measured; "
            f"received kernel_size {kernel_size}, depths {depths}, runs {runs}."
        )
    return _grown(kernel_size, depths, runs)


@lru_cache(maxsize=8)  # a second of work with one answer, whoever asks
def _grown(kernel_size: int, depths: tuple[int, ...], runs: int) -> FieldGrowth:
    random = np.random.default_rng(kernel_size)
    fields = tuple(depth * (kernel_size - 1) + 1 for depth in depths)
    sizes: dict[str, tuple[float, ...]] = {}
    for kind in KINDS:
        energies = [
            np.mean([_living(kernel_size, depth, kind == "relu", random) for _ in range(runs)], axis=0)
            for depth in depths
        ]
        sizes[kind] = tuple(_extent(energy) for energy in energies)
    theory = tuple(expected_extent(kernel_size, depth) for depth in depths)
    ratios = {name: np.divide(each, fields) for name, each in (("theory", theory), *sizes.items())}
    return FieldGrowth(
        kernel_size,
        depths,
        fields,
        theory,
        sizes,
        growth={kind: _exponent(depths, each) for kind, each in sizes.items()},
        shrinkage={name: _exponent(depths, each) for name, each in ratios.items()},
        runs=runs,
    )


def _living(kernel_size: int, depth: int, relu: bool, random: np.random.Generator) -> np.ndarray:
    """Squared gradient of sum 1; a stack whose ReLUs all say 0 listens to nothing and is drawn again."""
    while not (energy := _energy(kernel_size, depth, relu, random)).any():
        pass
    squares: np.ndarray = energy / energy.sum()
    return squares


def _energy(kernel_size: int, depth: int, relu: bool, random: np.random.Generator) -> np.ndarray:
    """Squared gradient of the one unit of a random stack, `(field, field)`.

    The gradient goes back by hand: a tape would compute that of every kernel too.
    """
    import tensorflow as tf

    field = depth * (kernel_size - 1) + 1
    shape = (kernel_size, kernel_size, _CHANNELS, _CHANNELS)
    scale = math.sqrt((2 if relu else 1) / (kernel_size**2 * _CHANNELS))
    maps = random.standard_normal((1, field, field, _CHANNELS), np.float32)
    kernels = [np.float32(scale) * random.standard_normal(shape, np.float32) for _ in range(depth)]
    open_gates: list[Any] = [1.0]  # for each layer where its input is let through: everywhere, but for a ReLU's zeros
    for layer in range(depth - 1):  # what the last layer says is not asked for
        maps = tf.nn.conv2d(maps, kernels[layer], 1, "VALID") if relu else maps
        open_gates.append(tf.cast(maps > 0, tf.float32) if relu else 1.0)
        maps = tf.nn.relu(maps) if relu else maps
    gradient: Any = np.eye(1, _CHANNELS, dtype=np.float32)[None, None]  # of the one unit in the first channel
    for layer in reversed(range(depth)):
        side = gradient.shape[1] + kernel_size - 1
        wider = tf.nn.conv2d_transpose(gradient, kernels[layer], (1, side, side, _CHANNELS), 1, "VALID")
        gradient = wider * open_gates[layer]
    energy: np.ndarray = (np.asarray(gradient, np.float64)[0] ** 2).sum(axis=2)
    return energy


def _extent(energy: np.ndarray) -> float:
    """±2 σ, the variance averaged over both axes and taken about the middle, which is where the mean is expected."""
    places = np.arange(len(energy)) - (len(energy) - 1) / 2
    variance = (energy.sum(axis=0) + energy.sum(axis=1)) @ places**2 / (2 * energy.sum())
    return 4 * math.sqrt(float(variance))


def _exponent(depths: Sequence[int], values: Sequence[float] | np.ndarray) -> float:
    """The slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(depths), np.log(values), 1)[0])
