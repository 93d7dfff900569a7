"""`python -m cnn_core export RUN --format … --out FOLDER`: a trained network to take along, tested. Light until run."""

import argparse
import sys
from pathlib import Path
from typing import Any

from cnn_core.networks import devices
from cnn_core.networks.backbones import backbone
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.transfer import export
from cnn_core.training.transfer.results import Transfer
from cnn_core.training.transfer.spec import ARM_TITLES

_WEB = "web"
FORMATS = (_WEB, "keras", "tflite", "int8", "onnx")


class ExportRefused(ValueError):
    """Nothing was written; the text says why, and what to do."""


def add_commands(commands: Any) -> None:
    """Add `export` to the sub-commands of a parser; its `command` takes the options and returns what to print."""
    parser = commands.add_parser("export", help="write a trained network, tested, in a format of your choice")
    parser.set_defaults(command=_export)
    parser.add_argument("run", metavar="RUN", help="a run's id")
    parser.add_argument("--format", required=True, choices=FORMATS, help="web: a page that runs it in any browser")
    parser.add_argument("--arm", choices=tuple(ARM_TITLES), help="default: the one with the most right answers")
    parser.add_argument("--no-pictures", action="store_true", help="web: leave out the test pictures to compare by")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new or empty folder")


def _export(options: argparse.Namespace) -> str:
    out: Path = options.out
    if not out.absolute().parent.is_dir():
        raise ExportRefused(f"--out: the folder {out.absolute().parent} does not exist. Create it first.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExportRefused(f"--out: {out} is there and not an empty folder. Name a new one.")
    store = Store.default()
    try:
        run = store.get(options.run)
        arm = _arm(run, options.arm)
        files, told = _files(store, run, arm, options.format, pictures=not options.no_pictures)
    finally:
        store.close()
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if options.format == _WEB:
        told += f"\nLook at it: {Path(sys.executable).name} -m http.server 8000 --directory {out}"
    return told


def _arm(run: Run, wanted: str | None) -> str:
    """Return which arm is meant."""
    arms = Transfer.from_json(run.result).arms if run.kind == "transfer" and run.result else {}
    if not arms:
        raise ExportRefused(f"Run {run.id} has no trained network (its state is {run.state}). Choose another run.")
    if wanted and wanted not in arms:
        raise ExportRefused(f"--arm: run {run.id} has no arm {wanted!r}; it has {', '.join(arms)}.")
    best = max(arms, key=lambda name: arms[name].accuracy.correct)
    if not wanted and len(arms) > 1:
        sys.stderr.write(f"The {best} arm, which had the most right answers; --arm names another.\n")
    return wanted or best


def _files(store: Store, run: Run, arm: str, wanted: str, *, pictures: bool) -> tuple[dict[str, bytes], str]:
    """Return the files to write, and what the test of the network has found.

    Raises:
        ExportRefused: If the network does not do in this format what it does in the app.
    """
    record, name = backbone(run.spec["options"]["backbone"]), "tflite" if wanted == _WEB else wanted
    known = export.self_test_of(store, run.id, arm) or {"formats": ()}
    entry = _entry(known, name)
    if not (entry and export.is_current(entry)):
        devices.import_keras()  # quietly
        from cnn_core.training.transfer import formats

        tested = {"keras", name}  # the page withholds a network whose `.keras` file did not pass: it is always tested
        known = formats.export_formats(
            run.id, arm, location=store.location, known=known["formats"], wanted=tested, tell=_tell
        )
        entry = _entry(known, name)
    if not entry or not entry["passed"]:
        raise ExportRefused(f"Nothing was written: {entry['words'] if entry else 'the test was broken off'}".strip())
    if wanted == _WEB:
        return export.web_page(store, run, arm, record, pictures=pictures), entry["words"]
    return export.network_folder(store, run, arm, record, name), entry["words"]


def _entry(known: Any, name: str) -> dict[str, Any] | None:
    return next((entry for entry in known["formats"] if entry["name"] == name), None)


def _tell(tested: dict[str, Any], name: str) -> bool:
    sys.stderr.write(f"Testing {export.FORMAT_TITLES[name]} in a fresh process …\n")
    return False
