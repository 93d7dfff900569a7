"""Grad-CAM under a linear head is the class activation map; the head is the one that the study judged by."""

import numpy as np
import pytest
from lab_toys import claimed, colours, toy_network

from cnn_core.pictures import kept
from cnn_core.pictures.images import square
from cnn_core.store import keys
from cnn_core.store.records import Run, RunNotFound
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.lab import evidence, job
from cnn_core.training.lab.labels import LabelsOptions, LabelsResult
from cnn_core.training.lab.spec import LabSpec
from tests.reports import FakeReport

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def studied(shelf: Store) -> Run:
    options = LabelsOptions(backbone="toy", folds=3, repeats=1, flip=0.2)
    run = claimed(shelf, LabSpec(tuple(colours(shelf, 8)), options, "colours").to_json())
    outcome = job.run(run, shelf, FakeReport())
    evidence._base.cache_clear()
    shelf.finish(run, "done", result=outcome.result, environment=outcome.environment)
    return shelf.get(run.id)


def test_grad_cam_under_a_linear_head_is_the_class_activation_map() -> None:
    rng = np.random.default_rng(0)
    base = toy_network()
    pictures = rng.integers(0, 256, (30, 16, 16, 3)).astype(np.uint8)
    maps = base.predict(pictures, verbose=0)  # (30, 2, 2, 12)
    head = heads.fit(maps.mean(axis=(1, 2)), np.arange(30) % 3)
    for index in range(3):
        weights = head.kernel[:, index] / head.scale
        cam = sum(weights[c] * maps[0, :, :, c] for c in range(12))  # Zhou et al. 2016, equation 2
        found = evidence.grad_cam(base, head, pictures[:1], index)
        assert found == pytest.approx(np.maximum(cam, 0) / 4, abs=1e-5)
    assert (base.output.shape[1:]) == (2, 2, 12), "the network itself is left as it was"


def test_attention_comes_from_the_head_that_was_not_shown_the_picture(shelf: Store, studied: Run) -> None:
    points = LabelsResult.from_json(studied.result).map
    wrong = next(point for point in points if not point.right)
    answer = evidence.evidence(studied.id, wrong.digest, location=shelf.location)
    assert answer.label == wrong.label and answer.said == wrong.said
    assert set(answer.maps) == {wrong.label, wrong.said}
    # With one repeat the study's probability is this head's: the same pictures, labels and penalty.
    assert answer.probabilities[wrong.label] == pytest.approx(wrong.probability_of_label, abs=1e-4)
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    pixels = kept.pixels(shelf, wrong.digest)
    assert (answer.seen == square(pixels, 16, 1.0)).all()


def test_nearest_are_training_pictures_by_cosine(shelf: Store, studied: Run) -> None:
    points = LabelsResult.from_json(studied.result).map
    base = toy_network()
    pictures = np.stack([square(kept.pixels(shelf, point.digest), 16, 1.0) for point in points])
    features = base.predict(pictures, verbose=0).mean(axis=(1, 2))
    features = features - features.mean(axis=0)
    answer = evidence.evidence(studied.id, points[0].digest, location=shelf.location)
    cosine = {
        point.digest: f @ features[0] / np.linalg.norm(f) / np.linalg.norm(features[0])
        for point, f in zip(points[1:], features[1:], strict=True)
    }
    found = answer.nearest
    assert [near.similarity for near in found] == pytest.approx([cosine[n.digest] for n in found], abs=1e-5)
    assert points[0].digest not in {near.digest for near in found}
    closer = [d for d, value in cosine.items() if value > found[-1].similarity + 1e-6]
    tested = len(points) // 3  # the others of its own fold were not trained on
    assert len(closer) < len(found) + tested


def test_attention_refuses_what_it_cannot_look_at(shelf: Store, studied: Run) -> None:
    with pytest.raises(evidence.EvidenceRefused, match="The picture feedfacecafe took no part in run"):
        evidence.evidence(studied.id, "feedfacecafebeef", location=shelf.location)
    waiting = shelf.create("lab", studied.spec, title="waiting")
    with pytest.raises(evidence.EvidenceRefused, match=r"has no map of its pictures \(its state is queued\)"):
        evidence.evidence(waiting.id, "feed", location=shelf.location)
    with pytest.raises(RunNotFound):
        evidence.evidence("nothing", "feed", location=shelf.location)


def test_attention_takes_the_heads_that_the_study_kept(
    shelf: Store, studied: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = LabelsResult.from_json(studied.result).map
    assert points

    def said() -> dict[str, float]:
        evidence._head.cache_clear()
        return evidence.evidence(studied.id, points[0].digest, location=shelf.location).probabilities

    kept, file = said(), shelf.read(keys.heads(studied.id))
    shelf.remove(keys.heads(studied.id))  # as version 0.1 left a study
    assert said() == pytest.approx(kept, abs=1e-9)
    monkeypatch.setattr(evidence, "MAX_FITTED", 23)
    with pytest.raises(evidence.EvidenceRefused, match="has kept no heads, and to fit one to 24 pictures takes sec"):
        said()
    monkeypatch.setattr(evidence, "fit_within", lambda *_, **__: pytest.fail("fitted what is kept"))
    shelf.write(keys.heads(studied.id), file)
    assert said() == kept
    evidence._head.cache_clear()
