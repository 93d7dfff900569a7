"""The first layer of the embedded network as plain numbers, for whoever computes it elsewhere: without Keras."""

from dataclasses import dataclass

import numpy as np

from cnn_core.arithmetic.convolution import cross_correlate
from cnn_core.arithmetic.layers import affine
from cnn_core.networks import backbones
from cnn_core.networks.zoom import lite

_CONVOLUTION, _NORM = "stem_conv", "stem_bn"


@dataclass(frozen=True, eq=False)
class FirstLayer:
    """`min(ceiling, max(0, scale · (kernel ⋆ x) + shift))` of `x = (pixel − less) / over`.

    Attributes:
        kernel: float32 `(kh, kw, 3, filters)`.
        scale: float64 `(filters,)`, of BatchNorm at inference.
        shift: float64 `(filters,)`.
        rescaled: `(less, over)`: how pixels of 0 to 255 are rescaled first.
        stride: In pixels; the padding is `same`, with zeros.
        ceiling: Of ReLU6.
    """

    kernel: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    rescaled: tuple[float, float]
    stride: int = 2
    ceiling: float = 6.0

    def maps(self, pixels: np.ndarray, *, relu: bool) -> np.ndarray:
        """Return what the layer makes of a picture.

        Args:
            pixels: uint8 `(H, W, 3)`.
            relu: With ReLU6, as the next layer reads it; else what BatchNorm hands to it.

        Returns:
            float64 `(ceil(H / 2), ceil(W / 2), filters)`.
        """
        less, over = self.rescaled
        sums = cross_correlate((pixels - less) / over, self.kernel, self.stride, "same")
        made = sums * self.scale + self.shift
        return np.clip(made, 0, self.ceiling) if relu else made


def first_layer() -> FirstLayer:
    """Return the first layer of EfficientNet-Lite0, from its file.

    Example:
        >>> first_layer().kernel.shape, first_layer().rescaled
        ((3, 3, 3, 32), (127.0, 128.0))
    """
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    names = [f"{_CONVOLUTION}/kernel", *(f"{_NORM}/{part}" for part in parts)]
    found = backbones.embedded_weights(*names)
    kernel, gamma, beta, mean, variance = (found[name] for name in names)
    return FirstLayer(kernel, *affine(gamma, beta, mean, variance, lite.EPSILON), lite.RESCALED)
