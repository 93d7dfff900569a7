"""Short questions of a run's networks, answered in a worker: what would they say of a picture? And their files."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnn_core.networks import backbones, devices
from cnn_core.networks.forward import Network, compiled, features, lower
from cnn_core.pictures.images import square
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training.transfer.export import kept_head, network_file
from cnn_core.training.transfer.results import Transfer

if TYPE_CHECKING:
    import keras

KEPT_MODELS = 6
_networks: "OrderedDict[tuple[str, str, str], Network]" = OrderedDict()


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
        options = run.spec["options"]
        record, blocks = backbones.backbone(options["backbone"]), options["unfreeze_blocks"]
        return {
            arm: _answer(_network(store, run_id, arm, record, blocks), pixels, record, found.classes)
            for arm in found.arms
        }
    finally:
        store.close()


def write_network(run_id: str, arm: str, *, location: str | None = None) -> int:
    """Write an arm's `.keras` file if it is not there yet; return its size in bytes. A question to a worker.

    Args:
        run_id: A finished run.
        arm: One of its arms.
        location: Of the store; by default the one of this process.

    Raises:
        RunNotFound: If there is no such run.
        KeyError: If neither the file nor a head is there.
    """
    store = Store(location) if location else Store.default()
    try:
        return len(network_file(store, store.get(run_id), arm))
    finally:
        store.close()


def ask(
    model: "keras.Model", pixels: np.ndarray, record: backbones.Backbone, classes: Sequence[str]
) -> dict[str, float]:
    """Return a network's probability of each class for a picture, uint8 `(H, W, 3)`."""
    return _answer(compiled(model), pixels, record, classes)


def parts(
    model: "keras.Model", arm: str, record: backbones.Backbone, unfreeze_blocks: int
) -> tuple[Network | None, Network]:
    """Return an arm's network in two: what is fixed, which all runs share, and what was trained above it.

    Args:
        model: Picture → probabilities, in float32.
        arm: Whose; of one from scratch nothing is fixed.
        record: Its backbone.
        unfreeze_blocks: How many blocks the fine-tuned arm has trained.
    """
    if arm == "scratch":
        return None, compiled(model)
    import keras

    if arm == "frozen":
        return features(record), compiled(keras.Model(model.get_layer("pool").output, model.output))
    fixed_blocks = len(record.block_starts) - unfreeze_blocks
    cut = model.get_layer(record.block_starts[fixed_blocks]).input
    return lower(record, fixed_blocks), compiled(keras.Model(cut, model.output))


def _answer(
    network: Network, pixels: np.ndarray, record: backbones.Backbone, classes: Sequence[str]
) -> dict[str, float]:
    probabilities = network(square(pixels, record.input_size, record.crop_fraction)[None])[0]
    return {name: float(p) for name, p in zip(classes, probabilities, strict=True)}


def _network(store: Store, run_id: str, arm: str, record: backbones.Backbone, unfreeze_blocks: int) -> Network:
    """Return a run's network, from memory if it was asked lately."""
    key = (store.location, run_id, arm)
    if key not in _networks:
        fixed, trained = _parts_of(store, run_id, arm, record, unfreeze_blocks)
        _networks[key] = (lambda pictures: trained(fixed(pictures))) if fixed else trained
        while len(_networks) > KEPT_MODELS:
            _networks.popitem(last=False)
    _networks.move_to_end(key)
    return _networks[key]


def _parts_of(
    store: Store, run_id: str, arm: str, record: backbones.Backbone, unfreeze_blocks: int
) -> tuple[Network | None, Network]:
    if head := kept_head(store, run_id, arm):
        return features(record), head.probabilities
    model = load_model(store.read(keys.file(run_id, arm)))
    # Other backbones' own weights need not be on this machine, and a question should not fetch them.
    return parts(model, arm, record, unfreeze_blocks) if record.embedded else (None, compiled(model))


def load_model(data: bytes) -> "keras.Model":
    """Return a network from the bytes of a .keras file; code in the file is not run (Keras' safe mode)."""
    import tempfile
    from pathlib import Path

    devices.import_keras()
    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(data)
        return keras.saving.load_model(path, compile=False)
