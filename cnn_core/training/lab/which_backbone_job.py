"""The same frozen experiment over all networks at hand: accuracy against time, multiply-adds and size."""

import time
from typing import Any

import numpy as np

from cnn_core.arithmetic.statistics import paired_comparison
from cnn_core.networks import backbones
from cnn_core.networks.forward import infer, pooled
from cnn_core.networks.summary import layer_table
from cnn_core.training.lab.bench import Bench

TIMED_BATCH, TIMES = 8, 7


def study(bench: Bench) -> None:
    """Fill the bench's result with `backbones`, an entry each.

    An entry has `name`, `title`, `licence`, `imagenet_top1`, and `unavailable` (why it is not here) or `accuracy` (of
    the linear probe), `milliseconds` (a picture, median of batches of eight on this machine), `macs`, `params`,
    `megabytes` (of float32 weights) and `paired` (against the study's own backbone).
    """
    chosen = bench.options.backbones or tuple(backbones.BACKBONES)
    chosen = (bench.record.name, *(name for name in chosen if name != bench.record.name))
    bench.result["backbones"] = []
    reference: list[float] = []
    for index, name in enumerate(chosen):
        record = backbones.backbone(name)
        begin, share = index / len(chosen), 1 / len(chosen)
        bench.progress(record.title, begin)
        entry: dict[str, Any] = {
            "name": name,
            "title": record.title,
            "licence": record.licence,
            "imagenet_top1": record.top1,
            "unavailable": backbones.unavailable(record),
        }
        if not entry["unavailable"]:
            features = bench.features(begin, record)
            counts = bench.probe_counts(features, record.title, begin + 0.8 * share, 0.1 * share)
            entry |= {"accuracy": bench.accuracy(counts)} | _costs(record)
            scores = entry["accuracy"]["scores"]
            if reference:
                names = record.title, bench.record.title
                entry["paired"] = paired_comparison(scores, reference, bench.test_share, names)
            reference = reference or scores
        bench.result["backbones"] = [*bench.result["backbones"], entry]
        bench.say(_words(entry))


def _costs(record: backbones.Backbone) -> dict[str, Any]:
    model = pooled(backbones.build(record.name))
    rows = layer_table(model)
    params = sum(row.params for row in rows)
    macs = None if any(row.macs is None for row in rows[1:]) else sum(row.macs or 0 for row in rows)
    batch = np.zeros((TIMED_BATCH, record.input_size, record.input_size, 3), np.uint8)
    seconds = []
    for _ in range(TIMES):
        start = time.perf_counter()
        infer(model, batch)
        seconds.append(time.perf_counter() - start)
    milliseconds = 1000 * float(np.median(seconds[1:])) / TIMED_BATCH  # the first one warms up
    return {"milliseconds": milliseconds, "macs": macs, "params": params, "megabytes": 4 * params / 1e6}


def _words(entry: dict[str, Any]) -> str:
    if entry["unavailable"]:
        return str(entry["unavailable"])
    figures = entry["accuracy"]
    macs = "" if entry["macs"] is None else f"{entry['macs'] / 1e6:.0f} M multiply-adds, "
    words = (
        f"{entry['title']}: accuracy {figures['mean']:.3f} ({figures['low']:.3f} to {figures['high']:.3f}), "
        f"{entry['milliseconds']:.1f} ms a picture, {macs}{entry['megabytes']:.0f} MB."
    )
    return words + (f" {entry['paired']['words']}" if "paired" in entry else "")
