"""The law of sizes: it finds what was put in, and refuses what cannot carry it."""

import numpy as np
import pytest

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
    assert f"Doubling 48 pictures a class to 96 would buy {law.gain_points:.1f} points" in found.words


def test_interval_of_the_prediction_covers_the_truth_as_often_as_it_should() -> None:
    truth, inside = 1 - (0.5 * 96**-0.5 + 0.05), 0
    for seed in range(12):
        law = fit_law(SIZES, errors(0.5, 0.5, 0.05, 0.03, seed=seed), seed=seed).fit
        inside += law.low <= truth <= law.high
    assert inside >= 9, f"{inside} of 12 intervals hold the truth"


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
