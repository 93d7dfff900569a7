"""Keras' layers by what they do to positions: the tables that `summary` looks a layer up in."""

from typing import Any

from keras import layers


def _ranks(*names: str) -> tuple[Any, ...]:
    """The layer's classes for 1, 2 and 3 axes, as far as there are such."""
    kinds = (getattr(layers, name.replace("#", rank), None) for name in names for rank in "123")
    return tuple(kind for kind in kinds if kind is not None)


SEPARABLE = _ranks("SeparableConv#D")
CONVOLUTIONS = (*_ranks("Conv#D", "DepthwiseConv#D"), *SEPARABLE)
TRANSPOSED = _ranks("Conv#DTranspose")
UPSAMPLINGS = _ranks("UpSampling#D")
POOLINGS = _ranks("MaxPooling#D", "AveragePooling#D")
GLOBAL = _ranks("GlobalMaxPooling#D", "GlobalAveragePooling#D")
PADDINGS = _ranks("ZeroPadding#D")
CROPPINGS = _ranks("Cropping#D")
ATTENTION = (layers.Attention, layers.AdditiveAttention, layers.MultiHeadAttention, layers.GroupQueryAttention)
PIXELWISE = (
    *(
        layers.InputLayer,
        layers.Identity,
        layers.Activation,
        layers.ReLU,
        layers.LeakyReLU,
        layers.PReLU,
        layers.ELU,
        layers.BatchNormalization,
    ),
    *(layers.Dropout, *_ranks("SpatialDropout#D"), layers.AlphaDropout, layers.GaussianDropout, layers.GaussianNoise),
    *(layers.ActivityRegularization, layers.Rescaling, layers.Normalization),
    *(
        layers.RandomFlip,
        layers.RandomRotation,
        layers.RandomZoom,
        layers.RandomTranslation,
        layers.RandomBrightness,
        layers.RandomContrast,
    ),
)
ON_AN_AXIS = (layers.LayerNormalization, layers.UnitNormalization, layers.Softmax)
MERGES = (
    layers.Add,
    layers.Subtract,
    layers.Multiply,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    layers.Concatenate,
)
# Without a public class: parts of keras.applications, and operators such as `x + y` or `keras.ops.relu(x)`.
PIXELWISE_PARTS = (
    *("LayerScale", "StochasticDepth", "Relu", "Relu6", "Sigmoid", "Silu", "Gelu", "Elu", "Tanh", "HardSigmoid"),
    *("HardSilu", "Softplus", "Negative", "Square", "Sqrt", "Exp", "Abs", "Absolute", "Clip", "Cast"),
)
MERGING_PARTS = ("CustomScaleLayer", "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum")
REFUSED = (
    (GLOBAL, "pools globally: from here on a unit sees the whole image"),
    ((layers.Reshape, layers.Permute), "rearranges positions: from here on they are not those of the image"),
    ((layers.Flatten,), "mixes positions: from here on a unit sees the whole image"),
    ((layers.GroupNormalization,), "normalises with numbers of the whole image"),
    (ATTENTION, "is attention: it sees the whole image"),
    (TRANSPOSED + UPSAMPLINGS, "enlarges: its units see windows of no one size"),
)
UNKNOWN = "is a layer of which this table does not know what its units see"
