# ruff: noqa: T201, TID251
"""One network, the same pictures, every engine: `python -m benchmarks.forward [--openvino PYTHON] [--out FILE]`.

EfficientNet-Lite0 without its head, pooled, 64 pictures of 224 × 224, on as many threads as there are cores. Every
engine has a process of its own, is warmed up, and takes its turns with the others, so that a busy machine is as hard on
one as on the next. Printed: the median of the turns in pictures a second, processor seconds, peak memory, and how far
an answer is from that of Keras' `predict`. OpenVINO is measured where `--openvino` names a Python that has it.

The file is also each engine's own program, so it imports at its top what every environment has.
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

PICTURES, TURNS = 64, 9
THREADS = os.cpu_count() or 1
CONVSCOPE, PREDICT = "ConvScope", "Keras predict"
ENGINES = {  # name: pictures a call, the fastest of 1, 8 and 32
    CONVSCOPE: 32,
    "LiteRT": 1,
    "ONNX Runtime": 8,
    "OpenVINO": 8,
    "tf.function": 32,
    PREDICT: 32,
    "Keras, called directly": 32,  # ConvScope 0.1
}

Run = Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class Measured:
    """Medians of an engine's turns."""

    engine: str
    batch: int
    pictures_per_second: float
    cpu_seconds: float
    peak_mb: float
    largest_difference: float
    version: str


# An engine's own process ----------------------------------------------------------------------------------------------


def _opened(engine: str, folder: Path) -> tuple[Run, str]:
    """Return what runs a batch, float32 `(n, 224, 224, 3)`, and whose version it is."""
    if engine == CONVSCOPE:
        from cnn_core.networks import backbones, forward

        return forward.features(backbones.backbone(backbones.DEFAULT)), "this"
    if engine == "LiteRT":
        from importlib.metadata import version

        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(folder / "pool.tflite"), num_threads=THREADS)
        interpreter.allocate_tensors()
        entry, end = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

        def invoke(batch: np.ndarray) -> Any:
            interpreter.set_tensor(entry, batch)
            interpreter.invoke()
            return interpreter.get_tensor(end)

        return invoke, version("ai-edge-litert")
    if engine == "ONNX Runtime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(str(folder / "pool.onnx"), options, ["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda batch: session.run(None, {name: batch})[0], onnxruntime.__version__
    if engine == "OpenVINO":
        import openvino

        settings = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.Core().compile_model(str(folder / "pool.onnx"), "CPU", settings)
        return lambda batch: compiled(batch)[0], openvino.__version__
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    model = keras.saving.load_model(folder / "pool.keras", compile=False)
    if engine == PREDICT:
        return lambda pictures: model.predict(pictures, batch_size=ENGINES[engine], verbose=0), keras.__version__
    if engine == "tf.function":
        seen = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        return tf.function(lambda batch: model(batch, training=False), input_signature=[seen]), tf.__version__
    return lambda batch: model(batch, training=False), keras.__version__


def _serve(engine: str, folder: Path) -> None:
    """Take a turn at every line that is read, and answer with a line."""
    pictures, expected = np.load(folder / "pictures.npy"), np.load(folder / "expected.npy")
    run, version = _opened(engine, folder)
    batch = PICTURES if engine == PREDICT else ENGINES[engine]  # it makes its batches itself

    def turn() -> np.ndarray:
        return np.concatenate([np.asarray(run(pictures[i : i + batch])) for i in range(0, PICTURES, batch)])

    difference = float(np.abs(turn() - expected).max())
    print(json.dumps({"version": version, "largest_difference": difference}), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        turn()
        print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, _peak()]), flush=True)


def _peak() -> float:
    """Return the most memory that this process has held, in MB."""
    import resource  # not on Windows

    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / 1e6 if sys.platform == "darwin" else held * 1024 / 1e6


