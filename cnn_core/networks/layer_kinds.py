"""Keras' layers by what they do to positions: the tables that `summary` looks a layer up in."""

from typing import Any

from keras import activations, layers


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
ON_AN_AXIS = (layers.LayerNormalization, layers.RMSNormalization, layers.UnitNormalization, layers.Softmax)
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
    *(
        "HardSilu",
        "Softplus",
        "Negative",
        "Square",
        "Sqrt",
        "Exp",
        "Abs",
        "Absolute",
        "Clip",
        "Cast",
        "Log",
        "Rsqrt",
        "LeakyRelu",
        "Selu",
    ),
)
# Operators that move, join, sum up or compare numbers, and those that multiply tensors with each other.
MOVING_PARTS = (
    *("GetItem", "Reshape", "Transpose", "Moveaxis", "Swapaxes", "ExpandDims", "Squeeze", "Concatenate", "Stack"),
    *("Split", "Repeat", "Tile", "BroadcastTo", "Pad", "Flip", "Roll", "Sum", "Mean", "Max", "Min", "Softmax"),
    *("LogSoftmax", "Take", "Where", "ZerosLike", "OnesLike"),
)
REDUCING_PARTS = ("Sum", "Mean", "Max", "Min")
PRODUCTS = ("Matmul", "Dot", "Einsum", "DotProductAttention")
# Layers without weights that do what they are told, so that nobody knows what it costs.
PROGRAMS = (
    *(layers.Lambda, layers.Wrapper, layers.Pipeline, layers.TFSMLayer, layers.TorchModuleWrapper, layers.JaxLayer),
    *(layers.FlaxLayer, layers.MelSpectrogram, layers.STFTSpectrogram),
)
MERGING_PARTS = (
    "CustomScaleLayer",
    "Add",
    "Subtract",
    "Multiply",
    "Divide",
    "TrueDivide",
    "Maximum",
    "Minimum",
    "Power",
)
REFUSED = (
    (GLOBAL, "pools globally: from here on a neuron sees the whole image"),
    ((layers.Reshape, layers.Permute), "rearranges positions: from here on they are not those of the image"),
    ((layers.Flatten,), "mixes positions: from here on a neuron sees the whole image"),
    ((layers.GroupNormalization,), "normalises with numbers of the whole image"),
    (ATTENTION, "is attention: it sees the whole image"),
    (TRANSPOSED + UPSAMPLINGS, "enlarges: its neurons see windows of no one size"),
    ((layers.Resizing,), "resamples: its neurons see windows of no one size"),
    (layers.EinsumDense, "weighs positions too: from here on they are not those of the image"),
    ((layers.RNN, layers.Bidirectional), "reads positions one after the other: a neuron sees all that came before"),
    (layers.TimeDistributed, "works at each step by itself, of which this table does not know what its neurons see"),
)
UNKNOWN = "is a layer of which this table does not know what its neurons see"


def is_keras(layer: Any) -> bool:
    """Return whether the layer computes what its class in Keras or our zoo does: code of others may compute anything.

    >>> is_keras(layers.ReLU()), is_keras(layers.Activation(lambda x: x))
    (True, False)
    """
    code = (type(layer).call, getattr(layer, "activation", None) or activations.linear)
    return all(getattr(part, "__module__", "").startswith(("keras.", "cnn_core.networks.zoo.")) for part in code)


def is_ours(layer: Any) -> bool:
    """Return whether it is a layer of the zoo that says of itself that a position sees the same position only."""
    return type(layer).__module__.startswith("cnn_core.networks.zoo.") and getattr(layer, "pixelwise", False)


def is_part(layer: Any, names: tuple[str, ...]) -> bool:
    """Return whether it is one of Keras' classes that have no public name, by its name."""
    return type(layer).__module__.startswith("keras.src.") and type(layer).__name__ in names
