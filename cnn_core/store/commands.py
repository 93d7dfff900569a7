"""`python -m cnn_core collect | backup | restore`: what goes from a store, and how all of it is carried elsewhere."""

import argparse
import os
from typing import Any

from cnn_core.store import terms
from cnn_core.store.backup import back_up
from cnn_core.store.backup_files import BackupRefused
from cnn_core.store.collector import collect
from cnn_core.store.location import DEFAULT_LOCATION, urls
from cnn_core.store.restore import check, restore
from cnn_core.store.runs import Store
from cnn_core.store.troubles import StoreGone


def add_commands(commands: Any) -> None:
    """Add them to the sub-commands of a parser; the `command` of each takes the options and returns what to print."""
    parser = commands.add_parser("collect", help="remove what has been kept long enough, or belongs to nothing")
    parser.set_defaults(command=_collect)
    parser.add_argument("--dry-run", action="store_true", help="remove nothing, and say what would be")

    parser = commands.add_parser("backup", help="copy the whole store into a folder, while it is in use")
    parser.set_defaults(command=_backup)
    parser.add_argument("to", metavar="TO", help="a new or an empty folder, or an object store's URL")

    parser = commands.add_parser("restore", help="put a backup into an empty store")
    parser.set_defaults(command=_restore)
    parser.add_argument("source", metavar="FROM", help="what `backup` has written")
    parser.add_argument("--check", action="store_true", help="look at every file of it, and write nothing")


def _collect(options: argparse.Namespace) -> str:
    kept = terms.Terms.from_environment()
    store = Store.default()
    found = collect(store, kept, dry_run=options.dry_run)
    store.close()
    return found.table(dry_run=options.dry_run)


def _backup(options: argparse.Namespace) -> str:
    try:
        store = Store.existing()
    except StoreGone:
        raise BackupRefused(
            f"There is no store in {_place()}. Set CONVSCOPE_STORE to the one that the server uses."
        ) from None
    try:
        made = back_up(store, options.to)
    finally:
        store.close()
    said = f"Kept in {options.to}: {made}. It has the server's secret in it: keep it as safe as the store."
    if made.left_out:
        said += f"\nLeft out, since no folder can hold their names: {len(made.left_out)}, such as {made.left_out[0]!r}."
    return said


def _restore(options: argparse.Namespace) -> str:
    if options.check:
        return f"Whole, to the last byte: {check(options.source)}."
    store = Store.default()
    try:
        return f"Restored into {_place()}: {restore(options.source, store)}."
    finally:
        store.close()


def _place() -> str:
    """Say which store it is; of URLs nothing, since a password may be in them."""
    location = os.environ.get("CONVSCOPE_STORE") or str(DEFAULT_LOCATION)
    return location if urls(location) is None else "the database and objects that CONVSCOPE_STORE names"
