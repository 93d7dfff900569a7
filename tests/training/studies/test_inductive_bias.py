"""Convnet against ViT: leads, their intervals and words, and results of every version."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import sem
from scipy.stats import t as student
from studies_toys import VERSION_01

from cnn_core.training.studies.inductive_bias import (
    STUDY,
    InductiveBias,
    InductiveBiasResult,
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


def words(gaps: dict[tuple[bool, int], list[float]], vit: float = 0.5) -> str:
    return bias_words(points(gaps, vit), 359)


def test_intervals_are_students() -> None:
    gaps = np.array([0.1, 0.2, 0.4])
    (lead,) = leads(points({(False, 50): gaps.tolist()}))
    scale = gaps.std(ddof=1) / np.sqrt(3)
    expected = student.interval(0.95, 2, gaps.mean(), scale)
    assert (lead.low, lead.high) == pytest.approx(expected)
    assert (lead.convnet, lead.vit, lead.seeds) == (pytest.approx(0.5 + gaps.mean()), 0.5, 3)
    assert lead.p == pytest.approx(2 * student.sf(gaps.mean() / scale, 2))


def test_leads_are_of_seeds_that_both_networks_have() -> None:
    half_done = points({(False, 50): [0.1, 0.2]})[:-1]  # the convnet's second is missing
    (lead,) = leads(half_done)
    assert (lead.seeds, lead.half) == (1, None) and lead.mean == pytest.approx(0.1)
    assert leads([]) == ()
    assert lead_words(lead) == "10.0"


def test_words_say_where_the_prior_pays_and_where_it_stops() -> None:
    said = words(
        {(False, 50): [0.30, 0.31], (False, 100): [0.1, -0.1], (True, 50): [0.1, 0.13], (True, 100): [0.0, -0.2]}
    )
    assert "with 50 pictures the convnet's lead is beyond chance; with 100 it is not" in said
    assert "the ViT does not get there with 100" in said
    assert "0.7 points on average over the sizes, instead of 15.3: **14.5 points go with the neighbourhood**" in said
    assert "harder to train" not in said, "what is left of the lead may be chance"
    assert words({(False, 50): [0.1, -0.1]}) == "**The prior pays nowhere beyond chance.** "
    assert "does not pay: with 50 pictures the ViT is ahead beyond chance" in words({(False, 50): [-0.30, -0.31]})
    assert "One seed: whether that is chance cannot be said" in words({(False, 50): [0.1]})
    assert "Seeds that agree to the last picture" in words({(False, 50): [0.1, 0.1]})
    assert words({}) == "There is no pair of trainings to compare yet."


def test_one_of_many_sizes_is_no_finding_beside_the_others() -> None:
    """Corrected for their number: p = 0.03 stands alone and not among five."""
    sure = [0.1, 0.15, 0.2]
    assert leads(points({(False, 50): sure}))[0].p == pytest.approx(0.036, abs=0.002)
    assert "with 50 pictures the convnet's lead is beyond chance" in words({(False, 50): sure})
    others = {(False, size): [0.1, -0.1, 0.05] for size in (100, 200, 500, 1138)}
    assert "nowhere beyond chance" in words({(False, 50): sure} | others)


def test_networks_that_learnt_nothing_are_not_compared() -> None:
    said = words({(False, 50): [0.08, 0.09], (True, 50): [0.0, 0.001]}, vit=0.05)
    assert said.startswith("**Neither network has learnt more than guessing** (at best 13.5%")
    assert "neighbourhood" not in said
    grown = points({(False, 50): [0.0, 0.01]}, 0.1) + points({(False, 100): [0.3, 0.31]}, 0.6)
    assert bias_words(grown, 359).startswith("With 50 pictures neither has learnt more than guessing. **The prior pays")


GAPS = st.lists(st.tuples(*[st.integers(-359, 359).map(lambda n: n / 359)] * 2), min_size=1, max_size=4)


@given(GAPS, st.floats(0, 1))
@example([(0.084, 0.0)] * 3, 0.15)  # seeds that agree exactly
@example([(0.2, 0.1), (0.1, 0.15)], 0.07)
def test_neighbourhood_is_a_finding_if_its_interval_says_so(gaps: list[tuple[float, float]], vit: float) -> None:
    natural, mixed = (list(each) for each in zip(*gaps, strict=True))
    every = points({(False, 50): natural, (True, 50): mixed}, vit)
    clipped = [replace(point, test_accuracy=min(1.0, max(0.0, point.test_accuracy))) for point in every]
    said = bias_words(clipped, 359)
    of = {(p.net, p.shuffled, p.seed): p.test_accuracy for p in clipped}
    lost = [
        sum(sign * side * of[net, order, seed] for net, sign in NETS for order, side in ((False, 1), (True, -1)))
        for seed in range(len(gaps))
    ]
    if "points go with the neighbourhood" in said:
        low, _ = student.interval(0.95, len(lost) - 1, np.mean(lost), sem(lost))
        assert len(lost) > 1 and low > -1e-9
        best = max(np.mean([of[net, False, seed] for seed in range(len(gaps))]) for net, _ in NETS)
        assert best > 0.14, "more than guessing"
    if "the convnet's lead is beyond chance" in said:
        gap = [of["convnet", False, seed] - of["vit", False, seed] for seed in range(len(gaps))]
        low, _ = student.interval(0.95, len(gap) - 1, np.mean(gap), sem(gap))
        assert len(gap) > 1 and low > -1e-9
    for number in re.findall(r"−?\d+\.\d(?= points)", said):
        assert abs(float(number.replace("−", "-"))) <= 200


NETS = (("convnet", 1), ("vit", -1))


def test_shuffling_costs_most_where_the_lead_falls_most() -> None:
    found = leads(
        points({(False, 50): [0.3], (False, 100): [0.2], (True, 50): [0.2], (True, 100): [0.0], (False, 200): [0.9]})
    )
    assert worth_most(found) == 100, "where both are known"
    assert worth_most(leads(points({(False, 50): [0.3]}))) is None


def test_result_survives_json() -> None:
    assert InductiveBiasResult.from_json(json.loads(json.dumps(SHIPPED.to_json()))) == SHIPPED
    assert all(lead.half for lead in SHIPPED.leads)


def test_leads_that_ship_are_those_of_its_points() -> None:
    found = leads(SHIPPED.points)
    assert [(lead.size, lead.shuffled, lead.seeds) for lead in found] == [
        (lead.size, lead.shuffled, lead.seeds) for lead in SHIPPED.leads
    ]
    assert [lead.half for lead in found] == pytest.approx([lead.half for lead in SHIPPED.leads], rel=1e-3)


def test_result_of_version_01_is_read_with_leads_and_their_intervals() -> None:
    values = json.loads((VERSION_01 / "inductive_bias.json").read_text())
    result = InductiveBiasResult.from_json(values)
    assert len(result.points) == len(values["points"]) and result.learning_rates == values["learning_rates"]
    assert all(lead.half for lead in result.leads) and {lead.seeds for lead in result.leads} == {2}
    of = [p["test_accuracy"] for p in values["points"] if (p["net"], p["size"], p["shuffled"]) == ("vit", 1138, False)]
    row = next(row for row in result.accuracies() if row.arm == "vit, 1138 pictures")
    assert row.value == pytest.approx(np.mean(of), abs=1 / 359)


def test_comparison_has_a_row_a_network_with_the_most_pictures() -> None:
    every = [
        *points({(False, 10): [0.4]}, vit=0.1),
        *points({(False, 50): [0.1, 0.2]}, vit=0.7),
        *points({(True, 50): [0.0]}, vit=0.85),
    ]
    found = largest(every, 20)
    assert {name: each.value for name, each in found.items()} == {
        "vit, 50 pictures": 0.7,
        "convnet, 50 pictures": 0.85,
        "vit, shuffled, 50 pictures": 0.85,
        "convnet, shuffled, 50 pictures": 0.85,
    }
    assert all(each.low < each.value < each.high for each in found.values())
    assert largest([], 20) == {}


def test_lines_have_every_accuracy() -> None:
    lines = SHIPPED.lines()
    assert lines[:3] == [
        "The convnet has 26,574 parameters, and learns at 0.003 with natural pixels and 0.001 with shuffled pixels.",
        "The ViT has 26,302 parameters, and learns at 0.01 with natural pixels and 0.01 with shuffled pixels.",
        "Test accuracies, one a seed:",
    ]
    assert len(lines) == 3 + 2 * 2 * 5 + 1 and lines[3].startswith(" natural    50 pictures, convnet: 0.8")
    assert lines[-1] == bias_words(SHIPPED.points, SHIPPED.pictures.test).replace("**", "")
    begun = replace(SHIPPED, points=(), learning_rates={})
    assert begun.lines()[0] == "The convnet has 26,574 parameters."
    assert begun.lines()[2:] == ["There is no pair of trainings to compare yet."]


def test_cost_is_in_proportion_to_the_steps() -> None:
    usual = expected_seconds(InductiveBias())
    assert usual == pytest.approx(shipped(STUDY).provenance.seconds)
    assert expected_seconds(InductiveBias(steps=800)) == 2 * expected_seconds(InductiveBias(shuffled=False)) * 2
