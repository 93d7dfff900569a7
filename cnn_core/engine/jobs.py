"""Which function trains a kind of run and which answers a question.

A job is `def job(run: Run, store: Store, report: Report) -> tuple[dict, dict]`: it returns the result and the
environment (versions, devices), both plain JSON. A question is any function whose arguments and answer can be pickled.
Both are named here as `module:function` and imported in the worker, never in the web process.
"""

import importlib
import os
from collections.abc import Callable
from typing import Any

JOBS = {
    "transfer": "cnn_core.transfer.experiment:run",
    "degradation": "cnn_core.studies.degradation:run",
    "lenet": "cnn_core.studies.lenet:run",
    "inductive_bias": "cnn_core.studies.inductive_bias:run",
    "lab": "cnn_core.lab.job:run",
}
QUESTIONS = {
    "classify": "cnn_core.answers:classify",
    "predict": "cnn_core.answers:predict",
    "convolve": "cnn_core.explain:convolve_keras",
    "shift_agreement": "cnn_core.explain:shift_agreement",
    "class_activation": "cnn_core.explain:class_activation",
    "layer_times": "cnn_core.layer_times:layer_times",
    "effective_field": "cnn_core.effective_field:effective_field",
    "field_growth": "cnn_core.effective_field:field_growth",
    "look_into": "cnn_core.inspection:network",
    "look_through": "cnn_core.inspection:look_through",
    "grad_cam": "cnn_core.inspection:grad_cam",
    "unit": "cnn_core.inspection:unit",
    "read_architecture": "cnn_core.blueprints:read_architecture",
    "architecture_graph": "cnn_core.zoo.atlas:architecture_graph",
    "signals": "cnn_core.studies.signals:signals",
    "learn_identity": "cnn_core.studies.signals:learn_identity",
    "export_formats": "cnn_core.transfer.formats:export_formats",
    "lab_attention": "cnn_core.lab.attention:attention",
    "augmented_sheet": "cnn_core.lab.augmentation:augmented_sheet",
    "read_digit": "cnn_core.studies.lenet:read_digit",
}


class UnknownWork(ValueError):
    """No function is known for this kind of run or this question."""


def job(kind: str) -> Callable[..., Any]:
    """Import the job that trains this kind of run."""
    return _load("JOBS", kind)


def question(name: str) -> Callable[..., Any]:
    """Import the function that answers this question."""
    return _load("QUESTIONS", name)


def _load(table: str, name: str) -> Callable[..., Any]:
    known: dict[str, str] = dict(globals()[table])
    if extra := os.environ.get("CONVSCOPE_EXTRA_JOBS"):  # a module with tables of the same names
        known |= getattr(importlib.import_module(extra), table, {})
    if name not in known:
        raise UnknownWork(f"This engine's workers know nothing of {name!r}. Known are: {', '.join(sorted(known))}.")
    module, _, function = known[name].partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found
