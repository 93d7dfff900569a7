"""What each study of the laboratory found on five kinds of clothing: computed before, with its provenance. Light.

The figures lie beside this module, a file a study, as `python -m cnn_core lab STUDY FOLDER --json` printed them. The
photos (CC0) are no part of ConvScope.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic

from cnn_core.training.study import Found, Options, Study

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Provenance:
    """Where an example is from: the command, the day (ISO), the machine, and what else must be known of it."""

    command: str
    date: str
    machine: str
    note: str


@dataclass(frozen=True)
class Example(Generic[Options, Found]):
    """A study's result on pictures that are not the reader's; its seed is among the options.

    Attributes:
        options: It was carried out with.
        result: What it found.
        environment: Versions and device, as a run has them.
        counts: Number of pictures of each class.
        provenance: Where it is from.
    """

    options: Options
    result: Found
    environment: dict[str, Any]
    counts: dict[str, int]
    provenance: Provenance


def example(study: Study[Options, Found]) -> Example[Options, Found] | None:
    """Return a study's example; None if none was computed.

    Example:
        >>> from cnn_core.training.lab.depth import STUDY
        >>> found = example(STUDY)
        >>> found.result.pictures, sorted(found.counts)
        (300, ['dress', 'hat', 'pants', 'shoes', 't-shirt'])
    """
    found: Example[Options, Found] | None = _read(study)
    return found


@cache
def _read(study: Study) -> Any:
    path = FOLDER / f"{study.key}.json"
    if not path.is_file():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    return Example(
        study.options.from_json(values["options"]),
        study.result.from_json(values["result"]),
        values["environment"],
        values["counts"],
        Provenance(**values["provenance"]),
    )
