"""Carrying out the study of depth."""

from dataclasses import replace

import keras
import numpy as np

from cnn_core.networks.backbones import Backbone, weights_id
from cnn_core.networks.forward import fixed
from cnn_core.training import heads
from cnn_core.training.examples import Some
from cnn_core.training.lab.bench import Bench
from cnn_core.training.lab.depth import Cut, DepthOptions, DepthResult, Stage
from cnn_core.training.lab.tuning import Tuner, block_outputs, constant_rates

DepthBench = Bench[DepthOptions, DepthResult]


def study(bench: DepthBench) -> None:
    """Put a probe after every stage, then train the blocks above every cut."""
    vectors, channels = stage_features(bench, share=0.2)
    starts = np.concatenate([[0], np.cumsum(channels)])
    for index in range(len(bench.result.stages), len(channels)):
        features = vectors[:, starts[index] : starts[index + 1]]
        counts = bench.probe_counts(features, "probes", 0.2 + 0.1 * index / len(channels), 0.1 / len(channels))
        place = _place(bench.record, bench.record.stage_ends[index] + 1)
        stage = Stage(*place, bench.accuracy(counts), channels[index])
        bench.show(replace(bench.result, stages=(*bench.result.stages, stage)))
    bench.show(_compared(bench))
    _cuts(bench, vectors[:, starts[-2] :])


def stage_features(bench: DepthBench, share: float) -> tuple[np.ndarray, list[int]]:
    """Return the pooled output of every stage side by side, from one forward pass, and each one's channels.

    Args:
        bench: Pictures and backbone.
        share: Part of the whole progress that this takes.

    Returns:
        float32 `(N, sum of channels)`, bottom to top; kept in the store under an extractor id of its own.
    """
    base = bench.base()
    ends = [block_outputs(base, bench.record)[end] for end in bench.record.stage_ends]
    tick = bench.ticker("features", 0.0, share, len(bench.items))
    what = "pool of every stage"
    name = f"{weights_id(bench.record.name)} {what}"
    vectors = bench.vectors(tick, what, lambda: fixed(name, lambda: _every_stage(base, ends)))
    return vectors, [int(end.shape[-1]) for end in ends]


def _every_stage(base: keras.Model, ends: list[keras.KerasTensor]) -> keras.Model:
    pools = [keras.layers.GlobalAveragePooling2D(name=f"pool_{i}", dtype="float32")(end) for i, end in enumerate(ends)]
    side_by_side = keras.layers.Concatenate(name="stages", dtype="float32")(pools)
    return keras.Model(base.input, side_by_side, name="stage_features")


def _frozen_counts(record: Backbone, chosen: tuple[int, ...]) -> list[int]:
    """Return how many blocks each cut leaves fixed, most first.

    Example:
        >>> from cnn_core.networks.backbones import backbone
        >>> _frozen_counts(backbone("efficientnet_lite0"), ())
        [17, 11, 5]
        >>> _frozen_counts(backbone("efficientnet_lite0"), (0, -1))
        [17, 16, 0]
    """
    blocks = len(record.block_starts)
    wanted = chosen or tuple(end + 1 for end in record.stage_ends[-3:-1])
    return sorted({blocks, *(count + blocks if count < 0 else count for count in wanted)}, reverse=True)


def _cuts(bench: DepthBench, features: np.ndarray) -> None:
    """Where all is frozen the probe on the last stage is the network; every other cut is compared with that."""
    blocks, known = len(bench.record.block_starts), {cut.frozen_blocks for cut in bench.result.cuts}
    frozen_all = bench.accuracy(bench.counts(bench.result.stages[-1].accuracy)[: bench.options.training_splits])
    if not known:
        bench.show(replace(bench.result, cuts=(Cut(*_place(bench.record, blocks), frozen_all),)))
    wanted = _frozen_counts(bench.record, bench.options.frozen_blocks)[1:]
    for index, frozen in enumerate(wanted):
        if frozen in known:
            continue
        begin, share = 0.3 + 0.7 * index / len(wanted), 0.7 / len(wanted)
        accuracy = bench.accuracy(_fine_tuned_counts(bench, features, frozen, begin, share))
        names = f"training the {blocks - frozen} upper blocks", "the frozen network"
        cut = Cut(*_place(bench.record, frozen), accuracy, bench.paired(accuracy, frozen_all, names))
        bench.show(replace(bench.result, cuts=(cut, *bench.result.cuts)))


def _fine_tuned_counts(bench: DepthBench, features: np.ndarray, frozen: int, begin: float, share: float) -> list[int]:
    """Return how many pictures a network gets right in each training fold after its upper blocks were trained.

    Args:
        bench: Pictures, folds and options.
        features: Of the frozen network; its linear probe is where the head starts.
        frozen: Lowest blocks that stay fixed.
        begin: Progress at the start.
        share: Part of the progress that this takes.
    """
    options, count = bench.options, len(bench.items)
    tuner = Tuner(bench.base(), bench.record, frozen, len(bench.classes))
    phase = f"{frozen} blocks frozen"
    inputs = bench.maps(frozen, bench.ticker(phase, begin, 0.2 * share, count))
    rates = constant_rates(
        len(tuner.blocks), options.epochs, options.fine_tune_learning_rate, options.head_learning_rate
    )
    correct = []
    for index, fold in enumerate(bench.folds[: options.training_splits]):
        each = 0.8 * share / options.training_splits
        start = begin + 0.2 * share + each * index
        labels = bench.labels[fold.train]
        head = heads.fit(features[fold.train], labels)
        check = bench.checker(phase, start, each)
        tuner.train(Some(inputs, fold.train), labels, rates, options.batch_size, options.seed, head, check)
        correct.append(bench.right(tuner.probabilities(Some(inputs, fold.test)), fold))
    return correct


def _place(record: Backbone, frozen: int) -> tuple[int, int, str]:
    blocks = len(record.block_starts)
    return frozen, blocks, "the pixels" if frozen == 0 else f"block {frozen} of {blocks}"


def _compared(bench: DepthBench) -> DepthResult:
    """The stages held against each other: the highest with the lowest lying one, and with the top."""
    stages = bench.result.stages
    best, first, top = bench.result.best_stage, stages[0], stages[-1]
    rise = bench.paired(best.accuracy, first.accuracy, (best.name, first.name)) if best is not first else None
    peak = bench.paired(best.accuracy, top.accuracy, (best.name, top.name)) if best is not top else None
    return replace(bench.result, rise=rise, peak=peak)
