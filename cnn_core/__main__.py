"""ConvScope without a browser: train, ask, measure, keep. Installed by pip, the program is called `convscope`."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnn_core.engine import door
from cnn_core.engine.errors import on_purpose
from cnn_core.engine.here import RunTaken, carry_out, shortfall
from cnn_core.engine.progress import bar
from cnn_core.networks import commands as networks
from cnn_core.networks import devices
from cnn_core.networks.backbones import BACKBONES
from cnn_core.networks.zoo.architectures import ARCHITECTURES
from cnn_core.pictures import commands as pictures
from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.images import ImageRefused, Picture
from cnn_core.receipts import commands as receipts
from cnn_core.store import commands as keeping
from cnn_core.store.records import Run, RunNotFound
from cnn_core.store.runs import Store
from cnn_core.training import reading
from cnn_core.training.flags import add_flags, chosen
from cnn_core.training.lab import commands as lab
from cnn_core.training.studies import commands as studies
from cnn_core.training.transfer import commands as transfer
from cnn_core.training.transfer.headline import balanced, unequal
from cnn_core.training.transfer.results import Transfer
from cnn_core.training.transfer.spec import Experiment, Options


class _Refused(Exception):
    """Ends the command with this line and exit code 2."""


def program() -> None:
    """Be the command `convscope`."""
    sys.exit(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = _parser()
    options = parser.parse_args(arguments)
    # Keras and TensorFlow write to standard output (downloads, hints): what is there is ours alone.
    output = sys.stdout
    try:
        with contextlib.redirect_stdout(sys.stderr):
            answer = options.command(options)
    except (_Refused, RunNotFound, RunTaken, ValueError) as trouble:
        if not isinstance(trouble, _Refused | RunNotFound | RunTaken) and not on_purpose(trouble):
            raise
        print(f"{parser.prog}: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog}: stopped; nothing more is written.", file=sys.stderr)
        return 130
    if answer:
        try:
            print(answer, file=output, flush=True)
        except BrokenPipeError:  # `| head` has seen enough; Python would still flush at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
    if lacking := getattr(options, "shortfall", ""):  # said by a command that has carried out a run
        print(f"{parser.prog}: {lacking}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _OneLine(prog="python -m cnn_core", description=__doc__)
    commands = parser.add_subparsers(
        required=True,
        metavar="intake | train | predict | export | classify | architectures | receipts | study | lab | collect | "
        "backup | restore | weights | app",
        parser_class=_OneLine,
    )

    pictures.add_commands(commands)
    train = commands.add_parser("train", help="train a frozen and a fine-tuned network on your pictures")
    train.set_defaults(command=_train)
    train.add_argument("folder", type=Path, metavar="FOLDER", help="one sub-folder of pictures a class, or its zip")
    train.add_argument(
        "--test", type=Path, metavar="FOLDER", help="pictures to test on (default: a fifth of the first folder's)"
    )
    add_flags(train, Options)
    train.add_argument("--out", type=Path, required=True, metavar="RESULT.json", help="where the result goes")

    predict = commands.add_parser("predict", help="ask a trained network about pictures")
    predict.set_defaults(command=_predict)
    predict.add_argument("model", metavar="RUN_OR_MODEL", help="a run's id, or <arm>.keras with labels.json beside it")
    predict.add_argument("files", nargs="+", type=Path, metavar="PICTURE", help="picture files")
    predict.add_argument("--json", action="store_true", help="JSON on standard output")

    transfer.add_commands(commands)
    classify = commands.add_parser(
        "classify", help="name what is in pictures, by the embedded network's ImageNet labels"
    )
    classify.set_defaults(command=_classify)
    classify.add_argument("files", nargs="+", type=Path, metavar="PICTURE", help="picture files")
    classify.add_argument("--top", type=int, default=5, help="how many labels a picture (default: %(default)s)")
    classify.add_argument("--json", action="store_true", help="JSON on standard output")

    architectures = commands.add_parser(
        "architectures", help="count parameters, multiply-adds and fields of known networks"
    )
    architectures.set_defaults(command=_architectures)
    architectures.add_argument("keys", nargs="*", metavar="KEY", help=f"of {', '.join(ARCHITECTURES)} (default: all)")
    architectures.add_argument("--json", action="store_true", help="JSON on standard output")
    receipts.add_commands(commands)
    studies.add_commands(commands)
    lab.add_commands(commands)
    keeping.add_commands(commands)
    networks.add_commands(commands)

    app = commands.add_parser("app", help="serve the pages in a browser")
    app.set_defaults(command=_app)
    app.add_argument("--port", type=int, default=8501, help="default: %(default)s")
    app.add_argument(
        "--host",
        "--address",
        dest="host",
        metavar="HOST",
        default="localhost",
        help="where to listen; 0.0.0.0 lets other machines in (default: %(default)s)",
    )
    return parser


class _OneLine(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help.\n")


def _train(options: argparse.Namespace) -> str:
    if not options.out.parent.is_dir():
        raise _Refused(f"--out: the folder {options.out.parent} does not exist. Create it first.")
    if options.out.is_dir():
        raise _Refused(f"--out: {options.out} is a folder. Give the path of a file in it, such as RESULT.json.")
    wanted = Options(**chosen(options, Options))
    store = Store.default()
    for folder in filter(None, (options.folder, options.test)):  # before the work, not after it
        reading.check(folder)
    items = reading.read(store, options.folder)
    if options.test:
        more = reading.read(store, options.test, part="test")
        unknown = {item.label for item in more} - {item.label for item in items}
        if unknown:
            raise _Refused(f"--test: {options.test} has a class {sorted(unknown)[0]!r} that {options.folder} lacks.")
        items += more
    experiment = Experiment(tuple(items), wanted, source=options.folder.name)
    run = carry_out(store, "transfer", experiment.to_json(), experiment.source)
    options.shortfall = shortfall(run)
    options.out.write_text(_result_json(run) + "\n", encoding="utf-8")
    found = Transfer.from_json(run.result)
    for name, why in found.failed.items():
        print(f"{name:>10}: {why}", file=sys.stderr)
    for name, arm in found.arms.items():
        share = arm.accuracy
        print(
            f"{name:>10}: {share.correct} of {share.total} right, {share.value:.3f} "
            f"(95% interval {share.low:.3f} to {share.high:.3f}), "
            + (f"balanced accuracy {balanced(arm.per_class):.3f}, " if unequal(arm.per_class) else "")
            + f"trained in {arm.seconds['training']:.1f} s",
            file=sys.stderr,
        )
    for verdict in found.verdicts():
        print(verdict, file=sys.stderr)
    print(f"Run {run.id}: python -m cnn_core predict {run.id} PICTURE", file=sys.stderr)
    return ""


def _result_json(run: Run) -> str:
    result = run.result | {"run": run.id, "options": run.spec["options"], "environment": run.environment}
    return json.dumps(result, indent=1, ensure_ascii=False)


def _predict(options: argparse.Namespace) -> str:
    from cnn_core.training.transfer import answers

    path = Path(options.model)
    if path.suffix == ".keras":
        labels = path.with_name("labels.json")
        if not path.is_file() or not labels.is_file():
            raise _Refused(
                f"{path if not path.is_file() else labels} is not there. Unpack the whole download in one folder."
            )
        try:
            model, classes = answers.load_model(path.read_bytes()), json.loads(labels.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError) as error:  # what Keras and JSON raise on a damaged file
            raise _Refused(f"{path} or its labels.json is damaged ({_first_line(error)}). Unpack it again.") from error
        if model.output.shape[-1] != len(classes):
            raise _Refused(f"{path} tells {model.output.shape[-1]} classes apart, {labels} names {len(classes)}.")
        record = next((r for r in BACKBONES.values() if r.name == model.name), BACKBONES["efficientnet_lite0"])

        def ask(pixels: np.ndarray) -> dict[str, dict[str, float]]:
            return {path.stem: answers.ask(model, pixels, record, classes)}

    else:
        Store.default().glance(options.model)  # a wrong id is told at once

        def ask(pixels: np.ndarray) -> dict[str, dict[str, float]]:
            return answers.predict(options.model, pixels)

    said = [(file, ask(picture.pixels)) for file, picture in _pictures(options)]
    if options.json:
        return json.dumps([{"file": str(file), "arms": arms} for file, arms in said], ensure_ascii=False)
    return "\n".join(
        f"{file}  {arm}: " + ", ".join(f"{label} {p:.3f}" for label, p in sorted(labels.items(), key=lambda x: -x[1]))
        for file, arms in said
        for arm, labels in arms.items()
    )


def _classify(options: argparse.Namespace) -> str:
    from cnn_core.networks import embedded

    if not 1 <= options.top <= 1000:
        raise _Refused(f"--top is {options.top}; expected 1 to 1000.")
    said = [(file, embedded.classify(picture.pixels, options.top)) for file, picture in _pictures(options)]
    if options.json:
        return json.dumps([{"file": str(file), "labels": labels} for file, labels in said], ensure_ascii=False)
    return "\n".join(
        f"{file}: " + ", ".join(f"{entry['label']} {entry['probability']:.3f}" for entry in labels)
        for file, labels in said
    )


def _architectures(options: argparse.Namespace) -> str:
    from cnn_core.networks import atlas

    unknown = [key for key in options.keys if key not in ARCHITECTURES]
    if unknown:
        raise _Refused(f"no architecture is called {unknown[0]!r}. Known are: {', '.join(ARCHITECTURES)}.")
    columns = ("total_params", "trainable_params", "macs", "depth", "receptive_field", "attention_macs", "reason")
    measured = {}
    devices.import_keras()
    for key in bar(iterable=options.keys or ARCHITECTURES, unit=" networks"):
        facts = atlas.measure(key)
        measured[key] = {column: facts[column] for column in columns}
    if options.json:
        return json.dumps(measured, indent=1, ensure_ascii=False)
    widths = (20, 13, 13, 15, 6, 9)
    heads = ("architecture", "parameters", "trainable", "multiply-adds", "depth", "field")
    lines = [
        "".join(f"{head:>{w}}" if i else f"{head:<{w}}" for i, (head, w) in enumerate(zip(heads, widths, strict=True)))
    ]
    for key, facts in measured.items():
        numbers = ("-" if facts[column] is None else f"{facts[column]:,}" for column in columns[:5])
        cells = (f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=True))
        notes = [f"{facts['attention_macs']:,} of them attention's own products."] if facts["attention_macs"] else []
        notes += [facts["reason"]] if facts["reason"] else []
        lines.append(f"{key:<{widths[0]}}{''.join(cells)}  {' '.join(notes)}".rstrip())
    return "\n".join(lines)


def _app(options: argparse.Namespace) -> str:
    """Serve the pages of this checkout, or those that were installed beside this package."""
    root = Path(__file__).resolve().parents[1]
    places = [place for place in (root / "app.py", root / "convscope_app" / "app.py") if place.is_file()]
    if not places:
        raise _Refused(f"the pages are neither in {root} nor installed there. Install ConvScope again.")
    door.check(str(options.port), options.host, "convscope app --port {}")
    if said := door.warning(options.host):
        print(said, file=sys.stderr)
    server = ["--server.port", str(options.port), "--server.address", options.host]
    try:
        ended = subprocess.run([sys.executable, "-m", "streamlit", "run", str(places[0]), *server], check=False)
    except KeyboardInterrupt:
        return ""
    if ended.returncode > 0:
        raise _Refused(f"the server ended with code {ended.returncode}; what it said stands above.")
    return ""


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _pictures(options: argparse.Namespace) -> Iterator[tuple[Path, Picture]]:
    """Decode the files that a command was given; one that is refused costs the others nothing but the exit code."""
    refused = []
    with Decoders() as decoders:
        for path in options.files:
            try:
                picture = decoders.take(str(path), path=path).picture()
            except ImageRefused as refusal:
                if len(options.files) == 1:
                    raise
                refused.append(refusal)
                print(f"skipped {refusal}", file=sys.stderr)
                continue
            for note in picture.notes:
                print(f"{path}: {note}", file=sys.stderr)
            yield path, picture
    if len(refused) == len(options.files):
        raise _Refused(f"none of the {len(refused)} files can be read.")
    if refused:
        options.shortfall = f"{len(refused)} of {len(options.files)} files skipped."


if __name__ == "__main__":
    program()
