"""ResNet-18 to 152 for ImageNet, and the plain nets of the same shape.

Faithful: table 1 of the first version (v1): BatchNorm behind every convolution and before ReLU, no biases in the
convolutions, a bottleneck's stride in its *first* 1 × 1 (torchvision has it in the 3 × 3), projections where the shape
changes (option B), He's initialisation. A convolution with a stride is padded equally on both sides, as in the released
networks, so that it is centred where the shortcut is; the pooling is padded behind only, as there.

Not faithful: table 2 compares the plain nets with option A, which adds no parameters; here they differ from the
residual ones by the projections (1 × 1 convolutions and their BatchNorm).

Source:
    He, Zhang, Ren & Sun 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, table 1 and section 3.4.
"""

from typing import Any

import keras
from keras import layers

from cnn_core.networks.zoo.ends import Shape, classifier, picture

# Blocks in the stages conv2 to conv5, and whether a block is a bottleneck of 1×1, 3×3, 1×1 instead of two 3×3
VARIANTS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
PLAIN = (18, 34)
EXPANSION = 4  # filters of a bottleneck's last convolution, over those of its 3 × 3


def resnet(
    *,
    input_shape: Shape | None = None,
    num_classes: int | None = None,
    depth: int = 50,
    residual: bool = True,
    strided: int = 1,
) -> keras.Model:
    """Build a ResNet, or the plain net of the same shape, with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 32; None for 224 × 224 × 3. RGB of 0 to 255 minus the mean of the
            training pictures.
        num_classes: Number of outputs; None for 1000.
        depth: 18, 34, 50, 101 or 152 layers with weights (projections are not counted).
        residual: Add each block's input to its output; without it, depth is 18 or 34.
        strided: Which convolution of a block has its stride: 1, as in the paper, or 2, a bottleneck's 3 × 3, as in
            torchvision.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities. A block's output is the layer
        `conv<stage>_block<b>_out`, stages from 2 to 5.

    Raises:
        ValueError: If the shape, the number of classes or the depth is not possible.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> weightless(resnet, depth=18).count_params()  # 11,689,512 trainable and BatchNorm's statistics
        11699112
    """
    depths = tuple(VARIANTS) if residual else PLAIN
    if depth not in depths:
        kind = "a residual net" if residual else "a plain net"
        raise ValueError(f"depth is {depth!r}; {kind} has one of {', '.join(map(str, depths))}. Choose one of them.")
    blocks, bottleneck = VARIANTS[depth]
    image = picture(input_shape, (224, 224, 3), minimum=32)
    x = layers.ReLU(name="conv1_out")(_conv(image, 64, 7, 2, "conv1"))
    x = layers.MaxPooling2D(3, 2, "same", name="pool1")(x)
    for stage, count in enumerate(blocks, 2):
        for block in range(1, count + 1):
            filters, stride = 64 * 2 ** (stage - 2), 2 if stage > 2 and block == 1 else 1
            x = _block(x, filters, stride, bottleneck, residual, strided, f"conv{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, classifier(x, num_classes), name=f"{'resnet' if residual else 'plain'}{depth}")


def _block(x: Any, filters: int, stride: int, bottleneck: bool, residual: bool, strided: int, name: str) -> Any:
    """Two or three convolutions; the shortcut is added before the last ReLU."""
    shortcut, outputs = x, filters * EXPANSION if bottleneck else filters
    if residual and (stride > 1 or x.shape[-1] != outputs):
        shortcut = _conv(x, outputs, 1, stride, f"{name}_shortcut")
    kernels = ((filters, 1), (filters, 3), (outputs, 1)) if bottleneck else ((filters, 3), (filters, 3))
    for i, (count, kernel_size) in enumerate(kernels, 1):
        x = _conv(x, count, kernel_size, stride if i == strided else 1, f"{name}_{i}")
        if i < len(kernels):
            x = layers.ReLU(name=f"{name}_{i}_relu")(x)
    if residual:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def _conv(x: Any, filters: int, kernel_size: int, stride: int, name: str) -> Any:
    """Convolution and BatchNorm; at a stride Keras' `same` would pad one side more, off the shortcut's centre."""
    padding = "same"
    if stride > 1 and kernel_size > 1:
        x, padding = layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x), "valid"
    x = layers.Conv2D(
        *(filters, kernel_size, stride, padding),
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
