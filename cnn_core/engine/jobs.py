"""Which function trains a kind of run and which answers a question.

A job is `def job(run: Run, store: Store, report: Report) -> Outcome`: a run of minutes, with progress, Stop and a link.
A question is any function whose arguments and answer can be pickled. All questions share one worker, so each is quick:
what takes longer than QUICK is a job. Both are named here as `module:function` and imported in the worker, never in the
web process.
"""

import importlib
import os
from collections.abc import Callable
from typing import Any

JOBS = {
    "transfer": "cnn_core.training.transfer.experiment:run",
    "degradation": "cnn_core.training.studies.degradation_job:run",
    "lenet": "cnn_core.training.studies.lenet_job:run",
    "inductive_bias": "cnn_core.training.studies.inductive_bias_job:run",
    "lab": "cnn_core.training.lab.job:run",
    "exports": "cnn_core.training.transfer.formats:run",
    "live": "cnn_core.training.transfer.parts:run",
    "signals": "cnn_core.training.studies.signals:run_signals",
    "identity": "cnn_core.training.studies.signals:run_identity",
}
# Seconds that a question may take, warm and alone on two cores. The longest that one may hold the worker is its first:
# up to 5 s to build a network of the zoo (half a gigabyte of weights; the page asks its reader before), up to 4 s to
# compile what a unit of ResNet-152 listens to.
QUICK = 1.0
QUESTIONS = {
    "classify": "cnn_core.networks.embedded:classify",
    "predict": "cnn_core.training.transfer.answers:predict",
    "evidence": "cnn_core.training.transfer.evidence:evidence",
    "write_network": "cnn_core.training.transfer.answers:write_network",
    "convolve": "cnn_core.networks.embedded:convolve_keras",
    "shift_agreement": "cnn_core.networks.embedded:shift_agreement",
    "answer_at": "cnn_core.networks.embedded:answer_at",
    "class_activation": "cnn_core.networks.embedded:class_activation",
    "zoom_plan": "cnn_core.networks.zoom.strip:plan",
    "zoom_strip": "cnn_core.networks.zoom.strip:strip",
    "zoom_maps": "cnn_core.networks.zoom.strip:maps",
    "zoom_map": "cnn_core.networks.zoom.made:made",
    "zoom_cell": "cnn_core.networks.zoom.made:cell",
    "zoom_peaks": "cnn_core.networks.zoom.excites:exciting",
    "layer_times": "cnn_core.networks.layer_times:layer_times",
    "effective_field": "cnn_core.networks.effective_field:effective_field",
    "field_growth": "cnn_core.networks.effective_field:field_growth",
    "first_kernels": "cnn_core.networks.inside:first_kernels",
    "first_layer": "cnn_core.networks.first_layer:first_layer",
    "grad_cam": "cnn_core.networks.inside:grad_cam",
    "unit": "cnn_core.networks.inside:unit",
    "read_architecture": "cnn_core.networks.blueprints:read_architecture",
    "architecture_graph": "cnn_core.networks.atlas:architecture_graph",
    "lab_evidence": "cnn_core.training.lab.evidence:evidence",
    "augmented_sheet": "cnn_core.training.lab.augmentation_job:augmented_sheet",
    "read_digit": "cnn_core.training.studies.lenet_job:read_digit",
}

# The slowest call of each that pages make, in milliseconds: `python -m benchmarks.questions`, two cores, 2026-11-28.
# tests/engine/test_quick.py holds each to QUICK, and asks them all.
WARM_MILLISECONDS = {
    "classify": 9,
    "predict": 52,
    "evidence": 64,
    "write_network": 430,  # asked once an arm
    "convolve": 3,
    "shift_agreement": 123,
    "answer_at": 9,
    "class_activation": 10,
    "zoom_plan": 1,  # these five of a new picture; of one that was asked about lately 1 to 5
    "zoom_strip": 15,
    "zoom_maps": 25,
    "zoom_map": 22,
    "zoom_cell": 20,
    "zoom_peaks": 300,  # of 24 small pictures that are new to it; of large ones it stops after half a second
    "layer_times": 610,
    "effective_field": 403,
    "field_growth": 1,  # kept: the first of each kernel size takes 1.3 s
    "first_kernels": 2,  # of the embedded network; of others once it is built
    "first_layer": 2,
    "grad_cam": 891,
    "unit": 546,
    "read_architecture": 960,  # as long as one may be
    "architecture_graph": 1,  # kept: the first of a network takes up to 0.6 s
    "lab_evidence": 435,
    "augmented_sheet": 128,
    "read_digit": 2,
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
