"""Near-duplicates: frames of a burst are found, other photos are not; on one side of a split accuracy does not lie."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.linear_model import LogisticRegression

from cnn_core.pictures import near, sets
from cnn_core.pictures.images import Picture
from cnn_core.pictures.items import Item, SpecRefused
from cnn_core.pictures.sets import split
from cnn_core.store.runs import Store
from cnn_core.training.lab.splits import repeated_folds, usable

SIDE = 96


def scene(rng: np.random.Generator) -> np.ndarray:
    """A picture of some large soft shapes, as photos are, larger than what a frame shows."""
    coarse = rng.uniform(0, 255, (7, 7, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((SIDE + 8, SIDE + 8), Image.Resampling.BICUBIC))


def frame(of: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The scene as a hand held camera has it: moved by a pixel, in other light, with noise."""
    top, left = rng.integers(3, 6, 2)
    seen = of[top : top + SIDE, left : left + SIDE] * rng.uniform(0.93, 1.07) + rng.normal(0, 4, (SIDE, SIDE, 3))
    return np.clip(seen, 0, 255).astype(np.uint8)


def burst(store: Store, scenes: int = 40, frames: int = 6, seed: int = 0) -> list[Item]:
    """Frames of scenes whose label is drawn: nothing in them tells it, so that honest accuracy is one half."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(["a", "b"] * (scenes // 2))
    return [
        sets.keep(store, Picture(frame(picture, rng), f"scene {number} frame {shot}", ()), str(label))
        for number, (picture, label) in enumerate(zip([scene(rng) for _ in labels], labels, strict=True))
        for shot in range(frames)
    ]


def accuracy(store: Store, divided: sets.Split) -> float:
    """Of a linear head on the pixels, as it would be told: on the test part."""

    def pixels(items: tuple[Item, ...]) -> np.ndarray:
        return np.stack([near.sketch(near._thumbnail(store, item.digest)) for item in items])

    head = LogisticRegression(C=100.0, max_iter=2000).fit(pixels(divided.train), [item.label for item in divided.train])
    return float(head.score(pixels(divided.test), [item.label for item in divided.test]))


def test_frames_of_a_scene_are_a_group_and_scenes_are_not(store: Store) -> None:
    items = burst(store)
    found = near.groups(store, items)
    scenes = [item.name.rpartition(" frame")[0] for item in items]
    joined = Counter(found.get(item.digest, item.digest) for item in items)
    assert len(joined) == 40 and set(joined.values()) == {6}, "each scene one group, whole"
    for item, name in zip(items, scenes, strict=True):
        group = {other for it, other in zip(items, scenes, strict=True) if found.get(it.digest) == found[item.digest]}
        assert group == {name}


def test_accuracy_lies_where_a_burst_straddles_the_split_and_does_not_where_it_is_a_group(store: Store) -> None:
    """The labels cannot be learnt: whoever tests on the frames beside those it was trained on is told otherwise."""
    naive, honest = [], []
    for seed in range(3):
        items = burst(store, seed=seed)
        naive.append(accuracy(store, split(items, seed)))
        honest.append(accuracy(store, split(items, seed, near.groups(store, items))))
    assert np.mean(naive) > 0.9, naive
    assert np.mean(honest) < 0.7, honest


def test_groups_stand_on_one_side_of_a_split_and_of_folds(store: Store) -> None:
    items = burst(store, scenes=10)
    found = near.groups(store, items)
    divided = split(items, 0, found)
    sides = [{found[item.digest] for item in part} for part in (divided.train, divided.validation, divided.test)]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    assert sum(divided.sizes.values()) == len(items)
    assert divided.notes == (
        "60 pictures are nearly the same as others, in 10 groups: each group is on one side of the split.",
    )
    for fold in repeated_folds(items, 5, 2, 0, found):
        assert not {found[items[i].digest] for i in fold.train} & {found[items[i].digest] for i in fold.test}


def test_frames_of_a_fixed_test_picture_are_left_out_of_training() -> None:
    items = [Item(f"{label}{n}", label, "") for label in "ab" for n in range(10)]
    test = [Item("a-test", "a", "", "test"), Item("b-test", "b", "", "test"), Item("b3", "b", "again", "test")]
    together = {"a0": "a-test", "a1": "a-test", "a-test": "a-test"}
    divided = split([*items, *test], 0, together)
    assert not {"a0", "a1"} & {item.digest for item in (*divided.train, *divided.validation)}
    assert divided.notes == (
        "1 picture left out of training: also in the test part.",
        "2 pictures left out of training: nearly the same as pictures of the test part.",
    )
    _, notes = usable([*items, *test], together)
    assert "2 pictures left out: nearly the same as pictures of the test part." in notes


def test_class_of_a_single_film_is_divided_and_said_to_be_too_easy() -> None:
    film = [Item(f"cup{n}", "cup", "") for n in range(20)]
    others = [Item(f"pen{n}", "pen", "") for n in range(20)]
    divided = split([*film, *others], 0, {item.digest: "cup0" for item in film})
    assert divided.sizes == split([*film, *others], 0).sizes
    assert divided.notes[-1].startswith("The pictures of 'cup' are frames of 1 scene: it is in training and test alike")


GROUPED = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6)), min_size=2, max_size=40)


@given(GROUPED, st.integers(0, 20))
def test_no_group_straddles_whatever_the_pictures(pictures: list[tuple[str, int]], seed: int) -> None:
    items = [Item(f"d{n}", label, "") for n, (label, _) in enumerate(pictures)]
    together = {f"d{n}": f"group {group}" for n, (_, group) in enumerate(pictures) if group}
    try:
        divided = split(items, seed, together)
    except SpecRefused:
        return
    loose, notes = near.loosened(items, together, 3)
    sides = [
        {loose.get(item.digest, item.digest) for item in part}
        for part in (divided.train, divided.validation, divided.test)
    ]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    assert sum(divided.sizes.values()) == len(items) and set(notes) <= set(divided.notes)
    assert split(items[::-1], seed, together) == divided, "whatever the order"


def test_flat_pictures_are_like_none() -> None:
    assert not near.sketch(np.full((SIDE, SIDE, 3), 90, np.uint8)).any()
    assert near.chains(np.stack([near.sketch(np.full((SIDE, SIDE, 3), n, np.uint8)) for n in range(5)])) == []


@pytest.mark.parametrize("block", [1, 3, 100])
def test_chains_join_what_is_joined_by_others(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_BLOCK", block)
    angles = np.deg2rad([0, 100, 12, 24, 36, 190])  # neighbours 12° apart: cosine 0.978; the ends are not alike
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert near.chains(rows) == [[0, 2, 3, 4]]
