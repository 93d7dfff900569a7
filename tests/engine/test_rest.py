"""Workers are light at their start, and again when they have grown and rest; nothing that arrives meanwhile is lost."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from cnn_core.engine import preload
from tests.waiting import eventually

from .conftest import Bench

pytestmark = pytest.mark.filterwarnings("error")
PICTURE = np.zeros((64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def environment(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    environment.setenv("CONVSCOPE_WORKER_IDLE", "1")
    environment.setenv("CONVSCOPE_WARM_UP", preload.WARM_UP)
    return environment


def test_question_of_the_embedded_network_is_answered_without_tensorflow(bench: Bench) -> None:
    answers = bench.engine.ask("classify", PICTURE, timeout=60)
    assert len(answers) == 5
    assert not bench.engine.ask("loaded", "tensorflow")
    assert not bench.engine.ask("loaded", "keras")


def test_worker_that_imported_tensorflow_is_replaced_when_it_rests(bench: Bench) -> None:
    heavy = bench.engine.ask("worker_pid")
    bench.engine.ask("convolve", PICTURE[..., 0], np.ones((3, 3)), timeout=120)
    assert bench.engine.ask("loaded", "tensorflow")
    eventually(lambda: not psutil.pid_exists(heavy), of="the worker goes")
    assert not bench.engine.ask("loaded", "tensorflow")
    assert "ask-0 rested for" in bench.log
    assert "Traceback" not in bench.log


def test_light_worker_that_rests_stays(bench: Bench) -> None:
    light = bench.engine.ask("worker_pid")
    time.sleep(4)
    assert bench.engine.ask("worker_pid") == light


def test_worker_that_trained_is_replaced_when_it_rests(bench: Bench) -> None:
    run = bench.ended(bench.begin("grow", megabytes=300))
    eventually(lambda: not psutil.pid_exists(run.environment["pid"]), of="the worker goes")
    after = bench.ended(bench.begin("sleep", seconds=0.1))
    assert (after.state, after.attempt) == ("done", 1)


def test_worker_at_work_is_not_replaced(bench: Bench) -> None:
    run = bench.ended(bench.begin("grow", megabytes=300, seconds=4.0))
    assert (run.state, run.attempt) == ("done", 1)


@pytest.mark.timeout(300)
def test_what_arrives_while_a_worker_is_replaced_is_neither_lost_nor_begun_twice(bench: Bench) -> None:
    chance, askers, trainers, runs = random.Random(0), set(), set(), []
    with ThreadPoolExecutor(4) as pool:
        for _ in range(12):
            bench.engine.ask("grow", 300)
            runs.append(bench.begin("grow", megabytes=300))
            bench.ended(runs[-1])
            time.sleep(1.0 + chance.uniform(0, 1.2))  # about when they are replaced: looks are a second apart
            for _ in range(5):
                asked = [pool.submit(bench.engine.ask, "double", number) for number in range(4)]
                assert [each.result() for each in asked] == [0, 2, 4, 6]
                runs.append(bench.begin("sleep", seconds=0.05))
            askers.add(bench.engine.ask("worker_pid"))
    ended = [bench.ended(run) for run in runs]
    trainers = {run.environment["pid"] for run in ended}
    assert {(run.state, run.attempt) for run in ended} == {("done", 1)}
    assert min(len(askers), len(trainers)) > 1, "some were replaced meanwhile"
    assert "Traceback" not in bench.log
