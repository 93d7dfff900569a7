"""Every study from its spec to plain JSON, on the toy network; stopping keeps what is known."""

import json

import numpy as np
import pytest
from lab_toys import Listener, claimed, colours, toy_network

from cnn_core.networks.forward import infer, pooled
from cnn_core.store.runs import Store, plain
from cnn_core.training.lab import job
from cnn_core.training.lab.spec import RECIPES, LabOptions, Study

pytestmark = pytest.mark.usefixtures("toy")


def carry_out(
    store: Store, kind: str, listener: Listener | None = None, per_class: int = 12, **options: object
) -> dict:
    chosen = {"backbone": "toy", "folds": 3, "training_splits": 2, "epochs": 1, "unfreeze_blocks": 2}
    study = Study(tuple(colours(store, per_class)), LabOptions.of(kind, **chosen | options), "colours")
    result, environment = job.run(claimed(store, study.to_json()), store, listener or Listener())
    assert environment["seed"] == 0 and "keras" in environment
    assert plain(result) == json.loads(json.dumps(plain(result))), "plain JSON"
    return plain(result)


def test_depth_probes_every_stage_and_trains_every_cut(shelf: Store) -> None:
    listener = Listener()
    result = carry_out(shelf, "depth", listener, frozen_blocks=(0, 2))
    assert result["complete"] and result["pictures"] == 36 and result["features_computed"] == 36
    assert [stage["frozen_blocks"] for stage in result["stages"]] == [1, 2, 3]
    assert [stage["channels"] for stage in result["stages"]] == [6, 8, 12]
    assert [cut["frozen_blocks"] for cut in result["cuts"]] == [0, 2, 3]
    assert [pair["frozen_blocks"] for pair in result["paired"]] == [0, 2]
    top, frozen = result["stages"][-1], result["cuts"][-1]
    assert frozen["scores"] == top["scores"][:2], "all frozen is the probe, on the same folds"
    for entry in result["stages"] + result["cuts"]:
        assert 0 <= entry["low"] <= entry["mean"] <= entry["high"] <= 1
    fractions = [told["fraction"] for told in listener.told if "fraction" in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert carry_out(shelf, "depth", frozen_blocks=(2,))["features_computed"] == 0, "from the cache"


def test_stage_features_are_the_means_of_the_stages(shelf: Store) -> None:
    from cnn_core.training.lab.bench import Bench
    from cnn_core.training.lab.depth_job import stage_features

    study = Study(tuple(colours(shelf)), LabOptions("depth", backbone="toy", unfreeze_blocks=1))
    bench = Bench(shelf, study, Listener(), "float32")
    vectors, channels = stage_features(bench, 1.0)
    import keras

    base = toy_network()
    for name, part in zip(("one", "two", "three"), np.split(vectors, np.cumsum(channels)[:-1], axis=1), strict=True):
        maps = infer(keras.Model(base.input, base.get_layer(f"{name}_out").output), bench.pixels())
        assert part == pytest.approx(maps.mean(axis=(1, 2)), abs=1e-5)
    assert vectors[:, -12:] == pytest.approx(infer(pooled(base), bench.pixels()), abs=1e-5)


def test_size_has_every_arm_on_the_same_folds(shelf: Store) -> None:
    result = carry_out(
        shelf, "size", arms=("frozen", "fine_tuned", "scratch"), sizes=(1, 2, 3, 5), repeats=2, training_splits=3
    )
    assert list(result["arms"]) == ["frozen", "fine_tuned", "scratch"]
    for arm, folds in (("frozen", 6), ("fine_tuned", 3), ("scratch", 3)):
        points = result["arms"][arm]["points"]
        assert [point["pictures"] for point in points] == [1, 2, 3, 5, 8] and points[0]["folds"] == folds
        assert result["arms"][arm]["law"]["words"]
    frozen = [point["mean"] for point in result["arms"]["frozen"]["points"]]
    assert frozen[-1] > frozen[0], "more pictures help"


def test_recipes_are_paired_with_the_right_one(shelf: Store) -> None:
    result = carry_out(shelf, "recipes", epochs=2, recipes=RECIPES)
    entries = {entry["name"]: entry for entry in result["recipes"]}
    assert list(entries) == list(RECIPES) and result["trained_blocks"] == ["two_conv", "three_conv"]
    assert "paired" not in entries["head_first"] and all("paired" in entries[name] for name in RECIPES[1:])
    for name, entry in entries.items():
        drift = max(entry["statistics_drift"])
        assert (drift > 0) == (name == "batchnorm_training"), (name, drift)
        assert len(entry["distances"]) == 2 and len(entry["losses"]) == 2
    moved = {name: max(entry["distances"]) for name, entry in entries.items()}
    assert moved["head_first"] < moved["rate_10"] < moved["rate_100"], "the higher the rate, the farther"
    lower, upper = entries["discriminative"]["distances"]
    assert lower < upper
    assert "BatchNorm's statistics not at all" in result["sentences"][0]


def test_sabotage_measures_every_mistake(shelf: Store) -> None:
    result = carry_out(shelf, "sabotage")
    toy = next(entry for entry in result["backbones"] if entry["name"] == "toy")
    away = [entry for entry in result["backbones"] if entry["name"] != "toy"]
    assert away and all(entry["unavailable"].endswith("is away.") and "right" not in entry for entry in away)
    figures = {entry["name"]: entry for entry in toy["distortions"]}
    assert len(figures) == 10 and all(entry["agreement"] is None for entry in figures.values())
    swapped = figures["channels_swapped"]
    assert swapped["accuracy"]["mean"] < toy["right"]["mean"] - 0.2, "red and blue are exchanged"
    assert swapped["loss"]["points"] == pytest.approx(100 * (swapped["accuracy"]["mean"] - toy["right"]["mean"]))
    assert "36 of 36 pictures" not in result["sentences"][0]


def test_labels_finds_exchanged_labels(shelf: Store) -> None:
    result = carry_out(shelf, "labels", per_class=20, flip=0.1, repeats=1)
    assert result["finding"]["flipped"] == 6 and result["finding"]["found"] == len(result["suspects"])
    assert len(result["map"]) == 60 and len(result["map"][0]["pca"]) == len(result["map"][0]["tsne"]) == 2
    assert [entry["class"] for entry in result["none_of_these"]["unseen"]] == ["blue", "green", "red"]
    for suspect in result["suspects"]:
        assert len(suspect["nearest"]) == 3 and suspect["digest"] not in {n["digest"] for n in suspect["nearest"]}
    assert "finding" not in carry_out(shelf, "labels")


def test_backbones_are_compared_or_said_to_be_away(shelf: Store) -> None:
    result = carry_out(shelf, "backbones", backbones=("toy", "resnet50"))
    toy, away = result["backbones"]
    base = pooled(toy_network())
    assert toy["params"] == base.count_params() and toy["megabytes"] == pytest.approx(4e-6 * toy["params"])
    assert toy["macs"] == 8 * 8 * 27 * 6 + 4 * 4 * 54 * 8 + 2 * 2 * 72 * 12 and toy["milliseconds"] > 0
    assert away["unavailable"] == "ResNet-50 is away." and "accuracy" not in away


@pytest.mark.parametrize(
    ("kind", "phase", "kept"), [("depth", "0 blocks frozen", "stages"), ("size", "fine_tuned", "arms")]
)
def test_stopped_study_keeps_what_is_known(shelf: Store, kind: str, phase: str, kept: str) -> None:
    listener = Listener(lambda progress: str(progress.get("phase", "")).startswith(phase))
    options = {"frozen_blocks": (0,)} if kind == "depth" else {}
    result = carry_out(shelf, kind, listener, **options)
    assert result["complete"] is False and result[kept]
    assert result["sentences"][-1] == "Stopped early: the figures are those known by then."


def test_test_part_is_never_looked_at(shelf: Store) -> None:
    items = colours(shelf, 8)
    held = [type(item)(item.digest, item.label, item.name, "test") for item in items[::4]]
    study = Study(
        (*(i for n, i in enumerate(items) if n % 4), *held),
        LabOptions.of(
            "depth", backbone="toy", folds=2, training_splits=1, epochs=1, unfreeze_blocks=1, frozen_blocks=(2,)
        ),
    )
    result, _ = job.run(claimed(shelf, study.to_json()), shelf, Listener())
    assert result["pictures"] == 18 and result["notes"] == [
        "6 pictures of the test part left out: what is chosen here can be tested on them."
    ]
