"""Train LeNet-5 on the digits; ask it, layer by layer, about a digit that somebody draws."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cnn_core.arithmetic.statistics import share
from cnn_core.networks import devices
from cnn_core.networks.shipped import LENET
from cnn_core.networks.zoo.lenet import lenet5
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome, Report
from cnn_core.store.runs import Store
from cnn_core.training.studies.digits import (
    Digits,
    digits,
    enlarged,
    like_the_digits,
    nearest_seen,
    usual_distance,
)
from cnn_core.training.studies.lenet import ARM, BatchFigures, LeNet, LeNetResult, Misread, Rows
from cnn_core.training.studies.repeats import EpochFigures
from cnn_core.training.studies.training import Trainer, batches
from cnn_core.training.transfer.answers import NoModel, load_model
from cnn_core.training.transfer.export import save_model

SIZE, BORDER = 28, 2  # 32 × 32 with a margin, as in the paper
_MAX_POINTS = 240  # of the curve of batches
_FIRST = "c1"


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Train LeNet-5. A later attempt begins anew: it is one network, and takes seconds.

    Args:
        run: Its spec is a `LeNet` as JSON.
        store: Receives the network, for `read_digit`.
        report: Is told `phase`, `fraction` and `so_far`, the result as far as it has come, with the newest kernels.

    Returns:
        A `LeNetResult` and the environment. A stopped run is measured as it is.
    """
    started = time.perf_counter()
    found = devices.find()
    options = LeNet.from_json(run.spec)
    report.update(reaction=10)
    report.update(phase="preparing", fraction=0.0)
    data = digits(SIZE, BORDER)
    trainer = Trainer(lenet5, keras.optimizers.Adam(options.learning_rate))
    result = _tested(_trained(trainer, data, options, report), trainer, data)
    report.found(result.to_json())
    size = save_model(store, run.id, ARM, trainer.model)
    report.update(phase="done", fraction=1.0)
    result = replace(result, model_bytes=size, seconds=round(time.perf_counter() - started, 3))
    return Outcome(result.to_json(), devices.environment(found) | {"seed": options.seed})


