"""What a reader takes home: the model, what is needed to use it and to repeat it; and how that comes back."""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_core.arithmetic.tables import csv_text
from cnn_core.networks import devices
from cnn_core.networks.backbones import Backbone, build, weights_id
from cnn_core.pictures import bursts, kept, limits
from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.images import ImageRefused
from cnn_core.pictures.intake import Intake
from cnn_core.pictures.items import SpecRefused, flaw, quoted
from cnn_core.pictures.trees import Placed
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.heads import Head, packed, unpacked
from cnn_core.training.transfer import documents, web
from cnn_core.training.transfer.headline import balanced
from cnn_core.training.transfer.results import Arm, Transfer
from cnn_core.training.transfer.spec import Experiment

if TYPE_CHECKING:
    import keras

SETTINGS = "settings/experiment.json"
LITERT = ("tflite", "int8")  # of keys.FORMATS
FORMAT_TITLES = {
    "keras": "Keras",
    "tflite": "LiteRT (float)",
    "int8": "LiteRT (8-bit weights)",
    "onnx": "ONNX",
}


class BundleRefused(ValueError):
    """A file that is no bundle of ours, or a damaged one; the text says what to do."""


class NoPage(ValueError):
    """A network that cannot be had as a page (yet); the text says what to do."""


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


def save_head(store: Store, run_id: str, arm: str, head: Head, total_params: int) -> int:
    """Keep a frozen arm by its head, the rest being there already; return the size of its weights in bytes."""
    store.remove(keys.file(run_id, arm))  # of an attempt before
    store.write(keys.head(run_id, arm), packed([head]))
    return 4 * total_params


def kept_head(store: Store, run_id: str, arm: str) -> Head | None:
    """Return the head by which a frozen arm is kept, None if a whole network is."""
    key = keys.head(run_id, arm)
    return unpacked(store.read(key))[0] if store.exists(key) else None


def has_network(store: Store, run_id: str, arm: str) -> bool:
    """Tell whether an arm's network is there, whole or by its head."""
    return store.exists(keys.file(run_id, arm)) or store.exists(keys.head(run_id, arm))


def network_file(store: Store, run: Run, arm: str) -> bytes:
    """Return an arm's `.keras` file; that of a frozen arm is written now, if nobody has wanted it before."""
    key = keys.file(run.id, arm)
    if not store.exists(key) and (head := kept_head(store, run.id, arm)):
        from cnn_core.training.transfer.training import with_head

        save_model(store, run.id, arm, with_head(_body(run.spec["options"]["backbone"]), head))
    return store.read(key)


@lru_cache(maxsize=1)
def _body(backbone: str) -> "keras.Model":
    """The pretrained network under every frozen arm; of a process that is asked for one arm after another."""
    devices.import_keras()
    return build(backbone)


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


def is_current(entry: Mapping[str, Any]) -> bool:
    """Tell whether a format's entry of a self-test still says what a new test would.

    What was not installed then may be now; and until version 0.2 a LiteRT file took any number of pictures at once,
    which a browser's LiteRT does not take: it has no `batch`.

    Example:
        >>> is_current({"name": "onnx", "words": "not installed"}), is_current({"name": "onnx", "file": "frozen.onnx"})
        (False, True)
        >>> old = {"name": "tflite", "file": "frozen.tflite"}
        >>> is_current(old), is_current(old | {"batch": 1})
        (False, True)
    """
    return "file" in entry and (entry["name"] not in LITERT or entry.get("batch") == 1)


