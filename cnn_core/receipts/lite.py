"""The family of EfficientNet-Lite by arithmetic alone: what its five networks weigh and cost, and by which rule.

Source:
    github.com/tensorflow/tpu, models/official/efficientnet/lite (the changes, and the table of parameters and "MAdds");
    Tan & Le 2019, arXiv:1905.11946, table 1 (the stages).
"""

import math
from dataclasses import dataclass

from cnn_core.networks.zoo.efficientnet_lite_weights import STAGES

SCALES = ((1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280), (1.4, 1.8, 300))  # width, depth, pixels
STEM, HEAD, CLASSES = 32, 1280, 1000
OPERATIONS = 3  # for each output of a BatchNorm, in the published multiply-adds of Lite1 to Lite4


@dataclass(frozen=True)
class Cost:
    """Of one network.

    Attributes:
        params: Trainable parameters.
        macs: Multiply-adds of its convolutions and its dense layer.
        normalised: Numbers that its BatchNorms give for one picture.
    """

    params: int
    macs: int
    normalised: int

    @property
    def as_published(self) -> int:
        """Multiply-adds by the rule that explains the published ones."""
        return self.macs + OPERATIONS * self.normalised


def lite(number: int) -> Cost:
    """Return what EfficientNet-Lite0 to Lite4 costs.

    Example:
        >>> lite(0).params, lite(0).macs
        (4652008, 385187552)
        >>> round(lite(0).as_published / 1e6, 1), round(lite(3).as_published / 1e6)  # published: 407 and 1,440
        (405.4, 1440)
    """
    width, depth, size = SCALES[number]
    side = math.ceil(size / 2)
    params = macs = normalised = 0

    def convolve(weights: int, filters: int) -> None:
        """Count a convolution without bias, and the BatchNorm behind it."""
        nonlocal params, macs, normalised
        params += weights + 2 * filters
        macs += weights * side**2
        normalised += filters * side**2

    convolve(9 * 3 * STEM, STEM)
    channels = STEM
    for stage, (repeats, kernel_size, stride, expansion, filters) in enumerate(STAGES):
        ends = stage in (0, len(STAGES) - 1)  # "fix the stem and head while scaling models up"
        for block in range(repeats if ends else math.ceil(repeats * depth)):
            wide, narrow = channels * expansion, _rounded(filters * width)
            if expansion > 1:
                convolve(channels * wide, wide)
            side = math.ceil(side / stride) if block == 0 else side
            convolve(kernel_size**2 * wide, wide)
            convolve(wide * narrow, narrow)
            channels = narrow
    convolve(channels * HEAD, HEAD)
    dense = HEAD * CLASSES
    return Cost(params + dense + CLASSES, macs + dense, normalised)


def _rounded(filters: float) -> int:
    """To a multiple of eight, and by no more than a tenth down."""
    nearest = max(8, int(filters + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * filters else nearest + 8
