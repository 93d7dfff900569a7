"""LeNet-5: as published in 1998, and as one would write it today.

Faithful in `lenet5_1998`: the sub-sampling that is trained (the sum of four inputs times one coefficient plus one bias,
each of a map), the sparse connections of C3 (table I), the squashing 1.7159 tanh(2/3 a) after every layer up to F6, C5
as a convolution, the output of Euclidean distances to fixed codes, and the initialisation. 60,000 parameters are
trained; the codes are constants, as they were at first in the paper.

Not faithful: the codes are ten 7 × 12 digits drawn for ConvScope in the manner of figure 3, not its pixels. Input
larger than 32 × 32 is flattened after C5, where the paper would sweep the network over it (section VII).

`lenet5` keeps the sizes of 1998 and replaces the rest: all maps of S2 feed each map of C3, max pooling without
parameters, ReLU (or tanh), logits and softmax.

Source:
    LeCun, Bottou, Bengio & Haffner 1998, Gradient-Based Learning Applied to Document Recognition, section II.B, table I
    and appendix A.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from cnn_core.networks.zoo.ends import Shape, checked_classes, classifier, picture

# Table I: the maps of S2 that feed each map of C3.
C3_INPUTS = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)
AMPLITUDE, SLOPE = 1.7159, 2 / 3  # so that f(1) = 1 and f(-1) = -1

_DIGITS = """
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
..###..  ...#...  .#####.  .#####.  ....##.  #######  ..####.  #######  .#####.  .#####.
.##.##.  ..##...  ##...##  ##...##  ...###.  ##.....  .##....  ##...##  ##...##  ##...##
##...##  .###...  ##...##  .....##  ..####.  ##.....  ##.....  .....##  ##...##  ##...##
##...##  ...#...  .....##  .....##  .##.##.  ######.  ##.....  ....##.  .##.##.  ##...##
##...##  ...#...  ....##.  ..####.  ##..##.  ##...##  ######.  ....##.  ..###..  .######
##...##  ...#...  ...##..  .....##  #######  .....##  ##...##  ...##..  .##.##.  .....##
##...##  ...#...  ..##...  .....##  ....##.  .....##  ##...##  ...##..  ##...##  .....##
.##.##.  ...#...  .##....  ##...##  ....##.  ##...##  ##...##  ..##...  ##...##  ....##.
..###..  .#####.  #######  .#####.  ....##.  .#####.  .#####.  ..##...  .#####.  .####..
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""


def digit_codes() -> np.ndarray:
    """Return the codes of the digits 0 to 9: `(10, 84)` of −1 (paper) and +1 (ink), each 12 rows of 7 pixels.

    Example:
        >>> digit_codes().shape, digit_codes()[0].reshape(12, 7)[1].tolist()
        ((10, 84), [-1.0, -1.0, 1.0, 1.0, 1.0, -1.0, -1.0])
    """
    rows = [line.split() for line in _DIGITS.split("\n") if line]
    pictures = np.array([[list(row[digit]) for row in rows] for digit in range(10)])
    return np.where(pictures == "#", 1.0, -1.0).reshape(10, 84).astype("float32")


# Layers that Keras does not have; `pixelwise` tells `networks.summary` that a position sees the same position only ----


@keras.saving.register_keras_serializable("convscope")
class ScaledTanh(layers.Layer):
    """The squashing function f(a) = 1.7159 tanh(2/3 a), of any shape (appendix A)."""

    pixelwise = True

    def call(self, inputs: Any) -> Any:
        return AMPLITUDE * keras.ops.tanh(SLOPE * inputs)


