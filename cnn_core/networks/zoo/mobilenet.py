"""MobileNet v1 and v2: convolutions taken apart, one kernel a channel and then 1 × 1 across the channels.

Faithful to the papers: stages, strides and filters of table 1 (v1) and table 2 (v2), BatchNorm after every
convolution, no activation behind v2's narrow 1 × 1 ("linear bottleneck"). As in the released networks, not in the text
of v1: ReLU6 for ReLU. At a stride of 2 the odd pixel of padding goes after, as in TensorFlow.

Not in here: the width and resolution multipliers, and the dropout before the classifier.

Source:
    Howard et al. 2017, MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications,
    arXiv:1704.04861, table 1.
    Sandler, Howard, Zhu, Zhmoginov & Chen 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks,
    arXiv:1801.04381, tables 1 and 2.
"""

from typing import Any

import keras
from keras import layers

from cnn_core.networks.zoo.ends import Shape, classifier, picture

# v1: (filters of the 1 × 1, stride of the depthwise convolution), a block each
V1_BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
# v2: (expansion, filters, repeats, stride of the first block), a stage each
V2_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def mobilenet_v1(*, input_shape: Shape | None = None, num_classes: int | None = None) -> keras.Model:
    """Build MobileNet v1 with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 32; None for 224 × 224 × 3. Pixels from −1 to 1.
        num_classes: Outputs; None for 1000.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities. The outputs of blocks are the layers
        `block<1 to 13>_out`; before the softmax `probabilities` stands the dense layer `logits`.

    Raises:
        ValueError: If the shape or the number of classes is not possible.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> weightless(mobilenet_v1).count_params()
        4253864
    """
    image = picture(input_shape, (224, 224, 3), minimum=32)
    x = _conv(image, 32, 3, 2, "stem")
    x = layers.ReLU(6.0, name="stem_out")(x)
    for block, (filters, stride) in enumerate(V1_BLOCKS, 1):
        x = _depthwise(x, stride, f"block{block}_depthwise", momentum=0.99)
        x = _conv(x, filters, 1, 1, f"block{block}_pointwise")
        x = layers.ReLU(6.0, name=f"block{block}_out")(x)
    return _pooled_model(image, x, num_classes, "mobilenet_v1")


def mobilenet_v2(*, input_shape: Shape | None = None, num_classes: int | None = None) -> keras.Model:
    """Build MobileNet v2 with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 32; None for 224 × 224 × 3. Pixels from −1 to 1.
        num_classes: Outputs; None for 1000.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities. The outputs of blocks are the layers
        `stage<s>_block<b>_out`; before the softmax `probabilities` stands the dense layer `logits`.

    Raises:
        ValueError: If the shape or the number of classes is not possible.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> model = weightless(mobilenet_v2)
        >>> sum(w.shape.num_elements() for w in model.trainable_weights), model.count_params()
        (3504872, 3538984)
    """
    image = picture(input_shape, (224, 224, 3), minimum=32)
    x = _conv(image, 32, 3, 2, "stem", momentum=0.999)
    x = layers.ReLU(6.0, name="stem_out")(x)
    for stage, (expansion, filters, repeats, stride) in enumerate(V2_STAGES, 1):
        for block in range(1, repeats + 1):
            name = f"stage{stage}_block{block}"
            x = _inverted_residual(x, expansion, filters, stride if block == 1 else 1, name)
    x = _conv(x, 1280, 1, 1, "top", momentum=0.999)
    x = layers.ReLU(6.0, name="top_out")(x)
    return _pooled_model(image, x, num_classes, "mobilenet_v2")


def _inverted_residual(x: Any, expansion: int, filters: int, stride: int, name: str) -> Any:
    """Narrow → wide → narrow; added to its input where the shapes agree."""
    shortcut, channels = x, x.shape[-1]
    if expansion > 1:
        x = _conv(x, expansion * channels, 1, 1, f"{name}_expand", momentum=0.999)
        x = layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
    x = _depthwise(x, stride, f"{name}_depthwise", momentum=0.999)
    if stride > 1 or channels != filters:
        return _conv(x, filters, 1, 1, f"{name}_project", momentum=0.999, norm=f"{name}_out")
    x = _conv(x, filters, 1, 1, f"{name}_project", momentum=0.999)
    return layers.Add(name=f"{name}_out")([x, shortcut])


def _conv(
    x: Any, filters: int, kernel_size: int, stride: int, name: str, momentum: float = 0.99, norm: str | None = None
) -> Any:
    """A convolution without bias, and BatchNorm."""
    x = layers.Conv2D(filters, kernel_size, stride, "same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=momentum, epsilon=1e-3, name=norm or f"{name}_bn")(x)


def _depthwise(x: Any, stride: int, name: str, momentum: float) -> Any:
    """One 3 × 3 kernel a channel, BatchNorm and ReLU6."""
    x = layers.DepthwiseConv2D(3, stride, "same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=momentum, epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _pooled_model(image: Any, x: Any, num_classes: int | None, name: str) -> keras.Model:
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, classifier(x, num_classes), name=name)
