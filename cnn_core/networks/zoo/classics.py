"""The records of LeNet-5, AlexNet, VGG, GoogLeNet and the ResNets; `architectures` joins them with the modern ones."""

from typing import Any

from cnn_core.networks.zoo.records import (
    BIASES,
    ONE_CROP,
    STATISTICS,
    Architecture,
    Count,
    Result,
    Variant,
    keras,
    torchvision,
)

_TEN = "ten crops of 224 × 224"
_WHOLE = "one scale of 384, the whole picture"
_OPTION_A = Variant("its shortcuts have no parameters (option A); here they are projections where shapes change (B)")
_CAFFE = "github.com/BVLC/caffe, models/{}"
_RELEASED = "github.com/KaimingHe/deep-residual-networks"


def _in_the_3x3(macs: float) -> Variant:
    """The bottleneck of torchvision; macs as in its metadata."""
    return Variant("its bottlenecks have their stride in the 3 × 3 convolution; here it is in the first 1 × 1", macs)


_LENET: dict[str, Any] = {
    "authors": "LeCun, Bottou, Bengio & Haffner",
    "paper": "doi:10.1109/5.726791",
    "idea": "template",
    "year": 1998,
    "blocks": ("c1|s2", "c3|s4", "c5", "f6"),
    "typical_block": "c1",
    "input_shape": (32, 32, 1),
    "num_classes": 10,
}
_ALEXNET: dict[str, Any] = {
    "authors": "Krizhevsky, Sutskever & Hinton",
    "paper": "doi:10.1145/3065386",
    "idea": "scale",
    "year": 2012,
    "depth": 8,
    "builder": "alexnet:alexnet",
    "stage_ends": ("pool1", "pool2", "pool5"),
    "last_feature_map": "conv5",
    "blocks": (r"(?:conv|norm|pool)(\d)", r"(?:fc|dropout)(\d)"),
    "typical_block": "conv2",
    "input_shape": (227, 227, 3),
}
_VGG: dict[str, Any] = {
    "authors": "Simonyan & Zisserman",
    "paper": "arXiv:1409.1556",
    "idea": "uniform depth",
    "year": 2014,
    "builder": "vgg:vgg",
    "stage_ends": ("pool1", "pool2", "pool3", "pool4", "pool5"),
    "blocks": (r"(?:conv|pool)(\d)", r"(?:fc|dropout)(\d)"),
    "typical_block": "conv3",
}
_HE: dict[str, Any] = {"authors": "He, Zhang, Ren & Sun", "paper": "arXiv:1512.03385", "year": 2015}


def _resnet(depth: int, blocks: tuple[int, ...], counts: tuple[Count, ...], *results: Result, **facts: Any) -> Any:
    """A ResNet for ImageNet, or the plain net of the same shape."""
    ends = tuple(f"conv{stage}_block{count}_out" for stage, count in enumerate(blocks, 2))
    residual = facts.pop("residual", True)
    return Architecture(
        title=f"ResNet-{depth}" if residual else f"Plain-{depth}",
        depth=depth,
        idea="residual" if residual else "control",
        builder="resnet:resnet",
        keywords={"depth": depth, "residual": residual},
        counts=counts,
        results=results,
        stage_ends=("conv1_out", *ends),
        last_feature_map=ends[-1],
        blocks=(r"(conv\d_block\d+)", "conv1|pool1"),
        typical_block="conv2_block2",
        **_HE,
        **facts,
    )


def _cifar(depth: int, residual: bool, params: int, error: float | None, description: str, fixed: str) -> Architecture:
    """A small ResNet, or the plain net with the same parameters."""
    ends = tuple(f"stage{stage}_block{(depth - 2) // 6}_out" for stage in (1, 2, 3))
    paper = Result("He et al. 2016, table 6", error, protocol="32 × 32, one view", dataset="CIFAR-10", year=2015)
    return Architecture(
        title=f"CIFAR {'ResNet' if residual else 'plain'}-{depth}",
        depth=depth,
        idea="residual" if residual else "control",
        description=description,
        fixed=fixed,
        builder="cifar_resnet:cifar_resnet",
        keywords={"depth": depth, "residual": residual},
        input_shape=(32, 32, 3),
        num_classes=10,
        counts=(Count("arithmetic on He et al. 2016, section 4.2", params),),
        results=() if error is None else (paper,),
        stage_ends=ends,
        last_feature_map=ends[-1],
        blocks=(r"(stage\d_block\d+)", "stem"),
        typical_block="stage1_block1",
        **_HE,
    )


