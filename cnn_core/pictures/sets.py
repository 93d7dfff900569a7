"""Labelled pictures: the sample sets, and how a set is divided. Pixels live in the store."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cnn_core.pictures import bursts, coded, kept
from cnn_core.pictures.bundled import digits, installed
from cnn_core.pictures.bursts import owners, together
from cnn_core.pictures.images import Picture, Taken
from cnn_core.pictures.items import Item, SpecRefused, count
from cnn_core.pictures.kept import Kept
from cnn_core.pictures.near import loosened
from cnn_core.store import keys
from cnn_core.store.runs import Store

_VALIDATION_FRACTION = 0.2
_TEST_FRACTION = 0.2


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
    items = [keep(store, picture, label, part) for picture, label, part in SAMPLES[name].pictures()]
    store.lists.add(keys.SAMPLES, [item.digest for item in items])  # they stay, whoever uses them
    return items


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


def split(items: Sequence[Item], seed: int, near: Mapping[str, str] | None = None) -> Split:
    """Divide pictures into train, validation and test: stratified by class, duplicates and near-duplicates together.

    So are the frames of one recording, always, and all that is nearly the same as one of them.

    Items whose `part` is fixed keep it. If some are fixed for testing and others are free, the free ones are divided
    into train and validation only. A picture that is also in the fixed test part, or nearly the same as one there, is
    left out of the others, and one fixed for validation out of training; a free one goes where its like is. The same
    picture under two labels is left out altogether: no answer to it would be right.

    Args:
        items: Labelled pictures, in any order; the result does not depend on it.
        seed: Of the shuffle.
        near: Groups of pictures that are nearly the same (`near.groups`); by default only copies belong together. A
            class that would have fewer than three groups is divided all the same, with a note.

    Returns:
        The parts; every class is in every part that is not fixed.

    Raises:
        SpecRefused: If a class has too few recordings, or too few pictures are left for a part.
    """
    if trouble := bursts.shortage(items):
        raise SpecRefused(trouble)
    labels: dict[str, set[str]] = defaultdict(set)
    for item in items:
        labels[item.digest].add(item.label)
    contradictory = {digest for digest, names in labels.items() if len(names) > 1}
    usable = sorted(
        (item for item in items if item.digest not in contradictory),
        key=lambda i: (i.label, i.digest, i.name, i.part, i.burst),
    )
    loose, too_easy = loosened([item for item in usable if not item.part], near or {}, bursts.PARTS)
    joined = together(usable, loose)
    of = {item.digest: joined.get(item.digest, item.digest) for item in usable}  # the group of each picture
    tested = {item.digest for item in usable if item.part == "test"}
    fixed_test = {of[digest] for digest in tested}
    fixed = {of[item.digest]: item.part for item in usable if item.part == "train"}
    fixed |= {of[item.digest]: item.part for item in usable if item.part == "validation"}
    validated = {item.digest for item in usable if item.part == "validation"}
    leaked = [item for item in usable if item.part != "test" and of[item.digest] in fixed_test]
    both = [
        item
        for item in usable
        if item.part == "train" and of[item.digest] not in fixed_test and fixed[of[item.digest]] == "validation"
    ]
    notes = []
    if contradictory:
        notes.append(count(len(contradictory), "picture") + " left out: the same picture has two labels.")
    for gone, there, part in ((leaked, tested, "test"), (both, validated, "validation")):
        copies = sum(item.digest in there for item in gone)
        if copies:
            notes.append(f"{count(copies, 'picture')} left out of training: also in the {part} part.")
        there_too = {item.burst for item in usable if item.digest in there} - {""}
        frames = sum(item.digest not in there and item.burst in there_too for item in gone)
        if frames:
            notes.append(f"{count(frames, 'picture')} left out of training: of a recording that is in the {part} part.")
        if len(gone) > copies + frames:
            alike = count(len(gone) - copies - frames, "picture")
            notes.append(f"{alike} left out of training: nearly the same as pictures of the {part} part.")

    parts: dict[str, list[Item]] = {"train": [], "validation": [], "test": [i for i in usable if i.part == "test"]}
    owner = owners(usable, joined)
    groups: dict[str, dict[str, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for item in usable:
        group = of[item.digest]
        if group in fixed_test:
            continue
        if group not in fixed:
            groups[owner[group]][group].append(item)
        elif item.part in ("", fixed[group]):
            parts[fixed[group]].append(item)
    free = {of[item.digest] for item in usable if not item.part} - fixed_test - set(fixed)
    scenes = Counter(of[digest] for digest in {item.digest for item in usable})
    recorded = {item.burst: of[item.digest] for item in usable if item.burst and of[item.digest] in free}
    if recorded:
        frames = len({item.digest for item in usable if item.burst in recorded})
        notes.append(
            f"{count(frames, 'picture')} are frames of {count(len(recorded), 'recording')}: each recording is on one "
            "side of the split."
        )
    units = Counter(of[unit] for unit in {together(usable).get(item.digest, item.digest) for item in usable})
    alike_too = [number for group, number in scenes.items() if units[group] > 1 and group in free]
    if alike_too:
        notes.append(
            f"{count(sum(alike_too), 'picture')} are nearly the same as others, in {count(len(alike_too), 'group')}: "
            "each group is on one side of the split."
        )
    rng = np.random.default_rng(seed)
    for label in sorted(groups):
        shuffled = list(groups[label].values())
        different = sum(scenes[of[group[0].digest]] for group in shuffled)
        rng.shuffle(shuffled)
        wanted = {"validation": _VALIDATION_FRACTION, "test": 0.0 if fixed_test else _TEST_FRACTION}
        for after, (part, fraction) in zip((2 if wanted["test"] else 1, 1), wanted.items(), strict=True):
            number = max(1, round(fraction * different)) if fraction else 0
            taken = _drawn([scenes[of[group[0].digest]] for group in shuffled], number, len(shuffled) - after)
            parts[part] += [item for index in taken for item in shuffled[index]]
            shuffled = [group for index, group in enumerate(shuffled) if index not in taken]
        parts["train"] += [item for group in shuffled for item in group]
    _check(parts, {item.label for item in items})
    return Split(tuple(parts["train"]), tuple(parts["validation"]), tuple(parts["test"]), (*notes, *too_easy))


def _drawn(sizes: Sequence[int], number: int, most: int) -> list[int]:
    """Return the first groups that fit into a part of so many pictures, at most so many groups; else the smallest."""
    taken: list[int] = []
    for index, size in enumerate(sizes):
        if size <= number and len(taken) < max(1, most):
            taken.append(index)
            number -= size
    if not taken and number and sizes:
        taken = [min(range(len(sizes)), key=lambda index: sizes[index])]
    return taken


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
