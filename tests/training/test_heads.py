"""Heads against scikit-learn in full dimensions, the choice of their weight decay, and what they refuse."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cnn_core.training import heads
from cnn_core.training.heads import Head, Pass


def blobs(classes: int, features: int, each: int, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(features).normal(0, 1, (classes, features))
    labels = np.repeat(np.arange(classes), each)
    return (centres[labels] + rng.normal(0, spread, (len(labels), features))).astype(np.float32), labels


def by_scikit_learn(x: np.ndarray, y: np.ndarray, decay: float) -> LogisticRegression:
    """Its objective is C times the sum of losses plus half the squared kernel; of two classes it fits one column."""
    strength = (2 if y.max() == 1 else 1) / (decay * len(y))
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, tol=1e-10, max_iter=20000)).fit(x, y)


def objective(head: Head, x: np.ndarray, y: np.ndarray) -> float:
    loss = log_loss(y, head.probabilities(x), labels=range(int(y.max()) + 1))
    return float(loss + head.decay / 2 * (head.kernel**2).sum())


@pytest.mark.parametrize(
    ("classes", "features", "each"), [(2, 5, 20), (2, 60, 9), (4, 7, 15), (4, 200, 10), (3, 30, 4)]
)
def test_heads_are_regularised_logistic_regressions(classes: int, features: int, each: int) -> None:
    x, y = blobs(classes, features, each, 2.0)
    unseen = blobs(classes, features, 5, 2.0, seed=1)[0]
    for head in heads.regularisation_path(x, y, heads.DECAYS[:9]):
        found, expected = head.probabilities(unseen), by_scikit_learn(x, y, head.decay).predict_proba(unseen)
        assert found == pytest.approx(expected, abs=5e-3), head.decay
        assert head.kernel.dtype == float and head.kernel.shape == (features, classes) and head.bias.shape == (classes,)


def lopsided(seed: int = 0, spread: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes of 40, 12 and 4."""
    x, y = blobs(3, 12, 40, spread, seed)
    keep = np.concatenate([np.flatnonzero(y == label)[:count] for label, count in enumerate((40, 12, 4))])
    return x[keep], y[keep]


@pytest.mark.parametrize("wide", [False, True], ids=["more pictures than features", "fewer"])
def test_weighted_heads_are_balanced_logistic_regressions(wide: bool) -> None:
    x, y = lopsided()
    x = np.hstack([x, np.random.default_rng(3).normal(size=(len(x), 90)).astype(np.float32)]) if wide else x
    weights = heads.class_weights(y)
    assert weights == pytest.approx([56 / 3 / 40, 56 / 3 / 12, 56 / 3 / 4])
    for decay in (1.0, 0.03, 0.001):
        head, _ = heads.fit_best(x, y, x, y, [decay], weights=weights)
        balanced = LogisticRegression(C=1 / (decay * len(y)), class_weight="balanced", tol=1e-10, max_iter=20000)
        expected = make_pipeline(StandardScaler(), balanced).fit(x, y).predict_proba(x)
        assert head.probabilities(x) == pytest.approx(expected, abs=2e-3), decay
        kernel, bias = head.dense()
        assert heads.softmax(x.astype(float) @ kernel + bias) == pytest.approx(expected, abs=2e-3)


def test_weights_decide_what_is_told_and_which_decay_is_chosen() -> None:
    x, y = lopsided()
    unseen, truth = lopsided(seed=1)
    weights = heads.class_weights(y)
    decays = (1.0, 0.1, 0.01)
    head, passes = heads.fit_best(x, y, unseen, truth, decays, weights=weights)
    losses = {}
    for decay in decays:
        said = heads.fit_best(x, y, x, y, [decay], weights=weights)[0].probabilities(unseen)
        losses[decay] = np.average(-np.log(said[np.arange(len(truth)), truth]), weights=weights[truth])
    assert head.decay == min(decays, key=losses.__getitem__)
    assert passes[-1].val_loss == pytest.approx(losses[head.decay], abs=1e-3)
    right = head.probabilities(unseen).argmax(axis=1) == truth
    shares = [right[truth == label].mean() for label in range(3)]
    assert passes[-1].val_accuracy == pytest.approx(np.mean(shares)), "divided alike: the balanced accuracy"
    plain, _ = heads.fit_best(x, y, unseen, truth, decays)
    assert plain.probabilities(unseen)[:, 2].mean() < head.probabilities(unseen)[:, 2].mean(), "the small class gains"


def test_equal_classes_have_weights_of_one_and_the_same_head() -> None:
    x, y = blobs(3, 12, 15, 2.0)
    weights = heads.class_weights(y)
    assert weights.tolist() == [1, 1, 1]
    weighted, plain = (heads.fit_best(x, y, x, y, [0.1], weights=each)[0] for each in (weights, None))
    assert weighted.kernel == pytest.approx(plain.kernel, abs=1e-4)


