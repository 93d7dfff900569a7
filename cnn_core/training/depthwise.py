"""A cheaper way to the gradient of a wide depthwise filter, for as long as a step is traced.

TensorFlow 2.21 on a CPU has a quick kernel for the gradient of depthwise filters of up to three columns; for five it
takes a slow one, which was a fifth of a fine-tuning step. The columns of a filter's gradient do not depend on each
other: the middle three are asked for at once, and each further one alone, of the input moved by so much.
"""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from cnn_core.networks import devices

_EVERY = [1, 1, 1, 1]  # the only stride
_gradient = tf.nn.depthwise_conv2d_backprop_filter


@contextlib.contextmanager
def cheaper(model: keras.Model) -> Iterator[None]:
    """Trace a model inside this: its wide depthwise filters get their gradients column by column."""
    layers = [] if devices.accelerated() else [layer for layer in model._flatten_layers() if _takes(layer)]
    for layer in layers:
        layer.call = partial(_call, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call  # that of its class is seen again


def filter_gradient(inputs: tf.Tensor, slopes: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Return the gradient of a depthwise filter, stride 1, padding `same`.

    Args:
        inputs: `(N, h, w, channels)`.
        slopes: The gradient of the output, `(N, h, w, channels)`.
        size: Rows and columns of the filter, odd numbers.

    Returns:
        `(rows, columns, channels, 1)`, what `tf.nn.depthwise_conv2d_backprop_filter` gives.
    """
    rows, columns = size
    channels, width = inputs.shape[-1], inputs.shape[2]

    def part(inputs: tf.Tensor, slopes: tf.Tensor, columns: int) -> tf.Tensor:
        return _gradient(inputs, (rows, columns, channels, 1), slopes, _EVERY, "SAME")

    if columns <= 3 or columns // 2 >= width:
        return part(inputs, slopes, columns)
    further = range(2, columns // 2 + 1)
    left = [part(inputs[:, :, :-by], slopes[:, :, by:], 1) for by in reversed(further)]
    right = [part(inputs[:, :, by:], slopes[:, :, :-by], 1) for by in further]
    return tf.concat([*left, part(inputs, slopes, 3), *right], axis=1)


def _takes(layer: Any) -> bool:
    return (
        isinstance(layer, keras.layers.DepthwiseConv2D)
        and layer.trainable
        and min(layer.kernel_size) % 2 == max(layer.kernel_size) % 2 == 1
        and layer.kernel_size[1] > 3
        and (layer.strides, layer.dilation_rate) == ((1, 1), (1, 1))
        and (layer.padding, layer.depth_multiplier, layer.data_format) == ("same", 1, "channels_last")
    )


def _call(layer: Any, inputs: tf.Tensor) -> tf.Tensor:
    """What the layer's own `call` does."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def convolved(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(slopes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            back = tf.nn.depthwise_conv2d_backprop_input(tf.shape(inputs), kernel, slopes, _EVERY, "SAME")
            return back, filter_gradient(inputs, slopes, layer.kernel_size)

        return tf.nn.depthwise_conv2d(inputs, kernel, _EVERY, "SAME"), gradient

    outputs = convolved(inputs, tf.convert_to_tensor(layer.kernel.value))
    if layer.use_bias:
        outputs = outputs + tf.cast(layer.bias, outputs.dtype)
    return layer.activation(outputs)
