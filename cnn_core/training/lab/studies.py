"""The studies of the laboratory, a line each. Light: no Keras."""

from collections.abc import Mapping
from typing import Any

from cnn_core.pictures.items import SpecRefused
from cnn_core.training.lab import augmentation, backbones, depth, labels, recipes, sabotage, size
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.study import Study

STUDIES: dict[str, Study] = {
    study.key: study
    for study in (
        depth.STUDY,
        size.STUDY,
        recipes.STUDY,
        sabotage.STUDY,
        backbones.STUDY,
        labels.STUDY,
        augmentation.STUDY,
    )
}


def study_of(spec: Mapping[str, Any]) -> Study:
    """Return the study that a run of kind `lab` carries out.

    Args:
        spec: Of the run, as JSON.

    Raises:
        SpecRefused: If there is no such study.

    Example:
        >>> study_of({"options": {"kind": "depth"}}).question
        'How deep do the features transfer?'
    """
    kind = spec["options"]["kind"]
    if kind not in STUDIES:
        raise SpecRefused(f"kind is {kind!r}; expected one of {', '.join(STUDIES)}.")
    return STUDIES[kind]


def read(spec: Mapping[str, Any]) -> LabSpec:
    """Read back a `LabSpec` from JSON.

    Raises:
        SpecRefused: If there is no such study, or an option is none of its own or out of bounds.
    """
    return LabSpec.read(spec, study_of(spec).options)
