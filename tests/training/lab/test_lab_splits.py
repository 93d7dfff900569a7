"""Folds: every picture tested once a repeat, classes even, copies together, the test part untouched."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_core.pictures.items import Item, SpecRefused
from cnn_core.training.lab.splits import nested_draws, repeated_folds, usable

COPIES = st.lists(st.integers(1, 3), min_size=5, max_size=12)


@given(COPIES, COPIES, st.integers(2, 5), st.integers(1, 3), st.integers(0, 99))
def test_every_picture_is_tested_once_a_repeat_and_copies_stay_together(
    first: list[int], second: list[int], folds: int, repeats: int, seed: int
) -> None:
    items = [
        Item(f"{label}{i}", label, f"{label}{i} copy {c}")
        for label, copies in (("a", first), ("b", second))
        for i, n in enumerate(copies)
        for c in range(n)
    ]
    found = repeated_folds(items, folds, repeats, seed)
    assert len(found) == folds * repeats
    for repeat in range(repeats):
        tested = np.concatenate([fold.test for fold in found if fold.repeat == repeat])
        assert sorted(tested) == list(range(len(items)))
    for fold in found:
        assert sorted([*fold.train, *fold.test]) == list(range(len(items)))
        assert not {items[i].digest for i in fold.train} & {items[i].digest for i in fold.test}, "a copy straddles"
        different = {items[i].digest: items[i].label for i in fold.test}
        for label, copies in (("a", first), ("b", second)):
            share = list(different.values()).count(label)
            assert len(copies) // folds <= share <= -(-len(copies) // folds), "not stratified"


def test_folds_depend_on_seed_and_repeat_only() -> None:
    items = [Item(str(i), "ab"[i % 2], "") for i in range(40)]
    same = [repeated_folds(items, 4, 2, seed=1) for _ in range(2)]
    assert all(np.array_equal(a.test, b.test) for a, b in zip(*same, strict=True))
    other = repeated_folds(items, 4, 2, seed=2)
    assert not np.array_equal(same[0][0].test, other[0].test)
    assert not np.array_equal(same[0][0].test, same[0][4].test), "the second repeat divides anew"


def test_too_few_different_pictures_are_refused() -> None:
    items = [Item("same", "a", str(i)) for i in range(9)] + [Item(f"b{i}", "b", "") for i in range(9)]
    with pytest.raises(SpecRefused, match="The class 'a' has 1 different picture and there are 3 folds"):
        repeated_folds(items, 3, 1, 0)


def test_test_part_and_contradictions_take_no_part() -> None:
    items = [
        Item("1", "a", "free"),
        Item("2", "a", "held", "test"),
        Item("2", "a", "copy of held", "train"),
        Item("3", "a", "torn"),
        Item("3", "b", "torn"),
        Item("4", "b", "free"),
    ]
    kept, notes = usable(items)
    assert [item.digest for item in kept] == ["1", "4"]
    assert notes == [
        "2 pictures left out: the same picture has two labels.",
        "2 pictures of the test part left out: what is chosen here can be tested on them.",
    ]


@given(st.integers(3, 20), st.integers(3, 20), st.integers(0, 9))
def test_draws_are_nested_and_even(first: int, second: int, seed: int) -> None:
    labels = np.array([0] * first + [1] * second)
    draws = nested_draws(labels, (1, 2, 3, 5, 50), seed)
    assert list(draws) == [n for n in (1, 2, 3, 5) if n <= min(first, second)]
    smaller: set[int] = set()
    for size, chosen in draws.items():
        assert Counter(labels[chosen].tolist()) == {0: size, 1: size}
        assert smaller <= set(chosen.tolist())
        smaller = set(chosen.tolist())
