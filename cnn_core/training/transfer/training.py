"""The three arms. Each returns a whole network, picture → probabilities, and what happened on the way there.

    scratch      every weight random, every weight trained
    frozen       pretrained features fixed; a linear head fitted to them (`training.heads`, which needs no Keras)
    fine_tuned   the frozen arm's head first; then the topmost blocks at a low learning rate

Source:
    Yosinski et al. 2014, arXiv:1411.1792 (frozen against fine-tuned); Keras guide "Transfer learning and fine-tuning".
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers

from cnn_core.networks import backbones
from cnn_core.training import loop
from cnn_core.training.copies import augmentation
from cnn_core.training.examples import Examples, Inputs
from cnn_core.training.heads import Head, class_weights
from cnn_core.training.loop import Steps
from cnn_core.training.transfer.live import Listener
from cnn_core.training.transfer.spec import Options

_DROPOUT = 0.2

log = logging.getLogger(__name__)


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
    """Inputs and labels of the training and the validation part; inputs are pixels, feature maps or features.

    `others` are further copies of the training part, of which each epoch sees the next one.
    """

    train: Inputs
    train_labels: np.ndarray
    validation: Inputs
    validation_labels: np.ndarray
    others: Sequence[Inputs] = ()


@dataclass(frozen=True)
class Keeper:
    """Where the newest checkpoint of an arm is kept until it is trained to its end.

    `resumed` is told, when a training goes on from it, after how many epochs it does.
    """

    save: Callable[[bytes], None]
    load: Callable[[], bytes | None]
    resumed: Callable[[int], None] = lambda epochs: None


@dataclass(frozen=True)
class Trained:
    """What happened while weights were trained; the network has those of the best epoch."""

    history: list[dict[str, Any]]
    best_epoch: int


def fit(
    model: keras.Model,
    data: Data,
    options: Options,
    listener: Listener,
    *,
    learning_rate: float,
    phase: str,
    epochs_before: int = 0,
    start_counts: bool = False,
    keeper: Keeper | None = None,
) -> Trained:
    """Train with Adam and leave the model with the weights of its best epoch.

    Args:
        model: Ends in probabilities.
        data: What it sees and should say.
        options: Epochs, batch size, seed.
        listener: Is told, and may stop it; of the epochs before a break it is told again.
        learning_rate: Adam's.
        phase: Name in the history.
        epochs_before: Of the arm, for counting on.
        start_counts: The weights it starts with are a candidate for the best.
        keeper: Has the checkpoint of an attempt that broke off, or none, and receives newer ones.

    Raises:
        Diverged: If the loss is not a number.
    """
    history: list[dict[str, Any]] = []

    def told(epoch: loop.Epoch) -> None:
        history.append({"phase": phase, **asdict(epoch)})
        listener.epoch(history[-1])

    training = loop.Training(
        Steps(
            model,
            [(keras.optimizers.Adam(learning_rate), model.trainable_variables)],
            class_weights(data.train_labels) if options.class_weights else None,
        ),
        Examples(data.train, data.train_labels, data.others),
        options.batch_size,
        options.seed,
        validation=Examples(data.validation, data.validation_labels),
        epochs_before=epochs_before,
    )
    if not _resumed(training, keeper) and start_counts:
        training.start_counts()
    for epoch in training.history:
        told(epoch)
    hearing = loop.Listener(listener.batch, told, listener.should_stop)
    training.run(options.epochs, hearing, keep=keeper.save if keeper else None)
    return Trained(history, training.best.epoch)


def _resumed(training: loop.Training, keeper: Keeper | None) -> bool:
    kept = keeper.load() if keeper else None
    if kept is None:
        return False
    try:
        training.resume(kept)
    except ValueError as trouble:  # of an older version, say: the pictures are all there, so begin anew
        log.warning("A checkpoint is not used, and the training begins anew: %s", trouble)
        return False
    assert keeper
    keeper.resumed(training.epochs_before + len(training.history))
    return True


# The arms -----------------------------------------------------------------------------------------------------------


def frozen(base: keras.Model, head: Head, history: list[dict[str, Any]]) -> Arm:
    """Put a head on the fixed features."""
    base.trainable = False
    model = with_head(base, head)
    return Arm(model, history, math.prod(head.kernel.shape) + len(head.bias), model.count_params(), {}, len(history))


def fine_tuned(
    base: keras.Model,
    head: Head,
    history: list[dict[str, Any]],
    maps: Data,
    options: Options,
    listener: Listener,
    keeper: Keeper | None = None,
) -> Arm:
    """Train the topmost blocks on, from a network whose head is trained.

    Every BatchNorm layer is frozen by its own `trainable=False`: that is the only thing that keeps its moving
    statistics in Keras 3.

    Args:
        base: Pretrained network, changed in place.
        head: Fitted classifier of its features.
        history: How the head was fitted.
        maps: What the fixed lower blocks make of the pictures.
        options: Blocks to unfreeze, learning rate.
        listener: Is told, and may stop it.
        keeper: Keeps checkpoints.
    """
    keras.utils.set_random_seed(options.seed)
    boundary = base.get_layer(backbones.backbone(options.backbone).block_starts[-options.unfreeze_blocks]).input
    thaw_above(base, boundary)
    model = with_head(base, head)
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    second = fit(
        keras.Model(boundary, model.output, name="upper"),
        maps,
        options,
        listener,
        learning_rate=options.fine_tune_learning_rate,
        phase="blocks",
        epochs_before=len(history),
        start_counts=True,
        keeper=keeper,
    )
    return Arm(model, history + second.history, trainable, model.count_params(), best_epoch=second.best_epoch)


def scratch(
    base: keras.Model,
    classes: int,
    pixels: Data,
    options: Options,
    listener: Listener,
    keeper: Keeper | None = None,
) -> Arm:
    """Train a network of the same architecture from random weights."""
    keras.utils.set_random_seed(options.seed)
    model = _joined(base, classes)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9  # at 0.99 a few hundred steps leave the statistics near their start
    trained = model
    if options.augment:
        trained = keras.Model(base.input, model(augmentation(options.seed)(base.input)), name="augmented")
    rate = options.head_learning_rate
    watch = fit(trained, pixels, options, listener, learning_rate=rate, phase="all", keeper=keeper)
    params = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return Arm(model, watch.history, params, model.count_params(), best_epoch=watch.best_epoch)


def thaw_above(base: keras.Model, boundary: Any) -> None:
    """Make the layers between `boundary` and the output trainable, BatchNorm excepted; fix all others."""
    upper = {layer.name for layer in keras.Model(boundary, base.output).layers}
    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer.name in upper and not isinstance(layer, layers.BatchNormalization)


def with_head(base: keras.Model, head: Head) -> keras.Model:
    """Return the whole network, picture → probabilities: a base, and a head as its last layer."""
    model = _joined(base, len(head.bias))
    model.get_layer("probabilities").set_weights(head.dense())
    return model


def _joined(base: keras.Model, classes: int) -> keras.Model:
    x = layers.GlobalAveragePooling2D(name="pool", dtype="float32")(base.output)
    x = layers.Dropout(_DROPOUT, name="dropout")(x)
    # Softmax in float32: under mixed precision small probabilities would vanish.
    x = layers.Dense(classes, activation="softmax", name="probabilities", dtype="float32")(x)
    return keras.Model(base.input, x, name=base.name)  # one flat graph: every layer reachable by name
