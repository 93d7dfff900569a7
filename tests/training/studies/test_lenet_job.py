"""LeNet-5 live: curves, kernels, errors that add up; a drawn digit read, layer by layer."""

import numpy as np
import pytest
from PIL import Image
from studies_toys import carry_out

from cnn_core.store.records import Run, RunNotFound
from cnn_core.store.runs import Store
from cnn_core.training.studies.digits import DrawingRefused, digits
from cnn_core.training.studies.lenet import LeNetResult
from cnn_core.training.studies.lenet_job import read_digit
from cnn_core.training.transfer.answers import NoModel
from tests.reports import FakeReport


@pytest.fixture(scope="module")
def outcome(shelf: Store) -> tuple[Run, FakeReport]:
    report = FakeReport()
    return carry_out(shelf, "lenet", report, epochs=2, batch_size=64), report


def _drawn(index: int, scale: int = 12) -> np.ndarray:
    """A test digit as somebody would draw it: large, in the middle of a canvas."""
    ink = Image.fromarray(digits().test[index, ..., 0]).resize((8 * scale, 8 * scale), Image.Resampling.BICUBIC)
    return np.pad(np.clip(np.asarray(ink), 0, 1), 20)


def test_curves_and_kernels_have_every_epoch(outcome: tuple[Run, FakeReport]) -> None:
    run, report = outcome
    result = LeNetResult.from_json(run.result)
    assert [epoch.epoch for epoch in result.epochs] == [1, 2]
    assert result.epochs[1].train_loss < result.epochs[0].train_loss < 2.4
    assert np.shape(result.kernels) == (3, 6, 5, 5), "before training, and after each epoch"
    assert result.kernels[0] != result.kernels[1]
    done = [point.done for point in result.batches]
    assert done == sorted(done) and 1.9 < done[-1] <= 2.0
    assert report.fractions == sorted(report.fractions) and report.fractions[-1] == 1.0
    assert result.params == 61_706 and result.model_bytes and result.seconds


def test_live_result_has_the_curves_and_the_newest_kernels(outcome: tuple[Run, FakeReport]) -> None:
    run, report = outcome
    so_far, result = (LeNetResult.from_json(values) for values in (report.progress["so_far"], run.result))
    assert (so_far.epochs, so_far.batches) == (result.epochs, result.batches)
    assert so_far.kernels == result.kernels[-1:] and so_far.accuracy is None
    (kept,) = report.kept
    assert LeNetResult.from_json(kept).accuracy == result.accuracy, "kept before the network is stored"


def test_errors_confusion_and_accuracy_agree(outcome: tuple[Run, FakeReport]) -> None:
    result = LeNetResult.from_json(outcome[0].result)
    confusion, accuracy = np.array(result.confusion), result.accuracy
    assert accuracy and confusion.sum() == accuracy.total == 359 and confusion.trace() == accuracy.correct
    assert confusion.sum(axis=1).tolist() == np.bincount(digits().test_labels).tolist(), "rows are the digits"
    assert len(result.errors) == 359 - accuracy.correct
    counted = np.zeros((10, 10), int)
    from sklearn.datasets import load_digits

    bunch = load_digits()
    for error in result.errors:
        counted[error.digit, error.said] += 1
        assert bunch.target[error.index] == error.digit
        assert np.array_equal(error.pixels, bunch.images[error.index])
    assert np.array_equal(counted, confusion - np.diag(confusion.diagonal()))
    assert accuracy.low < accuracy.value < accuracy.high
    assert accuracy.value == pytest.approx(1 - result.epochs[-1].test_error)


def test_drawn_digit_is_read_by_the_runs_network(outcome: tuple[Run, FakeReport], shelf: Store) -> None:
    said = read_digit(outcome[0].id, _drawn(0), location=shelf.location)
    assert sum(said["probabilities"]) == pytest.approx(1, abs=1e-4) and len(said["probabilities"]) == 10
    maps = {entry["name"]: entry["values"] for entry in said["maps"]}
    assert maps["c1"].shape == (28, 28, 6) and maps["c3"].shape == (10, 10, 16) and maps["f6"].shape == (84,)
    kernel = np.array(outcome[0].result["kernels"][-1])[2]
    window = said["picture"][5:10, 7:12]
    model_bias = maps["c1"][0, 0, 2]  # a corner sees paper only, so that its value is relu(bias)
    expected = np.maximum((window * kernel).sum() + model_bias, 0)
    if model_bias > 0:
        assert maps["c1"][5, 7, 2] == pytest.approx(expected, abs=1e-3), "the first map is the first kernel's"


def test_shipped_network_reads_test_digits_that_are_drawn_large() -> None:
    drawn = range(40)
    right = sum(int(np.argmax(read_digit("", _drawn(i))["probabilities"]) == digits().test_labels[i]) for i in drawn)
    assert right >= 36, f"{right} of 40"


def test_what_it_has_seen_is_told_beside_a_plain_seven() -> None:
    drawing = np.zeros((64, 64))
    drawing[10:17, 14:50] = 1.0
    for step in range(40):  # the slanting stroke, no bar
        drawing[14 + step, 44 - step // 2 : 51 - step // 2] = 1.0
    said = read_digit("", drawing)
    assert [each["digit"] for each in said["seen"]] == list(range(10)) and said["seen"][7]["pixels"].shape == (8, 8)
    train = digits().train[digits().train_labels == 7][..., 0]
    by_hand = min(float(np.sqrt(((picture - said["small"]) ** 2).sum())) for picture in train)
    assert said["seen"][7]["distance"] == pytest.approx(by_hand, rel=1e-5)
    nearest = min(each["distance"] for each in said["seen"])
    if int(np.argmax(said["probabilities"])) != 7:
        assert nearest > said["usual"] or min(said["seen"], key=lambda each: each["distance"])["digit"] == 7
    learnt = read_digit("", _drawn(0))
    assert min(each["distance"] for each in learnt["seen"]) < said["usual"], "a test digit is like what it has seen"


def test_stopped_run_can_be_asked(shelf: Store) -> None:
    stop = FakeReport(lambda progress: progress.get("fraction", 0) > 0.3)
    run = carry_out(shelf, "lenet", stop, epochs=2, batch_size=256)
    assert run.state == "stopped" and run.result["epochs"] == [] and run.result["accuracy"]["total"] == 359
    assert len(read_digit(run.id, _drawn(1), location=shelf.location)["probabilities"]) == 10


def test_questions_without_an_answer_are_refused_in_words(shelf: Store) -> None:
    with pytest.raises(DrawingRefused, match="Draw a digit first"):
        read_digit("", np.zeros((20, 20)))
    with pytest.raises(RunNotFound):
        read_digit("0" * 12, _drawn(0), location=shelf.location)
    waiting = shelf.create("lenet", {}, title="waits")
    with pytest.raises(NoModel, match="has no LeNet-5 to ask"):
        read_digit(waiting.id, _drawn(0), location=shelf.location)
