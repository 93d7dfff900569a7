"""The embedded host: alone, draining, idle, within its memory; and the server's lifespan around it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import filelock
import psutil
import pytest

from cnn_core.engine import address, client, host, lifecycle
from cnn_core.engine.client import Engine, EngineUnreachable
from cnn_core.store.runs import Store
from cnn_core.store.settings import SettingRefused
from tests.waiting import PATIENCE

from .conftest import Bench, end_host

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def lone(tmp_path: Path, environment: None) -> Iterator[Bench]:
    """A store and engine whose host the test starts itself; no watchman but the host's own."""
    bench = Bench(Store(tmp_path))
    yield bench
    bench.engine.close()
    end_host(bench.store)
    bench.store.close()


def test_host_is_alone_and_drains_when_its_run_is_done(lone: Bench) -> None:
    with pytest.raises(EngineUnreachable, match="The engine is not running. It starts with the app"):
        lone.engine.ask("double", 1)
    lone.engine.start()
    process = lone.host()
    lone.engine.start()
    assert lone.host() == process
    with pytest.raises(filelock.Timeout):
        filelock.FileLock(address.state_folder(lone.store) / "host.lock").acquire(timeout=0)
    run = lone.running(lone.begin("sleep", seconds=2))
    family = [process, *process.children(recursive=True)]
    (address.state_folder(lone.store) / "drain").touch()
    lone.engine.close()
    assert (lone.ended(run).state, lone.store.get(run.id).attempt) == ("done", 1)  # it waited for the run
    assert psutil.wait_procs(family, timeout=PATIENCE * 20)[1] == []
    assert not (address.state_folder(lone.store) / "engine.json").exists()
    assert "Traceback" not in lone.log


def test_memory_limit_fails_the_run_in_words_and_idle_host_ends(lone: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_RUN_MEMORY", "0.4")
    wanted = lone.begin("hoard", submit=False)  # there before the host, which would end if nobody wanted anything
    address.start_host(lone.store, "--idle", "4")
    monkeypatch.delenv("CONVSCOPE_RUN_MEMORY")
    process = lone.host()
    run = lone.ended(wanted, within=60)
    assert (run.state, run.attempt) == ("failed", 3)
    assert run.error == (
        "Its worker reached its memory limit of 0.4 GB and was ended, twice. "
        "Use fewer or smaller pictures, a smaller model or a smaller batch."
    )
    lone.engine.close()
    process.wait(timeout=PATIENCE * 20)


def test_lifespan_starts_the_engine_and_lets_its_run_finish(
    tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path))
    drain = tmp_path / "engine" / "drain"
    drain.parent.mkdir()
    drain.touch()

    async def serve() -> tuple[Store, str]:
        async with lifecycle.lifespan(None):
            assert not drain.exists()
            engine = client.current()
            await asyncio.to_thread(engine.ask, "double", 2)
            run = engine.store.create("sleep", {"seconds": 3}, title="cats and dogs")
            engine.submit(run.id)
            return engine.store, run.id

    client.use(None)
    store, run_id = asyncio.run(serve())
    process = psutil.Process(address.read(tmp_path / "engine").pid)  # type: ignore[union-attr]
    said = capsys.readouterr().out
    assert "ConvScope: the engine is starting" in said
    assert "still running: cats and dogs; it will be finished in the background, then the engine ends." in said
    process.wait(timeout=PATIENCE * 20)
    assert store.get(run_id).state == "done"
    store.close()


def test_server_promises_what_becomes_of_runs() -> None:
    assert lifecycle._farewell([], embedded=True) == "the engine ends."
    assert lifecycle._farewell(["cats"], embedded=False) == (
        "still running: cats; it will be finished in the background."
    )
    on_windows = lifecycle._farewell(["cats", "dogs"], embedded=True, outlives=False)
    assert on_windows == "interrupted: cats, dogs. Start ConvScope again, and it goes on from what was kept."


def test_lanes_give_each_gpu_a_worker_and_questions_the_cpu() -> None:
    ask, first, second = host.lanes(100 * 10**9, gpu_count=2)
    assert (ask.resources, ask.environment["CUDA_VISIBLE_DEVICES"], ask.memory) == (("ASK",), "-1", 25 * 10**9)
    assert [lane.environment["CUDA_VISIBLE_DEVICES"] for lane in (first, second)] == ["0", "1"]
    assert first.memory == 30 * 10**9
    assert [lane.name for lane in host.lanes(10**10, gpu_count=0)] == ["ask-0", "run-0"]


def test_short_of_memory_one_process_has_both_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    (both,) = host.lanes(2 * 10**9, gpu_count=0)
    assert (both.name, both.resources, both.memory) == ("all-0", ("RUN", "ASK"), 14 * 10**8)
    monkeypatch.setenv("CONVSCOPE_PROCESSES", "2")
    assert [lane.name for lane in host.lanes(2 * 10**9, gpu_count=0)] == ["ask-0", "run-0"]
    monkeypatch.setenv("CONVSCOPE_PROCESSES", "1")
    assert len(host.lanes(64 * 10**9, gpu_count=1)) == 1
    monkeypatch.setenv("CONVSCOPE_PROCESSES", "one")
    with pytest.raises(SettingRefused, match=r"CONVSCOPE_PROCESSES is 'one'; expected 2, one for runs and one"):
        host.lanes(64 * 10**9, gpu_count=0)


def test_one_process_answers_before_and_after_a_run_and_says_why_not_meanwhile(
    lone: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVSCOPE_PROCESSES", "1")
    monkeypatch.setattr(client, "BEHIND_A_RUN", 1.0)
    lone.engine.start()
    assert lone.engine.ask("double", 21) == 42
    status = lone.engine.status()
    assert (status.run_workers, status.ask_workers) == (1, 1)
    run = lone.running(lone.begin("sleep", seconds=60))
    with pytest.raises(
        client.EngineBusy, match=r"^A run is at work, and this server has one process for runs and answers"
    ):
        lone.engine.ask("double", 1)
    assert lone.store.get(run.id).state == "running"
    lone.engine.stop(run.id)
    assert lone.ended(run).state == "stopped"
    assert lone.engine.ask("worker_pid") == run.progress["pid"], "the same process, still"


def test_current_engine_can_be_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stand_in = Engine(store)
    client.use(stand_in)
    assert client.current() is stand_in
    client.use(None)
    store.close()


def test_lane_is_occupied_again_whatever_the_end_of_its_worker_was_like(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A nanny that could not see its killed worker go in time took the lane along, for good."""
    made: list[str] = []

    class Gone:
        status = distributed.core.Status.closed

        def __init__(self, scheduler: str, **_: Any) -> None:
            made.append(scheduler)
            if len(made) == 3:
                raise asyncio.CancelledError  # as the host's own end does

        def __await__(self) -> Any:
            yield from asyncio.sleep(0).__await__()

        async def close(self, timeout: float) -> None:
            raise TimeoutError

    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr(distributed, "Nanny", Gone)
    monkeypatch.setattr(host.asyncio, "sleep", at_once)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(host.occupy(host.lanes(10**10, 0)[0], "tls://there:1", None, tmp_path))
    assert len(made) == 3
    assert caplog.text.count("The worker ask-0 did not close in order (TimeoutError)") == 2
