"""Signals before training against theory and finite differences; learning the identity."""

import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from cnn_core.networks.zoo.cifar_resnet import cifar_resnet
from cnn_core.pictures.items import SpecRefused
from cnn_core.store.records import Glance, Run
from cnn_core.training.spec import Spec
from cnn_core.training.studies import signals as studies
from cnn_core.training.studies.causes import Identity, IdentityOptions, Signals, SignalsOptions
from cnn_core.training.studies.signals import follow, learn_identity, patches, signals
from tests.reports import FakeReport


def _net(**options: object) -> keras.Model:
    keras.utils.set_random_seed(0)
    return cifar_resnet(depth=8, input_shape=(8, 8, 1), width=2, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("residual", [False, True])
def test_gradient_norms_agree_with_finite_differences(residual: bool) -> None:
    net = _net(residual=residual, batch_norm=False)
    rng = np.random.default_rng(0)
    shown, labels = rng.normal(size=(6, 8, 8, 1)).astype(np.float32), rng.integers(0, 10, 6)
    found = follow(net, shown, labels)

    traced = tf.function(net)

    def loss() -> float:
        return float(-np.log(np.asarray(traced(shown), np.float64)[np.arange(6), labels]).mean())

    for name in ("stem_conv", "stage1_block1_2_conv"):
        layer = net.get_layer(name)
        kernel = np.asarray(layer.kernel).copy()
        differences = []
        for place in np.ndindex(kernel.shape):
            values = []
            for step in (2e-3, -2e-3):
                moved = kernel.copy()
                moved[place] += step
                layer.kernel.assign(moved)
                values.append(loss())
            differences.append((values[0] - values[1]) / 4e-3)
        layer.kernel.assign(kernel)
        norm = found["gradient_norm"][found["layers"].index(name)]
        assert norm == pytest.approx(np.linalg.norm(differences), rel=0.03), name


def test_variances_are_those_of_the_maps() -> None:
    net = _net(residual=True, batch_norm=True)
    shown = patches(None, 8, 16, 0)
    found = follow(net, shown, np.zeros(16, int))
    for name, variance in zip(
        found["layers"] + found["blocks"], found["variance"] + found["block_variance"], strict=True
    ):
        maps = keras.Model(net.input, net.get_layer(name).output)(shown, training=True)
        assert variance == pytest.approx(np.var(np.asarray(maps)), rel=1e-4), name


def test_he_initialisation_keeps_the_variance_of_what_it_convolves() -> None:
    # E[y²] = fan_in · 2 / fan_in · E[x²] for ReLU's output x: He et al. 2015, equation 10. Away from the border.
    keras.utils.set_random_seed(0)
    image = x = keras.Input((32, 32, 32))
    for _ in range(6):
        x = layers.Conv2D(128, 3, kernel_initializer="he_normal")(layers.ReLU()(x))
    shown = np.random.default_rng(0).normal(size=(4, 32, 32, 32)).astype(np.float32)
    second_moment = float(np.mean(np.square(np.asarray(keras.Model(image, x)(shown)))))
    assert 0.6 < second_moment < 1.6, "so that a plain net's decay is its borders' and not the initialisation's"


@pytest.fixture(scope="module")
def records() -> dict[tuple[bool, bool], dict]:
    return {(r["residual"], r["batch_norm"]): r for r in signals(depths=(26,), width=8, seed=0)}


def test_residual_signal_doubles_a_block_without_batch_norm_and_adds_up_with_it(records: dict) -> None:
    stage1 = slice(1, 5)  # the outputs of the first stage's blocks; the stem's comes before
    without = np.array(records[True, False]["block_variance"][stage1])
    growth = without[1:] / without[:-1]
    assert 1.2 < np.exp(np.log(growth).mean()) < 2.5, f"x + F(x) has about twice the variance of x: {growth}"
    with_it = np.array(records[True, True]["block_variance"][stage1])
    assert np.all(np.diff(with_it) < 1.5), f"BatchNorm's branch adds a variance of 1 at most: {with_it}"
    assert with_it[-1] < without[-1]


def test_plain_gradients_grow_towards_the_input_with_batch_norm_and_residual_ones_do_not(records: dict) -> None:
    # Yang et al. 2019, arXiv:1902.08129: exponentially in a plain net; He et al.'s shortcut carries them past.
    plain, residual = (np.array(records[kind, True]["gradient_norm"]) for kind in (False, True))
    assert plain[1] / plain[-1] > 5 * residual[1] / residual[-1], f"plain {plain}, residual {residual}"
    assert len(plain) == len(records[False, True]["layers"]) == 25


def test_residual_blocks_learn_the_identity_sooner_in_every_seed() -> None:
    found = learn_identity(steps=40, blocks=2, seeds=(0, 1))
    assert len(found["plain"][0]) == 41
    for plain, residual in zip(found["plain"], found["residual"], strict=True):
        assert residual[-1] < plain[-1] < plain[0], (plain[-1], residual[-1])


def test_patches_are_the_readers_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    found = patches(picture, 8, 5, seed=1)
    assert found.shape == (5, 8, 8, 3) and abs(found.mean()) < 1e-5 and found.std() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(found, patches(picture, 8, 5, seed=1))
    record = signals(picture, depths=(8,), width=2)[0]
    assert record["layers"][0] == "stem_conv" and len(record["variance"]) == 7


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: signals(depths=(200,)), "expected depths up to 110"),
        (lambda: signals(np.zeros((40, 40, 3), np.uint8), depths=(8,)), "one colour only"),
        (lambda: signals(np.zeros((4, 40, 3), np.uint8), depths=(8,)), "patches of 8 do not fit"),
        (lambda: learn_identity(steps=0), "steps: 0; expected 1 to 1000."),
    ],
)
def test_impossible_questions_are_refused_in_words(ask: object, message: str) -> None:
    with pytest.raises(SpecRefused) as refusal:
        ask()  # type: ignore[operator]
    assert message in str(refusal.value)


