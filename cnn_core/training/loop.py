"""The one trainer: a traced step, epochs in a seeded order, the best epoch, and a checkpoint to go on from.

    steps = Steps(model, [(keras.optimizers.Adam(1e-3), model.trainable_variables)])   one or several groups
    training = Training(steps, Examples(x, y), batch_size=32, seed=0, validation=Examples(x_val, y_val))
    training.run(epochs=10)          training.history; the model has the weights of its best epoch
    training.checkpoint()            bytes, between any two batches; the same training resumes from them anywhere

Who has batches of another kind, as the studies do, uses `Steps` alone.

Source:
    TensorFlow guide "Custom training with tf.distribute.Strategy".
"""

import io
import json
import math
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.layers import BatchNormalization

from cnn_core.training.depthwise import cheaper
from cnn_core.training.examples import Examples, Inputs
from cnn_core.training.loss_scale import LossScale

KEEP_EVERY = 15.0  # seconds of training between two checkpoints amid an epoch; one is kept after every epoch
KEEP_SHARE = 0.05  # of the time may go into those amid epochs: of a large network they are kept less often
_SUM = tf.distribute.ReduceOp.SUM

Group = tuple[keras.optimizers.Optimizer, Sequence[keras.Variable]]  # an optimizer and the variables that it moves


class Diverged(ValueError):
    """The loss is not a number any more."""


def check_finite(loss: float, where: str, what: str = "loss") -> None:
    """Raise `Diverged` if a loss is not a number.

    Example:
        >>> check_finite(float("nan"), "in epoch 3")
        Traceback (most recent call last):
        cnn_core.training.loop.Diverged: The loss became nan in epoch 3. Choose a lower learning rate.
    """
    if not math.isfinite(loss):
        raise Diverged(f"The {what} became {loss} {where}. Choose a lower learning rate.")


# One step -------------------------------------------------------------------------------------------------------------


