"""ConvNeXt-Tiny: a ResNet with everything that transformers had made usual, except attention.

Faithful to the paper: a patchy stem (4 × 4 kernels, stride 4), four stages of 3, 3, 9 and 3 blocks, separate layers
that halve, 7 × 7 depthwise kernels *before* the wide part of the block, LayerNorm for BatchNorm and GELU for ReLU (one
of each a block), a learned scale of 10⁻⁶ on each branch. The 1 × 1 convolutions are dense layers along the channels, as
in the released code: the same numbers.

Not in here: stochastic depth, which is training's business.

Source:
    Liu, Mao, Wu, Feichtenhofer, Darrell & Xie 2022, A ConvNet for the 2020s, arXiv:2201.03545, section 2 and table 9.
    The scale: Touvron et al. 2021, Going deeper with Image Transformers, arXiv:2103.17239, section 2.
"""

from typing import Any

import keras
from keras import layers
from keras.src.applications.convnext import LayerScale  # `summary` knows what it does; there is no public name

from cnn_core.networks.zoo.ends import Shape, classifier, picture

STAGES = ((3, 96), (3, 192), (9, 384), (3, 768))  # (blocks, filters)


def _initializer() -> keras.initializers.Initializer:
    """A fresh one for each layer: Keras gives equal shapes of one initializer equal values."""
    return keras.initializers.TruncatedNormal(stddev=0.02)


def convnext_tiny(*, input_shape: Shape | None = None, num_classes: int | None = None) -> keras.Model:
    """Build ConvNeXt-Tiny with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 32; None for 224 × 224 × 3. Pixels with about zero
            mean and unit variance.
        num_classes: Outputs; None for 1000.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities. The outputs of blocks are the layers
        `stage<s>_block<b>_out`; before the softmax `probabilities` stands the dense layer `logits`.

    Raises:
        ValueError: If the shape or the number of classes is not possible.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> weightless(convnext_tiny).count_params()
        28589128
    """
    image = picture(input_shape, (224, 224, 3), minimum=32)
    x = _conv(image, STAGES[0][1], 4, "stem")
    x = _norm(x, "stem_out")
    for stage, (blocks, filters) in enumerate(STAGES, 1):
        if stage > 1:
            x = _norm(x, f"stage{stage}_downsample_norm")
            x = _conv(x, filters, 2, f"stage{stage}_downsample")
        for block in range(1, blocks + 1):
            x = _block(x, filters, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = _norm(x, "pool_norm")
    probabilities = classifier(x, num_classes, kernel_initializer=_initializer())
    return keras.Model(image, probabilities, name="convnext_tiny")


def _block(x: Any, filters: int, name: str) -> Any:
    """Mix positions in each channel, then channels at each position, four times as wide; added to the input."""
    shortcut = x
    depthwise = layers.DepthwiseConv2D(
        7, padding="same", depthwise_initializer=_initializer(), name=f"{name}_depthwise_conv"
    )
    x = _norm(depthwise(x), f"{name}_norm")
    x = _dense(x, 4 * filters, f"{name}_expand")
    x = layers.Activation("gelu", name=f"{name}_gelu")(x)
    x = _dense(x, filters, f"{name}_project")
    x = LayerScale(1e-6, filters, name=f"{name}_scale")(x)
    return layers.Add(name=f"{name}_out")([x, shortcut])


def _conv(x: Any, filters: int, size: int, name: str) -> Any:
    """Patches of size × size that do not overlap."""
    return layers.Conv2D(filters, size, size, kernel_initializer=_initializer(), name=f"{name}_conv")(x)


def _norm(x: Any, name: str) -> Any:
    """LayerNorm along the channels, at each position."""
    return layers.LayerNormalization(epsilon=1e-6, name=name)(x)


def _dense(x: Any, units: int, name: str) -> Any:
    return layers.Dense(units, kernel_initializer=_initializer(), name=name)(x)
