"""The laboratory without a browser: `python -m cnn_core lab STUDY FOLDER`. Light until a study begins."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cnn_core.engine.here import carry_out
from cnn_core.networks.backbones import DEFAULT
from cnn_core.pictures import sets
from cnn_core.store.runs import Store
from cnn_core.training.lab.spec import KINDS, POLICIES, RECIPES, SIZE_ARMS, LabOptions, Study

_LISTS = {"frozen_blocks": int, "sizes": int, "arms": str, "recipes": str, "policies": str, "backbones": str}
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
    "policies": f"augmentation: of {','.join(POLICIES)}",
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
            items, refused = sets.read_folder(store, options.folder, progress=lambda name: bar.update())
        for rejection in refused:
            sys.stderr.write(f"skipped {rejection}\n")
        study = Study(tuple(items), wanted, source=options.folder.resolve().name)
        run = carry_out(store, "lab", study.to_json(), f"{study.source}: {KINDS[options.kind]}")
    finally:
        store.close()
    if options.json:
        return json.dumps(
            run.result | {"run": run.id, "options": run.spec["options"], "environment": run.environment},
            indent=1,
            ensure_ascii=False,
        )
    return "\n".join([*run.result["notes"], *run.result["sentences"]])
