"""The store's faults, each made for real: what is said, that nothing is half-written, and that work goes on later."""

import errno
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from cnn_core.store import keys, tables, troubles
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.store.troubles import AWAY, BUSY, FULL, GONE, StoreGone, patience, sentence
from tests.writers import locked

Change = Callable[[Store, Run], object]
CHANGES: dict[str, Change] = {
    "create": lambda store, run: store.create("toy", {}, title="another"),
    "rename": lambda store, run: store.rename(run.id, "another"),
    "stop": lambda store, run: store.request_stop(run.id),
    "claim": lambda store, run: store.claim(run.id, worker="w"),
    "features": lambda store, run: store.features.write("network", {"a": b"1"}),
    "lists": lambda store, run: store.lists.add("visit/a", run.id),
}


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(tables, "BUSY", 0.1)
    store = Store(tmp_path / "store")
    yield store
    store.close()


def said(function: Callable[[], object]) -> str:
    """Call what must fail; return what is told of it."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  what is raised is the database's; the words are ours
        function()
    return sentence(caught.value)


@pytest.mark.parametrize("change", CHANGES)
def test_locked_database_is_said_and_nothing_has_changed(opened: Store, change: str) -> None:
    run = opened.create("toy", {}, title="toy")
    with locked(opened):
        assert said(lambda: CHANGES[change](opened, run)) == BUSY
        assert opened.get(run.id) == run, "whoever only reads waits for nobody"
    assert [opened.get(each.id) for each in opened.recent()] == [run]
    CHANGES[change](opened, run)


@pytest.mark.parametrize("change", CHANGES)
def test_worker_waits_for_a_locked_database_and_goes_on(
    opened: Store, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "PAUSE", 0.05)
    run, free = opened.create("toy", {}, title="toy"), threading.Event()

    def hold() -> None:
        with locked(opened):
            held.set()
            free.wait(60)

    held, holder = threading.Event(), threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    threading.Timer(0.5, free.set).start()
    with patience(60):
        CHANGES[change](opened, run)
    assert free.is_set()
    holder.join()


def test_patience_ends(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(troubles, "PAUSE", 0.05)
    run, began = opened.create("toy", {}, title="toy"), time.monotonic()
    with locked(opened), patience(0.6):
        assert said(lambda: opened.rename(run.id, "another")) == BUSY
    assert time.monotonic() - began > 0.4


def test_database_that_is_away_is_said_waited_for_and_found_again(
    database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL that throws everybody out and lets nobody in."""
    monkeypatch.setattr(troubles, "PAUSE", 0.05)
    url = database()
    store = Store(f"{url} {(tmp_path / 'objects').as_uri()}")
    run = store.create("toy", {}, title="toy")
    name = sa.make_url(url).database
    control = sa.create_engine(sa.make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")

    def let_in(allowed: bool) -> None:
        with control.connect() as connection:
            connection.execute(sa.text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(allowed).lower()}"))
            if not allowed:
                connection.execute(
                    sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
                    {"name": name},
                )

    let_in(False)
    assert said(lambda: store.rename(run.id, "another")) == AWAY
    assert said(lambda: store.get(run.id)) == AWAY
    threading.Timer(0.5, let_in, [True]).start()
    with patience(60):
        assert store.rename(run.id, "another")
    assert store.get(run.id).title == "another"
    store.close()
    control.dispose()


def test_full_disk_is_said_and_nothing_is_half_written(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(2_000_000)
    store, ballast = Store(disk / "store"), disk / "ballast"
    ballast.write_bytes(bytes(10**6))
    run = store.create("toy", {}, title="toy")
    store.write("pictures/a.png", b"whole")
    assert said(lambda: store.write("pictures/a.png", bytes(10**6))) == FULL, "an upload"
    assert said(lambda: store.write(keys.file(run.id, "frozen"), bytes(10**6))) == FULL, "a model"
    assert said(lambda: store.features.write("network", {str(n): bytes(10**5) for n in range(20)})) == FULL
    assert store.read("pictures/a.png") == b"whole"
    assert not store.exists(keys.file(run.id, "frozen")) and not list(disk.rglob("*.partial"))
    assert store.features.read("network", [str(n) for n in range(20)]) == {}
    assert store.get(run.id) == run
    assert said(lambda: [store.create("toy", {"more": "x" * 10_000}, title=str(n)) for n in range(200)]) == FULL
    before = store.recent(100)
    ballast.unlink()
    after = store.create("toy", {}, title="there is room again")
    assert store.recent(100) == [store.glance(after.id), *before]
    store.close()


@pytest.mark.parametrize("then", ["nothing", "an empty folder", "another store"])
def test_folder_that_was_deleted_is_noticed_and_may_come_back(opened: Store, tmp_path: Path, then: str) -> None:
    run = opened.create("toy", {}, title="toy")
    opened.write("pictures/a.png", b"a")
    folder, aside = tmp_path / "store", tmp_path / "aside"
    folder.rename(aside)
    if then == "an empty folder":
        folder.mkdir()
    elif then == "another store":
        Store(folder).close()
    for change in CHANGES.values():
        assert said(lambda change=change: change(opened, run)) == GONE
    assert said(lambda: opened.get(run.id)) == GONE
    assert said(opened.live) == GONE and said(opened.check) == GONE
    if then != "another store":
        assert said(lambda: opened.write("pictures/b.png", b"b")) == GONE
        assert said(lambda: opened.read("pictures/a.png")) == GONE
        assert not (folder / "objects").exists(), "made anew it would be taken for the store"
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    assert opened.get(run.id) == run and opened.read("pictures/a.png") == b"a"
    assert opened.rename(run.id, "another")


def test_nobody_who_works_for_a_store_makes_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "gone"))
    with pytest.raises(StoreGone):
        Store.existing()
    assert not (tmp_path / "gone").exists()
    Store.default().close()
    Store.existing().close()


def test_cause_is_found_behind_another_error() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("saving failed") from error
    except RuntimeError as error:
        assert sentence(error) == FULL
    assert sentence(RuntimeError("no fault of the store")) == "" == sentence(PermissionError(13, "no"))


@pytest.mark.parametrize("state", ["done", "stopped", "partial", "failed"])
def test_checkpoints_go_with_a_run_that_is_not_tried_again(opened: Store, state: str) -> None:
    run = opened.claim(opened.create("toy", {}, title="toy").id, worker="w")
    assert run
    opened.write(keys.checkpoint(run.id, "scratch"), b"epoch 3")
    opened.write(keys.death(run.id, 1), b"{}")
    opened.write(keys.file(run.id, "frozen"), b"a network")
    assert opened.finish(run, state)
    assert opened.exists(keys.checkpoint(run.id, "scratch")) == (state in ("partial", "failed"))
    assert opened.exists(keys.file(run.id, "frozen"))
    if state != "done":
        assert opened.reopen(run.id) and not opened.exists(keys.death(run.id, 1))
