"""The probe against scikit-learn in full dimensions, and what it refuses."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cnn_core.training.lab.probe import STRENGTHS, fit_probe


def blobs(classes: int, features: int, each: int, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (classes, features))
    labels = np.repeat(np.arange(classes), each)
    return (centres[labels] + rng.normal(0, spread, (len(labels), features))).astype(np.float32), labels


@pytest.mark.parametrize(("classes", "features", "each"), [(2, 5, 20), (2, 60, 9), (4, 7, 15), (4, 200, 10)])
def test_probe_is_regularised_logistic_regression(classes: int, features: int, each: int) -> None:
    x, y = blobs(classes, features, each, 2.0)
    unseen = blobs(classes, features, 5, 2.0, seed=1)[0]
    full = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, tol=1e-9, max_iter=10000)).fit(x, y)
    assert fit_probe(x, y, 0.1).probabilities(unseen) == pytest.approx(full.predict_proba(unseen), abs=2e-3)


def test_constant_features_do_no_harm() -> None:
    x, y = blobs(3, 6, 10, 0.3)
    x[:, 2] = 5
    said = fit_probe(x, y).probabilities(x)
    assert np.isfinite(said).all() and (said.argmax(axis=1) == y).all()


def test_strength_is_chosen_by_pictures_left_out() -> None:
    clear, y = blobs(3, 10, 30, 0.2)
    noise = np.random.default_rng(1).normal(size=clear.shape)
    assert fit_probe(clear, y, None).strength == max(STRENGTHS)
    assert fit_probe(noise, y, None).strength == min(STRENGTHS)
    assert fit_probe(clear[::15], y[::15], None).strength == 0.1, "two a class are too few to choose by"


def test_probe_needs_every_class() -> None:
    with pytest.raises(ValueError, match=r"needs every class at least once, and two; received \[0, 2\]"):
        fit_probe(np.eye(4), np.array([0, 0, 2, 2]))
