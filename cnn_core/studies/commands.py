"""The studies at the command line: `python -m cnn_core study degradation | lenet | inductive_bias`. Light until run."""

import argparse
import importlib
import json
import os
import sys
from dataclasses import fields
from typing import Any

from cnn_core.engine.errors import sentence
from cnn_core.runs import Run, Store
from cnn_core.studies.published import STUDIES


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
    run = carry_out(options.study, spec.from_json(chosen), Store.default())
    if options.json:
        values = run.result | {"run": run.id, "spec": run.spec, "environment": run.environment}
        return json.dumps(values, ensure_ascii=False)
    return "\n".join(summary(options.study, run.result))


def carry_out(study: str, spec: Any, store: Store) -> Run:
    """Run a study in this process, with its progress on standard error; the same code as in a worker.

    Args:
        study: A key of `published.STUDIES`.
        spec: Of the study's class.
        store: Where the run is kept.

    Returns:
        The run, done.
    """
    from cnn_core.engine.worker import Report

    job = importlib.import_module(f"cnn_core.studies.{study}")
    run = store.claim(
        store.create(study, spec.to_json(), title=study).id, worker=f"command line, process {os.getpid()}"
    )
    assert run is not None
    try:
        with Report(store, run) as report:
            if sys.stderr.isatty():
                _print_progress(report)
            result, environment = job.run(run, store, report)
    except KeyboardInterrupt:
        store.finish(run, "stopped", error="Stopped at the command line before it had a result; nothing was kept.")
        raise
    except BaseException as error:
        store.finish(run, "failed", error=sentence(error))
        raise
    store.finish(run, "done", result=result, environment=environment)
    return store.get(run.id)


def _print_progress(report: Any) -> None:
    update = report.update

    def printing(**progress: Any) -> None:
        update(**progress)
        if "fraction" in progress:
            sys.stderr.write(f"\r{progress['fraction']:7.1%} ")

    report.update = printing


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
