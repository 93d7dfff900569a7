"""Every study from its spec to plain JSON, on the toy network; stopping keeps what is known."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lab_toys import claimed, colours, toy_network

from cnn_core.networks.forward import pooled
from cnn_core.store.records import Run, plain
from cnn_core.store.runs import Store
from cnn_core.training.lab import backbones_job, job, recipes_job
from cnn_core.training.lab.depth import DepthOptions, DepthResult
from cnn_core.training.lab.recipes import RECIPES
from cnn_core.training.lab.spec import LabSpec
from cnn_core.training.lab.studies import STUDIES
from tests.reports import FakeReport

pytestmark = pytest.mark.usefixtures("toy")
SMALL = {"backbone": "toy", "folds": 3, "training_splits": 2, "epochs": 1, "unfreeze_blocks": 2}


def asked(store: Store, kind: str, per_class: int = 12, **chosen: object) -> Run:
    """A claimed run of a study of colours, small where nothing else is chosen."""
    options = STUDIES[kind].options
    known = set(options.__dataclass_fields__)
    small = {name: value for name, value in SMALL.items() if name in known}
    spec = LabSpec(tuple(colours(store, per_class)), options.of(**small | chosen), "colours")
    return claimed(store, spec.to_json())


def carry_out(store: Store, kind: str, report: FakeReport | None = None, per_class: int = 12, **chosen: object) -> Any:
    outcome = job.run(asked(store, kind, per_class, **chosen), store, report or FakeReport())
    assert outcome.environment["seed"] == 0 and "keras" in outcome.environment and not outcome.trouble
    written = plain(outcome.result)
    assert written == json.loads(json.dumps(outcome.result)), "plain JSON"
    result = STUDIES[kind].result.from_json(written)
    assert plain(result.to_json()) == written, "nothing is lost"
    return result


def test_depth_probes_every_stage_and_trains_every_cut(shelf: Store) -> None:
    report = FakeReport()
    result = carry_out(shelf, "depth", report, frozen_blocks=(0, 2))
    assert result.complete and result.pictures == 36 and result.features_computed == 36
    assert [stage.frozen_blocks for stage in result.stages] == [1, 2, 3]
    assert [stage.channels for stage in result.stages] == [6, 8, 12]
    assert [cut.frozen_blocks for cut in result.cuts] == [0, 2, 3]
    assert [cut.frozen_blocks for cut in result.cuts if cut.paired] == [0, 2]
    top, frozen = result.stages[-1], result.cuts[-1]
    assert frozen.accuracy.scores == top.accuracy.scores[:2], "all frozen is the probe, on the same folds"
    for place in (*result.stages, *result.cuts):
        assert 0 <= place.accuracy.low <= place.accuracy.mean <= place.accuracy.high <= 1
    fractions = report.fractions
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert carry_out(shelf, "depth", frozen_blocks=(2,)).features_computed == 0, "from the cache"


def test_stage_features_are_the_means_of_the_stages(shelf: Store) -> None:
    from cnn_core.training.lab.bench import Bench
    from cnn_core.training.lab.depth_job import stage_features

    spec = LabSpec(tuple(colours(shelf)), DepthOptions(backbone="toy"))
    bench: Bench = Bench(shelf, spec, FakeReport(), "float32", DepthResult())
    vectors, channels = stage_features(bench, 1.0)
    import keras

    base = toy_network()
    for name, part in zip(("one", "two", "three"), np.split(vectors, np.cumsum(channels)[:-1], axis=1), strict=True):
        maps = keras.Model(base.input, base.get_layer(f"{name}_out").output).predict(bench.pixels()[:], verbose=0)
        assert part == pytest.approx(maps.mean(axis=(1, 2)), abs=1e-5)
    assert vectors[:, -12:] == pytest.approx(pooled(base).predict(bench.pixels()[:], verbose=0), abs=1e-5)


def test_size_has_every_arm_on_the_same_folds(shelf: Store) -> None:
    result = carry_out(
        shelf, "size", arms=("frozen", "fine_tuned", "scratch"), sizes=(1, 2, 3, 5), repeats=2, training_splits=3
    )
    assert [arm.name for arm in result.arms] == ["frozen", "fine_tuned", "scratch"]
    for arm, folds in (("frozen", 6), ("fine_tuned", 3), ("scratch", 3)):
        points = result.arm(arm).points
        assert [point.pictures for point in points] == [1, 2, 3, 5, 8] and points[0].accuracy.folds == folds
        assert result.arm(arm).law.words
    frozen = [point.accuracy.mean for point in result.arm("frozen").points]
    assert frozen[-1] > frozen[0], "more pictures help"


def test_recipes_are_paired_with_the_right_one(shelf: Store) -> None:
    result = carry_out(shelf, "recipes", epochs=2, recipes=tuple(RECIPES))
    entries = {tried.name: tried for tried in result.recipes}
    assert list(entries) == list(RECIPES) and result.trained_blocks == ("two_conv", "three_conv")
    assert [name for name, tried in entries.items() if tried.paired] == list(RECIPES)[1:]
    for name, tried in entries.items():
        drift = max(tried.statistics_drift)
        assert (drift > 0) == (name == "batchnorm_training"), (name, drift)
        assert len(tried.distances) == 2 and len(tried.losses) == 2
    moved = {name: max(tried.distances) for name, tried in entries.items()}
    assert moved["head_first"] < moved["rate_10"] < moved["rate_100"], "the higher the rate, the farther"
    lower, upper = entries["discriminative"].distances
    assert lower < upper
    assert "BatchNorm's statistics not at all" in result.sentences[0]
    assert result.trap.startswith("Only “BatchNorm left training” moved them.")


def test_sabotage_measures_every_mistake(shelf: Store) -> None:
    result = carry_out(shelf, "sabotage")
    toy = next(network for network in result.backbones if network.name == "toy")
    away = [network for network in result.backbones if network.name != "toy"]
    assert away and all(network.unavailable.endswith("is away.") and network.right is None for network in away)
    mistakes = {mistake.name: mistake for mistake in toy.distortions}
    assert len(mistakes) == 10 and all(mistake.agreement is None for mistake in mistakes.values())
    swapped = mistakes["channels_swapped"]
    assert swapped.accuracy.mean < toy.right.mean - 0.2, "red and blue are exchanged"
    assert swapped.loss.points == pytest.approx(100 * (swapped.accuracy.mean - toy.right.mean))
    assert "36 of 36 pictures" not in result.sentences[0]


def test_labels_finds_exchanged_labels(shelf: Store) -> None:
    result = carry_out(shelf, "labels", per_class=20, flip=0.1, repeats=1)
    assert result.finding.flipped == 6 and result.finding.found == len(result.suspects)
    assert result.finding.recall.total == 6 and result.finding.precision.total == len(result.suspects)
    assert len(result.map) == 60 and result.accuracy.correct == sum(point.right for point in result.map)
    assert [withheld.name for withheld in result.none_of_these.unseen] == ["blue", "green", "red"]
    assert sum(withheld.refused.total for withheld in result.none_of_these.unseen) == 60
    for suspect in result.suspects:
        assert len(suspect.nearest) == 3 and suspect.digest not in {near.digest for near in suspect.nearest}
    assert carry_out(shelf, "labels").finding is None


def test_backbones_are_compared_or_said_to_be_away(shelf: Store) -> None:
    result = carry_out(shelf, "backbones", backbones=("toy", "resnet50"))
    toy, away = result.backbones
    base = pooled(toy_network())
    assert toy.costs.params == base.count_params() and toy.costs.megabytes == pytest.approx(4e-6 * toy.costs.params)
    assert toy.costs.macs == 8 * 8 * 27 * 6 + 4 * 4 * 54 * 8 + 2 * 2 * 72 * 12 and toy.costs.milliseconds > 0
    assert away.unavailable == "ResNet-50 is away." and away.accuracy is None and toy.paired is None


@pytest.mark.parametrize(
    ("kind", "phase", "kept"), [("depth", "0 blocks frozen", "stages"), ("size", "fine-tuned", "arms")]
)
def test_stopped_study_keeps_what_is_known(shelf: Store, kind: str, phase: str, kept: str) -> None:
    report = FakeReport(lambda progress: str(progress.get("phase", "")).startswith(phase))
    options = {"frozen_blocks": (0,)} if kind == "depth" else {}
    result = carry_out(shelf, kind, report, **options)
    assert result.complete is False and getattr(result, kept) and report.kept[-1] == plain(result.to_json())
    assert result.sentences[-1] == "Stopped early: the figures are those known by then."


def test_test_part_is_never_looked_at(shelf: Store) -> None:
    items = colours(shelf, 8)
    held = [type(item)(item.digest, item.label, item.name, "test") for item in items[::4]]
    options = DepthOptions.of(backbone="toy", folds=2, training_splits=1, epochs=1, frozen_blocks=(2,))
    spec = LabSpec((*(i for n, i in enumerate(items) if n % 4), *held), options)
    result = job.run(claimed(shelf, spec.to_json()), shelf, FakeReport()).result
    assert result["pictures"] == 18 and list(result["notes"]) == [
        "6 pictures of the test part left out: what is chosen here can be tested on them."
    ]


# What is found is kept ------------------------------------------------------------------------------------------------


def again(store: Store, run: Run, result: dict[str, Any], report: FakeReport | None = None) -> Any:
    """Another attempt at a run that has found something."""
    outcome = job.run(replace(run, result=result), store, report or FakeReport())
    return STUDIES[run.spec["options"]["kind"]].result.from_json(plain(outcome.result))


def test_study_that_fails_in_its_third_recipe_keeps_two_and_tries_only_the_rest_again(
    shelf: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    trying = recipes_job._try

    def fail(bench: Any, name: str, *more: Any) -> Any:
        tried.append(name)
        if tried.count("gradual") == 1 and name == "gradual":
            raise MemoryError
        return trying(bench, name, *more)

    monkeypatch.setattr(recipes_job, "_try", fail)
    report = FakeReport()
    run = asked(shelf, "recipes", recipes=("at_once", "gradual", "rate_10"))
    with pytest.raises(MemoryError):
        job.run(run, shelf, report)
    kept = STUDIES["recipes"].result.from_json(report.kept[-1])
    assert [recipe.name for recipe in kept.recipes] == ["head_first", "at_once"] and not kept.complete
    assert kept.pictures == 36 and kept.seconds > 0 and kept.intervals.startswith("95% interval"), "all that is shown"
    rest = again(shelf, run, report.kept[-1])
    assert tried == ["head_first", "at_once", "gradual", "gradual", "rate_10"]
    assert [recipe.name for recipe in rest.recipes] == ["head_first", "at_once", "gradual", "rate_10"]
    was = replace(rest, recipes=rest.recipes[:2]).settled()  # beside each other, not beside what came later
    assert rest.complete and was.recipes == kept.recipes and rest.recipes[2].paired and len(rest.sentences) == 4
    assert rest.seconds > kept.seconds, "of both attempts"


@pytest.mark.parametrize(
    ("kind", "phase", "done", "chosen"),
    [
        ("depth", "0 blocks frozen", "fitting probes", {"frozen_blocks": (0, 2)}),
        ("size", "fine-tuned, 5 a class", "frozen", {"sizes": (1, 2, 3, 5), "repeats": 1}),
        ("sabotage", "Toy: grey", "Toy: raw [0, 255]", {"backbones": ("toy",)}),
        ("labels", "withholding each class", "drawing the map", {"repeats": 1}),
        (
            "augmentation",
            "reading copies for the upper blocks: mirror",
            "training without",
            {"policies": ("all", "mirror"), "repeats": 1},
        ),
    ],
)
def test_attempt_after_a_stopped_one_finds_only_what_is_missing(
    shelf: Store, kind: str, phase: str, done: str, chosen: dict[str, Any]
) -> None:
    first = FakeReport(lambda progress: str(progress.get("phase", "")).startswith(phase))
    run = asked(shelf, kind, **chosen)
    stopped = plain(job.run(run, shelf, first).result)
    assert not stopped["complete"] and stopped["sentences"][-1].startswith("Stopped early")
    whole, second = again(shelf, run, {}), FakeReport()
    resumed = again(shelf, run, stopped, second)
    assert done not in {told.get("phase") for told in second.told}, "again what was done"
    attempts = {"seconds": 0.0, "cpu_seconds": 0.0, "features_computed": 0}
    assert replace(resumed, **attempts) == replace(whole, **attempts), "as if nothing had happened"


def test_networks_of_an_earlier_attempt_are_not_timed_again(shelf: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = asked(shelf, "backbones", backbones=("toy", "resnet50"))
    whole = plain(job.run(run, shelf, FakeReport()).result)
    part = whole | {"backbones": whole["backbones"][:1], "sentences": whole["sentences"][:1], "complete": False}
    monkeypatch.setattr(backbones_job, "_costs", lambda record: pytest.fail("timed again"))
    resumed = again(shelf, run, part)
    assert resumed.complete and [network.name for network in resumed.backbones] == ["toy", "resnet50"]
