"""EfficientNet-Lite0: the network that ConvScope carries with it.

EfficientNet-B0 without squeeze-and-excite and with ReLU6 for swish, so that it runs well on phones; its release notes
say 75.1% ImageNet top-1, 4.7 M parameters and 407 M multiply-adds at 224 × 224. Its convolutions and its dense layer
take 385.2 M of them; `cnn_core/receipts/lite.py` has the rule that explains most of the rest.

Source:
    The `efficientnet/lite` folder of github.com/tensorflow/tpu (no squeeze-and-excite, ReLU6, stem and head not
    scaled; accuracy and counts). Tan & Le 2019, arXiv:1905.11946, table 1 (the stages).
"""

import keras
from keras import layers

from cnn_core.networks.zoo.efficientnet_lite_weights import STAGES


def efficientnet_lite0(*, include_top: bool = True, classes: int = 1000, input_size: int = 224) -> keras.Model:
    """Build EfficientNet-Lite0 with random weights.

    The input is the RGB picture as it is, 0 to 255; the network's own first layer maps it to (x − 127) / 128.

    Args:
        include_top: Add global average pooling, dropout and the softmax classifier.
        classes: Outputs of the classifier.
        input_size: Height and width in pixels; a multiple of 32.

    Returns:
        A model `(N, input_size, input_size, 3)` → `(N, classes)` probabilities, or without top
        → `(N, input_size / 32, input_size / 32, 1280)`. A block's output is the layer `<block>_out`, block from BLOCKS.

    Example:
        >>> model = efficientnet_lite0()
        >>> import math
        >>> sum(math.prod(w.shape) for w in model.trainable_weights), model.count_params()
        (4652008, 4694024)
    """
    image = keras.Input((input_size, input_size, 3), name="image")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="preprocess")(image)
    x = _conv_bn(x, 32, 3, stride=2, name="stem")
    for stage, (repeats, kernel_size, stride, expansion, filters) in enumerate(STAGES, 1):
        for i in range(repeats):
            x = _inverted_residual(
                x, filters, kernel_size, stride if i == 0 else 1, expansion, name=f"block{stage}{'abcd'[i]}"
            )
    x = _conv_bn(x, 1280, 1, name="top")
    if include_top:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dropout(0.2, name="dropout")(x)
        x = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x, name="efficientnet_lite0")


def _inverted_residual(x, filters: int, kernel_size: int, stride: int, expansion: int, name: str):  # type: ignore[no-untyped-def]
    """Expand by 1×1, convolve each channel alone, project by 1×1 (no activation); add the input where shapes allow."""
    shortcut, channels = x, x.shape[-1]
    if expansion != 1:
        x = _conv_bn(x, channels * expansion, 1, name=f"{name}_expand")
    x = layers.DepthwiseConv2D(kernel_size, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _bn_relu6(x, f"{name}_depthwise")
    residual = stride == 1 and channels == filters
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = layers.BatchNormalization(
        epsilon=1e-3, momentum=0.99, name=f"{name}_project_bn" if residual else f"{name}_out"
    )(x)
    return layers.Add(name=f"{name}_out")([shortcut, x]) if residual else x


def _conv_bn(x, filters: int, kernel_size: int, stride: int = 1, *, name: str):  # type: ignore[no-untyped-def]
    conv = layers.Conv2D(filters, kernel_size, stride, padding="same", use_bias=False, name=f"{name}_conv")
    return _bn_relu6(conv(x), name)


def _bn_relu6(x, name: str):  # type: ignore[no-untyped-def]
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=f"{name}_bn")(x)
    return layers.ReLU(max_value=6.0, name=f"{name}_relu6" if name != "top" else "top_out")(x)
