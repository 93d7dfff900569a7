"""A short question, answered in a worker: what would this run's networks say of a picture?"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnn_core.networks import backbones
from cnn_core.networks.forward import compiled
from cnn_core.pictures.images import square
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training.transfer.results import Transfer

if TYPE_CHECKING:
    import keras

KEPT_MODELS = 6
_models: "OrderedDict[tuple[str, str, str], keras.Model]" = OrderedDict()


class NoModel(ValueError):
    """The run has no trained network (yet)."""


def predict(run_id: str, pixels: np.ndarray, *, location: str | None = None) -> dict[str, dict[str, float]]:
    """Return what each trained arm of a run says of a picture.

    Args:
        run_id: A finished run.
        pixels: uint8 `(H, W, 3)`.
        location: Of the store; by default the one of this process.

    Returns:
        For each arm the probability of each class.

    Raises:
        RunNotFound: If there is no such run.
        NoModel: If it has not trained anything.
    """
    store = Store(location) if location else Store.default()
    try:
        run = store.get(run_id)
        found = Transfer.from_json(run.result) if run.result else None
        if not found or not found.arms:
            raise NoModel(f"Run {run_id} has no trained network to ask (its state is {run.state}). Choose another run.")
        record = backbones.backbone(run.spec["options"]["backbone"])
        return {arm: ask(_model(store, run_id, arm), pixels, record, found.classes) for arm in found.arms}
    finally:
        store.close()


def ask(
    model: "keras.Model", pixels: np.ndarray, record: backbones.Backbone, classes: Sequence[str]
) -> dict[str, float]:
    """Return a network's probability of each class for a picture, uint8 `(H, W, 3)`."""
    batch = square(pixels, record.input_size, record.crop_fraction)[None]
    probabilities = compiled(model)(batch)[0]
    return {name: float(p) for name, p in zip(classes, probabilities, strict=True)}


def _model(store: Store, run_id: str, arm: str) -> "keras.Model":
    """Return a run's network, from memory if it was asked lately."""
    key = (store.location, run_id, arm)
    if key not in _models:
        _models[key] = load_model(store.read(keys.file(run_id, arm)))
        while len(_models) > KEPT_MODELS:
            _models.popitem(last=False)
    _models.move_to_end(key)
    return _models[key]


def load_model(data: bytes) -> "keras.Model":
    """Return a network from the bytes of a .keras file; code in the file is not run (Keras' safe mode)."""
    import tempfile
    from pathlib import Path

    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(data)
        return keras.saving.load_model(path, compile=False)
