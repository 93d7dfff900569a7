"""Labelled pictures for a command: from a folder or a zip into the store, every word about them on the terminal."""

import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from cnn_core.engine.progress import bar
from cnn_core.pictures import intake, kept
from cnn_core.pictures.decoders import Decoders
from cnn_core.pictures.intake import NotKept
from cnn_core.pictures.items import Item, SpecRefused, count
from cnn_core.store.runs import Store
from cnn_core.store.terms import GRACE

SHOWN = 50  # lines of one kind; the rest is counted


def check(path: Path) -> None:
    """Raise SpecRefused if there is neither a folder nor a zip."""
    is_file = path.is_file()
    if path.is_dir() or (is_file and intake.is_zip(path)):
        return
    found = "neither a folder nor a zip" if is_file else "not there"
    raise SpecRefused(f"{path} is {found}. Give a folder, or a zip of one, that holds one sub-folder a class.")


def read(store: Store, path: Path, part: str = "") -> list[Item]:
    """Read a folder of class folders, or a zip of one, into the store.

    What is skipped, passed over or changed is said on standard error.

    Args:
        store: Where the pictures go.
        path: Of the folder or zip. If it holds `train` and `test`, its pictures keep these parts.
        part: Fixes the part of the split for all of them.

    Raises:
        SpecRefused: If there is nothing of that name, or no picture in it.
        ArchiveRefused: If it is a zip that is not taken at all.
    """
    check(path)
    items: list[Item] = []
    skipped: list[str] = []
    noted: dict[str, list[str]] = defaultdict(list)
    with Decoders() as decoders:
        taken = intake.from_path(path, decoders)
        with bar(desc="reading", unit=" files", total=len(taken.files)) as done:
            try:
                held = time.monotonic()
                for line in taken.lines(decoders, lambda picture: kept.keep(store, picture)):
                    done.update()
                    if time.monotonic() - held > GRACE / 4:  # a large folder takes hours, and nobody names them yet
                        kept.hold(store, [item.digest for item in items])
                        held = time.monotonic()
                    if line.accepted:
                        items.append(line.item)
                        for note in line.notes:
                            noted[note].append(line.file)
                    elif not line.passed_over:
                        skipped.append(f"skipped {line}")
            except NotKept as error:
                raise SpecRefused(f"{error}. Make room, or name another store by CONVSCOPE_STORE.") from error
    done = [f"{_named(files)}: {note}" for note, files in noted.items()]
    for said in (taken.notes, skipped, done):
        for sentence in said[:SHOWN]:
            sys.stderr.write(f"{sentence}\n")
        if len(said) > SHOWN:
            sys.stderr.write(f"… and {len(said) - SHOWN:,} more of this kind: python -m cnn_core intake {path}\n")
    if not any(item.label for item in items):
        expected = f"Expected {path.resolve().name}/<class>/<picture>.jpg."
        why = f" {count(len(skipped), 'file')} skipped, the first: {skipped[0][8:]}" if skipped else ""
        raise SpecRefused(f"{path} holds no pictures in class folders. {expected}{why}")
    sys.stderr.write(f"{path}: {taken.summary.words()}.\n")
    return [replace(item, part=part or item.part) for item in items]


def _named(files: list[str]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {count(len(files) - 1, 'other file')}"
