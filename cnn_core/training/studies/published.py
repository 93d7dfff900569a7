"""What others measured, and what the studies give at their defaults: computed before, with its provenance. Light.

Source:
    He, Zhang, Ren & Sun 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385, tables 2 and 6.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cnn_core.training.studies.spec import Degradation, InductiveBias, LeNet, StudyRefused

ARMS = ("plain_shallow", "plain_deep", "residual_shallow", "residual_deep")
STUDIES: dict[str, type[Degradation | LeNet | InductiveBias]] = {
    "degradation": Degradation,
    "lenet": LeNet,
    "inductive_bias": InductiveBias,
}
FOLDER = Path(__file__).with_name("results")
SHIPPED_LENET = FOLDER / "lenet5.keras"


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


@cache
def precomputed(study: str) -> dict[str, Any]:
    """Return a study's result at its default settings, as it was computed before.

    Args:
        study: A key of STUDIES.

    Returns:
        `spec`, `result` and `environment` as a run has them, and `provenance`: `command`, `seed`, `date`, `seconds`,
        `device`, `versions` and `load` (processes that wanted the processor meanwhile, on average).

    Raises:
        StudyRefused: If there is no such study, or its result is not there.

    Example:
        >>> sorted(precomputed("degradation"))
        ['environment', 'provenance', 'result', 'spec']
    """
    if study not in STUDIES:
        raise StudyRefused(f"{study!r} is no study; expected one of {', '.join(STUDIES)}.")
    path = FOLDER / f"{study}.json"
    if not path.is_file():
        raise StudyRefused(f"{path} is not there. Write it: python -m cnn_core.training.studies.precompute {study}")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
