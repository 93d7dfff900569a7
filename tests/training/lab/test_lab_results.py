"""Results of the laboratory: out of JSON and back, those of version 0.1 too, and a row an arm for a comparison.

`version_0_1.json` holds a result of each study as version 0.1 wrote it (of the toy network on eighteen colours, floats
rounded, lists cut short).
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cnn_core.arithmetic.measures import FoldAccuracy, Share
from cnn_core.arithmetic.statistics import accuracy_summary
from cnn_core.arithmetic.verdicts import PairedDifference
from cnn_core.training.lab.depth import Cut, DepthResult, Stage
from cnn_core.training.lab.labels import INTERVALS
from cnn_core.training.lab.recipes import RecipesResult, Tried
from cnn_core.training.lab.sabotage import Mistake, Sabotaged
from cnn_core.training.lab.size import SizeResult
from cnn_core.training.lab.studies import STUDIES
from cnn_core.training.results import ResultUnreadable

OLD: dict[str, Any] = json.loads((Path(__file__).parent / "version_0_1.json").read_text(encoding="utf-8"))


def read(kind: str) -> Any:
    return STUDIES[kind].result.from_json(OLD[kind])


@pytest.mark.parametrize("kind", list(OLD))
def test_result_of_version_0_1_is_read_and_written_anew(kind: str) -> None:
    result = read(kind)
    assert result.complete and result.classes == ("blue", "green", "red")
    assert result.sentences == result.told() and len(result.sentences) >= len(OLD[kind]["sentences"]) - 1
    assert result.seconds == OLD[kind]["seconds"], "what it means is said anew, what was measured stays"
    written = json.loads(json.dumps(result.to_json()))
    assert written["version"] == 2 and STUDIES[kind].result.from_json(written) == result


def test_depth_of_version_0_1_has_its_differences_at_the_cuts() -> None:
    result = read("depth")
    assert [(stage.name, stage.channels) for stage in result.stages] == [
        ("block 1 of 3", 6),
        ("block 2 of 3", 8),
        ("block 3 of 3", 12),
    ]
    assert result.stages[2].accuracy == FoldAccuracy((1.0, 0.8333, 0.8333), 0.8333, 0.8889, 0.5109, 1.0, 3)
    trained, frozen = result.cuts
    assert (trained.frozen_blocks, frozen.frozen_blocks, frozen.paired) == (1, 3, None)
    assert trained.paired.words == OLD["depth"]["paired"][0]["words"] and trained.paired.low is None
    assert trained.paired.names == ("Training the 2 upper blocks", "the frozen network")


def test_size_of_version_0_1_has_the_fit_of_its_law() -> None:
    result = read("size")
    assert [arm.name for arm in result.arms] == ["frozen", "fine_tuned", "scratch"]
    law = OLD["size"]["arms"]["frozen"]["law"]
    fit = result.arm("frozen").law.fit
    assert (fit.a, fit.at, fit.gain_points, fit.curve.high) == (
        law["a"],
        20,
        law["gain_points"],
        tuple(law["curve"]["high"]),
    )
    assert result.arm("fine_tuned").law.fit is None and result.arm("scratch").law is None
    assert [point.pictures for point in result.arm("frozen").points] == [1, 6]


def test_sabotage_of_version_0_1_has_the_number_of_answers_that_stay() -> None:
    toy, away = read("sabotage").backbones
    assert toy.distortions[0].agreement == Share(3, 18, 0.0584, 0.3922)
    assert toy.distortions[1].not_applicable == "Here this is the right one." and toy.distortions[1].loss is None
    assert away.unavailable == "ResNet-50 is away." and away.right is None and away.distortions == ()


def test_backbones_of_version_0_1_have_their_costs_together() -> None:
    toy, away = read("backbones").backbones
    entry = OLD["backbones"]["backbones"][0]
    assert (toy.costs.macs, toy.costs.params, toy.costs.milliseconds) == (
        entry["macs"],
        entry["params"],
        entry["milliseconds"],
    )
    assert away.costs is None and away.licence == "Apache-2.0"


def test_labels_of_version_0_1_have_shares_of_so_many() -> None:
    result, old = read("labels"), OLD["labels"]
    assert result.accuracy == Share(6, 18, 0.1628, 0.5625)
    assert result.finding.precision == Share(2, 9, 0.0632, 0.5474) and result.finding.recall == Share(2, 4, 0.15, 0.85)
    assert [each.right.total for each in result.calibration.bins] == [b["pictures"] for b in old["calibration"]["bins"]]
    for withheld, was in zip(result.none_of_these.unseen, old["none_of_these"]["unseen"], strict=True):
        assert withheld.name == was["class"] and withheld.refused.value == pytest.approx(was["refused"], abs=1e-4)
    assert sum(withheld.refused.total for withheld in result.none_of_these.unseen) == 18
    assert result.map[0].tsne == tuple(old["map"][0]["tsne"]) and result.duplicates[0].labels == ("blue", "green")


@pytest.mark.parametrize("kind", list(STUDIES))
def test_study_that_has_found_nothing_yet_is_an_empty_result(kind: str) -> None:
    empty = STUDIES[kind].result.from_json({})
    assert empty == STUDIES[kind].result() and empty.accuracies() == [] and empty.curves() == []


@pytest.mark.parametrize(
    ("kind", "arms"),
    [
        (
            "depth",
            [
                "probe after block 1 of 3",
                "probe after block 2 of 3",
                "probe after block 3 of 3",
                "1 blocks frozen",
                "3 blocks frozen",
            ],
        ),
        ("size", ["frozen, 6 a class", "fine-tuned, 6 a class", "scratch, 1 a class"]),
        ("recipes", ["Head first, then all blocks at a low rate", "BatchNorm left training"]),
        ("sabotage", ["Toy, right"]),
        ("backbones", ["Toy"]),
        ("labels", ["out of fold"]),
        ("augmentation", ["frozen, none", "fine-tuned, none", "frozen, mirror", "fine-tuned, mirror"]),
    ],
)
def test_every_result_tells_its_accuracies(kind: str, arms: list[str]) -> None:
    rows = read(kind).accuracies()
    assert [row.arm for row in rows] == arms
    assert all(0 <= row.low <= row.value <= row.high <= 1 for row in rows)


def test_accuracy_of_a_row_is_the_mean_and_of_a_size_the_last() -> None:
    point = OLD["size"]["arms"]["frozen"]["points"][-1]
    assert read("size").accuracies()[0].value == point["mean"]
    assert read("labels").accuracies()[0].value == pytest.approx(6 / 18)


def test_result_of_another_kind_or_damaged_is_refused_in_a_sentence() -> None:
    broken = read("size").to_json() | {"arms": [{"points": []}]}
    with pytest.raises(ResultUnreadable, match="cannot be read as SizeResult: it has no 'name'"):
        SizeResult.from_json(broken)
    with pytest.raises(ResultUnreadable, match="of version 3, and this ConvScope reads those up to 2"):
        SizeResult.from_json({"version": 3})


def test_differences_of_version_0_1_are_told_within_what_is_possible() -> None:
    loose = next(tried for tried in read("recipes").recipes if tried.name == "batchnorm_training")
    assert (loose.paired.low, loose.paired.high, loose.paired.folds) == (-100.0, 100.0, 0)
    assert loose.paired.names == ("BatchNorm left training", "Head first, then all blocks at a low rate")
    assert "(95% interval −100.0 to 100.0): this may well be chance" in loose.words
    apart = {**OLD["recipes"]["recipes"][1]["paired"], "low": None, "high": None, "p": None}
    apart["words"] = "A is 66.7 points worse than B in each of 3 folds; that is too little to tell whether it is real."
    values = OLD["recipes"] | {"recipes": [{**OLD["recipes"]["recipes"][1], "paired": apart}]}
    told = RecipesResult.from_json(values).recipes[0].paired
    assert (told.names, told.folds) == (("A", "B"), 3) and "in each of 3 folds: without a spread" in told.words


def row(*scores: float) -> FoldAccuracy:
    return accuracy_summary([round(60 * score) for score in scores], [60] * len(scores), 0.25)


def difference(points: float, half: float, p: float, *names: str) -> PairedDifference:
    low, high = max(-100.0, points - half), min(100.0, points + half)
    return PairedDifference(points, low, high, p, (names[0], names[1]), 5, 300)


def test_comparisons_are_corrected_for_their_number_once() -> None:
    """Six recipes, one at p = 0.02: alone it would be a finding."""
    p_values = [0.02, 0.3, 0.5, 0.6, 0.7, 0.8]
    tried = [Tried("head_first", "right", accuracy=row(0.9, 0.92))]
    for number, p in enumerate(p_values):
        paired = difference(-9.0 if number == 0 else -1.0, 8.0, p, f"recipe {number}", "right")
        tried.append(Tried(f"r{number}", f"recipe {number}", accuracy=row(0.8, 0.82), paired=paired))
    result = RecipesResult(recipes=tuple(tried), chance=0.2).settled()
    assert result == result.settled()
    assert result.recipes[1].paired.adjusted == pytest.approx(0.12) and result.recipes[1].paired.family == 6
    assert not result.recipes[1].paired.beyond_chance
    assert "not beside the others (p = 0.120 after Holm's correction for 6 comparisons)" in result.sentences[1]
    alone = RecipesResult(recipes=tuple(tried[:2]), chance=0.2).settled()
    assert alone.recipes[1].paired.worse and "chance alone would hardly do that (p = 0.020)" in alone.sentences[1]


def test_result_no_better_than_guessing_says_only_that() -> None:
    blind = Tried("head_first", "right", accuracy=row(0.2, 0.3, 0.25))
    paired = difference(-20.0, 5.0, 0.001, "rate", "right")
    result = RecipesResult(recipes=(blind, replace(blind, name="r", paired=paired)), chance=0.25).settled()
    assert len(result.sentences) == 1 and "Nothing here is right more often than always naming" in result.sentences[0]
    assert "25.0%" in result.sentences[0] and "So the figures say nothing." in result.sentences[0]
    seeing = replace(blind, accuracy=row(0.6, 0.7, 0.65))
    assert len(replace(result, recipes=(seeing, blind)).settled().sentences) == 2


def test_depth_is_a_finding_only_beyond_chance() -> None:
    low, high = (Stage(n, 17, f"block {n} of 17", row(*scores), 8) for n, scores in ((1, (0.5, 0.6)), (9, (0.7, 0.8))))
    top = Stage(17, 17, "block 17 of 17", row(0.7, 0.78), 8)
    rise, peak = difference(20.0, 5.0, 0.001, "a", "b"), difference(1.0, 5.0, 0.6, "a", "c")
    result = DepthResult(stages=(low, high, top), rise=rise, peak=peak)
    assert "highest after block 9 of 17; that the top has less may be chance." in result.told()[0]
    clear = replace(result, peak=difference(9.0, 5.0, 0.01, "a", "c")).told()[0]
    assert "highest after block 9 of 17, not at the top." in clear
    rising = DepthResult(stages=(low, high), rise=rise).told()[0]
    assert rising.startswith(
        "Probe accuracy after each stage: 0.550, 0.750; highest after block 9 of 17, the top: it ris"
    )
    assert "it rises" not in DepthResult(stages=(low, high), rise=difference(20.0, 25.0, 0.2, "a", "b")).told()[0]
    level = DepthResult(stages=(low, replace(low, name="the top"))).told()[0]
    assert level.endswith("highest after the top, the top."), "no stage below has more"
    cut = Cut(11, 17, "block 11 of 17", row(0.97, 0.98), difference(0.8, 13.0, 0.5, "training", "frozen"))
    frozen = Cut(17, 17, "block 17 of 17", row(0.96, 0.97))
    assert (
        DepthResult(cuts=(cut, frozen))
        .told()[0]
        .startswith("On these pictures no fine-tuning is better than the frozen network beyond chance (mean 0.967).")
    )
    sure = replace(cut, paired=difference(9.0, 4.0, 0.01, "training", "frozen"))
    assert (
        "Keeping 11 of 17 blocks and training the rest beat the frozen network"
        in DepthResult(cuts=(sure, frozen)).told()[0]
    )


def test_mistake_that_costs_nothing_is_no_loss() -> None:
    better = Mistake("grey", "grey", "", accuracy=row(0.9, 0.9), loss=difference(2.0, 5.0, 0.4, "grey", "right"))
    assert Sabotaged("toy", "Toy", right=row(0.9, 0.8), distortions=(better,)).words == (
        "Toy: no mistake costs anything that is clearly more than chance: grey."
    )


def test_trap_says_what_moved() -> None:
    result = read("recipes")
    assert result.trap.startswith("Only “BatchNorm left training” moved them. In Keras 3 training=False at")
    both = replace(result, recipes=tuple(tried for tried in result.recipes if tried.name == "batchnorm_training"))
    assert both.trap.startswith("“BatchNorm left training” moved them.") and "all other recipes" not in both.trap
    held = replace(result, recipes=tuple(tried for tried in result.recipes if tried.name == "head_first"))
    assert held.trap.startswith("Here no recipe moved a statistic") and RecipesResult().trap == ""


def test_intervals_of_labels_are_called_what_they_are() -> None:
    """They are Wilson's of shares and Student's of pictures; folds are compared nowhere."""
    assert read("labels").intervals == INTERVALS and "Nadeau" not in INTERVALS
    assert "Nadeau" in read("depth").intervals
