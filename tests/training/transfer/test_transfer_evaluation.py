"""Figures of a test: against SciPy's interval and against counting by hand."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from cnn_core.pictures.items import Item
from cnn_core.training.transfer.evaluation import evaluate, wilson_interval

CLASSES = ("cat", "dog", "owl")


@given(total=st.integers(1, 3000), data=st.data())
def test_interval_is_that_of_scipy(total: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, total))
    expected = binomtest(correct, total).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson_interval(correct, total) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("correct", "total"), [(-1, 5), (6, 5), (0, 0)])
def test_interval_of_nothing_is_refused(correct: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"Received {correct} correct of {total}; expected 0 to total"):
        wilson_interval(correct, total)


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
    assert (figures["correct"], figures["test_accuracy"]) == (3, 0.6)
    assert figures["test_interval"] == pytest.approx([0.2307, 0.8824], abs=1e-4)
    assert figures["confusion"] == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert figures["per_class"][0] == {"class": "cat", "precision": 0.5, "recall": 0.5, "f1": 0.5, "pictures": 2}
    assert figures["per_class"][2] == {"class": "owl", "precision": 1.0, "recall": 1.0, "f1": 1.0, "pictures": 1}
    assert [(wrong["name"], wrong["label"], wrong["said"]) for wrong in figures["wrong"]] == [
        ("3.png", "dog", "cat"),
        ("1.png", "cat", "dog"),
    ]
    assert figures["wrong"][0]["probability"] == 0.95 and figures["wrong"][0]["probability_of_label"] == 0.03
    assert [answer["digest"] for answer in figures["answers"]] == ["d0", "d1", "d2", "d3", "d4"]
    assert json.loads(json.dumps(figures)) == figures


@given(data=st.data(), total=st.integers(1, 40))
def test_figures_are_what_counting_gives(data: st.DataObject, total: int) -> None:
    truth = data.draw(st.lists(st.integers(0, 2), min_size=total, max_size=total))
    said = data.draw(st.lists(st.integers(0, 2), min_size=total, max_size=total))
    probabilities = np.full((total, 3), 0.2) + 0.4 * np.eye(3)[said]
    figures = evaluate(probabilities, [Item(str(i), CLASSES[t], str(i)) for i, t in enumerate(truth)], CLASSES)
    pairs = list(zip(truth, said, strict=True))
    assert figures["confusion"] == [[pairs.count((t, s)) for s in range(3)] for t in range(3)]
    assert figures["correct"] == sum(t == s for t, s in pairs) == total - len(figures["wrong"])
    for index, row in enumerate(figures["per_class"]):
        hits, told, there = pairs.count((index, index)), said.count(index), truth.count(index)
        precision, recall = (hits / told if told else 0), (hits / there if there else 0)
        f1 = 2 * precision * recall / (precision + recall) if hits else 0
        assert row["pictures"] == there
        assert math.isclose(row["precision"], precision) and math.isclose(row["recall"], recall)
        assert math.isclose(row["f1"], f1)
