"""The law of sizes: it finds what was put in, and refuses what cannot carry it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cnn_core.arithmetic.measures import FoldAccuracy
from cnn_core.training.lab.size import SizePoint
from cnn_core.training.lab.size_job import fit_law

SIZES = [1, 2, 5, 10, 20, 48]


def errors(a: float, b: float, c: float, noise: float, draws: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return a * np.array(SIZES, float)[:, None] ** -b + c + rng.normal(0, noise, (len(SIZES), draws))


@pytest.mark.parametrize(("a", "b", "c"), [(0.6, 0.5, 0.0), (0.5, 0.8, 0.1), (0.4, 0.3, 0.02)])
def test_law_is_found_and_its_prediction_is_right(a: float, b: float, c: float) -> None:
    found = fit_law(SIZES, errors(a, b, c, 0.01), seed=1)
    law = found.fit
    truth = 1 - (a * 96**-b + c)
    assert law.at == 96 and law.predicted == pytest.approx(truth, abs=0.015)
    assert law.low <= law.predicted <= law.high and law.b == pytest.approx(b, abs=0.2)
    assert law.gain_points == pytest.approx(100 * (a * 48**-b - a * 96**-b), abs=1.5)
    assert law.curve.pictures[0] == 1 and law.curve.pictures[-1] == 96
    said = law.words(measured(errors(a, b, c, 0.01), -1))
    assert f"Doubling 48 pictures a class to 96 would buy {law.gain_points:.1f} points" in said


def test_interval_of_the_prediction_covers_the_truth_as_often_as_it_should() -> None:
    truth, inside = 1 - (0.5 * 96**-0.5 + 0.05), 0
    for seed in range(12):
        law = fit_law(SIZES, errors(0.5, 0.5, 0.05, 0.03, seed=seed), seed=seed).fit
        inside += law.low <= truth <= law.high
    assert inside >= 9, f"{inside} of 12 intervals hold the truth"


def test_interval_allows_for_divisions_that_share_pictures() -> None:
    """Four repeats of five folds test the same pictures again: what they have in common does not average out."""
    rng, truth, inside, naive = np.random.default_rng(3), 1 - (0.5 * 96**-0.5 + 0.05), 0, 0
    for seed in range(20):
        shared = rng.normal(0, 0.02, (len(SIZES), 1))
        seen = errors(0.5, 0.5, 0.05, 0.03, draws=20, seed=seed) + shared
        law, independent = fit_law(SIZES, seen, seed, 0.25).fit, fit_law(SIZES, seen, seed).fit
        assert law.high - law.low >= independent.high - independent.low and law.corrected
        inside += law.low <= truth <= law.high
        naive += independent.low <= truth <= independent.high
    assert inside >= 17 > naive, (inside, naive)


def measured(errors: np.ndarray, place: int) -> SizePoint:
    scores = (1 - errors[place]).clip(0, 1)
    mean = float(scores.mean())
    return SizePoint(SIZES[place], FoldAccuracy(tuple(scores), float(np.median(scores)), mean, 0.0, 1.0, len(scores)))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6), st.floats(0, 0.6), st.floats(0, 1.5), st.floats(0, 0.5), st.floats(0, 0.3), st.integers(2, 9)
)
@example(7, 0.35, 0.25, 0.1, 0.2, 3)  # folds of ± 20 points
def test_gain_is_promised_only_where_its_interval_says_so(
    seed: int, a: float, b: float, c: float, noise: float, draws: int
) -> None:
    seen = errors(a, b, c, noise, draws, seed).clip(0, 1)
    law, now = fit_law(SIZES, seen, seed, 0.25), measured(seen, -1)
    if law.fit is None:
        assert law.words.startswith("No law is fitted")
        return
    fit = law.fit
    assert 0 <= fit.low <= fit.predicted <= fit.high <= 1
    assert 0 <= fit.gain_low <= fit.gain_points + 1e-9 and fit.gain_points <= fit.gain_high + 1e-9 <= 100 + 1e-6
    assert all(0 <= value <= 1 for line in (fit.curve.accuracy, fit.curve.low, fit.curve.high) for value in line)
    said = fit.words(now)
    promised = "Doubling 48 pictures a class to 96 would buy" in said
    assert promised == (fit.gain_low >= 0.05 and fit.predicted > now.accuracy.mean) or fit.gain_low == pytest.approx(
        0.05
    )
    if promised:
        assert float(said.rpartition(", to ")[2].rstrip(".")) >= round(now.accuracy.mean, 3), "no less than is measured"


def test_law_of_an_older_version_says_that_its_interval_is_too_narrow() -> None:
    seen = errors(0.5, 0.5, 0.05, 0.01)
    fit = replace(fit_law(SIZES, seen).fit, corrected=False)
    assert "it is too narrow. Measure again." in fit.words(measured(seen, -1))
    loose = replace(fit, corrected=True, predicted=measured(seen, -1).accuracy.mean - 0.002)
    assert "It fits too loosely to predict: at 96 pictures" in loose.words(measured(seen, -1))
    unsure = replace(fit, corrected=True, gain_low=0.0)
    assert "Whether more pictures pay cannot be told: doubling 48" in unsure.words(measured(seen, -1))


def test_law_is_refused_in_a_sentence() -> None:
    assert fit_law([1, 2, 5], np.ones((3, 9))).words == (
        "No law is fitted to 3 sizes: its three numbers need at least 4."
    )
    assert fit_law(SIZES, errors(0.5, 0.5, 0, 0.01, draws=2)).words.startswith("No law is fitted to 2 draws a size")
    flat = fit_law(SIZES, errors(0, 1, 0.3, 0.05))
    assert flat.words.startswith("No law is fitted: the error does not fall clearly, 0.3") and flat.fit is None
    rising = fit_law(SIZES, errors(0.5, 0.5, 0, 0.01)[::-1])
    assert "does not fall clearly" in rising.words
    assert "does not fall clearly" in fit_law(SIZES, np.zeros((6, 5))).words
