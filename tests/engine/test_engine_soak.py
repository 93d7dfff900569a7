"""Random kills for a minute: every run ends, in order or in words. And the same engine as a cluster with TLS."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dask
import psutil
import pytest
from distributed.security import Security

from cnn_core.engine import address
from cnn_core.engine.client import Engine
from cnn_core.store.runs import FINAL, Store
from tests.waiting import eventually

from .conftest import Bench

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("error")]


@pytest.mark.parametrize("seed", [0, 1])
def test_runs_end_under_random_kills(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    runs = []
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if len(bench.store.live()) < 3:
            runs.append(bench.begin("sleep", seconds=chance.uniform(0.1, 3)))
        time.sleep(chance.uniform(0, 2))
        host = address.read(address.state_folder(bench.store))
        if host is None:
            continue
        what = chance.choice(["host", "worker", "worker", "stop", "nothing", "nothing"])
        try:
            workers = psutil.Process(host.pid).children()
            if what == "host":
                psutil.Process(host.pid).kill()
            elif what == "worker" and workers:
                chance.choice(workers).kill()
            elif what == "stop" and runs:
                bench.engine.stop(chance.choice(runs).id)
        except psutil.NoSuchProcess:
            continue
    eventually(lambda: not bench.store.live(), within=60, of="all runs end")
    ended = [bench.store.get(run.id) for run in runs]
    print({state: sum(run.state == state for run in ended) for state in FINAL}, bench.log.count("Traceback"))
    assert all(run.error for run in ended if run.state == "failed")
    assert all(run.result["slept"] >= run.spec["seconds"] for run in ended if run.state == "done")
    assert len(ended) > 10
    assert bench.engine.ask("double", 3, timeout=40) == 6


@pytest.fixture
def cluster(tmp_path: Path, environment: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A scheduler and two workers by command line, with certificates by file, as on machines of their own."""
    made = Security.temporary()
    for name, text in (("cert", made.tls_client_cert), ("key", made.tls_client_key)):
        (tmp_path / f"{name}.pem").write_text(text)
    environment.setenv("CONVSCOPE_STORE", str(tmp_path / "store"))
    environment.setenv("PYTHONPATH", os.pathsep.join([str(address.ROOT), str(Path(__file__).parent)]))
    for variable, file in [("CA_FILE", "cert")] + [
        (f"{role}__{part}", part.lower()) for role in ("CLIENT", "SCHEDULER", "WORKER") for part in ("CERT", "KEY")
    ]:
        environment.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{variable}", str(tmp_path / f"{file}.pem"))
    environment.setenv("DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION", "true")
    environment.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1000")
    dask.config.refresh()
    dask_command = [sys.executable, "-m", "dask"]
    where = "tls://127.0.0.1:18786"
    worker = [
        *dask_command,
        "worker",
        where,
        "--nthreads",
        "1",
        "--preload",
        "cnn_core.engine.preload",
        "--no-dashboard",
    ]
    with (tmp_path / "log").open("wb") as log:
        processes = [
            subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
            for command in (
                [*dask_command, "scheduler", "--host", where, "--dashboard-address", "127.0.0.1:0"],
                [*worker, "--resources", "RUN=1"],
                [*worker, "--resources", "ASK=1"],
            )
        ]
    store = Store(tmp_path / "store")
    bench = Bench(store)
    bench.engine = Engine(store, where)
    yield bench
    bench.engine.close()
    for process in reversed(processes):
        process.terminate()
        process.wait(15)
    store.close()
    print((tmp_path / "log").read_text()[-3000:])


def test_cluster_with_tls_runs_asks_and_stops(cluster: Bench) -> None:
    eventually(lambda: cluster.engine.status().run_workers and cluster.engine.status().ask_workers, within=40)
    assert cluster.engine.ask("double", 4) == 8
    assert cluster.ended(cluster.begin("sleep", seconds=0.2)).state == "done"
    run = cluster.running(cluster.begin("sleep", seconds=30))
    cluster.engine.stop(run.id)
    assert cluster.ended(run).state == "stopped"
    plain = Engine(cluster.store, "tcp://127.0.0.1:18786")
    assert not plain.status().reachable  # nobody gets in without TLS
