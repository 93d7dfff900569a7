"""What numbers can carry: nothing is called a finding that its interval does not call one, whatever the numbers."""

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from cnn_core.arithmetic.statistics import paired_comparison
from cnn_core.arithmetic.verdicts import FEWEST, LEVEL, PairedDifference, holm, over_seeds, student, two_sided

ANY = st.floats(allow_nan=True, allow_infinity=True)
PERHAPS = st.none() | st.floats(-150, 150) | ANY
CHANCE = st.none() | st.floats(0, 1) | ANY


@pytest.mark.parametrize("freedom", [*range(1, 31), 49, 99, 400])
def test_student_is_scipys(freedom: int) -> None:
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)
    for t in (-40.0, -2.0, 0.0, 0.3, 5.0):
        assert two_sided(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_rejects_step_by_step(values: list[float]) -> None:
    """The definition: reject in order while p ≤ α / (as many as are left), and stop at the first that is not."""
    found = holm(values)
    rejected, order = set(), sorted(range(len(values)), key=lambda index: values[index])
    for rank, index in enumerate(order):
        if values[index] * (len(values) - rank) >= LEVEL:
            break
        rejected.add(index)
    assert {index for index, p in enumerate(found) if p < LEVEL} == rejected
    assert all(alone <= p <= 1 for alone, p in zip(values, found, strict=True)), "the correction only raises"


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12))
def test_mean_over_seeds_has_scipys_interval_within_what_is_possible(values: list[float]) -> None:
    found = over_seeds(values, -1, 1)
    assert found.value == pytest.approx(np.mean(values), abs=1e-12) and found.count == len(values)
    if found.low is None or found.high is None:
        assert len(values) == 1 or np.ptp(values) < 1e-8, "one, or all alike"
        assert not found.above and not found.below, "no spread is no certainty"
        return
    scale = np.std(values, ddof=1) / np.sqrt(len(values))
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=scale)
    assert (found.low, found.high) == pytest.approx((max(-1, low), min(1, high)), abs=1e-9)
    assert -1 <= found.low <= found.value <= found.high <= 1


@given(
    st.floats(-150, 150) | ANY,
    PERHAPS,
    PERHAPS,
    CHANCE,
    CHANCE,
    st.integers(0, 30),
    st.integers(0, 400),
    st.integers(1, 9),
)
@example(-5.0, 1.0, 3.0, 0.001, 0.001, 5, 300, 2)  # worse, and the interval says better
@example(1.0, 0.9, 1.1, 1e-9, 1e-9, 2, 100, 1)  # a single picture, the same in both folds
@example(9.0, math.nan, math.nan, math.nan, None, 3, 300, 1)
def test_nothing_is_a_finding_unless_its_interval_says_so(
    points: float,
    low: float | None,
    high: float | None,
    p: float | None,
    adjusted: float | None,
    folds: int,
    tested: int,
    family: int,
) -> None:
    if tested and not abs(points) <= 150:
        points = 0.0
    found = PairedDifference(points, low, high, p, ("one", "two"), folds, tested, adjusted, family)
    if found.beyond_chance:
        of = p if adjusted is None else adjusted
        assert of is not None and of < LEVEL
        assert (found.better and low is not None and low > 0) or (found.worse and high is not None and high < 0)
        assert not tested or round(abs(points) * tested / 100) >= FEWEST
        assert found.better == (points > 0)
    assert ("hardly" in found.words) == found.beyond_chance
    assert found.words.endswith(".") and "None" not in found.words


SCORES = st.lists(st.integers(0, 20).map(lambda right: right / 20), min_size=1, max_size=10)


@given(SCORES, st.data(), st.floats(0.05, 1))
def test_comparison_of_any_scores_stays_within_what_is_possible(
    first: list[float], data: st.DataObject, share: float
) -> None:
    second = data.draw(st.lists(st.integers(0, 20).map(lambda r: r / 20), min_size=len(first), max_size=len(first)))
    found = paired_comparison(first, second, share, ("one", "two"), 20 * len(first))
    for bound in (found.low, found.high):
        assert bound is None or -100 <= bound <= 100
    for number in re.findall(r"−?\d+\.\d", found.words.partition("(p")[0]):
        assert abs(float(number.replace("−", "-"))) <= 100
    if found.beyond_chance:
        differences = np.array(first) - np.array(second)
        assert len(first) > 1 and differences.std() > 0
        spread = np.sqrt((1 / len(first) + share) * differences.var(ddof=1))
        assert 2 * stats.t.sf(abs(differences.mean()) / spread, len(first) - 1) < 0.05


def test_words_say_what_is_missing() -> None:
    def words(points: float, low: float | None, high: float | None, p: float | None, **more: object) -> str:
        return PairedDifference(points, low, high, p, ("one", "two"), **more).words  # type: ignore[arg-type]

    assert words(10.0, None, None, None, folds=1) == (
        "One is 10.0 points better than two in one fold: one fold cannot tell whether it is more than chance."
    )
    assert "in each of 3 folds: without a spread between folds nothing tells" in words(-5, None, None, None, folds=3)
    assert words(-10.8, -100.0, 79.9, 0.371, folds=2).endswith(
        "(95% interval −100.0 to 79.9): 2 folds cannot tell (p = 0.371)."
    )
    assert words(2.0, -1.0, 5.0, 0.1, folds=5).endswith("this may well be chance (p = 0.100).")
    assert words(2.0, 1.9, 2.1, 0.001, folds=5, tested=100).endswith(
        "that is 2 of 100 pictures, too few to tell it from chance."
    )
    assert words(9.0, 2.0, 16.0, 0.02, folds=5, adjusted=0.12, family=6).endswith(
        "beyond chance alone (p = 0.020), not beside the others (p = 0.120 after Holm's correction for 6 comparisons)."
    )
    assert words(9.0, 2.0, 16.0, 0.02, folds=2, adjusted=0.12, family=6).endswith(
        "comparisons). More folds would tell."
    )
    assert words(9.0, 5.0, 13.0, 0.001, folds=5, adjusted=0.006, family=6).endswith(
        "chance alone would hardly do that (p = 0.006 after Holm's correction for 6 comparisons)."
    )
