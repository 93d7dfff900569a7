"""Only its owner changes a run, whoever else knows its id; and no owner queues more than one may."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from cnn_core.pictures.stored import stored_by
from cnn_core.store import keys, visitors
from cnn_core.store.owners import NotYours, QuotaReached
from cnn_core.store.records import COMMAND_LINE, Run
from cnn_core.store.runs import Store
from cnn_core.store.visitors import OwnPicture

ANNA, BERTA = "a" * 40, "b" * 40
CHANGES: dict[str, Callable[[Store, str, str | None], bool]] = {
    "stop it": lambda store, run_id, by: store.request_stop(run_id, by=by),
    "rename it": lambda store, run_id, by: store.rename(run_id, "changed", by=by),
    "delete it": lambda store, run_id, by: store.delete(run_id, by=by),
    "try it again": lambda store, run_id, by: store.reopen(run_id, by=by),
}


@pytest.fixture(params=["folder", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, database: Callable[[], str]) -> Iterator[Store]:
    opened = Store(tmp_path if request.param == "folder" else f"{database()} {tmp_path.as_uri()}")
    yield opened
    opened.close()


def run_of(store: Store, owner: str, what: str = "", carrier: str = "engine") -> Run:
    """A run in a state in which it can be changed so."""
    run = store.claim(store.create("toy", {}, title="toy", owner=owner, carrier=carrier).id, "w")
    assert run
    if what in ("delete it", "try it again"):
        store.finish(run, "stopped")
    return store.get(run.id)


@pytest.mark.parametrize("what", CHANGES)
def test_only_its_owner_changes_a_run(store: Store, what: str) -> None:
    run = run_of(store, ANNA, what)
    for stranger in (BERTA, "", ANNA[:-1], "%"):
        with pytest.raises(NotYours, match=f"^Only whoever started this run can {what}. Start one of your own"):
            CHANGES[what](store, run.id, stranger)
        assert store.get(run.id) == run
    assert CHANGES[what](store, run.id, ANNA)
    assert not CHANGES[what](store, "0" * 12, ANNA), "an unknown run is no other's"


@pytest.mark.parametrize("what", CHANGES)
def test_runs_of_the_command_line_are_changed_by_it_and_the_server_alone(store: Store, what: str) -> None:
    run = run_of(store, "", what, COMMAND_LINE)
    for visitor in (ANNA, ""):
        with pytest.raises(NotYours):
            CHANGES[what](store, run.id, visitor)
    assert store.get(run.id) == run and CHANGES[what](store, run.id, None)


def test_run_that_changed_hands_is_the_new_owners(store: Store) -> None:
    run = run_of(store, ANNA)
    store.give([run.id], BERTA)
    with pytest.raises(NotYours):
        store.rename(run.id, "mine", by=ANNA)
    assert store.rename(run.id, "mine", by=BERTA)
    assert (store.owned(ANNA), store.owned(BERTA), store.owned("")) == (set(), {run.id}, set())


def test_one_owner_queues_so_many_and_others_are_not_concerned(store: Store) -> None:
    for _ in range(2):
        store.create("toy", {}, title="toy", owner=ANNA, most=2)
    words = "^You have 2 runs waiting, the most that one visitor may have here. Stop one, or wait.$"
    with pytest.raises(QuotaReached, match=words):
        store.create("toy", {}, title="toy", owner=ANNA, most=2)
    assert len(store.live()) == 2 and store.create("toy", {}, title="toy", owner=BERTA, most=2)
    assert store.create("toy", {}, title="no limit", owner=ANNA), "as the server does"
    assert all(store.create("toy", {}, title="nobody's", most=1) for _ in range(3))
    ended = run_of(store, ANNA, "try it again")
    with pytest.raises(QuotaReached, match="^You have 2 runs waiting"):
        store.reopen(ended.id, by=ANNA, most=2)
    assert store.glance(ended.id).state == "stopped" and store.reopen(ended.id, by=ANNA, most=9)


def test_tabs_that_begin_at_once_are_not_all_let_through(store: Store) -> None:
    def begin(_: int) -> int:
        try:
            return len(store.create("toy", {}, title="toy", owner=ANNA, most=3).id[:1])
        except QuotaReached:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(24))) == 3


def test_turn_goes_behind_those_who_wait_and_a_lost_worker_costs_none(store: Store) -> None:
    first, second = (store.create("toy", {}, title="toy", owner=ANNA) for _ in range(2))
    other = store.create("toy", {}, title="toy", owner=BERTA)
    store.claim(first.id, "w")
    behind = store.glance(second.id).queued
    assert behind > other.queued == store.glance(other.id).queued
    store.claim(first.id, "another worker")
    assert store.glance(second.id).queued == behind


def test_bytes_of_an_owner_are_their_pictures_and_networks_once_each(store: Store) -> None:
    for digest, size in {"d1": 10, "d2": 200, "d3": 3000}.items():
        store.write(keys.picture(digest, "jpg"), bytes(size))
        store.write(keys.picture_record(digest), bytes(1))
    items = [["d1", "cat", "a.jpg", ""], ["d2", "cat", "b.jpg", ""], ["d1", "dog", "a.jpg", ""]]
    run = store.create("transfer", {"items": items}, title="cats", owner=ANNA)
    store.write(keys.file(run.id, "frozen"), bytes(40_000))
    assert stored_by(store, ANNA) == 40_212
    visitors.change(
        store, ANNA, lambda known: known.with_own(OwnPicture("d3", "c.jpg")).with_set("s1").with_set("gone")
    )
    album = b'{"source": "mine", "items": [["d2", "cat", "b.jpg", ""]], "empty_classes": []}'
    store.write(keys.album("s1"), album)
    assert stored_by(store, ANNA) == 43_213 and stored_by(store, BERTA) == 0


def test_store_of_before_learns_whose_each_run_is(tmp_path: Path) -> None:
    old = Store(tmp_path)
    mine, carried, opened, nobodys = (old.create("toy", {}, title="toy").id for _ in range(4))
    old.lists.add(keys.visit(ANNA), [carried, mine], own=True)
    time.sleep(0.01)
    old.lists.add(keys.visit(BERTA), carried, own=True)  # by a private link
    old.lists.add(keys.visit(BERTA), [opened])
    old.lists.add(keys.private("c" * 32), [nobodys], own=True)
    with old._engine.begin() as connection:
        for statement in (
            "DROP INDEX ix_runs_owner",
            "ALTER TABLE runs DROP COLUMN owner",
            "ALTER TABLE runs DROP COLUMN queued",
            "UPDATE alembic_version SET version_num = '0002'",
        ):
            connection.execute(sa.text(statement))
    old.close()
    store = Store(tmp_path)
    assert [store.glance(run_id).owner for run_id in (mine, carried, opened, nobodys)] == [ANNA, BERTA, "", ""]
    assert all(run.queued == run.created for run in store.recent())
    store.close()
