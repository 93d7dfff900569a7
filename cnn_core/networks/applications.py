"""A network of `keras.applications` without its weights: what it counts, and how far its layers see."""

from functools import cache
from typing import Any

from cnn_core.networks.summary import LayerRow, layer_table
from cnn_core.networks.zoo.weightless import weightless


@cache
def rows(name: str, include_top: bool = True, input_size: int | None = None) -> dict[str, LayerRow]:
    """Return its rows by the layer's name.

    Args:
        name: As in `keras.applications`.
        include_top: With its classifier.
        input_size: Height and width in pixels; None for the network's own.

    Example:
        >>> sum(row.params for row in rows("MobileNetV2", include_top=False).values())
        2257984
    """
    import keras

    arguments: dict[str, Any] = {"weights": None, "include_top": include_top}
    if input_size and not include_top:
        arguments["input_shape"] = (input_size, input_size, 3)
    model = weightless(getattr(keras.applications, name), **arguments)
    return {row.name: row for row in layer_table(model, input_size)}
