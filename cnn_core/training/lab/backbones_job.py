"""Carrying out the comparison of backbones."""

import time
from dataclasses import replace

import numpy as np

from cnn_core.networks import backbones
from cnn_core.networks.forward import features, pooled
from cnn_core.networks.summary import layer_table
from cnn_core.training.lab.backbones import BackbonesOptions, BackbonesResult, Compared, Costs
from cnn_core.training.lab.bench import Bench

_TIMED_BATCH, _TIMES = 8, 7

BackbonesBench = Bench[BackbonesOptions, BackbonesResult]


def study(bench: BackbonesBench) -> None:
    """Put a linear probe on every network that is here, and time it; the one that all are compared with comes first."""
    chosen = bench.options.backbones or tuple(backbones.BACKBONES)
    chosen = (bench.record.name, *(name for name in chosen if name != bench.record.name))
    known = {network.name for network in bench.result.backbones}
    for index, name in enumerate(chosen):
        if name in known:
            continue
        record = backbones.backbone(name)
        begin, share = index / len(chosen), 1 / len(chosen)
        bench.progress(record.title, begin)
        network = Compared(record.name, record.title, record.licence, record.top1, backbones.unavailable(record))
        if not network.unavailable:
            features = bench.features(begin, record)
            counts = bench.probe_counts(features, record.title, begin + 0.8 * share, 0.1 * share)
            network = _paired(bench, replace(network, accuracy=bench.accuracy(counts), costs=_costs(record)))
        bench.show(replace(bench.result, backbones=(*bench.result.backbones, network)))


def _paired(bench: BackbonesBench, network: Compared) -> Compared:
    """Compare a network with the first, where that is here and another."""
    first = next(iter(bench.result.backbones), None)
    if first is None or first.accuracy is None or network.accuracy is None:
        return network
    return replace(network, paired=bench.paired(network.accuracy, first.accuracy, (network.title, first.title)))


def _costs(record: backbones.Backbone) -> Costs:
    model = pooled(backbones.build(record.name))
    rows = layer_table(model)
    params = sum(row.params for row in rows)
    macs = None if any(row.macs is None for row in rows[1:]) else sum(row.macs or 0 for row in rows)
    batch = np.zeros((_TIMED_BATCH, record.input_size, record.input_size, 3), np.uint8)
    network, seconds = features(record), []
    for _ in range(_TIMES):
        start = time.perf_counter()
        network(batch)
        seconds.append(time.perf_counter() - start)
    milliseconds = 1000 * float(np.median(seconds[1:])) / _TIMED_BATCH  # the first one warms up
    return Costs(milliseconds, macs, params, 4 * params / 1e6)
