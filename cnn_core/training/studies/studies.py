"""The studies on the digits, a line each. Light: no Keras."""

from cnn_core.pictures.items import SpecRefused
from cnn_core.training.studies import degradation, inductive_bias, lenet
from cnn_core.training.study import Study

STUDIES: dict[str, Study] = {study.key: study for study in (degradation.STUDY, lenet.STUDY, inductive_bias.STUDY)}


def study_of(key: str) -> Study:
    """Return a study by its key.

    Raises:
        SpecRefused: If there is none of it.

    Example:
        >>> study_of("lenet").options().epochs
        15
    """
    if key not in STUDIES:
        raise SpecRefused(f"{key!r} is no study; expected one of {', '.join(STUDIES)}.")
    return STUDIES[key]
