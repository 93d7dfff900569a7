"""What a node of a walk computes with."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Weights:
    """`scale · (Σ kernel ⋆ input + bias) + shift`.

    Attributes:
        kernel: float32 `(kh, kw, inputs of a group, filters)`, of a depthwise convolution `(kh, kw, channels)`; of a
            dense layer kh and kw are those of the map that it reads. None where there is none.
        bias: float64 `(C,)`.
        scale: float64 `(C,)`.
        shift: float64 `(C,)`.
    """

    kernel: np.ndarray | None
    bias: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
