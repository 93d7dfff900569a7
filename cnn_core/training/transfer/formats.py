"""A trained network in other formats, each tested in a fresh process before anybody takes it home.

The test runs what the reader will run: the `predict.py` of the bundle on picture files, beside the converted network.
"""

import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnn_core.networks import devices, flatbuffer
from cnn_core.networks.backbones import backbone
from cnn_core.pictures import kept
from cnn_core.pictures.images import square
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome, Report
from cnn_core.store.runs import Store
from cnn_core.training.transfer import answers, documents, manifest, onnx_extra
from cnn_core.training.transfer.export import FORMAT_TITLES, LITERT, in_float32, is_current, network_file, self_test_of
from cnn_core.training.transfer.results import SelfTest, Transfer

TOLERANCES: dict[str, float | None] = {"keras": 1e-4, "tflite": 1e-3, "onnx": 1e-3, "int8": None}
PATIENCE = 180  # seconds for one fresh process
PICTURES = "pictures/"  # where a page that is taken home has those that it is tested with
_REACTION = 90  # seconds within which a stop is heard: between two formats


def export_formats(
    run_id: str,
    arm: str,
    *,
    location: str | None = None,
    known: Sequence[dict[str, Any]] = (),
    wanted: Collection[str] = tuple(TOLERANCES),
    tell: Callable[[dict[str, Any], str], bool] = lambda tested, name: False,
) -> dict[str, Any]:
    """Convert an arm's network, test its formats, and keep those that agree.

    Args:
        run_id: A finished run.
        arm: One of its arms.
        location: Of the store; by default the one of this process.
        known: Entries of an earlier attempt; formats that were tested are not tested again (`export.is_current`).
        wanted: Which formats; others that are known stay.
        tell: Called with what is known so far and the name of the next format; returns True to stop.

    Returns:
        The self-test, kept in the store beside the networks: `pictures` (names); `parity`, what was expected of each
        (as `manifest.parity_picture` has it); and `formats`, each with `name`, `file`, `bytes`, `largest_difference`
        (of a probability), `agreement` (pictures with the same answer), `tolerance` (None for int8, of which only the
        agreement is reported), `batch` (1 of LiteRT, which takes a picture at a time), `passed` and `words`; or
        `words` alone why it is not offered.

    Raises:
        RunNotFound: If there is no such run.
        NoModel: If the arm has no trained network.
    """
    store = Store(location) if location else Store.default()
    try:
        run = store.get(run_id)
        if not run.result or arm not in Transfer.from_json(run.result).arms:
            raise answers.NoModel(f"Run {run_id} has no trained network {arm!r}. Choose another run or arm.")
        with tempfile.TemporaryDirectory() as folder:
            return _export(store, run, arm, Path(folder), known, wanted, tell)
    finally:
        store.close()


def run(run: Run, store: Store, report: Report) -> Outcome:
    """Carry out a run of kind `exports`.

    Args:
        run: Its spec has `run`, a finished run, and `arm`, one of its arms; formats that its result has already are not
            tested again, nor, with `again` in the spec, those that were tested by an earlier run.
        store: Holds the network; receives the formats that agree, and the self-test.
        report: Is told `phase`, `fraction` and each format that was tested, and says when to stop.
    """

    def tell(tested: dict[str, Any], name: str) -> bool:
        done = len(tested["formats"])
        phase = f"testing {FORMAT_TITLES[name]}, {done + 1} of {len(TOLERANCES)}"
        report.update(phase=phase, fraction=done / len(TOLERANCES))
        if done:
            report.found(SelfTest(**tested).to_json())
        return report.should_stop

    report.update(reaction=_REACTION, phase="preparing", fraction=0.0)
    earlier = self_test_of(store, run.spec["run"], run.spec["arm"]) if "again" in run.spec else None
    known = SelfTest.from_json(run.result).formats or (earlier or {"formats": ()})["formats"]
    tested = export_formats(run.spec["run"], run.spec["arm"], location=store.location, known=known, tell=tell)
    return Outcome(SelfTest(**tested).to_json(), devices.environment(devices.find()))


