"""What a reader takes home: the model, what is needed to use it and to repeat it; and how that comes back."""

import io
import json
import tempfile
import zipfile
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_core.arithmetic.tables import csv_text
from cnn_core.networks.backbones import Backbone, weights_id
from cnn_core.pictures import sets
from cnn_core.pictures.archives import Entry, read_zip
from cnn_core.pictures.images import ImageRejected, decode
from cnn_core.pictures.items import SpecRefused
from cnn_core.store import keys
from cnn_core.store.runs import Run, Store
from cnn_core.training.transfer import documents
from cnn_core.training.transfer.results import Arm, Transfer
from cnn_core.training.transfer.spec import Experiment

if TYPE_CHECKING:
    import keras

SETTINGS = "settings/experiment.json"  # in a folder: `archives.read_zip` takes files in folders only


class BundleRefused(ValueError):
    """A file that is no bundle of ours, or a damaged one; the text says what to do."""


def in_float32(model: "keras.Model") -> "keras.Model":
    """Return the network as others can use it: itself, or a copy of one of mixed precision that computes in float32.

    Its weights are float32 anyway. LiteRT and many a phone know no float16 arithmetic, and without tensor cores it is
    slower.

    Source:
        Keras guide "Mixed precision": variables are kept in float32, only computations are in float16.
    """
    import keras

    computing = (layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer))
    if all(layer.dtype_policy.name == "float32" for layer in computing):
        return model

    def plain(layer: Any) -> Any:
        config = layer.get_config()
        return type(layer).from_config(config | {"dtype": "float32"} if "dtype" in config else config)

    copy = keras.models.clone_model(model, clone_function=plain, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def save_model(store: Store, run_id: str, arm: str, model: "keras.Model") -> int:
    """Write a network in Keras' own format, in float32, without optimizer; return its size in bytes."""
    data = _keras_file(in_float32(model))
    store.write(keys.file(run_id, arm), data)
    return len(data)


def keep_backbone(store: Store, record: Backbone, base: "keras.Model") -> None:
    """Keep the pretrained network that a fine-tuned arm begins with, once for all runs: `train.py` needs it.

    Args:
        store: Where it is kept.
        record: Its facts; a network of `keras.applications` is fetched from there again and not kept.
        base: The network without its head.
    """
    import keras

    key = keys.backbone(weights_id(record.name))
    if record.embedded and not store.exists(key):
        pool = keras.layers.GlobalAveragePooling2D(name="pool")  # where `train.py` looks for the end of a body
        whole = keras.Model(base.input, pool(base.output), name=base.name)
        store.write(key, _keras_file(in_float32(whole)))


def _keras_file(model: "keras.Model") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path, include_optimizer=False)
        return path.read_bytes()


def self_test_of(store: Store, run_id: str, arm: str) -> dict[str, Any] | None:
    """Return the self-test of an arm's exports, None if it was not carried out."""
    key = keys.self_test(run_id, arm)
    found: dict[str, Any] | None = json.loads(store.read(key)) if store.exists(key) else None
    return found


def bundle(
    store: Store,
    run: Run,
    arm: str,
    record: Backbone,
    *,
    pictures: bool = True,
    formats: Collection[str] = keys.FORMATS,
) -> bytes:
    """Return a zip with the network and all that belongs to it.

    `<arm>.keras`, `labels.json`; `predict.py` and `train.py` with what they need (`documents.scripts`); `metrics.csv`,
    `epochs.csv`, `model_card.md`, `notebook.ipynb`, `settings/experiment.json`; of a fine-tuned arm of the embedded
    network `backbone.keras`, which it began with, unless the run is of version 0.1; those of the other formats that
    passed the test of `formats.export_formats`, and its `selftest.json`; and `pictures/<digest>.png`, which
    `train.py`, the notebook and `read_bundle` need.

    Args:
        store: Holds them.
        run: A finished run.
        arm: One of its arms.
        record: Its backbone.
        pictures: Put the pictures in.
        formats: Which of keys.FORMATS to put in beside `.keras`, if they passed.
    """
    self_test, found = self_test_of(store, run.id, arm), Transfer.from_json(run.result)
    passed = {entry["name"] for entry in (self_test or {"formats": ()})["formats"] if entry["passed"]}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, pattern in keys.FORMATS.items():
            if name == "keras" or name in passed.intersection(formats):  # they hardly shrink: stored as they are
                archive.writestr(pattern.format(arm=arm), store.read(keys.file(run.id, arm, name)))
        kept = keys.backbone(weights_id(record.name))
        if documents.backbone_of(arm, record) == documents.BACKBONE_FILE and store.exists(kept):
            archive.writestr(documents.BACKBONE_FILE, store.read(kept))
        archive.writestr("labels.json", json.dumps(found.classes, ensure_ascii=False, indent=1))
        for name, text in documents.scripts(run, arm, record).items():
            archive.writestr(name, text)
        archive.writestr("metrics.csv", metrics_csv(found.arms))
        archive.writestr("epochs.csv", epochs_csv(found.arms))
        archive.writestr("model_card.md", documents.model_card(run, arm, record, self_test))
        archive.writestr("notebook.ipynb", documents.notebook(run, arm))
        if self_test:
            archive.writestr("selftest.json", json.dumps(self_test, ensure_ascii=False, indent=1))
        archive.writestr(SETTINGS, json.dumps(documents.experiment_settings(run, arm), ensure_ascii=False, indent=1))
        if pictures:
            for digest in sorted({digest for digest, *_ in run.spec["items"]}):
                archive.writestr(f"pictures/{digest}.png", store.read(keys.picture(digest)))
    return buffer.getvalue()


