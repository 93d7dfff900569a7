"""A linear classifier on fixed features: multinomial logistic regression, fitted in hundredths of a second."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # inverse regularisation, scikit-learn's C
FIXED_STRENGTH = 1e-1  # where there are too few pictures to choose by
INNER_FOLDS = 3


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted classifier: standardise, multiply, soften.

    Attributes:
        mean: Of each feature over the training pictures, `(D,)`.
        scale: Its standard deviation, 1 where it is 0.
        kernel: `(D, classes)`.
        bias: `(classes,)`.
        strength: The inverse regularisation it was fitted with.
    """

    mean: np.ndarray
    scale: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    strength: float

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return the probability of each class for features `(N, D)`, float64 `(N, classes)`."""
        logits = (features.astype(np.float64) - self.mean) / self.scale @ self.kernel + self.bias
        return np.asarray(softmax(logits, axis=1))


_PARTS = tuple(entry.name for entry in fields(Probe))


def fit_probe(features: np.ndarray, labels: np.ndarray, strength: float | None = FIXED_STRENGTH) -> Probe:
    """Fit the probe.

    Features are standardised by the training pictures. With fewer pictures than features it is fitted in the space
    that the pictures span: an L2 penalty leaves no weight outside of it, so that the solution is the same.

    Args:
        features: `(N, D)`.
        labels: int `(N,)`, every class from 0 to the largest at least once.
        strength: Inverse regularisation; None chooses from STRENGTHS by the log-loss of INNER_FOLDS folds within
            these pictures, where every class has as many.

    Raises:
        ValueError: If a class is missing.

    Example:
        >>> probe = fit_probe(np.array([[0.0], [1.0], [9.0], [8.0]]), np.array([0, 0, 1, 1]))
        >>> probe.probabilities(np.array([[0.5], [9.5]])).argmax(axis=1)
        array([0, 1])

    Source:
        Alain & Bengio 2016, arXiv:1610.01644 (probes); Hastie & Tibshirani 2004, Biostatistics 5, section 2 (the
        reduction for fewer pictures than features).
    """
    if set(np.unique(labels)) != set(range(int(labels.max()) + 1)) or labels.max() < 1:
        raise ValueError(f"A probe needs every class at least once, and two; received {sorted(set(labels.tolist()))}.")
    # One thread: on matrices this small, threads wait for one another for forty times as long as they compute.
    with threadpool_limits(1):
        if strength is None:
            strength = _chosen(features, labels)
        features = features.astype(np.float64)
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        kernel, bias = _solve((features - mean) / scale, labels, strength)
    return Probe(mean, scale, kernel, bias, strength)


def packed(probes: Sequence[Probe]) -> bytes:
    """Return probes of one size as bytes, to be kept; `unpacked` reads them back.

    Example:
        >>> probe = fit_probe(np.array([[0.0], [1.0], [9.0], [8.0]]), np.array([0, 0, 1, 1]))
        >>> [read] = unpacked(packed([probe]))
        >>> bool((read.kernel == probe.kernel).all()), read.strength
        (True, 0.1)
    """
    buffer = io.BytesIO()
    parts: dict[str, Any] = {name: np.stack([getattr(probe, name) for probe in probes]) for name in _PARTS}
    np.savez(buffer, **parts)
    return buffer.getvalue()


def unpacked(data: bytes) -> list[Probe]:
    """Read back what `packed` wrote."""
    with np.load(io.BytesIO(data)) as parts:
        columns = [parts[name] for name in _PARTS]
    return [Probe(mean, scale, kernel, bias, float(c)) for mean, scale, kernel, bias, c in zip(*columns, strict=True)]


def _solve(standardised: np.ndarray, labels: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    basis = None
    if standardised.shape[0] < standardised.shape[1]:
        u, s, basis = np.linalg.svd(standardised, full_matrices=False)
        standardised = u * s
    model = LogisticRegression(C=strength, max_iter=3000).fit(standardised, labels)
    kernel, bias = model.coef_.T, model.intercept_
    if kernel.shape[1] == 1:  # two classes: scikit-learn keeps the second one's logit only
        kernel, bias = np.hstack([-kernel, kernel]) / 2, np.concatenate([-bias, bias]) / 2
    return (kernel if basis is None else basis.T @ kernel), bias


def _chosen(features: np.ndarray, labels: np.ndarray) -> float:
    """Return the strength with the least log-loss on pictures left out."""
    if np.bincount(labels).min() < INNER_FOLDS:
        return FIXED_STRENGTH
    losses = dict.fromkeys(STRENGTHS, 0.0)
    for train, test in StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=0).split(features, labels):
        for strength in STRENGTHS:
            said = fit_probe(features[train], labels[train], strength).probabilities(features[test])
            losses[strength] -= float(np.log(np.maximum(said[np.arange(len(test)), labels[test]], 1e-12)).sum())
    return min(losses, key=lambda strength: losses[strength])
