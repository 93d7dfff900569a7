"""The studies at the command line: `python -m cnn_core study degradation | lenet | inductive_bias`. Light until run."""

import argparse
import json
from dataclasses import fields
from typing import Any

from cnn_core.engine.here import carry_out
from cnn_core.store.runs import Store
from cnn_core.training.studies.published import STUDIES


def add_commands(subparsers: Any) -> None:
    """Add `study` to the sub-parsers of `python -m cnn_core`; its `command` returns what goes to standard output."""
    study = subparsers.add_parser("study", help="run an experiment that decided the field again")
    kinds = study.add_subparsers(required=True, metavar=" | ".join(STUDIES))
    for name, spec in STUDIES.items():
        kind = kinds.add_parser(name, help=(spec.__doc__ or "").splitlines()[0])
        kind.set_defaults(command=_study, study=name)
        kind.add_argument("--json", action="store_true", help="the whole result as JSON on standard output")
        for entry in fields(spec):
            flag, default = f"--{entry.name.replace('_', '-')}", entry.default
            if isinstance(default, bool):
                kind.add_argument(flag, action=argparse.BooleanOptionalAction, default=default)
                continue
            bounds = f"{entry.metadata['low']} to {entry.metadata['high']} (default: %(default)s)"
            many = {"nargs": "+"} if isinstance(default, tuple) else {}
            number = type(default[0] if isinstance(default, tuple) else default)
            kind.add_argument(flag, type=number, default=default, help=bounds, **many)


def _study(options: argparse.Namespace) -> str:
    spec = STUDIES[options.study]
    chosen = {entry.name: getattr(options, entry.name) for entry in fields(spec)}
    run = carry_out(Store.default(), options.study, spec.from_json(chosen).to_json(), options.study)
    if options.json:
        values = run.result | {"run": run.id, "spec": run.spec, "environment": run.environment}
        return json.dumps(values, ensure_ascii=False)
    return "\n".join(summary(options.study, run.result))


def summary(study: str, result: dict[str, Any]) -> list[str]:
    """Return a study's result in a few lines.

    Example:
        >>> summary("lenet", {"correct": 349, "total": 359, "seconds": 20.0})
        ['349 of 359 test digits right, in 20 s']
    """
    if study == "lenet":
        return [f"{result['correct']} of {result['total']} test digits right, in {result['seconds']:.0f} s"]
    if study == "degradation":
        lines = [
            f"{kind:>9}, seed {entry['seed']}: training loss {entry['shallow']:.4f} shallow, {entry['deep']:.4f} deep"
            for kind in ("plain", "residual")
            for entry in result["verdict"][kind]
        ]
        return [*lines, f"criterion holds: {result['verdict']['shown']} ({result['criterion']})"]
    lines = [f"parameters: {result['params']}, learning rates: {result['learning_rates']}"]
    accuracies: dict[tuple[bool, int, str], list[float]] = {}
    for point in result["points"]:
        accuracies.setdefault((point["shuffled"], point["size"], point["net"]), []).append(point["test_accuracy"])
    for (shuffled, size, net), values in sorted(accuracies.items()):
        words = " ".join(f"{value:.3f}" for value in values)
        lines.append(f"{'shuffled' if shuffled else 'natural':>8} {size:5d} pictures, {net:>7}: {words}")
    return lines
