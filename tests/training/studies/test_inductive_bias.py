"""Convnet against ViT: leads, their intervals and words, and results of every version."""

import json

import numpy as np
import pytest
from scipy.stats import t as student
from studies_toys import VERSION_01

from cnn_core.arithmetic.measures import wilson
from cnn_core.arithmetic.statistics import share, student_half
from cnn_core.training.studies.inductive_bias import (
    STUDY,
    InductiveBias,
    InductiveBiasResult,
    Lead,
    Point,
    bias_words,
    expected_seconds,
    largest,
    lead_words,
    leads,
    worth_most,
)
from cnn_core.training.studies.published import shipped

SHIPPED = shipped(STUDY).result


def points(gaps: dict[tuple[bool, int], list[float]], vit: float = 0.5) -> list[Point]:
    return [
        Point(net, shuffled, size, seed, vit + extra, train_loss=0.1, seconds=1.0)
        for (shuffled, size), each in gaps.items()
        for seed, gap in enumerate(each)
        for net, extra in (("vit", 0.0), ("convnet", gap))
    ]


def _leads(gaps: dict[tuple[bool, int], list[float]]) -> tuple[Lead, ...]:
    return leads(points(gaps), student_half)


def test_intervals_are_students() -> None:
    gaps = np.array([0.1, 0.2, 0.4])
    (lead,) = _leads({(False, 50): gaps.tolist()})
    assert lead.half is not None
    expected = student.interval(0.95, 2, gaps.mean(), gaps.std(ddof=1) / np.sqrt(3))
    assert (lead.mean - lead.half, lead.mean + lead.half) == pytest.approx(expected)
    assert (lead.convnet, lead.vit, lead.seeds) == (pytest.approx(0.5 + gaps.mean()), 0.5, 3)


def test_leads_are_of_seeds_that_both_networks_have() -> None:
    half_done = points({(False, 50): [0.1, 0.2]})[:-1]  # the convnet's second is missing
    (lead,) = leads(half_done, student_half)
    assert (lead.seeds, lead.half) == (1, None) and lead.mean == pytest.approx(0.1)
    assert leads([]) == ()


def test_words_say_where_the_prior_pays_and_where_it_stops() -> None:
    said = bias_words(
        _leads({(False, 50): [0.30, 0.32], (False, 100): [0.1, -0.1], (True, 50): [0.1, 0.1], (True, 100): [0.0, 0.0]})
    )
    assert "with 50 pictures the convnet's lead is beyond chance; with 100 it is not" in said
    assert "the ViT does not get there with 100" in said
    assert "5.0 points on average over the sizes, instead of 15.5: **10.5 points go with the neighbourhood**" in said
    assert "Beyond chance the shuffled lead is with 50." in said
    assert "pays nowhere beyond chance" in bias_words(_leads({(False, 50): [0.1, -0.1]}))
    assert "One seed" in bias_words(_leads({(False, 50): [0.1]}))
    assert bias_words(()) == "There is no pair of trainings to compare yet."


def test_words_say_that_version_01_stored_no_intervals() -> None:
    said = bias_words(leads(points({(False, 50): [0.1, 0.2], (True, 50): [0.1, 0.1]})))
    assert "leads by 15.0 points" in said and "One seed" not in said
    assert (
        "The intervals were not stored by the version that trained this: whether that is chance cannot be said" in said
    )
    assert "**5.0 points go with the neighbourhood**" in said and "Beyond chance" not in said
    assert lead_words(leads(points({(False, 50): [0.1, 0.2]}))[0]) == "15.0"


def test_shuffling_costs_most_where_the_lead_falls_most() -> None:
    found = _leads(
        {(False, 50): [0.3], (False, 100): [0.2], (True, 50): [0.2], (True, 100): [0.0], (False, 200): [0.9]}
    )
    assert worth_most(found) == 100, "where both are known"
    assert worth_most(_leads({(False, 50): [0.3]})) is None


def test_result_survives_json() -> None:
    assert InductiveBiasResult.from_json(json.loads(json.dumps(SHIPPED.to_json()))) == SHIPPED
    assert all(lead.half for lead in SHIPPED.leads)


def test_leads_that_ship_are_those_of_its_points() -> None:
    found = leads(SHIPPED.points, student_half)
    assert [(lead.size, lead.shuffled, lead.seeds) for lead in found] == [
        (lead.size, lead.shuffled, lead.seeds) for lead in SHIPPED.leads
    ]
    assert [lead.half for lead in found] == pytest.approx([lead.half for lead in SHIPPED.leads], rel=1e-3)


def test_result_of_version_01_is_read_with_leads_but_without_their_intervals() -> None:
    values = json.loads((VERSION_01 / "inductive_bias.json").read_text())
    result = InductiveBiasResult.from_json(values)
    assert len(result.points) == len(values["points"]) and result.learning_rates == values["learning_rates"]
    assert {lead.half for lead in result.leads} == {None} and {lead.seeds for lead in result.leads} == {2}
    of = [p["test_accuracy"] for p in values["points"] if (p["net"], p["size"], p["shuffled"]) == ("vit", 1138, False)]
    row = next(row for row in result.accuracies() if row.arm == "vit, 1138 pictures")
    assert row.value == pytest.approx(np.mean(of), abs=1 / 359)


@pytest.mark.parametrize("made", [share, wilson])
def test_comparison_has_a_row_a_network_with_the_most_pictures(made: object) -> None:
    every = [
        *points({(False, 10): [0.4]}, vit=0.1),
        *points({(False, 50): [0.1, 0.2]}, vit=0.7),
        *points({(True, 50): [0.0]}, vit=0.85),
    ]
    found = largest(every, 20, made)  # type: ignore[arg-type]
    assert {name: each.value for name, each in found.items()} == {
        "vit, 50 pictures": 0.7,
        "convnet, 50 pictures": 0.85,
        "vit, shuffled, 50 pictures": 0.85,
        "convnet, shuffled, 50 pictures": 0.85,
    }
    assert all(each.low < each.value < each.high for each in found.values())
    assert largest([], 20, share) == {}


def test_lines_have_every_accuracy() -> None:
    lines = SHIPPED.lines()
    assert lines[0].startswith("parameters: {'convnet': 26574, 'vit': 26302}")
    assert len(lines) == 1 + 2 * 2 * 5 and lines[1].startswith(" natural    50 pictures, convnet: 0.8")


def test_cost_is_in_proportion_to_the_steps() -> None:
    usual = expected_seconds(InductiveBias())
    assert usual == pytest.approx(shipped(STUDY).provenance.seconds)
    assert expected_seconds(InductiveBias(steps=800)) == 2 * expected_seconds(InductiveBias(shuffled=False)) * 2
