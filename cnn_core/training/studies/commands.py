"""The studies at the command line: `python -m cnn_core study degradation | lenet | inductive_bias`. Light until run."""

import argparse
import json
from typing import Any

from cnn_core.engine.here import carry_out, shortfall
from cnn_core.store.runs import Store
from cnn_core.training.flags import add_flags, chosen
from cnn_core.training.studies.studies import STUDIES
from cnn_core.training.study import Study


def add_commands(commands: Any) -> None:
    """Add `study` to the sub-commands of a parser; its `command` takes the options and returns what to print."""
    parser = commands.add_parser("study", help="repeat an experiment from the literature")
    kinds = parser.add_subparsers(required=True, metavar=" | ".join(STUDIES))
    for key, study in STUDIES.items():
        kind = kinds.add_parser(key, help=study.question)
        kind.set_defaults(command=_study, study=study)
        kind.add_argument("--json", action="store_true", help="the whole result as JSON on standard output")
        add_flags(kind, study.options)


def _study(given: argparse.Namespace) -> str:
    study: Study = given.study
    options = study.options.from_json(chosen(given, study.options))
    store = Store.default()
    try:
        run = carry_out(store, study.key, options.to_json(), study.key)
    finally:
        store.close()
    given.shortfall = shortfall(run)
    if given.json:
        values = run.result | {"run": run.id, "spec": run.spec, "environment": run.environment}
        return json.dumps(values, ensure_ascii=False)
    lines: list[str] = study.result.from_json(run.result).lines()
    return "\n".join(lines)
