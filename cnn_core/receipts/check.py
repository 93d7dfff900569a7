"""All receipts by their keys, ours computed beside them, and what comes of the comparison."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cnn_core.pictures.items import count
from cnn_core.receipts import lessons, networks, today
from cnn_core.receipts.records import Checked, Kind, Receipt, Value, Verdict

FILE = Path(__file__).with_name("computed.json")
_ROUNDING = 1e-9  # what binary fractions may be off


@cache
def receipts() -> Mapping[str, Receipt]:
    """Return all receipts by their keys.

    Raises:
        ValueError: If two have the same key.

    Example:
        >>> receipts()["resnet50-top1-keras"].value
        74.9
    """
    found: dict[str, Receipt] = {}
    for receipt in (*networks.receipts(), *lessons.receipts(), *today.receipts()):
        if receipt.key in found:
            raise ValueError(f"Two receipts are called {receipt.key}.")
        found[receipt.key] = receipt
    return found


def compare(receipt: Receipt, ours: Value | None) -> Checked:
    """Compare a figure with ours.

    Example:
        >>> macs = receipts()["resnet18-multiply-adds-library"]
        >>> compare(macs, 1.8140733).verdict, compare(macs, 1.82).verdict
        (<Verdict.ROUNDED: 'equal to the printed digit'>, <Verdict.FAILED: 'does not agree'>)
    """
    if ours is None:
        return Checked(receipt)
    published, own = _numbers(receipt.value), _numbers(ours)
    if len(published) != len(own):
        return Checked(receipt, ours, Verdict.FAILED)
    added = sum(receipt.terms.values())
    gaps = [abs(one - other - added) for one, other in zip(published, own, strict=True)]
    off = max(gaps)
    if off <= _ROUNDING:
        verdict = Verdict.EQUAL
    elif off <= receipt.digit / 2 + _ROUNDING:
        verdict = Verdict.ROUNDED
    elif off <= receipt.digit + _ROUNDING:
        verdict = Verdict.NEAR
    else:
        verdict = Verdict.FAILED
    return Checked(receipt, ours, Verdict.TERMS if receipt.terms and verdict is not Verdict.FAILED else verdict)


def recomputed(wanted: Iterable[Receipt]) -> list[Checked]:
    """Compute what can be computed, now; builds networks."""
    from cnn_core.receipts.computing import compute

    return [compare(receipt, compute(receipt.ours) if receipt.ours else None) for receipt in wanted]


def kept() -> list[Checked]:
    """Return all receipts with what was computed when the file beside this module was written; builds nothing.

    Example:
        >>> sum(checked.failed for checked in kept())
        0
    """
    computed = _read()["computed"]
    return [compare(receipt, _figure(computed.get(key))) for key, receipt in receipts().items()]


def costs_of(key: str) -> list[Checked]:
    """Return the published multiply-adds of an architecture, with ours as it was kept."""
    return [each for each in kept() if each.receipt.key.startswith(f"{key}-multiply-adds-")]


def provenance() -> Mapping[str, Any]:
    """Return when the file was written and by what."""
    found: Mapping[str, Any] = _read()["provenance"]
    return found


def as_json(checked: Checked) -> dict[str, Any]:
    """Return a receipt as plain data, with `kind`, `ours`, `difference` (published minus ours) and `verdict`."""
    receipt, difference = checked.receipt, None
    if checked.ours is not None:
        pairs = zip(_numbers(receipt.value), _numbers(checked.ours), strict=True)
        gaps = [round(one - other, 6) for one, other in pairs]
        difference = gaps if isinstance(receipt.value, tuple) else gaps[0]
    values = asdict(receipt) | {"kind": str(receipt.kind), "ours": checked.ours, "difference": difference}
    computed = " ".join(map(str, receipt.ours))
    return values | {"verdict": checked.verdict and str(checked.verdict), "computed_by": computed}


def write(found: Iterable[Checked]) -> None:
    """Keep what was computed, for pages that build nothing."""
    from importlib.metadata import version

    content = {
        "provenance": {
            "command": "python -m cnn_core receipts --keep",
            "date": datetime.now(UTC).date().isoformat(),
            "versions": {"keras": version("keras"), "python": sys.version.split()[0]},
        },
        "computed": {each.receipt.key: each.ours for each in found if each.ours is not None},
    }
    FILE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    _read.cache_clear()


@cache
def _read() -> dict[str, Any]:
    if not FILE.is_file():
        return {"provenance": {}, "computed": {}}
    content: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return content


def _figure(value: Any) -> Value | None:
    return tuple(value) if isinstance(value, list) else value


def _numbers(value: Value) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


def tally(found: Iterable[Checked]) -> str:
    """Say how many there are of each kind.

    Example:
        >>> tally([])
        '0 receipts: 0 computed here, 0 cited, 0 not verified'
    """
    every = list(found)
    of = {kind: sum(each.receipt.kind is kind for each in every) for kind in Kind}
    return (
        f"{count(len(every), 'receipt')}: {of[Kind.COMPUTED]} computed here, {of[Kind.CITED]} cited, "
        f"{of[Kind.UNVERIFIED]} not verified"
    )
