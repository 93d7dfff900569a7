"""Validation against test: said only where it is beyond chance, and in what the pictures differ."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cnn_core.arithmetic.measures import Share, wilson
from cnn_core.pictures import near, sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.transfer import measuring
from cnn_core.training.transfer.differing import told_apart
from cnn_core.training.transfer.evaluation import evaluate
from cnn_core.training.transfer.measuring import falls, measure
from cnn_core.training.transfer.results import Arm, EpochFigures, Transfer
from cnn_core.training.transfer.shift import Fall, Shift, Trait, card_words

TITLES = {"frozen": "Frozen", "fine_tuned": "Fine-tuned"}


def test_brain_scans_are_said_to_be_others() -> None:
    """Issue 14: validation 0.906, test 0.439, and nothing was said."""
    both = wilson(58, 64), wilson(173, 394)
    (fall,) = falls({"frozen": both})
    assert fall.p == pytest.approx(stats.fisher_exact([[58, 6], [173, 221]]).pvalue)
    shift = Shift((fall,), told_apart=wilson(700, 788))
    assert shift.headline == "Validation 90.6%, test 43.9%: the test pictures are not like the training ones"
    said = shift.words(TITLES)
    assert said[0] == "Frozen: 90.6% of 64 on validation pictures, 43.9% of 394 on test pictures."
    assert said[1].endswith("of the same class: 88.8% of 788, where guessing is right on half.")
    unsure = Shift((fall,), told_apart=wilson(400, 788))
    assert unsure.headline.endswith("test 43.9%: beyond chance, and nothing tells why")
    assert "cannot be told apart beyond chance (50.8% of 788" in unsure.words(TITLES)[1]
    few = Shift((fall,)).words(TITLES)
    assert few[1] == "There are too few pictures to tell whether a classifier knows the parts apart."


COUNTS = st.integers(1, 300).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=3), st.none() | COUNTS)
def test_pictures_are_called_others_only_if_both_tests_say_so(
    arms: list[tuple[tuple[int, int], tuple[int, int]]], apart: tuple[int, int] | None
) -> None:
    found = falls({f"arm {n}": (wilson(*a), wilson(*b)) for n, (a, b) in enumerate(arms)})
    shift = Shift(found, None if apart is None else wilson(*apart))
    if shift.headline:
        values = [stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue for (a, n), (b, m) in arms]
        assert min(values) * len(values) < 0.05, "Holm's first step"
        assert any(a / n > b / m for (a, n), (b, m) in arms)
    if "not like the training ones" in shift.headline:
        assert apart is not None and stats.binomtest(*apart).proportion_ci(method="wilson").low > 0.5
    assert bool(shift.words({})) == bool(shift.headline)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0, 1) | st.just(math.nan))
def test_trait_is_told_only_beyond_chance(train: float, test: float, p: float) -> None:
    words = Trait("brightness", train, test, p).words
    assert bool(words) == (p < 0.05 and train != test)
    assert not words or ("higher" in words) == (test > train)


def both(shift: float, seed: int, scenes: int = 40, frames: int = 1) -> tuple[np.ndarray, ...]:
    """Features of two parts of two classes; frames of a scene are nearly the same."""
    rng = np.random.default_rng(seed)
    parts = []
    for part in (0, 1):
        scene = rng.normal(0, 1, (scenes, 12)) + part * shift
        parts.append(np.repeat(scene, frames, axis=0) + rng.normal(0, 0.02, (scenes * frames, 12)))
    label = np.repeat(np.arange(scenes) % 2, frames)
    group = np.repeat(np.arange(scenes), frames)
    return parts[0], parts[1], label, np.char.add("a", group.astype(str)), np.char.add("b", group.astype(str))


def apart(shift: float, seed: int, scenes: int = 40, frames: int = 1) -> Share:
    train, test, label, first, second = both(shift, seed, scenes, frames)
    found = told_apart(train, test, (label, label), (first, second))
    assert found is not None
    return found


def test_parts_of_one_kind_are_not_told_apart_more_often_than_chance_would() -> None:
    false = sum(apart(0.0, seed).low > 0.5 for seed in range(60))
    assert false <= 5, f"{false} of 60"
    assert all(apart(1.5, seed).low > 0.5 for seed in range(5))


def test_frames_of_a_burst_do_not_tell_the_parts_apart() -> None:
    """Ten scenes of eight frames: whoever has seen a frame knows the part of the next, and nothing of the parts."""
    train, test, label, *_ = both(0.0, 3, scenes=10, frames=8)
    alone = np.arange(len(label)).astype(str)
    naive = told_apart(train, test, (label, label), (alone, np.char.add("t", alone)))
    assert naive is not None and naive.low > 0.7
    honest = [apart(0.0, seed, scenes=10, frames=8) for seed in range(20)]
    assert sum(each.low > 0.5 for each in honest) <= 2 and {each.total for each in honest} == {20}, "twenty scenes"


def test_classes_that_are_rarer_in_one_part_do_not_tell_it() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [90, 10]), np.repeat([0, 1], [10, 90])
    train, test = (np.stack([label * 9.0, rng.normal(size=100)], axis=1) for label in labels)
    names = np.arange(100).astype(str)
    found = told_apart(train, test, labels, (names, np.char.add("t", names)))
    assert found is not None and found.total == 40 and found.low < 0.5
    assert told_apart(train[:4], test[:4], (labels[0][:4], labels[1][:4]), (names[:4], names[:4])) is None


def pictures(store: Store, part: str, count: int, light: int, offset: int) -> list[Item]:
    """Pictures of two classes: warm or cold, and in one part darker."""
    rng, found = np.random.default_rng(offset), []
    for number in range(count):
        for label, tint in (("cold", (0, 0, 60)), ("warm", (60, 0, 0))):
            pixels = rng.integers(0, 60, (48, 64, 3)) + light + np.array(tint)
            picture = Picture(pixels.clip(0, 255).astype(np.uint8), f"{label} {offset + number}", ())
            found.append(sets.keep(store, picture, label, part))
    return found


def test_darker_test_pictures_are_found_out(store: Store) -> None:
    items = pictures(store, "train", 30, 120, 0) + pictures(store, "validation", 20, 120, 100)
    items += pictures(store, "test", 25, 0, 200)
    split = sets.split(items, 0)

    def vectors(some: Sequence[Item]) -> np.ndarray:
        return np.stack([near._thumbnail(store, item.digest).mean(axis=(0, 1)) for item in some]).astype(np.float32)

    classes = ("cold", "warm")
    numbers = {part: np.array([classes.index(i.label) for i in getattr(split, part)]) for part in split.sizes}
    head = heads.fit(vectors(split.train), numbers["train"])
    probabilities = head.probabilities(vectors(split.test))
    probabilities[:, 1] = 0.0  # in the dark it takes all for cold
    figures = evaluate(probabilities, split.test, classes)
    right = float((head.probabilities(vectors(split.validation)).argmax(axis=1) == numbers["validation"]).mean())
    assert right > 0.95
    history = (EpochFigures("head", 1, 1.0, 0.1, 1.0, 0.1, right),)
    arm = Arm(
        **vars(figures), history=history, best_epoch=1, trainable_params=1, total_params=1, model_bytes=1, seconds={}
    )
    said = lambda features: head.probabilities(features).argmax(axis=1)  # noqa: E731
    shift = measure(store, split, {"frozen": arm}, classes, {}, vectors, said)
    assert shift.unlike and shift.told_apart is not None and shift.told_apart.value == 1.0
    assert shift.classes[0].name == "warm" and shift.classes[0].beyond_chance
    assert not shift.classes[1].beyond_chance
    told = " ".join(shift.words(TITLES))
    assert "their brightness is lower" in told and "Classes that fall beyond chance: warm" in told
    assert all(missed.label == "warm" and len(missed.nearest) == 3 for missed in shift.missed)
    trained = {item.digest for item in split.train}
    assert all(like.digest in trained for missed in shift.missed for like in missed.nearest)
    kept = Transfer(classes, dict(split.sizes), {"frozen": arm}, shift=shift)
    assert Transfer.from_json(kept.to_json()) == kept
    same = measure(store, split, {"frozen": arm_like(arm, figures.accuracy.value)}, classes, {}, vectors, said)
    assert same.headline == "" and same.told_apart is None and same.words(TITLES) == [], (
        "nothing fell: nothing is looked at"
    )


def arm_like(arm: Arm, accuracy: float) -> Arm:
    entry = EpochFigures("head", 1, 1.0, 0.1, 1.0, 0.1, accuracy)
    return Arm(**{**vars(arm), "history": (entry,)})


def test_weighted_validation_accuracy_is_not_taken_for_a_number_of_pictures(store: Store) -> None:
    """18 of 20 right on either part, all of the common class: weighted by class that is an accuracy of one half."""
    items = [Item(f"{part}{n}", "ab"[n >= 18], "", part) for part in ("train", "validation", "test") for n in range(20)]
    split = sets.split(items, 0)
    right = evaluate(np.tile([0.9, 0.1], (20, 1)), split.test, ("a", "b"))
    weighted = (EpochFigures("blocks", 1, 1.0, 0.1, 0.5, 0.1, 0.5),)
    arm = Arm(
        **vars(right), history=weighted, best_epoch=1, trainable_params=1, total_params=1, model_bytes=1, seconds={}
    )
    found = measuring._on_both(replace(arm, validated=wilson(18, 20)), 20)
    assert found is not None and found[0].correct == 18 and not falls({"fine_tuned": found})[0].beyond_chance


def test_model_card_says_what_the_test_was() -> None:
    sizes = {"train": 60, "validation": 20, "test": 394}
    fell = Shift((Fall("frozen", wilson(58, 64), wilson(173, 394), 1e-6),), told_apart=wilson(700, 788))
    assert card_words(fell, ["test"], sizes).startswith("Validation 90.6%, test 43.9%: the test pictures are not like")
    fine = Shift((Fall("frozen", wilson(58, 64), wilson(350, 394), 0.7),))
    assert "set apart beforehand; it does no worse on them" in card_words(fine, ["train", "test"], sizes)
    assert "set apart beforehand. Whether yours" in card_words(None, ["test"], sizes)
    assert "drawn at random from the same set" in card_words(None, ["", ""], sizes)
