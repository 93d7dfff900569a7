"""ViT-B/16: an image as 196 words of 16 × 16 pixels, read by a transformer's encoder; no convolution but the first.

Faithful to the paper: patches, a learned class token, learned one-dimensional positions, twelve encoder blocks with
LayerNorm *before* attention and before the perceptron, GELU, and the class token of the last block to the classifier.

Not in here: dropout, the hidden layer that the head has in pre-training only, and the interpolation of positions for
other input sizes (another input size gets positions of its own).

Source:
    Dosovitskiy et al. 2021, An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale,
    arXiv:2010.11929, section 3.1, equations 1 to 4, and table 1.
"""

from typing import Any

import keras
from keras import layers

from cnn_core.networks.zoo.ends import Shape, classifier, picture

# table 1, "Layers, Hidden size D, MLP size, Heads"
VARIANTS = {"b16": {"patch_size": 16, "depth": 12, "width": 768, "mlp_width": 3072, "heads": 12}}


def vit_b16(*, input_shape: Shape | None = None, num_classes: int | None = None) -> keras.Model:
    """Build ViT-B/16 with random weights.

    Args:
        input_shape: `(H, W, C)`, multiples of 16; None for 224 × 224 × 3. Pixels from −1 to 1.
        num_classes: Outputs; None for 1000.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities; see `vit`.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> weightless(vit_b16).count_params()
        86567656
    """
    return vit(input_shape=input_shape, num_classes=num_classes, **VARIANTS["b16"], name="vit_b16")


def vit(
    *,
    input_shape: Shape | None = None,
    num_classes: int | None = None,
    patch_size: int = 16,
    depth: int = 12,
    width: int = 768,
    mlp_width: int = 3072,
    heads: int = 12,
    name: str = "vit",
) -> keras.Model:
    """Build a Vision Transformer of any size with random weights.

    Args:
        input_shape: `(H, W, C)`, multiples of the patch size; None for 224 × 224 × 3.
        num_classes: Outputs; None for 1000.
        patch_size: Pixels along each side of a patch.
        depth: Encoder blocks.
        width: Numbers a token has.
        mlp_width: Units of the hidden layer in each block's perceptron.
        heads: Heads of attention; they divide the width among them.
        name: Name of the model.

    Returns:
        A model `(N, H, W, C)` → `(N, num_classes)` probabilities. Tokens are `(N, patches + 1, width)`, the class token
        first; the outputs of blocks are the layers `encoder<1 to depth>_out`; before the softmax `probabilities` stands
        the dense layer `logits`.

    Raises:
        ValueError: If the patches do not tile the image, if the heads do not divide the width, or if the shape or
            the number of classes is not possible.

    Example:
        >>> from cnn_core.networks.zoo.weightless import weightless
        >>> size = {"patch_size": 8, "depth": 2, "width": 48, "mlp_width": 96, "heads": 3}
        >>> model = weightless(vit, input_shape=(32, 32, 3), num_classes=10, **size)
        >>> model.get_layer("encoder2_out").output.shape, model.output_shape
        ((None, 17, 48), (None, 10))
    """
    image = picture(input_shape, (224, 224, 3), minimum=patch_size)
    height, columns = image.shape[1:3]
    if height % patch_size or columns % patch_size:
        raise ValueError(
            f"Patches of {patch_size} pixels tile the image; received an image of {height} × {columns}. "
            f"Choose a height and a width that are multiples of {patch_size}."
        )
    if width % heads:
        raise ValueError(f"The heads divide the width among them; received {heads} heads and a width of {width}.")
    tokens = (height // patch_size) * (columns // patch_size)
    x = layers.Conv2D(width, patch_size, patch_size, name="patches_conv")(image)
    x = layers.Reshape((tokens, width), name="patches_tokens")(x)
    x = layers.ZeroPadding1D((1, 0), name="class_token_place")(x)  # (N, tokens + 1, width)
    x = ClassToken(name="class_token")(x)
    x = Positions(name="positions")(x)
    for block in range(1, depth + 1):
        x = _encoder(x, width, mlp_width, heads, f"encoder{block}")
    x = _norm(x, "encoder_norm")
    x = layers.Cropping1D((0, tokens), name="class_token_out")(x)  # (N, 1, width)
    x = layers.Flatten(name="features")(x)
    return keras.Model(image, classifier(x, num_classes), name=name)


def _encoder(x: Any, width: int, mlp_width: int, heads: int, name: str) -> Any:
    """Tokens ask each other, then each thinks for itself; both are added to what was there."""
    normed = _norm(x, f"{name}_norm1")
    attention = layers.MultiHeadAttention(heads, width // heads, name=f"{name}_attention")(normed, normed)
    x = layers.Add(name=f"{name}_add")([attention, x])
    mlp = _norm(x, f"{name}_norm2")
    mlp = layers.Dense(mlp_width, name=f"{name}_mlp1")(mlp)
    mlp = layers.Activation("gelu", name=f"{name}_gelu")(mlp)
    mlp = layers.Dense(width, name=f"{name}_mlp2")(mlp)
    return layers.Add(name=f"{name}_out")([mlp, x])


def _norm(x: Any, name: str) -> Any:
    return layers.LayerNormalization(epsilon=1e-6, name=name)(x)


# Layers that Keras does not have; `pixelwise` tells `networks.summary` that a position sees the same position only ----


@keras.saving.register_keras_serializable("convscope")
class ClassToken(layers.Layer):
    """Adds a learned vector to the first token, whose place is empty: `(N, tokens, width)` → the same."""

    pixelwise = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.token = self.add_weight(shape=(1, 1, input_shape[-1]), initializer="zeros", name="token")

    def call(self, tokens: Any) -> Any:
        return tokens + keras.ops.pad(self.token, [(0, 0), (0, tokens.shape[1] - 1), (0, 0)])


@keras.saving.register_keras_serializable("convscope")
class Positions(layers.Layer):
    """Adds a learned vector to each token, by its place: `(N, tokens, width)` → the same."""

    pixelwise = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        normal = keras.initializers.RandomNormal(stddev=0.02)
        self.table = self.add_weight(shape=(1, *input_shape[1:]), initializer=normal, name="table")

    def call(self, tokens: Any) -> Any:
        return tokens + self.table
