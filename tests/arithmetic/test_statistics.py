"""Intervals and tests against a second way to compute them, and against what they promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cnn_core.arithmetic.measures import wilson
from cnn_core.arithmetic.statistics import (
    accuracy_summary,
    corrected_interval,
    fisher_exact,
    paired_answers,
    paired_comparison,
)

SCORES = st.lists(st.floats(0, 1), min_size=3, max_size=20)


@given(SCORES, st.floats(0.05, 1))
def test_interval_is_the_papers(scores: list[float], share: float) -> None:
    n = len(scores)
    sigma = np.sqrt((1 / n + share) * np.var(scores, ddof=1))
    low, high = corrected_interval(scores, share)
    if sigma > 1e-9:
        expected = stats.t.interval(0.95, n - 1, loc=np.mean(scores), scale=sigma)
        assert (low, high) == pytest.approx(expected)
    plain = stats.t.ppf(0.975, n - 1) * np.std(scores, ddof=1) / np.sqrt(n)
    assert high - low >= 2 * plain - 1e-12, "the correction only widens"


@given(SCORES, st.data())
def test_paired_p_is_the_papers(first: list[float], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.floats(0, 1), min_size=len(first), max_size=len(first)))
    difference = 100 * (np.array(first) - np.array(second))
    found = paired_comparison(first, second, 0.25, ("a", "b"))
    assert found.points == pytest.approx(difference.mean(), abs=1e-9)
    if found.low is not None:
        t = difference.mean() / np.sqrt((1 / len(first) + 0.25) * difference.var(ddof=1))
        assert found.p == pytest.approx(2 * stats.t.sf(abs(t), len(first) - 1), abs=1e-9)
        assert (found.p < 0.05) == (not found.low <= 0 <= found.high)
        assert ("hardly" in found.words) == (found.p < 0.05)


def test_words_where_nothing_can_be_told() -> None:
    assert paired_comparison([0.9, 0.8], [0.9, 0.8], 0.25, ("one", "two")).words == (
        "One and two were equally right in every fold."
    )
    once = paired_comparison([0.9], [0.8], 0.25, ("one", "two"))
    assert once.p is None and once.words == (
        "One is 10.0 points better than two in one fold: one fold cannot tell whether it is more than chance."
    )


def test_paired_test_keeps_its_promise_on_overlapping_training_sets() -> None:
    """Two equally good classifiers on ten folds of noise: the plain t-test errs far more often than it says."""
    rng, false, plainly = np.random.default_rng(0), 0, 0
    for _ in range(400):
        shared = rng.normal(0, 0.02)  # what the overlapping training sets have in common: the same in every fold
        difference = shared + rng.normal(0, 0.04, 10)
        found = paired_comparison(0.8 + difference, np.full(10, 0.8), 1 / 4, ("a", "b"))
        false += found.p < 0.05
        plainly += stats.ttest_1samp(difference, 0).pvalue < 0.05
    assert false <= 0.07 * 400 < plainly, (false, plainly)


def test_summary_of_equal_folds_is_not_certain() -> None:
    summary = accuracy_summary([12] * 5, [12] * 5, 0.25)
    assert (summary.low, summary.high) == (wilson(60, 60).low, wilson(60, 60).high), (
        "five folds tested on sixty pictures"
    )
    assert accuracy_summary([9], [10], 0.25).low == wilson(9, 10).low
    repeated = accuracy_summary([12] * 10, [12] * 10, 0.25)
    assert repeated.low == summary.low, "a second repeat tests the same pictures again"
    mixed = accuracy_summary([12, 11, 12], [12, 12, 12], 0.5)
    assert 0 <= mixed.low < mixed.mean < mixed.high <= 1 and mixed.median == 1 and mixed.folds == 3


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_mcnemar_is_the_binomial_sum(pairs: list[tuple[bool, bool]]) -> None:
    found = paired_answers(("a", "b"), [a for a, _ in pairs], [b for _, b in pairs])
    n, k = found.only_first + found.only_second, min(found.only_first, found.only_second)
    assert found.p == pytest.approx(min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n))


@given(*[st.integers(0, 400)] * 4)
def test_fisher_exact_is_scipys(right: int, wrong: int, other: int, more: int) -> None:
    expected = stats.fisher_exact([[right, wrong], [other, more]]).pvalue
    assert fisher_exact((right, right + wrong), (other, other + more)) == pytest.approx(expected, rel=1e-6)
