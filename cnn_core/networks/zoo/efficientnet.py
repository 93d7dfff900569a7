"""EfficientNet-B0: a small network found by search, made to be scaled in depth, width and resolution together.

Faithful to the paper: the stages of table 1, inverted residuals with squeeze-and-excite (a quarter of the block's
*input* channels, as in the released code) and swish, BatchNorm after every convolution. At a stride of 2 the odd pixel
of padding goes after, as in TensorFlow.

Not in here: stochastic depth and dropout, which are training's business, and the normalisation of pixels that Keras
puts into its model (7 numbers more).

Source:
    Tan & Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, arXiv:1905.11946, table 1.
    Squeeze-and-excite: Hu, Shen, Albanie, Sun & Wu 2018, arXiv:1709.01507, section 3.
"""

from typing import Any

import keras
from keras import layers

from cnn_core.networks.zoo.efficientnet_lite import efficientnet_lite0
from cnn_core.networks.zoo.efficientnet_lite_weights import STAGES
from cnn_core.networks.zoo.ends import Shape, classifier, picture


def _initializer() -> keras.initializers.Initializer:
    """A fresh one for each layer: Keras gives equal shapes of one initializer equal values."""
    return keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def efficientnet_b0(*, input_shape: Shape | None = None, num_classes: int | None = None) -> keras.Model:
    """Build EfficientNet-B0 with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 32; None for 224 × 224 × 3. Pixels with about zero
            mean and unit variance.
        num_classes: Outputs; None for 1000.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities. The outputs of blocks are the layers
        `block<stage><letter>_out`; before the softmax `probabilities` stands the dense layer `logits`.

    Raises:
        ValueError: If the shape or the number of classes is not possible.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> model = weightless(efficientnet_b0)
        >>> sum(w.shape.num_elements() for w in model.trainable_weights), model.count_params()
        (5288548, 5330564)
    """
    image = picture(input_shape, (224, 224, 3), minimum=32)
    x = _swish(_conv(image, 32, 3, 2, "stem"), "stem_out")
    for stage, (repeats, kernel_size, stride, expansion, filters) in enumerate(STAGES, 1):
        for i in range(repeats):
            name = f"block{stage}{'abcd'[i]}"
            x = _inverted_residual(x, filters, kernel_size, stride if i == 0 else 1, expansion, name)
    x = _swish(_conv(x, 1280, 1, 1, "top"), "top_out")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, classifier(x, num_classes), name="efficientnet_b0")


def lite0(*, input_shape: Shape | None = None, num_classes: int | None = None) -> keras.Model:
    """Build EfficientNet-Lite0, the embedded network, with random weights, by the arguments of the other builders.

    Args:
        input_shape: `(N, N, 3)`; None for 224 × 224 × 3. Pixels from 0 to 255.
        num_classes: Outputs; None for 1000.

    Returns:
        The model of `efficientnet_lite.efficientnet_lite0`; its dense layer `probabilities` holds the softmax.

    Raises:
        ValueError: If the input is not square, or has not three channels.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> weightless(lite0, input_shape=(64, 64, 3), num_classes=10).output_shape
        (None, 10)
    """
    height, width, channels = input_shape or (224, 224, 3)
    if height != width or channels != 3:
        raise ValueError(f"EfficientNet-Lite0 takes a square of three channels; received {input_shape}.")
    return efficientnet_lite0(classes=1000 if num_classes is None else num_classes, input_size=height)


def _inverted_residual(x: Any, filters: int, kernel_size: int, stride: int, expansion: int, name: str) -> Any:
    """Narrow → wide, channels weighed → narrow; added to its input where the shapes agree."""
    shortcut, channels = x, x.shape[-1]
    if expansion > 1:
        x = _swish(_conv(x, expansion * channels, 1, 1, f"{name}_expand"), f"{name}_expand_swish")
    depthwise = layers.DepthwiseConv2D(
        *(kernel_size, stride, "same"),
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}_depthwise_conv",
    )
    x = layers.BatchNormalization(name=f"{name}_depthwise_bn")(depthwise(x))
    x = _swish(x, f"{name}_depthwise_swish")
    x = _squeeze_and_excite(x, channels // 4, f"{name}_se")
    if stride > 1 or channels != filters:
        return _conv(x, filters, 1, 1, f"{name}_project", norm=f"{name}_out")
    x = _conv(x, filters, 1, 1, f"{name}_project")
    return layers.Add(name=f"{name}_out")([x, shortcut])


def _squeeze_and_excite(x: Any, channels: int, name: str) -> Any:
    """A weight from 0 to 1 for each channel, by what the whole image holds."""
    weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    weights = layers.Conv2D(channels, 1, kernel_initializer=_initializer(), name=f"{name}_reduce_conv")(weights)
    weights = _swish(weights, f"{name}_reduce_swish")
    weights = layers.Conv2D(x.shape[-1], 1, kernel_initializer=_initializer(), name=f"{name}_expand_conv")(weights)
    weights = layers.Activation("sigmoid", name=f"{name}_weights")(weights)
    return layers.Multiply(name=f"{name}_excite")([x, weights])


def _conv(x: Any, filters: int, kernel_size: int, stride: int, name: str, norm: str | None = None) -> Any:
    """A convolution without bias, and BatchNorm."""
    conv = layers.Conv2D(
        filters, kernel_size, stride, "same", use_bias=False, kernel_initializer=_initializer(), name=f"{name}_conv"
    )
    return layers.BatchNormalization(name=norm or f"{name}_bn")(conv(x))


def _swish(x: Any, name: str) -> Any:
    """x times sigmoid(x)."""
    return layers.Activation("swish", name=name)(x)
