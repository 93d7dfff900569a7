"""What is written down of an architecture: facts as data, and how to build it. No Keras here."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, int, int]
TORCHVISION = "pytorch.org/vision/stable/models.html"  # the same figures as in the metadata of its weights
KERAS = "keras.io/api/applications"
ONE_CROP = "one crop of 224 × 224"
GENERATIONS = {  # of recipes: what an accuracy owes to training rather than to the network
    "classic": "as until 2018: crops, mirrored pictures, changed colours",
    "searched": "as in 2019 and 2020: augmentation found by search, whole blocks dropped",
    "modern": "as since 2021: pictures mixed with each other, hundreds of passes, averaged weights",
}
STATISTICS = "BatchNorm statistics"  # names of terms by which counts of parameters differ
BIASES = "convolution biases"


@dataclass(frozen=True)
class Count:
    """A published number of parameters, and by which terms it differs from our trainable ones.

    Attributes:
        whose: Who counted.
        count: The number: our `trainable_params` plus all terms.
        terms: What is counted there and not here (positive), or here and not there (negative), by name.
    """

    whose: str
    count: int
    terms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """A network of the same name that is not the one built here.

    Attributes:
        what: In what it differs, as half a sentence.
        macs: Its multiply-adds for one picture; None where that is not known.
    """

    what: str
    macs: float | None = None


@dataclass(frozen=True)
class Result:
    """A published error, and what it owes to what.

    Attributes:
        whose: Source: paper and table, or library.
        top1_error: Percent of the pictures whose class is not the first guess; None if it was not published.
        top5_error: Percent of the pictures whose class is not among the first five; None likewise.
        protocol: How it was measured, where that matters for a comparison.
        dataset: Of whose test or validation pictures.
        weights: Which, by the name that their library gives them; empty for a paper's own.
        resize: To what the short side was brought before the crop, in pixels; None where that is not told.
        year: Of the recipe that the weights were trained by.
        generation: Of that recipe, a key of GENERATIONS.
        variant: The network that was measured, if it is not the one that is built here.
        link: Where it is written, if not in the architecture's paper.
        as_accuracy: Whether it was published as accuracy: 100 minus the error.
    """

    whose: str
    top1_error: float | None
    top5_error: float | None = None
    protocol: str = ONE_CROP
    dataset: str = "ImageNet"
    weights: str = ""
    resize: int | None = None
    year: int = 0
    generation: str = "classic"
    variant: Variant | None = None
    link: str = ""
    as_accuracy: bool = False

    @property
    def one_crop(self) -> bool:
        """True if it was measured as libraries do: on the middle of each picture, looked at once."""
        return self.dataset == "ImageNet" and self.protocol.startswith("one crop of")

    @property
    def once(self) -> bool:
        """True if a picture cost one pass at the size for which costs are counted here."""
        return self.one_crop or self.protocol.startswith(("one network, one crop", "32 × 32"))


@dataclass(frozen=True)
class Architecture:
    """One network.

    Attributes:
        title: Its name as printed.
        year: First made public.
        depth: Layers with weights from the input to the output, by the paper's own counting.
        depth_note: What is counted, where that is not plain.
        authors: Of the paper.
        paper: Where it is: arXiv or DOI.
        idea: A key to filter by.
        description: What it is.
        fixed: What it put right.
        builder: `module:function` that builds it.
        input_shape: `(H, W, C)` of the paper.
        num_classes: Outputs of the paper.
        counts: Published numbers of parameters; the first is the one to show.
        results: Published errors; the first is the paper's own, if there is one.
        stage_ends: Names of the layers at which the stages end, each smaller than the one before.
        last_feature_map: Name of the layer whose channels a class activation map weighs; None if the classifier reads
            no feature map.
        blocks: Regular expressions for the beginning of a layer's name. Layers that the same one matches, with the
            same text in its group, are a block.
        typical_block: A block that carries the idea: the matched text of its first layer.
        keywords: Further arguments of the builder.
        raw_pixels: Whether it takes pixels from 0 to 255 as they are; else they have about zero mean and unit variance.
    """

    title: str
    year: int
    depth: int
    authors: str
    paper: str
    idea: str
    description: str
    fixed: str
    builder: str
    counts: tuple[Count, ...]
    results: tuple[Result, ...]
    stage_ends: tuple[str, ...]
    last_feature_map: str | None
    blocks: tuple[str, ...]
    typical_block: str
    keywords: Mapping[str, Any] = field(default_factory=dict)
    input_shape: Shape = (224, 224, 3)
    num_classes: int = 1000
    depth_note: str = ""
    raw_pixels: bool = False

    def build(self, input_shape: Shape | None = None, num_classes: int | None = None) -> Any:
        """Build the network with random weights; imports Keras.

        Args:
            input_shape: `(H, W, C)`; None for the paper's.
            num_classes: Outputs; None for the paper's.

        Returns:
            A `keras.Model`.

        Raises:
            ValueError: If the network does not take this shape or number.

        Example:
            >>> from cnn_core.networks.zoo.architectures import architecture
            >>> architecture("lenet5").build(num_classes=2).output_shape
            (None, 2)
        """
        module, _, function = self.builder.partition(":")
        build = getattr(importlib.import_module(f"cnn_core.networks.zoo.{module}"), function)
        return build(input_shape=input_shape, num_classes=num_classes, **self.keywords)


def accuracy(whose: str, top1: float, top5: float | None = None, protocol: str = ONE_CROP, **facts: Any) -> Result:
    """A result that was published as accuracy; `facts` are further attributes of it.

    >>> accuracy("Keras", 70.4, 89.5).top5_error
    10.5
    """
    errors = (round(100 - top1, 3), None if top5 is None else round(100 - top5, 3))
    return Result(whose, *errors, protocol, as_accuracy=True, **facts)


def torchvision(top1: float, top5: float, version: int = 1, **facts: Any) -> Result:
    """A result of torchvision's own metadata: weights `IMAGENET1K_V1` or `V2`, the recipes of 2016 and of 2021.

    >>> torchvision(80.858, 95.434, 2).generation
    'modern'
    """
    second = version == 2
    recipe = {"generation": "modern", "year": 2021, "resize": 232} if second else {"year": 2016, "resize": 256}
    source = {"weights": f"IMAGENET1K_V{version}", "link": TORCHVISION}
    whose = f"torchvision, {'second' if second else 'first'} weights"
    return accuracy(whose, top1, top5, **{**source, **recipe, **facts})


def keras(top1: float, top5: float, **facts: Any) -> Result:
    """A result of the table at keras.io/api/applications: accuracy of the weights that `keras.applications` loads."""
    return accuracy("Keras", top1, top5, **{"weights": "imagenet", "link": KERAS, **facts})
