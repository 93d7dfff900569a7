"""A cluster on this machine, by the commands of docs/hosting.md: everything by processes of its own, on loopback."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from cnn_core.engine.client import Engine
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from tests.object_store import answers, free_port, needed, object_store
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
HOW = "no nginx found; install one to run these tests (Debian: apt-get install nginx-light)"
COMMAND = [sys.executable, "-m", "cnn_core.engine.cluster"]
REPLICAS = ("first", "second")
RUN_MEMORY, ASK_MEMORY = 2.0, 1.5  # GB; a fine-tuning of 24 pictures takes 1.1


class Cluster:
    """The processes of a cluster by name, each started, and started again, as its supervisor would."""

    scheduler_port: int

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder, self.settings = folder, settings
        self.ports = {name: free_port() for name in (*REPLICAS, "proxy")}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = {}

    def start(self, *names: str) -> None:
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    self.commands[name], stdout=log, stderr=log, cwd=ROOT, env=os.environ | self.settings
                )

    def kill(self, name: str) -> None:
        """kill -9 a process and all that it has started, as a machine that goes does."""
        family = [*psutil.Process(self.processes[name].pid).children(recursive=True), self.processes[name]]
        for process in family:
            process.kill()
        self.processes[name].wait()

    def url(self, name: str = "proxy") -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def check(self, wait: int = 0) -> tuple[int, str]:
        """Have the operator's command look at everything."""
        command = [*COMMAND, "check", "--wait", str(wait)]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | self.settings, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def close(self) -> None:
        for name in self.processes:
            if self.processes[name].poll() is None:
                self.kill(name)


@pytest.fixture(scope="module")
def cluster(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """PostgreSQL, an S3 interface, a scheduler, two workers for runs and one for questions, two replicas, nginx."""
    if NGINX is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(HOW)
    needed("psycopg")
    folder = tmp_path_factory.mktemp("cluster")
    with object_store(folder / "objects.log") as aws:
        made = subprocess.run([*COMMAND, "certificates", str(folder / "tls")], cwd=ROOT, capture_output=True, text=True)
        assert made.returncode == 0 and "Whoever has the key may run code" in made.stdout, made.stderr
        scheduler = free_port()
        settings = aws | {
            "CONVSCOPE_ENGINE": f"tls://127.0.0.1:{scheduler}",
            "CONVSCOPE_STORE": f"{_database(postgres)} s3://convscope/store",
            "CONVSCOPE_TLS": str(folder / "tls"),
            "CONVSCOPE_EXTRA_JOBS": "engine_toys",
            "CONVSCOPE_LIMIT_RUNNING": "0",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "engine")]),
            "STREAMLIT_SERVER_COOKIE_SECRET": "the same for both replicas, 32 characters",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        cluster = Cluster(folder, settings)
        cluster.scheduler_port = scheduler
        scratch = ["--scratch", str(folder / "scratch")]
        worker = [*COMMAND, "worker"]
        cluster.commands = {
            "scheduler": [*COMMAND, "scheduler", "--host", "127.0.0.1", "--port", str(scheduler)],
            "run-1": [*worker, "run", "--memory", str(RUN_MEMORY), *scratch],
            "run-2": [*worker, "run", "--memory", str(RUN_MEMORY), *scratch],
            "ask": [*worker, "ask", "--memory", str(ASK_MEMORY), *scratch],
            "proxy": [NGINX, "-p", str(folder), "-c", str(_nginx(folder, cluster))],
        } | {
            name: [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(cluster.ports[name])]
            for name in REPLICAS
        }
        try:
            cluster.start(*cluster.commands)
            eventually(lambda: all(answers(f"{cluster.url(name)}/_stcore/health") for name in cluster.ports), 60)
            code, said = cluster.check(wait=300)
            assert code == 0, said
            yield cluster
        finally:
            cluster.close()


def _database(postgres: str) -> str:
    engine = sa.create_engine(postgres.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("DROP DATABASE IF EXISTS cluster"))
        connection.execute(sa.text("CREATE DATABASE cluster"))
    engine.dispose()
    return postgres.format("cluster")


def _nginx(folder: Path, cluster: Cluster) -> Path:
    """The configuration that docs/hosting.md names, with this cluster's ports."""
    text = (ROOT / "docs" / "nginx.conf").read_text()
    for theirs, name in zip(("8501", "8502"), REPLICAS, strict=True):
        assert f"server 127.0.0.1:{theirs};" in text
        text = text.replace(f"server 127.0.0.1:{theirs};", f"server 127.0.0.1:{cluster.ports[name]};")
    text = text.replace("listen 80;", f"listen 127.0.0.1:{cluster.ports['proxy']};").replace(
        "/var/log/nginx", str(folder)
    )
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("    access_log off;", f"    {places}    access_log off;")
    (folder / "nginx.conf").write_text(f"daemon off;\npid {folder}/pid;\n{text}")
    return folder / "nginx.conf"


@pytest.fixture
def store(cluster: Cluster) -> Iterator[Store]:
    """The cluster's store, as one more machine would open it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.settings.items():
            patch.setenv(name, value)
        store = Store.default()
        yield store
        store.close()


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    """A client of the cluster."""
    engine = Engine(store, os.environ["CONVSCOPE_ENGINE"])
    yield engine
    engine.close()


@pytest.fixture
def ended(store: Store) -> Callable[..., Run]:
    """Wait for a run's end."""

    def wait(run_id: str, within: float = 60.0) -> Run:
        eventually(lambda: not store.glance(run_id).live, within, f"{run_id} ends")
        return store.get(run_id)

    return wait
