"""The queue: fair between owners, whoever is impatient; and what it tells those who wait comes true."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnn_core.engine import turns
from cnn_core.store import tables
from cnn_core.store.records import COMMAND_LINE, FINAL, Run
from cnn_core.store.runs import Store

pytestmark = pytest.mark.filterwarnings("error")
OWNERS = ("anna", "berta", "carl", "dora")


@dataclass
class Workers:
    """So many workers that take up what the queue says, on a store that really is one."""

    store: Store
    number: int
    most: int = 0
    at_work: list[Run] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)  # owners, in order

    def begin(self) -> None:
        free = self.number - len(self.at_work)
        for due in turns.next_runs(self.store.live(), (), free, self.most):
            run = self.store.claim(due.id, "w")
            assert run
            self.at_work.append(run)
            self.begun.append(run.owner)

    def end(self, which: int) -> None:
        if self.at_work:
            self.store.finish(self.at_work.pop(which % len(self.at_work)), "done")


def emptied(store: Store) -> Store:
    with store._engine.begin() as connection:
        connection.execute(sa.delete(tables.runs))
    return store


def wanted(store: Store, *owners: str) -> list[str]:
    return [store.create("toy", {}, title="toy", owner=owner).id for owner in owners]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(OWNERS)),
        st.tuples(st.just("end"), st.integers(0, 3)),
        st.tuples(st.just("stop and reopen"), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, workers=st.integers(1, 3), most=st.integers(0, 2))
def test_nobody_waits_for_more_than_one_run_of_each_other(
    store: Store, steps: list[tuple[str, object]], workers: int, most: int
) -> None:
    """Whatever others do (queue many, stop and retry, delete what has ended): counted by hand, run by run."""
    crew = Workers(emptied(store), workers, most)
    seen: dict[str, Counter[str]] = {}  # who waits with nothing at work, and who began since
    for what, which in steps:
        if what == "create" and len([run for run in store.live() if run.owner == which and turns.waits(run)]) < 3:
            wanted(store, str(which))
        elif what == "end":
            crew.end(int(str(which)))
        elif what == "stop and reopen" and (waiting := [run for run in store.live() if turns.waits(run)]):
            run = waiting[int(str(which)) % len(waiting)]
            store.end(run, "stopped", "")
            store.reopen(run.id)
            seen.pop(run.owner, None)  # who asks again waits anew
        elif what == "delete" and (ended := [run for run in store.recent(99) if run.state in FINAL]):
            store.delete(ended[int(str(which)) % len(ended)].id)
        before = len(crew.begun)
        for owner in OWNERS:
            idle = owner not in {run.owner for run in crew.at_work}
            if idle and any(turns.waits(run) and run.owner == owner for run in store.live()):
                seen.setdefault(owner, Counter())
            else:
                seen.pop(owner, None)
        crew.begin()
        for other in crew.begun[before:]:
            seen.pop(other, None)
            for counted in seen.values():
                counted[other] += 1
        for owner, counted in seen.items():
            assert not counted or max(counted.values()) <= 1, f"{owner} saw {counted} begin: {crew.begun}"
        held = Counter(run.owner for run in crew.at_work)
        assert not most or max(held.values(), default=0) <= most
        waiting = [run for run in store.live() if turns.waits(run)]
        idle_workers = workers - len(crew.at_work)
        assert not idle_workers or not waiting or (most and {held[run.owner] for run in waiting} == {most})


def test_one_who_queues_many_lets_each_other_go_between(store: Store) -> None:
    wanted(store, *["anna"] * 5, "berta", "carl", "carl")
    crew = Workers(store, 1)
    for _ in range(8):
        crew.begin()
        crew.end(0)
    assert crew.begun == ["anna", "berta", "carl", "anna", "carl", "anna", "anna", "anna"]


def test_one_who_is_at_work_and_queues_more_lets_a_newcomer_go_first(store: Store) -> None:
    wanted(store, "berta")
    crew = Workers(store, 1)
    crew.begin()
    wanted(store, "berta", "anna")
    for _ in range(3):
        crew.end(0)
        crew.begin()
    assert crew.begun == ["berta", "anna", "berta"]


def test_queue_outlives_whoever_kept_it(store: Store, tmp_path: Path) -> None:
    wanted(store, "anna", "anna", "berta")
    Workers(store, 1).begin()
    again = Store(store.location)  # another process, after a restart of all
    (next_run,) = turns.next_runs(again.live(), (), 1, 0)
    assert next_run.owner == "berta"
    again.close()


def test_what_was_sent_counts_as_at_work_and_is_not_sent_twice(store: Store) -> None:
    first, second, other = wanted(store, "anna", "anna", "berta")
    (due,) = turns.next_runs(store.live(), {first}, 1, 1)
    assert due.id == other, "anna has one on its way, and may have one"
    assert [run.id for run in turns.next_runs(store.live(), {first, other}, 2, 1)] == []
    assert [run.id for run in turns.next_runs(store.live(), {first, other}, 2, 0)] == [second]
    assert turns.next_runs(store.live(), (), 0, 0) == []


def test_limit_of_one_leaves_a_worker_to_others_and_nobodys_runs_have_none(store: Store) -> None:
    mine, _, _, nobodys, too = wanted(store, "anna", "anna", "anna", "", "")
    store.create("toy", {}, title="carried elsewhere", carrier=COMMAND_LINE)
    assert {run.id for run in turns.next_runs(store.live(), (), 4, 1)} == {mine, nobodys, too}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    owners=st.lists(st.sampled_from(OWNERS), min_size=1, max_size=10),
    workers=st.integers(1, 3),
    most=st.integers(0, 2),
    data=st.data(),
)
def test_outlook_comes_true(store: Store, owners: list[str], workers: int, most: int, data: st.DataObject) -> None:
    """Where all take as long as was said and nobody else comes, each begins after as many ends, at the second."""
    ids = wanted(emptied(store), *owners)
    # Their fractions keep any two ends apart.
    takes = {run_id: data.draw(st.integers(1, 50)) + 2.0 ** -(index + 1) for index, run_id in enumerate(ids)}
    told = turns.outlook(store.live(), workers, most, takes)
    crew, ends, now, ended = Workers(store, workers, most), defaultdict[str, float](float), 0.0, 0
    found: dict[str, turns.Outlook] = {}
    while True:
        crew.begin()
        for run in crew.at_work:
            if run.id not in found:
                found[run.id], ends[run.id] = turns.Outlook(ended, now), now + takes[run.id]
        if not crew.at_work:
            break
        first = min(range(len(crew.at_work)), key=lambda index: ends[crew.at_work[index].id])
        now, ended = ends[crew.at_work[first].id], ended + 1
        crew.end(first)
    assert told == found


def test_wait_is_told_only_where_it_is_known(store: Store) -> None:
    done, _, _ = wanted(store, "anna", "berta", "carl")
    running = store.claim(done, "w")
    assert running
    live = store.live()
    told = turns.outlook(live, 1, 1, {})
    assert [told[run.id] for run in live[1:]] == [turns.Outlook(1, None), turns.Outlook(2, None)]
    assert turns.outlook(live, 1, 1, {done: 5.0})[live[1].id] == turns.Outlook(1, 5.0)
    assert turns.outlook(live, 1, 1, {done: 5.0})[live[2].id] == turns.Outlook(2, None)
    assert turns.outlook(live[1:], 0, 1, {}) == {}, "no worker is there: nothing can be said"


def test_expected_wait_is_of_the_kinds_last_runs_and_of_what_a_run_tells(store: Store) -> None:
    for seconds in (10.0, 30.0, 20.0):
        run = store.claim(wanted(store, "dora")[0], "w")
        assert run and store.finish(run, "done")
        with store._engine.begin() as connection:
            took = sa.update(tables.runs).where(tables.runs.c.id == run.id).values(ended=run.started + seconds)
            connection.execute(took)
    first, second, third = wanted(store, "anna", "berta", "carl")
    begun = store.claim(first, "w")
    assert begun and store.beat(begun, {"left": 7.5}) == "go on"
    found = turns.expected(store, 1, 1)
    assert found == {second: turns.Outlook(1, 7.5), third: turns.Outlook(2, 27.5)}, "20 s is the median"