def bundle(
    store: Store,
    run: Run,
    arm: str,
    record: Backbone,
    *,
    pictures: bool = True,
    formats: Collection[str] = keys.FORMATS,
    page: bool = False,
) -> bytes:
    """Return a zip with the network and all that belongs to it.

    `<arm>.keras`, `labels.json`; `predict.py` and `train.py` with what they need (`documents.scripts`); `metrics.csv`,
    `epochs.csv`, `model_card.md`, `notebook.ipynb`, `settings/experiment.json`; of a fine-tuned arm of the embedded
    network `backbone.keras`, which it began with, unless the run is of version 0.1; those of the other formats that
    passed the test of `formats.export_formats`, and its `selftest.json`; the pictures by their digests, which
    `train.py`, the notebook and `read_bundle` need; and `web/`, a page that runs it in any browser.

    Args:
        store: Holds them.
        run: A finished run.
        arm: One of its arms.
        record: Its backbone.
        pictures: Put the pictures in.
        formats: Which of keys.FORMATS to put in beside `.keras`, if they passed.
        page: Put `web/` in.

    Raises:
        NoPage: If there can be none.
    """
    self_test, found = self_test_of(store, run.id, arm), Transfer.from_json(run.result)
    passed = {entry["name"] for entry in (self_test or {"formats": ()})["formats"] if entry["passed"]}
    in_web = web_page(store, run, arm, record, pictures=pictures) if page else {}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, pattern in keys.FORMATS.items():
            if name == "keras" or name in passed.intersection(formats):  # they hardly shrink: stored as they are
                data = network_file(store, run, arm) if name == "keras" else store.read(keys.file(run.id, arm, name))
                archive.writestr(pattern.format(arm=arm), data)
        if begun_from := begun_with(store, arm, record):
            archive.writestr(documents.BACKBONE_FILE, store.read(begun_from))
        archive.writestr("labels.json", json.dumps(found.classes, ensure_ascii=False, indent=1))
        for name, text in documents.scripts(run, arm, record).items():
            archive.writestr(name, text)
        archive.writestr("metrics.csv", metrics_csv(found.arms))
        archive.writestr("epochs.csv", epochs_csv(found.arms))
        archive.writestr("model_card.md", documents.model_card(run, arm, record, self_test, page=page))
        archive.writestr("notebook.ipynb", documents.notebook(run, arm))
        if self_test:
            archive.writestr("selftest.json", json.dumps(self_test, ensure_ascii=False, indent=1))
        archive.writestr(SETTINGS, json.dumps(documents.experiment_settings(run, arm), ensure_ascii=False, indent=1))
        if pictures:
            for digest in sorted({digest for digest, *_ in run.spec["items"]}):
                data, suffix = kept.file(store, digest)
                archive.writestr(f"pictures/{digest}.{suffix}", data)
        for name, content in in_web.items():
            archive.writestr(f"{web.FOLDER}{name}", content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def begun_with(store: Store, arm: str, record: Backbone) -> str:
    """Return the key of the network that an arm began with, where `bundle` puts it in; empty where it does not."""
    key = keys.backbone(weights_id(record.name))
    return key if documents.backbone_of(arm, record) == documents.BACKBONE_FILE and store.exists(key) else ""


def has_page(self_test: Mapping[str, Any] | None) -> bool:
    """Tell whether a network can be had as a page: as LiteRT file it must have passed its test."""
    entries = (self_test or {"formats": ()})["formats"]
    return any(entry["name"] == "tflite" and entry["passed"] and is_current(entry) for entry in entries)


def web_page(store: Store, run: Run, arm: str, record: Backbone, *, pictures: bool = True) -> dict[str, bytes]:
    """Return the page that runs an arm's network in any browser, file by file.

    Args:
        store: Holds them.
        run: A finished run.
        arm: One of its arms.
        record: Its backbone.
        pictures: Put the test pictures in by which the page compares its answers to ours.

    Raises:
        NoPage: If its LiteRT file was not tested, or did not pass.
    """
    self_test = self_test_of(store, run.id, arm)
    if self_test is None or not has_page(self_test):
        raise NoPage(f"The page needs a LiteRT file of {arm} that has passed its test. Test the exports first.")
    shown = {}
    for picture in self_test["parity"] if pictures else ():
        shown[picture["url"]], _ = kept.file(store, Path(picture["url"]).stem)
    network = store.read(keys.file(run.id, arm, "tflite"))
    return web.page(run, arm, record, network, self_test["parity"], shown)


def network_folder(store: Store, run: Run, arm: str, record: Backbone, name: str) -> dict[str, bytes]:
    """Return an arm's network in one of keys.FORMATS with what is needed to ask it, file by file.

    Args:
        store: Holds it.
        run: A finished run.
        arm: One of its arms.
        record: Its backbone.
        name: Of the format, which has passed its test.
    """
    file, self_test = keys.FORMATS[name].format(arm=arm), self_test_of(store, run.id, arm)
    texts = documents.scripts(run, arm, record, file)
    del texts["train.py"]  # it needs the pictures and the settings, too: a bundle has them
    texts["labels.json"] = json.dumps(Transfer.from_json(run.result).classes, ensure_ascii=False, indent=1)
    texts["model_card.md"] = documents.model_card(run, arm, record, self_test)
    data = network_file(store, run, arm) if name == "keras" else store.read(keys.file(run.id, arm, name))
    return {file: data} | {name: text.encode() for name, text in texts.items()}


# Back from a bundle -------------------------------------------------------------------------------------------------


def is_bundle(taken: Intake) -> bool:
    """Tell whether a zip looks like one of `bundle`'s."""
    return any(file.found.path == SETTINGS for file in taken.files)


def read_bundle(
    taken: Intake, name: str, store: Store, decoders: Decoders, most: int = limits.SET_PICTURES
) -> Experiment:
    """Take pictures, classes and settings out of a bundle; weights and code in it are not looked at.

    Args:
        taken: The zip, untrusted, of which only the table of contents was read (`intake.from_zip`).
        name: Its file name, for the messages.
        store: Where the pictures go.
        decoders: Unpack and decode.
        most: Pictures that a set may hold.

    Returns:
        The experiment, ready to run.

    Raises:
        BundleRefused: If it is none of ours or damaged.
        NotKept: If the store takes a picture no more.
    """
    found = {file.found.path: file.found for file in taken.files}
    if SETTINGS not in found:
        raise BundleRefused(f"{name} has no {SETTINGS}. Choose the zip that ConvScope made of a trained network.")
    try:
        if refusal := found[SETTINGS].refusal:
            raise refusal
        origin = taken.origin(found[SETTINGS])
        settings = decoders.extract(SETTINGS, path=origin["path"], member=origin["member"])
    except ImageRefused as refusal:
        raise BundleRefused(f"The settings of {name} cannot be read: {refusal}") from refusal
    experiment = _experiment(settings, name)
    different = {item.digest: item for item in experiment.items}
    if len(experiment.items) > most:
        raise BundleRefused(
            f"{name} has {len(experiment.items):,} pictures; a set holds at most {most:,}. "
            "Train longer sets from the command line."
        )
    files = {Path(path).stem: entry for path, entry in found.items() if path.startswith("pictures/")}
    if missing := sorted(different.keys() - files.keys()):
        raise BundleRefused(
            f"{name} lacks {len(missing)} of its pictures, such as {missing[0]}. Download it with its pictures."
        )
    pictures = Intake([Placed(files[digest], "", "", "", files[digest].refusal) for digest in different], taken.origin)
    lines = pictures.lines(decoders, lambda picture: kept.keep(store, picture))
    for item, line in zip(different.values(), lines, strict=True):
        if not line.accepted:
            raise BundleRefused(f"A picture of {name} is damaged: {line}")
        if line.digest != item.digest:
            raise BundleRefused(
                f"The picture {item.name!r} of {name} is another than it was. Download the bundle again."
            )
    return experiment


def _experiment(settings: bytes, name: str) -> Experiment:
    try:
        values = json.loads(settings)
        texts = [(values["source"], "the set")]
        for _, label, file_name, *_ in values["items"]:
            texts += [(label, "a class"), (file_name, "a picture")]
        for text, what in texts:
            if trouble := flaw(text):
                raise ValueError(f"{what} {trouble}")
        experiment = Experiment.from_json(values)
        if unknown := {item.part for item in experiment.items} - {"", "train", "validation", "test"}:
            raise ValueError(f"there is no part {quoted(min(unknown))} of a set")
        if odd := [item.digest for item in experiment.items if not re.fullmatch("[0-9a-f]{64}", item.digest)]:
            raise ValueError(f"{quoted(odd[0])} is the content of no picture")
        if odd := [item.burst for item in experiment.items if item.burst and not bursts.ID.fullmatch(item.burst)]:
            raise ValueError(f"{quoted(odd[0])} is no recording")
    except SpecRefused:
        raise
    except (UnicodeDecodeError, KeyError, TypeError, AttributeError, RecursionError) as error:  # in Python's words
        what = "it is not what ConvScope writes there"
        raise BundleRefused(f"{SETTINGS} in {name} is damaged ({what}). Download the bundle again.") from error
    except ValueError as error:
        raise BundleRefused(f"{SETTINGS} in {name} is damaged ({error}). Download the bundle again.") from error
    return experiment


def metrics_csv(arms: Mapping[str, Arm]) -> str:
    """Return the test figures as CSV, one row an arm."""
    columns = ("arm", "test_accuracy", "interval_low", "interval_high", "correct", "best_epoch")
    balance = ("balanced_accuracy",)  # last, so that the columns of earlier downloads stay where they were
    costs = ("trainable_params", "total_params", "train_seconds", "feature_seconds")
    rows = [
        (
            *(name, arm.accuracy.value, arm.accuracy.low, arm.accuracy.high, arm.accuracy.correct, arm.best_epoch),
            *(arm.trainable_params, arm.total_params, arm.seconds["training"], arm.seconds["features"]),
            balanced(arm.per_class),
        )
        for name, arm in arms.items()
    ]
    return csv_text((*columns, *costs, *balance), rows)


def epochs_csv(arms: Mapping[str, Arm]) -> str:
    """Return the way there as CSV, one row an epoch and arm."""
    columns = ("phase", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")
    rows = [(name, *(getattr(epoch, c) for c in columns)) for name, arm in arms.items() for epoch in arm.history]
    return csv_text(("arm", *columns), rows)