# As runs --------------------------------------------------------------------------------------------------------------


def job(kind: str, spec: dict[str, Any], result: dict[str, Any] | None = None) -> Run:
    glance = Glance("1f", kind, "t", "running", "engine", "", "", "w", 1, None, None, 0.0, 0.0, 0.0, None)
    return Run(**vars(glance), spec=spec, progress={}, result=result or {}, environment={})


def test_run_of_signals_stops_between_nets_and_goes_on_there(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[str] = []
    real = studies.follow

    def counted(net: keras.Model, *about: Any) -> dict[str, Any]:
        followed.append(net.name)
        return real(net, *about)

    monkeypatch.setattr(studies, "follow", counted)
    report = FakeReport(lambda progress: progress.get("fraction") == 0.5)
    half = studies.run_signals(job("signals", {"depths": [8]}), None, report)  # type: ignore[arg-type]
    assert report.fractions == [0.0, 0.0, 0.25, 0.5]
    assert len(followed) == len(Signals.from_json(half.result).nets) == 2
    assert report.kept[-1] == half.result, "what is known so far was handed over"
    rest = studies.run_signals(job("signals", {"depths": [8]}, half.result), None, FakeReport())  # type: ignore[arg-type]
    assert len(followed) == 4, "two were known"
    nets = Signals.from_json(rest.result).nets
    assert [(net.residual, net.batch_norm) for net in nets] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    for net, record in zip(nets, signals(depths=(8,)), strict=True):
        assert list(net.gradient_norm) == pytest.approx(record["gradient_norm"], rel=1e-4)
    assert rest.environment["keras"] == keras.__version__


def test_run_of_the_identity_stops_between_seeds_and_goes_on_there(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []

    def losses(net: keras.Model, shown: np.ndarray, steps: int, rate: float) -> list[float]:
        trained.append(len(trained))
        return [1.0, float(trained[-1])]

    monkeypatch.setattr(studies, "_identity_losses", losses)
    report = FakeReport(lambda progress: progress.get("phase") == "training, seed 2 of 3")
    part = studies.run_identity(job("identity", {"blocks": 1}), None, report)  # type: ignore[arg-type]
    assert part.result == Identity([0], 1.0, [[1.0, 0.0]], [[1.0, 1.0]]).to_json()
    assert report.kept == [part.result]
    rest = studies.run_identity(job("identity", {"blocks": 1}, part.result), None, FakeReport())  # type: ignore[arg-type]
    plain, residual = [[1.0, 0.0], [1.0, 2.0], [1.0, 4.0]], [[1.0, 1.0], [1.0, 3.0], [1.0, 5.0]]
    assert plain == rest.result["plain"] and residual == rest.result["residual"] and rest.result["seeds"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        (SignalsOptions, {"depths": [9]}, "depths has 9; expected 6n + 2: 8, 14, 20, 26, … 110."),
        (SignalsOptions, {"depths": []}, "depths has 0 values; expected 1 to 5 of them."),
        (IdentityOptions, {"blocks": 9}, "blocks is 9; expected a whole number from 1 to 8."),
    ],
)
def test_questions_out_of_bounds_are_refused(options: type[Spec], values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecRefused, match=re.escape(message)):
        options.from_json(values)
