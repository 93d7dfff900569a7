"""Classes that count the same: all three arms learn so, and the script of the download learns the same again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from test_transfer_scripts import run
from transfer_toys import Outcome, carry_out, unpack

from cnn_core.networks.backbones import backbone
from cnn_core.networks.forward import cached_features, network_input
from cnn_core.pictures import sets
from cnn_core.pictures.items import Item
from cnn_core.store.runs import Store
from cnn_core.training import loop
from cnn_core.training.transfer.export import kept_head


@pytest.fixture
def lopsided(textures: tuple[Item, ...]) -> tuple[Item, ...]:
    """Six training pictures of brick, four of grass, three of gravel; the other parts as they were."""
    left = {"brick": 6, "grass": 4, "gravel": 3}
    kept = []
    for item in textures:
        if item.part == "train":
            left[item.label] -= 1
            if left[item.label] < 0:
                continue
        kept.append(item)
    return tuple(kept)


def weighed(store: Store, items: tuple[Item, ...], **options: Any) -> Outcome:
    return carry_out(store, items, epochs=1, batch_size=6, unfreeze_blocks=1, class_weights=True, **options)


def test_every_arm_learns_with_the_weights_of_its_training_pictures(
    shelf: Store, lopsided: tuple[Item, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[np.ndarray] = []
    begin = loop.Steps.__init__

    def noted(self: loop.Steps, model: Any, groups: Any, class_weights: np.ndarray | None = None) -> None:
        assert class_weights is not None
        made.append(class_weights)
        begin(self, model, groups, class_weights)

    monkeypatch.setattr(loop.Steps, "__init__", noted)
    done = weighed(shelf, lopsided, arms=("scratch", "frozen", "fine_tuned"))
    assert set(done.arms) == {"scratch", "frozen", "fine_tuned"} and len(made) == 2
    expected = [13 / 3 / count for count in (6, 4, 3)]
    assert all(weights == pytest.approx(expected) for weights in made), "blocks, and the network from scratch"

    head = kept_head(shelf, done.run.id, "frozen")
    assert head is not None
    parts = sets.split(lopsided, 0)
    record = backbone("efficientnet_lite0")
    (x, _), (unseen, _) = (
        cached_features(shelf, items, record, "float32", lambda done: False) for items in (parts.train, parts.test)
    )
    y = np.array([done.result.classes.index(item.label) for item in parts.train])
    scaler = StandardScaler().fit(x.astype(float))
    fitted = LogisticRegression(C=1 / (head.decay * len(y)), class_weight="balanced", tol=1e-9, max_iter=20000)
    fitted.fit(scaler.transform(x.astype(float)), y)
    theirs = fitted.predict_proba(scaler.transform(unseen.astype(float)))
    assert head.probabilities(unseen) == pytest.approx(theirs, abs=5e-3)

    truth = [done.result.classes.index(item.label) for item in parts.validation]
    shown = network_input(shelf, parts.validation, record)
    for name, arm in done.arms.items():
        right = int((done.model(name).predict(shown, verbose=0).argmax(axis=1) == truth).sum())
        assert arm.validated is not None and (arm.validated.correct, arm.validated.total) == (right, len(truth)), name


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["frozen", "fine_tuned", "scratch"])
def test_script_of_the_download_weighs_as_the_run_did(
    arm: str, shelf: Store, lopsided: tuple[Item, ...], tmp_path: Path
) -> None:
    done = weighed(shelf, lopsided, arms=(arm,))
    folder = unpack(done, arm, tmp_path)
    assert json.loads((folder / "settings" / "experiment.json").read_text())["options"]["class_weights"] is True
    trained = run(folder, "train.py")
    assert (trained.returncode, trained.stderr) == (0, "")
    assert abs(int(trained.stdout.splitlines()[-1].split()[0]) - done.arms[arm].accuracy.correct) <= 1
    if arm == "frozen":
        chosen = next(arm.weight_decay for arm in done.arms.values())
        tried = dict(
            line.removeprefix("weight decay ").split(": validated ") for line in trained.stdout.splitlines()[:-1]
        )
        assert float(min(tried, key=lambda decay: float(tried[decay]))) == chosen
        assert float(tried[f"{chosen:g}"]) == pytest.approx(done.arms[arm].history[-1].val_loss, abs=5e-3)