def _prepare(folder: Path) -> None:
    """Write the pictures, the network in every format, and what Keras says."""
    from skimage import data

    from cnn_core.networks import backbones, flatbuffer, forward
    from cnn_core.training.transfer.formats import to_onnx

    forward.features(backbones.backbone(backbones.DEFAULT))  # made and kept, if it was not
    random, photos = np.random.default_rng(0), [data.chelsea(), data.astronaut(), data.coffee(), data.rocket()]
    pictures = np.empty((PICTURES, 224, 224, 3), np.float32)
    for index in range(PICTURES):
        photo = photos[index % len(photos)]
        top, left = (random.integers(0, side - 223) for side in photo.shape[:2])
        pictures[index] = photo[top : top + 224, left : left + 224]
    model = forward.pooled(backbones.build(backbones.DEFAULT))
    np.save(folder / "pictures.npy", pictures)
    np.save(folder / "expected.npy", model.predict(pictures, verbose=0))
    model.save(folder / "pool.keras", include_optimizer=False)
    (folder / "pool.tflite").write_bytes(flatbuffer.convert(model))
    (folder / "pool.onnx").write_bytes(to_onnx(model))


# Taking turns ---------------------------------------------------------------------------------------------------------


def measure(openvino: str = "") -> list[Measured]:
    """Measure every engine that is here, the fastest first."""
    with tempfile.TemporaryDirectory() as name:
        _child("prepare", name).communicate()
        pythons = {engine: openvino if engine == "OpenVINO" else sys.executable for engine in ENGINES}
        served = {engine: _child(engine, name, python) for engine, python in pythons.items() if python}
        ready = {engine: _answer(child) for engine, child in served.items()}
        turns: dict[str, list[Any]] = {engine: [] for engine in served}
        for _ in range(TURNS):
            for engine, child in served.items():
                assert child.stdin
                child.stdin.write("\n")
                child.stdin.flush()
                turns[engine].append(_answer(child))
        for child in served.values():
            child.communicate()
    found = []
    for engine, rows in turns.items():
        wall, cpu, peak = (statistics.median(row[i] for row in rows) for i in range(3))
        rate = round(PICTURES / wall, 1)
        found.append(Measured(engine, ENGINES[engine], rate, round(cpu, 3), round(peak), **ready[engine]))
    return sorted(found, key=lambda each: -each.pictures_per_second)


def _child(what: str, folder: str, python: str = sys.executable) -> "subprocess.Popen[str]":
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": str(THREADS)}
    here = Path(__file__).resolve()
    command = [python, str(here), "--serve", what, folder]
    if python == sys.executable:
        command[1:2] = ["-m", "benchmarks.forward"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, text=True, env=environment, cwd=here.parents[1], **pipes)


def _answer(child: "subprocess.Popen[str]") -> Any:
    assert child.stdout
    while line := child.stdout.readline():
        if line[0] in "[{":  # some libraries write to standard output
            return json.loads(line)
    raise RuntimeError(f"{child.args!r} ended without an answer.")


def table(found: list[Measured]) -> str:
    """Return the figures as a Markdown table."""
    rows = [
        "| engine (batch) | pictures/s | processor s for 64 | peak MB | largest difference |",
        "|---|---|---|---|---|",
    ]
    for each in found:
        figures = f"{each.pictures_per_second:.0f} | {each.cpu_seconds:.2f} | {each.peak_mb:,.0f}"
        rows.append(f"| {each.engine} ({each.batch}) | {figures} | {each.largest_difference:.0e} |")
    return "\n".join(rows)


def main(arguments: list[str]) -> int:
    """Measure, print the table and the two ratios that are claimed; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forward")
    parser.add_argument("--openvino", default="", metavar="PYTHON", help="a Python that has openvino and numpy")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--serve", nargs=2, metavar=("ENGINE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        what, folder = options.serve[0], Path(options.serve[1])
        _prepare(folder) if what == "prepare" else _serve(what, folder)
        return 0
    found = measure(options.openvino)
    machine = f"{platform.platform()}, {THREADS} cores, Python {platform.python_version()}"
    versions = ", ".join(f"{each.engine} {each.version}" for each in found)
    print(f"{machine}; {versions}\n\n{table(found)}\n")
    rates = {each.engine: each.pictures_per_second for each in found}
    best = max(rate for engine, rate in rates.items() if engine in ("LiteRT", "ONNX Runtime", "OpenVINO"))
    print(f"ConvScope: {rates[CONVSCOPE] / best:.2f} of the best engine (claimed: 0.9 or more)")
    print(f"ConvScope: {rates[CONVSCOPE] / rates[PREDICT]:.2f} times Keras predict (claimed: 1.6 or more)")
    if options.out:
        report = {"machine": machine, "threads": THREADS, "engines": [asdict(each) for each in found]}
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
