"""Receipts without a browser: `python -m cnn_core receipts`. Light until something is computed."""

import argparse
import json
from typing import Any

from cnn_core.engine.progress import bar
from cnn_core.networks import devices
from cnn_core.receipts import check
from cnn_core.receipts.records import Checked, Kind, Receipt, written


class NoSuchReceipt(ValueError):
    """What was asked of the receipts cannot be told."""


def add_commands(commands: Any) -> None:
    """Add `receipts` to the sub-commands of a parser; its `command` takes the options and returns what to print."""
    parser = commands.add_parser("receipts", help="compute every published figure again, and tell its source")
    parser.set_defaults(command=_receipts)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only receipts in which all words stand")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    parser.add_argument("--keep", action="store_true", help="write down what is computed, for the pages")


def _matching(words: str) -> list[Receipt]:
    """Return the receipts in which all words stand, in the order of all.

    Example:
        >>> [receipt.key for receipt in _matching("swin 81.3")]
        ['today-swin-tiny']
    """
    wanted = words.lower().split()
    return [receipt for receipt in check.receipts().values() if all(word in text_of(receipt) for word in wanted)]


def text_of(receipt: Receipt) -> str:
    """Return what a receipt is searched by, in small letters."""
    parts = (receipt.key, receipt.about, receipt.quantity, written(receipt.value, receipt.unit), receipt.source)
    return " ".join((*parts, receipt.link, receipt.protocol, receipt.kind, str(receipt.value))).lower()


def _receipts(options: argparse.Namespace) -> str:
    wanted = _matching(" ".join(options.words))
    if not wanted:
        raise NoSuchReceipt(f"No receipt has the words {' '.join(options.words)!r}. Give fewer, or none for all.")
    if options.keep and options.words:
        raise NoSuchReceipt("--keep writes down all receipts: give no words.")
    if any(receipt.ours for receipt in wanted):
        devices.import_keras()
    found = [each for receipt in bar(iterable=wanted, unit=" figures") for each in check.recomputed([receipt])]
    if options.keep:
        check.write(found)
    if failed := [each.receipt.key for each in found if each.failed]:
        options.shortfall = f"{len(failed)} of {len(found)} figures do not come out here: {', '.join(failed)}."
    if options.json:
        return json.dumps([check.as_json(each) for each in found], indent=1, ensure_ascii=False)
    return "\n".join([*map(_line, found), check.tally(found) + f", {len(failed)} failed."])


def _line(checked: Checked) -> str:
    receipt = checked.receipt
    ours = "-" if checked.ours is None else written(checked.ours, receipt.unit)
    how = f"{checked.verdict}" if checked.verdict and receipt.kind is Kind.COMPUTED else str(receipt.kind)
    terms = "".join(f"; {written(value, receipt.unit)}: {name}" for name, value in receipt.terms.items())
    return (
        f"{receipt.key:<44} {written(receipt.value, receipt.unit):>20} {ours:>24}  {how}{terms}  "
        f"[{receipt.source}, {receipt.link}]"
    )
