"""Questions: answered, refused, too many, too long."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from cnn_core.engine import address, client
from cnn_core.engine.client import AskFailed, AskTimedOut, Engine, EngineBusy, EngineUnreachable
from cnn_core.engine.jobs import UnknownWork
from cnn_core.store import keys, shares
from cnn_core.store.runs import Store
from cnn_core.store.secret import server_secret, signed
from tests.waiting import PATIENCE, eventually, promised

from .conftest import Bench, answering

pytestmark = pytest.mark.filterwarnings("error")
KEY, PASSWORD = "c0ffee" * 6, "5ec2e7"


def test_question_asked_during_the_start_waits_for_it(bench: Bench) -> None:
    assert bench.engine.ask("double", 4) == 8


def test_workers_hold_no_tensorflow_unless_a_job_imports_it(bench: Bench) -> None:
    assert not bench.engine.ask("loaded", "tensorflow")
    assert not bench.engine.ask("loaded", "keras")


def test_refusal_comes_back_as_itself(bench: Bench) -> None:
    before = len(bench.log)
    with pytest.raises(UnknownWork, match="No such thing; take another."):
        bench.engine.ask("refuse", "purpose")
    with pytest.raises(UnknownWork, match="know nothing of 'riddle'. Known are: .*double"):
        bench.engine.ask("riddle")
    logged = bench.log[before:]
    assert "Question refuse is refused: No such thing; take another." in logged
    assert "Traceback" not in logged and "Compute Failed" not in logged, "nobody has made a mistake"


def test_other_errors_come_back_in_words(bench: Bench) -> None:
    before = len(bench.log)
    with pytest.raises(AskFailed, match="This question failed with ValueError: shapes"):
        bench.engine.ask("refuse", "value")
    with pytest.raises(AskFailed, match="There was not enough memory"):
        bench.engine.ask("refuse", "memory")
    logged = bench.log[before:]
    assert logged.count("Traceback") == 2 and "Compute Failed" not in logged, "once each, by us"


def test_log_holds_no_cookie_no_link_and_no_password(bench: Bench) -> None:
    cookie = signed("a" * 40, server_secret(bench.store))
    token = shares.give(bench.store, "a" * 40).token
    begin = len(bench.log)
    for kind, spec in (("fail", {"error": "value"}), ("sleep", {"seconds": 0.1})):
        run = bench.store.create(kind, spec, title=kind, owner="a" * 40)
        bench.store.lists.add(keys.private(KEY), run.id)
        eventually(lambda run_id=run.id: bench.engine.submit(run_id), of="the engine takes a run")
        assert bench.ended(run).owner == "a" * 40
    with pytest.raises(AskFailed, match="unexpected keyword argument 'location'"):
        bench.engine.ask("refuse", "value", location=f"postgresql+psycopg://anna:{PASSWORD}@db/convscope s3://bucket")
    eventually(lambda: f"Run {run.id} ends: done" in bench.log, of="the worker logs it")
    whole = bench.log
    assert "Traceback" in whole[begin:]
    published = address.read(address.state_folder(bench.store))
    assert published
    for secret in (cookie, token, KEY, PASSWORD, published.key, published.key.splitlines()[1]):
        assert secret and secret not in whole


def test_question_over_its_time_is_ended_with_its_worker(bench: Bench) -> None:
    run = bench.running(bench.begin("sleep", seconds=30))
    before = bench.engine.ask("worker_pid")
    begin = time.monotonic()
    with pytest.raises(AskTimedOut, match="took longer than 0.5 s and was given up. The server is probably busy"):
        bench.engine.ask("double", 1, seconds=60, timeout=0.5)
    assert time.monotonic() - begin < promised(2.0)
    assert bench.engine.ask("worker_pid") != before
    assert bench.store.get(run.id).attempt == 1  # the other lane went on
    bench.engine.stop(run.id)
    bench.ended(run)


def test_question_over_its_time_in_the_queue_leaves_the_worker_alone(bench: Bench, tmp_path: Path) -> None:
    before = bench.engine.ask("worker_pid")
    with answering(bench, tmp_path), pytest.raises(AskTimedOut):
        bench.engine.ask("double", 6, timeout=0.3)
    assert bench.engine.ask("worker_pid") == before


def test_too_many_questions_are_refused(bench: Bench, tmp_path: Path) -> None:
    with ThreadPoolExecutor(client.OPEN_QUESTIONS) as pool:
        with answering(bench, tmp_path):
            asked = [
                pool.submit(bench.engine.ask, "double", n, timeout=PATIENCE * 60)
                for n in range(1, client.OPEN_QUESTIONS)
            ]
            eventually(lambda: bench.engine._slots._value == 0, of="all are asked")
            with pytest.raises(EngineBusy, match="16 questions are waiting for an answer already. Try again"):
                bench.engine.ask("double", 1)
        assert [each.result() for each in asked] == [2 * n for n in range(1, client.OPEN_QUESTIONS)]
    assert bench.engine.ask("double", 1) == 2


def test_question_that_kills_its_worker_fails(bench: Bench) -> None:
    run = bench.running(bench.begin("sleep", seconds=30))
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(bench.engine.ask, "die", timeout=PATIENCE * 40)
        waiting = pool.submit(
            bench.engine.ask, "double", 1, timeout=PATIENCE * 60
        )  # it waits there when the worker dies
        words = (
            "^The worker ended with signal 9, and so did the one before: each was at this question. "
            "Try another picture or network; engine.log says more.$"
        )
        with pytest.raises(AskFailed, match=words):
            asked.result()
        assert waiting.result() == 2, "other people's questions are answered"
    assert bench.store.get(run.id).attempt == 1, "and their runs go on"
    bench.engine.stop(run.id)
    bench.ended(run)


@pytest.mark.parametrize("status", ["finished", "cancelled"])
def test_answer_whose_worker_leaves_while_it_is_fetched_is_fetched_again(tmp_path: Path, status: str) -> None:
    """As Dask tells it: its `sync` stumbles over the transfer that was cancelled."""
    left = iter([UnboundLocalError("result"), UnboundLocalError("result")])

    def result(_: float) -> int:
        if trouble := next(left, None):
            raise trouble
        return 42

    future = SimpleNamespace(key="ask-double", status=status, result=result, release=lambda: None)
    nothing_lost = {"deaths": {}, "lost": {}, "workers": [], "busy": False}
    store = Store(tmp_path)
    engine = Engine(store, "tcp://127.0.0.1:1")
    engine._connection = SimpleNamespace(  # type: ignore[assignment]
        client=lambda patience: SimpleNamespace(submit=lambda *_, **__: future), look=lambda _: nothing_lost
    )
    if status == "finished":
        assert engine._ask("double", b"", 60.0) == 42
    else:
        with pytest.raises(EngineUnreachable, match="The connection to the engine broke before the answer came"):
            engine._ask("double", b"", 60.0)
    store.close()


def test_status_tells_workers_and_runs(bench: Bench) -> None:
    def ready() -> client.Status | None:
        status = bench.engine.status()
        return status if status.run_workers and status.ask_workers else None

    status = eventually(ready)
    assert status.reachable and status.message == ""
    assert status.address.startswith("tls://127.0.0.1:")
    assert (status.run_workers, status.ask_workers, len(status.devices)) == (1, 1, 1)
    assert status.devices[0]


def test_unreachable_engine_says_so_quickly(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnn_core.engine.connection.CONNECT", 0.5)
    monkeypatch.setattr("cnn_core.engine.connection.RETRY", 60.0)
    engine = Engine(bench.store, "tcp://127.0.0.1:1")
    with pytest.raises(EngineUnreachable, match="The engine at tcp://127.0.0.1:1 cannot be reached") as unreachable:
        engine.ask("double", 1)
    monkeypatch.setattr("cnn_core.engine.connection.Client", None)  # the failed connection is not tried again for now
    status = engine.status()
    assert not status.reachable and status.message == str(unreachable.value)
    run = bench.store.create("sleep", {}, title="waits")
    assert engine.submit(run.id) is False
    bench.engine.stop(run.id)
    engine.close()


def test_light_modules_import_no_tensorflow() -> None:
    program = (
        "import sys, cnn_core.engine.client, cnn_core.engine.lifecycle, cnn_core.engine.host\n"
        "assert not {'tensorflow', 'keras', 'streamlit'} & set(sys.modules), 'heavy'"
    )
    child = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
