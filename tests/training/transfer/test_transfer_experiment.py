"""The three arms on real weights: what is trained, what stays as it was, what is kept when it is stopped."""

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import keras
import numpy as np
import pytest
from transfer_toys import Outcome, carry_out

from cnn_core.networks import backbones
from cnn_core.networks.forward import cached_features, extractor_id, lower, network_input
from cnn_core.networks.zoo.efficientnet_lite_weights import released_weights
from cnn_core.pictures import kept, sets
from cnn_core.pictures.images import square
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.heads import Head
from cnn_core.training.loop import Diverged
from cnn_core.training.transfer import answers, training
from cnn_core.training.transfer.export import epochs_csv, metrics_csv
from cnn_core.training.transfer.live import Listener
from cnn_core.training.transfer.results import EpochFigures
from cnn_core.training.transfer.spec import Experiment, Options
from tests.reports import FakeReport

HEAD = ("probabilities/kernel", "probabilities/bias")
LAST_TWO_BLOCKS = {f"block7a_{part}_conv/kernel" for part in ("expand", "depthwise", "project")} | {"top_conv/kernel"}


def weights(model: keras.Model) -> dict[str, np.ndarray]:
    return {weight.path: np.asarray(weight) for weight in model.weights}


def changed(model: keras.Model) -> set[str]:
    """The weights below the head that are not the released ones, bit by bit."""
    released = released_weights()
    found = weights(model)
    assert found.keys() == released.keys()
    return {path for path in found if path not in HEAD and not np.array_equal(found[path], released[path])}


def is_statistic(path: str) -> bool:
    return path.endswith(("moving_mean", "moving_variance"))


# What is trained, and what stays ----------------------------------------------------------------------------------


def test_frozen_backbone_is_the_released_one(outcome: Outcome) -> None:
    assert changed(outcome.model("frozen")) == set()
    assert outcome.arms["frozen"].trainable_params == 1280 * 3 + 3
    assert outcome.arms["frozen"].total_params == 3_413_024 + 1280 * 3 + 3


def test_fine_tuning_changes_the_chosen_blocks_and_no_statistic(outcome: Outcome) -> None:
    assert changed(outcome.model("fine_tuned")) == LAST_TWO_BLOCKS  # kernels only: no BatchNorm weight, no statistic
    released = released_weights()
    kernels = sum(released[path].size for path in LAST_TWO_BLOCKS)
    assert outcome.arms["fine_tuned"].trainable_params == kernels + 1280 * 3 + 3


@pytest.mark.slow
def test_fine_tuning_with_augmentation_changes_no_statistic_either(shelf: Store, textures: tuple[Item, ...]) -> None:
    outcome = carry_out(
        shelf,
        textures,
        arms=("fine_tuned",),
        epochs=1,
        batch_size=9,
        unfreeze_blocks=2,
        augment=True,
        fine_tune_learning_rate=1e-3,
    )
    moved, arm = changed(outcome.model("fine_tuned")), outcome.arms["fine_tuned"]
    assert not any(map(is_statistic, moved))
    # With one epoch the start may have been the best: then nothing may have moved at all.
    assert moved == (LAST_TWO_BLOCKS if arm.best_epoch == len(arm.history) else set())
    assert [entry.phase for entry in arm.history[-2:]] == ["head", "blocks"]
    assert [layer.name for layer in outcome.model("fine_tuned").layers if "random" in layer.name] == []


