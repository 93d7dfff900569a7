"""Why an arm says what it says: its maps against Grad-CAM by gradients, its neighbours against NumPy."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from transfer_toys import Outcome

from cnn_core.networks.backbones import backbone, build
from cnn_core.pictures import kept, sets
from cnn_core.pictures.images import square
from cnn_core.store.records import RunNotFound
from cnn_core.training.transfer.evidence import NEAREST, EvidenceRefused, _parts, evidence

ARMS = ("scratch", "frozen", "fine_tuned")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    _parts.cache_clear()


def by_gradient(model: keras.Model, pixels: np.ndarray, index: int) -> np.ndarray:
    """Grad-CAM, equations 1 and 2 of Selvaraju et al., by the tape; the score is the logit."""
    last, top = model.get_layer("pool").input, model.get_layer("probabilities")
    logits = keras.layers.Dense(top.units)
    score_of = keras.Model(last, logits(model.get_layer("pool").output))
    logits.set_weights(top.get_weights())
    maps = tf.Variable(keras.Model(model.input, last)(pixels[None].astype(np.float32), training=False))
    with tf.GradientTape() as tape:
        score = score_of(maps, training=False)[0, index]
    weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
    return np.asarray(tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))[0])


@pytest.mark.parametrize("arm", ARMS)
def test_evidence_is_grad_cam_of_the_runs_own_network(outcome: Outcome, arm: str) -> None:
    tested = outcome.arms[arm].answers[0]
    found = evidence(outcome.run.id, arm, tested.digest, location=outcome.store.location)
    assert (found.label, found.said) == (tested.label, tested.said)
    assert found.probabilities[tested.said] == pytest.approx(tested.probability, abs=1e-4)
    assert found.probabilities[tested.label] == pytest.approx(tested.probability_of_label, abs=1e-4)
    assert (found.seen == seen(outcome, tested.digest)).all()
    for name, shown in found.maps.items():
        expected = by_gradient(outcome.model(arm), found.seen, outcome.result.classes.index(name))
        assert shown == pytest.approx(expected, abs=2e-3 * max(0.01, float(expected.max())))


def seen(outcome: Outcome, digest: str) -> np.ndarray:
    record = backbone("efficientnet_lite0")
    return square(kept.pixels(outcome.store, digest), record.input_size, record.crop_fraction)


def test_nearest_are_training_pictures_by_cosine_of_the_pretrained_features(outcome: Outcome) -> None:
    tested = outcome.arms["fine_tuned"].answers[3]
    found = evidence(outcome.run.id, "fine_tuned", tested.digest, location=outcome.store.location)
    train = sets.split(outcome.experiment.items, 0).train
    base = build("efficientnet_lite0")
    digests = [tested.digest, *(item.digest for item in train)]
    pictures = np.stack([seen(outcome, digest) for digest in digests])
    vectors = base.predict(pictures.astype(np.float32), verbose=0).mean(axis=(1, 2))
    vectors = vectors - vectors[1:].mean(axis=0)
    cosine = vectors[1:] @ vectors[0] / np.linalg.norm(vectors[1:], axis=1) / np.linalg.norm(vectors[0])
    best = np.sort(cosine)[::-1][:NEAREST]
    assert [near.similarity for near in found.nearest] == pytest.approx(best, abs=1e-3)
    by_digest = dict(zip(digests[1:], cosine, strict=True))
    for near in found.nearest:
        assert near.similarity == pytest.approx(by_digest[near.digest], abs=1e-3)


def test_new_picture_is_looked_at_for_its_first_and_second_answer(outcome: Outcome) -> None:
    tested = outcome.arms["frozen"].answers[0]
    kept_one = evidence(outcome.run.id, "frozen", tested.digest, location=outcome.store.location)
    pixels = kept.pixels(outcome.store, tested.digest)
    found = evidence(outcome.run.id, "frozen", pixels, location=outcome.store.location)
    assert found.label == "" and found.said == kept_one.said
    assert found.probabilities == pytest.approx(kept_one.probabilities)
    ranked = sorted(found.probabilities, key=lambda name: -found.probabilities[name])
    assert list(found.maps) == ranked[:2] and (found.maps[found.said] == kept_one.maps[found.said]).all()
    assert [near.digest for near in found.nearest] == [near.digest for near in kept_one.nearest]


def test_evidence_refuses_what_it_cannot_look_at(outcome: Outcome) -> None:
    store: Any = outcome.store
    with pytest.raises(EvidenceRefused, match="The picture feedfacecafe was not tested in run"):
        evidence(outcome.run.id, "frozen", "feedfacecafebeef", location=store.location)
    waiting = store.create("transfer", outcome.run.spec, title="waiting")
    with pytest.raises(EvidenceRefused, match=r"has no network 'frozen' to look into \(its state is queued\)"):
        evidence(waiting.id, "frozen", "feed", location=store.location)
    with pytest.raises(RunNotFound):
        evidence("nothing", "frozen", "feed", location=store.location)
