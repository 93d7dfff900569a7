"""The three arms. Each returns a whole network, picture → probabilities, and what happened on the way there.

    scratch      every weight random, every weight trained
    frozen       pretrained features fixed; a linear head trained on them
    fine_tuned   the frozen arm's head first; then the topmost blocks at a low learning rate

Source:
    Yosinski et al. 2014, arXiv:1411.1792 (frozen against fine-tuned); Keras guide "Transfer learning and fine-tuning".
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers

from cnn_core.networks import backbones
from cnn_core.training.transfer.spec import Options

DROPOUT = 0.2
CACHE_LIMIT = 2 * 2**30  # bytes of feature maps held in memory; above it the lower blocks run again every epoch


_Score = tuple[float, float]  # validation accuracy, minus validation loss: the larger the better
_NOTHING: _Score = (-math.inf, -math.inf)


class Diverged(ValueError):
    """The loss is not a number any more."""


@dataclass
class Arm:
    """A trained network and how it came to be.

    `history` has one entry an epoch: `phase` (`head` or `blocks`), `epoch` (counted through both phases), `loss`,
    `accuracy`, `val_loss`, `val_accuracy`, `seconds`.
    """

    model: keras.Model
    history: list[dict[str, Any]]
    trainable_params: int
    total_params: int
    seconds: dict[str, float] = field(default_factory=dict)
    best_epoch: int = 0


@dataclass(frozen=True)
class Data:
    """Inputs and labels of the training and the validation part; inputs are pixels, feature maps or features."""

    train: np.ndarray
    train_labels: np.ndarray
    validation: np.ndarray
    validation_labels: np.ndarray

    def evenly(self, replicas: int) -> "Data":
        """Return examples whose number is a multiple of the replicas, as Keras 3.15 can mirror no uneven step.

        Some training pictures come twice in an epoch; every validation picture comes equally often, so that loss and
        accuracy are what they are.
        """
        if replicas == 1:
            return self
        count = len(self.train)
        order = np.arange(count + -count % replicas) % count
        validation = np.repeat(np.arange(len(self.validation)), replicas)
        return Data(
            self.train[order],
            self.train_labels[order],
            self.validation[validation],
            self.validation_labels[validation],
        )

    def mapped(self, function: Callable[[np.ndarray], np.ndarray]) -> "Data":
        """Return the same examples seen through a fixed function."""
        return Data(function(self.train), self.train_labels, function(self.validation), self.validation_labels)


@dataclass(frozen=True)
class Listener:
    """Who is told of batches and epochs, and may say stop."""

    batch: Callable[[float, float, float], None]  # epochs done (a fraction too), loss, accuracy of this epoch so far
    epoch: Callable[[dict[str, Any]], None]
    should_stop: Callable[[], bool]


class _Watch(keras.callbacks.Callback):
    """Tells the listener, keeps the weights of the best epoch, stops on request or when the loss is not a number."""

    def __init__(self, listener: Listener, phase: str, first_epoch: int, start: _Score) -> None:
        super().__init__()
        self.listener, self.phase, self.first_epoch = listener, phase, first_epoch
        self.history: list[dict[str, Any]] = []
        self.best_score, self.best_epoch = start, first_epoch
        self.best_weights: list[np.ndarray] | None = None
        self._started, self._epoch, self._batches = time.perf_counter(), 0, 0

    def on_train_begin(self, logs: Any = None) -> None:
        if self.best_score != _NOTHING:  # where the arm starts is a candidate too
            self.best_weights = self.model.get_weights()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._batches, self._started = epoch, 0, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._batches += 1
        loss, accuracy = float(logs["loss"]), float(logs["accuracy"])
        if not math.isfinite(loss):
            raise Diverged(
                f"The loss became {loss} in epoch {self.first_epoch + self._epoch + 1}. Choose a lower learning rate."
            )
        done = self.first_epoch + self._epoch + self._batches / self.params["steps"]
        self.listener.batch(done, loss, accuracy)
        if self.listener.should_stop():
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        entry: dict[str, Any] = {
            "phase": self.phase,
            "epoch": self.first_epoch + epoch + 1,
            "seconds": round(time.perf_counter() - self._started, 3),
            **{name: float(logs[name]) for name in ("loss", "accuracy", "val_loss", "val_accuracy")},
        }
        if not math.isfinite(entry["val_loss"]):  # the last step of the epoch broke it
            raise Diverged(
                f"The validation loss became {entry['val_loss']} in epoch {entry['epoch']}. "
                "Choose a lower learning rate."
            )
        self.history.append(entry)
        self.listener.epoch(entry)
        score = entry["val_accuracy"], -entry["val_loss"]
        if score > self.best_score:
            self.best_score, self.best_epoch, self.best_weights = score, entry["epoch"], self.model.get_weights()


def fit(
    model: keras.Model,
    data: Data,
    options: Options,
    listener: Listener,
    *,
    learning_rate: float,
    phase: str,
    first_epoch: int = 0,
    start_counts: bool = False,
) -> _Watch:
    """Train with Adam and leave the model with the weights of its best epoch.

    Best is the highest validation accuracy, the lower loss among equals. (The loss alone would punish a network that
    grows sure of itself: trained from scratch it often takes an early epoch that answers at random.)

    Args:
        model: Ends in probabilities.
        data: What it sees and should say.
        options: Epochs, batch size.
        listener: Is told, and may stop it.
        learning_rate: Adam's.
        phase: Name in the history.
        first_epoch: Epochs that came before, for counting on.
        start_counts: The weights it starts with are a candidate for the best.

    Raises:
        Diverged: If the loss is not a number.
    """
    model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    replicas = model.distribute_strategy.num_replicas_in_sync
    data, batch_size = data.evenly(replicas), replicas * math.ceil(options.batch_size / replicas)
    start = _NOTHING
    if start_counts:
        logs = model.evaluate(data.validation, data.validation_labels, batch_size, verbose=0, return_dict=True)
        start = logs["accuracy"], -logs["loss"]
    watch = _Watch(listener, phase, first_epoch, start)
    model.fit(
        data.train,
        data.train_labels,
        validation_data=(data.validation, data.validation_labels),
        epochs=options.epochs,
        batch_size=batch_size,
        callbacks=[watch],
        verbose=0,
    )
    if watch.best_weights is not None:
        model.set_weights(watch.best_weights)
    return watch


# The arms -----------------------------------------------------------------------------------------------------------


def train_head(features: Data, classes: int, options: Options, listener: Listener) -> tuple[keras.Model, _Watch]:
    """Train a linear classifier on fixed features `(N, channels)`."""
    keras.utils.set_random_seed(options.seed)
    head = keras.Sequential([keras.Input(features.train.shape[1:]), *_head_layers(classes)], name="head")
    return head, fit(head, features, options, listener, learning_rate=options.head_learning_rate, phase="head")


def frozen(base: keras.Model, head: keras.Model, watch: _Watch) -> Arm:
    """Put the trained head on the fixed features."""
    base.trainable = False
    model = _with_head(base, head)
    head_params = sum(math.prod(weight.shape) for weight in head.trainable_weights)
    return Arm(model, watch.history, head_params, model.count_params(), best_epoch=watch.best_epoch)


def fine_tuned(
    base: keras.Model,
    head: keras.Model,
    watch: _Watch,
    pixels: Data,
    options: Options,
    listener: Listener,
    prepare: Callable[[keras.Model, np.ndarray], np.ndarray],
) -> Arm:
    """Train the topmost blocks on, from a network whose head is trained.

    Every BatchNorm layer is frozen by its own `trainable=False`: that is the only thing that keeps its moving
    statistics in Keras 3.

    Args:
        base: Pretrained network, changed in place.
        head: Trained classifier of its features, changed in place.
        watch: How the head was trained.
        pixels: uint8 pictures.
        options: Blocks to unfreeze, learning rate, augmentation.
        listener: Is told, and may stop it.
        prepare: Runs fixed lower blocks over pictures, so that it is done once and not every epoch.
    """
    keras.utils.set_random_seed(options.seed)
    cut = backbones.backbone(options.backbone).block_starts[-options.unfreeze_blocks]
    boundary = base.get_layer(cut).input
    thaw_above(base, boundary)
    model = _with_head(base, head)
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    seconds, started = {}, time.perf_counter()
    data, trained = pixels, model
    pictures = len(pixels.train) + len(pixels.validation)
    if options.augment:
        trained = keras.Model(base.input, model(augmentation(options.seed)(base.input)), name="augmented")
    elif 4 * math.prod(boundary.shape[1:]) * pictures <= CACHE_LIMIT:
        lower = keras.Model(base.input, boundary, name="lower")
        data = pixels.mapped(lambda batch: prepare(lower, batch))
        trained = keras.Model(boundary, model.output, name="upper")
        seconds["feature_maps"] = time.perf_counter() - started
    second = fit(
        trained,
        data,
        options,
        listener,
        learning_rate=options.fine_tune_learning_rate,
        phase="blocks",
        first_epoch=len(watch.history),
        start_counts=True,
    )
    return Arm(model, watch.history + second.history, trainable, model.count_params(), seconds, second.best_epoch)


def scratch(base: keras.Model, classes: int, pixels: Data, options: Options, listener: Listener) -> Arm:
    """Train a network of the same architecture from random weights."""
    keras.utils.set_random_seed(options.seed)
    head = keras.Sequential([keras.Input((base.output.shape[-1],)), *_head_layers(classes)], name="head")
    model = _with_head(base, head)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9  # at 0.99 a few hundred steps leave the statistics near their start
    trained = model
    if options.augment:
        trained = keras.Model(base.input, model(augmentation(options.seed)(base.input)), name="augmented")
    watch = fit(trained, pixels, options, listener, learning_rate=options.head_learning_rate, phase="all")
    params = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return Arm(model, watch.history, params, model.count_params(), best_epoch=watch.best_epoch)


def thaw_above(base: keras.Model, boundary: Any) -> None:
    """Make the layers between `boundary` and the output trainable, BatchNorm excepted; fix all others."""
    upper = {layer.name for layer in keras.Model(boundary, base.output).layers}
    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer.name in upper and not isinstance(layer, layers.BatchNormalization)


def augmentation(seed: int) -> keras.Sequential:
    """Return layers that mirror, shift and zoom pictures a little while training, and do nothing otherwise.

    Each has a seed of its own: with one for all, what is mirrored would always be zoomed the same way.
    """
    return keras.Sequential(
        [
            layers.RandomFlip("horizontal", seed=seed),
            layers.RandomTranslation(0.1, 0.1, fill_mode="reflect", seed=seed + 1),
            layers.RandomZoom(0.15, fill_mode="reflect", seed=seed + 2),
        ],
        name="augmentation",
    )


def _head_layers(classes: int) -> list[keras.layers.Layer]:
    return [
        layers.Dropout(DROPOUT, name="dropout"),
        # Softmax in float32: under mixed precision small probabilities would vanish.
        layers.Dense(classes, activation="softmax", name="probabilities", dtype="float32"),
    ]


def _with_head(base: keras.Model, head: keras.Model) -> keras.Model:
    x = layers.GlobalAveragePooling2D(name="pool", dtype="float32")(base.output)
    for layer in head.layers:  # one flat graph: every layer reachable by name, in the download too
        x = layer(x)
    return keras.Model(base.input, x, name=base.name)