class Steps:
    """A network and what moves its weights, traced once however often it is trained.

    Make it where the network was made. Under a `MirroredStrategy` every replica takes its part of each batch, and
    BatchNorm normalises by the whole batch: the number of replicas changes nothing but rounding, and what random
    layers draw. Under `mixed_float16` the loss is scaled.

    Args:
        model: `(N, …)` → probabilities `(N, classes)`; the loss is their mean cross-entropy.
        groups: At least one; each has its rate, and may be empty.
        class_weights: `(classes,)`, around 1: by them an example counts in the loss and in all figures.
    """

    def __init__(self, model: keras.Model, groups: Sequence[Group], class_weights: np.ndarray | None = None) -> None:
        self._weights = None if class_weights is None else np.asarray(class_weights, np.float32)
        self.model, self._groups = model, [(optimizer, list(variables)) for optimizer, variables in groups]
        for optimizer, variables in self._groups:
            optimizer.build(variables)
        self._moments = [variable for optimizer, _ in groups for variable in optimizer.variables]  # rates, counters too
        self.scale = LossScale() if model.compute_dtype == "float16" else None
        self._strategy = tf.distribute.get_strategy()
        self._replicas = self._strategy.num_replicas_in_sync
        batch = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32), tf.TensorSpec((None,), tf.int32)]
        self._step = tf.function(self._traced_step, input_signature=batch, autograph=False)
        self._score = tf.function(self._traced_score, input_signature=batch, autograph=False)

    def step(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """Take one step: inputs `(N, …)`, labels `(N,)` → the mean loss and how many were right, both before it."""
        loss, right = self._step(*self._batch(inputs, labels)).numpy().tolist()
        return loss, round(right) if self._weights is None else right

    def score(self, inputs: Inputs, labels: np.ndarray, batch_size: int) -> tuple[float, float]:
        """Return the mean loss and the accuracy at inference."""
        parts = [slice(start, start + batch_size) for start in range(0, len(labels), batch_size)]
        sums = [self._score(*self._batch(inputs[part], labels[part])).numpy() for part in parts]
        count = len(labels) if self._weights is None else float(self._weights[labels].sum(dtype=float))
        loss, accuracy = (np.sum(sums, axis=0, dtype=float) / count).tolist()
        return loss, accuracy

    def set_rates(self, rates: Sequence[float]) -> None:
        """Give every group its learning rate."""
        for (optimizer, _), rate in zip(self._groups, rates, strict=True):
            optimizer.learning_rate = rate

    def forget(self) -> None:
        """Clear what the optimizers remember, their rates excepted; the weights are the caller's."""
        for variable in self._moments:
            if variable.name != "learning_rate":
                variable.assign(np.zeros(variable.shape, variable.dtype))
        if self.scale:
            self.scale.forget()

    def variables(self) -> list[Any]:
        """Return all that a step reads and writes: weights, statistics, seeds of random layers, optimizers, scale."""
        return [*self.model.variables, *self._moments, *(self.scale.variables if self.scale else [])]

    def _batch(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        missing = self._replicas - len(labels)
        if missing > 0:  # no replica may be without a picture; one of label −1 does not count
            inputs = np.concatenate([inputs, np.repeat(inputs[:1], missing, axis=0)])
            labels = np.concatenate([labels, np.full(missing, -1, labels.dtype)])
        return tf.constant(inputs, tf.float32), tf.constant(labels, tf.int32)

    # In the graph: N pictures in the batch, n of them on this replica.

    def _traced_step(self, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        count = tf.reduce_sum(tf.cast(labels >= 0, tf.float32))  # N
        norms = [layer for layer in self.model._flatten_layers() if isinstance(layer, BatchNormalization)]
        for norm in norms:  # while it is traced only: a saved network need not know where it was trained
            norm.synchronized = self._replicas > 1
        with cheaper(self.model):
            figures, finite, gradients = self._strategy.run(self._gradients, (inputs, labels, count))
        for norm in norms:
            norm.synchronized = False
        if self.scale:
            finite = self._strategy.experimental_local_results(finite)[0]  # all replicas say the same
            tf.cond(finite, lambda: self._strategy.run(self._move, (gradients,)), lambda: None)
            self.scale.follow(finite)
        else:
            self._strategy.run(self._move, (gradients,))
        return self._strategy.reduce(_SUM, figures, axis=None)  # (2,)

    def _gradients(self, inputs: tf.Tensor, labels: tf.Tensor, count: tf.Tensor) -> tuple[Any, Any, list[tf.Tensor]]:
        variables = [variable.value for _, group in self._groups for variable in group]
        scale = self.scale.value if self.scale else 1.0
        with tf.GradientTape() as tape:
            loss, right = self._said(inputs, labels, True)
            loss = loss / count  # this replica's part of the mean
            scaled = loss * scale
        gradients, figures = tape.gradient(scaled, variables), tf.stack([loss, right])
        if not self.scale:
            return figures, True, gradients
        bad = tf.reduce_any([tf.reduce_any(~tf.math.is_finite(gradient)) for gradient in gradients])
        bad = tf.distribute.get_replica_context().all_reduce(_SUM, tf.cast(bad, tf.float32))
        return figures, tf.equal(bad, 0), [gradient / scale for gradient in gradients]

    def _move(self, gradients: list[tf.Tensor]) -> None:
        each = iter(gradients)
        for optimizer, variables in self._groups:  # they add up the replicas' gradients
            optimizer.apply([next(each) for _ in variables], variables)

    def _traced_score(self, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        figures = self._strategy.run(lambda x, y: tf.stack(self._said(x, y, False)), (inputs, labels))
        return self._strategy.reduce(_SUM, figures, axis=None)  # (2,)

    def _said(self, inputs: tf.Tensor, labels: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        if self._replicas > 1:
            mine = tf.distribute.get_replica_context().replica_id_in_sync_group
            inputs, labels = inputs[mine :: self._replicas], labels[mine :: self._replicas]  # (n, …), (n,)
        said = self.model(inputs, training=training)  # (n, classes)
        losses = keras.losses.sparse_categorical_crossentropy(tf.maximum(labels, 0), said)  # (n,)
        right = tf.cast(tf.argmax(said, axis=1, output_type=tf.int32) == labels, tf.float32)  # (n,)
        if self._weights is not None:
            counts = tf.gather(tf.constant(self._weights), tf.maximum(labels, 0))  # (n,)
            losses, right = counts * losses, counts * right
        return tf.reduce_sum(tf.where(labels >= 0, losses, 0.0)), tf.reduce_sum(right)


# Epochs ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Epoch:
    """Means over an epoch's examples, each measured before its step, and over the validation part after them."""

    epoch: int
    seconds: float
    loss: float
    accuracy: float
    val_loss: float | None = None
    val_accuracy: float | None = None


@dataclass(frozen=True)
class Listener:
    """Who is told of batches (epochs done, a fraction too; loss and accuracy so far) and epochs, and may say stop."""

    batch: Callable[[float, float, float], None] = lambda done, loss, accuracy: None
    epoch: Callable[[Epoch], None] = lambda epoch: None
    should_stop: Callable[[], bool] = lambda: False


_SILENCE = Listener()


@dataclass
class Best:
    """The epoch of the highest validation accuracy, the lower loss among equals, and its weights."""

    accuracy: float = -math.inf
    loss: float = math.inf
    epoch: int = 0
    weights: Sequence[np.ndarray] = ()


@dataclass
class _Part:
    """What is done of the epoch that goes on."""

    seen: int = 0
    loss: float = 0.0
    right: float = 0
    seconds: float = 0.0


class Training:
    """Epochs over the same examples, and where they stand.

    Args:
        steps: The network.
        examples: What it learns from.
        batch_size: Examples a step; the last step of an epoch has what is left.
        seed: Of the order.
        validation: What the best epoch is chosen by; without it the last one counts.
        epochs_before: Epochs that came before, for counting on.
    """

    def __init__(
        self,
        steps: Steps,
        examples: Examples,
        batch_size: int,
        seed: int,
        *,
        validation: Examples | None = None,
        epochs_before: int = 0,
    ) -> None:
        self.steps, self.examples, self.batch_size, self.validation = steps, examples, batch_size, validation
        self.epochs_before, self.history, self.best = epochs_before, list[Epoch](), Best(epoch=epochs_before)
        self._random = np.random.default_rng(seed)
        self._order, self._part, self._due = self._random.bit_generator.state, _Part(), 0.0

    def run(
        self,
        epochs: int,
        listener: Listener = _SILENCE,
        *,
        rates: Sequence[Sequence[float]] = (),
        keep: Callable[[bytes], None] | None = None,
    ) -> None:
        """Train until so many epochs are done, those of a checkpoint included; put the best one's weights back.

        Args:
            epochs: In all.
            listener: An epoch that it stops has the figures of its part.
            rates: For each epoch the learning rate of each group; empty leaves them as they are.
            keep: Is given a checkpoint after every epoch, and amid long ones every KEEP_EVERY seconds.

        Raises:
            Diverged: If the loss is not a number.
        """
        stopped, self._due = False, time.perf_counter() + KEEP_EVERY
        while len(self.history) < epochs and not stopped:
            if rates:
                self.steps.set_rates(rates[len(self.history)])
            for done in self._batches():
                listener.batch(done, self._part.loss / self._part.seen, self._part.right / self._part.seen)
                if stopped := listener.should_stop():
                    break
                self._offer(keep)
            listener.epoch(self._ended())
            if not stopped:
                self._offer(keep, now=True)
        if self.best.weights:
            self.steps.model.set_weights(self.best.weights)

    def start_counts(self) -> None:
        """Make the weights as they are now a candidate for the best."""
        self._compared(self.epochs_before)

    def _batches(self) -> Iterator[float]:
        """Take the steps that are left of this epoch; after each say how many epochs are done."""
        epoch, part, size = self.epochs_before + len(self.history), self._part, self.batch_size
        order, inputs = self._random.permutation(len(self.examples.labels)), self.examples.seen(len(self.history))
        for start in range(part.seen, len(order), size):
            began, batch = time.perf_counter(), order[start : start + size]
            loss, right = self.steps.step(inputs[batch], self.examples.labels[batch])
            part.seen, part.loss, part.right = start + len(batch), part.loss + loss * len(batch), part.right + right
            part.seconds += time.perf_counter() - began
            check_finite(part.loss / part.seen, f"in epoch {epoch + 1}")
            yield epoch + (start // size + 1) / math.ceil(len(order) / size)

    def _ended(self) -> Epoch:
        """Close this epoch, and be ready for the next."""
        began, number, part = time.perf_counter(), self.epochs_before + len(self.history) + 1, self._part
        validation = self._compared(number)
        seconds = round(part.seconds + time.perf_counter() - began, 3)
        self.history.append(Epoch(number, seconds, part.loss / part.seen, part.right / part.seen, *validation))
        self._order, self._part = self._random.bit_generator.state, _Part()
        return self.history[-1]

    def _compared(self, epoch: int) -> tuple[float, float] | tuple[()]:
        """Return loss and accuracy of the validation part, and keep the weights if they are the best."""
        if not self.validation:
            return ()
        loss, accuracy = self.steps.score(self.validation.inputs, self.validation.labels, self.batch_size)
        check_finite(loss, f"in epoch {epoch}", "validation loss")
        if (accuracy, -loss) > (self.best.accuracy, -self.best.loss):
            self.best = Best(accuracy, loss, epoch, self.steps.model.get_weights())
        return loss, accuracy

    # A checkpoint is an .npz of arrays and one JSON text.

    def _offer(self, keep: Callable[[bytes], None] | None, *, now: bool = False) -> None:
        began = time.perf_counter()
        if keep and (now or began > self._due):
            keep(self.checkpoint())
            ended = time.perf_counter()
            self._due = ended + max(KEEP_EVERY, (ended - began) / KEEP_SHARE)

    def checkpoint(self) -> bytes:
        """Return all that the rest of the training depends on."""
        best = self.best
        state = {
            "training": str(self),
            "history": [asdict(epoch) for epoch in self.history],
            "best": {"accuracy": best.accuracy, "loss": best.loss, "epoch": best.epoch},
            "order": self._order,
            "part": asdict(self._part),
        }
        arrays = {f"now/{i}": variable.numpy() for i, variable in enumerate(self.steps.variables())}
        arrays |= {f"best/{i}": weight for i, weight in enumerate(best.weights)}
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, state=np.array(json.dumps(state)), **arrays)
        return file.getvalue()

    def resume(self, checkpoint: bytes) -> None:
        """Go on from a checkpoint of the same training, from whatever process.

        Raises:
            ValueError: If it is of another training, or none at all; nothing has changed then.
        """
        try:
            with np.load(io.BytesIO(checkpoint), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            state = json.loads(arrays["state"].item())
            training = state["training"]
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as trouble:
            raise ValueError(f"These {len(checkpoint)} bytes are no checkpoint of a training: {trouble}") from trouble
        if training != str(self):
            raise ValueError(f"The checkpoint is one of {training}; expected one of {self}.")
        for index, variable in enumerate(self.steps.variables()):
            variable.assign(arrays[f"now/{index}"])
        weights = [array for name, array in arrays.items() if name.startswith("best/")]  # in the order of writing
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.best, self._part = Best(**state["best"], weights=weights), _Part(**state["part"])
        self._random.bit_generator.state = self._order = state["order"]

    def __str__(self) -> str:
        sizes = [math.prod(variable.shape) for variable in self.steps.variables()]
        count, validation = len(self.examples.labels), len(self.validation.labels) if self.validation else 0
        copies = f" in {1 + len(self.examples.others)} copies" if self.examples.others else ""
        return (
            f"{count} + {validation} examples{copies} in steps of {self.batch_size}, {self.epochs_before} epochs "
            f"before, {len(sizes)} variables of {sum(sizes):,} numbers"
        )
