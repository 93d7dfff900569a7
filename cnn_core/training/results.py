"""What a run has found, as typed values with a version. Light: pages and figures read it, no Keras, no SciPy.

A result is a frozen dataclass derived from `Result`; its JSON stands in the run's row. cattrs turns one into the other,
so that a key that is renamed or forgotten is an error where it is read and not a blank on a page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import cattrs

from cnn_core.arithmetic.measures import Accuracy, Curve
from cnn_core.arithmetic.verdicts import PairedDifference

VERSION = 2  # of what is written; version 0.1 wrote none, which counts as 1


class ResultUnreadable(ValueError):
    """A result that is not what its kind of run writes; the text says what is wrong."""


@dataclass(frozen=True)
class Result:
    """What a run of one kind has found. Fields that were not measured (yet) are None or empty."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote, of this version or of an earlier one.

        Raises:
            ResultUnreadable: If it is of a newer version, or not a result of this kind.
        """
        version = values.get("version", 1)
        if version > VERSION:
            raise ResultUnreadable(
                f"This result is of version {version}, and this ConvScope reads those up to {VERSION}. Update it."
            )
        try:
            return _converter().structure(cls.upgraded(values) if version < VERSION else values, cls)
        except (cattrs.BaseValidationError, KeyError, TypeError, ValueError) as error:
            raise ResultUnreadable(f"The run's result cannot be read as {cls.__name__}: {_first(error)}.") from error

    @classmethod
    def upgraded(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a result of version 0.1 in today's form: for a result whose form has changed to override."""
        return values

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values: dict[str, Any] = _converter().unstructure(self)
        return {"version": VERSION} | values

    def accuracies(self) -> list[Accuracy]:
        """Return what was measured, a row an arm: for a comparison of runs of any kind."""
        return []

    def lines(self) -> list[str]:
        """Return what was found in a few lines, for a terminal."""
        return []

    def curves(self) -> list[Curve]:
        """Return how accuracy went over the epochs, a line an arm; none where there are no epochs."""
        return []


@cache
def _converter() -> cattrs.Converter:
    converter, plain = cattrs.Converter(), cattrs.Converter()

    def difference(values: Mapping[str, Any], of: type[PairedDifference]) -> PairedDifference:
        if "names" not in values:  # until version 0.2; its intervals went beyond what is possible
            bounds = {name: values[name] and min(100.0, max(-100.0, values[name])) for name in ("low", "high")}
            values = {**values, **_named(values["words"]), **bounds}
        return plain.structure(values, of)

    converter.register_structure_hook(PairedDifference, difference)
    return converter


_SIZE = re.compile(r"(.+?) is [\d.]+ points (?:better|worse) than (.+?) (?:\(95 ?%|in each of (\d+) folds)")
_EQUAL = re.compile(r"(.+) and (.+) were equally right")


def _named(words: str) -> dict[str, Any]:
    """Read which two a difference is of out of its sentence, which until version 0.2 was all that told it."""
    found = _SIZE.match(words) or _EQUAL.match(words)
    if found is None:
        raise ValueError(f"{words!r} is no comparison of two")
    return {"names": found.groups()[:2], "folds": int(found.groups("0")[2]) if found.re is _SIZE else 0}


def _first(error: Exception) -> str:
    """The innermost trouble, in a line: cattrs nests them."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
