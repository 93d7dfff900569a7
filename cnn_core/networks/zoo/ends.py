"""How the classic networks begin and end: a picture of a checked shape, and logits that become probabilities."""

from typing import Any

import keras
from keras import layers

Shape = tuple[int, int, int]


def picture(input_shape: Shape | None, default: Shape, minimum: int) -> Any:
    """Return the input layer's tensor, named `image`.

    Args:
        input_shape: `(H, W, C)` in pixels and channels; None for the default.
        default: The paper's own shape.
        minimum: The shortest side, in pixels, of which the last stage still has a pixel.

    Returns:
        A symbolic tensor `(N, H, W, C)`.

    Raises:
        ValueError: If the shape is not three whole numbers, or a side is too short.

    Example:
        >>> picture((64, 96, 3), (224, 224, 3), 32).shape
        (None, 64, 96, 3)
    """
    shape = default if input_shape is None else input_shape
    three = isinstance(shape, tuple | list) and len(shape) == 3 and all(isinstance(n, int) for n in shape)
    if not three or min(shape) < 1 or min(shape[:2]) < minimum:
        raise ValueError(
            f"input_shape is {input_shape!r}; expected (height, width, channels) with sides of at least {minimum} "
            f"pixels. Enlarge the picture, or leave input_shape out for the paper's {default}."
        )
    return keras.Input(shape, name="image")


def classifier(features: Any, num_classes: int | None, name: str = "", **dense: Any) -> Any:
    """Return the probabilities: a dense layer `<name>logits`, then a softmax `<name>probabilities`.

    Args:
        features: Symbolic tensor `(N, C)`.
        num_classes: Number of outputs; None for the 1000 of ImageNet.
        name: Prefix of the two layers' names.
        **dense: Further arguments of the dense layer, such as its initialiser.

    Returns:
        A symbolic tensor `(N, num_classes)`.

    Raises:
        ValueError: If num_classes is not a whole number of at least 1.

    Example:
        >>> classifier(keras.Input((512,)), 10).shape
        (None, 10)
    """
    classes = checked_classes(num_classes, 1000)
    return layers.Softmax(name=f"{name}probabilities")(layers.Dense(classes, name=f"{name}logits", **dense)(features))


def checked_classes(num_classes: int | None, default: int, maximum: int | None = None) -> int:
    """Return the number of classes, or the paper's own for None.

    Args:
        num_classes: What was asked for.
        default: The paper's own number.
        maximum: The largest number that the network can have, if there is one.

    Raises:
        ValueError: If it is not a whole number from 1 to the maximum.

    Example:
        >>> checked_classes(None, 1000), checked_classes(7, 1000)
        (1000, 7)
    """
    classes = default if num_classes is None else num_classes
    if not isinstance(classes, int) or classes < 1 or (maximum is not None and classes > maximum):
        wanted = "at least 1" if maximum is None else f"1 to {maximum}"
        raise ValueError(
            f"num_classes is {num_classes!r}; expected a whole number, {wanted}. "
            f"Leave it out for the paper's {default}."
        )
    return classes
