"""Linear heads on fixed features: multinomial logistic regression, solved to its optimum. NumPy, no Keras.

    head = fit(features, labels)                                             the weight decay suits few pictures
    head, passes = fit_best(features, labels, val_features, val_labels)      it is that of the least validation loss

Heads of one training set with many weight decays are one problem: what they share, the decomposition of the features
and the passes over the pictures, is done once for all.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

DECAYS = tuple(float(f"{10**exponent:.1g}") for exponent in np.arange(1.0, -4.1, -0.5))  # 10, 3, 1, … 0.0001
STRENGTH = 0.1  # without pictures to choose by: the decay is 1 / (STRENGTH x pictures), so that it fades as they grow
_MAX_PASSES = 500
TOLERANCE = 1e-7  # of the largest slope, in coordinates in which no curvature exceeds 1 (that of weak decays is 1e-6)
_MEMORY = 10  # pairs of L-BFGS
_SMALL = 2**20  # numbers: on smaller features threads wait for one another far longer than they compute


@dataclass(frozen=True, eq=False)
class Head:
    """A fitted classifier: standardise, multiply, soften.

    Attributes:
        mean: Of each feature over the training pictures, `(D,)`.
        scale: Its standard deviation, 1 where it is 0.
        kernel: `(D, classes)`.
        bias: `(classes,)`.
        decay: The weight decay λ that it was fitted with.
    """

    mean: np.ndarray
    scale: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    decay: float

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return the probability of each class for features `(N, D)`, float64 `(N, classes)`."""
        return softmax((features.astype(np.float64) - self.mean) / self.scale @ self.kernel + self.bias)

    def dense(self) -> tuple[np.ndarray, np.ndarray]:
        """Return kernel `(D, classes)` and bias `(classes,)` of the layer that does the same to features as they are.

        Example:
            >>> head = fit(np.array([[0.0], [1.0], [9.0], [8.0]]), np.array([0, 0, 1, 1]))
            >>> kernel, bias = head.dense()
            >>> bool(np.allclose(softmax(np.array([[2.0]]) @ kernel + bias), head.probabilities(np.array([[2.0]]))))
            True
        """
        kernel = self.kernel / self.scale[:, None]
        return kernel, self.bias - self.mean @ kernel


_PARTS = tuple(entry.name for entry in fields(Head))


@dataclass(frozen=True)
class Pass:
    """What a head did to the pictures after one pass over those that it is trained on."""

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


