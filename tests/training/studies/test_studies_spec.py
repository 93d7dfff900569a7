"""Options: bounds, JSON there and back, refusals in words; digits: the same division always; what ships."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from cnn_core.pictures.items import SpecRefused
from cnn_core.training.studies import degradation
from cnn_core.training.studies.causes import EXAMPLES, Identity, Signals
from cnn_core.training.studies.degradation import Degradation
from cnn_core.training.studies.digits import DrawingRefused, digits, like_the_digits, standardised
from cnn_core.training.studies.inductive_bias import InductiveBias
from cnn_core.training.studies.lenet import LeNet
from cnn_core.training.studies.published import TARGETS, example, shipped
from cnn_core.training.studies.studies import STUDIES, study_of


@pytest.mark.parametrize("study", STUDIES)
def test_spec_survives_json(study: str) -> None:
    options = STUDIES[study].options
    chosen = options(seed=7)
    assert options.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen
    assert options.from_json({}) == options(), "what is missing has its default"


VERSION_01 = {  # as version 0.1 wrote them
    "degradation": '{"shallow_depth": 8, "deep_depth": 14, "width": 4, "input_size": 9, "epochs": 3, "batch_size": 64, '
    '"learning_rate": 0.05, "batch_norm": false, "seeds": 2, "seed": 2147483548}',
    "lenet": '{"epochs": 3, "batch_size": 64, "learning_rate": 0.003, "shift": 0, "seed": 2147483548}',
    "inductive_bias": '{"sizes": [20, 50], "steps": 9, "batch_size": 16, "learning_rates": [0.001], "shuffled": false, '
    '"seeds": 1, "seed": 3}',
}


@pytest.mark.parametrize("study", STUDIES)
def test_spec_of_version_01_reads_unchanged(study: str) -> None:
    values = json.loads(VERSION_01[study])
    assert STUDIES[study].options.from_json(values).to_json() == values


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Degradation(deep_depth=20),
            "The deep networks have 20 layers; expected more than the 20 of the shallow.",
        ),
        (lambda: Degradation(shallow_depth=21), "shallow_depth is 21; expected 6n + 2"),
        (lambda: Degradation(epochs=0), "epochs is 0; expected a whole number from 1 to 200."),
        (lambda: Degradation(epochs=2.5), "epochs is 2.5; expected a whole number from 1 to 200."),
        (lambda: LeNet(learning_rate=float("nan")), "learning_rate is nan; expected a number from 1e-05 to 0.1."),
        (lambda: Degradation(batch_norm=1), "batch_norm is 1; expected true or false."),
        (lambda: LeNet(shift=True), "shift is True; expected a whole number from 0 to 6."),
        (lambda: InductiveBias(sizes=(50, 5000)), "sizes is 5000; expected a whole number from 20 to 1138."),
        (lambda: InductiveBias(sizes=()), "sizes has 0 values; expected 1 to 8 of them."),
        (lambda: LeNet.from_json({"epoch": 3}), "'epoch' is no option here; expected some of epochs"),
    ],
)
def test_impossible_options_are_refused_in_words(make: Any, message: str) -> None:
    with pytest.raises(SpecRefused) as refusal:
        make()
    assert message in str(refusal.value)


def test_numbers_are_sorted_and_different() -> None:
    assert InductiveBias(sizes=(200, 50, 200)).sizes == (50, 200)
    assert list(Degradation(seed=4, seeds=2).seed_list) == [4, 5]


def test_digits_are_divided_without_overlap_and_always_alike() -> None:
    found, again = digits(), digits()
    assert np.array_equal(found.test_indices, again.test_indices)
    bunch = load_digits()
    np.testing.assert_allclose(found.test[..., 0] * 16, bunch.images[found.test_indices])
    assert np.array_equal(found.test_labels, bunch.target[found.test_indices])
    everything = np.concatenate([found.train, found.test])[..., 0].reshape(1797, -1)
    order = np.lexsort(everything.T)
    original = bunch.images.reshape(1797, -1) / 16
    np.testing.assert_allclose(everything[order], original[np.lexsort(original.T)], err_msg="each picture once")


def test_standardised_digits_have_no_mean_picture_and_unit_deviation() -> None:
    scaled, plain = standardised(digits()), digits()
    np.testing.assert_allclose(scaled.train.mean(axis=0), 0, atol=1e-5)
    mean, deviation = plain.train.mean(axis=0), plain.train.std()
    np.testing.assert_allclose(
        scaled.test * deviation + mean, plain.test, atol=1e-5, err_msg="no look at test pictures"
    )


@settings(max_examples=30)
@given(st.integers(8, 80), st.integers(8, 80), st.integers(0, 2**16))
def test_drawing_is_read_wherever_and_however_large_it_is(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stroke = np.zeros((height, width))
    stroke[:, rng.integers(0, width)] = 1.0
    stroke[rng.integers(0, height)] = 1.0
    small = like_the_digits(stroke)
    moved = np.pad(stroke, ((rng.integers(0, 30), 5), (rng.integers(0, 30), 0)))
    np.testing.assert_array_equal(like_the_digits(moved), small, err_msg="where it stands does not matter")
    assert small.shape == (8, 8) and small.min() >= 0 and small.max() <= 1
    assert 0.2 < small.mean() < 0.6, f"ink {small.mean()}: the digits have about 0.3"


@pytest.mark.parametrize(
    "drawing", [np.zeros((9, 9)), np.full((9, 9), 2.0), np.zeros((9, 9, 3)), np.full((2, 2), np.nan)]
)
def test_what_is_no_drawing_is_refused(drawing: np.ndarray) -> None:
    with pytest.raises(DrawingRefused, match=r"Draw a digit first|received an array"):
        like_the_digits(drawing)


# What ships ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("study", STUDIES)
def test_result_that_ships_is_of_the_defaults_and_says_where_it_is_from(study: str) -> None:
    found = shipped(STUDIES[study])
    assert found.options == STUDIES[study].options(), "run precompute again: the defaults have changed"
    assert isinstance(found.result, STUDIES[study].result)
    provenance = found.provenance
    assert provenance.command == f"python -m cnn_core.training.studies.precompute {study}"
    assert provenance.seconds > 0 and provenance.load >= 0 and provenance.seed == found.options.seed
    assert provenance.versions.keys() == {"python", "keras", "tensorflow", "numpy"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_cause_that_ships_is_whole_and_says_where_it_is_from(name: str) -> None:
    kind, options = EXAMPLES[name]
    found = example(name, type(options), {"signals": Signals, "identity": Identity}[kind])
    assert found.options == options
    assert found.provenance.command == f"python -m cnn_core.training.studies.precompute {name}"
    if kind == "signals":
        assert sorted({net.depth for net in found.result.nets}) == list(options.depths)
        assert len(found.result.nets) == 4 * len(options.depths)
    else:
        assert len(found.result.seeds) == len(found.result.plain) == len(found.result.residual) == 3


def test_result_that_ships_shows_degradation_in_every_seed() -> None:
    verdict = shipped(degradation.STUDY).result.verdict
    assert len(verdict.plain) == len(verdict.residual) == Degradation().seeds
    assert all(pair.deep > pair.shallow for pair in verdict.plain), verdict
    assert all(pair.deep <= pair.shallow for pair in verdict.residual), verdict
    assert verdict.shown


def test_result_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cnn_core.training.studies.published.FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"Write it: python -m cnn_core.training.studies.precompute elsewhere"):
        shipped(replace(degradation.STUDY, key="elsewhere"))


def test_unknown_study_is_refused() -> None:
    with pytest.raises(SpecRefused, match="'resnet' is no study; expected one of degradation, lenet, inductive_bias"):
        study_of("resnet")


@pytest.mark.parametrize("study", STUDIES)
def test_record_knows_its_job_and_asks_a_question(study: str) -> None:
    record = STUDIES[study]
    assert record.key == study and record.question.endswith("?")
    module, _, function = record.job.partition(":")
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin and f"def {function}(run: Run" in Path(spec.origin).read_text(encoding="utf-8")


def test_targets_are_those_of_the_paper() -> None:
    errors = {(t.data, t.net): t.error for t in TARGETS}
    assert errors["ImageNet", "plain-18"] == 27.94 and errors["ImageNet", "ResNet-18"] == 27.88
    assert errors["ImageNet", "plain-34"] == 28.54 and errors["ImageNet", "ResNet-34"] == 25.03
    assert errors["CIFAR-10", "ResNet-20"] == 8.75 and errors["CIFAR-10", "ResNet-56"] == 6.97


def test_what_a_page_needs_is_there_without_keras() -> None:
    code = (
        "import sys; from cnn_core.training.studies import causes, commands, digits, published, studies; "
        "[published.shipped(study) for study in studies.STUDIES.values()]; "
        "found = {'keras', 'tensorflow', 'scipy'} & sys.modules.keys(); "
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
