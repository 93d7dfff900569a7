"""The laboratory without a browser: `python -m cnn_core lab STUDY FOLDER`. Light until a study begins."""

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from cnn_core.engine.here import carry_out, shortfall
from cnn_core.store.runs import Store
from cnn_core.training import reading
from cnn_core.training.flags import add_flags, chosen, flag
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.lab.studies import STUDIES


def add_commands(commands: Any) -> None:
    """Add `lab` to the sub-commands of a parser; its `command` takes the options and returns what to print."""
    lab = commands.add_parser("lab", help="measure on your pictures what decides, with error bars")
    kinds = lab.add_subparsers(required=True, metavar=" | ".join(STUDIES))
    every = {entry.name for study in STUDIES.values() for entry in fields(study.options)}
    for key, study in STUDIES.items():
        kind = kinds.add_parser(key, help=study.question)
        kind.set_defaults(command=_lab, kind=key)
        kind.add_argument("folder", type=Path, metavar="FOLDER", help="one sub-folder of pictures a class, or its zip")
        kind.add_argument("--json", action="store_true", help="JSON on standard output instead of sentences")
        add_flags(kind, study.options)
        for name in sorted(every - {entry.name for entry in fields(study.options)}):
            kind.add_argument(flag(name), action=_Elsewhere, dest=argparse.SUPPRESS, help=argparse.SUPPRESS)


class _Elsewhere(argparse.Action):
    """An option of other studies, which this one refuses by name."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: str | None = None) -> None:
        kind = parser.get_default("kind")
        having = [key for key, study in STUDIES.items() if any(flag(e.name) == option for e in fields(study.options))]
        parser.error(f"{option} is no option of the study {kind}, only of {', '.join(having)}")


def _lab(given: argparse.Namespace) -> str:
    study = STUDIES[given.kind]
    wanted = study.options.of(**chosen(given, study.options))
    store = Store.default()
    try:
        spec = LabSpec(tuple(reading.read(store, given.folder)), wanted, source=given.folder.resolve().name)
        run = carry_out(store, "lab", spec.to_json(), f"{spec.source}: {study.question}")
        given.shortfall = shortfall(run)
    finally:
        store.close()
    if given.json:
        return json.dumps(
            run.result | {"run": run.id, "options": run.spec["options"], "environment": run.environment},
            indent=1,
            ensure_ascii=False,
        )
    return "\n".join([*run.result["notes"], *run.result["sentences"]])
