"""An attempt whose worker died is followed by another: it goes on where the first one was."""

import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from transfer_toys import few_textures

from cnn_core.networks import maps
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training import loop
from cnn_core.training.transfer import experiment as job
from cnn_core.training.transfer import training
from cnn_core.training.transfer.live import Listener
from cnn_core.training.transfer.spec import Experiment, Options
from tests.reports import FakeReport


class Killed(BaseException):
    """The worker is no more."""


class DyingReport(FakeReport):
    """Dies when the curve of an arm has gone so far."""

    def __init__(self, arm: str, epochs_done: float) -> None:
        super().__init__()
        self.arm, self.epochs_done = arm, epochs_done

    def update(self, **progress: Any) -> None:
        super().update(**progress)
        curve = self.progress.get("curves", {}).get(self.arm, {"batches": [], "epochs": []})
        passes = sum(entry["phase"] == "head" for entry in curve["epochs"])
        if curve["batches"] and curve["batches"][-1][0] >= passes + self.epochs_done:
            raise Killed


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches of all steps that are taken; a checkpoint is kept after each."""
    taken: list[int] = []
    step = loop.Steps.step

    def counted(self: loop.Steps, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        taken.append(len(labels))
        return step(self, inputs, labels)

    monkeypatch.setattr(loop.Steps, "step", counted)
    monkeypatch.setattr(loop, "KEEP_EVERY", 0.0)
    monkeypatch.setattr(loop, "KEEP_SHARE", float("inf"))
    return taken


def begun(store: Store, items: tuple[Item, ...], **options: Any) -> Run:
    experiment = Experiment(items, Options(**{"head_learning_rate": 0.01} | options), source="textures")
    run = store.claim(store.create("transfer", experiment.to_json(), title="textures").id, worker="test")
    assert run
    return run


def without_seconds(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in history]


@pytest.mark.parametrize(
    ("arm", "dies_at", "steps_left"),
    [
        ("fine_tuned", 1.4, 4),  # from the second epoch's first on; a head takes none
        pytest.param("scratch", 1.9, 3, marks=pytest.mark.slow),
    ],
)
def test_second_attempt_goes_on_from_the_checkpoint(
    arm: str, dies_at: float, steps_left: int, steps: list[int], shelf: Store
) -> None:
    items = few_textures(shelf, {"train": 4, "validation": 2, "test": 1})
    options: dict[str, Any] = {"arms": (arm,), "epochs": 3, "batch_size": 6, "unfreeze_blocks": 1}
    straight = job.run(begun(shelf, items, **options), shelf, FakeReport()).result["arms"][arm]
    every_step = len(steps)
    run = begun(shelf, items, **options)
    with pytest.raises(Killed):
        job.run(run, shelf, DyingReport(arm, dies_at))
    key = keys.checkpoint(run.id, arm)
    assert shelf.exists(key)
    steps.clear()
    report = FakeReport()
    again = job.run(run, shelf, report).result["arms"][arm]
    assert len(steps) == steps_left < every_step
    assert [entry["epoch"] for entry in again["history"]] == list(range(1, len(straight["history"]) + 1))
    for found, expected in zip(without_seconds(again["history"]), without_seconds(straight["history"]), strict=True):
        assert found == pytest.approx(expected, abs=1e-5)
    assert again["best_epoch"] == straight["best_epoch"] and again["accuracy"] == straight["accuracy"]
    assert report.progress["curves"][arm]["epochs"] == again["history"], "the reader sees no gap either"
    passes = sum(entry["phase"] == "head" for entry in again["history"])
    assert report.progress["note"] == f"Went on from epoch {passes + int(dies_at)}, where it had been broken off."
    assert not shelf.exists(key)


@pytest.mark.parametrize("augment", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_maps_that_have_gone_or_have_no_room_change_nothing(
    augment: bool, steps: list[int], shelf: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second attempt finds none of the first one's maps, and has room for three."""
    items = few_textures(shelf, {"train": 4, "validation": 2, "test": 1})
    arm, shapes = "fine_tuned", set[tuple[int, ...]]()
    options: dict[str, Any] = {"arms": (arm,), "epochs": 3, "batch_size": 6, "unfreeze_blocks": 1, "augment": augment}
    straight = job.run(begun(shelf, items, **options), shelf, FakeReport()).result["arms"][arm]
    run = begun(shelf, items, **options)
    with pytest.raises(Killed):
        job.run(run, shelf, DyingReport(arm, 1.4))
    step = loop.Steps.step

    def seen(self: loop.Steps, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        shapes.add(inputs.shape[1:])
        return step(self, inputs, labels)

    monkeypatch.setattr(loop.Steps, "step", seen)
    monkeypatch.setattr(maps, "FOLDER", tmp_path)
    monkeypatch.setattr(maps, "LIMIT", 3 * (16 + 4 * 7 * 7 * 320))
    again = job.run(run, shelf, FakeReport()).result["arms"][arm]
    for found, expected in zip(without_seconds(again["history"]), without_seconds(straight["history"]), strict=True):
        assert found == pytest.approx(expected, abs=1e-5)
    assert again["best_epoch"] == straight["best_epoch"] and again["accuracy"] == straight["accuracy"]
    assert shapes == {(7, 7, 320)}, "maps of the block above the cut"
    assert len(list(tmp_path.glob("*/*.map"))) == 3


def toy(classes: int = 2) -> tuple[keras.Model, training.Data]:
    """A small network without a head, and noise to learn by heart."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, use_bias=False, name="conv")(x)
    x = keras.layers.Activation("relu")(keras.layers.BatchNormalization(name="norm")(x))
    pixels = np.random.default_rng(0).integers(0, 256, (14, 8, 8, 3)).astype(np.uint8)
    labels = (np.arange(14) % classes).astype(np.int32)
    return keras.Model(inputs, x, name="toy"), training.Data(pixels[:10], labels[:10], pixels[10:], labels[10:])


def scratch(keeper: training.Keeper | None = None, dies_after: int = 99) -> training.Arm:
    base, data = toy()
    options = Options(epochs=4, batch_size=4, augment=True)

    def epoch(entry: dict[str, Any]) -> None:
        if entry["epoch"] == dies_after:
            raise Killed

    listener = Listener(lambda done, loss, accuracy: None, epoch, lambda: False)
    return training.scratch(base, 2, data, options, listener, keeper)


def test_copies_and_dropout_go_on_where_they_were(steps: list[int]) -> None:
    straight, kept = scratch(), []
    keeper = training.Keeper(kept.append, lambda: kept[-1] if kept else None)
    with pytest.raises(Killed):
        scratch(keeper, dies_after=2)
    steps.clear()
    again = scratch(keeper)
    assert len(steps) == 2 * 3
    for found, expected in zip(without_seconds(again.history), without_seconds(straight.history), strict=True):
        assert found == pytest.approx(expected, abs=1e-5)
    for found, expected in zip(again.model.get_weights(), straight.model.get_weights(), strict=True):
        assert found == pytest.approx(expected, abs=1e-5)


def test_checkpoint_of_something_else_is_said_and_the_arm_begins_anew(
    steps: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        arm = scratch(training.Keeper(lambda checkpoint: None, lambda: b"of another time"))
    assert "A checkpoint is not used, and the training begins anew: These 15 bytes are no checkpoint" in caplog.text
    assert len(arm.history) == 4 and len(steps) == 4 * 3
