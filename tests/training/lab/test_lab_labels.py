"""Label errors, likeness and calibration against slow and plain second versions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_core.training.lab import likeness
from cnn_core.training.lab.calibration import refusal_curve, refusal_threshold, reliability
from cnn_core.training.lab.labels_job import label_errors


def random_answers(seed: int, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, count)])
    return rng.dirichlet(np.ones(classes), len(labels)), labels


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 5))
def test_label_errors_are_the_off_diagonals_of_the_confident_joint_that_the_answer_denies_too(
    seed: int, count: int, classes: int
) -> None:
    said, labels = random_answers(seed, count, classes)
    threshold = [
        sum(p[j] for p, y in zip(said, labels, strict=True) if y == j) / list(labels).count(j) for j in range(classes)
    ]
    expected = {}
    for i, (p, y) in enumerate(zip(said, labels, strict=True)):
        claims = [j for j in range(classes) if p[j] >= threshold[j]]
        answer = max(range(classes), key=lambda j: p[j])
        if claims and max(claims, key=lambda j: p[j]) != y and answer != y:
            expected[i] = p[answer] - p[y]
    found = label_errors(said, labels)
    assert set(found.tolist()) == set(expected)
    margins = [expected[i] for i in found.tolist()]
    assert margins == sorted(margins, reverse=True), "the surest first"


def test_picture_whose_label_is_the_answer_is_no_suspect() -> None:
    """Issue 14: "Labelled cat (55%), looks like cat (55%), move to cat"."""
    said = np.array([[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.7, 0.3], [0.6, 0.4], [0.6, 0.4]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    thresholds = [said[labels == j, j].mean() for j in (0, 1)]
    assert said[2, 0] < thresholds[0] and said[2, 1] >= thresholds[1], "only the other class is claimed for it"
    assert 2 not in label_errors(said, labels).tolist()


def test_exchanged_labels_are_found() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 50)
    said = np.full((200, 4), 0.05)
    said[np.arange(200), truth] = 0.85
    said = said * rng.uniform(0.9, 1.1, said.shape)
    said /= said.sum(axis=1, keepdims=True)
    flipped = rng.choice(200, 20, replace=False)
    given = truth.copy()
    given[flipped] = (given[flipped] + 1) % 4
    found = label_errors(said, given)
    assert set(found.tolist()) == set(flipped.tolist())


def cosines(x: np.ndarray) -> np.ndarray:
    y = x - x.mean(0)
    return np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in y] for a in y])


def test_likeness_is_cosine_of_centred_features() -> None:
    x = np.random.default_rng(0).normal(3, 1, (12, 5))
    rows = likeness.directions(x)
    assert rows @ rows.T == pytest.approx(cosines(x), abs=1e-6)
    assert not likeness.directions(np.ones((3, 2))).any(), "where all are the same nothing is like anything"


@pytest.mark.parametrize("block", [1, 5, 100])
def test_pairs_are_the_likest_whatever_the_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "BLOCK", block)
    x = np.random.default_rng(0).normal(0, 1, (23, 4))
    expected = sorted(
        ((float(cosines(x)[i, j]), i, j) for i in range(23) for j in range(i + 1, 23) if cosines(x)[i, j] >= 0.6),
        reverse=True,
    )
    assert len(expected) > 20
    for most in (20, 1000):
        first, second, similarity = likeness.pairs(likeness.directions(x), 0.6, most)
        assert list(zip(first, second, strict=True)) == [(i, j) for _, i, j in expected[:most]]
        assert similarity == pytest.approx([one for one, *_ in expected[:most]], abs=1e-6)


def test_pictures_without_a_like_have_no_pair() -> None:
    first, second, similarity = likeness.pairs(likeness.directions(np.eye(3)), 0.95, 10)
    assert len(first) == len(second) == len(similarity) == 0


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 80), st.integers(2, 5))
def test_calibration_error_is_the_papers(seed: int, count: int, classes: int) -> None:
    said, labels = random_answers(seed, count, classes)
    confidence, right = said.max(axis=1), said.argmax(axis=1) == labels
    error = 0.0
    for k in range(10):
        inside = [i for i, c in enumerate(confidence) if k / 10 <= c < (k + 1) / 10 or (k == 9 and c == 1)]
        if inside:
            error += len(inside) / len(said) * abs(right[inside].mean() - confidence[inside].mean())
    found = reliability(said, labels, [str(j) for j in range(classes)])
    assert found.ece == pytest.approx(error)
    assert sum(each.right.total for each in found.bins) == len(said)
    assert [each.name for each in found.per_class] == [str(j) for j in range(classes)]


def test_perfect_calibration_and_overconfidence_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 20000)
    said = np.stack([p, 1 - p], axis=1)
    honest = (rng.random(20000) > p).astype(int)
    assert reliability(said, honest, "ab").ece < 0.015
    boast = (rng.random(20000) > 0.6).astype(int)
    found = reliability(said, boast, "ab")
    assert found.ece > 0.1 and "points surer than it is right" in found.words


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(5, 80))
def test_threshold_keeps_95_percent_of_the_right_answers_and_is_the_highest(seed: int, count: int) -> None:
    said, labels = random_answers(seed, count, 3)
    found = refusal_threshold(said, labels)
    sure = said.max(axis=1)[said.argmax(axis=1) == labels]
    if len(sure):
        assert (sure >= found.threshold).mean() >= 0.95 - 1e-9
        higher = sure[sure > found.threshold]
        assert not len(higher) or (sure >= higher.min()).mean() < 0.95


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_refusal_curve_counts_picture_by_picture(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    own, right, unseen = rng.random(count), rng.random(count) < 0.7, rng.random(count)
    for point in refusal_curve(own, right, unseen, thresholds=[0.0, 0.3, 0.8, 1.0]):
        answered = [r for p, r in zip(own, right, strict=True) if p >= point.threshold]
        assert point.answered == pytest.approx(len(answered) / count)
        assert point.accuracy == pytest.approx(sum(answered) / len(answered) if answered else 1)
        assert point.unseen_refused == pytest.approx(sum(p < point.threshold for p in unseen) / count)
