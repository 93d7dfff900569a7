# ruff: noqa: T201, TID251
"""Fine-tuning against the Keras guide: `python -m benchmarks.fine_tuning [FOLDER] [--test FOLDER] [--out FILE]`.

Pictures lie in a store; a process of its own reads them, trains a head, then the topmost blocks, and tests: once as the
guide "Transfer learning and fine-tuning" does it, by `fit` on the whole network, and twice by ConvScope, whose second
run has other runs' features and maps. The same split, seed, epochs, rates, batch size and blocks, BatchNorm frozen in
both. They take turns; printed are medians: wall and processor seconds of an epoch of blocks and of the whole process,
imports included, its peak memory and the test accuracy. Without a folder the pictures are the sample set `textures`.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

GUIDE, FIRST, AGAIN = "Keras guide", "ConvScope", "ConvScope, a second run"
TURNS = 3
FIGURES = ("epoch_seconds", "epoch_cpu", "seconds", "cpu", "peak_mb", "accuracy")
Found = dict[str, float]


class Clock:
    """When epochs of blocks have ended, by the wall and by the processor."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, float]] = []

    def mark(self) -> None:
        """Note an end."""
        self.marks.append((time.perf_counter(), time.process_time()))

    def epoch(self) -> tuple[float, float]:
        """Return the medians of the epochs but the first, which traces."""
        pairs = list(zip(self.marks, self.marks[1:], strict=False))
        wall, cpu = (statistics.median(b[i] - a[i] for a, b in pairs) for i in (0, 1))
        return wall, cpu


# One process ----------------------------------------------------------------------------------------------------------


def guide(folder: Path, clock: Clock) -> float:
    """Train as the Keras guide does; return the test accuracy."""
    import keras
    import numpy as np

    from cnn_core.networks import backbones
    from cnn_core.networks.forward import network_input
    from cnn_core.pictures import sets
    from cnn_core.store.runs import Store
    from cnn_core.training.transfer.spec import Experiment

    experiment = Experiment.from_json(json.loads((folder / "experiment.json").read_text()))
    options, store = experiment.options, Store(folder / "store")
    record, split = backbones.backbone(options.backbone), sets.split(experiment.items, options.seed)
    parts = {name: getattr(split, name) for name in ("train", "validation", "test")}
    pixels = {name: network_input(store, items, record) for name, items in parts.items()}
    labels = {name: np.array([experiment.classes.index(item.label) for item in items]) for name, items in parts.items()}

    keras.utils.set_random_seed(options.seed)
    base = backbones.build(options.backbone)
    base.trainable = False
    inputs = keras.Input(base.input.shape[1:])
    x = keras.layers.GlobalAveragePooling2D()(base(inputs, training=False))
    x = keras.layers.Dropout(0.2)(x)
    model = keras.Model(inputs, keras.layers.Dense(len(experiment.classes), activation="softmax")(x))

    def fit(rate: float, callbacks: list[keras.callbacks.Callback]) -> None:
        # jit_compile: by XLA both would take longer on a processor
        model.compile(
            keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
        )
        model.fit(
            pixels["train"],
            labels["train"],
            batch_size=options.batch_size,
            epochs=options.epochs,
            validation_data=(pixels["validation"], labels["validation"]),
            callbacks=callbacks,
            verbose=0,
        )

    fit(options.head_learning_rate, [])
    start = [layer.name for layer in base.layers].index(record.block_starts[-options.unfreeze_blocks])
    base.trainable = True
    for index, layer in enumerate(base.layers):
        layer.trainable = index >= start and not isinstance(layer, keras.layers.BatchNormalization)
    fit(
        options.fine_tune_learning_rate, [keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: clock.mark())]
    )
    return float(model.evaluate(pixels["test"], labels["test"], batch_size=options.batch_size, verbose=0)[1])