def test_not_one_statistic_moves_while_blocks_are_trained() -> None:
    """On noise, at a high rate, looking at the network after every step: before the best epoch is put back."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    base, record = backbones.build("efficientnet_lite0"), backbones.backbone("efficientnet_lite0")
    before = weights(base)
    head = Head(np.zeros(1280), np.ones(1280), rng.normal(0, 0.05, (1280, 2)), np.zeros(2), 0.1)
    maps = lower(record, 16)(rng.integers(0, 256, (4, 224, 224, 3)).astype(np.uint8))
    labels = np.array([0, 1, 0, 1], np.int32)
    data = training.Data(maps, labels, maps[:2], labels[:2])
    steps: list[set[str]] = []

    def batch(done: float, loss: float, accuracy: float) -> None:
        now = weights(base)
        steps.append({path for path in before if not np.array_equal(now[path], before[path])})

    options = training.Options(epochs=1, batch_size=2, unfreeze_blocks=1, fine_tune_learning_rate=0.1)
    listener = Listener(batch, lambda entry: None, lambda: False)
    arm = training.fine_tuned(
        base,
        head,
        [],
        data,
        options,
        listener,
    )
    assert steps == [{"top_conv/kernel"}] * 2
    norms = [layer for layer in base.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 49 and not any(norm.trainable for norm in norms)
    assert arm.trainable_params == 320 * 1280 + 1280 * 2 + 2


def test_thaw_above_names_exactly_the_layers_above() -> None:
    base = backbones.build("efficientnet_lite0", pretrained=False)
    for cut, blocks in (("block7a_expand_conv", 1 * 3 + 1), ("block6a_expand_conv", 5 * 3 + 1)):
        training.thaw_above(base, base.get_layer(cut).input)
        assert len(base.trainable_weights) == blocks
        first = next(layer.name for layer in base.layers if layer.trainable and layer.weights)
        assert first == cut


def test_scratch_begins_at_random_and_trains_everything(outcome: Outcome) -> None:
    found, released = weights(outcome.model("scratch")), released_weights()
    kernels = [path for path in released if path.endswith("kernel") and path not in HEAD]
    assert all(np.corrcoef(found[path].ravel(), released[path].ravel())[0, 1] < 0.5 for path in kernels)
    assert any(is_statistic(path) and np.ptp(found[path]) > 0 for path in found)  # its statistics have moved
    assert outcome.arms["scratch"].trainable_params == 3_413_024 - 42_016 + 1280 * 3 + 3
    assert [entry.phase for entry in outcome.arms["scratch"].history] == ["all", "all"]


# Figures ----------------------------------------------------------------------------------------------------------


def test_result_has_what_the_issue_names(outcome: Outcome) -> None:
    assert outcome.result.classes == ("brick", "grass", "gravel")
    assert outcome.result.split_sizes == {"train": 18, "validation": 6, "test": 12}
    assert list(outcome.arms) == ["scratch", "frozen", "fine_tuned"]
    for arm in outcome.arms.values():
        share = arm.accuracy
        assert 0 <= share.low <= share.value == share.correct / 12 <= share.high <= 1
        assert sum(answer.right for answer in arm.answers) == share.correct == share.total - len(arm.wrong)
        assert arm.seconds["training"] > 0 and arm.seconds["features"] >= 0 and arm.model_bytes > 10_000_000
        assert {"features", "training", "testing"} <= arm.seconds.keys() and not arm.stopped
    pairs = {frozenset((pair.first, pair.second)) for pair in outcome.result.compared}
    assert len(pairs) == 3 and outcome.result.failed == {} and outcome.run.state == "done"
    assert outcome.arms["frozen"].accuracy.value > 0.9  # brick, grass and gravel are easy for ImageNet's features
    assert outcome.environment["seed"] == 0 and outcome.environment["replicas"] == 1
    assert outcome.environment["device"].startswith(("CPU", "GPU"))


def score(entry: EpochFigures) -> tuple[float, float]:
    """What makes an epoch the best: validation accuracy, the lower loss among equals."""
    return entry.val_accuracy, -entry.val_loss


def test_fine_tuned_begins_with_the_frozen_head_and_is_no_worse_in_validation(outcome: Outcome) -> None:
    head, both = outcome.arms["frozen"].history, outcome.arms["fine_tuned"].history
    passes = len(head)
    assert both[:passes] == head and 5 < passes < 100
    assert [(entry.phase, entry.epoch) for entry in both] == [
        *(("head", number) for number in range(1, passes + 1)),
        *(("blocks", number) for number in (passes + 1, passes + 2)),
    ]
    best, kept = head[-1], max(both[passes - 1 :], key=score)
    assert score(kept) >= score(best)  # where the arm begins is a candidate
    assert outcome.arms["frozen"].best_epoch == best.epoch == passes
    assert outcome.arms["frozen"].weight_decay == outcome.arms["fine_tuned"].weight_decay in heads.DECAYS
    assert outcome.arms["scratch"].weight_decay is None
    assert outcome.arms["fine_tuned"].best_epoch == kept.epoch
    validation = [item for item in outcome.experiment.items if item.part == "validation"]
    batch = network_input(outcome.store, validation, backbones.backbone("efficientnet_lite0"))
    truth = [outcome.result.classes.index(item.label) for item in validation]
    for arm, entry in (("frozen", best), ("fine_tuned", kept)):
        probabilities = np.asarray(outcome.model(arm)(batch.astype(np.float32), training=False))
        loss = -np.log(probabilities[range(len(truth)), truth]).mean()
        assert loss == pytest.approx(entry.val_loss, abs=1e-4)
        assert (probabilities.argmax(axis=1) == truth).mean() == pytest.approx(entry.val_accuracy)


def test_start_is_kept_if_training_only_makes_it_worse(shelf: Store, textures: tuple[Item, ...]) -> None:
    outcome = carry_out(
        shelf,
        textures,
        arms=("frozen", "fine_tuned"),
        epochs=2,
        batch_size=18,
        unfreeze_blocks=1,
        fine_tune_learning_rate=1.0,
    )
    passes = len(outcome.arms["frozen"].history)
    blocks = outcome.arms["fine_tuned"].history[passes:]
    assert len(blocks) == 2 and max(map(score, blocks)) < score(outcome.arms["frozen"].history[-1])
    assert outcome.arms["fine_tuned"].best_epoch == outcome.arms["frozen"].best_epoch == passes
    frozen, tuned = weights(outcome.model("frozen")), weights(outcome.model("fine_tuned"))
    assert all(np.array_equal(frozen[path], tuned[path]) for path in frozen)


def test_test_figures_belong_to_the_saved_network(outcome: Outcome) -> None:
    tests = [item for item in outcome.experiment.items if item.part == "test"]
    for arm, figures in outcome.arms.items():
        model = outcome.model(arm)
        for answer in figures.answers[::5]:
            assert answer.digest in {item.digest for item in tests}
            pixels = square(kept.pixels(outcome.store, answer.digest), 224, 224 / 256)
            probabilities = np.asarray(model(pixels[None].astype(np.float32), training=False))[0]
            assert probabilities.max() == pytest.approx(answer.probability, abs=1e-4)
            assert outcome.result.classes[probabilities.argmax()] == answer.said


# Seeds and features -----------------------------------------------------------------------------------------------


def test_second_run_computes_no_feature_and_gives_the_same_head(outcome: Outcome, textures: tuple[Item, ...]) -> None:
    assert outcome.report.progress["features"] == {"pictures": 24, "computed": 24}
    again = carry_out(outcome.store, textures[::-1], arms=("frozen",), epochs=2, batch_size=6)
    assert again.report.progress["features"] == {"pictures": 24, "computed": 0}
    for path in HEAD:
        assert np.array_equal(weights(again.model("frozen"))[path], weights(outcome.model("frozen"))[path])
    first = [replace(entry, seconds=0.0) for entry in outcome.arms["frozen"].history]
    assert [replace(entry, seconds=0.0) for entry in again.arms["frozen"].history] == first


def test_head_depends_on_nothing_but_the_division_of_the_pictures(outcome: Outcome, textures: tuple[Item, ...]) -> None:
    other = carry_out(outcome.store, textures, arms=("frozen",), epochs=9, batch_size=5, seed=1)
    assert other.report.progress["features"]["computed"] == 0
    assert np.array_equal(weights(other.model("frozen"))[HEAD[0]], weights(outcome.model("frozen"))[HEAD[0]])


def test_network_of_a_frozen_arm_is_written_when_it_is_wanted(shelf: Store, textures: tuple[Item, ...]) -> None:
    outcome = carry_out(shelf, textures, arms=("frozen",))
    run, arm = outcome.run, outcome.arms["frozen"]
    assert not shelf.exists(keys.file(run.id, "frozen")) and shelf.exists(keys.head(run.id, "frozen"))
    size = answers.write_network(run.id, "frozen", location=shelf.location)
    data = shelf.read(keys.file(run.id, "frozen"))
    assert len(data) == size and arm.model_bytes == 4 * arm.total_params < size < 1.05 * arm.model_bytes
    assert answers.write_network(run.id, "frozen", location=shelf.location) == size
    assert shelf.read(keys.file(run.id, "frozen")) == data, "once"


def test_frozen_arm_alone_needs_no_keras(shelf: Store, textures: tuple[Item, ...]) -> None:
    """In a process of its own, as in a worker; here Keras is there already."""
    carry_out(shelf, textures, arms=("frozen",))  # the flatbuffer is made, which does need it
    script = """
