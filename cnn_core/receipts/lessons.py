"""Receipts of what the lessons quote or reproduce."""

from collections.abc import Iterator
from typing import Any

from cnn_core.receipts.records import (
    CONVOLUTION,
    COST,
    EFFECTIVE,
    FIELD,
    LAYER,
    POOLING,
    PRIOR,
    Receipt,
    Value,
)

_CHAPTER = "the chapter that the first lessons follow"
_READ = "the chapter, as this project notes it"
_PAPER = "the paper's text, November 2026"


def receipts() -> Iterator[Receipt]:
    """Return them in the order of the lessons."""
    yield from _chapter()
    vgg: dict[str, Any] = {"source": "Simonyan & Zisserman 2015, section 2.3", "link": "arXiv:1409.1556"}
    for key, about, value, ours in (
        ("three-3x3", "Three 3 × 3 kernels in a row", 27, ("stacked", 3)),
        ("one-7x7", "One 7 × 7 kernel", 49, ("single", 7)),
    ):
        yield Receipt(
            f"{key}-weights",
            about,
            "weights, times channels in and out",
            value,
            "C²",
            ours=ours,
            seen="copies of the paper, November 2026",
            pages=(FIELD,),
            **vgg,
        )
    yield Receipt(
        "separable-saving",
        "Depthwise separable convolutions",
        "times fewer multiply-adds with 3 × 3 kernels",
        (8, 9),
        "",
        "Howard et al. 2017, section 3.1",
        "arXiv:1704.04861",
        "MobileNet v1's thirteen pairs: the least and the most",
        ours=("separable_saving",),
        digit=1,
        seen="copies of the paper, November 2026",
        pages=(COST,),
    )
    yield Receipt(
        "effective-exponents",
        "Effective receptive field",
        "exponents of the depth: the field's, and its share's",
        (0.56, -0.43),
        "",
        "Luo et al. 2016, figure 2, from memory",
        "arXiv:1701.04128",
        "trained or random nets of n layers of 3 × 3; pixels above a threshold",
        ours=("threshold_exponents",),
        digit=0.01,
        why="The page does not quote it. Ours is by their threshold, 4.55% of the centre, for n from 5 to 40.",
        pages=(EFFECTIVE,),
    )
    yield from _degradation()
    yield from _prior()
    yield from _keras_guide()


def _chapter() -> Iterator[Receipt]:
    bar = "Equation N2.1, a bar 2 wide in 6 × 6"
    nine = "Equation N2.2, the 9 that moves"
    rows: tuple[tuple[str, str, str, Value, tuple[str | int, ...], str, str], ...] = (
        ("chapter-bar", bar, "a row under Sobel x", (4, 4, -4, -4), ("bar_by_sobel",), "", CONVOLUTION),
        ("chapter-nine", nine, "2 × 2 max-pool, row by row", (9, 1, 0, 3), ("nine_pooled", 0), "", POOLING),
        (
            "chapter-nine-right",
            nine,
            "the same, moved right by one",
            (2, 9, 1, 3),
            ("nine_pooled", 1),
            "The chapter says that the 9 stays top-left; by its own numbers it does not. Moved left, it does.",
            POOLING,
        ),
        (
            "chapter-layer",
            "256 kernels of 3 × 3 over 256 channels",
            "parameters",
            590_080,
            ("layer_parameters", 3, 256, 256),
            "",
            LAYER,
        ),
        ("chapter-dense", "32 × 32 to 32 × 32, dense", "weights", 1_048_576, ("dense_weights", 32), "", CONVOLUTION),
    )
    for key, about, quantity, value, ours, why, page in rows:
        yield Receipt(
            key, about, quantity, value, "", _CHAPTER, "/convolution", ours=ours, why=why, seen=_READ, pages=(page,)
        )


def _degradation() -> Iterator[Receipt]:
    for depth, params, count in ((20, 0.27, "cifar_resnet20"), (56, 0.85, "cifar_resnet56")):
        yield Receipt(
            f"cifar-resnet{depth}-parameters-paper",
            f"CIFAR ResNet-{depth}",
            "millions of parameters",
            params,
            "M",
            "He et al. 2016, table 6",
            "arXiv:1512.03385",
            ours=("millions", count),
            digit=0.01,
            seen="copies of the paper's table, November 2026",
            pages=(),
        )


def _prior() -> Iterator[Receipt]:
    for key, words, value in (
        ("vit-behind", "pictures at which ViT-B/32 is behind ResNet-50", 9),
        ("vit-ahead", "pictures at which ViT-B/32 is ahead of ResNet-50", 90),
    ):
        yield Receipt(
            key,
            "ViT-B/32 and ResNet-50",
            words,
            value,
            "M",
            "Dosovitskiy et al. 2021, section 4.3",
            "arXiv:2010.11929",
            "pre-trained on parts of JFT-300M; a linear classifier on five pictures a class",
            why="JFT is Google's own.",
            seen=_PAPER,
            pages=(PRIOR,),
        )


def _keras_guide() -> Iterator[Receipt]:
    guide: dict[str, Any] = {
        "source": 'the Keras guide "Transfer learning and fine-tuning"',
        "link": "keras.io/guides/transfer_learning",
        "pages": (),
        "seen": "the guide, as this project notes it",
    }
    about = "Xception with one logit, cats against dogs"
    yield Receipt("guide-parameters", about, "all numbers", 20_863_529, "", ours=("binary_head", "Xception"), **guide)
    yield Receipt("guide-trainable", about, "trainable while frozen", 2_049, "", ours=("one_logit", 2048), **guide)
    for key, words, value in (("frozen", "frozen", 0.9733), ("tuned", "fine-tuned", 0.9832)):
        yield Receipt(
            f"guide-{key}",
            about,
            f"best validation accuracy, {words}",
            value,
            "",
            protocol="40% of cats_vs_dogs to train on, 150 × 150 pixels",
            why="Its weights and pictures are downloads, and nothing is downloaded here.",
            **guide,
        )
