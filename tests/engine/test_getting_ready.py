"""The time of a question begins when its worker is ready: no warm-up and no import of TensorFlow is ended with it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cnn_core.engine import client, readiness
from cnn_core.engine.client import AskTimedOut, Engine
from cnn_core.store.runs import Store
from tests.waiting import PATIENCE, eventually

from .conftest import Bench, end_host

pytestmark = pytest.mark.filterwarnings("error")


def test_question_waits_for_a_slow_warm_up_and_its_worker_stays(
    tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVSCOPE_WARM_UP", "engine_toys:slow_warm_up")
    monkeypatch.setenv("CONVSCOPE_TOY_FOLDER", str(tmp_path))
    monkeypatch.setattr(client, "_UNTOLD", 0.0)
    bench, told = Bench(Store(tmp_path / "store")), threading.Event()
    bench.engine.start()

    def ask() -> Any:
        with client.telling(told.set):
            return bench.engine.ask("worker_pid", timeout=1.0)

    try:
        eventually((tmp_path / "begun").exists, of="a worker warms up")
        eventually(lambda: bench.engine.status().ask_workers, of="the engine knows it")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask)
            try:
                assert told.wait(PATIENCE * 20), "its second is over, and it waits"
            finally:
                (tmp_path / "go on").touch()
            assert asked.result() == int((tmp_path / "warming").read_text()), "the worker that warmed up"
    finally:
        (tmp_path / "go on").touch()
        bench.engine.close()
        end_host(bench.store)
        bench.store.close()


class Scene:
    """An engine on a clock of the test's own, whose worker is ready at a moment and never answers."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch, ready_at: float) -> None:
        self.now, self.ended, self.told = 0.0, False, 0
        view = {"deaths": {}, "lost": {}, "workers": [{"address": "w", "lanes": ["ASK"]}], "busy": False}

        def result(seconds: float) -> None:
            self.now += seconds
            raise TimeoutError

        def probe(function: Any, *_: str, workers: list[str]) -> bool:
            assert workers == ["w"]
            if function.__name__ == "is_getting_ready":
                return self.now < ready_at
            self.ended = function.__name__ == "die_if_executing"
            return True

        future = SimpleNamespace(key="ask-double", status="pending", result=result, release=lambda: None)
        monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.engine = Engine(store)
        self.engine._connection = SimpleNamespace(  # type: ignore[assignment]
            client=lambda patience: SimpleNamespace(submit=lambda *_, **__: future), look=lambda _: view, probe=probe
        )

    def tell(self) -> None:
        self.told += 1

    def ask(self) -> float:
        """Return when a question that may take a minute was given up."""
        with client.telling(self.tell), pytest.raises(AskTimedOut, match=r"^The answer took longer than 60 s"):
            self.engine._ask("double", b"", 60.0)
        return self.now


@pytest.mark.parametrize(
    ("ready_at", "given_up_at", "told"),
    [
        (0.0, 60.0, 0),
        (8.0, 67.0, 0),  # last seen at 7; soon enough not to be told of
        (200.0, 259.0, 1),
        (float("inf"), client.GETTING_READY - 1 + 60.0, 1),  # it hangs
    ],
)
def test_time_begins_when_the_worker_is_ready_and_not_later_than_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready_at: float, given_up_at: float, told: int
) -> None:
    store = Store(tmp_path)
    scene = Scene(store, monkeypatch, ready_at)
    assert scene.ask() == given_up_at
    assert scene.ended and scene.told == told
    store.close()


def test_worker_is_getting_ready_while_it_imports_what_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_library.py").write_text("import toy_gate\ntoy_gate.begun.set()\ntoy_gate.go_on.wait(60)\n")
    gate: Any = SimpleNamespace(begun=threading.Event(), go_on=threading.Event())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(readiness.sys.modules, "toy_gate", gate)
    monkeypatch.setattr(readiness, "SLOW_IMPORTS", ("toy_library",))
    monkeypatch.setattr(readiness, "_warming", [])
    assert not readiness.is_getting_ready()
    thread = threading.Thread(target=__import__, args=("toy_library",))
    thread.start()
    try:
        assert gate.begun.wait(60) and readiness.is_getting_ready()
    finally:
        gate.go_on.set()
        thread.join()
        readiness.sys.modules.pop("toy_library")
    assert not readiness.is_getting_ready()


def test_worker_is_getting_ready_while_it_warms_up(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(readiness, "_warming", [])
    monkeypatch.setattr(readiness, "_warm_up", lambda _: go_on.wait(60))
    readiness.begin_warm_up("any")
    assert readiness.is_getting_ready()
    go_on.set()
    readiness.warmed()
    assert not readiness.is_getting_ready()