CLASSICS: dict[str, Architecture] = {
    "lenet5_1998": Architecture(
        title="LeNet-5 (1998)",
        depth=7,
        depth_note="The trained sub-sampling counts, and so does the output's layer of fixed codes.",
        description="Convolve, sub-sample, repeat, then decide: the template of the convnets since.",
        fixed="Features were made by hand before; here every stage learns them from the pixels.",
        builder="lenet:lenet5_1998",
        counts=(Count("LeCun et al. 1998, section II.B", 60_000),),
        results=(Result("LeCun et al. 1998, section III", 0.95, protocol="32 × 32", dataset="MNIST", year=1998),),
        stage_ends=("s2_squash", "s4_squash", "c5_squash"),
        last_feature_map="c3_squash",
        **_LENET,
    ),
    "lenet5": Architecture(
        title="LeNet-5",
        depth=5,
        description="LeNet-5 as one writes it today: max pooling, ReLU, softmax, and every map feeding every map.",
        fixed="Nothing new: the network of 1998 without what later proved needless.",
        builder="lenet:lenet5",
        counts=(
            Count("arithmetic on the sizes of LeCun et al. 1998", 61_706),
            Count(
                "LeCun et al. 1998, section II.B",
                60_000,
                {"sparse connections in C3": -900, "trained sub-sampling": 44, "no trained output layer": -850},
            ),
        ),
        results=(),
        stage_ends=("s2", "s4", "c5"),
        last_feature_map="c3",
        **_LENET,
    ),
    "alexnet": Architecture(
        title="AlexNet",
        description="Eight layers on two graphics cards, with ReLU, dropout and pictures altered at random.",
        fixed="Depth was thought untrainable at this scale; with data, graphics cards and ReLU it won ImageNet by far.",
        counts=(
            Count("arithmetic on Krizhevsky et al. 2012, figure 2", 60_965_224),
            Count(
                "arithmetic on Krizhevsky et al. 2012, figure 2, without groups",
                62_378_344,
                {"one group in conv2, conv4 and conv5": 1_413_120},
            ),
        ),
        results=(
            Result("Krizhevsky et al. 2012, table 2", 40.7, 18.2, _TEN, year=2012),
            Result(
                "Caffe's AlexNet",
                *(42.9, 19.8, "one crop of 227 × 227"),
                weights="bvlc_alexnet",
                resize=256,
                year=2013,
                link=_CAFFE.format("bvlc_alexnet"),
            ),
        ),
        keywords={"groups": 2},
        **_ALEXNET,
    ),
    "alexnet_ungrouped": Architecture(
        title="AlexNet, ungrouped",
        description="AlexNet on one card: every map of a layer reads all maps of the layer before.",
        fixed="The two groups were the price of two small cards, not an idea about images.",
        counts=(
            Count("arithmetic on Krizhevsky et al. 2012, figure 2", 62_378_344),
            Count(
                "torchvision, which follows Krizhevsky 2014 (arXiv:1404.5997)",
                61_100_840,
                {
                    **{"64 filters in conv1": -11_648, "192 filters in conv2": -307_264},
                    **{"192 channels into conv3": -221_184, "256 filters in conv4": -442_496},
                    "256 channels into conv5": -294_912,
                },
            ),
        ),
        results=(
            torchvision(
                *(56.522, 79.066),
                variant=Variant("it is that of Krizhevsky 2014 (arXiv:1404.5997), with fewer filters below", 0.714e9),
            ),
        ),
        keywords={"groups": 1},
        **_ALEXNET,
    ),
    "vgg16": Architecture(
        title="VGG-16",
        depth=16,
        description="Thirteen 3 × 3 convolutions and three dense layers, halved by pooling five times: one rule.",
        fixed="Large kernels and sizes chosen by hand: stacked small kernels see as much with fewer weights.",
        counts=(Count("Keras and torchvision", 138_357_544),),
        results=(
            Result("Simonyan & Zisserman 2015, table 3, D", 25.6, 8.1, _WHOLE, year=2014),
            torchvision(71.592, 90.382),
        ),
        last_feature_map="conv5_3",
        keywords={"depth": 16},
        **_VGG,
    ),
    "vgg19": Architecture(
        title="VGG-19",
        depth=19,
        description="VGG-16 with one more convolution in each of the last three stages.",
        fixed="Little: at 19 layers a plain stack stops gaining, and residual nets begin from there.",
        counts=(Count("Keras and torchvision", 143_667_240),),
        results=(
            Result("Simonyan & Zisserman 2015, table 3, E", 25.5, 8.0, _WHOLE, year=2014),
            torchvision(72.376, 90.876),
        ),
        last_feature_map="conv5_4",
        keywords={"depth": 19},
        **_VGG,
    ),
    "googlenet": Architecture(
        title="GoogLeNet",
        year=2014,
        depth=22,
        authors="Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke & Rabinovich",
        paper="arXiv:1409.4842",
        idea="multi-scale",
        description="Nine modules of 1 × 1, 3 × 3, 5 × 5 and pooling side by side, behind 1 × 1 bottlenecks.",
        fixed="AlexNet's cost: a ninth of its parameters, by bottlenecks and global pooling in place of dense layers.",
        builder="googlenet:googlenet",
        counts=(
            Count("arithmetic on Szegedy et al. 2015, table 1", 6_998_552),
            Count(
                "torchvision",
                6_624_904,
                {
                    "3 × 3 kernels in the 5 × 5 branch": -380_928,
                    **{"no convolution biases": -7_280, "BatchNorm scale and shift": 14_560},
                },
            ),
            Count(
                "arithmetic on Szegedy et al. 2015, table 1, with its auxiliary heads",
                13_378_280,
                {"auxiliary heads": 6_379_728},
            ),
        ),
        results=(
            Result("Szegedy et al. 2015, table 3", None, 10.07, "one network, one crop of 224 × 224", year=2014),
            Result(
                "Caffe's GoogLeNet",
                *(31.3, 11.1, ONE_CROP),
                weights="bvlc_googlenet",
                resize=256,
                year=2014,
                link=_CAFFE.format("bvlc_googlenet"),
            ),
            torchvision(
                *(69.778, 89.530),
                year=2014,
                variant=Variant("it has BatchNorm, and 3 × 3 kernels where the paper has 5 × 5", 1.498e9),
            ),
        ),
        stage_ends=("conv1", "norm2", "inception_3b", "inception_4e", "inception_5b"),
        last_feature_map="inception_5b",
        blocks=(r"inception_(\d\w)", "conv1|pool1|norm1", "conv2|norm2|pool2"),
        typical_block="inception_3a",
    ),
    "resnet18": _resnet(
        *(18, (2, 2, 2, 2), (Count("torchvision", 11_689_512),)),
        Result("He et al. 2016, table 2 (option A)", 27.88, None, _TEN, year=2015, variant=_OPTION_A),
        torchvision(69.758, 89.078),
        description="Eight blocks of two 3 × 3 convolutions, each added to its input.",
        fixed="At 18 layers plain nets still train: the same error, reached sooner.",
    ),
    "resnet34": _resnet(
        *(34, (3, 4, 6, 3), (Count("torchvision", 21_797_672),)),
        Result("He et al. 2016, table 3, B", 24.52, 7.46, _TEN, year=2015),
        Result("He et al. 2016, table 2 (option A)", 25.03, None, _TEN, year=2015, variant=_OPTION_A),
        torchvision(73.314, 91.420),
        description="Sixteen blocks of two 3 × 3 convolutions, each added to its input.",
        fixed="Degradation: the plain net of this depth is worse than at 18 layers, this one is better.",
    ),
    "resnet50": _resnet(
        *(50, (3, 4, 6, 3)),
        (
            Count("torchvision", 25_557_032),
            Count("Keras", 25_636_712, {BIASES: 26_560, STATISTICS: 53_120}),
        ),
        Result("He et al. 2016, table 3", 22.85, 6.71, _TEN, year=2015),
        keras(74.9, 92.1, year=2015),
        Result("He et al., the released weights", 24.7, 7.8, year=2015, resize=256, link=_RELEASED),
        torchvision(76.130, 92.862, variant=_in_the_3x3(4.089e9)),
        torchvision(80.858, 95.434, version=2, variant=_in_the_3x3(4.089e9)),
        description="Sixteen bottlenecks, 1 × 1 to narrow, 3 × 3, 1 × 1 to widen, each added to its input.",
        fixed="The cost of depth: with bottlenecks 50 layers take about as much work as 34.",
    ),
    "resnet101": _resnet(
        *(101, (3, 4, 23, 3)),
        (
            Count("torchvision", 44_549_160),
            Count("Keras", 44_707_176, {BIASES: 52_672, STATISTICS: 105_344}),
        ),
        Result("He et al. 2016, table 3", 21.75, 6.05, _TEN, year=2015),
        keras(76.4, 92.8, year=2015),
        Result("He et al., the released weights", 23.6, 7.1, year=2015, resize=256, link=_RELEASED),
        torchvision(77.374, 93.546, variant=_in_the_3x3(7.801e9)),
        torchvision(81.886, 95.780, version=2, variant=_in_the_3x3(7.801e9)),
        description="ResNet-50 with 23 instead of 6 bottlenecks in its third stage.",
        fixed="More depth still helps when each block has only to learn a change.",
    ),
    "resnet152": _resnet(
        *(152, (3, 8, 36, 3)),
        (
            Count("torchvision", 60_192_808),
            Count("Keras", 60_419_944, {BIASES: 75_712, STATISTICS: 151_424}),
        ),
        Result("He et al. 2016, table 3", 21.43, 5.71, _TEN, year=2015),
        keras(76.6, 93.1, year=2015),
        Result("He et al., the released weights", 23.0, 6.7, year=2015, resize=256, link=_RELEASED),
        torchvision(78.312, 94.046, variant=_in_the_3x3(11.514e9)),
        torchvision(82.284, 96.002, version=2, variant=_in_the_3x3(11.514e9)),
        description="Fifty bottlenecks, eight times as deep as VGG-19 and cheaper.",
        fixed="The limit of depth that 19 layers had seemed to be.",
    ),
    "plain18": _resnet(
        *(18, (2, 2, 2, 2)),
        (Count("torchvision, ResNet-18", 11_689_512, {"projections of the shortcuts": 173_824}),),
        Result("He et al. 2016, table 2", 27.94, None, _TEN, year=2015),
        residual=False,
        description="ResNet-18 without its shortcuts, for comparison.",
        fixed="Nothing: the control of the experiment, and at this depth as good.",
    ),
    "plain34": _resnet(
        *(34, (3, 4, 6, 3)),
        (Count("torchvision, ResNet-34", 21_797_672, {"projections of the shortcuts": 173_824}),),
        Result("He et al. 2016, tables 2 and 3", 28.54, 10.02, _TEN, year=2015),
        residual=False,
        description="ResNet-34 without its shortcuts, for comparison.",
        fixed="Nothing: it shows degradation, worse than 18 layers on the training pictures too.",
    ),
    "cifar_resnet20": _cifar(
        *(20, True, 269_722, 8.75),
        "Nine blocks of two 3 × 3 convolutions for 32 × 32 pictures, with shortcuts that have no parameters.",
        "Nothing at this depth: its plain twin trains as well.",
    ),
    "cifar_resnet56": _cifar(
        *(56, True, 853_018, 6.97),
        "Twenty-seven blocks of two 3 × 3 convolutions, with shortcuts that have no parameters.",
        "Degradation: deeper is better again, in training and in test.",
    ),
    "cifar_plain20": _cifar(
        *(20, False, 269_722, None),
        "The residual net's twin of 20 layers without additions: the same parameters.",
        "Nothing: the control of the experiment.",
    ),
    "cifar_plain56": _cifar(
        *(56, False, 853_018, None),
        "The residual net's twin of 56 layers without additions: the same parameters.",
        "Nothing: it shows degradation, worse than 20 layers on the training pictures too.",
    ),
}