def convscope(folder: Path, clock: Clock) -> float:
    """Carry out a run with the fine-tuned arm alone; return the test accuracy."""
    from cnn_core.networks import maps
    from cnn_core.store.runs import Store
    from cnn_core.training.transfer import experiment as job
    from cnn_core.training.transfer.results import Transfer

    class Listening:
        should_stop = lost = False
        ended = 0

        def update(self, **progress: Any) -> None:
            epochs = progress.get("curves", {}).get("fine_tuned", {}).get("epochs", [])
            ended = sum(epoch["phase"] == "blocks" for epoch in epochs)
            if ended > self.ended:
                self.ended = ended
                clock.mark()

        def found(self, result: object) -> None:
            pass

    maps.FOLDER = folder / "maps"
    store = Store(folder / "store")
    spec = json.loads((folder / "experiment.json").read_text())
    run = store.claim(store.create("transfer", spec, title="benchmark").id, worker="benchmark")
    assert run
    arm = Transfer.from_json(job.run(run, store, Listening()).result).arms["fine_tuned"]
    store.close()
    return arm.accuracy.value


def _serve(what: str, folder: Path) -> None:
    clock, started = Clock(), time.perf_counter() - time.process_time()
    accuracy = (guide if what == GUIDE else convscope)(folder, clock)
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    figures = (*clock.epoch(), time.perf_counter() - started, time.process_time(), peak, accuracy)
    print("\n" + json.dumps(dict(zip(FIGURES, figures, strict=True))), flush=True)


# Taking turns ---------------------------------------------------------------------------------------------------------


def measure(prepare: Callable[[Path], None], turns: int = TURNS) -> dict[str, Found]:
    """Return the medians of each way; every turn begins with an empty store but for the pictures."""
    rows: dict[str, list[Found]] = {GUIDE: [], FIRST: [], AGAIN: []}
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as name:
            prepare(Path(name))
            for what, found in rows.items():
                found.append(_turn(what, name))
    return {
        what: {figure: statistics.median(each[figure] for each in found) for figure in FIGURES}
        for what, found in rows.items()
    }


def _turn(what: str, folder: str) -> Found:
    command = [sys.executable, "-m", "benchmarks.fine_tuning", "--serve", what, folder]
    done = subprocess.run(command, cwd=Path(__file__).resolve().parents[1], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{what} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def _prepared(options: argparse.Namespace) -> Callable[[Path], None]:
    """Return what fills a folder: the store with the pictures, and the experiment."""
    from cnn_core.pictures import sets
    from cnn_core.store.runs import Store
    from cnn_core.training.reading import read
    from cnn_core.training.transfer.spec import Experiment, Options

    def prepare(folder: Path) -> None:
        store = Store(folder / "store")
        if options.folder:
            items = read(store, options.folder)
            items = [item for item in items if item.label]
            items += read(store, options.test, "test") if options.test else []
        else:
            items = sets.read_sample(store, "textures")
        chosen = Options(arms=("fine_tuned",), augment=options.augment)
        experiment = Experiment(tuple(items), chosen, source="benchmark")
        (folder / "experiment.json").write_text(json.dumps(experiment.to_json()))
        store.close()

    return prepare


def table(found: dict[str, Found]) -> str:
    """Return the figures as a Markdown table, with how many times the guide's they are."""
    rows = [
        "| | epoch, s | processor s | × | whole process, s | processor s | × | peak MB | test accuracy |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    base = found[GUIDE]
    for what, each in found.items():
        epoch, whole = (base[name] / each[name] for name in ("epoch_cpu", "cpu"))
        rows.append(
            f"| {what} | {each['epoch_seconds']:.2f} | {each['epoch_cpu']:.2f} | {epoch:.1f} | {each['seconds']:.1f} | "
            f"{each['cpu']:.1f} | {whole:.1f} | {each['peak_mb']:,.0f} | {each['accuracy']:.3f} |"
        )
    return "\n".join(rows)


def main(arguments: list[str]) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fine_tuning")
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="pictures in class folders")
    parser.add_argument("--test", type=Path, metavar="FOLDER", help="test on this folder")
    parser.add_argument("--augment", action="store_true", help="ConvScope with kept copies; the guide stays as it is")
    parser.add_argument("--turns", type=int, default=TURNS, help="of each way (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--serve", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        _serve(options.serve[0], Path(options.serve[1]))
        return 0
    found = measure(_prepared(options), options.turns)
    machine = f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}; medians of {options.turns} turns\n\n{table(found)}\n")
    print("claimed: 3 times the guide's processor seconds, an epoch and the whole process")
    if options.out:
        report = {"machine": machine, "turns": options.turns, "found": found}
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