def _trained(trainer: Trainer, data: Digits, options: LeNet, report: Report) -> LeNetResult:
    trainer.start(options.seed)
    rng = np.random.default_rng(options.seed)
    steps = len(data.train) // options.batch_size
    stride = -(-steps * options.epochs // _MAX_POINTS)
    epochs: list[EpochFigures] = []
    points: list[BatchFigures] = []
    recent: list[tuple[float, float]] = []
    kernels = [_kernels(trainer.model)]

    def show() -> None:
        so_far = LeNetResult(tuple(epochs), tuple(points), (kernels[-1],))
        report.update(so_far=so_far.to_json())

    def listen(batch: int, loss: float, error: float) -> bool:
        recent.append((loss, error))
        done = len(epochs) + batch / steps
        if len(recent) == stride:  # a point is the mean of so many batches
            points.append(BatchFigures(round(done, 4), *(float(mean) for mean in np.mean(recent, axis=0))))
            recent.clear()
            show()
        report.update(fraction=done / options.epochs)
        return report.should_stop

    report.update(phase="training")
    show()
    for number in range(1, options.epochs + 1):
        started = time.perf_counter()
        shown = batches(data.train, data.train_labels, options.batch_size, rng)
        epoch = trainer.epoch(_shifted(shown, options.shift, rng), listen)
        if epoch is None:
            break
        test_error = trainer.error(data.test, data.test_labels)
        seconds = round(time.perf_counter() - started, 3)
        epochs.append(EpochFigures(number, epoch.loss, epoch.error, test_error, seconds))
        kernels.append(_kernels(trainer.model))
        show()
    return LeNetResult(tuple(epochs), tuple(points), tuple(kernels))


def _shifted(
    shown: Iterator[tuple[np.ndarray, np.ndarray]], most: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each picture moved by up to so many pixels, paper coming in from the sides."""
    for pictures, labels in shown:
        height, width = pictures.shape[1:3]
        wide = np.pad(pictures, ((0, 0), (most, most), (most, most), (0, 0)))
        places = rng.integers(0, 2 * most + 1, (len(pictures), 2))
        cut = [one[r : r + height, c : c + width] for one, (r, c) in zip(wide, places, strict=True)]
        yield np.stack(cut), labels


def _kernels(model: keras.Model) -> tuple[Rows, ...]:
    """The first layer's kernels, one after the other."""
    kernel = np.asarray(model.get_layer(_FIRST).kernel)[:, :, 0]  # (5, 5, 6)
    rounded = np.round(kernel.transpose(2, 0, 1).astype(np.float64), 4).tolist()
    return tuple(tuple(map(tuple, rows)) for rows in rounded)


def _tested(result: LeNetResult, trainer: Trainer, data: Digits) -> LeNetResult:
    """With all that the test pictures tell."""
    probabilities = trainer.probabilities(data.test)
    said = probabilities.argmax(axis=1)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (data.test_labels, said), 1)
    small = np.round(16 * digits().test[..., 0]).astype(int)
    errors = [
        Misread(
            index=int(data.test_indices[i]),
            digit=int(data.test_labels[i]),
            said=int(said[i]),
            probability=float(probabilities[i, said[i]]),
            pixels=tuple(map(tuple, small[i].tolist())),
        )
        for i in np.flatnonzero(said != data.test_labels)
    ]
    return replace(
        result,
        accuracy=share(int(confusion.trace()), len(said)),
        confusion=tuple(map(tuple, confusion.tolist())),
        errors=tuple(sorted(errors, key=lambda error: -error.probability)),
        params=trainer.model.count_params(),
    )


# A drawn digit -------------------------------------------------------------------------------------------------------


def read_digit(run_id: str, drawing: np.ndarray, *, location: str | None = None) -> dict[str, Any]:
    """Have a drawn digit read, layer by layer.

    Args:
        run_id: A run of this study that has ended; empty for the network that ships, trained at the defaults.
        drawing: float `(H, W)`, 0 (paper) to 1 (ink), of any size.
        location: Of the store; by default the one of this process.

    Returns:
        `small`, float32 `(8, 8)`: the drawing as the digits were made; `picture`, float32 `(32, 32)`: what the network
        gets; `probabilities`, ten floats; `maps`: for each layer `name`, `kind` and `values`, float32 `(H, W, C)` or
        `(units,)`; `seen`: for each digit the training picture most alike, `digit`, `pixels` `(8, 8)` and `distance`;
        `usual`: how near the most alike lies for 99 of 100 test digits.

    Raises:
        RunNotFound: If there is no such run.
        NoModel: If it has no network.
        DrawingRefused: If it has no ink, or is no drawing.
    """
    small = like_the_digits(drawing)
    if run_id:
        store = Store(location) if location else Store.default()
        try:
            run = store.get(run_id)
            if run.live or not store.exists(keys.file(run_id, ARM)):
                raise NoModel(f"Run {run_id} has no LeNet-5 to ask (its state is {run.state}). Choose another run.")
            model = _stored(store.location, run_id)
        finally:
            store.close()
    else:
        model = _shipped()
    large = np.pad(enlarged(small, SIZE), BORDER)
    outputs = [np.asarray(values)[0] for values in _every_layer(model)(large[None, ..., None].astype(np.float32))]
    maps = [
        {"name": layer.name, "kind": type(layer).__name__, "values": values}
        for layer, values in zip(model.layers, outputs, strict=True)
    ]
    return {
        "small": small,
        "picture": large,
        "probabilities": [float(p) for p in outputs[-1]],
        "maps": maps[1:],  # the first is the input
        "seen": [vars(each) for each in nearest_seen(small)],
        "usual": usual_distance(),
    }


@lru_cache(maxsize=6)
def _every_layer(model: keras.Model) -> Callable[[np.ndarray], list[Any]]:
    """One picture → the output of every layer, in one traced graph."""
    inner = keras.Model(model.input, [layer.output for layer in model.layers])
    seen = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    traced: Callable[[np.ndarray], list[Any]] = tf.function(
        lambda picture: inner(picture, training=False), input_signature=[seen], autograph=False
    )
    return traced


@lru_cache(maxsize=6)
def _stored(location: str, run_id: str) -> keras.Model:
    store = Store(location)
    try:
        return load_model(store.read(keys.file(run_id, ARM)))
    finally:
        store.close()


@lru_cache(maxsize=1)
def _shipped() -> keras.Model:
    if not LENET.is_file():
        raise NoModel(f"{LENET} is not there. Write it: python -m cnn_core.training.studies.precompute lenet")
    return load_model(LENET.read_bytes())
