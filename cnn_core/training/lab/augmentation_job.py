"""Carrying out the study of augmentation; and the copies themselves, for the sheet on the page.

Each picture's copies are drawn from a seed of its own (`copies`), so that the sheet on the page shows the very copies
that a study trains on.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cnn_core.arithmetic.measures import FoldAccuracy
from cnn_core.networks import backbones
from cnn_core.networks.backbones import Backbone
from cnn_core.networks.forward import network_input
from cnn_core.pictures.items import Item, SpecRefused
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.copies import augmented
from cnn_core.training.lab.augmentation import POLICIES, AugmentationOptions, AugmentationResult, Effect, Policy
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.tuning import Tuner, constant_rates

MAX_COPIES = 12
HEAD, TUNED = "frozen", "fine_tuned"

AugmentationBench = Bench[AugmentationOptions, AugmentationResult]


def study(bench: AugmentationBench) -> None:
    """Measure both arms without augmentation and with each policy.

    The head with augmentation is fitted to the pictures and their copies. The upper blocks with augmentation see each
    copy once and no original, as in training; they take as many steps as without, give or take one an epoch.
    """
    bench.show(replace(bench.result, copies=bench.options.epochs))
    features = bench.features(share=0.1)
    _heads(bench, features)
    if any(TUNED not in policy.arms for policy in bench.result.policies):
        _blocks(bench, features)


def _heads(bench: AugmentationBench, features: np.ndarray) -> None:
    policies = bench.options.policies
    if HEAD not in bench.result.without:
        _without(bench, HEAD, bench.accuracy(bench.probe_counts(features, "frozen", 0.1, 0.0)))
    part = 0.3 / len(policies)
    known = {policy.policy for policy in bench.result.policies}
    for index, name in enumerate(policies):
        if name in known:
            continue
        counts = _head_counts(bench, features, name, 0.1 + part * index, part)
        policy = Policy(name, POLICIES[name], {HEAD: _effect(bench, HEAD, counts, "the head")})
        _keep(bench, (*bench.result.policies, policy))


def _blocks(bench: AugmentationBench, features: np.ndarray) -> None:
    options = bench.options
    fixed = len(bench.record.block_starts) - options.unfreeze_blocks
    tuner = Tuner(bench.base(), bench.record, fixed, len(bench.classes))
    inputs = tuner.inputs(bench.pixels(), bench.ticker("upper blocks", 0.4, 0.05, len(bench.items)))
    begin, each = 0.45, 0.55 / (1 + len(options.policies))
    if TUNED not in bench.result.without:
        _without(bench, TUNED, bench.accuracy(_tuned_counts(bench, tuner, features, inputs, None, begin, each)))
    for index, policy in enumerate(bench.result.policies):
        if TUNED in policy.arms:
            continue
        start = begin + each * (index + 1)
        copies = _copied_inputs(bench, tuner, policy.policy, start, 0.3 * each)
        counts = _tuned_counts(bench, tuner, features, inputs, copies, start + 0.3 * each, 0.7 * each)
        changed = replace(policy, arms=policy.arms | {TUNED: _effect(bench, TUNED, counts, "fine-tuning")})
        _keep(bench, tuple(changed if p.policy == policy.policy else p for p in bench.result.policies))


def _without(bench: AugmentationBench, arm: str, accuracy: FoldAccuracy) -> None:
    bench.show(replace(bench.result, without=bench.result.without | {arm: accuracy}))


def _effect(bench: AugmentationBench, arm: str, counts: list[int], what: str) -> Effect:
    accuracy = bench.accuracy(counts)
    names = f"{what} with augmentation", "without"
    return Effect(accuracy, bench.paired(accuracy, bench.result.without[arm], names))


def _keep(bench: AugmentationBench, policies: tuple[Policy, ...]) -> None:
    """Keep what the policies do."""
    bench.show(replace(bench.result, policies=policies))


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
        copies: 1 to MAX_COPIES.
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
    if not 1 <= copies <= MAX_COPIES or not digests:
        raise SpecRefused(
            f"Received {len(digests)} pictures and {copies} copies; expected a picture and 1 to {MAX_COPIES} copies."
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


# With it --------------------------------------------------------------------------------------------------------------


def _copied(bench: AugmentationBench, policy: str, copy: int, items: Sequence[Item]) -> np.ndarray:
    """One augmented copy of each picture, uint8 `(N, size, size, 3)`."""
    seen = zip(network_input(bench.store, items, bench.record), items, strict=True)
    return np.stack([augmented(pixels, item.digest, policy, copy, bench.options.seed) for pixels, item in seen])


def _head_counts(bench: AugmentationBench, features: np.ndarray, policy: str, begin: float, share: float) -> list[int]:
    """How many pictures a head gets right in each fold that was fitted to pictures and copies."""
    copies, each = [], share / bench.options.epochs
    for copy in range(bench.options.epochs):

        def see(store: Store, items: Sequence[Item], record: Backbone, copy: int = copy) -> np.ndarray:
            return _copied(bench, policy, copy, items)

        tick = bench.ticker(f"features of {policy}", begin + each * copy, each, len(bench.items))
        what = f"pool of augmented {policy} {copy} seed {bench.options.seed}"
        copies.append(bench.vectors(tick, what, see=see))
    counts = []
    for fold in bench.folds:
        bench.progress(f"head of {policy}", begin + share)
        shown = np.concatenate([vectors[fold.train] for vectors in (features, *copies)])
        probe = heads.fit(shown, np.tile(bench.labels[fold.train], 1 + len(copies)))
        counts.append(bench.right(probe.probabilities(features[fold.test]), fold))
    return counts


def _copied_inputs(bench: AugmentationBench, tuner: Tuner, policy: str, begin: float, share: float) -> list[np.ndarray]:
    """What the upper blocks look at: an array for each epoch."""
    inputs, each = [], share / bench.options.epochs
    for copy in range(bench.options.epochs):
        tick = bench.ticker(f"maps of {policy}", begin + each * copy, each, len(bench.items))
        inputs.append(tuner.inputs(_copied(bench, policy, copy, bench.items), tick))
    return inputs


def _tuned_counts(
    bench: AugmentationBench,
    tuner: Tuner,
    features: np.ndarray,
    plain: np.ndarray,
    copies: list[np.ndarray] | None,
    begin: float,
    share: float,
) -> list[int]:
    """How many pictures a network gets right in each training fold; its head starts as the probe, with and without."""
    options, counts = bench.options, []
    phase, each = "training with copies" if copies else "training without", share / options.training_splits
    epochs = 1 if copies else options.epochs  # one pass over all copies has as many steps
    rates = constant_rates(len(tuner.blocks), epochs, options.fine_tune_learning_rate, options.head_learning_rate)
    for index, fold in enumerate(bench.folds[: options.training_splits]):
        labels = bench.labels[fold.train]
        head = heads.fit(features[fold.train], labels)
        shown = np.concatenate([maps[fold.train] for maps in copies]) if copies else plain[fold.train]
        shown_labels = np.tile(labels, len(copies)) if copies else labels
        check = bench.checker(phase, begin + each * index, each)
        tuner.train(shown, shown_labels, rates, options.batch_size, options.seed, head, check)
        counts.append(bench.right(tuner.probabilities(plain[fold.test]), fold))
    return counts
