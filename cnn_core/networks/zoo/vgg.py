"""VGG-16 and VGG-19: nothing but 3 × 3 convolutions, deeper.

Faithful: configurations D and E of table 1, stride 1, `same` padding, 2 × 2 max pooling, dropout 0.5 in the two hidden
dense layers. Not faithful: the weights start with Glorot's uniform distribution, which the paper names as the way it
found after submission (section 3.1), instead of with a shallower network's.

Source:
    Simonyan & Zisserman 2015, Very Deep Convolutional Networks for Large-Scale Image Recognition, arXiv:1409.1556.
"""

import keras
from keras import layers

from cnn_core.networks.zoo.ends import Shape, classifier, picture

FILTERS = (64, 128, 256, 512, 512)
CONVOLUTIONS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # in each of the five stages: configurations D and E


def vgg(*, input_shape: Shape | None = None, num_classes: int | None = None, depth: int = 16) -> keras.Model:
    """Build VGG-16 or VGG-19 with random weights.

    Args:
        input_shape: `(H, W, C)`, sides of at least 32; None for 224 × 224 × 3. RGB of 0 to 255 minus the mean colour
            of the training pictures. Other sizes change the parameters of `fc6`.
        num_classes: Number of outputs; None for 1000.
        depth: 16 or 19 layers with weights.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities. A stage's output is the layer `pool<stage>`.

    Raises:
        ValueError: If the shape, the number of classes or the depth is not possible.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> weightless(vgg, depth=16).count_params(), weightless(vgg, depth=19).count_params()
        (138357544, 143667240)
    """
    if depth not in CONVOLUTIONS:
        raise ValueError(f"depth is {depth!r}; expected 16 or 19. Choose one of them.")
    image = x = picture(input_shape, (224, 224, 3), minimum=32)
    for stage, (filters, convolutions) in enumerate(zip(FILTERS, CONVOLUTIONS[depth], strict=True), 1):
        for i in range(1, convolutions + 1):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{stage}_{i}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = layers.Dense(4096, activation="relu", name=f"fc{number}")(x)
        x = layers.Dropout(0.5, name=f"dropout{number}")(x)
    return keras.Model(image, classifier(x, num_classes), name=f"vgg{depth}")
