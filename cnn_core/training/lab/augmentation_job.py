"""Augmentation, seen before it is used and measured: the same head and the same upper blocks with it and without.

The copies are those of `transfer.training.augmentation`. Each picture's are drawn from a seed of its own, so that the
sheet on the page shows the very copies that a study trains on.

Source:
    Shorten & Khoshgoftaar 2019, Journal of Big Data 6:60, "Geometric transformations" (mirroring, shifting, zooming).
"""

import zlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf

from cnn_core.arithmetic.statistics import paired_comparison
from cnn_core.networks import backbones
from cnn_core.networks.backbones import Backbone
from cnn_core.networks.forward import cached_features, network_input, pooled
from cnn_core.pictures.items import Item, SpecRefused
from cnn_core.store.runs import Store
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.probe import fit_probe
from cnn_core.training.lab.spec import POLICIES
from cnn_core.training.lab.tuning import Tuner, constant_rates
from cnn_core.training.transfer.training import augmentation

MOST_COPIES = 12


def study(bench: Bench) -> None:
    """Fill the bench's result.

    `copies` (of each training picture: as many as epochs), `without` (for `frozen`, a linear head on the fixed
    features, and for `fine_tuned`, the upper blocks trained on: their accuracy) and `policies`: each with `policy`,
    `title` and `arms`, in which each of the two has `accuracy` and `paired` (against without, on the same folds).

    The head with augmentation is fitted to the pictures and their copies. The upper blocks with augmentation see each
    copy once and no original, as in training; they take as many steps as without, give or take one an epoch.
    """
    options, count = bench.options, len(bench.items)
    bench.result |= {"copies": options.epochs, "without": {}, "policies": []}
    features, part = bench.features(share=0.1), 0.3 / len(options.policies)
    frozen = bench.probe_counts(features, "frozen", 0.1, 0.0)
    bench.result["without"] = {"frozen": bench.accuracy(frozen)}
    for index, policy in enumerate(options.policies):
        counts = _head_counts(bench, features, policy, 0.1 + part * index, part)
        effect = _effect(bench, counts, frozen, "the head")
        entry: dict[str, Any] = {"policy": policy, "title": POLICIES[policy], "arms": {"frozen": effect}}
        bench.result["policies"] = [*bench.result["policies"], entry]
        bench.say(f"{entry['title']}. {effect['paired']['words']}")
    fixed = len(bench.record.block_starts) - options.unfreeze_blocks
    tuner = Tuner(bench.base(), bench.record, fixed, len(bench.classes), count * options.epochs)
    inputs = tuner.inputs(bench.pixels(), bench.ticker("upper blocks", 0.4, 0.05, count))
    begin, each = 0.45, 0.55 / (1 + len(options.policies))
    tuned = _tuned_counts(bench, tuner, features, inputs, None, begin, each)
    bench.result["without"] |= {"fine_tuned": bench.accuracy(tuned)}
    for index, entry in enumerate(bench.result["policies"], 1):
        copies = _copied_inputs(bench, tuner, entry["policy"], begin + each * index, 0.3 * each)
        counts = _tuned_counts(bench, tuner, features, inputs, copies, begin + each * (index + 0.3), 0.7 * each)
        entry["arms"] |= {"fine_tuned": _effect(bench, counts, tuned, "fine-tuning")}
        bench.say(f"{entry['title']}. {entry['arms']['fine_tuned']['paired']['words']}")


def augmented(pixels: np.ndarray, digest: str, policy: str, copy: int, seed: int) -> np.ndarray:
    """Return an augmented copy of a picture; the same for the same picture, copy and seed.

    Args:
        pixels: `(H, W, 3)`, 0 to 255, as the network looks at it.
        digest: Of the picture; part of the seed.
        policy: Of POLICIES.
        copy: Number of the copy; part of the seed.
        seed: Of the draws.

    Returns:
        uint8 `(H, W, 3)`.

    Example:
        >>> picture = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
        >>> copies = [augmented(picture, "a1", "mirror", copy, seed=0) for copy in range(8)]
        >>> {"as it was" if (c == picture).all() else "mirrored" if (c == picture[:, ::-1]).all() else c for c in copies
        ... } == {"as it was", "mirrored"}
        True
    """
    own = zlib.crc32(f"{digest} {copy} {seed}".encode()) % 2**31
    drawn = _drawer(policy)(tf.constant(pixels[None], tf.float32), tf.constant(own, tf.int64))
    return np.round(np.asarray(drawn)[0]).clip(0, 255).astype(np.uint8)


def augmented_sheet(
    digests: Sequence[str],
    policy: str,
    copies: int,
    seed: int = 0,
    backbone: str = backbones.DEFAULT,
    *,
    location: str | None = None,
) -> np.ndarray:
    """Return pictures as the network looks at them and augmented copies of each.

    Args:
        digests: Of kept pictures.
        policy: Of POLICIES.
        copies: 1 to MOST_COPIES.
        seed: As of the study: its copies are the same.
        backbone: Whose size and crop.
        location: Of the store; by default the one of this process.

    Returns:
        uint8 `(pictures, 1 + copies, size, size, 3)`, the picture itself first.

    Raises:
        SpecRefused: If there is no such policy, no picture, or the number of copies is out of range.
    """
    if policy not in POLICIES:
        raise SpecRefused(f"policy is {policy}; expected one of {', '.join(POLICIES)}.")
    if not 1 <= copies <= MOST_COPIES or not digests:
        raise SpecRefused(
            f"Received {len(digests)} pictures and {copies} copies; expected a picture and 1 to {MOST_COPIES} copies."
        )
    store = Store(location) if location else Store.default()
    try:
        seen = network_input(store, [Item(digest, "", "") for digest in digests], backbones.backbone(backbone))
    finally:
        store.close()
    rows = [
        np.stack([picture, *(augmented(picture, digest, policy, copy, seed) for copy in range(copies))])
        for picture, digest in zip(seen, digests, strict=True)
    ]
    return np.stack(rows)


