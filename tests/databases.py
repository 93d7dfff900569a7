"""Databases for tests of the store and of a cluster: a real PostgreSQL of this machine."""

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

HOW = "no PostgreSQL server found; install one to run these tests (Debian: apt-get install postgresql)"


def _program(name: str) -> str | None:
    """A program of PostgreSQL; Debian keeps the server's own beside the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(found[0]) if found else shutil.which(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server that listens on a socket of its own; ends with the session."""
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        if os.environ.get("CI"):
            pytest.fail(HOW)
        pytest.skip(HOW)
    folder = Path(tempfile.mkdtemp(prefix="convscope-pg-", dir="/tmp"))  # short: the path of a socket is
    # It refuses root; Debian's package comes with a user for it.
    other = ["runuser", "-u", "postgres", "--"] if getpass.getuser() == "root" else []
    if other:
        shutil.chown(folder, "postgres", "postgres")
    data, socket = folder / "data", folder

    def do(*command: str) -> None:
        done = subprocess.run([*other, *command], capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr

    do(initdb, "-D", str(data), "-U", "convscope", "--auth=trust", "--encoding=UTF8", "--no-sync")
    options = f"-k {socket} -c listen_addresses='' -c fsync=off"
    do(control, "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
    yield f"postgresql+psycopg://convscope@/{{}}?host={socket}"
    do(control, "-D", str(data), "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Make a new, empty database on the server; return its URL."""

    def make() -> str:
        server: str = request.getfixturevalue("postgres")
        name = f"t{abs(hash(request.node.nodeid)) % 10**12}"
        engine = sa.create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return server.format(name)

    return make
