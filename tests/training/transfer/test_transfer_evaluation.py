"""Figures of a test: against SciPy's tests and against counting by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from cnn_core.pictures.items import Item
from cnn_core.training.transfer.evaluation import compare, evaluate
from cnn_core.training.transfer.results import Answer, ClassFigures

CLASSES = ("cat", "dog", "owl")


def test_example_by_hand() -> None:
    items = [Item(f"d{i}", label, f"{i}.png") for i, label in enumerate(["cat", "cat", "dog", "dog", "owl"])]
    probabilities = np.array(
        [
            [0.8, 0.1, 0.1],  # cat, right
            [0.1, 0.6, 0.3],  # a cat taken for a dog
            [0.2, 0.7, 0.1],  # dog, right
            [0.95, 0.03, 0.02],  # a dog taken for a cat, surely
            [0.3, 0.3, 0.4],  # owl, right
        ]
    )
    figures = evaluate(probabilities, items, CLASSES)
    assert (figures.accuracy.correct, figures.accuracy.total, figures.accuracy.value) == (3, 5, 0.6)
    assert (figures.accuracy.low, figures.accuracy.high) == pytest.approx((0.2307, 0.8824), abs=1e-4)
    assert figures.confusion == ((1, 1, 0), (1, 1, 0), (0, 0, 1))
    assert figures.per_class[0] == ClassFigures("cat", precision=0.5, recall=0.5, f1=0.5, pictures=2)
    assert figures.per_class[2] == ClassFigures("owl", precision=1.0, recall=1.0, f1=1.0, pictures=1)
    assert figures.wrong == [
        Answer("d3", "3.png", "dog", "cat", probability=0.95, probability_of_label=0.03),
        Answer("d1", "1.png", "cat", "dog", probability=0.6, probability_of_label=0.1),
    ]
    assert [answer.digest for answer in figures.answers] == ["d0", "d1", "d2", "d3", "d4"]


@given(data=st.data(), total=st.integers(1, 40))
def test_figures_are_what_counting_gives(data: st.DataObject, total: int) -> None:
    truth = data.draw(st.lists(st.integers(0, 2), min_size=total, max_size=total))
    said = data.draw(st.lists(st.integers(0, 2), min_size=total, max_size=total))
    probabilities = np.full((total, 3), 0.2) + 0.4 * np.eye(3)[said]
    figures = evaluate(probabilities, [Item(str(i), CLASSES[t], str(i)) for i, t in enumerate(truth)], CLASSES)
    pairs = list(zip(truth, said, strict=True))
    assert figures.confusion == tuple(tuple(pairs.count((t, s)) for s in range(3)) for t in range(3))
    assert figures.accuracy.correct == sum(t == s for t, s in pairs) == total - len(figures.wrong)
    for index, row in enumerate(figures.per_class):
        hits, told, there = pairs.count((index, index)), said.count(index), truth.count(index)
        precision, recall = (hits / told if told else 0), (hits / there if there else 0)
        f1 = 2 * precision * recall / (precision + recall) if hits else 0
        assert row.pictures == there
        assert math.isclose(row.precision, precision) and math.isclose(row.recall, recall)
        assert math.isclose(row.f1, f1)


def test_every_pair_of_arms_is_compared_the_better_one_first() -> None:
    items = [Item(str(i), "cat", f"{i}.png") for i in range(12)]

    def right(*places: int) -> np.ndarray:
        return np.array([[0.9, 0.1, 0.0] if i in places else [0.1, 0.9, 0.0] for i in range(12)])

    arms = {"worst": right(0), "best": right(*range(1, 12)), "second": right(0, 1, 2)}
    found = compare({name: evaluate(probabilities, items, CLASSES) for name, probabilities in arms.items()})
    assert [(pair.first, pair.second) for pair in found] == [("best", "second"), ("best", "worst"), ("second", "worst")]
    assert [(pair.only_first, pair.only_second) for pair in found] == [(9, 1), (11, 1), (2, 0)]
    assert [pair.p for pair in found] == pytest.approx([binomtest(9, 10).pvalue, binomtest(11, 12).pvalue, 0.5])
