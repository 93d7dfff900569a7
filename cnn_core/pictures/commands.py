"""`python -m cnn_core intake PATH`: what a folder, a zip or some files hold, and what would be taken. Keeps nothing."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cnn_core.pictures import intake
from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.images import FileRefused
from cnn_core.pictures.intake import Intake, Line, Summary
from cnn_core.pictures.items import SpecRefused


def add_commands(commands: Any) -> None:
    """Add `intake` to the sub-commands of a parser; its `command` takes the options and returns what to print."""
    parser = commands.add_parser("intake", help="tell what a folder or zip holds: each file, taken or not, and why")
    parser.set_defaults(command=_intake)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a folder, a zip, or pictures")
    parser.add_argument("--json", action="store_true", help="a JSON object a line: each file, then the summary")


def _intake(options: argparse.Namespace) -> str:
    for path in options.paths:
        if not path.exists():
            raise SpecRefused(f"{path} is not there. Give a folder, a zip or a picture.")
    total, written = Summary(), []
    with Decoders() as decoders:
        for path in options.paths:
            for line in _lines(path, decoders, total):
                if options.json:
                    written.append(json.dumps(line.to_json(), ensure_ascii=False))
                elif not line.accepted or line.notes:
                    written.append(f"{line.file}: {', '.join(line.notes)}." if line.accepted else str(line))
    if options.json:
        return "\n".join([*written, json.dumps(total.to_json(), ensure_ascii=False)])
    counts = (f"{label}: {number:,}" for label, number in sorted(total.labels.items()) if label)
    return "\n".join([*written, *counts, f"{total.words(taken='would be taken')}."])


def _lines(path: Path, decoders: Decoders, total: Summary) -> Iterator[Line]:
    try:
        taken: Intake = intake.from_path(path, decoders)
    except FileRefused as refusal:
        total.add(line := intake.refused(refusal))
        yield line
        return
    total.labels.update(taken.summary.labels)  # those without a picture too
    for note in taken.notes:
        sys.stderr.write(f"{note}\n")
    for line in taken.lines(decoders):
        total.add(line)
        yield line
