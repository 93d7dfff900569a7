"""A store of version 0.1 opens and keeps what it has; many open a store at once; a newer or foreign one is refused."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cnn_core.store import keys, tables
from cnn_core.store.records import COMMAND_LINE, ENGINE
from cnn_core.store.runs import Store

VERSION_01 = Path(__file__).with_name("version_01.sql")  # written by version 0.1: four runs and a feature
RUNS = ("0123456789ab", "1123456789ab", "2123456789ab", "3123456789ab")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder as version 0.1 left it, with its lists as JSON objects."""
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.sqlite", isolation_level=None)) as connection:
        connection.executescript(VERSION_01.read_text(encoding="utf-8"))
    for key, entries in {f"lists/{'a' * 32}": RUNS[:2], "laboratory/281f7a5620e7b8d3/labels": RUNS[3:]}.items():
        path = tmp_path / "objects" / f"{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries))
    return tmp_path


def revision(location: str) -> str:
    engine = sa.create_engine(location)
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    engine.dispose()
    return str(found)


def test_store_of_version_01_opens_and_keeps_its_runs(old: Path) -> None:
    store = Store(old)
    runs = [store.get(run_id) for run_id in RUNS]
    assert [(run.kind, run.state) for run in runs] == [
        ("transfer", "done"),
        ("lenet", "running"),
        ("transfer", "queued"),
        ("lab", "stopped"),
    ]
    assert runs[0].result["arms"]["frozen"]["error"].startswith("The loss became nan")
    assert len(runs[0].spec["items"]) == 12 and runs[0].environment["keras"] == "3.15.1"
    assert [run.carrier for run in runs] == [ENGINE, COMMAND_LINE, ENGINE, ENGINE], "whose worker was a command line"
    assert store.features.read("efficientnet_lite0 5c1f pool 224px of 256 bicubic float32", ["00" * 32]) == {
        "00" * 32: b"\x00\x00\x80?"
    }
    assert store.lists.entries(keys.private("a" * 32)) == {RUNS[0]: True, RUNS[1]: True}
    assert store.lists.entries(keys.studies("281f7a5620e7b8d3", "labels")) == {RUNS[3]: False}
    claimed = store.claim(RUNS[2], "w1")
    assert claimed and store.beat(claimed, {"fraction": 0.5}) == "go on" and store.finish(claimed, "done")
    store.close()
    assert revision(f"sqlite:///{old / 'runs.sqlite'}") == tables.REVISION
    again = Store(old)  # a second look changes nothing
    assert again.get(RUNS[2]).state == "done"
    again.close()


def test_database_of_version_01_on_postgresql_gets_room(database: Callable[[], str], tmp_path: Path) -> None:
    url = database()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in VERSION_01.read_text(encoding="utf-8").split(";\n"):
            if statement.startswith("CREATE"):
                connection.execute(sa.text(statement.replace("BLOB", "BYTEA")))
    engine.dispose()
    store = Store(f"{url} {tmp_path.as_uri()}")
    name = "x" * 255
    store.features.write(name, {"d1": b"v"})
    assert store.features.read(name, ["d1"]) == {"d1": b"v"}
    store.close()
    assert revision(url) == tables.REVISION


def test_many_open_an_old_store_at_once(old: Path) -> None:
    program = "import sys; from cnn_core.store.runs import Store; print(len(Store(sys.argv[1]).recent()))"
    command = [sys.executable, "-W", "error", "-c", program, str(old)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [child.communicate() for child in children]
    assert [out.strip() for out, _ in said] == ["4"] * 4, said


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrated_tables_are_those_of_the_program(kind: str, tmp_path: Path, database: Callable[[], str]) -> None:
    url = database() if kind == "postgresql" else f"sqlite:///{tmp_path / 'runs.sqlite'}"
    Store(f"{url} memory://{tmp_path.name}").close()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    engine.dispose()
    if kind == "sqlite":  # it holds nobody to a length, and cannot change one
        differences = [each for each in differences if not (isinstance(each, list) and each[0][0] == "modify_type")]
    assert differences == []


def test_store_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "runs.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(tables.DatabaseRefused, match=r"of a newer ConvScope \(its tables are revision 0999"):
        Store(tmp_path)


def test_other_databases_are_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = sa.create_engine("sqlite://")
    monkeypatch.setattr(engine.dialect, "name", "oracle")
    monkeypatch.setattr(sa, "create_engine", lambda url, **options: engine)
    with pytest.raises(tables.DatabaseRefused, match="received a database of oracle; it lives in SQLite"):
        tables.connect("oracle://")
