"""Degradation: the verdict and its words, and results of every version."""

import json
from dataclasses import replace

import pytest
from scipy.stats import binomtest
from studies_toys import VERSION_01

from cnn_core.training.results import ResultUnreadable
from cnn_core.training.studies.degradation import (
    ARMS,
    STUDY,
    Arm,
    Degradation,
    DegradationResult,
    Pair,
    Repetition,
    Verdict,
    expected_seconds,
    judge,
    published_words,
    verdict_words,
)
from cnn_core.training.studies.published import shipped
from cnn_core.training.studies.repeats import EpochFigures, Pictures

SHIPPED = shipped(STUDY).result


def _arms(**losses: list[float]) -> dict[str, Arm]:
    """Arms of two epochs with these last losses, a value a seed; a loss of 0 is a seed that was stopped."""

    def epochs(loss: float) -> tuple[EpochFigures, ...]:
        return tuple(EpochFigures(n, value, 0.5, 0.25, 1.0) for n, value in ((1, 9.0), (2, loss)))

    return {
        arm: Arm(
            depth=14 if arm.endswith("deep") else 8,
            residual=arm.startswith("residual"),
            params=10,
            trainable_params=9,
            macs=8,
            seeds=tuple(Repetition(seed, loss > 0, "", epochs(loss)) for seed, loss in enumerate(values)),
        )
        for arm, values in losses.items()
    }


def _result(arms: dict[str, Arm]) -> DegradationResult:
    return DegradationResult(arms, judge(arms), "…", Pictures(1438, 359), 1.0)


def test_verdict_asks_for_every_seed() -> None:
    arms = _arms(
        plain_shallow=[0.1, 0.2], plain_deep=[0.3, 0.3], residual_shallow=[0.05, 0.05], residual_deep=[0.04, 0.05]
    )
    assert judge(arms).shown is True, "an equal residual loss is not above"
    worse = judge(arms | _arms(residual_deep=[0.04, 0.06]))
    assert worse.shown is False and [pair.deep_above for pair in worse.residual] == [False, True]
    assert judge(arms | _arms(plain_deep=[0.3, 0.2])).shown is False, "equal is not above"


def test_verdict_leaves_out_what_is_not_complete() -> None:
    arms = _arms(plain_shallow=[0.1, 0.2], plain_deep=[0.3, 0.0], residual_shallow=[0.1])
    assert judge(arms) == Verdict(plain=(Pair(0, 0.1, 0.3, True),), residual=(), shown=None)
    assert judge({}) == Verdict()


def test_words_are_the_criterion_on_the_losses() -> None:
    losses = {arm: {s.seed: s.epochs[-1].train_loss for s in found.seeds} for arm, found in SHIPPED.arms.items()}
    plain = [losses["plain_deep"][seed] > loss for seed, loss in losses["plain_shallow"].items()]
    residual = [losses["residual_deep"][seed] > loss for seed, loss in losses["residual_shallow"].items()]
    said = verdict_words(SHIPPED)
    assert f"in {sum(plain)} of {len(plain)} seeds" in said and f"in {sum(residual)} of {len(residual)} seeds" in said
    came_out = all(plain) and not any(residual)
    assert said.startswith("**Degradation, and its cure.**" if came_out else "**It did not come out here.**")


def test_words_say_when_it_did_not_come_out_and_when_nothing_can_be_said() -> None:
    arms = _arms(plain_shallow=[0.1], plain_deep=[0.05], residual_shallow=[0.1], residual_deep=[0.1])
    said = verdict_words(_result(arms))
    assert said.startswith("**It did not come out here.** Plain-14 has a higher training loss than plain-8 in 0 of 1")
    assert said.endswith("It should be all for plain and none for residual. With one seed it may be chance.")
    assert "nothing can be said yet" in verdict_words(_result(_arms(plain_shallow=[0.1])))


def test_test_errors_are_compared_with_those_published() -> None:
    said = published_words(SHIPPED.arms)
    assert "from 27.94 to 28.54 %" in said and "from 27.88 to 25.03 %" in said  # He et al. 2016, table 2
    assert said.endswith("Only the directions are compared: data, sizes and depths are others."), "6 to 73 % is not 28"
    assert "as in He" not in said
    assert published_words({}) == ""
    same = _arms(plain_shallow=[0.1], plain_deep=[0.3])
    assert "from 25.0 to 25.0 % here, and **the other way** in He et al.'s table, from 27.94" in published_words(same)


def test_result_survives_json() -> None:
    assert DegradationResult.from_json(json.loads(json.dumps(SHIPPED.to_json()))) == SHIPPED
    assert SHIPPED.to_json()["version"] == 2


def test_result_of_version_01_is_read() -> None:
    values = json.loads((VERSION_01 / "degradation.json").read_text())
    result = DegradationResult.from_json(values)
    assert tuple(result.arms) == ARMS and result.criterion == values["criterion"]
    assert [pair.deep for pair in result.verdict.plain] == [entry["deep"] for entry in values["verdict"]["plain"]]
    assert result.verdict == judge(result.arms)
    last = [1 - seed["epochs"][-1]["test_error"] for seed in values["arms"]["plain_deep"]["seeds"]]
    correct = round(sum(last) / 2 * 359)
    interval = binomtest(correct, 359).proportion_ci(method="wilson")
    found = next(row for row in result.accuracies() if row.arm == "plain deep")
    assert (found.value, found.low, found.high) == pytest.approx((correct / 359, interval.low, interval.high))


def test_result_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(ResultUnreadable, match="cannot be read as DegradationResult: it has no 'pictures'"):
        DegradationResult.from_json({"arms": {}})


def test_comparison_has_a_row_an_arm_and_a_line_a_seed() -> None:
    arms = _arms(plain_shallow=[0.1, 0.2], plain_deep=[0.3])
    arms["plain_shallow"] = replace(arms["plain_shallow"], accuracy=SHIPPED.arms["plain_deep"].accuracy)
    result = _result(arms)
    assert [row.arm for row in result.accuracies()] == ["plain shallow"], "only of what was tested"
    assert [curve.arm for curve in result.curves()] == [
        "plain shallow, seed 0",
        "plain shallow, seed 1",
        "plain deep, seed 0",
    ]
    assert result.curves()[0].epochs == (1, 2) and result.curves()[0].accuracy == (0.75, 0.75)
    assert result.lines()[0] == "    plain, seed 0: training loss 0.1000 shallow, 0.3000 deep"
    assert result.lines()[-1].startswith("criterion holds: None")


def test_cost_is_in_proportion_to_the_multiply_adds() -> None:
    usual = expected_seconds(Degradation())
    assert usual == pytest.approx(shipped(STUDY).provenance.seconds)
    assert expected_seconds(Degradation(seeds=6)) == pytest.approx(2 * usual)
    assert expected_seconds(Degradation(width=16)) == pytest.approx(4 * usual)
    assert expected_seconds(Degradation(width=2)) == pytest.approx(usual), "a step costs its calls"