import json, sys
from transfer_toys import attempt
from cnn_core.store.runs import Store
from cnn_core.training.transfer import answers
store = Store(sys.argv[1])
found = attempt(store, sys.argv[2])
said = answers.predict(sys.argv[2], __import__("numpy").zeros((300, 200, 3), "uint8"), location=sys.argv[1])
heavy = [name for name in ("tensorflow", "keras", "sklearn", "scipy.stats") if name in sys.modules]
print(json.dumps([found.run.state, sum(said["frozen"].values()), heavy]))
"""
    experiment = Experiment(textures, Options(arms=("frozen",)), source="textures")
    run = shelf.create("transfer", experiment.to_json(), title="light")
    tests, root = Path(__file__).parent, Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{tests}"}
    done = subprocess.run(
        [sys.executable, "-c", script, shelf.location, run.id], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    state, total, heavy = json.loads(done.stdout.splitlines()[-1])
    assert (state, heavy) == ("done", []) and total == pytest.approx(1.0)


def test_scratch_begins_differently_with_another_seed() -> None:
    def start(seed: int) -> np.ndarray:
        keras.utils.set_random_seed(seed)
        return backbones.build("efficientnet_lite0", pretrained=False).get_weights()[0]

    assert np.array_equal(start(3), start(3)) and not np.allclose(start(3), start(4))


@pytest.mark.parametrize("arm", ["frozen", "fine_tuned", "scratch"])
def test_fixed_and_trained_part_are_the_network(outcome: Outcome, arm: str) -> None:
    record, model = backbones.backbone("efficientnet_lite0"), outcome.model(arm)
    tested = [item for item in outcome.experiment.items if item.part == "test"]
    pictures = network_input(outcome.store, tested, record)
    fixed, trained = answers.parts(model, arm, record, outcome.experiment.options.unfreeze_blocks)
    assert (fixed is None) == (arm == "scratch")
    said = trained(fixed(pictures) if fixed else pictures)
    expected = model.predict(pictures, verbose=0)
    assert np.abs(said - expected).max() < 1e-4
    # and it is what was tested, and what the run answers when it is asked
    correct = sum(
        int(expected[i].argmax()) == outcome.result.classes.index(item.label) for i, item in enumerate(tested)
    )
    assert outcome.arms[arm].accuracy.correct == correct
    asked = answers.predict(
        outcome.run.id, kept.pixels(outcome.store, tested[0].digest), location=outcome.store.location
    )
    assert list(asked[arm].values()) == pytest.approx(expected[0], abs=1e-4)


def test_cached_vectors_are_those_of_a_forward_pass(outcome: Outcome) -> None:
    record = backbones.backbone("efficientnet_lite0")
    items = [item for item in outcome.experiment.items if item.part == "train"][:5]

    def unwanted() -> NoReturn:
        raise AssertionError("the network is built although nothing is missing")

    cached, computed = cached_features(outcome.store, items, record, "float32", lambda done: False, extractor=unwanted)
    assert computed == 0 and cached.shape == (5, 1280) and cached.dtype == np.float32
    base = backbones.build("efficientnet_lite0")
    pixels = np.stack([square(kept.pixels(outcome.store, item.digest), 224, 224 / 256) for item in items])
    expected = np.asarray(base(pixels.astype(np.float32), training=False)).mean(axis=(1, 2))
    assert np.allclose(cached, expected, atol=1e-4)
    assert extractor_id(record, "float32") == "efficientnet_lite0-579344248a93 pool 224px of 256 bicubic float32"


# Stop and trouble -------------------------------------------------------------------------------------------------


def after_batches(blocks_epochs: float) -> FakeReport:
    """Ask to stop when the blocks of the fine-tuned arm have been trained so far."""

    def far_enough(progress: dict[str, Any]) -> bool:
        curve = progress.get("curves", {}).get("fine_tuned", {"batches": [], "epochs": []})
        passes = sum(entry["phase"] == "head" for entry in curve["epochs"])
        return bool(curve["batches"]) and curve["batches"][-1][0] >= passes + blocks_epochs

    return FakeReport(far_enough)


def test_stop_amid_an_epoch_keeps_what_was_learnt(shelf: Store, textures: tuple[Item, ...]) -> None:
    outcome = carry_out(
        shelf,
        textures,
        after_batches(0.3),
        arms=("scratch", "frozen", "fine_tuned"),
        epochs=2,
        batch_size=6,
        unfreeze_blocks=2,
    )
    assert list(outcome.arms) == ["frozen", "fine_tuned"]  # scratch has not begun
    passes = len(outcome.arms["frozen"].history)
    assert [entry.epoch for entry in outcome.arms["fine_tuned"].history] == list(range(1, passes + 2))
    assert outcome.arms["fine_tuned"].stopped and not outcome.arms["frozen"].stopped
    assert outcome.report.progress["curves"]["fine_tuned"]["batches"][-1][0] == pytest.approx(passes + 0.3333, abs=1e-3)
    assert outcome.arms["fine_tuned"].accuracy.value > 0.9
    # One step was made and is better than none, or the head was the best: either way it is what was evaluated.
    assert changed(outcome.model("fine_tuned")) in (LAST_TWO_BLOCKS, set())


def test_stop_while_only_the_head_was_trained_keeps_the_head(shelf: Store, textures: tuple[Item, ...]) -> None:
    stop = FakeReport(lambda progress: bool(progress.get("curves", {}).get("fine_tuned", {}).get("epochs")))
    outcome = carry_out(shelf, textures, stop, arms=("fine_tuned",), epochs=2, batch_size=6)
    arm = outcome.arms["fine_tuned"]
    assert [(entry.phase, entry.epoch) for entry in arm.history] == [("head", 1)] and arm.stopped
    assert arm.trainable_params == 1280 * 3 + 3 and changed(outcome.model("fine_tuned")) == set()


def test_stop_while_features_are_computed_leaves_no_arm_but_the_features(textures: tuple[Item, ...]) -> None:
    store = Store("sqlite:// memory://stopped-in-features")
    items = tuple(
        sets.keep(store, picture, label, part)
        for picture, label, part in sets.SAMPLES["textures"].pictures()
        if part != "train" or picture.name[-1] in "01"
    )
    stop = FakeReport(lambda progress: progress.get("phase") == "features" and progress["fraction"] > 0)
    outcome = carry_out(store, items, stop, arms=("frozen", "fine_tuned"), epochs=1)
    assert outcome.arms == {} and outcome.report.progress["phase"] == "done"
    key = extractor_id(backbones.backbone("efficientnet_lite0"), "float32")
    assert len(store.features.read(key, [item.digest for item in items])) == 32  # one batch of 54
    store.close()


def test_diverged_arm_says_so_and_the_other_has_figures(
    shelf: Store, textures: tuple[Item, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = training.fit

    def steep(*args: Any, learning_rate: float, phase: str, **kwargs: Any) -> Any:
        # ReLU6 bounds this network, so that no rate that Options allow makes it diverge.
        return fit(*args, learning_rate=1e38 if phase == "blocks" else learning_rate, phase=phase, **kwargs)

    monkeypatch.setattr(training, "fit", steep)
    outcome = carry_out(shelf, textures, arms=("frozen", "fine_tuned"), epochs=1, batch_size=6, unfreeze_blocks=1)
    first = len(outcome.arms["frozen"].history) + 1
    why = f"The loss became nan in epoch {first}. Choose a lower learning rate."
    assert outcome.result.failed == {"fine_tuned": why}
    assert list(outcome.arms) == ["frozen"] and outcome.arms["frozen"].accuracy.value > 0.9
    assert outcome.run.error == "Fine-tuned failed; what the others found is kept."
    for table in (metrics_csv(outcome.arms), epochs_csv(outcome.arms)):
        assert {row["arm"] for row in csv.DictReader(io.StringIO(table))} == {"frozen"}


def test_divergence_in_the_last_step_of_an_epoch_is_noticed() -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    values = np.array([[1e30, -1e30], [3e38, 3e38]], np.float32)
    labels = np.array([0, 1], np.int32)
    options = training.Options(epochs=1, batch_size=2)
    listener = Listener(lambda *_: None, lambda entry: None, lambda: False)
    data = training.Data(values[:1], labels[:1], np.full((1, 2), np.nan, np.float32), labels[:1])
    with pytest.raises(Diverged, match=r"^The validation loss became nan in epoch 1\. Choose a lower lear"):
        training.fit(model, data, options, listener, learning_rate=1e-3, phase="head")