@keras.saving.register_keras_serializable("convscope")
class Channels(layers.Layer):
    """Some channels of the input, in the order of `indices`, repeated if they are: `(…, C)` → `(…, len(indices))`."""

    pixelwise = True

    def __init__(self, indices: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.indices = tuple(indices)

    def call(self, inputs: Any) -> Any:
        return keras.ops.take(inputs, self.indices, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "indices": self.indices}


@keras.saving.register_keras_serializable("convscope")
class CodeDistances(layers.Layer):
    """Squared Euclidean distance to the code of each digit (equation 7): `(…, 84)` → `(…, classes)`; no weights."""

    pixelwise = True

    def __init__(self, classes: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = classes

    def call(self, inputs: Any) -> Any:
        codes = keras.ops.convert_to_tensor(digit_codes()[: self.classes], dtype=inputs.dtype)
        return keras.ops.sum(keras.ops.square(inputs[..., None, :] - codes), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": self.classes}


# The networks --------------------------------------------------------------------------------------------------------


def lenet5_1998(*, input_shape: Shape | None = None, num_classes: int | None = None) -> keras.Model:
    """Build LeNet-5 of 1998 with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 32; None for 32 × 32 × 1. Paper is −0.1 and ink 1.175, so that
            digits have about zero mean and unit variance; a digit is at most 20 × 20, in the middle.
        num_classes: The first so many digits, at most 10; None for 10.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` squared distances to the codes: the *smallest* is the answer.

    Raises:
        ValueError: If the shape or the number of classes is not possible.

    Example:
        >>> lenet5_1998().count_params()
        60000
    """
    image = picture(input_shape, (32, 32, 1), minimum=32)
    x = _convolved(image, 6, 25 * image.shape[-1], "c1")
    x = _subsampled(ScaledTanh(name="c1_squash")(x), "s2")
    x = ScaledTanh(name="c3_squash")(_sparse_c3(x))
    x = _subsampled(x, "s4")
    x = ScaledTanh(name="c5_squash")(_convolved(x, 120, 25 * 16, "c5"))
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(84, kernel_initializer=_uniform(x.shape[-1]), name="f6")(x)
    x = ScaledTanh(name="f6_squash")(x)
    distances = CodeDistances(checked_classes(num_classes, 10, maximum=10), name="distances")(x)
    return keras.Model(image, distances, name="lenet5_1998")


def lenet5(
    *, input_shape: Shape | None = None, num_classes: int | None = None, activation: str = "relu"
) -> keras.Model:
    """Build LeNet-5 as one would write it today, with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 28; None for 32 × 32 × 1. Sides from 28 to 31 are padded with zeros
            to 32. Pixels are 0 (paper) to 1 (ink).
        num_classes: Number of outputs; None for 10.
        activation: `"relu"`, or `"tanh"` as nearer to 1998.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities.

    Raises:
        ValueError: If the shape, the number of classes or the activation is not possible.

    Example:
        >>> lenet5().count_params(), lenet5(input_shape=(28, 28, 1)).count_params()
        (61706, 61706)
    """
    if activation not in ("relu", "tanh"):
        raise ValueError(f'activation is {activation!r}; expected "relu" or "tanh". Choose one of them.')
    image = x = picture(input_shape, (32, 32, 1), minimum=28)
    missing = [max(32 - side, 0) for side in x.shape[1:3]]
    if any(missing):
        x = layers.ZeroPadding2D(tuple((n // 2, n - n // 2) for n in missing), name="pad")(x)
    x = layers.Conv2D(6, 5, activation=activation, name="c1")(x)
    x = layers.MaxPooling2D(2, name="s2")(x)
    x = layers.Conv2D(16, 5, activation=activation, name="c3")(x)
    x = layers.MaxPooling2D(2, name="s4")(x)
    x = layers.Conv2D(120, 5, activation=activation, name="c5")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(84, activation=activation, name="f6")(x)
    return keras.Model(image, classifier(x, checked_classes(num_classes, 10)), name="lenet5")


def _uniform(fan_in: int) -> Any:
    """Uniform in ± 2.4 / inputs of the unit (appendix A)."""
    return keras.initializers.RandomUniform(-2.4 / fan_in, 2.4 / fan_in)


def _convolved(x: Any, filters: int, fan_in: int, name: str, groups: int = 1) -> Any:
    return layers.Conv2D(filters, 5, groups=groups, kernel_initializer=_uniform(fan_in), name=name)(x)


def _subsampled(x: Any, name: str) -> Any:
    """Four inputs are added, times a coefficient of the map, plus a bias of the map, squashed."""
    x = layers.AveragePooling2D(2, name=f"{name}_mean")(x)
    x = layers.Rescaling(4.0, name=f"{name}_sum")(x)  # Keras has no sum pooling: four times the mean is the sum
    x = layers.DepthwiseConv2D(1, depthwise_initializer=_uniform(4), name=name)(x)
    return ScaledTanh(name=f"{name}_squash")(x)


def _sparse_c3(x: Any) -> Any:
    """Maps that read equally many maps are one grouped convolution: a group is the inputs of one map."""
    parts = []
    for count in (3, 4, 6):  # the order of the table
        columns = [inputs for inputs in C3_INPUTS if len(inputs) == count]
        chosen = Channels(sum(columns, ()), name=f"c3_of{count}_maps")(x)
        parts.append(_convolved(chosen, len(columns), 25 * count, f"c3_of{count}", groups=len(columns)))
    return layers.Concatenate(name="c3")(parts)
