"""Where a picture speaks for the class that was said and for its own label, and which training pictures it is near.

A study of labels judges every picture by a linear head that was not shown it. That head, which the study has kept, is
laid on the network. Behind a global average and a linear head Grad-CAM's map is the class activation map, over the
number of positions and without what is negative.

Source:
    Selvaraju et al. 2017, arXiv:1610.02391, section 3 and appendix A (Grad-CAM generalises CAM).
"""

from functools import cache, lru_cache
from typing import NoReturn

import keras
import numpy as np
from keras import layers

from cnn_core.networks import backbones
from cnn_core.networks.forward import cached_features, network_input
from cnn_core.networks.inside import weighed
from cnn_core.pictures.items import Item
from cnn_core.pictures.near import loosened
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.heads import Head, unpacked
from cnn_core.training.lab.labels import Evidence, LabelsOptions, LabelsResult, MapPoint, Neighbour
from cnn_core.training.lab.labels_job import NEAREST
from cnn_core.training.lab.probe import fit_within
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.lab.splits import Fold, repeated_folds, usable

MAX_FITTED = 300  # pictures of a study without heads of its own: half a second


class EvidenceRefused(ValueError):
    """There is no such study, or the picture was no part of it."""


def evidence(run_id: str, digest: str, *, location: str | None = None) -> Evidence:
    """Return what a head that was not shown a picture says of it, and why.

    Args:
        run_id: A study of kind `labels` that has come to its map.
        digest: Of one of its pictures.
        location: Of the store; by default the one of this process.

    Raises:
        EvidenceRefused: If the run is no such study, the picture is not in it, or the study is of version 0.1, which
            kept no heads, and of more pictures than one can be fitted to within a second.
        RunNotFound: If there is no such run.
    """
    store = Store(location) if location else Store.default()
    try:
        run = store.get(run_id)
        points = _result(run).map
        if not points:
            raise EvidenceRefused(f"Run {run_id} has no map of its pictures (its state is {run.state}).")
        index = next((i for i, point in enumerate(points) if point.digest == digest), None)
        if index is None:
            raise EvidenceRefused(f"The picture {digest[:12]} took no part in run {run_id}. Choose one of its map.")
        record = backbones.backbone(run.spec["options"]["backbone"])
        batch = network_input(store, [Item(digest, "", "")], record)
    finally:
        store.close()
    features, _, folds = _material(store.location, run_id)
    fold = next(number for number, fold in enumerate(folds) if index in fold.test)
    head = _head(store.location, run_id, fold)
    classes, label = _result(run).classes, points[index].label
    shares = head.probabilities(features[index][None])[0]
    said = classes[int(shares.argmax())]
    return Evidence(
        label,
        said,
        probabilities={name: float(share) for name, share in zip(classes, shares, strict=True)},
        maps={name: grad_cam(_base(record.name), head, batch, classes.index(name)) for name in (said, label)},
        seen=batch[0],
        nearest=_nearest(features, index, folds[fold].train, points),
    )


def _result(run: Run) -> LabelsResult:
    """What a study of labels has found; nothing if the run is another."""
    is_one = run.kind == "lab" and run.spec["options"]["kind"] == LabelsOptions.kind
    return LabelsResult.from_json(run.result) if is_one else LabelsResult()


def grad_cam(base: keras.Model, head: Head, batch: np.ndarray, index: int) -> np.ndarray:
    """Return Grad-CAM's map for a class, at the last feature map of a network under a linear head.

    Args:
        base: Network without classifier, `(1, H, W, 3)` → `(1, h, w, channels)`.
        head: Of the pooled features.
        batch: `(1, H, W, 3)`, 0 to 255.
        index: Of the class.

    Returns:
        float32 `(h, w)`.
    """
    average = layers.GlobalAveragePooling2D(name="pool", dtype="float32")(base.output)
    linear = layers.Dense(len(head.bias), name="logits", dtype="float32")
    model = keras.Model(base.input, linear(average))
    # The head standardises the features first: (f − mean) / scale · kernel + bias, as one linear layer.
    linear.kernel.assign(head.kernel / head.scale[:, None])
    linear.bias.assign(head.bias - (head.mean / head.scale) @ head.kernel)
    last = base.output._keras_history.operation.name
    return weighed(model, last, batch.astype(np.float32), index)


@cache
def _base(name: str) -> keras.Model:
    """The network, kept by this worker: never changed."""
    return backbones.build(name)


@lru_cache(maxsize=4)
def _material(location: str, run_id: str) -> tuple[np.ndarray, np.ndarray, tuple[Fold, ...]]:
    """Features and labels of a study's pictures in the order of its map, and its divisions."""
    store = Store(location)
    try:
        run = store.get(run_id)
        spec, result = LabSpec.read(run.spec, LabelsOptions), _result(run)
        items, _ = usable(spec.items, result.near)
        record = backbones.backbone(spec.options.network)

        def gone() -> NoReturn:
            raise EvidenceRefused(f"The features of run {run_id} are not kept any more. Measure its pictures again.")

        features, _ = cached_features(store, items, record, _precision(run), lambda done: False, extractor=gone)
    finally:
        store.close()
    options = spec.options
    alike, _ = loosened(items, result.near, options.folds)
    folds = repeated_folds(items, options.folds, options.repeats, options.seed, alike)
    # Of the map, not of the pictures: a study may have exchanged labels on purpose.
    labels = np.array([result.classes.index(point.label) for point in result.map or ()], np.int32)
    return features, labels, tuple(folds)


def _precision(run: Run) -> str:
    """In which the study has computed its features: on a GPU's tensor cores not the worker's own that answers here."""
    return "mixed_float16" if "mixed_float16" in run.environment.get("device", "") else "float32"


@lru_cache(maxsize=16)
def _head(location: str, run_id: str, fold: int) -> Head:
    """The head of one division, as the study fitted it."""
    store = Store(location)
    try:
        if store.exists(keys.heads(run_id)):
            return unpacked(store.read(keys.heads(run_id)))[fold]
    finally:
        store.close()
    features, labels, folds = _material(location, run_id)
    if len(labels) > MAX_FITTED:
        raise EvidenceRefused(
            f"Run {run_id} has kept no heads, and to fit one to {len(labels)} pictures takes seconds. "
            "Measure them again."
        )
    train = folds[fold].train
    return fit_within(features[train], labels[train])


def _nearest(
    features: np.ndarray, index: int, train: np.ndarray, points: tuple[MapPoint, ...]
) -> tuple[Neighbour, ...]:
    centred = features.astype(np.float64) - features.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    similar = unit[train] @ unit[index]
    return tuple(
        Neighbour(points[train[i]].digest, points[train[i]].name, points[train[i]].label, float(similar[i]))
        for i in np.argsort(-similar, kind="stable")[:NEAREST]
    )
