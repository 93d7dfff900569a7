"""Receipts of networks: what the records of the zoo and of the backbones hold, and the published costs."""

import re
from collections.abc import Iterator
from typing import Any

from cnn_core.networks.backbones import BACKBONES
from cnn_core.networks.zoo.architectures import ARCHITECTURES, LITE
from cnn_core.networks.zoo.records import GENERATIONS, KERAS, TORCHVISION, Architecture, Count, Result
from cnn_core.receipts.records import (
    COMPARE,
    DEPTH,
    FIELD,
    NOT_HERE,
    PICTURE,
    SEE,
    STUDY,
    TIMELINE,
    TRANSFER,
    Receipt,
)
from cnn_core.training.studies.published import TARGETS

_DIGITS = "It takes a training on the whole of its data, which is not carried here."
_COPY = "copies of the paper's table, November 2026"
_SEEN = {  # beginning of a source: how it was looked up
    "torchvision": "the metadata in the package torchvision 0.29.1, November 2026",
    "Keras": "the table at keras.io and its text in keras-team/keras-io, November 2026",
    "Caffe": "the readme beside the model, November 2026",
    "He et al., the released": "the readme of the repository, November 2026",
    "the release notes": "the readme of the model, November 2026",
    "the released weights": "the file of the weights that is carried here",
    "LeCun": "copies of the paper, November 2026",
    "arithmetic": "the paper's own sizes, multiplied here and by hand",
}
_HE = "arXiv:1512.03385"
_SHORT = {  # beginning of a source: how it ends a key
    "torchvision, second": "torchvision-v2",
    "torchvision": "torchvision",
    "Keras": "keras",
    "Caffe": "caffe",
    "He et al., the released": "released",
    "the release": "released",
}


def receipts() -> Iterator[Receipt]:
    """Return the receipts of all networks."""
    for key, record in ARCHITECTURES.items():
        yield from _counts(key, record)
        for result in record.results:
            yield from _errors(key, record, result)
    yield from _costs()
    yield from _fields()
    yield from _lites()
    yield from _backbones()
    yield from _targets()


def result_key(key: str, result: Result, which: str) -> str:
    """Return the key of a result's receipt.

    Example:
        >>> result_key("resnet50", ARCHITECTURES["resnet50"].results[1], "top-1")
        'resnet50-top1-keras'
    """
    short = next((short for begin, short in _SHORT.items() if result.whose.startswith(begin)), "")
    if not short:
        own = [each for each in ARCHITECTURES[key].results if not each.whose.startswith(tuple(_SHORT))]
        number = own.index(result)
        short = "paper" if number == 0 else f"paper-{number + 1}"
    return f"{key}-{which.replace('-', '')}-{short}"


def counts_key(key: str, number: int) -> str:
    """Return the key of the receipt of an architecture's published count, by its place among them."""
    return f"{key}-parameters" + (f"-{number + 1}" if number else "")


def backbone_key(name: str) -> str:
    """Return the key of the receipt of a backbone's accuracy."""
    if name in ARCHITECTURES:
        for result in ARCHITECTURES[name].results:
            if result.link == BACKBONES[name].top1_source and 100 - (result.top1_error or 0) == BACKBONES[name].top1:
                return result_key(name, result, "top-1")
    return f"{name}-top1-backbone"


def recipe(result: Result) -> str:
    """Return how an accuracy came about: crop, weights, training."""
    crop = result.protocol + (f", short side {result.resize}" if result.resize else "")
    weights = f"weights {result.weights}" if result.weights else ""
    era = f", {GENERATIONS[result.generation].partition(':')[0]}" if result.dataset == "ImageNet" else ""
    year = f"recipe of {result.year}{era}" if result.year else ""
    return "; ".join(part for part in (f"{result.dataset}, {crop}", weights, year) if part)


def _seen(whose: str) -> str:
    return next((seen for begin, seen in _SEEN.items() if whose.startswith(begin)), _COPY)


def _counts(key: str, record: Architecture) -> Iterator[Receipt]:
    for number, count in enumerate(record.counts):
        yield Receipt(
            counts_key(key, number),
            record.title,
            "parameters",
            count.count,
            "",
            count.whose,
            _link(record, count),
            ours=("parameters", key),
            terms=dict(count.terms),
            seen=_seen(count.whose),
        )


def _link(record: Architecture, count: Count) -> str:
    for begin, link in (("torchvision", TORCHVISION), ("Keras", KERAS), ("the released", LITE)):
        if count.whose.startswith(begin):
            return link
    return record.paper


