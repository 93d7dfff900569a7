"""The loop: one step in both precisions and on two replicas, the best epoch, stopping, going on from a checkpoint."""

import io
import itertools
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from loop_toys import examples, figures, network, training

from cnn_core.training import loop
from cnn_core.training.examples import Examples
from cnn_core.training.loop import Diverged, Epoch, Listener, Steps, Training

ROOT = Path(__file__).resolve().parents[2]


def elsewhere(*arguments: str) -> dict[str, Any]:
    """What another process found."""
    command = [sys.executable, str(Path(__file__).with_name("loop_toys.py")), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def near(found: list[dict[str, Any]], expected: list[dict[str, Any]], within: float) -> bool:
    assert len(found) == len(expected)
    return all(one == pytest.approx(other, abs=within) for one, other in zip(found, expected, strict=True))


def linear(policy: str = "float32", factor: float = 1.0, optimizer: keras.optimizers.Optimizer | None = None) -> Steps:
    """Two numbers → two classes; the kernel, `(2, 2)`, is multiplied by a factor, both in the policy's precision."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,))
    x = keras.layers.Dense(2, use_bias=False, dtype=policy, name="dense")(inputs)
    x = keras.layers.Rescaling(factor, dtype=policy)(x)
    model = keras.Model(inputs, keras.layers.Activation("softmax", dtype="float32")(x))
    return Steps(model, [(optimizer or keras.optimizers.SGD(1.0), model.trainable_variables)])


@pytest.fixture
def half() -> Iterator[str]:
    """The policy `mixed_float16`, on the processor."""
    keras.config.set_dtype_policy("mixed_float16")
    yield "mixed_float16"
    keras.config.set_dtype_policy("float32")


def slope(kernel: np.ndarray, inputs: np.ndarray, labels: np.ndarray, factor: float) -> np.ndarray:
    """The gradient of the mean cross-entropy for the kernel of `linear`, by hand."""
    powers = np.exp(factor * inputs @ kernel)
    said = powers / powers.sum(axis=1, keepdims=True)
    return np.asarray(factor * inputs.T @ (said - np.eye(2)[labels]) / len(labels))


# One step -------------------------------------------------------------------------------------------------------------


def test_class_weights_count_in_the_step_and_in_all_figures() -> None:
    weights = np.array([0.5, 3.0])
    model = linear().model
    steps = Steps(model, [(keras.optimizers.SGD(1.0), model.trainable_variables)], weights)
    inputs, labels = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]], np.float32), np.array([0, 1, 0], np.int32)
    kernel = model.get_weights()[0]
    counts = weights[labels]
    said = np.asarray(model(inputs))
    losses, right = -np.log(said[range(3), labels]), said.argmax(axis=1) == labels
    scored = steps.score(inputs, labels, batch_size=2)
    assert scored == pytest.approx((np.average(losses, weights=counts), np.average(right, weights=counts)), rel=1e-5)
    assert steps.step(inputs, labels) == pytest.approx(((counts * losses).mean(), (counts * right).sum()), rel=1e-5)
    gradient = inputs.T @ (counts[:, None] * (said - np.eye(2)[labels])) / 3  # of Σ w · loss / N, by hand
    assert model.get_weights()[0] - kernel == pytest.approx(-gradient, abs=1e-6)


def test_step_says_what_the_network_said_before_it() -> None:
    steps = linear()
    inputs, labels = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]], np.float32), np.array([0, 1, 0], np.int32)
    kernel = steps.model.get_weights()[0]
    said = np.asarray(steps.model(inputs))
    loss, right = steps.step(inputs, labels)
    assert loss == pytest.approx(-np.log(said[range(3), labels]).mean(), rel=1e-5)
    assert right == (said.argmax(axis=1) == labels).sum() and isinstance(right, int)
    moved = steps.model.get_weights()[0] - kernel
    assert moved == pytest.approx(-slope(kernel, inputs, labels, 1.0), abs=1e-6)


def test_each_group_has_its_rate_and_rates_change_without_tracing_again() -> None:
    steps = training(network()).steps
    shown = examples(6)
    moved = []
    for rates in ([0.0, 0.1], [0.1, 0.0], [0.0, 0.0]):
        before = [v.numpy() for v in steps.model.trainable_variables]
        steps.set_rates(rates)
        steps.forget()
        steps.step(shown.inputs, shown.labels)
        moved.append(
            [not np.array_equal(v.numpy(), w) for v, w in zip(steps.model.trainable_variables, before, strict=True)]
        )
    conv_and_norm, head = slice(0, 3), slice(3, 5)
    assert not any(moved[0][conv_and_norm]) and all(moved[0][head])
    assert any(moved[1][conv_and_norm]) and not any(moved[1][head])
    assert not any(moved[2])
    steps.step(shown.inputs[:1], shown.labels[:1])
    assert steps._step.experimental_get_tracing_count() == 1


def test_forgetting_leaves_nothing_but_the_rates() -> None:
    going = training(network())
    going.run(1)
    going.steps.forget()
    left = {v.path: v.numpy() for v in going.steps._moments if np.any(v.numpy())}
    assert sorted(np.asarray(value).item() for value in left.values()) == pytest.approx([0.01, 0.1])


def test_score_counts_every_example_once() -> None:
    going, shown = training(network()), examples(10)
    said = np.asarray(going.steps.model(shown.inputs, training=False))
    expected = -np.log(said[range(10), shown.labels]).mean(), (said.argmax(axis=1) == shown.labels).mean()
    for batch_size in (3, 10, 64):
        assert going.steps.score(shown.inputs, shown.labels, batch_size) == pytest.approx(expected, abs=1e-6)


# Mixed precision ------------------------------------------------------------------------------------------------------

TINY = np.array([[0.5, 0.25]], np.float32), np.array([0], np.int32)


def test_gradients_too_small_for_float16_arrive(half: str) -> None:
    """The factor is the smallest number of float16; a gradient passes through a quarter of it."""
    inputs, labels = np.array([[0.5, 0.25], [0.25, 0.0]], np.float32), np.array([0, 0], np.int32)
    steps = linear(half, 2.0**-24, keras.optimizers.SGD(1e6))
    kernel = steps.model.get_weights()[0]
    steps.step(inputs, labels)
    moved = steps.model.get_weights()[0] - kernel
    assert moved == pytest.approx(-1e6 * slope(kernel, inputs, labels, 2.0**-24), rel=0.01)
    assert steps.scale is not None and steps.scale.value.numpy() == 2.0**15
    steps.scale.value.assign(1.0)  # without it nothing would arrive
    before = steps.model.get_weights()[0]
    steps.step(inputs, labels)
    assert np.array_equal(steps.model.get_weights()[0], before)


def test_step_with_gradients_that_overflow_is_skipped_and_the_scale_halved(half: str) -> None:
    """0.5 × 2¹⁵ × 10 is more than float16 holds, 65,504; 0.5 × 2¹² × 10 is not."""
    steps = linear(half, 10.0, keras.optimizers.SGD(1e-3, momentum=0.9))
    steps.model.set_weights([np.zeros((2, 2))])
    scales, counts, moved = [], [], []
    for _ in range(4):
        steps.step(*TINY)
        scales.append(steps.scale.value.numpy())
        counts.append(int(steps._moments[0].numpy()))
        moved.append(bool(np.any(steps.model.get_weights()[0])))
    assert scales == [2.0**14, 2.0**13, 2.0**13, 2.0**13]
    assert counts == [0, 0, 1, 2] and moved == [False, False, True, True]


def test_scale_grows_after_so_many_finite_steps(half: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop.LossScale, "growth_steps", 3)
    steps = linear(half)
    scales = [steps.step(*TINY) and steps.scale.value.numpy() for _ in range(7)]
    assert [scale / 2.0**15 for scale in scales] == [1, 1, 2, 2, 2, 4, 4]
    steps.forget()
    assert [variable.numpy() for variable in steps.scale.variables] == [2.0**15, 0]


def test_network_in_float32_has_no_scale() -> None:
    assert linear().scale is None


# Replicas -------------------------------------------------------------------------------------------------------------


def test_two_replicas_find_what_one_finds() -> None:
    """19 examples in steps of 6: the last step has one, and nothing is left for the second replica."""
    found = elsewhere("replicated", "float32")
    alone = training(network(random_layers=False))
    alone.run(4)
    assert near(found["history"], figures(alone), 1e-5)
    for weight, expected in zip(found["weights"], alone.steps.model.get_weights(), strict=True):
        assert np.array(weight) == pytest.approx(expected, abs=1e-5)
    assert near(found["again"], found["history"], 1e-6)
    assert found["synchronized"] is False, "a saved network need not know where it was trained"


def test_gradients_that_are_not_finite_on_one_replica_are_skipped_on_both() -> None:
    found = elsewhere("replicated", "mixed_float16")
    assert found["scale"] == 2.0**14
    assert all(np.isfinite(weight).all() for weight in found["after"])
    trainable = [weight for index, weight in enumerate(found["weights"]) if index not in (3, 4)]
    assert found["after"] == trainable  # all but BatchNorm's statistics, which have seen the batch


# Epochs ---------------------------------------------------------------------------------------------------------------


def test_seed_says_it_all_and_random_layers_draw_anew() -> None:
    runs = []
    for seed in (0, 0, 1):
        going = training(network(), seed=seed)
        seeds = [v for v in going.steps.model.variables if "seed" in v.path]
        before = [v.numpy() for v in seeds]
        going.run(2)
        assert len(seeds) == 3
        assert all(not np.array_equal(v.numpy(), start) for v, start in zip(seeds, before, strict=True))
        runs.append(figures(going))
    assert runs[0] == runs[1] != runs[2]


def test_every_example_is_shown_once_an_epoch_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    going, shown = training(network()), []
    monkeypatch.setattr(going.steps, "step", lambda x, y: shown.append(x[:, 0, 0, 0]) or (0.5, len(y)))
    going.run(2)
    assert [len(batch) for batch in shown] == [6, 6, 6, 1] * 2
    first, second = np.concatenate(shown[:4]), np.concatenate(shown[4:])
    assert sorted(first) == sorted(second) == sorted(going.examples.inputs[:, 0, 0, 0])
    assert not np.array_equal(first, second)
    assert [epoch.loss for epoch in going.history] == [0.5, 0.5] and going.history[0].accuracy == 1


def test_each_epoch_sees_the_next_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, shown, first = training(network()).steps, [], examples(7)
    second, third = first.inputs + 100, first.inputs + 200
    monkeypatch.setattr(steps, "step", lambda x, y: shown.append((x[:, 0, 0, 0], y)) or (0.5, len(y)))
    going = Training(steps, Examples(first.inputs, first.labels, [second, third]), 7, 0)
    going.run(4)
    for (seen, labels), copy in zip(shown, (first.inputs, second, third, first.inputs), strict=True):
        order = [copy[:, 0, 0, 0].tolist().index(value) for value in seen]
        assert sorted(order) == list(range(7)) and np.array_equal(labels, first.labels[order])
    with pytest.raises(
        ValueError, match=r"^The checkpoint is one of 7 \+ 0 examples in 3 copies in steps of 7, 0 epochs"
    ):
        Training(steps, first, 7, 0).resume(going.checkpoint())


def test_listener_hears_of_batches_and_epochs() -> None:
    heard: list[Any] = []
    going = Training(training(network()).steps, examples(19), 6, 0, epochs_before=3)
    going.run(2, Listener(lambda *batch: heard.append(batch), heard.append))
    assert [done for done, *_ in (h for h in heard if isinstance(h, tuple))] == [
        pytest.approx(3 + quarter / 4) for quarter in range(1, 9)
    ]
    ends = [index for index, told in enumerate(heard) if isinstance(told, Epoch)]
    assert ends == [4, 9] and [heard[end].epoch for end in ends] == [4, 5]
    for end in ends:  # the last batch has the means of the epoch
        assert heard[end - 1][1:] == (heard[end].loss, heard[end].accuracy)
    assert heard[4].val_loss is None and going.best.weights == ()


def test_stop_between_batches_ends_the_epoch_with_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    going, batches = training(network()), itertools.count(1)
    said = [(0.9, 1), (0.5, 2), (0.1, 3)]
    monkeypatch.setattr(going.steps, "step", lambda x, y: said.pop(0))
    going.run(5, Listener(should_stop=lambda: next(batches) == 2))
    (epoch,) = going.history
    assert (epoch.loss, epoch.accuracy) == (pytest.approx(0.7), 3 / 12) and len(said) == 1
    assert epoch.val_loss is not None


@pytest.mark.parametrize("start_counts", [True, False])
def test_weights_of_the_best_epoch_are_put_back(start_counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    going = training(network())
    scores = iter([(0.5, 0.8)] * start_counts + [(0.9, 0.5), (0.8, 0.7), (0.7, 0.7), (0.1, 0.6)])
    monkeypatch.setattr(going.steps, "score", lambda *part: next(scores))
    weights = [going.steps.model.get_weights()]
    if start_counts:
        going.start_counts()
    going.run(4, Listener(epoch=lambda epoch: weights.append(going.steps.model.get_weights())))
    best = 0 if start_counts else 3  # the lower loss among equals
    assert going.best.epoch == best
    for found, expected in zip(going.steps.model.get_weights(), weights[best], strict=True):
        assert np.array_equal(found, expected)
    assert not np.array_equal(weights[best][0], weights[4][0])


def test_loss_that_is_no_number_ends_the_training_at_once() -> None:
    going = training(network())
    going.examples.inputs[5] = np.nan
    batches: list[float] = []
    with pytest.raises(Diverged, match=r"^The loss became nan in epoch 1\. Choose a lower learning rate\.$"):
        going.run(3, Listener(lambda done, loss, accuracy: batches.append(loss)))
    assert len(batches) < 4 and np.isfinite(batches).all()


def test_validation_loss_that_is_no_number_is_said_so() -> None:
    steps, broken = training(network()).steps, examples(4)
    broken.inputs[0] = np.nan
    going = Training(steps, examples(6), 6, 0, validation=broken, epochs_before=2)
    with pytest.raises(Diverged, match=r"^The validation loss became nan in epoch 3\. Choose a lower learning rate\.$"):
        going.run(1)


# Going on -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def straight() -> Training:
    """Six epochs without a break."""
    going = training(network())
    going.run(6)
    return going


def test_another_process_goes_on_as_if_nothing_had_been(straight: Training, tmp_path: Path) -> None:
    broken, kept = training(network()), tmp_path / "kept"

    def die(epoch: Epoch) -> None:
        if epoch.epoch == 3:
            kept.write_bytes(broken.checkpoint())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.run(6, Listener(epoch=die))
    found = elsewhere("resumed", str(kept))
    assert near(found["history"], figures(straight), 1e-6)
    for weight, expected in zip(found["weights"], straight.steps.model.get_weights(), strict=True):
        assert np.array(weight) == pytest.approx(expected, abs=1e-6)


def test_broken_training_ends_with_the_very_bits_of_an_unbroken_one() -> None:
    """In a process of its own, since TensorFlow's deterministic operations cannot be turned off again."""
    found = elsewhere("to_the_bit")
    assert found["deterministic"] and found["epochs"] == [1, 2, 3, 4]
    assert found["broken"] == found["straight"] != found["another_seed"]


@pytest.mark.parametrize("batch", [1, 6, 8])
def test_checkpoint_amid_an_epoch_loses_no_batch_and_shows_none_twice(straight: Training, batch: int) -> None:
    broken, taken = training(network()), itertools.count(1)
    kept: list[bytes] = []

    def listen(done: float, loss: float, accuracy: float) -> None:
        if next(taken) == batch:
            kept.append(broken.checkpoint())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.run(6, Listener(listen))
    resumed, told = training(network()), []
    resumed.resume(kept[0])
    resumed.run(6, Listener(lambda done, loss, accuracy: told.append(done)))
    assert told == pytest.approx([number / 4 for number in range(batch + 1, 25)])
    assert near(figures(resumed), figures(straight), 1e-6)
    assert resumed.best.epoch == straight.best.epoch and resumed.history[0].seconds > 0


def test_best_weights_outlive_the_break(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = training(network())
    broken.run(1)
    best = broken.steps.model.get_weights()
    monkeypatch.setattr(broken.steps, "score", lambda *part: (9.0, 0.0))
    broken.run(2)
    resumed = training(network())
    resumed.resume(broken.checkpoint())
    monkeypatch.setattr(resumed.steps, "score", lambda *part: (9.0, 0.0))
    resumed.run(3)
    assert resumed.best.epoch == 1
    assert all(np.array_equal(found, one) for found, one in zip(resumed.steps.model.get_weights(), best, strict=True))


def test_scale_of_the_loss_outlives_the_break(half: str) -> None:
    def begun() -> Training:
        steps = linear(half, 10.0)
        steps.model.set_weights([np.zeros((2, 2))])
        return Training(steps, Examples(*TINY), 1, 0)

    broken = begun()
    broken.run(3)
    resumed = begun()
    resumed.resume(broken.checkpoint())
    assert [v.numpy() for v in resumed.steps.scale.variables] == [v.numpy() for v in broken.steps.scale.variables]
    assert resumed.steps.scale.value.numpy() == 2.0**13


@pytest.mark.parametrize(
    ("keep_every", "keep_share", "expected"),
    [(2.5, 1.0, [3, 4, 7, 8, 11, 12]), (0.0, 0.2, [1, 4, 4, 7, 8, 11, 12]), (15.0, 0.2, [4, 8, 12])],
)
def test_checkpoints_are_kept_after_each_epoch_and_amid_long_ones(
    keep_every: float, keep_share: float, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that stands still but for a second a batch and half a second a checkpoint."""
    going, now, taken, kept = training(network()), [0.0], itertools.count(1), []
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(loop, "KEEP_EVERY", keep_every)
    monkeypatch.setattr(loop, "KEEP_SHARE", keep_share)
    last = [0]

    def step(inputs: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        last[0], now[0] = next(taken), now[0] + 1
        return 0.5, 1

    def keep(checkpoint: bytes) -> None:
        kept.append(last[0])
        now[0] += 0.5

    monkeypatch.setattr(going.steps, "step", step)
    going.run(3, keep=keep)
    assert kept == expected


def test_what_is_no_checkpoint_is_refused_and_nothing_has_changed() -> None:
    going = training(network())
    before = [variable.numpy() for variable in going.steps.variables()]
    code = io.BytesIO()
    np.savez(code, state=np.array([pickle.loads], dtype=object))
    cut = training(network()).checkpoint()[:-100]
    for data in (b"", b"not at all", code.getvalue(), cut):
        with pytest.raises(ValueError, match=rf"^These {len(data)} bytes are no checkpoint of a training: "):
            going.resume(data)
    other = training(network(), batch_size=5).checkpoint()
    with pytest.raises(
        ValueError, match=r"^The checkpoint is one of 19 \+ 10 examples in steps of 5, 0 epochs before, "
    ) as said:
        going.resume(other)
    assert "; expected one of 19 + 10 examples in steps of 6, 0 epochs before, " in str(said.value)
    with pytest.raises(ValueError, match=r" variables of [\d,]+ numbers; expected one of "):
        going.resume(training(network(random_layers=False)).checkpoint())
    for variable, value in zip(going.steps.variables(), before, strict=True):
        assert np.array_equal(variable.numpy(), value)
