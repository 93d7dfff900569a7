"""A network without memory for its weights: enough for shapes, counts, fields and drawings, in an instant."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras


def weightless(build: Callable[..., keras.Model], **arguments: Any) -> keras.Model:
    """Return the network of a builder, whose weights have shapes and no values.

    Args:
        build: A builder of the zoo.
        **arguments: Its keywords.

    Returns:
        A model for `count_params` and `cnn_core.networks.summary.layer_table`; it cannot be called on a picture.

    Raises:
        ValueError: What the builder raises.

    Example:
        >>> from cnn_core.networks.zoo.vgg import vgg
        >>> weightless(vgg, depth=19).count_params()  # half a gigabyte, if it had weights
        143667240
    """

    def built() -> keras.Model:
        with keras.StatelessScope(initialize_variables=False):
            return build(**arguments)

    # Keras lists uninitialised variables for each thread, and would fill them all at its next occasion in that thread.
    with ThreadPoolExecutor(1, "weightless") as thread:
        return thread.submit(built).result()