def _errors(key: str, record: Architecture, result: Result) -> Iterator[Receipt]:
    backbone = backbone_key(key) if key in BACKBONES else ""
    for which, error in (("top-1", result.top1_error), ("top-5", result.top5_error)):
        if error is None:
            continue
        other = f" It is another network: {result.variant.what}." if result.variant else ""
        own = result_key(key, result, which)
        shown = {
            COMPARE: result.one_crop and which == "top-1",
            DEPTH: which == "top-1" and any((error, _HE) == (target.error, record.paper) for target in TARGETS),
            PICTURE: own == backbone,
            TRANSFER: own == backbone,
            STUDY: own == backbone,
            SEE: own == backbone and BACKBONES[key].embedded,
        }
        yield Receipt(
            own,
            record.title,
            f"{which} accuracy" if result.as_accuracy else f"{which} error",
            round(100 - error, 3) if result.as_accuracy else error,
            "%",
            result.whose,
            result.link or record.paper,
            recipe(result),
            why=(NOT_HERE if result.dataset == "ImageNet" else _DIGITS) + other,
            seen=_seen(result.whose),
            pages=(TIMELINE, *(page for page, there in shown.items() if there)),
        )


def _costs() -> Iterator[Receipt]:
    """Multiply-adds as published: papers print few digits, torchvision's metadata three behind the point."""
    fewer = "3 × 3 kernels in the 5 × 5 branches"
    library = {
        "alexnet_ungrouped": (0.714, {"the fewer filters of Krizhevsky 2014 (arXiv:1404.5997)": -0.421}),
        "vgg16": (15.470, {}),
        "vgg19": (19.632, {}),
        "googlenet": (1.498, {fewer: -0.08429568}),
        "resnet18": (1.814, {}),
        "resnet34": (3.664, {}),
        "mobilenet_v2": (0.301, {}),
        "efficientnet_b0": (0.386, {}),
        "convnext_tiny": (4.456, {}),
        "vit_b16": (17.564, {}),
    }
    for key, (value, terms) in library.items():
        yield _cost(key, value, "G", 0.001, "torchvision's metadata", TORCHVISION, "library", terms)
    for depth, value, added in ((50, 4.089, 0.231211008), (101, 7.801, 0.231211008), (152, 11.514, 0.231211008)):
        key, stride = f"resnet{depth}", {"the stride in the bottleneck's 3 × 3, one convolution later": added}
        yield _cost(key, value, "G", 0.001, "torchvision's metadata", TORCHVISION, "library", stride)
        yield Receipt(
            f"{key}-multiply-adds-variant",
            f"ResNet-{depth}, stride in the 3 × 3",
            "multiply-adds",
            value,
            "G",
            "torchvision's metadata",
            TORCHVISION,
            "one picture of 224 × 224",
            ours=("strided_in_the_3x3", depth),
            digit=0.001,
            seen=_SEEN["torchvision"],
            pages=(TIMELINE, COMPARE),
        )
    for key, value in (
        ("resnet18", 1.8),
        ("resnet34", 3.6),
        ("resnet50", 3.8),
        ("resnet101", 7.6),
        ("resnet152", 11.3),
    ):
        yield _cost(key, value, "G", 0.1, "He et al. 2016, table 1", _HE, "paper", {})
    yield _cost("mobilenet_v1", 569, "M", 1, "Howard et al. 2017, table 8", "arXiv:1704.04861", "paper", {})
    yield _cost("mobilenet_v2", 300, "M", 1, "Sandler et al. 2018, table 4", "arXiv:1801.04381", "paper", {})
    yield _cost("efficientnet_b0", 390, "M", 10, "Tan & Le 2019, table 2", "arXiv:1905.11946", "paper", {})


def _cost(
    key: str, value: float, unit: str, digit: float, source: str, link: str, short: str, terms: dict[str, float]
) -> Receipt:
    return Receipt(
        f"{key}-multiply-adds-{short}",
        ARCHITECTURES[key].title,
        "multiply-adds",
        value,
        unit,
        source,
        link,
        "one picture of 224 × 224",
        ours=("multiply_adds", key, 10**9 if unit == "G" else 10**6),
        digit=digit,
        terms=terms,
        seen=_seen(source),
    )


def _fields() -> Iterator[Receipt]:
    """The table of Araujo, Norris & Sim 2019, of networks of TF-Slim at 224 pixels."""
    zoo = {
        ("alexnet", "pool5"): (195, 32),
        ("vgg16", "conv1_1"): (3, 1),
        ("vgg16", "pool1"): (6, 2),
        ("vgg16", "pool3"): (44, 8),
        ("vgg16", "pool5"): (212, 32),
        ("mobilenet_v1", "block1_out"): (7, 2),
        ("mobilenet_v1", "block5_out"): (43, 8),
        ("mobilenet_v1", "block13_out"): (315, 32),
        ("resnet50", "conv5_block3_out"): (483, 32),
    }
    for (key, layer), sight in zoo.items():
        yield _field(f"{key}-field-{layer}", ARCHITECTURES[key].title, layer, sight, ("sight", key, layer), (FIELD,))
    keras = {
        ("VGG16", "block1_pool"): (6, 2, 2),
        ("VGG16", "block3_pool"): (44, 8, 18),
        ("VGG16", "block5_pool"): (212, 32, 90),
        ("MobileNet", "conv_pw_1_relu"): (7, 2, 2),
        ("MobileNet", "conv_pw_5_relu"): (43, 8, 14),
        ("MobileNet", "conv_pw_13_relu"): (315, 32, 126),
        ("InceptionV3", "mixed10"): (1311, 32, 618),
    }
    for (name, layer), reach in keras.items():
        ours = ("application_reach", name, layer, 224)
        yield _field(f"{name.lower()}-field-{layer}", f"{name} of Keras", layer, reach, ours, ())


