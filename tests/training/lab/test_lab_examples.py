"""The examples that ship: real results of every study, readable as what they are, with all that repeats them."""

import json
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from cnn_core.training.flags import spelled
from cnn_core.training.lab.depth import STUDY as DEPTH
from cnn_core.training.lab.examples import FOLDER, example
from cnn_core.training.lab.labels import STUDY as LABELS
from cnn_core.training.lab.size import STUDY as SIZE
from cnn_core.training.lab.studies import STUDIES

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "laboratory.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", STUDIES)
def test_example_is_a_whole_result_of_its_study_with_its_provenance(key: str) -> None:
    found = example(STUDIES[key])
    assert found and isinstance(found.result, STUDIES[key].result)
    assert found.result.complete and found.result.pictures == sum(found.counts.values()) == 300
    assert set(found.result.classes) == set(found.counts) and found.result.sentences and found.result.intervals
    options = found.options
    changed = {each.name: value for each in fields(options) if (value := getattr(options, each.name)) != each.default}
    command = f"python -m cnn_core lab {key} clothing5/train {spelled(changed)}".strip()
    assert found.provenance.command == f"{command} --json"
    assert date.fromisoformat(found.provenance.date) and found.provenance.machine and found.provenance.note
    assert found.environment["seed"] == options.seed == 0
    assert {"python", "keras", "tensorflow", "device", "commit"} <= set(found.environment)


def test_examples_are_what_the_documentation_says() -> None:
    depth, size, labels = example(DEPTH), example(SIZE), example(LABELS)
    assert depth and size and labels
    assert ", ".join(f"{stage.accuracy.mean:.3f}" for stage in depth.result.stages) in DOCUMENTED
    one, *_, most = size.result.arm("frozen").points
    assert f"{one.accuracy.mean:.3f} with one picture a class, {most.accuracy.mean:.3f} with all" in DOCUMENTED
    finding = labels.result.finding
    assert finding and finding.precision and finding.recall
    told = f"of {finding.flipped} exchanged labels {finding.hits} are found, {finding.found} are suspected: precision "
    assert f"{told}{finding.precision.value:.2f}, recall {finding.recall.value:.2f}" in DOCUMENTED


def test_examples_hold_figures_and_no_photo() -> None:
    for path in FOLDER.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert len(text) < 200_000 and max(map(len, _strings(json.loads(text)))) < 1000, path.name


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return [value] if isinstance(value, str) else []
