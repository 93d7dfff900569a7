"""A reader's fault is a line in the log, not an error with a traceback; a fault of ours is one."""

import logging
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from cnn_core.engine import deaths, jobs, readiness, worker
from cnn_core.engine.errors import AskFailed
from cnn_core.networks.blueprints import BlueprintRefused
from cnn_core.pictures.items import SpecRefused
from cnn_core.store.records import Run
from cnn_core.store.runs import Store

LAYERS = """{"module": "keras", "class_name": "Sequential", "config": {"name": "n", "layers": [
  {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 8, 8, 3]}},
  {"module": "keras.layers", "class_name": "Conv2D", "config": {"filters": 4, "kernel_size": 99}}]}}"""


@pytest.fixture(autouse=True)
def _all_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def answer(question: str, *args: Any) -> Any:
    return worker.answer(question, pickle.dumps((args, {})))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no architecture", "This is not JSON"),
        (LAYERS.replace("Conv2D", "Lambda"), "The model holds Lambda, which is Python code"),
        (LAYERS, "Keras cannot build this architecture"),
    ],
)
def test_refused_model_is_a_line_in_the_log(text: str, why: str, caplog: pytest.LogCaptureFixture) -> None:
    said = answer("read_architecture", text)
    assert isinstance(said, worker.Unanswered) and isinstance(said.error, BlueprintRefused) and why in str(said.error)
    (record,) = [record for record in caplog.records if record.name.startswith("cnn_core")]
    assert record.levelno == logging.INFO and record.exc_info is None
    assert record.getMessage().startswith(f"Question read_architecture is refused: {why}")
    travelled = pickle.loads(pickle.dumps(said))
    assert str(travelled.error) == str(said.error), "it comes back as itself"


def test_fault_of_ours_is_an_error_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "question", lambda name: {}["weights"])
    said = answer("classify")
    assert isinstance(said.error, AskFailed) and str(said.error).startswith("This question failed with KeyError")
    (record,) = [record for record in caplog.records if record.name.startswith("cnn_core")]
    assert record.levelno == logging.ERROR and record.exc_info


@pytest.mark.parametrize(
    ("error", "level"),
    [(SpecRefused("The class 'dog' has 4 pictures."), logging.INFO), (ValueError("shapes"), logging.ERROR)],
)
def test_refused_run_is_a_line_in_the_log(
    error: Exception, level: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(jobs, "job", lambda kind: refuse)
    run = store.claim(store.create("toy", {}, title="toy").id, worker="w1")
    assert isinstance(run, Run)
    worker._execute(store, run, None, deaths.Slip())
    assert store.get(run.id).state == "failed" and str(error).rstrip(".") in store.get(run.id).error
    store.close()
    (record,) = [record for record in caplog.records if str(error) in record.getMessage() or record.exc_info]
    assert record.levelno == level and bool(record.exc_info) == (level == logging.ERROR)


def test_question_waits_for_the_warm_up_of_its_worker(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that import TensorFlow at once leave it half imported, and every later question fails."""
    monkeypatch.setattr(readiness, "_warming", [])
    readiness.begin_warm_up("engine_toys:warm_up")
    try:
        assert answer("loaded", "warmed") is True
    finally:
        sys.modules.pop("warmed", None)
