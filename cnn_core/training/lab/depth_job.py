"""Transferability by depth: a linear probe after every stage, and Yosinski's cut at small scale.

Source:
    Alain & Bengio 2016, arXiv:1610.01644 (probes); Yosinski et al. 2014, arXiv:1411.1792, section 4 (freeze the first
    n layers, train the rest on the new task).
"""

from typing import Any

import keras
import numpy as np

from cnn_core.arithmetic.statistics import paired_comparison
from cnn_core.networks.backbones import Backbone
from cnn_core.networks.forward import cached_features
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.probe import fit_probe
from cnn_core.training.lab.tuning import Tuner, block_outputs, constant_rates


def study(bench: Bench) -> None:
    """Fill the bench's result with `stages` (a probe each) and `cuts` (a fine-tuning each), bottom to top.

    Each entry has `frozen_blocks` (the depth: blocks whose pretrained weights are used as they are), `blocks` in all,
    `name` and the figures of `statistics.accuracy_summary`.
    """
    vectors, channels = stage_features(bench, share=0.2)
    stages: list[dict[str, Any]] = []
    counts: list[list[int]] = []
    starts = np.concatenate([[0], np.cumsum(channels)])
    for index, end in enumerate(bench.record.stage_ends):
        features = vectors[:, starts[index] : starts[index + 1]]
        counts.append(bench.probe_counts(features, "probes", 0.2 + 0.1 * index / len(channels), 0.1 / len(channels)))
        stages.append(_place(bench.record, end + 1) | {"channels": channels[index]} | bench.accuracy(counts[-1]))
        bench.result["stages"] = [*stages]
    bench.say(_probe_words(bench, stages))
    _cuts(bench, vectors[:, starts[-2] :], counts[-1])
    bench.say(_cut_words(bench.result["cuts"], bench.result["paired"]))


def stage_features(bench: Bench, share: float) -> tuple[np.ndarray, list[int]]:
    """Return the pooled output of every stage side by side, from one forward pass, and each one's channels.

    Args:
        bench: Pictures and backbone.
        share: Part of the whole progress that this takes.

    Returns:
        float32 `(N, sum of channels)`, bottom to top; kept in the store under an extractor id of its own.
    """
    base = bench.base()
    ends = [block_outputs(base, bench.record)[end] for end in bench.record.stage_ends]
    vectors, computed = cached_features(
        bench.store,
        bench.items,
        bench.record,
        bench.precision,
        lambda: _every_stage(base, ends),
        bench.ticker("features", 0.0, share, len(bench.items)),
        what="pool of every stage",
    )
    bench.result["features_computed"] = computed
    return vectors, [int(end.shape[-1]) for end in ends]


def _every_stage(base: keras.Model, ends: list[keras.KerasTensor]) -> keras.Model:
    pools = [keras.layers.GlobalAveragePooling2D(name=f"pool_{i}", dtype="float32")(end) for i, end in enumerate(ends)]
    side_by_side = keras.layers.Concatenate(name="stages", dtype="float32")(pools)
    return keras.Model(base.input, side_by_side, name="stage_features")


def frozen_counts(record: Backbone, chosen: tuple[int, ...]) -> list[int]:
    """Return how many blocks each cut leaves fixed, most first.

    Example:
        >>> from cnn_core.networks.backbones import backbone
        >>> frozen_counts(backbone("efficientnet_lite0"), ())
        [17, 11, 5]
        >>> frozen_counts(backbone("efficientnet_lite0"), (0, -1))
        [17, 16, 0]
    """
    blocks = len(record.block_starts)
    wanted = chosen or tuple(end + 1 for end in record.stage_ends[-3:-1])
    return sorted({blocks, *(count + blocks if count < 0 else count for count in wanted)}, reverse=True)


