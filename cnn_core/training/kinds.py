"""Every kind of run: what it asks, and which class reads what it has found. Light: no Keras, no SciPy."""

from collections.abc import Mapping
from dataclasses import dataclass

from cnn_core.store.records import Run
from cnn_core.training.lab.studies import STUDIES as LAB
from cnn_core.training.results import Result
from cnn_core.training.studies.causes import Identity, Signals
from cnn_core.training.studies.studies import STUDIES
from cnn_core.training.transfer.results import LiveParts, SelfTest, Transfer


@dataclass(frozen=True)
class Kind:
    """What a kind of run asks, in a few words, and the class of its results."""

    title: str
    result: type[Result]


KINDS: Mapping[str, Kind] = {
    "transfer": Kind("Frozen against fine-tuned", Transfer),
    "degradation": Kind("Degradation", STUDIES["degradation"].result),
    "lenet": Kind("LeNet-5", STUDIES["lenet"].result),
    "inductive_bias": Kind("The convolution's prior", STUDIES["inductive_bias"].result),
    "signals": Kind("Signals before training", Signals),
    "identity": Kind("Learning the identity", Identity),
    "exports": Kind("A test of exports", SelfTest),
    "live": Kind("Live answers", LiveParts),
    **{f"lab/{key}": Kind(study.question, study.result) for key, study in LAB.items()},
}


def key_of(run: Run) -> str:
    """Return a key of KINDS: the run's kind, for the laboratory with its study."""
    return f"lab/{run.spec['options']['kind']}" if run.kind == "lab" else run.kind


def result_of(run: Run) -> Result | None:
    """Return what a run has found (so far), None while it has found nothing.

    Raises:
        ResultUnreadable: If it is of a newer version, or damaged.
    """
    return KINDS[key_of(run)].result.from_json(run.result) if run.result else None
