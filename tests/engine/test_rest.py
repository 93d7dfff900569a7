"""Workers are light at their start, and again when they have grown and rest; nothing that arrives meanwhile is lost."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from distributed import Client, Scheduler, Worker

from cnn_core.engine import preload, readiness, rest
from cnn_core.engine.probes import part_with
from tests.waiting import PATIENCE, eventually

from .conftest import Bench

pytestmark = pytest.mark.filterwarnings("error")
GO_ON = threading.Event()
PICTURE = np.zeros((64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def environment(environment: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_WORKER_IDLE", "1")
        patch.setenv("CONVSCOPE_WARM_UP", preload.WARM_UP)
        yield


def wait() -> bool:
    return GO_ON.wait(60)


def test_question_of_the_embedded_network_is_answered_without_tensorflow(bench: Bench) -> None:
    answers = bench.engine.ask("classify", PICTURE, timeout=PATIENCE * 60)
    assert len(answers) == 5
    assert not bench.engine.ask("loaded", "tensorflow")
    assert not bench.engine.ask("loaded", "keras")


def test_worker_that_still_warms_up_does_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    state = SimpleNamespace(executed_count=0, ready=[], constrained=[])
    watch = rest._Watch(SimpleNamespace(state=state, active_threads={}))
    getting_ready = [True, False]
    monkeypatch.setattr(readiness, "is_getting_ready", lambda: getting_ready.pop(0))
    assert [watch._worked(), watch._worked()] == [True, False]


def test_worker_that_imported_tensorflow_is_replaced_when_it_rests(bench: Bench) -> None:
    heavy = bench.engine.ask("fetch", "tensorflow", timeout=PATIENCE * 60)
    eventually(lambda: not psutil.pid_exists(heavy), of="the worker goes")
    assert not bench.engine.ask("loaded", "tensorflow")
    assert "ask-0 rested for" in bench.log
    assert "Traceback" not in bench.log


def test_light_worker_that_rests_stays(bench: Bench) -> None:
    def stays() -> bool:
        light = bench.engine.ask("worker_pid")
        time.sleep(4)
        return bool(bench.engine.ask("worker_pid") == light)

    eventually(stays, 10, "a worker stays")  # one that another test has made grow is replaced before


def test_worker_that_trained_is_replaced_when_it_rests(bench: Bench) -> None:
    run = bench.ended(bench.begin("grow", megabytes=300))
    eventually(lambda: not psutil.pid_exists(run.environment["pid"]), of="the worker goes")
    after = bench.ended(bench.begin("sleep", seconds=0.1))
    assert (after.state, after.attempt) == ("done", 1)


def test_worker_at_work_is_not_replaced(bench: Bench) -> None:
    run = bench.ended(bench.begin("grow", megabytes=300, seconds=4.0))
    assert (run.state, run.attempt) == ("done", 1)


def test_scheduler_parts_with_a_worker_only_if_it_has_nothing_to_do() -> None:
    alone, ask = {"dashboard_address": "127.0.0.1:0"}, {"resources": {"ASK": 1}}

    async def scenario() -> None:
        async with (
            Scheduler(host="127.0.0.1", port=0, dashboard=False, **alone) as scheduler,
            Worker(scheduler.address, nthreads=1, **alone),  # of another lane
            Worker(scheduler.address, nthreads=1, **ask, **alone) as old,
            Client(scheduler.address, asynchronous=True, set_as_default=False) as client,
        ):
            finished, at_work = client.submit(int, 7, **ask), client.submit(wait, **ask)
            while not scheduler.workers[old.address].processing or not finished.done():
                await asyncio.sleep(0.01)
            assert not await part_with(old.address, dask_scheduler=scheduler)
            assert scheduler.workers[old.address] in scheduler.running
            GO_ON.set()
            assert await at_work
            leaving = asyncio.create_task(part_with(old.address, dask_scheduler=scheduler))
            await asyncio.sleep(0)  # it is decided
            arrives = client.submit(int, 8, **ask)
            assert await leaving
            assert old.address in scheduler.workers, "told that it is not, it would close its nanny too"
            assert not arrives.done()
            await old.close(nanny=False)
            assert await finished == 7, "another worker keeps it"
            async with Worker(scheduler.address, nthreads=1, **ask, **alone):
                assert await arrives == 8
            assert old.state.executed_count == 2
            assert not await part_with(old.address, dask_scheduler=scheduler), "it is gone already"

    GO_ON.clear()
    asyncio.run(scenario())


def test_what_arrives_while_a_worker_is_replaced_is_neither_lost_nor_begun_twice(bench: Bench) -> None:
    chance, askers, trainers, runs = random.Random(0), set(), set(), []
    with ThreadPoolExecutor(4) as pool:
        for turn in range(30):
            if turn >= 6 and min(len(askers), len(trainers)) > 1:
                break
            bench.engine.ask("grow", 300)
            runs.append(bench.begin("grow", megabytes=300))
            trainers.add(bench.ended(runs[-1]).environment["pid"])
            time.sleep(1.0 + chance.uniform(0, 1.2))  # about when they are replaced: looks are a second apart
            for _ in range(5):
                asked = [pool.submit(bench.engine.ask, "double", number) for number in range(4)]
                assert [each.result() for each in asked] == [0, 2, 4, 6]
                runs.append(bench.begin("sleep", seconds=0.05))
            askers.add(bench.engine.ask("worker_pid"))
    ended = [bench.ended(run) for run in runs]
    trainers |= {run.environment["pid"] for run in ended}
    assert {(run.state, run.attempt) for run in ended} == {("done", 1)}
    assert min(len(askers), len(trainers)) > 1, "some were replaced meanwhile"
    assert "Traceback" not in bench.log