def _field(
    key: str, title: str, layer: str, value: tuple[float, ...], ours: tuple[str | int, ...], pages: tuple[str, ...]
) -> Receipt:
    quantity = "receptive field, effective stride" + (" and padding" if len(value) > 2 else "")
    return Receipt(
        key.replace("_", "-"),
        title,
        f"{quantity} of {layer}",
        value,
        "px",
        "Araujo, Norris & Sim 2019",
        "doi:10.23915/distill.00021",
        "TF-Slim's networks at 224 × 224; those rows in which Keras has the stride where TF-Slim has it",
        ours=ours,
        seen="RECEPTIVE_FIELD_TABLE.md in google-research/receptive_field, November 2026",
        pages=pages,
    )


def _lites() -> Iterator[Receipt]:
    notes, seen = "the release notes of the models", _SEEN["the release notes"]
    published = ((4.7, 407, 1), (5.4, 631, 1), (6.1, 899, 1), (8.2, 1440, 10), (13.0, 2640, 10))
    rule = (
        "The published counts of Lite1 to Lite4 come out, to one of the last digit, if three operations for each "
        "output of a BatchNorm are counted too. Counted here are multiply-adds of convolutions and dense layers alone."
    )
    for number, (params, madds, digit) in enumerate(published):
        name, key = f"EfficientNet-Lite{number}", f"efficientnet_lite{number}"
        facts: dict[str, Any] = {"source": notes, "link": LITE, "seen": seen}
        counted = ("lite_parameters", number)
        small: dict[str, Any] = {"ours": counted, "digit": 0.1, "pages": ()}
        yield Receipt(f"{key}-parameters-notes", name, "parameters", params, "M", **small, **facts)
        counted = ("lite_as_published", number) if number else ("lite_multiply_adds", 0)
        terms = {} if number else {"three operations for each output of a BatchNorm": 20.2, "left over": 1.6}
        yield Receipt(
            f"{key}-multiply-adds-notes",
            name,
            "multiply-adds by the release notes' rule" if number else "multiply-adds",
            madds,
            "M",
            protocol="one picture at the network's own size",
            ours=counted,
            digit=digit,
            terms=terms,
            pages=() if number else (TIMELINE,),
            why=rule + ("" if number else " Lite0 would be 405.4 M: 1.6 M of what is published stay unexplained."),
            **facts,
        )


def _backbones() -> Iterator[Receipt]:
    for name, record in BACKBONES.items():
        pages: tuple[str, ...] = (TRANSFER, STUDY)
        if backbone_key(name).endswith("-backbone"):
            yield Receipt(
                backbone_key(name),
                record.title,
                "top-1 accuracy",
                record.top1,
                "%",
                "Keras",
                record.top1_source,
                "ImageNet's validation pictures, crop and recipe not told; weights that keras.applications loads",
                why=NOT_HERE,
                seen="a copy of the table at keras.io, November 2026" if name == "convnext_tiny" else _SEEN["Keras"],
                pages=(*pages, PICTURE) if name in ARCHITECTURES else pages,
            )
        if record.application:
            yield Receipt(
                f"{name}-parameters-backbone",
                record.title,
                "parameters without classifier, with BatchNorm's statistics",
                record.params_without_top,
                "",
                f"keras.applications.{record.application}",
                "keras.io/api/applications",
                ours=("application_parameters", record.application, 0),
                seen="Keras' own count_params, at each test",
                pages=pages,
            )


def _targets() -> Iterator[Receipt]:
    """Errors of He et al. that are drawn beside the experiment, and are no architecture's of the zoo."""
    known = {result.top1_error for record in ARCHITECTURES.values() for result in record.results}
    for target in TARGETS:
        if target.error in known:
            continue
        best = target.depth == 110
        yield Receipt(
            re.sub(r"\W+", "-", f"{target.data}-{target.net}-error".lower()),
            f"{target.net}, {target.data}",
            "error",
            target.error,
            "%",
            target.source,
            _HE,
            f"{target.data}'s test part, 32 × 32, one view" + ("; the best of five runs" if best else ""),
            why=_DIGITS + (" The five runs had 6.61 ± 0.16%." if best else ""),
            seen=_COPY,
            pages=(DEPTH,),
        )
