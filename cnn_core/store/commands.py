"""`python -m cnn_core collect`: what has been kept long enough goes, or is listed."""

import argparse
from typing import Any

from cnn_core.store import terms
from cnn_core.store.collector import collect
from cnn_core.store.runs import Store


def add_commands(commands: Any) -> None:
    """Add `collect` to the sub-commands of a parser; its `command` takes the options and returns what to print."""
    parser = commands.add_parser("collect", help="remove what has been kept long enough, and what nobody refers to")
    parser.set_defaults(command=_collect)
    parser.add_argument("--dry-run", action="store_true", help="remove nothing, and say what would be")


def _collect(options: argparse.Namespace) -> str:
    kept = terms.Terms.from_environment()
    store = Store.default()
    found = collect(store, kept, dry_run=options.dry_run)
    store.close()
    return found.table(dry_run=options.dry_run)
