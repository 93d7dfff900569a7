"""All architectures by name: who, when, what it fixed, what was published of it, and how to build it. No Keras here.

Errors are percentages as published; where accuracy was published, 100 minus it. Tests build every network and hold it
to what stands here.
"""

from cnn_core.networks.zoo.classics import CLASSICS
from cnn_core.networks.zoo.records import (
    STATISTICS,
    Architecture,
    Count,
    accuracy,
    keras,
    torchvision,
)

LITE = "github.com/tensorflow/tpu, models/official/efficientnet/lite"

ARCHITECTURES: dict[str, Architecture] = {
    **CLASSICS,
    "mobilenet_v1": Architecture(
        title="MobileNet v1",
        year=2017,
        depth=28,
        depth_note="Depthwise and 1 × 1 convolutions count one each.",
        authors="Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto & Adam",
        paper="arXiv:1704.04861",
        idea="depthwise",
        description="Thirteen pairs: a 3 × 3 kernel for each channel alone, then 1 × 1 across channels.",
        fixed="Size and speed on a phone: eight to nine times fewer multiply-adds than full 3 × 3 convolutions.",
        builder="mobilenet:mobilenet_v1",
        counts=(Count("Keras", 4_253_864, {STATISTICS: 21_888}),),
        results=(
            accuracy("Howard et al. 2017, table 8", 70.6, year=2017),
            keras(70.4, 89.5, year=2017),
        ),
        stage_ends=("block1_out", "block3_out", "block5_out", "block11_out", "block13_out"),
        last_feature_map="block13_out",
        blocks=(r"(block\d+)", "stem"),
        typical_block="block3",
    ),
    "mobilenet_v2": Architecture(
        title="MobileNet v2",
        year=2018,
        depth=53,
        depth_note="Counted here: the paper gives no number of its own.",
        authors="Sandler, Howard, Zhu, Zhmoginov & Chen",
        paper="arXiv:1801.04381",
        idea="depthwise",
        description="Inverted residuals: the shortcut joins the narrow ends, the depthwise kernels lie between.",
        fixed="What ReLU destroys in narrow layers: the last 1 × 1 of a block is linear.",
        builder="mobilenet:mobilenet_v2",
        counts=(Count("torchvision", 3_504_872), Count("Keras", 3_538_984, {STATISTICS: 34_112})),
        results=(
            accuracy("Sandler et al. 2018, table 4", 72.0, year=2018),
            torchvision(71.878, 90.286, year=2018),
            torchvision(72.154, 90.822, version=2),
        ),
        stage_ends=tuple(f"stage{s}_block{b}_out" for s, b in ((1, 1), (2, 2), (3, 3), (5, 3), (7, 1))),
        last_feature_map="top_out",
        blocks=(r"(stage\d_block\d)", "stem", "top"),
        typical_block="stage2_block2",
    ),
    "efficientnet_b0": Architecture(
        title="EfficientNet-B0",
        year=2019,
        depth=82,
        depth_note="Counted here, 32 of them in squeeze-and-excite: the paper gives no number of its own.",
        authors="Tan & Le",
        paper="arXiv:1905.11946",
        idea="compound scaling",
        description="Sixteen inverted residuals with squeeze-and-excite, found by search; the seed of B1 to B7.",
        fixed="Guesswork in scaling: depth, width and resolution grow together by one coefficient.",
        builder="efficientnet:efficientnet_b0",
        counts=(
            Count("torchvision", 5_288_548),
            Count("Keras", 5_330_571, {STATISTICS: 42_016, "normalisation of the pixels": 7}),
        ),
        results=(
            accuracy("Tan & Le 2019, table 2", 77.1, 93.3, year=2019, generation="searched"),
            torchvision(77.692, 93.532, year=2019, generation="searched"),
        ),
        stage_ends=tuple(f"block{block}_out" for block in ("1a", "2b", "3b", "5c", "7a")),
        last_feature_map="top_out",
        blocks=(r"(block\d[a-d])", "stem", "top"),
        typical_block="block2b",
    ),
    "efficientnet_lite0": Architecture(
        title="EfficientNet-Lite0",
        year=2020,
        depth=50,
        depth_note="Counted here: no number was published.",
        authors="Liu, Tan and others (Google)",
        paper=f"{LITE}; after arXiv:1905.11946",
        idea="compound scaling",
        description="B0 without squeeze-and-excite and with ReLU6 for swish; the network that ConvScope carries.",
        fixed="What phones lack or lose: squeeze-and-excite on their accelerators, and swish in 8 bits.",
        builder="efficientnet:lite0",
        counts=(
            Count("the released weights", 4_652_008),
            Count("the released weights with their statistics", 4_694_024, {STATISTICS: 42_016}),
        ),
        results=(
            accuracy(
                *("the release notes of the model", 75.1, None),
                weights="efficientnet-lite0",
                resize=256,
                year=2020,
                generation="searched",
                link=LITE,
            ),
        ),
        stage_ends=tuple(f"block{block}_out" for block in ("1a", "2b", "3b", "5c", "7a")),
        last_feature_map="top_out",
        blocks=(r"(block\d[a-d])", "stem", "top"),
        typical_block="block2b",
        raw_pixels=True,
    ),
    "convnext_tiny": Architecture(
        title="ConvNeXt-Tiny",
        year=2022,
        depth=59,
        depth_note="Counted here: the paper gives no number of its own.",
        authors="Liu, Mao, Wu, Feichtenhofer, Darrell & Xie",
        paper="arXiv:2201.03545",
        idea="modernised",
        description="A ResNet rebuilt step by step with a transformer's habits: patches, 7 × 7 depthwise, LayerNorm.",
        fixed="The belief that attention had won: the gap was design and training, not convolution.",
        builder="convnext:convnext_tiny",
        counts=(Count("Keras and torchvision", 28_589_128),),
        results=(
            accuracy("Liu et al. 2022, table 1", 82.1, year=2022, generation="modern"),
            torchvision(82.520, 96.146, year=2022, generation="modern", resize=236),
        ),
        stage_ends=("stage1_block3_out", "stage2_block3_out", "stage3_block9_out", "stage4_block3_out"),
        last_feature_map="stage4_block3_out",
        blocks=(r"(stage\d_block\d|stage\d_downsample)", "stem"),
        typical_block="stage1_block1",
    ),
    "vit_b16": Architecture(
        title="ViT-B/16",
        year=2020,
        depth=12,
        depth_note="Encoder blocks, as table 1 counts; 50 layers with weights lie in a row.",
        authors=(
            "Dosovitskiy, Beyer, Kolesnikov, Weissenborn, Zhai, Unterthiner, Dehghani, Minderer, Heigold, Gelly, "
            "Uszkoreit & Houlsby"
        ),
        paper="arXiv:2010.11929",
        idea="attention",
        description="The image as 196 words of 16 × 16 pixels, read by a transformer: every word sees every other.",
        fixed="The convolution's narrow view. It costs the prior; many pictures, or hard training, make up for that.",
        builder="vit:vit_b16",
        counts=(Count("torchvision", 86_567_656),),
        results=(
            accuracy(
                *("Dosovitskiy et al. 2021, table 5", 77.91, None, "trained on ImageNet alone, 384 × 384"),
                year=2020,
            ),
            accuracy(
                *("Dosovitskiy et al. 2021, table 5", 83.97, None, "trained on ImageNet-21k first, 384 × 384"),
                year=2020,
            ),
            torchvision(81.072, 95.318, year=2021, generation="modern"),
        ),
        stage_ends=("encoder12_out",),
        last_feature_map=None,
        blocks=(r"(encoder\d+)", "patches", "class_token"),
        typical_block="encoder1",
    ),
}


def architecture(key: str) -> Architecture:
    """Return the record of an architecture.

    Raises:
        ValueError: If there is none of this name.

    Example:
        >>> architecture("resnet50").title
        'ResNet-50'
    """
    if key not in ARCHITECTURES:
        raise ValueError(
            f"No architecture is called {key!r}; there are {', '.join(ARCHITECTURES)}. Choose one of them."
        )
    return ARCHITECTURES[key]