def _cuts(bench: Bench, features: np.ndarray, probe_counts: list[int]) -> None:
    options, folds = bench.options, bench.training_folds
    reference = probe_counts[: len(folds)]
    blocks = len(bench.record.block_starts)
    bench.result["cuts"] = [_place(bench.record, blocks) | bench.accuracy(reference)]
    bench.result["paired"] = []
    wanted = frozen_counts(bench.record, options.frozen_blocks)[1:]
    for index, frozen in enumerate(wanted):
        begin, share = 0.3 + 0.7 * index / len(wanted), 0.7 / len(wanted)
        correct = fine_tuned_counts(bench, features, frozen, begin, share)
        entry = _place(bench.record, frozen) | bench.accuracy(correct)
        bench.result["cuts"] = [entry, *bench.result["cuts"]]
        total = [len(fold.test) for fold in folds]
        scores, before = ([c / n for c, n in zip(counts, total, strict=True)] for counts in (correct, reference))
        names = f"training the {blocks - frozen} upper blocks", "the frozen network"
        paired = paired_comparison(scores, before, bench.test_share, names)
        bench.result["paired"] = [{"frozen_blocks": frozen} | paired, *bench.result["paired"]]


def fine_tuned_counts(bench: Bench, features: np.ndarray, frozen: int, begin: float, share: float) -> list[int]:
    """Return how many pictures a network gets right in each training fold after its upper blocks were trained.

    Args:
        bench: Pictures, folds and options.
        features: Of the frozen network; its linear probe is where the head starts.
        frozen: Lowest blocks that stay fixed.
        begin: Progress at the start.
        share: Part of the progress that this takes.
    """
    options, count = bench.options, len(bench.items)
    tuner = Tuner(bench.base(), bench.record, frozen, len(bench.classes), count)
    phase = f"{frozen} blocks frozen"
    inputs = tuner.inputs(bench.pixels(), bench.ticker(phase, begin, 0.2 * share, count))
    rates = constant_rates(
        len(tuner.blocks), options.epochs, options.fine_tune_learning_rate, options.head_learning_rate
    )
    correct = []
    for index, fold in enumerate(bench.training_folds):
        each = 0.8 * share / len(bench.training_folds)
        start = begin + 0.2 * share + each * index
        labels = bench.labels[fold.train]
        head = fit_probe(features[fold.train], labels)
        check = bench.checker(phase, start, each)
        tuner.train(inputs[fold.train], labels, rates, options.batch_size, options.seed, head, check)
        said = tuner.probabilities(inputs[fold.test]).argmax(axis=1)
        correct.append(int((said == bench.labels[fold.test]).sum()))
    return correct


def _place(record: Backbone, frozen: int) -> dict[str, Any]:
    blocks = len(record.block_starts)
    name = "the pixels" if frozen == 0 else f"block {frozen} of {blocks}"
    return {"frozen_blocks": frozen, "blocks": blocks, "name": name}


def _probe_words(bench: Bench, stages: list[dict[str, Any]]) -> str:
    best = max(stages, key=lambda stage: stage["mean"])
    last = stages[-1]
    names = best["name"], stages[0]["name"]
    paired = paired_comparison(best["scores"], stages[0]["scores"], bench.test_share, names)
    shape = "rises with depth to the top" if best is last else f"is highest after {best['name']}, not at the top"
    means = ", ".join(f"{stage['mean']:.3f}" for stage in stages)
    return f"Probe accuracy {shape}: {means} after each stage. {paired['words']}"


def _cut_words(cuts: list[dict[str, Any]], paired: list[dict[str, Any]]) -> str:
    best = max(cuts, key=lambda cut: cut["mean"])
    if best is cuts[-1]:
        words = "On these pictures no fine-tuning beat the frozen network"
    else:
        words = f"Best was to keep {best['frozen_blocks']} of {best['blocks']} blocks and train the rest"
    told = [pair["words"] for pair in paired]
    return f"{words} (mean {best['mean']:.3f}). " + " ".join(told)
