"""The laboratory without a browser: `python -m cnn_core lab STUDY FOLDER`. Light until a study begins."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cnn_core import datasets
from cnn_core.backbones import DEFAULT
from cnn_core.engine.errors import sentence
from cnn_core.lab.spec import KINDS, RECIPES, SIZE_ARMS, LabOptions, Study
from cnn_core.runs import Run, Store

_LISTS = {"frozen_blocks": int, "sizes": int, "arms": str, "recipes": str, "backbones": str}
_NUMBERS = {
    "folds": (int, "parts; each is tested on once a repeat"),
    "repeats": (int, "divisions anew"),
    "training_splits": (int, "how many of them networks are trained on"),
    "epochs": (int, "passes, where blocks are trained"),
    "batch_size": (int, "pictures a step"),
    "head_learning_rate": (float, "of new weights"),
    "fine_tune_learning_rate": (float, "of pretrained blocks"),
    "unfreeze_blocks": (int, "topmost blocks that are trained"),
    "flip": (float, "labels: share of labels exchanged at random, to measure the finding"),
    "seed": (int, "of splits, draws, order, weights"),
}
_ABOUT = {
    "frozen_blocks": "depth: lowest blocks that stay fixed, such as 0,5,-3",
    "sizes": "size: pictures a class",
    "arms": f"size: of {','.join(SIZE_ARMS)}",
    "recipes": f"recipes: of {','.join(RECIPES)}",
    "backbones": "sabotage, backbones: names (default: all at hand)",
}


def add_commands(commands: Any) -> None:
    """Add `lab` to the sub-commands of a parser; its `command` takes the parsed options and returns what to print."""
    lab = commands.add_parser("lab", help="studies of transfer on a folder of class folders, with error bars")
    lab.set_defaults(command=_lab)
    lab.add_argument("kind", choices=list(KINDS), help="; ".join(f"{kind}: {about}" for kind, about in KINDS.items()))
    lab.add_argument("folder", type=Path, metavar="FOLDER", help="one sub-folder of pictures a class")
    lab.add_argument("--json", action="store_true", help="JSON on standard output instead of sentences")
    lab.add_argument("--backbone", default=DEFAULT, metavar="NAME", help="default: %(default)s")
    for name, (kind, about) in _NUMBERS.items():
        lab.add_argument(f"--{name.replace('_', '-')}", type=kind, help=about)
    for name, about in _ABOUT.items():
        lab.add_argument(f"--{name.replace('_', '-')}", type=_list_of(_LISTS[name]), metavar="A,B,…", help=about)


def _list_of(kind: type) -> Any:
    def read(text: str) -> tuple[Any, ...]:
        return tuple(kind(part.strip()) for part in text.split(",") if part.strip())

    return read


def _lab(options: argparse.Namespace) -> str:
    chosen = {name: getattr(options, name) for name in (*_NUMBERS, *_LISTS) if getattr(options, name) is not None}
    wanted = LabOptions.of(options.kind, backbone=options.backbone, **chosen)
    store = Store.default()
    try:
        with tqdm(desc="reading", unit=" pictures", disable=not sys.stderr.isatty()) as bar:
            items, refused = datasets.read_folder(store, options.folder, progress=lambda name: bar.update())
        for rejection in refused:
            sys.stderr.write(f"skipped {rejection}\n")
        run = execute(store, Study(tuple(items), wanted, source=options.folder.resolve().name))
    finally:
        store.close()
    if options.json:
        return json.dumps(
            run.result | {"run": run.id, "options": run.spec["options"], "environment": run.environment},
            indent=1, ensure_ascii=False,
        )  # fmt: skip
    return "\n".join([*run.result["notes"], *run.result["sentences"]])


def execute(store: Store, study: Study) -> Run:
    """Carry out a study in this process; the same code as in a worker."""
    from cnn_core.engine.worker import Report
    from cnn_core.lab import job

    waiting = store.create("lab", study.to_json(), title=f"{study.source}: {KINDS[study.options.kind]}")
    run = store.claim(waiting.id, worker=f"command line, process {os.getpid()}")
    assert run is not None
    try:
        with Report(store, run) as report:
            result, environment = job.run(run, store, report)
    except KeyboardInterrupt:
        store.finish(run, "stopped", error="Stopped at the command line before it had a result; nothing was kept.")
        raise
    except BaseException as error:
        store.finish(run, "failed", error=sentence(error))
        raise
    store.finish(run, "done", result=result, environment=environment)
    return store.get(run.id)
