"""What wrong preprocessing costs: for every backbone at hand, on the reader's pictures.

Two prices: how often the network's own ImageNet answer stays the same, and how much accuracy the reader's linear head
loses, which was trained on rightly prepared pictures and is asked about wrongly prepared ones.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from cnn_core.arithmetic.statistics import paired_comparison
from cnn_core.networks import backbones
from cnn_core.networks.backbones import Backbone
from cnn_core.networks.forward import cached_features, network_input, pooled
from cnn_core.pictures import sets
from cnn_core.pictures.items import Item
from cnn_core.store.runs import Store
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.distortions import DISTORTIONS, Distortion, Preprocessing, likely_mismatches, not_applicable
from cnn_core.training.lab.probe import Probe, fit_probe
from cnn_core.training.transfer.evaluation import wilson_interval


def study(bench: Bench) -> None:
    """Fill the bench's result with `mismatches` (sentences on this set) and `backbones`, an entry each.

    An entry has `name`, `right` (the accuracy of the head as in `statistics.accuracy_summary`), `unavailable` (a
    sentence, where there is no such network here) and `distortions`: each with `name`, `title`, `about`, `accuracy`,
    `loss` (points lost, paired, with interval and words), `agreement` and `agreement_interval` (share of pictures
    whose ImageNet answer stays; None where the network has no classifier here), or `not_applicable`.
    """
    chosen = bench.options.backbones or tuple(backbones.BACKBONES)
    pictures = (sets.pixels(bench.store, item.digest) for item in bench.items)
    bench.result["mismatches"] = likely_mismatches(pictures, bench.record)
    bench.result["backbones"] = entries = []
    for index, name in enumerate(chosen):
        record = backbones.backbone(name)
        begin, share = index / len(chosen), 1 / len(chosen)
        bench.progress(name, begin)
        entry: dict[str, Any] = {"name": name, "title": record.title, "unavailable": backbones.unavailable(record)}
        entries.append(entry)
        if not entry["unavailable"]:
            _sabotage(bench, record, entry, begin, share)
            bench.say(_words(entry))
    for sentence in bench.result["mismatches"]:
        bench.say(sentence)


def measured_preprocessing(base: keras.Model) -> Preprocessing:
    """Return what happens between the picture and the first convolution, measured with four pictures.

    Raises:
        ValueError: If it is not the same linear map at every pixel.
    """
    first = next(layer for layer in base.layers if isinstance(layer, keras.layers.Conv2D))
    size = base.input.shape[1]
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [50, 100, 200]], np.float32)
    batch = np.broadcast_to(colours[:, None, None], (5, size, size, 3))
    received = np.asarray(keras.Model(base.input, first.input)(batch, training=False), np.float64)
    middle = received[:, received.shape[1] // 2, received.shape[2] // 2]  # a padding may lie around
    found = Preprocessing(((middle[1:4] - middle[0]) / 255).T, middle[0])
    if not np.allclose(found(colours[4]), middle[4], atol=1e-3):
        raise ValueError(f"The preprocessing of {base.name} is not linear in the pixel: mistakes cannot be made up.")
    return found


def _sabotage(bench: Bench, record: Backbone, entry: dict[str, Any], begin: float, share: float) -> None:
    features = bench.features(begin, record)
    probes = [fit_probe(features[fold.train], bench.labels[fold.train]) for fold in bench.folds]
    right = _counts(bench, probes, features)
    entry["right"] = bench.accuracy(right)
    base = backbones.build(record.name)
    pixels = network_input(bench.store, bench.items, record)
    preprocessing = measured_preprocessing(base)
    top = _classifier(record)
    entry["distortions"] = []
    for index, distortion in enumerate(DISTORTIONS.values()):
        bench.progress(f"{record.title}: {distortion.title}", begin + share * index / len(DISTORTIONS))
        figures: dict[str, Any] = {"name": distortion.name, "title": distortion.title, "about": distortion.about}
        if reason := not_applicable(distortion, preprocessing):
            entry["distortions"] = [*entry["distortions"], figures | {"not_applicable": reason}]
            continue
        wrong = _features(bench, record, base, pixels, preprocessing, distortion, begin)
        counts = _counts(bench, probes, wrong)
        total = [len(fold.test) for fold in bench.folds]
        after, before = ([c / n for c, n in zip(each, total, strict=True)] for each in (counts, right))
        loss = paired_comparison(after, before, bench.test_share, (distortion.title, "the right preprocessing"))
        figures |= {"accuracy": bench.accuracy(counts), "loss": loss}
        figures |= {"agreement": None, "agreement_interval": None}
        if top:
            same = int((_answers(features, top) == _answers(wrong, top)).sum())
            interval = list(wilson_interval(same, len(features)))
            figures |= {"agreement": same / len(features), "agreement_interval": interval}
        entry["distortions"] = [*entry["distortions"], figures]


def _features(
    bench: Bench,
    record: Backbone,
    base: keras.Model,
    pixels: np.ndarray,
    right: Preprocessing,
    distortion: Distortion,
    progress: float,
) -> np.ndarray:
    place = {item.digest: index for index, item in enumerate(bench.items)}

    def see(store: Store, items: Sequence[Item], record: Backbone) -> np.ndarray:
        if distortion.look is None:
            pictures = pixels[[place[item.digest] for item in items]].astype(np.float64)
        else:
            looked = [distortion.look(sets.pixels(store, item.digest), record) for item in items]
            pictures = np.stack(looked).astype(np.float64)
        return distortion.values(pictures, right).astype(np.float32)

    def extractor() -> keras.Model:
        if distortion.size == 1:
            return pooled(base)
        side = round(distortion.size * record.input_size)
        resized = keras.models.clone_model(base, input_tensors=keras.Input((side, side, 3)))
        resized.set_weights(base.get_weights())
        return pooled(resized)

    tick = bench.ticker(f"{record.title}: {distortion.title}", progress, 0.0, len(bench.items))
    vectors, computed = cached_features(
        bench.store, bench.items, record, bench.precision, extractor, tick, f"pool of {distortion.name}", see
    )
    bench.result["features_computed"] += computed
    return vectors


def _counts(bench: Bench, probes: list[Probe], features: np.ndarray) -> list[int]:
    return [
        int((probe.probabilities(features[fold.test]).argmax(axis=1) == bench.labels[fold.test]).sum())
        for probe, fold in zip(probes, bench.folds, strict=True)
    ]


def _classifier(record: Backbone) -> tuple[np.ndarray, np.ndarray] | None:
    """Return kernel and bias of the network's own ImageNet classifier, None where it is not at hand."""
    if not record.embedded:
        return None
    kernel, bias = backbones.classifier(record.name).get_layer("probabilities").get_weights()
    return kernel, bias


def _answers(features: np.ndarray, top: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.asarray((features @ top[0] + top[1]).argmax(axis=1))


def _words(entry: dict[str, Any]) -> str:
    applied = [figures for figures in entry["distortions"] if "loss" in figures]
    worst = min(applied, key=lambda figures: figures["loss"]["points"])
    harmless = [f["title"] for f in applied if f["loss"]["p"] is None or f["loss"]["p"] >= 0.05]
    words = f"{entry['title']}: {worst['loss']['words']}"
    if harmless:
        words += f" No loss that is clearly more than chance: {'; '.join(harmless)}."
    return words
