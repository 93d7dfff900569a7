"""LeNet-5 trained on the digits, and asked, layer by layer, about a digit that somebody draws.

Source:
    LeCun, Bottou, Bengio & Haffner 1998, Gradient-Based Learning Applied to Document Recognition, section II.B.
"""

import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from cnn_core.networks import devices
from cnn_core.networks.zoo.lenet import lenet5
from cnn_core.store import keys
from cnn_core.store.report import Outcome, Report
from cnn_core.store.runs import Run, Store
from cnn_core.training.studies.digits import Digits, digits, enlarged, like_the_digits
from cnn_core.training.studies.published import SHIPPED_LENET
from cnn_core.training.studies.spec import LeNet
from cnn_core.training.studies.training import Trainer, batches
from cnn_core.training.transfer.answers import NoModel, load_model
from cnn_core.training.transfer.evaluation import wilson_interval
from cnn_core.training.transfer.export import save_model

ARM = "lenet5"
SIZE, BORDER = 28, 2  # 32 × 32 with a margin, as in the paper
MAX_POINTS = 240  # of the curve of batches
FIRST = "c1"


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Train LeNet-5.

    Args:
        run: Its spec is a `spec.LeNet` as JSON.
        store: Receives the network, for `read_digit`.
        report: Is told `phase`, `fraction`, `curves` (`batches`, `epochs`) and `kernels` (the newest).

    Returns:
        The result and the environment. `epochs`: `epoch`, `train_loss`, `train_error`, `test_error`, `seconds`;
        `batches`: epochs done, loss, error; `kernels`: the six first ones `(5, 5)` before training and after each
        epoch; `confusion`: rows are digits, columns what was said; `errors`: `index` in scikit-learn's set, `digit`,
        `said`, `probability` (of what was said) and `pixels`, ink 0 to 16; `correct`, `total`, `test_accuracy`,
        `test_interval` (95 %), `params`, `model_bytes`. A stopped run is measured as it is.
    """
    started = time.perf_counter()
    found = devices.find()
    spec = LeNet.from_json(run.spec)
    report.update(reaction=10)
    report.update(phase="preparing", fraction=0.0, curves={"batches": [], "epochs": []})
    data = digits(SIZE, BORDER)
    trainer = Trainer(lenet5, keras.optimizers.Adam(spec.learning_rate))
    history = _train(trainer, data, spec, report)
    result = history | _test(trainer, data) | {"params": trainer.model.count_params()}
    result["model_bytes"] = save_model(store, run.id, ARM, trainer.model)
    report.update(phase="done", fraction=1.0)
    result["seconds"] = round(time.perf_counter() - started, 3)
    return Outcome(result, devices.environment(found) | {"seed": spec.seed})


def _train(trainer: Trainer, data: Digits, spec: LeNet, report: Report) -> dict[str, Any]:
    trainer.start(spec.seed)
    rng = np.random.default_rng(spec.seed)
    steps = len(data.train) // spec.batch_size
    stride = -(-steps * spec.epochs // MAX_POINTS)
    epochs: list[dict[str, Any]] = []
    points: list[list[float]] = []
    recent: list[tuple[float, float]] = []
    kernels = [_kernels(trainer.model)]

    def listen(batch: int, loss: float, error: float) -> bool:
        recent.append((loss, error))
        if len(recent) == stride:  # a point is the mean of so many batches
            done = len(epochs) + batch / steps
            points.append([round(done, 4), *(float(mean) for mean in np.mean(recent, axis=0))])
            recent.clear()
        fraction = (len(epochs) + batch / steps) / spec.epochs
        report.update(fraction=fraction, curves={"batches": list(points), "epochs": list(epochs)})
        return report.should_stop

    report.update(phase="training", kernels=kernels[-1])
    for number in range(1, spec.epochs + 1):
        started = time.perf_counter()
        shown = batches(data.train, data.train_labels, spec.batch_size, rng)
        epoch = trainer.epoch(_shifted(shown, spec.shift, rng), listen)
        if epoch is None:
            break
        figures = {
            "epoch": number,
            "train_loss": epoch.loss,
            "train_error": epoch.error,
            "test_error": trainer.error(data.test, data.test_labels),
            "seconds": round(time.perf_counter() - started, 3),
        }
        epochs.append(figures)
        kernels.append(_kernels(trainer.model))
        report.update(curves={"batches": list(points), "epochs": list(epochs)}, kernels=kernels[-1])
    return {"epochs": epochs, "batches": points, "kernels": kernels}


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


def _kernels(model: keras.Model) -> list[Any]:
    """The first layer's kernels, one after the other."""
    kernel = np.asarray(model.get_layer(FIRST).kernel)[:, :, 0]  # (5, 5, 6)
    rounded: list[Any] = np.round(kernel.transpose(2, 0, 1).astype(np.float64), 4).tolist()
    return rounded


def _test(trainer: Trainer, data: Digits) -> dict[str, Any]:
    probabilities = trainer.probabilities(data.test)
    said = probabilities.argmax(axis=1)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (data.test_labels, said), 1)
    small = np.round(16 * digits().test[..., 0]).astype(int)
    errors = [
        {
            "index": int(data.test_indices[i]),
            "digit": int(data.test_labels[i]),
            "said": int(said[i]),
            "probability": float(probabilities[i, said[i]]),
            "pixels": small[i].tolist(),
        }
        for i in np.flatnonzero(said != data.test_labels)
    ]
    correct, total = int(confusion.trace()), len(said)
    return {
        "confusion": confusion.tolist(),
        "errors": sorted(errors, key=lambda error: -error["probability"]),
        "correct": correct,
        "total": total,
        "test_accuracy": correct / total,
        "test_interval": list(wilson_interval(correct, total)),
    }


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
        `(units,)`.

    Raises:
        RunNotFound: If there is no such run.
        NoModel: If it has no network.
        StudyRefused: If the drawing has no ink, or is no drawing.
    """
    small = like_the_digits(drawing)
    if run_id:
        store = Store(location) if location else Store.default()
        try:
            run = store.get(run_id)
            if run.live or not store.exists(keys.file(run_id, ARM)):
                raise NoModel(f"Run {run_id} has no LeNet-5 to ask (its state is {run.state}). Choose another run.")
            model = _trained(store.location, run_id)
        finally:
            store.close()
    else:
        model = _shipped()
    large = np.pad(enlarged(small, SIZE), BORDER)
    inner = keras.Model(model.input, [layer.output for layer in model.layers])
    outputs = [np.asarray(values, np.float32)[0] for values in inner(large[None, ..., None], training=False)]
    maps = [
        {"name": layer.name, "kind": type(layer).__name__, "values": values}
        for layer, values in zip(model.layers, outputs, strict=True)
    ]
    return {
        "small": small,
        "picture": large,
        "probabilities": [float(p) for p in outputs[-1]],
        "maps": maps[1:],  # the first is the input
    }


@lru_cache(maxsize=6)
def _trained(location: str, run_id: str) -> keras.Model:
    store = Store(location)
    try:
        return load_model(store.read(keys.file(run_id, ARM)))
    finally:
        store.close()


@lru_cache(maxsize=1)
def _shipped() -> keras.Model:
    if not SHIPPED_LENET.is_file():
        raise NoModel(f"{SHIPPED_LENET} is not there. Write it: python -m cnn_core.training.studies.precompute lenet")
    return load_model(SHIPPED_LENET.read_bytes())