# Back from a bundle -------------------------------------------------------------------------------------------------


def is_bundle(data: bytes) -> bool:
    """Tell whether a zip that `archives.read_zip` has let pass looks like one of `bundle`'s."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return SETTINGS in archive.namelist()


def read_bundle(data: bytes, name: str, store: Store) -> Experiment:
    """Take pictures, classes and settings out of a bundle; weights and code in it are not looked at.

    Args:
        data: The zip, untrusted.
        name: Its file name, for the messages.
        store: Where the pictures go.

    Returns:
        The experiment, ready to run.

    Raises:
        ArchiveRejected: If it is no zip archive or asks for too much.
        BundleRefused: If it is none of ours or damaged.
    """
    entries = {entry.name: entry.data for entry in read_zip(data, name) if isinstance(entry, Entry)}
    return _restored(entries, name, store)


def _restored(entries: Mapping[str, bytes], name: str, store: Store) -> Experiment:
    if SETTINGS not in entries:
        raise BundleRefused(f"{name} has no {SETTINGS}. Choose the zip that ConvScope made of a trained network.")
    try:
        settings = json.loads(entries[SETTINGS])
        if not all(isinstance(text, str) for text in (settings["source"], *chain.from_iterable(settings["items"]))):
            raise TypeError("a name or label is no text")
        experiment = Experiment.from_json(settings)
        if unknown := {item.part for item in experiment.items} - {"", "train", "validation", "test"}:
            raise ValueError(f"there is no part {min(unknown)!r} of a set")
    except SpecRefused:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleRefused(f"{SETTINGS} in {name} is damaged ({error}). Download the bundle again.") from error
    missing = sorted({i.digest for i in experiment.items} - {Path(path).stem for path in _pictures(entries)})
    if missing:
        raise BundleRefused(
            f"{name} lacks {len(missing)} of its pictures, such as {missing[0]}.png. Download it with its pictures."
        )
    for item in {item.digest: item for item in experiment.items}.values():
        try:
            picture = decode(entries[f"pictures/{item.digest}.png"], item.name)
        except ImageRejected as rejection:
            raise BundleRefused(f"A picture of {name} is damaged: {rejection}") from rejection
        if picture.digest != item.digest:
            raise BundleRefused(
                f"The picture {item.name!r} of {name} is another than it was. Download the bundle again."
            )
        sets.keep(store, picture, item.label, item.part)
    return experiment


def _pictures(entries: Iterable[str]) -> list[str]:
    return [path for path in entries if path.startswith("pictures/")]


def metrics_csv(arms: Mapping[str, Arm]) -> str:
    """Return the test figures as CSV, one row an arm."""
    columns = ("arm", "test_accuracy", "interval_low", "interval_high", "correct", "best_epoch")
    costs = ("trainable_params", "total_params", "train_seconds", "feature_seconds")
    rows = [
        (
            *(name, arm.accuracy.value, arm.accuracy.low, arm.accuracy.high, arm.accuracy.correct, arm.best_epoch),
            *(arm.trainable_params, arm.total_params, arm.seconds["training"], arm.seconds["features"]),
        )
        for name, arm in arms.items()
    ]
    return csv_text((*columns, *costs), rows)


def epochs_csv(arms: Mapping[str, Arm]) -> str:
    """Return the way there as CSV, one row an epoch and arm."""
    columns = ("phase", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")
    rows = [(name, *(getattr(epoch, c) for c in columns)) for name, arm in arms.items() for epoch in arm.history]
    return csv_text(("arm", *columns), rows)