def test_one_of_many_is_the_same_as_alone() -> None:
    x, y = blobs(3, 40, 12, 1.5)
    for head in heads.regularisation_path(x, y, [1.0, 0.1, 0.01]):
        alone = heads.fit(x, y, head.decay)
        assert np.allclose(head.kernel, alone.kernel, atol=1e-4) and np.allclose(head.bias, alone.bias, atol=1e-4)


@pytest.mark.parametrize("each", [8, 80], ids=["fewer pictures than features", "more"])
def test_no_other_kernel_does_better(each: int) -> None:
    x, y = blobs(3, 20, each, 2.0)
    head, rng = heads.fit(x, y, 0.02), np.random.default_rng(0)
    least = objective(head, x, y)
    for _ in range(20):
        moved = head.kernel + rng.normal(0, 0.02, head.kernel.shape), head.bias + rng.normal(0, 0.02, 3)
        assert objective(Head(head.mean, head.scale, *moved, head.decay), x, y) > least


def test_constant_features_do_no_harm() -> None:
    x, y = blobs(3, 6, 10, 0.3)
    x[:, 2] = 5
    said = heads.fit(x, y).probabilities(x)
    assert np.isfinite(said).all() and (said.argmax(axis=1) == y).all()


def test_pictures_without_any_difference_are_guessed_by_their_frequency() -> None:
    head = heads.fit(np.ones((6, 4)), np.array([0, 0, 0, 0, 1, 1]))
    assert head.probabilities(np.ones((1, 4)))[0] == pytest.approx([2 / 3, 1 / 3], abs=1e-4)


def test_usual_decay_fades_with_the_pictures() -> None:
    x, y = blobs(2, 5, 20, 2.0)
    assert heads.fit(x, y).decay == heads.usual_decay(40) == 0.25


@pytest.mark.parametrize("labels", [[0, 0, 2, 2], [0, 0, 0, 0]])
def test_head_needs_every_class(labels: list[int]) -> None:
    with pytest.raises(ValueError, match=rf"needs every class at least once, and two; received \[{labels[0]}"):
        heads.fit(np.eye(4), np.array(labels))


# Chosen ---------------------------------------------------------------------------------------------------------------


def test_decay_with_the_least_loss_on_other_pictures_is_chosen() -> None:
    (x, y), (unseen, truth) = blobs(4, 60, 12, 3.0), blobs(4, 60, 12, 3.0, seed=1)
    losses = {decay: log_loss(truth, by_scikit_learn(x, y, decay).predict_proba(unseen)) for decay in heads.DECAYS}
    best = min(losses, key=lambda decay: losses[decay])
    head, history = heads.fit_best(x, y, unseen, truth)
    assert head.decay == best and heads.DECAYS[0] > best > heads.DECAYS[-1], "neither end: it is a choice"
    last, right = history[-1], head.probabilities(unseen).argmax(axis=1) == truth
    assert last.val_loss == pytest.approx(losses[best], abs=1e-3) and last.val_accuracy == right.mean()
    assert last.loss == pytest.approx(log_loss(y, head.probabilities(x)), abs=1e-6)
    assert last.accuracy == (head.probabilities(x).argmax(axis=1) == y).mean()


def test_passes_are_counted_and_the_first_are_worse() -> None:
    (x, y), (unseen, truth) = blobs(3, 30, 20, 2.0), blobs(3, 30, 20, 2.0, seed=1)
    _, history = heads.fit_best(x, y, unseen, truth)
    assert [entry.epoch for entry in history] == list(range(1, len(history) + 1)) and 5 < len(history) < 100
    assert history[0].loss > history[-1].loss


def test_choice_is_told_each_pass_and_stops_when_asked() -> None:
    (x, y), told = blobs(3, 30, 20, 2.0), []

    def heard(history: list[Pass]) -> bool:
        told.append(len(history))
        return len(history) == 4

    head, history = heads.fit_best(x, y, x, y, tell=heard)
    assert told == [1, 2, 3, 4] and len(history) == 4
    assert history[-1].val_loss == pytest.approx(log_loss(y, head.probabilities(x)), abs=1e-6)


# Elsewhere ------------------------------------------------------------------------------------------------------------


def test_dense_layer_says_the_same_of_features_as_they_are() -> None:
    x, y = blobs(3, 20, 9, 1.0)
    head = heads.fit(7 * x + 3, y)
    kernel, bias = head.dense()
    assert np.allclose(heads.softmax((7 * x + 3) @ kernel + bias), head.probabilities(7 * x + 3), atol=1e-9)


def test_heads_of_version_0_1_are_read() -> None:
    (head,) = heads.regularisation_path(*blobs(2, 5, 4, 1.0), [0.5])
    parts = {"mean": head.mean, "scale": head.scale, "kernel": head.kernel, "bias": head.bias, "strength": 0.1}
    buffer = heads.io.BytesIO()
    np.savez(buffer, **{name: np.stack([part]) for name, part in parts.items()})
    (read,) = heads.unpacked(buffer.getvalue())
    assert np.array_equal(read.kernel, head.kernel) and read.decay == 0.1