def class_weights(labels: np.ndarray) -> np.ndarray:
    """Return a weight for each class, N / (K n_k): with them every class counts the same, and a picture 1 on average.

    Args:
        labels: int `(N,)`, every class from 0 to the largest at least once.

    Example:
        >>> class_weights(np.array([0, 0, 0, 1]))
        array([0.66666667, 2.        ])

    Source:
        King & Zeng 2001, Political Analysis 9, section 3 (weighting); scikit-learn calls it "balanced".
    """
    counts = np.bincount(labels)
    return np.asarray(len(labels) / (len(counts) * counts))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities along the last axis.

    Example:
        >>> softmax(np.array([1000.0, 1000.0]))
        array([0.5, 0.5])
    """
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


# Fitting --------------------------------------------------------------------------------------------------------------


def fit(features: np.ndarray, labels: np.ndarray, decay: float | None = None) -> Head:
    """Fit a head.

    The loss is the mean cross-entropy plus λ/2 of the squared kernel, of features standardised by these pictures.

    Args:
        features: `(N, D)`.
        labels: int `(N,)`, every class from 0 to the largest at least once.
        decay: Weight decay λ; by default 1 / (STRENGTH N).

    Raises:
        ValueError: If a class is missing.

    Example:
        >>> head = fit(np.array([[0.0], [1.0], [9.0], [8.0]]), np.array([0, 0, 1, 1]))
        >>> head.probabilities(np.array([[0.5], [9.5]])).argmax(axis=1)
        array([0, 1])

    Source:
        Hastie, Tibshirani & Friedman 2009, section 4.4; Alain & Bengio 2016, arXiv:1610.01644 (probes).
    """
    (head,) = regularisation_path(features, labels, [usual_decay(len(labels)) if decay is None else decay])
    return head


def usual_decay(pictures: int) -> float:
    """Return the weight decay where there are no pictures to choose it by.

    Example:
        >>> usual_decay(200)
        0.05
    """
    return 1 / (STRENGTH * pictures)


def regularisation_path(features: np.ndarray, labels: np.ndarray, decays: Sequence[float]) -> list[Head]:
    """Fit a head for each weight decay, all at once.

    Args:
        features: `(N, D)`.
        labels: int `(N,)`, every class from 0 to the largest at least once.
        decays: Weight decays λ.

    Raises:
        ValueError: If a class is missing.
    """
    with _threads(features):
        problem = _Problem(features, labels, decays)
        return problem.heads(problem.solve())


def fit_best(
    features: np.ndarray,
    labels: np.ndarray,
    val_features: np.ndarray,
    val_labels: np.ndarray,
    decays: Sequence[float] = DECAYS,
    tell: Callable[[list[Pass]], bool] = lambda passes: False,
    weights: np.ndarray | None = None,
) -> tuple[Head, list[Pass]]:
    """Fit heads and return the one with the least log-loss on other pictures.

    Args:
        features: `(N, D)`, float.
        labels: int `(N,)`, every class from 0 to the largest at least once.
        val_features: Of the pictures that decide, `(M, D)`.
        val_labels: Their labels, `(M,)`.
        decays: Weight decays λ to choose among.
        tell: Told after each pass what the best head so far has done; returns True to stop, with that head.
        weights: Of the classes, `(classes,)`: in the loss, and in all that is told and chosen by.

    Returns:
        The head, and its passes until it had converged.

    Raises:
        ValueError: If a class is missing.
    """
    passes: list[list[Pass]] = []  # [pass][decay]

    def best() -> int:
        return min(range(len(decays)), key=lambda index: passes[-1][index].val_loss)

    with _threads(features):
        problem = _Problem(features, labels, decays, weights)
        looked = problem.looked_at(val_features)

        def each(found: np.ndarray, logits: np.ndarray) -> bool:
            trained = _figures(logits, labels, weights)
            validated = _figures(problem.logits(looked, found), val_labels, weights)
            passes.append([Pass(len(passes) + 1, *a, *b) for a, b in zip(trained, validated, strict=True)])
            return tell([entry[best()] for entry in passes])

        solved = problem.solve(each)
    index = best()
    return problem.heads(solved)[index], [entry[index] for entry in passes[: problem.passes[index]]]


def _figures(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> list[tuple[float, float]]:
    """Return loss and accuracy of each head, of logits `(N, heads, classes)`."""
    of_label = np.take_along_axis(logits, labels[:, None, None], axis=2)[..., 0]
    top = logits.max(axis=2)
    losses = top + np.log(np.exp(logits - top[..., None]).sum(axis=2)) - of_label  # (N, heads)
    right = logits.argmax(axis=2) == labels[:, None]
    if weights is None:
        losses, right = losses.mean(axis=0), right.mean(axis=0)
    else:
        losses, right = (np.average(each, axis=0, weights=weights[labels]) for each in (losses, right))
    return list(zip(losses.tolist(), right.tolist(), strict=True))


def _threads(features: np.ndarray) -> Any:
    return threadpool_limits(1 if features.size < _SMALL else None)


class _Problem:
    """Heads of one training set, in coordinates that suit all of them: N pictures, r coordinates, H heads, K classes.

    The standardised features X = U S Vᵀ are looked at as U S: an L2 penalty leaves no weight outside of what the
    pictures span. There the fixed bound on the curvature of the loss, ½ XᵀX / N + λ, is diagonal; with each coordinate
    divided by its root no curvature exceeds 1, and L-BFGS needs 10 to 80 passes whatever the features are like.
    Where classes have weights, a picture's row counts with the root of its own: the coordinates are those of √W X, and
    the features are centred by the weighted mean, which moves nothing but the bias.

    Source:
        Hastie & Tibshirani 2004, Biostatistics 5, section 2 (fewer pictures than features); Böhning 1992, Annals of the
        Institute of Statistical Mathematics 44, section 2 (the bound); Nocedal & Wright 2006, algorithm 7.4 (L-BFGS).
    """

    def __init__(
        self, features: np.ndarray, labels: np.ndarray, decays: Sequence[float], weights: np.ndarray | None = None
    ) -> None:
        if set(np.unique(labels)) != set(range(int(labels.max()) + 1)) or labels.max() < 1:
            raise ValueError(
                f"A head needs every class at least once, and two; received {sorted(set(labels.tolist()))}."
            )
        self._decays, self._truth = decays, np.eye(int(labels.max()) + 1)[labels][:, None]  # (N, 1, K)
        x = features.astype(np.float64)
        self._counts = None if weights is None else weights[labels] / weights[labels].mean()  # (N,)
        self._mean, scale = x.mean(axis=0), x.std(axis=0)
        if self._counts is not None:
            self._mean = np.average(x, axis=0, weights=self._counts)
        self._scale = np.where(scale > 0, scale, 1.0)
        x -= self._mean
        x /= self._scale
        rows = x if self._counts is None else x * np.sqrt(self._counts)[:, None]
        self._basis, spread = _principal(rows)  # (D, r), (r,)
        self._rows = self._with_ones(x @ self._basis)  # (N, r + 1)
        decay = np.array(decays)
        bound = 0.5 * spread[:, None] / len(x) + decay  # (r, H)
        self._step = np.vstack([1 / np.sqrt(bound), np.full(len(decay), np.sqrt(2.0))])[..., None]  # (r + 1, H, 1)
        self._penalty = np.vstack([decay / bound, np.zeros(len(decay))])[..., None]  # the bias has none
        self.passes = [0] * len(decay)

    def solve(self, each: Callable[[np.ndarray, np.ndarray], bool] = lambda weights, logits: False) -> np.ndarray:
        """Return the weights `(r + 1, H, K)`, the bias last.

        Args:
            each: Called after each pass with the weights and the logits; returns True to stop.
        """
        point = np.zeros((self._rows.shape[1], len(self._decays), self._truth.shape[2]))
        loss, slope, logits = self._look(point)
        pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for _ in range(_MAX_PASSES):
            unfinished = np.abs(slope).max(axis=(0, 2)) > TOLERANCE
            if not unfinished.any():
                break
            self.passes = [count + int(more) for count, more in zip(self.passes, unfinished, strict=True)]
            direction = -_newton(slope, pairs) * unfinished[:, None]
            length = np.ones(len(loss))
            while True:  # halve the steps that do not lower their loss: rare, for no curvature exceeds 1
                new = point + length[:, None] * direction
                new_loss, new_slope, logits = self._look(new)
                worse = new_loss > loss + 1e-4 * length * _dot(slope, direction) + 1e-12
                if not worse.any():
                    break
                length = np.where(worse, length / 2, length)
            change, bend = new - point, new_slope - slope
            curved = _dot(change, bend)
            inverse = np.divide(1.0, curved, out=np.zeros_like(curved), where=curved > 1e-14)
            pairs = [*pairs, (change, bend, inverse)][-_MEMORY:]
            point, loss, slope = new, new_loss, new_slope
            if each(point * self._step, logits):
                break
        return point * self._step

    def heads(self, weights: np.ndarray) -> list[Head]:
        """Return weights as heads of the features."""
        return [
            Head(self._mean, self._scale, self._basis @ weights[:-1, index], weights[-1, index], decay)
            for index, decay in enumerate(self._decays)
        ]

    def looked_at(self, features: np.ndarray) -> np.ndarray:
        """Return other pictures in the same coordinates, `(M, r + 1)`."""
        return self._with_ones((features - self._mean) / self._scale @ self._basis)

    def logits(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return what the heads say of pictures, `(M, H, K)`."""
        return np.asarray(rows @ weights.reshape(len(weights), -1)).reshape(len(rows), *weights.shape[1:])

    def _look(self, point: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pass over the pictures: loss of each head `(H,)`, its slope `(r + 1, H, K)`, and logits `(N, H, K)`."""
        logits = self.logits(self._rows, point * self._step)
        top = logits.max(axis=2, keepdims=True)
        exponentials = np.exp(logits - top)
        total = exponentials.sum(axis=2, keepdims=True)
        entropy = (top + np.log(total))[..., 0] - (logits * self._truth).sum(axis=2)
        miss = exponentials / total - self._truth
        if self._counts is not None:
            entropy, miss = entropy * self._counts[:, None], miss * self._counts[:, None, None]
        slope = (self._rows.T @ miss.reshape(len(miss), -1)).reshape(point.shape) / len(miss)
        pull = self._penalty * point
        return entropy.mean(axis=0) + 0.5 * _dot(pull, point), self._step * slope + pull, logits

    @staticmethod
    def _with_ones(coordinates: np.ndarray) -> np.ndarray:
        return np.hstack([coordinates, np.ones((len(coordinates), 1))])


def _principal(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an orthonormal basis of what rows span, `(D, r)`, and the squared length of the rows along it, `(r,)`."""
    wide = x.shape[0] < x.shape[1]
    squares, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    there = squares > 1e-10 * max(squares.max(), 1e-300)
    squares, vectors = squares[there], vectors[:, there]
    return (x.T @ vectors / np.sqrt(squares) if wide else vectors), squares


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the inner product of each head's numbers."""
    return np.asarray((a * b).sum(axis=(0, 2)))


def _newton(slope: np.ndarray, pairs: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the slope times the inverse curvature as far as past steps tell it."""
    turned, weights = slope.copy(), []
    for change, bend, inverse in reversed(pairs):
        weights.append(inverse * _dot(change, turned))
        turned -= weights[-1][:, None] * bend
    if pairs:
        change, bend, inverse = pairs[-1]
        curved = inverse * _dot(bend, bend)
        turned *= np.divide(1.0, curved, out=np.ones_like(curved), where=curved > 0)[:, None]
    for (change, bend, inverse), weight in zip(pairs, reversed(weights), strict=True):
        turned += (weight - inverse * _dot(bend, turned))[:, None] * change
    return turned


# Kept -----------------------------------------------------------------------------------------------------------------


def packed(heads: Sequence[Head]) -> bytes:
    """Return heads of one size as bytes, to be kept; `unpacked` reads them back.

    Example:
        >>> head = fit(np.array([[0.0], [1.0], [9.0], [8.0]]), np.array([0, 0, 1, 1]))
        >>> [read] = unpacked(packed([head]))
        >>> bool((read.kernel == head.kernel).all()), read.decay
        (True, 2.5)
    """
    buffer = io.BytesIO()
    parts: dict[str, Any] = {name: np.stack([getattr(head, name) for head in heads]) for name in _PARTS}
    np.savez(buffer, **parts)
    return buffer.getvalue()


def unpacked(data: bytes) -> list[Head]:
    """Read back what `packed` wrote; heads of version 0.1 tell an inverse regularisation in place of the decay."""
    with np.load(io.BytesIO(data)) as parts:
        names = ["strength" if name == "decay" and name not in parts.files else name for name in _PARTS]
        columns = [parts[name] for name in names]
    return [Head(mean, scale, kernel, bias, float(c)) for mean, scale, kernel, bias, c in zip(*columns, strict=True)]
