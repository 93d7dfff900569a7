"""The trainer: one step against Keras' own, starting anew, stopping, a loss that is no number."""

import keras
import numpy as np
import pytest

from cnn_core.training.loop import Diverged
from cnn_core.training.studies.training import Trainer, batches


def _build() -> keras.Model:
    return keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    )


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(12, 2, 2, 1)).astype(np.float32), rng.integers(0, 3, 12).astype(np.int32)


def _epoch(trainer: Trainer, seed: int, stop: int = 99) -> object:
    trainer.start(seed)
    shown = batches(*_data(), 4, np.random.default_rng(0))
    return trainer.epoch(shown, lambda number, loss, error: number == stop)


def test_steps_are_sgd_with_momentum() -> None:
    trainer = Trainer(_build, keras.optimizers.SGD(0.1, momentum=0.9))
    trainer.start(3)
    kernel, bias = (np.asarray(w, np.float64) for w in trainer.model.get_weights())
    velocity = [np.zeros_like(kernel), np.zeros_like(bias)]
    losses = []
    for pictures, labels in batches(*_data(), 4, np.random.default_rng(0)):
        flat = pictures.reshape(4, 4)
        powers = np.exp(flat @ kernel + bias)
        said = powers / powers.sum(axis=1, keepdims=True)
        losses.append(-np.log(said[np.arange(4), labels]).mean())
        slope = (said - np.eye(3)[labels]) / 4
        velocity = [0.9 * v - 0.1 * g for v, g in zip(velocity, (flat.T @ slope, slope.sum(axis=0)), strict=True)]
        kernel, bias = kernel + velocity[0], bias + velocity[1]
    epoch = trainer.epoch(batches(*_data(), 4, np.random.default_rng(0)), lambda *_: False)
    assert epoch is not None and epoch.loss == pytest.approx(np.mean(losses), rel=1e-5)
    np.testing.assert_allclose(trainer.model.get_weights()[0], kernel, rtol=1e-4, atol=1e-5)


def test_start_forgets_all_that_was_learnt() -> None:
    trainer = Trainer(_build, keras.optimizers.Adam(0.1))
    first, other, again = _epoch(trainer, 1), _epoch(trainer, 2), _epoch(trainer, 1)
    assert first == again != other


def test_stopped_epoch_has_no_figures() -> None:
    assert _epoch(Trainer(_build, keras.optimizers.SGD(0.1)), 0, stop=2) is None


def test_loss_that_is_no_number_is_said() -> None:
    trainer = Trainer(_build, keras.optimizers.SGD(0.1))
    pictures, labels = _data()
    shown = iter([(pictures, labels), (np.full_like(pictures, np.nan), labels)])
    with pytest.raises(Diverged, match=r"The loss became nan at step 2 of an epoch. Choose a lower learning rate."):
        trainer.epoch(shown, lambda *_: False)


def test_fewer_pictures_than_a_batch_are_one_batch() -> None:
    shown = list(batches(np.zeros((5, 1)), np.arange(5), 32, np.random.default_rng(0)))
    assert len(shown) == 1 and sorted(shown[0][1]) == [0, 1, 2, 3, 4]
