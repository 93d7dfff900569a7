"""Carrying out the study of wrong preprocessing."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np

from cnn_core.arithmetic.measures import wilson
from cnn_core.networks import backbones
from cnn_core.networks.backbones import Backbone, weights_id
from cnn_core.networks.forward import BATCH, Network, compiled, features, fixed, network_input, pooled
from cnn_core.pictures import kept
from cnn_core.pictures.items import Item
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.heads import Head
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.distortions import DISTORTIONS, Distortion, Preprocessing, likely_mismatches, not_applicable
from cnn_core.training.lab.sabotage import Mistake, Sabotaged, SabotageOptions, SabotageResult

SabotageBench = Bench[SabotageOptions, SabotageResult]


def study(bench: SabotageBench) -> None:
    """Look at the pictures for mismatches of their own, then make every mistake with every network that is here."""
    chosen = bench.options.backbones or tuple(backbones.BACKBONES)
    pictures = (kept.pixels(bench.store, item.digest) for item in bench.items)
    notes = [note for item in bench.items for note in kept.notes(bench.store, item.digest)]
    bench.show(replace(bench.result, mismatches=tuple(likely_mismatches(pictures, bench.record, notes))))
    for index, name in enumerate(chosen):
        record = backbones.backbone(name)
        bench.progress(record.title, index / len(chosen))
        network = bench.result.network(name) or Sabotaged(name, record.title, backbones.unavailable(record))
        _show(bench, network)
        if network.unavailable:
            continue
        if len(network.distortions) < len(DISTORTIONS):
            network = _sabotage(bench, record, network, index / len(chosen), 1 / len(chosen))


def measured_preprocessing(base: keras.Model) -> Preprocessing:
    """Return what happens between the picture and the first convolution, measured with four pictures.

    Raises:
        ValueError: If it is not the same linear map at every pixel.
    """
    first = next(layer for layer in base.layers if isinstance(layer, keras.layers.Conv2D))
    size = base.input.shape[1]
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [50, 100, 200]], np.float32)
    batch = np.broadcast_to(colours[:, None, None], (5, size, size, 3))
    received = compiled(keras.Model(base.input, first.input))(batch).astype(np.float64)
    middle = received[:, received.shape[1] // 2, received.shape[2] // 2]  # a padding may lie around
    found = Preprocessing(((middle[1:4] - middle[0]) / 255).T, middle[0])
    if not np.allclose(found(colours[4]), middle[4], atol=1e-3):
        raise ValueError(f"The preprocessing of {base.name} is not linear in the pixel: mistakes cannot be made up.")
    return found


def _sabotage(bench: SabotageBench, record: Backbone, network: Sabotaged, begin: float, share: float) -> Sabotaged:
    """Return the network with every mistake that an earlier attempt has not made."""
    features = bench.features(begin, record)
    probes = [heads.fit(features[fold.train], bench.labels[fold.train]) for fold in bench.folds]
    right = bench.accuracy(_counts(bench, probes, features))
    network = replace(network, right=right)
    base = backbones.build(record.name)
    with TemporaryDirectory() as folder:
        pixels = _on_disk(bench, record, Path(folder) / "pixels.npy")
        return _mistakes(bench, record, network, features, probes, base, pixels, begin, share)


def _on_disk(bench: SabotageBench, record: Backbone, file: Path) -> np.ndarray:
    """Return what the network looks at, uint8 `(N, size, size, 3)`, in a file: it is looked at nine times, in parts."""
    shape = (len(bench.items), record.input_size, record.input_size, 3)
    pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
    for start in range(0, len(pixels), BATCH):
        part = slice(start, start + BATCH)
        pixels[part] = network_input(bench.store, bench.items[part], record)
    return pixels


def _mistakes(
    bench: SabotageBench,
    record: Backbone,
    network: Sabotaged,
    features: np.ndarray,
    probes: list[Head],
    base: keras.Model,
    pixels: np.ndarray,
    begin: float,
    share: float,
) -> Sabotaged:
    right = network.right
    assert right is not None
    preprocessing = measured_preprocessing(base)
    top = _classifier(record)
    known = {mistake.name for mistake in network.distortions}
    for place, distortion in enumerate(DISTORTIONS.values()):
        if distortion.name in known:
            continue
        bench.progress(f"{record.title}: {distortion.title}", begin + share * place / len(DISTORTIONS))
        reason = not_applicable(distortion, preprocessing)
        mistake = Mistake(distortion.name, distortion.title, distortion.about, reason)
        if not reason:
            wrong = _features(bench, record, base, pixels, preprocessing, distortion, begin)
            accuracy = bench.accuracy(_counts(bench, probes, wrong))
            loss = bench.paired(accuracy, right, (distortion.title, "the right preprocessing"))
            agreement = None
            if top:
                agreement = wilson(int((_answers(features, top) == _answers(wrong, top)).sum()), len(features))
            mistake = replace(mistake, accuracy=accuracy, loss=loss, agreement=agreement)
        network = replace(network, distortions=(*network.distortions, mistake))
        _show(bench, network)
    return network


def _show(bench: SabotageBench, network: Sabotaged) -> None:
    """Show what is known of a network by now, in its place or, if it is new, at the end."""
    found = {each.name: each for each in bench.result.backbones} | {network.name: network}
    bench.show(replace(bench.result, backbones=tuple(found.values())))


def _features(
    bench: SabotageBench,
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
            looked = [distortion.look(kept.pixels(store, item.digest), record) for item in items]
            pictures = np.stack(looked).astype(np.float64)
        return distortion.values(pictures, right).astype(np.float32)

    side = round(distortion.size * record.input_size)

    def resized() -> keras.Model:
        copy = keras.models.clone_model(base, input_tensors=keras.Input((side, side, 3)))
        copy.set_weights(base.get_weights())
        return pooled(copy)

    def extractor() -> Network:
        same = side == record.input_size
        return features(record) if same else fixed(f"{weights_id(record.name)} pool at {side}px", resized)

    tick = bench.ticker(f"{record.title}: {distortion.title}", progress, 0.0, len(bench.items))
    return bench.vectors(tick, f"pool of {distortion.name}", extractor, record, see)


def _counts(bench: SabotageBench, probes: list[Head], features: np.ndarray) -> list[int]:
    return [
        bench.right(probe.probabilities(features[fold.test]), fold)
        for probe, fold in zip(probes, bench.folds, strict=True)
    ]


def _classifier(record: Backbone) -> tuple[np.ndarray, np.ndarray] | None:
    """Return kernel and bias of the network's own ImageNet classifier, None where it is not at hand."""
    if not record.embedded:
        return None
    return backbones.classifier_head()


def _answers(features: np.ndarray, top: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.asarray((features @ top[0] + top[1]).argmax(axis=1))
