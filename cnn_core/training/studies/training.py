"""One network trained again and again from other weights: traced once, then only its numbers change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from cnn_core.training.loop import Steps, check_finite


@dataclass(frozen=True)
class Epoch:
    """Means over an epoch's batches, each measured before its step, as a training curve is drawn."""

    loss: float
    error: float


class Trainer:
    """A network, its optimizer and one traced step.

    Args:
        build: Makes the network, `(N, H, W, C)` → probabilities, with new random weights at every call.
        optimizer: Its state is cleared at every start.
    """

    def __init__(self, build: Callable[[], keras.Model], optimizer: keras.optimizers.Optimizer) -> None:
        self._build, self.optimizer = build, optimizer
        self.model = build()
        self._steps = Steps(self.model, [(optimizer, self.model.trainable_variables)])
        pixels = tf.TensorSpec((None, *self.model.input_shape[1:]), tf.float32)
        self._infer = tf.function(lambda x: self.model(x, training=False), input_signature=(pixels,))

    def start(self, seed: int) -> None:
        """Begin anew: the weights that this seed gives, and an optimizer without a past."""
        keras.utils.set_random_seed(seed)
        self.model.set_weights(self._build().get_weights())
        self._steps.forget()

    def epoch(
        self, batches: Iterator[tuple[np.ndarray, np.ndarray]], tell: Callable[[int, float, float], bool]
    ) -> Epoch | None:
        """Take a step a batch.

        Args:
            batches: Pictures, float32 `(N, H, W, C)`, and labels, int32 `(N,)`.
            tell: Told of each batch: its number from 1 on, loss, error. Returns True to stop.

        Returns:
            The epoch's means; None if it was stopped before its end.

        Raises:
            Diverged: If the loss is not a number any more.
        """
        losses, errors = [], []
        for number, (pictures, labels) in enumerate(batches, 1):
            loss, right = self._steps.step(pictures, labels)
            check_finite(loss, f"at step {number} of an epoch")
            error = 1 - right / len(labels)
            losses.append(loss)
            errors.append(error)
            if tell(number, loss, error):
                return None
        return Epoch(float(np.mean(losses)), float(np.mean(errors)))

    def probabilities(self, pictures: np.ndarray) -> np.ndarray:
        """Return what the network says at inference: float32 `(N, classes)`."""
        return np.asarray(self._infer(pictures))

    def error(self, pictures: np.ndarray, labels: np.ndarray) -> float:
        """Return the fraction of pictures that the network gets wrong at inference."""
        return float(np.mean(self.probabilities(pictures).argmax(axis=1) != labels))


def batches(
    pictures: np.ndarray, labels: np.ndarray, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield an epoch of whole batches in a new order; what is left over waits for the next order.

    Example:
        >>> shown = [len(x) for x, _ in batches(np.zeros((10, 1)), np.arange(10), 4, np.random.default_rng(0))]
        >>> shown
        [4, 4]
    """
    order = rng.permutation(len(pictures))
    size = min(batch_size, len(pictures))
    for start in range(0, len(pictures) - size + 1, size):
        chosen = order[start : start + size]
        yield pictures[chosen], labels[chosen]