@cache
def _drawer(policy: str) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """A policy as a function of a batch and a seed."""
    whole = augmentation(seed=0).layers
    chosen = whole if policy == "all" else [whole[list(POLICIES).index(policy) - 1]]
    own = [int(layer.generator.state.numpy()[0]) for layer in chosen]  # how the layers' seeds differ, if they do

    def draw(batch: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        for layer, offset in zip(chosen, own, strict=True):
            state = layer.generator.state
            state.assign(tf.cast(tf.stack([seed + offset, tf.zeros_like(seed)]), state.dtype))
            batch = layer(batch, training=True)
        return batch

    drawn: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = tf.function(draw)
    return drawn


# With it --------------------------------------------------------------------------------------------------------------


def _copied(bench: Bench, policy: str, copy: int, items: Sequence[Item]) -> np.ndarray:
    """One augmented copy of each picture, uint8 `(N, size, size, 3)`."""
    place = {item.digest: index for index, item in enumerate(bench.items)}
    seen = bench.pixels()
    return np.stack(
        [augmented(seen[place[item.digest]], item.digest, policy, copy, bench.options.seed) for item in items]
    )


def _head_counts(bench: Bench, features: np.ndarray, policy: str, begin: float, share: float) -> list[int]:
    """How many pictures a head gets right in each fold that was fitted to pictures and copies."""
    copies, each = [], share / bench.options.epochs
    for copy in range(bench.options.epochs):

        def see(store: Store, items: Sequence[Item], record: Backbone, copy: int = copy) -> np.ndarray:
            return _copied(bench, policy, copy, items)

        vectors, computed = cached_features(
            bench.store,
            bench.items,
            bench.record,
            bench.precision,
            lambda: pooled(bench.base()),
            bench.ticker(f"features of {policy}", begin + each * copy, each, len(bench.items)),
            f"pool of augmented {policy} {copy} seed {bench.options.seed}",
            see,
        )
        bench.result["features_computed"] += computed
        copies.append(vectors)
    counts = []
    for fold in bench.folds:
        bench.progress(f"head of {policy}", begin + share)
        shown = np.concatenate([vectors[fold.train] for vectors in (features, *copies)])
        probe = fit_probe(shown, np.tile(bench.labels[fold.train], 1 + len(copies)))
        said = probe.probabilities(features[fold.test]).argmax(axis=1)
        counts.append(int((said == bench.labels[fold.test]).sum()))
    return counts


def _copied_inputs(bench: Bench, tuner: Tuner, policy: str, begin: float, share: float) -> list[np.ndarray]:
    """What the upper blocks look at: an array for each epoch."""
    inputs, each = [], share / bench.options.epochs
    for copy in range(bench.options.epochs):
        tick = bench.ticker(f"maps of {policy}", begin + each * copy, each, len(bench.items))
        inputs.append(tuner.inputs(_copied(bench, policy, copy, bench.items), tick))
    return inputs


def _tuned_counts(
    bench: Bench,
    tuner: Tuner,
    features: np.ndarray,
    plain: np.ndarray,
    copies: list[np.ndarray] | None,
    begin: float,
    share: float,
) -> list[int]:
    """How many pictures a network gets right in each training fold; its head starts as the probe, with and without."""
    options, counts = bench.options, []
    phase, each = "training with copies" if copies else "training without", share / len(bench.training_folds)
    epochs = 1 if copies else options.epochs  # one pass over all copies has as many steps
    rates = constant_rates(len(tuner.blocks), epochs, options.fine_tune_learning_rate, options.head_learning_rate)
    for index, fold in enumerate(bench.training_folds):
        labels = bench.labels[fold.train]
        head = fit_probe(features[fold.train], labels)
        shown = np.concatenate([maps[fold.train] for maps in copies]) if copies else plain[fold.train]
        shown_labels = np.tile(labels, len(copies)) if copies else labels
        check = bench.checker(phase, begin + each * index, each)
        tuner.train(shown, shown_labels, rates, options.batch_size, options.seed, head, check)
        said = tuner.probabilities(plain[fold.test]).argmax(axis=1)
        counts.append(int((said == bench.labels[fold.test]).sum()))
    return counts


def _effect(bench: Bench, counts: list[int], without: list[int], what: str) -> dict[str, Any]:
    """The accuracy with augmentation, and its difference to the one without on the same folds."""
    total = [len(fold.test) for fold in bench.folds[: len(counts)]]
    after, before = ([c / n for c, n in zip(each, total, strict=True)] for each in (counts, without))
    names = f"{what} with augmentation", "without"
    return {"accuracy": bench.accuracy(counts), "paired": paired_comparison(after, before, bench.test_share, names)}
