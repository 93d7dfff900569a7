"""Receipts of what is said of the state of things: accuracies on ImageNet, and what became of convolution."""

from collections.abc import Iterator

from cnn_core.receipts.records import NOT_HERE, TIMELINE, Receipt

WRITTEN = "November 2026"  # the day of the look-up: stands on the section
_ABSTRACT = f"the abstract, {WRITTEN}"
_TIMM = "github.com/huggingface/pytorch-image-models, results/results-imagenet.csv"


def receipts() -> Iterator[Receipt]:
    """Return them, the highest accuracy first."""
    for key, about, value, source, link, protocol, seen in (
        ("coca", "CoCa", 91.0, "Yu et al. 2022", "arXiv:2205.01917", "pretrained on pictures with texts", _ABSTRACT),
        ("coatnet", "CoAtNet-7", 90.88, "Dai et al. 2021", "arXiv:2106.04803", "pretrained on JFT-3B", _ABSTRACT),
        ("vit-g14", "ViT-G/14", 90.45, "Zhai et al. 2021", "arXiv:2106.04560", "pretrained on JFT-3B", _ABSTRACT),
        (
            "nfnet-jft",
            "NFNet, a convnet",
            90.4,
            "Smith et al. 2023",
            "arXiv:2310.16764",
            "pretrained on JFT-4B",
            _ABSTRACT,
        ),
        (
            "eva02-large",
            "EVA-02-L, 305 million parameters",
            90.052,
            "timm's table of results",
            _TIMM,
            "one crop of 448 × 448; pretrained on 38 million public pictures, then on ImageNet-22k",
            f"the table in the repository, {WRITTEN}",
        ),
        ("mobilenetv4", "MobileNetV4-Hybrid-L", 87.0, "Qin et al. 2024", "arXiv:2404.10518", "distilled", _ABSTRACT),
        ("overlock", "OverLoCK-T, a convnet", 84.2, "Lou & Yu 2025", "arXiv:2502.20087", "ImageNet alone", _ABSTRACT),
        (
            "swin-tiny",
            "Swin-T, the transformer of ConvNeXt-T's size",
            81.3,
            "Liu et al. 2022 (ConvNeXt), table 1",
            "arXiv:2201.03545",
            "one crop of 224 × 224, ImageNet alone",
            f"copies of the paper's table, {WRITTEN}",
        ),
    ):
        yield Receipt(
            f"today-{key}",
            about,
            "top-1 accuracy",
            value,
            "%",
            source,
            link,
            f"ImageNet; {protocol}",
            why=NOT_HERE,
            seen=seen,
            pages=(TIMELINE,),
        )
