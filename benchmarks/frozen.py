# ruff: noqa: T201, TID251
"""A frozen network against the Keras guide: `python -m benchmarks.frozen [FOLDER --test FOLDER] [--out FILE]`.

Pictures lie in folders, one a class; without any they are those of the sample set `textures`. In a process of its own,
imports included: the guide "Transfer learning and fine-tuning", by `fit` on the whole network with its body frozen; the
command `train`, with an empty store, and once more, when features of all pictures are kept. Then in a process that has
answered a question before, as a worker of the app: the first run on pictures in the store, and a run with other
settings. Everyone takes turns; printed are medians of the processor seconds (of what a process starts too), wall
seconds, peak memory, and right answers in the test.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

EPOCHS, BATCH, TURNS = 10, 16, 3
GUIDE, COLD, AGAIN = "Keras guide", "train, a process of its own", "train, features are kept"
WARM, OTHER = "a worker of the app", "a worker, other settings"
FIGURES = ("cpu", "seconds", "peak_mb", "accuracy")
Found = dict[str, float]


def guide(train: Path, test: Path) -> float:
    """Train a head as the Keras guide does; return the test accuracy."""
    import keras

    from cnn_core.networks import backbones

    def pictures(folder: Path, **options: Any) -> Any:
        return keras.utils.image_dataset_from_directory(
            folder, image_size=(224, 224), batch_size=BATCH, seed=0, verbose=False, **options
        )

    keras.utils.set_random_seed(0)
    parts = [pictures(train, validation_split=0.2, subset=subset) for subset in ("training", "validation")]
    base = backbones.build(backbones.DEFAULT)
    base.trainable = False
    inputs = keras.Input((224, 224, 3))
    x = keras.layers.GlobalAveragePooling2D()(base(inputs, training=False))
    x = keras.layers.Dropout(0.2)(x)
    model = keras.Model(inputs, keras.layers.Dense(len(parts[0].class_names), activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    model.fit(parts[0], epochs=EPOCHS, validation_data=parts[1], verbose=0)
    return float(model.evaluate(pictures(test), verbose=0)[1])


def worker(store_folder: Path, train: Path, test: Path) -> dict[str, Found]:
    """Return the figures of two runs in this process, which has answered a question."""
    import numpy as np

    from cnn_core.networks import embedded
    from cnn_core.store.runs import Store
    from cnn_core.training.reading import read
    from cnn_core.training.transfer import experiment as job
    from cnn_core.training.transfer.results import Transfer
    from cnn_core.training.transfer.spec import Experiment, Options

    class Nobody:
        should_stop = lost = False

        def update(self, **progress: object) -> None: ...

        def found(self, result: object) -> None: ...

    store, found = Store(store_folder), {}
    items = (*read(store, train), *read(store, test, part="test"))
    embedded.classify(np.zeros((300, 300, 3), np.uint8))
    for name, seed in ((WARM, 0), (OTHER, 1)):
        experiment = Experiment(items, Options(arms=("frozen",), seed=seed), source="benchmark")
        run = store.claim(store.create("transfer", experiment.to_json(), title="benchmark").id, worker="benchmark")
        assert run
        began = time.process_time(), time.perf_counter()
        result = Transfer.from_json(job.run(run, store, Nobody()).result)
        figures = time.process_time() - began[0], time.perf_counter() - began[1], float("nan")
        found[name] = dict(zip(FIGURES, (*figures, result.arms["frozen"].accuracy.value), strict=True))
    store.close()
    return found


def samples(folder: Path) -> tuple[Path, Path]:
    """Write the sample set as files; return the folders to train and to test on."""
    from PIL import Image

    from cnn_core.pictures import sets

    for number, (picture, label, part) in enumerate(sets.SAMPLES["textures"].pictures()):
        place = folder / ("test" if part == "test" else "train") / label
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.pixels).save(place / f"{number}.png")
    return folder / "train", folder / "test"


# Taking turns ---------------------------------------------------------------------------------------------------------


def turn(train: Path, test: Path, folder: Path) -> dict[str, Found]:
    """Return each way's figures, of one turn."""
    places = [str(train), str(test)]
    out, told = folder / "result.json", folder / "told.json"
    found = {GUIDE: _process(["benchmarks.frozen", *places, str(told), "--serve", "guide"], folder / "none", told)}
    command = ["cnn_core", "train", str(train), "--test", str(test), "--arms", "frozen", "--out", str(out)]
    for name in (COLD, AGAIN):
        found[name] = _process(command, folder / "store", out)
    workers = ["benchmarks.frozen", *places, str(told), "--serve", str(folder / "worker")]
    _process(workers, folder / "none", told)
    return found | json.loads(told.read_text())


def _process(arguments: Sequence[str], store: Path, told: Path) -> Found:
    room = Path(__file__).resolve().parents[1]
    environment = os.environ | {"CONVSCOPE_STORE": str(store), "PYTHONPATH": str(room)}
    began, log = time.perf_counter(), told.with_suffix(".log")
    with log.open("w") as file:
        redirected = [(os.POSIX_SPAWN_DUP2, file.fileno(), stream) for stream in (1, 2)]
        words = [sys.executable, "-m", *arguments]
        process = os.posix_spawn(sys.executable, words, environment, file_actions=redirected)
        _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed:\n{log.read_text()[-2000:]}")
    answer = json.loads(told.read_text())
    accuracy = answer["arms"]["frozen"]["accuracy"] if "arms" in answer else {"correct": answer.get("accuracy", 0)}
    share = accuracy["correct"] / accuracy.get("total", 1)
    figures = usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss / 1000, share
    return dict(zip(FIGURES, figures, strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="pictures in class folders")
    parser.add_argument("--test", type=Path, metavar="FOLDER", help="pictures to test on")
    parser.add_argument("--turns", type=int, default=TURNS, help="of each way (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("places", nargs="*", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        test, told = options.places
        found: Any = {"accuracy": guide(options.folder, test)} if options.serve == "guide" else None
        told.write_text(json.dumps(found or worker(Path(options.serve), options.folder, test)))
        return 0
    turns = []
    for _ in range(options.turns):
        with tempfile.TemporaryDirectory() as folder:
            train, test = (options.folder, options.test) if options.folder else samples(Path(folder))
            turns.append(turn(train, test, Path(folder)))
    medians = {
        name: {figure: statistics.median(each[name][figure] for each in turns) for figure in FIGURES}
        for name in turns[0]
    }
    machine = f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}; medians of {options.turns} turns\n\n| | processor s | × | wall s | peak MB | test accuracy |")
    print("|---|---|---|---|---|---|")
    for name, each in medians.items():
        peak = f"{each['peak_mb']:,.0f}" if each["peak_mb"] == each["peak_mb"] else ""
        ratio = medians[GUIDE]["cpu"] / each["cpu"]
        print(f"| {name} | {each['cpu']:.2f} | {ratio:.1f} | {each['seconds']:.2f} | {peak} | {each['accuracy']:.3f} |")
    if options.out:
        options.out.write_text(json.dumps({"machine": machine, "turns": turns}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
