# ruff: noqa: TID251
"""What keeping features is worth: the same training with and without, in the same process."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace

import keras
import numpy as np

from cnn_core.networks import backbones
from cnn_core.networks.forward import network_input
from cnn_core.pictures import sets
from cnn_core.store.runs import Store
from cnn_core.training.transfer import experiment as job
from cnn_core.training.transfer import training
from cnn_core.training.transfer.results import Transfer
from cnn_core.training.transfer.spec import Experiment, Options

OPTIONS = Options(epochs=5)
Row = tuple[str, float, float]  # what was done, seconds, validation accuracy


class _Silent:
    """A reader who is not there."""

    should_stop = lost = False

    def update(self, **progress: object) -> None:
        pass

    def found(self, result: object) -> None:
        pass


def frozen() -> Iterator[Row]:
    """The frozen arm for the first time, again, and the way of the tutorials: the whole network, every epoch."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        pictures = Experiment(tuple(sets.read_sample(store, "textures")), OPTIONS, source="textures")
        naive = _by_hand(store, pictures)
        yield "frozen, whole network by fit every epoch (Keras guide)", *naive
        alone = replace(pictures, options=replace(OPTIONS, arms=("frozen",)))
        for name in ("frozen, first run", "frozen, second run: features are kept"):
            yield name, *_run(store, alone, "frozen")
        store.close()


def _run(store: Store, experiment: Experiment, arm: str) -> tuple[float, float]:
    run = store.claim(store.create("transfer", experiment.to_json(), title="benchmark").id, worker="benchmark")
    assert run is not None
    keras.backend.clear_session()
    figures = Transfer.from_json(job.run(run, store, _Silent()).result).arms[arm]
    return figures.seconds["features"] + figures.seconds["training"], figures.history[-1].val_accuracy


def _by_hand(store: Store, experiment: Experiment) -> tuple[float, float]:
    """Keras' guide "Transfer learning": `base.trainable = False`, a head on it, `fit` on pixels."""
    started = time.perf_counter()
    parts = sets.split(experiment.items, OPTIONS.seed)
    record = backbones.backbone(OPTIONS.backbone)
    pixels = {name: network_input(store, getattr(parts, name), record) for name in ("train", "validation")}
    labels = {
        name: np.array([experiment.classes.index(item.label) for item in getattr(parts, name)]) for name in pixels
    }
    keras.utils.set_random_seed(OPTIONS.seed)
    base = backbones.build(OPTIONS.backbone)
    base.trainable = False
    x = keras.layers.GlobalAveragePooling2D()(base(base.input, training=False))
    x = keras.layers.Dropout(training.DROPOUT)(x)
    model = keras.Model(base.input, keras.layers.Dense(len(experiment.classes), activation="softmax")(x))
    model.compile(
        keras.optimizers.Adam(OPTIONS.head_learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    history = model.fit(
        pixels["train"],
        labels["train"],
        batch_size=OPTIONS.batch_size,
        epochs=OPTIONS.epochs,
        verbose=0,
        validation_data=(pixels["validation"], labels["validation"]),
    )
    return time.perf_counter() - started, history.history["val_accuracy"][-1]
