"""The small ResNets for 32 × 32 pictures, and the plain nets that they are compared with.

Faithful to the paper: 6n + 2 layers of weights in three stages of n blocks, 3 × 3 kernels, padding of one pixel on
every side, parameter-free shortcuts (option A: every other pixel, and zeros for the channels that are missing), He's
initialisation. So plain and residual nets have the same parameters, and only the additions set them apart.

Not in here: the paper's subtraction of the mean picture, weight decay and augmentation, which are training's business.

Source:
    He, Zhang, Ren & Sun 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, section 4.2.
    Initialisation: He et al. 2015, arXiv:1502.01852, section 2.2.
"""

from typing import Any

import keras
from keras import layers

from cnn_core.networks.zoo.ends import Shape, checked_classes, classifier, picture

STAGES = 3
MOMENTUM = 0.9  # of BatchNorm's statistics: with Keras' 0.99 they lag hundreds of steps behind, too long for short runs


def cifar_resnet(
    *,
    depth: int = 20,
    residual: bool = True,
    input_shape: Shape | None = None,
    num_classes: int | None = None,
    width: int = 16,
    batch_norm: bool = True,
) -> keras.Model:
    """Build a CIFAR ResNet, or the plain net of the same shape, with random weights.

    Args:
        depth: Layers with weights, 6n + 2: 20, 32, 44, 56, 110 in the paper.
        residual: Add each block's input to its output.
        input_shape: `(H, W, C)`, sides of at least 4; None for 32 × 32 × 3. Pixels of about zero mean and unit
            variance.
        num_classes: Outputs; None for 10.
        width: Filters of the first stage; the second has twice, the third four times as many.
        batch_norm: BatchNorm after every convolution, as in the paper; without it the convolutions have biases.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities. The outputs of blocks are the layers
        `stage<s>_block<b>_out`; before the softmax `probabilities` stands the dense layer `logits`.

    Raises:
        ValueError: If depth is not 6n + 2, or shape, width or number of classes is not possible.

    Example:
        >>> for residual in (False, True):
        ...     model = cifar_resnet(depth=20, residual=residual)
        ...     sum(w.shape.num_elements() for w in model.trainable_weights)
        269722
        269722
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(
            f"depth is {depth}; expected 6n + 2 with n from 1 on: 8, 14, 20, 26, … (the paper's 20 to 110)."
        )
    if width < 1:
        raise ValueError(f"width is {width}; expected at least 1 filter (the paper's 16).")
    image = picture(input_shape, (32, 32, 3), minimum=4)
    x = _conv(image, width, 1, batch_norm, "stem")
    x = layers.ReLU(name="stem_out")(x)
    for stage in range(1, STAGES + 1):
        for block in range(1, (depth - 2) // 6 + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            x = _block(x, width * 2 ** (stage - 1), stride, residual, batch_norm, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    probabilities = classifier(x, checked_classes(num_classes, 10), kernel_initializer="he_normal")
    return keras.Model(image, probabilities, name=f"cifar_{'resnet' if residual else 'plain'}{depth}")


def _block(x: Any, filters: int, stride: int, residual: bool, batch_norm: bool, name: str) -> Any:
    """Two 3 × 3 convolutions; the shortcut is added before the second ReLU."""
    shortcut = _option_a(x, filters, stride, name) if residual else None
    x = _conv(x, filters, stride, batch_norm, f"{name}_1")
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _conv(x, filters, 1, batch_norm, f"{name}_2")
    if residual:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def _option_a(x: Any, filters: int, stride: int, name: str) -> Any:
    """The identity; where the shape changes every other pixel, and as many channels of zeros as there were channels."""
    if stride == 1 and x.shape[-1] == filters:
        return x
    x = layers.AveragePooling2D(1, stride, name=f"{name}_subsample")(x)
    zeros = layers.Rescaling(0.0, name=f"{name}_zeros")(x)
    return layers.Concatenate(name=f"{name}_shortcut")([x, zeros])


def _conv(x: Any, filters: int, stride: int, batch_norm: bool, name: str) -> Any:
    """One pixel of zeros on every side; at a stride Keras' `same` would put it on one side, off the shortcut's."""
    if stride > 1:
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    padding = "same" if stride == 1 else "valid"
    conv = layers.Conv2D(
        filters, 3, stride, padding, use_bias=not batch_norm, kernel_initializer="he_normal", name=f"{name}_conv"
    )
    x = conv(x)
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-5, name=f"{name}_bn")(x) if batch_norm else x
