"""GoogLeNet (Inception v1): kernels of three sizes and a pooling side by side, made affordable by 1 × 1 bottlenecks.

Faithful: table 1 to the filter, with the 5 × 5 branch (torchvision's port has 3 × 3 there, and BatchNorm), biases,
ReLU, local response normalisation in the stem, global average pooling, dropout of 40%; the two auxiliary classifiers
on 4a and 4d with average pooling 5 × 5 at stride 3, 128 filters 1 × 1, 1024 units, dropout of 70%.

Not faithful: the paper does not give the constants of the normalisation: they are AlexNet's. In training the auxiliary
losses weigh 0.3; that is the caller's business.

Source:
    Szegedy et al. 2015, Going Deeper with Convolutions, arXiv:1409.4842, table 1 and section 5.
"""

from typing import Any

import keras
from keras import layers

from cnn_core.networks.zoo.alexnet import LocalResponseNormalization
from cnn_core.networks.zoo.ends import Shape, classifier, picture

# Table 1: (#1×1, #3×3 reduce, #3×3, #5×5 reduce, #5×5, pool projection)
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOLED_AFTER = {"3b": "pool3", "4e": "pool4"}
AUXILIARY_AFTER = {"4a": "auxiliary1", "4d": "auxiliary2"}


def googlenet(
    *, input_shape: Shape | None = None, num_classes: int | None = None, auxiliary: bool = False
) -> keras.Model:
    """Build GoogLeNet with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 32, with auxiliary classifiers at least 65; None for
            224 × 224 × 3. RGB of 0 to 255 minus the mean colour of the training pictures.
        num_classes: Number of outputs; None for 1000.
        auxiliary: Add the two auxiliary classifiers of training.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities; with `auxiliary` → a list of three of them: the
        network's, then those on 4a and 4d. A module's output is the layer `inception_<module>`.

    Raises:
        ValueError: If the shape or the number of classes is not possible.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> weightless(googlenet).count_params(), weightless(googlenet, auxiliary=True).count_params()
        (6998552, 13378280)
    """
    image = x = picture(input_shape, (224, 224, 3), minimum=65 if auxiliary else 32)
    x = _conv(x, 64, 7, "conv1", stride=2)
    x = layers.MaxPooling2D(3, 2, "same", name="pool1")(x)
    x = LocalResponseNormalization(name="norm1")(x)
    x = _conv(x, 64, 1, "conv2_reduce")
    x = _conv(x, 192, 3, "conv2")
    x = LocalResponseNormalization(name="norm2")(x)
    x = layers.MaxPooling2D(3, 2, "same", name="pool2")(x)
    heads = []
    for module in INCEPTIONS:
        x = _inception(x, module)
        if auxiliary and module in AUXILIARY_AFTER:
            heads.append(_auxiliary(x, num_classes, AUXILIARY_AFTER[module]))
        if module in POOLED_AFTER:
            x = layers.MaxPooling2D(3, 2, "same", name=POOLED_AFTER[module])(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.4, name="dropout")(x)
    probabilities = classifier(x, num_classes)
    return keras.Model(image, [probabilities, *heads] if auxiliary else probabilities, name="googlenet")


def _inception(x: Any, module: str) -> Any:
    """Four branches of equal height and width, side by side in the channels."""
    name = f"inception_{module}"
    ones, threes_reduce, threes, fives_reduce, fives, projection = INCEPTIONS[module]
    pooled = layers.MaxPooling2D(3, 1, "same", name=f"{name}_pool")(x)
    branches = [
        _conv(x, ones, 1, f"{name}_1x1"),
        _conv(_conv(x, threes_reduce, 1, f"{name}_3x3_reduce"), threes, 3, f"{name}_3x3"),
        _conv(_conv(x, fives_reduce, 1, f"{name}_5x5_reduce"), fives, 5, f"{name}_5x5"),
        _conv(pooled, projection, 1, f"{name}_pool_project"),
    ]
    return layers.Concatenate(name=name)(branches)


def _auxiliary(x: Any, num_classes: int | None, name: str) -> Any:
    """A classifier on a middle module, so that its gradient reaches the lower ones."""
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = layers.Flatten(name=f"{name}_flatten")(_conv(x, 128, 1, f"{name}_conv"))
    x = layers.Dense(1024, activation="relu", name=f"{name}_fc")(x)
    return classifier(layers.Dropout(0.7, name=f"{name}_dropout")(x), num_classes, f"{name}_")


def _conv(x: Any, filters: int, kernel_size: int, name: str, stride: int = 1) -> Any:
    return layers.Conv2D(filters, kernel_size, stride, "same", activation="relu", name=name)(x)
