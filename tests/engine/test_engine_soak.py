"""Random kills for a minute: every run is done. And the same engine as a cluster with TLS."""

import contextlib
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dask
import psutil
import pytest
from distributed.security import Security

from cnn_core.engine import address, deaths
from cnn_core.engine.client import Engine
from cnn_core.engine.reconcile import Reconciler
from cnn_core.store.runs import Store
from tests.waiting import eventually

from .conftest import Bench, kill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("error")]


RUNS, MINUTE = 10, 60.0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_runs_are_done_under_random_kills(bench: Bench, seed: int) -> None:
    """Ten runs that keep what they have; for a minute their workers and host are killed at random."""
    chance, killed = random.Random(seed), Counter[str]()
    runs = [bench.begin("steps", steps=chance.randint(30, 60)) for _ in range(RUNS)]
    until = time.monotonic() + MINUTE
    while time.monotonic() < until:
        time.sleep(chance.uniform(0, 2))
        host = address.read(address.state_folder(bench.store))
        if host is None:
            continue
        what = chance.choice(["host", "worker", "worker", "nothing", "nothing"])
        with contextlib.suppress(psutil.NoSuchProcess, IndexError):
            if what == "host":
                psutil.Process(host.pid).kill()
            elif what == "worker":
                chance.choice(psutil.Process(host.pid).children()).kill()
            killed[what] += 1
    eventually(lambda: not bench.store.live(), within=60, of="all runs end")
    ended = [bench.store.get(run.id) for run in runs]
    print(killed, Counter(run.state for run in ended), [run.attempt for run in ended], [run.error for run in ended])
    assert {run.state for run in ended} == {"done"}
    assert sum(run.attempt for run in ended) > RUNS, "none was hit"
    assert bench.engine.ask("double", 3, timeout=40) == 6


class Cluster(Bench):
    """An engine of processes that somebody else starts."""

    commands: dict[str, list[str]]
    log_file: Path

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a process, as its supervisor would, again if need be."""
        with self.log_file.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self.commands[name], stdout=log, stderr=log, cwd=self.log_file.parent
            )


@pytest.fixture
def certificates(tmp_path: Path, environment: None) -> Iterator[None]:
    """Certificates by file, as on machines of their own, in the environment and in Dask's configuration."""
    made = Security.temporary()
    for name, text in (("cert", made.tls_client_cert), ("key", made.tls_client_key)):
        (tmp_path / f"{name}.pem").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_STORE", str(tmp_path / "store"))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(address.ROOT), str(Path(__file__).parent)]))
        for variable, file in [("CA_FILE", "cert")] + [
            (f"{role}__{part}", part.lower()) for role in ("CLIENT", "SCHEDULER", "WORKER") for part in ("CERT", "KEY")
        ]:
            patch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{variable}", str(tmp_path / f"{file}.pem"))
        patch.setenv("DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION", "true")
        patch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1000")
        dask.config.refresh()
        yield
    dask.config.refresh()


@pytest.fixture
def cluster(tmp_path: Path, certificates: None) -> Iterator["Cluster"]:
    """A scheduler and two workers by command line, and a watchman, who sends what had to wait for a free worker."""
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
        "--preload-nanny",
        "cnn_core.engine.deaths",
        "--no-dashboard",
    ]
    store = Store(tmp_path / "store")
    bench = Cluster(store)
    bench.engine = Engine(store, where)
    bench.log_file = tmp_path / "log"
    bench.commands = {
        "scheduler": [*dask_command, "scheduler", "--host", where, "--dashboard-address", "127.0.0.1:0"],
        "run": [*worker, "--resources", "RUN=1"],
        "ask": [*worker, "--resources", "ASK=1"],
    }
    for name in bench.commands:
        bench.start(name)
    watchman = Reconciler(bench.engine, store, every=1.0)
    watchman.start()
    yield bench
    watchman.stop()
    bench.engine.close()
    for process in reversed(bench.processes.values()):
        process.terminate()
        process.wait(15)
    store.close()
    print((tmp_path / "log").read_text()[-3000:])


def test_cluster_with_tls_runs_asks_and_stops(cluster: Cluster) -> None:
    eventually(lambda: cluster.engine.status().run_workers and cluster.engine.status().ask_workers, within=40)
    assert cluster.engine.ask("double", 4) == 8
    assert cluster.ended(cluster.begin("sleep", seconds=0.2)).state == "done"
    run = cluster.running(cluster.begin("sleep", seconds=30))
    cluster.engine.stop(run.id)
    assert cluster.ended(run).state == "stopped"
    plain = Engine(cluster.store, "tcp://127.0.0.1:18786")
    assert not plain.status().reachable  # nobody gets in without TLS


def test_scheduler_of_a_cluster_gone_and_back(cluster: Cluster) -> None:
    eventually(lambda: cluster.engine.status().run_workers, within=40)
    run = cluster.running(cluster.begin("steps", steps=60))
    cluster.processes["scheduler"].kill()
    eventually(lambda: "cannot be reached" in cluster.engine.status().message, of="it is said")
    for process in cluster.processes.values():  # those that a scheduler leaves behind end by themselves
        process.kill()
        process.wait()
    for name in cluster.commands:
        cluster.start(name)
    run = cluster.ended(run, within=60)
    assert (run.state, run.error) == ("done", "") and run.attempt > 1
    assert deaths.known(cluster.store, run) == []
    kill(cluster.running(cluster.begin("steps", steps=600)))
    eventually(lambda: list((Path(cluster.store.location) / "objects").rglob("deaths/1.json")), of="a nanny saw it")
