"""Short questions: what is this picture, what would this run say of it."""

from collections import OrderedDict
from pathlib import Path

import keras
import numpy as np
import pytest
from skimage import data

from cnn_core.arithmetic.measures import wilson
from cnn_core.networks.embedded import classify
from cnn_core.pictures.images import square
from cnn_core.store.records import RunNotFound
from cnn_core.store.runs import Store
from cnn_core.training.transfer import answers
from cnn_core.training.transfer.answers import NoModel, predict
from cnn_core.training.transfer.export import save_model
from cnn_core.training.transfer.results import Arm, Transfer
from cnn_core.training.transfer.spec import Options


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path))
    monkeypatch.setattr(answers, "_networks", OrderedDict())
    store = Store(tmp_path)
    yield store
    store.close()


def brightness(bias: float) -> keras.Model:
    """Two classes; the brighter the picture the more it is the second."""
    image = keras.Input((224, 224, 3), name="image")
    mean = keras.layers.GlobalAveragePooling2D()(image)
    dense = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(image, dense(mean))
    dense.set_weights([np.array([[0, 0.01]] * 3, np.float32), np.array([0, bias], np.float32)])
    return model


def finished(store: Store, **arms: float | None) -> str:
    """A run whose arms are toy networks; None for an arm that failed."""
    options = Options(backbone="mobilenet_v2")  # asked as a whole, as every network that is not embedded
    spec = {"items": [], "options": options.to_json(), "source": "toy"}
    run = store.claim(store.create("transfer", spec, title="toy").id, "test")
    assert run
    tested = Arm(wilson(1, 1), ((1, 0), (0, 0)), (), (), (), 1, 8, 8, 1000, {})
    result = Transfer(
        ("dark", "light"),
        {"train": 8, "validation": 1, "test": 1},
        {arm: tested for arm, bias in arms.items() if bias is not None},
        failed={arm: "The loss became nan." for arm, bias in arms.items() if bias is None},
    )
    for arm, bias in arms.items():
        if bias is not None:
            save_model(store, run.id, arm, brightness(bias))
    store.finish(run, "done", result=result.to_json())
    return run.id


def test_classify_orders_its_answers() -> None:
    said = classify(data.coffee(), top=7)
    assert len(said) == 7 and said[0]["label"] == "espresso"
    probabilities = [entry["probability"] for entry in said]
    assert probabilities == sorted(probabilities, reverse=True) and 0 < sum(probabilities) <= 1
    assert sum(entry["probability"] for entry in classify(data.coffee(), top=1000)) == pytest.approx(1, abs=1e-4)


def test_classify_takes_any_shape() -> None:
    assert len(classify(data.coffee()[:3, :90])) == 5


def test_predict_asks_every_trained_arm(store: Store) -> None:
    run_id = finished(store, frozen=-1.0, fine_tuned=-2.0, scratch=None)
    pixels = np.full((300, 500, 3), 150, np.uint8)
    said = predict(run_id, pixels)
    assert said.keys() == {"frozen", "fine_tuned"}  # the arm that failed has nothing to say
    assert square(pixels, 224, 224 / 256).mean() == 150
    for arm, bias in (("frozen", -1.0), ("fine_tuned", -2.0)):
        light = 1 / (1 + np.exp(-(3 * 0.01 * 150 + bias)))
        assert said[arm] == pytest.approx({"dark": 1 - light, "light": light}, abs=1e-5)
    assert predict(run_id, pixels, location=str(store.location)) == said


def test_networks_are_kept_but_not_without_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []
    load = answers.load_model
    monkeypatch.setattr(answers, "load_model", lambda data: (loads.append(len(data)), load(data))[1])
    monkeypatch.setattr(answers, "KEPT_MODELS", 2)
    pixels = np.zeros((8, 8, 3), np.uint8)
    a, b, c = (finished(store, frozen=float(i)) for i in range(3))
    for run_id, loaded in ((a, 1), (a, 1), (b, 2), (a, 2), (c, 3), (a, 3), (b, 4)):  # b was asked longest ago
        predict(run_id, pixels)
        assert len(loads) == loaded and len(answers._networks) <= 2


def test_unknown_run_is_not_found(store: Store) -> None:
    with pytest.raises(RunNotFound, match="There is no run 'abc' in this store"):
        predict("abc", np.zeros((8, 8, 3), np.uint8))


def test_run_without_a_network_says_so(store: Store) -> None:
    run = store.create("transfer", {}, title="waits")
    with pytest.raises(NoModel) as caught:
        predict(run.id, np.zeros((8, 8, 3), np.uint8))
    assert str(caught.value) == (
        f"Run {run.id} has no trained network to ask (its state is queued). Choose another run."
    )


def test_model_file_with_code_is_not_run(tmp_path: Path) -> None:
    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x * 2)(image))
    model.save(tmp_path / "evil.keras")
    with pytest.raises(ValueError, match="lambda"):
        answers.load_model((tmp_path / "evil.keras").read_bytes())