def _export(
    store: Store,
    run: Run,
    arm: str,
    folder: Path,
    known: Sequence[dict[str, Any]],
    wanted: Collection[str],
    tell: Callable[[dict[str, Any], str], bool],
) -> dict[str, Any]:
    result = Transfer.from_json(run.result)
    record, classes = backbone(run.spec["options"]["backbone"]), result.classes
    data = network_file(store, run, arm)
    model = in_float32(answers.load_model(data))  # runs of version 0.1 on a GPU kept it in mixed precision
    for name, text in documents.scripts(run, arm, record).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "labels.json").write_text(json.dumps(classes, ensure_ascii=False), encoding="utf-8")
    chosen = manifest.parity_answers(result.arms[arm].answers)
    parity, files = [], []
    for index, answer in enumerate(chosen):
        shown, suffix = kept.file(store, answer.digest)
        files.append(f"{index}.{suffix}")
        (folder / files[-1]).write_bytes(shown)
        pixels = kept.pixels(store, answer.digest)
        said = answers.ask(model, pixels, record, classes)
        seen = square(pixels, record.input_size, record.crop_fraction)
        url = f"{PICTURES}{answer.digest}.{suffix}"
        parity.append(manifest.parity_picture(answer.name, url, seen, {arm: said}, classes))
    expected = np.array([picture["expected"][arm] for picture in parity])
    converters: dict[str, Callable[[Any], bytes]] = {
        "keras": lambda model: data,
        "tflite": flatbuffer.convert,
        "int8": lambda model: flatbuffer.convert(model, int8=True),
        "onnx": to_onnx,
    }
    found: dict[str, Any] = {
        "pictures": [answer.name for answer in chosen],
        "parity": parity,
        "formats": [entry for entry in known if is_current(entry)],
    }
    for name, convert in converters.items():
        if name not in wanted or name in {entry["name"] for entry in found["formats"]}:
            continue
        if tell(found, name):
            break
        entry: dict[str, Any]
        if name == "onnx" and (reason := onnx_extra.missing()):
            entry = {"name": name, "words": reason, "passed": False}
        else:
            file = keys.FORMATS[name].format(arm=arm)
            try:
                converted = convert(model)
            except flatbuffer.FlatbufferRefused as reason:
                entry = {"name": name, "file": file, "words": f"{file}: {reason}; not offered.", "passed": False}
            else:
                (folder / file).write_bytes(converted)
                entry = _tested(folder, name, file, files, expected, classes) | {"bytes": len(converted)}
            if name in LITERT:
                entry["batch"] = 1
            if name != "keras" and entry["passed"]:
                store.write(keys.file(run.id, arm, name), converted)
        found["formats"] = sorted([*found["formats"], entry], key=lambda each: [*converters].index(each["name"]))
        store.write(keys.self_test(run.id, arm), json.dumps(found, ensure_ascii=False).encode())
    return found


def to_onnx(model: Any) -> bytes:
    """Return a Keras network as ONNX, by Keras' own export, which needs tf2onnx."""
    import keras

    # Without it Keras wants the network called first.
    signature = [keras.InputSpec(shape=model.input_shape, dtype="float32", name="image")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        with warnings.catch_warnings():  # Keras 3.15 asks NumPy for its old np.object, and NumPy warns
            warnings.filterwarnings("ignore", r"In the future `np\.object`", FutureWarning)
            model.export(path, format="onnx", verbose=False, input_signature=signature)
        return path.read_bytes()


def _tested(
    folder: Path, name: str, file: str, pictures: Sequence[str], expected: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Ask the format in a fresh process and compare with the page's probabilities."""
    entry: dict[str, Any] = {"name": name, "file": file, "tolerance": TOLERANCES[name], "passed": False}
    command = [sys.executable, "predict.py", "--json", "--model", file, *pictures]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return entry | {"words": f"{file} did not answer within {PATIENCE} s in a fresh process: not offered."}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no further word"])[-1].rstrip(".")
        return entry | {"words": f"{file} does not work in a fresh process: {last}; not offered."}
    said = np.array([[answer[label] for label in classes] for answer in json.loads(done.stdout)])
    difference = float(np.abs(said - expected).max())
    agreement = int((said.argmax(axis=1) == expected.argmax(axis=1)).sum())
    tolerance = TOLERANCES[name]
    passed = tolerance is None or difference <= tolerance
    told = f"{agreement} of {len(expected)} answers the same, probabilities differ by at most {difference:.1e}"
    if tolerance is None:
        words = f"{file}: {told} (8-bit weights: reported, no tolerance)."
    else:
        words = (
            f"{file}: {told}; {'within' if passed else 'beyond'} {tolerance:.0e}{'' if passed else ': not offered'}."
        )
    return entry | {
        "largest_difference": difference,
        "agreement": agreement / len(expected),
        "passed": passed,
        "words": words,
    }
