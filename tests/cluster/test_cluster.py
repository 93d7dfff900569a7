"""One cluster after the other loses its worker, its replica and its scheduler, and nobody loses anything."""

import asyncio
import io
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import parse_qs

import numpy as np
import psutil
import pytest
from PIL import Image

from benchmarks.wire import Reader
from cnn_core.engine import deaths
from cnn_core.engine.client import AskTimedOut, Engine
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from tests.object_store import answers
from tests.waiting import PATIENCE, eventually

from .conftest import REPLICAS, Cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

Ended = Callable[..., Run]


def words(reader: Reader) -> str:
    """All texts that a page shows."""
    return "\n".join(str(one.proto) for one in reader.drawn.values())


def photos() -> list[tuple[str, bytes]]:
    """Two classes of ten small pictures: few, since what is tested is not how well they are learnt."""
    chance, files = np.random.default_rng(0), []
    for number in range(20):
        rough = chance.integers(0, 256, (8, 8, 3) if number % 2 else (64, 64, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(rough).resize((96, 96), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        files.append((f"photos/{('fine', 'coarse')[number % 2]}/{number}.jpg", buffer.getvalue()))
    return files


async def shown(reader: Reader, words_of_it: str, within: float = 60.0) -> None:
    """Wait until a page that draws itself anew shows these words."""
    for _ in range(int(PATIENCE * within * 5)):
        if words_of_it in words(reader):
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"{words_of_it!r} is not shown; there is:\n{words(reader)}")


def children(cluster: Cluster, name: str) -> list[psutil.Process]:
    """The processes that one of a cluster has started."""
    return psutil.Process(cluster.processes[name].pid).children(recursive=True)


def worker_of(cluster: Cluster, store: Store, run_id: str) -> psutil.Process:
    """The worker process that carries a run: the one that listens where the record says."""
    address = eventually(lambda: store.glance(run_id).worker, of="a worker takes the run up")
    port = int(address.rpartition(":")[2])
    for name in ("run-1", "run-2"):
        for process in children(cluster, name):
            if any(each.laddr.port == port for each in process.net_connections("tcp") if each.status == "LISTEN"):
                return process
    raise AssertionError(f"nobody of this cluster listens at {address}")


def test_nothing_is_lost(cluster: Cluster, store: Store, ended: Ended) -> None:
    """Six light runs on two workers; a worker, both replicas and the scheduler are killed meanwhile."""
    runs = [store.create("steps", {"steps": 40 + 10 * number}, title=f"steps {number}") for number in range(6)]
    first = runs[0].id
    eventually(lambda: store.progress(first).get("kept", 0) > 2, 60, "the scheduler's own watchman begins the runs")
    worker_of(cluster, store, first).kill()
    eventually(lambda: store.glance(first).attempt == 2, 60, "it goes on as the next attempt")
    assert "The worker was lost while training; this is attempt 2" in eventually(
        lambda: store.progress(first).get("note")
    )
    for name in REPLICAS:
        cluster.kill(name)
    kept = store.progress(first).get("kept", 0)
    eventually(
        lambda: not store.glance(first).live or store.progress(first).get("kept", 0) > kept, 60, "without a page"
    )
    under_way = [run.id for run in runs if store.glance(run.id).state == "running"]
    cluster.kill("scheduler")
    cluster.start("scheduler", *REPLICAS)
    for run in runs:
        now = ended(run.id, within=180)
        assert (now.state, now.error) == ("done", ""), now
        assert now.attempt == 1 or now.result["began_at"] > 0, "it goes on from what it kept"
    assert any(store.glance(each).attempt > 1 for each in under_way)
    last = store.create("steps", {"steps": 60}, title="one whose worker is told to end").id
    eventually(lambda: store.progress(last).get("kept", 0) > 2, 60, "it is under way")
    gone = next(name for name in ("run-1", "run-2") if worker_of(cluster, store, last) in children(cluster, name))
    cluster.processes[gone].terminate()
    assert cluster.processes[gone].wait(PATIENCE * 20) == 0
    now = ended(last)
    assert (now.state, now.attempt, now.error) == ("done", 2, "") and now.result["began_at"] > 0
    assert deaths.known(store, now) == [], "an end in order is no death"
    cluster.start(gone)
    assert len(deaths.known(store, store.get(first))) == 1, "the scheduler's end is no death of a run"
    eventually(lambda: all(answers(f"{cluster.url(name)}/_stcore/health") for name in REPLICAS), 60)


def test_question_without_a_worker_for_it_is_told_and_asked_again(cluster: Cluster, engine: Engine) -> None:
    code, said = cluster.check(wait=120)
    assert code == 0, said
    assert eventually(lambda: engine.ask("double", 21, timeout=PATIENCE * 60)) == 42
    cluster.kill("ask")
    eventually(lambda: engine.status().ask_workers == 0, of="the scheduler notices")
    with pytest.raises(
        AskTimedOut, match="No worker of this cluster answers questions; runs go on. Whoever runs it can"
    ):
        engine.ask("double", 4, timeout=PATIENCE * 60)
    code, said = cluster.check()
    assert code == 1
    assert "NOT WELL: No worker of this cluster answers questions" in said and "NOT WELL: the" not in said
    cluster.start("ask")
    eventually(lambda: engine.status().ask_workers, 60, "it is back")
    assert engine.ask("double", 4, timeout=PATIENCE * 60) == 8


def test_scheduler_shows_nothing_to_whom_it_does_not_know(cluster: Cluster, store: Store) -> None:
    listens = [
        each.laddr
        for each in psutil.Process(cluster.processes["scheduler"].pid).net_connections("tcp")
        if each.status == "LISTEN"
    ]
    assert {place.ip for place in listens} == {"127.0.0.1"}
    (page,) = (place.port for place in listens if place.port != cluster.scheduler_port)
    for path in ("", "status", "info/main/workers.html", "metrics", "health", "json/identity.json"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{page}/{path}", timeout=PATIENCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CONVSCOPE_TLS")
        stranger = Engine(store, os.environ["CONVSCOPE_ENGINE"])
        assert not stranger.status().reachable
        stranger.close()


def test_one_visitor_at_two_replicas(cluster: Cluster, store: Store, ended: Ended) -> None:
    """A real training: begun on one replica, watched on the other; worker, replica and scheduler are killed."""

    async def submitted() -> tuple[str, dict[str, str]]:
        async with Reader(cluster.url("first"), "transfer") as reader:
            await reader.upload(reader.named("file_uploader", "A folder"), photos())
            await reader.press(reader.named("button", "Train and compare"))
            assert reader.seen.errors == [], reader.seen
            return parse_qs(reader.query)["run"][0], reader.cookies

    run_id, cookies = asyncio.run(submitted())

    async def watched() -> None:
        async with Reader(cluster.url("second"), f"transfer?run={run_id}") as stranger:
            await shown(stranger, "Only whoever started this run can stop it")
        async with Reader(cluster.url("second"), f"transfer?run={run_id}", cookies=cookies) as reader:
            await shown(reader, "fine-tuning the top blocks", 240)
            assert reader.named("button", "Stop")
            await asyncio.to_thread(eventually, lambda: store.below(keys.checkpoints(run_id)), 120, "something is kept")
            worker_of(cluster, store, run_id).kill()
            await shown(reader, "after its worker was lost", 240)
            cluster.kill("first")
            async with Reader(cluster.url(), f"transfer?run={run_id}", cookies=cookies) as behind:
                assert behind.named("button", "Stop"), "nginx leads those of a replica that is gone to the other"
            cluster.kill("scheduler")
            await shown(reader, "its worker may be stopped. What it has kept is safe.", 60)
            cluster.start("scheduler", "first")
            assert reader.seen.errors == [], reader.seen

    asyncio.run(watched())
    run = ended(run_id, within=600)
    assert (run.state, run.error) == ("done", "") and run.attempt >= 3
    assert set(run.result["arms"]) == {"frozen", "fine_tuned"}

    async def read() -> None:
        async with Reader(cluster.url("second"), f"transfer?run={run_id}", cookies=cookies) as reader:
            await shown(reader, "right")
            assert reader.seen.errors == [] and reader.seen.refusals == []

    asyncio.run(read())
