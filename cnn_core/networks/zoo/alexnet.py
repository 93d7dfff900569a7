"""AlexNet: scale, ReLU, dropout and overlapping pooling.

Faithful: kernels and filters of figure 2, the two groups in conv2, conv4 and conv5 (each GPU read its own half), local
response normalisation behind conv1 and conv2, pooling 3 × 3 at stride 2, dropout 0.5, the initialisation (standard
deviation 0.01, biases of 1 in conv2, conv4, conv5 and the hidden dense layers).

Not faithful: the input is 227 × 227; the 224 of the text does not give the 55 × 55 of conv1. `groups=1` is the
network that most ports have: every map reads all maps. Training (colour augmentation, ten crops) is not part of it.

Source:
    Krizhevsky, Sutskever & Hinton 2012, ImageNet Classification with Deep Convolutional Neural Networks, sections 3–5.
"""

from typing import Any

import keras
from keras import layers

from cnn_core.networks.zoo.ends import Shape, classifier, picture

# (name, filters, kernel_size, stride, padding, grouped, bias, normalised, pooled)
CONVOLUTIONS = (
    ("1", 96, 11, 4, "valid", False, 0.0, True, True),
    ("2", 256, 5, 1, "same", True, 1.0, True, True),
    ("3", 384, 3, 1, "same", False, 0.0, False, False),
    ("4", 384, 3, 1, "same", True, 1.0, False, False),
    ("5", 256, 3, 1, "same", True, 1.0, False, True),
)


@keras.saving.register_keras_serializable("convscope")
class LocalResponseNormalization(layers.Layer):
    """Divide each value by (2 + 10⁻⁴ Σ a²)^0.75, the sum over five neighbouring channels (section 3.3); no weights.

    `(…, C)` → `(…, C)`; at the first and last channels the sum has fewer terms.
    """

    pixelwise = True

    def call(self, inputs: Any) -> Any:
        channels = inputs.shape[-1]
        squares = keras.ops.pad(keras.ops.square(inputs), [(0, 0)] * (len(inputs.shape) - 1) + [(2, 2)])
        total = sum(squares[..., i : i + channels] for i in range(5))
        return inputs / (2.0 + 1e-4 * total) ** 0.75


def alexnet(*, input_shape: Shape | None = None, num_classes: int | None = None, groups: int = 2) -> keras.Model:
    """Build AlexNet with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 67; None for 227 × 227 × 3. RGB of 0 to 255 minus the mean of the
            training pictures. Other sizes change the parameters of `fc6`.
        num_classes: Number of outputs; None for 1000.
        groups: 2 as in the paper, or 1.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities.

    Raises:
        ValueError: If the shape, the number of classes or of groups is not possible.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> weightless(alexnet).count_params(), weightless(alexnet, groups=1).count_params()
        (60965224, 62378344)
    """
    if groups not in (1, 2):
        raise ValueError(f"groups is {groups!r}; expected 2 (the paper's two GPUs) or 1. Choose one of them.")
    image = x = picture(input_shape, (227, 227, 3), minimum=67)
    for name, filters, kernel_size, stride, padding, grouped, bias, normalised, pooled in CONVOLUTIONS:
        x = layers.Conv2D(
            *(filters, kernel_size, stride, padding),
            groups=groups if grouped else 1,
            activation="relu",
            **_initial(bias),
            name=f"conv{name}",
        )(x)
        if normalised:
            x = LocalResponseNormalization(name=f"norm{name}")(x)
        if pooled:
            x = layers.MaxPooling2D(3, 2, name=f"pool{name}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = layers.Dense(4096, activation="relu", **_initial(1.0), name=f"fc{number}")(x)
        x = layers.Dropout(0.5, name=f"dropout{number}")(x)
    name = "alexnet" if groups == 2 else "alexnet_ungrouped"
    return keras.Model(image, classifier(x, num_classes, **_initial(0.0)), name=name)


def _initial(bias: float) -> dict[str, Any]:
    """Section 5: normal weights, and biases that let ReLU see positive numbers from the start."""
    return {
        "kernel_initializer": keras.initializers.RandomNormal(stddev=0.01),
        "bias_initializer": keras.initializers.Constant(bias),
    }
