"""Degradation: the verdict and its words, and results of every version."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import binomtest
from studies_toys import VERSION_01

from cnn_core.training.results import ResultUnreadable
from cnn_core.training.studies.degradation import (
    ARMS,
    CRITERION,
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


PICTURES = Pictures(1438, 359)


def _result(arms: dict[str, Arm]) -> DegradationResult:
    return DegradationResult(arms, judge(arms, PICTURES), CRITERION, PICTURES, 1.0)


def test_verdict_asks_for_every_seed() -> None:
    arms = _arms(
        plain_shallow=[0.1, 0.2, 0.1],
        plain_deep=[0.8, 0.8, 0.9],
        residual_shallow=[0.05, 0.05, 0.05],
        residual_deep=[0.04, 0.05, 0.04],
    )
    assert judge(arms, PICTURES).shown is True, "an equal residual loss is not above"
    worse = judge(arms | _arms(residual_deep=[0.04, 0.06, 0.04]), PICTURES)
    assert worse.shown is False and [pair.deep_above for pair in worse.residual] == [False, True, False]
    assert judge(arms | _arms(plain_deep=[0.8, 0.2, 0.9]), PICTURES).shown is False, "equal is not above"


def test_as_it_should_be_in_every_seed_may_still_be_chance() -> None:
    arms = _arms(
        plain_shallow=[0.1, 0.2], plain_deep=[0.3, 0.9], residual_shallow=[0.05, 0.05], residual_deep=[0.04, 0.05]
    )
    low, _ = stats.t.interval(0.95, 1, 0.45, np.std([0.2, 0.7], ddof=1) / np.sqrt(2))
    assert low < 0 and judge(arms, PICTURES).shown is None
    said = verdict_words(_result(arms))
    assert said.startswith("**It points that way, and may be chance.** Plain-14 has a higher training loss than")
    assert f"+0.45, 95% interval −{-low:.3g} to" in said and said.endswith("Train from more seeds to know.")


def test_nets_that_learnt_nothing_are_no_finding() -> None:
    """Losses of issue 14, after one epoch at too low a rate: guessing is 2.303."""
    arms = _arms(plain_shallow=[2.31], plain_deep=[2.35], residual_shallow=[2.48], residual_deep=[2.17])
    result = _result(arms)
    assert result.verdict.shown is None and "plain_shallow" in result.verdict.in_vain
    said = verdict_words(result)
    assert said.startswith(
        "**No verdict: plain-8 and residual-8 learnt nothing.** Guessing among ten digits has a loss"
    )
    assert "2.303" in said and published_words(result) == ""


def test_deep_plain_net_may_learn_nothing_the_others_not() -> None:
    fine = {"residual_shallow": [0.05, 0.05, 0.05], "residual_deep": [0.04, 0.05, 0.04]}
    arms = _arms(plain_shallow=[0.1, 0.2, 0.1], plain_deep=[2.4, 2.6, 2.4], **fine)
    assert judge(arms, PICTURES).shown is True and judge(arms, PICTURES).in_vain == ("plain_deep",)
    assert verdict_words(_result(arms)).endswith("Plain-14 does no better than guessing, whose loss is 2.303.")


LOSS = st.floats(0, 3) | st.sampled_from([2.302, 2.303, 2.31, math.nan, math.inf, 0.5])
SEEDS = st.lists(st.tuples(LOSS, LOSS, LOSS, LOSS, st.floats(0, 1), st.booleans()), max_size=4)


@given(SEEDS)
@example([(0.1, 0.4, 0.1, 0.1, 0.1, True)] * 3)  # seeds that agree exactly
@example([(2.31, 2.35, 2.48, 2.17, 0.9, True)] * 2)
def test_degradation_is_a_finding_only_where_its_numbers_carry_it(seeds: list[tuple[float, ...]]) -> None:
    arms = {}
    for place, name in enumerate(ARMS):
        repetitions = []
        for number, values in enumerate(seeds):
            epoch = EpochFigures(1, values[place], values[4], 0.2, 1.0)
            repetitions.append(Repetition(number, bool(values[5]), "", (epoch,)))
        arms[name] = Arm(14 if "deep" in name else 8, "residual" in name, 10, 9, 8, tuple(repetitions))
    result = _result(arms)
    said, verdict = verdict_words(result), result.verdict
    assert said.startswith("**Degradation, and its cure.**") == (verdict.shown is True)
    assert "nan" not in said.lower() or verdict.shown is not True
    if verdict.shown:
        whole = [values for values in seeds if values[5]]
        plain, residual = ([v[at + 1] - v[at] for v in whole] for at in (0, 2))
        assert min(plain) > 0 and max(residual) <= 0
        for differences in (plain, np.subtract(plain, residual).tolist()):
            low, _ = stats.t.interval(0.95, len(whole) - 1, np.mean(differences), stats.sem(differences))
            assert len(whole) > 1 and low > 0
        assert all(max(v[0], v[2], v[3]) < math.log(10) and 1 - v[4] > 0.14 for v in whole)
    if verdict.missing:
        assert "nothing can be said yet" in said and published_words(result) == ""


def test_verdict_leaves_out_what_is_not_complete() -> None:
    arms = _arms(plain_shallow=[0.1, 0.2], plain_deep=[0.3, 0.0], residual_shallow=[0.1])
    assert judge(arms, PICTURES) == Verdict(plain=(Pair(0, 0.1, 0.3, True),), residual=(), shown=None)
    assert judge({}, PICTURES) == Verdict()


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
    said = published_words(SHIPPED)
    assert "from 27.94 to 28.54% on ImageNet: that way too." in said  # He et al. 2016, table 2
    assert "which may be chance over 3 seeds; He et al.'s goes from 27.88 to 25.03% on ImageNet." in said
    assert said.endswith("Only the directions are compared: data, sizes and depths are others."), "6 to 73% is not 28"
    assert published_words(_result({})) == ""
    same = _arms(plain_shallow=[0.1], plain_deep=[0.3], residual_shallow=[0.1], residual_deep=[0.1])
    assert "from 25.0 to 25.0%, which may be chance over 1 seed; He et al.'s goes from 27.94" in published_words(
        _result(same)
    )
    worse = _arms(plain_shallow=[0.1] * 3, plain_deep=[0.3] * 3, residual_shallow=[0.1] * 3, residual_deep=[0.1] * 3)
    seeds = [
        replace(seed, epochs=(*seed.epochs[:-1], replace(seed.epochs[-1], test_error=0.5 + seed.seed / 100)))
        for seed in worse["residual_deep"].seeds
    ]
    worse["residual_deep"] = replace(worse["residual_deep"], seeds=tuple(seeds))
    assert (
        "from 25.0 to 51.0%, beyond chance; He et al.'s goes from 27.88 to 25.03% on ImageNet: **the other way**."
        in (published_words(_result(worse)))
    )


def test_result_survives_json() -> None:
    assert DegradationResult.from_json(json.loads(json.dumps(SHIPPED.to_json()))) == SHIPPED
    assert SHIPPED.to_json()["version"] == 2


def test_result_of_version_01_is_read() -> None:
    values = json.loads((VERSION_01 / "degradation.json").read_text())
    result = DegradationResult.from_json(values)
    assert tuple(result.arms) == ARMS and result.criterion == CRITERION, "judged by today's"
    assert [pair.deep for pair in result.verdict.plain] == [entry["deep"] for entry in values["verdict"]["plain"]]
    assert result.verdict == judge(result.arms, result.pictures)
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
    assert result.lines()[-2].startswith("No seed has been trained to its end at both depths")
    assert result.lines()[-1] == f"The criterion: {result.criterion}"


def test_cost_is_in_proportion_to_the_multiply_adds() -> None:
    usual = expected_seconds(Degradation())
    assert usual == pytest.approx(shipped(STUDY).provenance.seconds)
    assert expected_seconds(Degradation(seeds=6)) == pytest.approx(2 * usual)
    assert expected_seconds(Degradation(width=16)) == pytest.approx(4 * usual)
    assert expected_seconds(Degradation(width=2)) == pytest.approx(usual), "a step costs its calls"
