"""What others measured, and what the studies give at their defaults: computed before, with its provenance. Light.

Source:
    He, Zhang, Ren & Sun 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, tables 2 and 6.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic

from cnn_core.training.study import Found, Options, Study

FOLDER = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Target:
    """An error rate that a paper states, in per cent."""

    data: str
    net: str
    depth: int
    residual: bool
    error: float
    source: str


_PAPER = "He et al. 2016, table {}"
TARGETS = (
    *(
        Target("ImageNet", f"{'ResNet' if residual else 'plain'}-{depth}", depth, residual, error, _PAPER.format(2))
        for depth, residual, error in ((18, False, 27.94), (34, False, 28.54), (18, True, 27.88), (34, True, 25.03))
    ),  # top-1 on the validation part, ten crops
    *(
        Target("CIFAR-10", f"ResNet-{depth}", depth, True, error, _PAPER.format(6))
        for depth, error in ((20, 8.75), (32, 7.51), (44, 7.17), (56, 6.97), (110, 6.43))
    ),  # test part; the plain nets' errors are drawn in figure 6 and not told in numbers
)


@dataclass(frozen=True)
class Provenance:
    """Where a result that ships is from.

    Attributes:
        command: That computes it.
        seed: Its first.
        date: Of the computation, ISO.
        seconds: That it took.
        device: That it was computed on.
        versions: Of Python and the libraries.
        load: Processes that wanted the processor meanwhile, on average.
        note: What was done to the file afterwards, as a sentence; empty if nothing.
    """

    command: str
    seed: int
    date: str
    seconds: float
    device: str
    versions: dict[str, str]
    load: float
    note: str = ""


@dataclass(frozen=True)
class Shipped(Generic[Options, Found]):
    """A study's result at its default settings: options, result and environment as a run has them, and provenance."""

    options: Options
    result: Found
    environment: dict[str, Any]
    provenance: Provenance


def shipped(study: Study[Options, Found]) -> Shipped[Options, Found]:
    """Return a study's result at its default settings, as it was computed before.

    Raises:
        FileNotFoundError: If it is not there.

    Example:
        >>> from cnn_core.training.studies.lenet import STUDY
        >>> shipped(STUDY).options == STUDY.options()
        True
    """
    return example(study.key, study.options, study.result)


def example(name: str, options: type[Options], result: type[Found]) -> Shipped[Options, Found]:
    """Return a result as it was computed before, by the name of its file; see `shipped`."""
    classes: tuple[Any, Any] = (options, result)
    found: Shipped[Options, Found] = _read(name, *classes)
    return found


@cache
def _read(name: str, options: Any, result: Any) -> Any:
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there. Write it: python -m cnn_core.training.studies.precompute {name}")
    values = json.loads(path.read_text(encoding="utf-8"))
    return Shipped(
        options.from_json(values["spec"]),
        result.from_json(values["result"]),
        values["environment"],
        Provenance(**values["provenance"]),
    )
