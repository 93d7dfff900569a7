"""Labelled pictures: the sample sets, and how a set is divided. Pixels live in the store."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cnn_core.pictures import coded, kept
from cnn_core.pictures.bundled import digits, installed
from cnn_core.pictures.images import Picture, Taken
from cnn_core.pictures.items import Item, SpecRefused, count
from cnn_core.pictures.kept import Kept
from cnn_core.store.runs import Store

VALIDATION_FRACTION = 0.2
TEST_FRACTION = 0.2


def keep(store: Store, picture: Picture, label: str, part: str = "") -> Item:
    """Put a picture of ours into the store (once, however often it comes) and return its labelled record."""
    kept.keep(store, Kept.of(Taken(picture, *coded.lossless(picture.pixels))))
    return Item(picture.digest, label, picture.name, part)


# Sample sets --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """A set of pictures that comes with the installation."""

    name: str
    title: str
    about: str
    credit: str
    pictures: Callable[[], Iterator[tuple[Picture, str, str]]]  # (picture, label, part)


def _textures() -> Iterator[tuple[Picture, str, str]]:
    # 8 × 8 patches of 64 px that do not overlap; a part of the split is a band of the photo, so that no test patch is
    # a neighbour of more than a few training patches.
    bands = ["train"] * 5 + ["validation"] + ["test"] * 2
    for label in ("brick", "grass", "gravel"):
        photo = np.asarray(Image.open(installed("skimage", f"data/{label}.png")))
        for row, part in enumerate(bands):
            for column in range(8):
                patch = photo[64 * row : 64 * row + 64, 64 * column : 64 * column + 64]
                yield Picture(np.stack([patch] * 3, axis=-1), f"{label} row {row} column {column}", ()), label, part


def _digits() -> Iterator[tuple[Picture, str, str]]:
    images, labels = digits()
    for label in range(10):
        for index in np.flatnonzero(labels == label)[:40]:
            ink = np.uint8(255 - images[index] * (255 / 16))  # 0…16, dark on white as on paper
            large = np.asarray(Image.fromarray(ink).resize((64, 64), Image.Resampling.BICUBIC))
            yield Picture(np.stack([large] * 3, axis=-1), f"digit {label} no. {index}", ()), str(label), ""


SAMPLES: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        Sample(
            "textures",
            "Brick, grass, gravel",
            "3 × 64 patches of three photos; train and test come from different regions of each.",
            "scikit-image `data.brick`, `data.grass`, `data.gravel`, from CC0Textures / Poly Haven, CC0.",
            _textures,
        ),
        Sample(
            "digits",
            "Handwritten digits",
            "10 × 40 digits of 8 × 8 pixels, enlarged: as far from ImageNet's photos as pictures get.",
            "scikit-learn `load_digits`: UCI, Alpaydin & Kaynak 1998, CC BY 4.0.",
            _digits,
        ),
    )
}


def read_sample(store: Store, name: str) -> list[Item]:
    """Put a sample set into the store and return its pictures."""
    return [keep(store, picture, label, part) for picture, label, part in SAMPLES[name].pictures()]


# The split ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Split:
    """Which picture serves which purpose; tuples of items."""

    train: tuple[Item, ...]
    validation: tuple[Item, ...]
    test: tuple[Item, ...]
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> dict[str, int]:
        """Return the number of pictures in each part."""
        return {"train": len(self.train), "validation": len(self.validation), "test": len(self.test)}


def split(items: Sequence[Item], seed: int) -> Split:
    """Divide pictures into train, validation and test: stratified by class, exact duplicates together.

    Items whose `part` is fixed keep it. If some are fixed for testing and others are free, the free ones are divided
    into train and validation only. A picture that is also in the fixed test part is left out of the others, and one
    fixed for validation out of training; a free copy of a fixed picture goes where that is. The same picture under
    two labels is left out altogether: no answer to it would be right.

    Args:
        items: Labelled pictures, in any order; the result does not depend on it.
        seed: Of the shuffle.

    Returns:
        The parts; every class is in every part that is not fixed.
    """
    labels: dict[str, set[str]] = defaultdict(set)
    for item in items:
        labels[item.digest].add(item.label)
    contradictory = {digest for digest, names in labels.items() if len(names) > 1}
    usable = sorted(
        (item for item in items if item.digest not in contradictory), key=lambda i: (i.label, i.digest, i.name, i.part)
    )
    fixed_test = {item.digest for item in usable if item.part == "test"}
    fixed = {item.digest: item.part for item in usable if item.part == "train"}
    fixed |= {item.digest: item.part for item in usable if item.part == "validation"}
    leaked = [item for item in usable if item.part != "test" and item.digest in fixed_test]
    both = [i for i in usable if i.part == "train" and i.digest not in fixed_test and fixed[i.digest] == "validation"]
    notes = []
    if contradictory:
        notes.append(count(len(contradictory), "picture") + " left out: the same picture has two labels.")
    if leaked:
        notes.append(count(len(leaked), "picture") + " left out of training: also in the test part.")
    if both:
        notes.append(count(len(both), "picture") + " left out of training: also in the validation part.")

    parts: dict[str, list[Item]] = {"train": [], "validation": [], "test": [i for i in usable if i.part == "test"]}
    groups: dict[str, dict[str, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for item in usable:
        if item.digest in fixed_test:
            continue
        if item.digest not in fixed:
            groups[item.label][item.digest].append(item)
        elif item.part in ("", fixed[item.digest]):
            parts[fixed[item.digest]].append(item)
    rng = np.random.default_rng(seed)
    for label in sorted(groups):
        shuffled = list(groups[label].values())
        different = len(shuffled)
        rng.shuffle(shuffled)
        wanted = {"validation": VALIDATION_FRACTION, "test": 0.0 if fixed_test else TEST_FRACTION}
        for part, fraction in wanted.items():
            number = max(1, round(fraction * different)) if fraction else 0
            parts[part] += [item for group in shuffled[:number] for item in group]
            shuffled = shuffled[number:]
        parts["train"] += [item for group in shuffled for item in group]
    _check(parts, {item.label for item in items})
    return Split(tuple(parts["train"]), tuple(parts["validation"]), tuple(parts["test"]), tuple(notes))


def _check(parts: dict[str, list[Item]], labels: set[str]) -> None:
    missing = labels - {item.label for item in parts["train"]}
    if missing:
        raise SpecRefused(
            f"After leaving out duplicates the class {sorted(missing)[0]!r} has too few different pictures to train "
            "and test on. Add different pictures."
        )
    for part, purpose in (("test", "test on"), ("validation", "choose the best epoch with (the validation part)")):
        if not parts[part]:
            raise SpecRefused(f"No pictures are left to {purpose}. Add different pictures.")
