"""Retention against brute force: what is kept by age and by bytes, with a clock of the test's own."""

import itertools
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import (
    ANNA,
    BERTA,
    CARLA,
    aged,
    album,
    all_aged,
    begun,
    copied,
    digest,
    ended,
    items,
    picture,
    run_aged,
)

from cnn_core.store import cached_maps, collector, keys, shares, terms, visitors
from cnn_core.store.collector import collect
from cnn_core.store.keys import RUN, SET, VISITOR, Owner
from cnn_core.store.references import Inventory
from cnn_core.store.runs import Store
from cnn_core.store.settings import SettingRefused
from cnn_core.store.shares import GivenSet
from cnn_core.store.terms import DAY, GRACE, Terms
from cnn_core.store.visitors import OwnPicture

NOW = 2_000_000_000.0
VISITS = (ANNA, BERTA, CARLA)


@pytest.fixture(autouse=True)
def _no_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_maps, "FOLDER", tmp_path / "maps")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    Store(folder).close()
    return folder


# Brute force ----------------------------------------------------------------------------------------------------------


@dataclass
class Thing:
    """A run, set, choice or link of a random store, as the test itself knows it."""

    kind: str
    owner: str
    pictures: tuple[int, ...]
    age: float  # days
    live: bool = False
    opened: bool = False
    name: str = ""
    size: int = 0


@dataclass
class Plan:
    """A random store."""

    sizes: list[int]
    young: list[bool]  # pictures that came in a minute ago
    things: list[Thing]
    days: float
    share: float  # of all bytes that may stay
    vectors: list[bool] = field(default_factory=list)


AGES = st.sampled_from([0.5, 1.0, 3.0, 10.0, 30.0])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    number = draw(st.integers(1, 6))
    some = st.lists(st.integers(0, number - 1), max_size=4).map(tuple)
    # Each of another age: where two are equally old, nobody is owed that the one goes first.
    jitter = (n / 1000 for n in itertools.count())
    things = [
        Thing(
            kind,
            draw(st.sampled_from(VISITS)),
            draw(some) if kind != VISITOR else draw(some)[:1],
            draw(AGES) + next(jitter),
            live=kind == RUN and draw(st.integers(0, 4)) == 0,
            opened=kind == RUN and draw(st.integers(0, 4)) == 0,
        )
        for kind in draw(st.lists(st.sampled_from([RUN, RUN, SET, VISITOR, "share"]), max_size=8))
    ]
    seen: set[str] = set()
    for thing in list(things):
        if thing.kind == VISITOR:
            if thing.owner in seen:
                things.remove(thing)
            seen.add(thing.owner)
    flags = st.lists(st.booleans(), min_size=number, max_size=number)
    sizes = draw(st.lists(st.integers(1, 5000), min_size=number, max_size=number))
    days, share = draw(st.sampled_from([2.0, 5.0, 20.0, 100.0])), draw(st.sampled_from([0.1, 0.4, 0.8, 2.0]))
    return Plan(sizes, draw(flags), things, days, share, draw(flags))


def built(plan: Plan, store: Store) -> None:
    for number, size in enumerate(plan.sizes):
        name = picture(store, number, size)
        if not plan.vectors[number]:
            store.features.remove([name])
    times: dict[str, float] = {}
    for number, thing in enumerate(plan.things):
        when, refers = NOW - thing.age * DAY, [digest(each) for each in thing.pictures]
        if thing.kind == RUN:
            run = (begun if thing.live else ended)(store, refers, thing.owner)
            run_aged(store, run.id, when)
            if thing.live:
                with store._engine.begin() as connection:
                    connection.exec_driver_sql(f"UPDATE runs SET ended = NULL WHERE id = '{run.id}'")
            if thing.opened:
                store.lists.add(keys.visit(next(who for who in VISITS if who != thing.owner)), run.id)
            thing.name = run.id
        elif thing.kind == SET:
            thing.name = album(store, thing.owner, f"{number:x}", refers)
            times[keys.album(thing.name)] = when
        elif thing.kind == VISITOR:
            thing.name = thing.owner
            for each in refers:
                visitors.change(store, thing.owner, lambda known, own=each: known.with_own(OwnPicture(own, "a")))
        else:
            thing.name = shares.give(store, thing.owner, pictures=GivenSet("", items(refers), [])).token
    choices = {thing.owner: thing for thing in plan.things if thing.kind == VISITOR}
    for who in VISITS:
        when = NOW - choices[who].age * DAY if who in choices else NOW - 300 * DAY
        if store.exists(keys.visitor(who)):
            visitors.change(store, who, lambda known: visitors.Visitor("gone", known.own, known.sets), at=when)
    all_aged(store, NOW - 300 * DAY)
    for key, when in times.items():
        aged(store, key, when)
    for number, young in enumerate(plan.young):
        if young:
            aged(store, keys.picture_record(digest(number)), NOW - 60)


def survivors(plan: Plan, store: Store) -> tuple[set[tuple[str, str]], set[int]]:
    """Which things and pictures stay, found by adding up everything anew after each removal."""
    folder = store.folder
    assert folder

    def bytes_at(*names: str) -> int:
        return sum(os.path.getsize(folder / "objects" / name) for name in names if (folder / "objects" / name).exists())

    with store._engine.connect() as connection:
        rows = dict(
            connection.exec_driver_sql(
                "SELECT id, length(spec) + length(progress) + length(result) + length(environment) + 3 FROM runs"
            ).all()
        )
    records = {thing.owner for thing in plan.things if thing.kind in (SET, VISITOR)}
    records = {who for who in records if (folder / "objects" / keys.visitor(who)).exists()}
    ages = dict.fromkeys(records, 300.0)
    ages |= {thing.owner: thing.age for thing in plan.things if thing.kind == VISITOR and thing.owner in records}
    own = {thing.owner: thing.pictures for thing in plan.things if thing.kind == VISITOR}
    things = [thing for thing in plan.things if thing.kind != VISITOR]
    for who in records:  # a choice is as young as the youngest set that it lists
        youngest = min([ages[who], *(t.age for t in things if t.kind == SET and t.owner == who)])
        things.append(Thing(VISITOR, who, own.get(who, ())[:1], youngest, name=who))
    for thing in things:
        if thing.kind == RUN:
            thing.size = bytes_at(f"runs/{thing.name}/frozen.keras") + rows[thing.name]
        elif thing.kind == SET:
            thing.size = bytes_at(f"albums/{thing.name}.json")
        elif thing.kind == VISITOR:
            thing.size = bytes_at(f"visitors/{thing.name}.json")
        else:
            thing.size = bytes_at(f"shares/{thing.name}.json")

    def pictures(left: list[Thing]) -> set[int]:
        used = {number for thing in left for number in thing.pictures}
        return used | {number for number, young in enumerate(plan.young) if young}

    def weight(left: list[Thing]) -> int:
        kept = sum(
            bytes_at(f"pictures/{digest(n)}.jpg", f"pictures/{digest(n)}.json") + 8 * plan.vectors[n]
            for n in pictures(left)
        )
        return kept + sum(thing.size for thing in left)

    whole = weight(things)
    ordered = sorted(things, key=lambda t: (-t.age, {RUN: 0, SET: 1, VISITOR: 2}.get(t.kind, 3)))
    may = [t for t in ordered if t.kind != "share" and not t.live and not t.opened]
    left = [t for t in things if t not in may or t.age <= plan.days]
    for thing in may:
        if weight(left) <= plan.share * whole:
            break
        if thing in left:
            left.remove(thing)
    return {(t.kind, t.name) for t in left}, pictures(left)


@settings(max_examples=40)
@given(plan=plans())
def test_survivors_are_those_of_brute_force(
    plan: Plan, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("random") / "store"
    store = copied(template, folder)
    try:
        built(plan, store)
        things, pictures = survivors(plan, store)
        whole = collector.total(Inventory.of(store)) - sum(
            Inventory.of(store).size(each) for each in Inventory.of(store).unused(NOW)
        )
        kept = Terms(plan.days, plan.share * whole)
        said = collect(store, kept, now=NOW, dry_run=True)
        before = store.stored()
        assert store.stored() == before, "a dry run removes nothing"
        done = collect(store, kept, now=NOW)
        found = Inventory.of(store)
        assert {tuple(key) for key in found.holders if key.kind != "server"} == things
        assert {int(each.name, 16) for each in found.keys_of if each.kind == "picture"} == pictures
        assert set(found.features) == {digest(n) for n in pictures if plan.vectors[n]}
        assert said.things == done.things
        assert 0 <= said.left - done.left < 500, "but for what is shorter in a visitor's record without its sets"
        assert collector.total(found) == done.left
        # A second time there is nothing to do, unless a choice was kept by a set that had to make room.
        assert set(collect(store, kept, now=NOW).things) <= {"visitor", "picture"}
    finally:
        store.close()
        shutil.rmtree(folder)


# One by one -----------------------------------------------------------------------------------------------------------


def test_terms_end_to_the_second(store: Store) -> None:
    run = ended(store, [picture(store, 1)])
    run_aged(store, run.id, NOW)
    all_aged(store, NOW)
    assert collect(store, Terms(days=30), now=NOW + 30 * DAY).things == {}
    done = collect(store, Terms(days=30), now=NOW + 30 * DAY + 1)
    assert done.things == {"run": 1, "picture": 1} and done.left == 0


def test_live_and_shared_stay_whatever_the_terms_and_it_is_said(store: Store) -> None:
    live, opened = begun(store, [picture(store, 1)]), ended(store, [picture(store, 2)])
    store.lists.add(keys.visit(BERTA), opened.id)
    share = shares.give(store, ANNA, picture=OwnPicture(picture(store, 3), "a.jpg"))
    all_aged(store, 0.0)
    for run in (live, opened):
        run_aged(store, run.id, 1.0)
    done = collect(store, Terms(days=1, most_bytes=1), now=NOW)
    assert done.things == {} and done.over == done.left - 1 > 0
    assert "more than CONVSCOPE_KEEP_BYTES allows: what is left goes on, is shared" in done.table()
    assert store.get(live.id) and store.get(opened.id) and shares.find(store, share.token)


def test_run_whose_exports_are_tested_now_stays(store: Store) -> None:
    run = ended(store, [picture(store, 1)])
    test = store.create("exports", {"run": run.id, "arm": "frozen"}, title="exports", owner=BERTA)
    run_aged(store, run.id, 1.0)
    all_aged(store, 0.0)
    assert collect(store, Terms(days=1), now=NOW).things == {}
    claimed = store.claim(test.id, "w")
    assert claimed and store.finish(claimed, "done", result={"a": 1})
    assert collect(store, Terms(days=1), now=NOW).things["run"] == 2, "the test goes with what it is about"


def test_accounts_come_last(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "anonymous", lambda owner: owner != BERTA)
    oldest, newer = ended(store, [picture(store, 1)], BERTA), ended(store, [picture(store, 2)], ANNA)
    run_aged(store, oldest.id, 1.0)
    run_aged(store, newer.id, 2.0)
    all_aged(store, 0.0)
    most = collector.total(Inventory.of(store)) - 1
    collect(store, Terms(float("inf"), most), now=NOW)
    assert {key.name for key in Inventory.of(store).holders if key.kind == RUN} == {oldest.id}


def test_set_that_is_changed_while_it_is_collected_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one = picture(store, 1)
    album(store, ANNA, "s1", [one])
    all_aged(store, 1.0)
    visitors.change(store, ANNA, lambda known: known.with_set("s1", "Old"), at=1.0)
    choose = collector.expired

    def meanwhile(*arguments: object) -> list[Owner]:
        gone = choose(*arguments)  # type: ignore[arg-type]
        assert Owner(SET, "s1") in gone
        album(store, ANNA, "s1", [one, picture(store, 2)])
        return gone

    monkeypatch.setattr(collector, "expired", meanwhile)
    collect(store, Terms(days=1), now=NOW)
    assert store.exists(keys.album("s1")) and store.exists(keys.picture_record(one))


def test_taking_a_set_off_does_not_make_the_choice_younger(store: Store) -> None:
    own = picture(store, 1)
    visitors.change(store, ANNA, lambda known: known.with_own(OwnPicture(own, "own.jpg")), at=NOW - 2 * DAY)
    album(store, ANNA, "s1", [picture(store, 2)])
    visitors.change(store, ANNA, lambda known: known.with_set("s1", "Birds"), at=NOW - 2 * DAY)
    all_aged(store, NOW - 9 * DAY)
    collect(store, Terms(days=5), now=NOW)
    known = visitors.read(store, ANNA)
    assert known.sets == () and known.own and known.changed == NOW - 2 * DAY
    assert collect(store, Terms(days=5), now=NOW + 3 * DAY + 1).things == {"visitor": 1, "picture": 1}


def test_remains_of_the_killed_are_found(store: Store) -> None:
    store.write(keys.file("0123456789ab", "frozen"), b"m")  # a run's folder whose row is gone
    store.write(f"{keys.picture(digest(1))}.0123abcd.partial", b"p")
    store.features.write("network", {digest(2): b"v"})
    store.lists.add(keys.visit(ANNA), "0123456789ab")
    album(store, "", "0b", [])
    store.write("mine/notes.txt", b"x")
    all_aged(store, 0.0)
    assert collect(store, Terms(), now=NOW, dry_run=True).things == collect(store, Terms(), now=NOW).things
    assert (
        set(store.stored()) == {"mine/notes.txt"} and store.lists.all_entries() == [] and store.features.sizes() == {}
    )


def test_what_is_young_stays(store: Store) -> None:
    ended(store, [picture(store, 1)])
    picture(store, 2)
    import time

    assert collect(store, Terms(days=1e-9, most_bytes=1), now=time.time() + GRACE / 2).things == {}


def test_samples_stay(store: Store) -> None:
    store.lists.add(keys.SAMPLES, [picture(store, 1)])
    all_aged(store, 0.0)
    assert collect(store, Terms(1, 1), now=NOW).things == {}


# Settings -------------------------------------------------------------------------------------------------------------


def test_terms_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Terms.from_environment() == Terms(365, float("inf"))
    monkeypatch.setenv(terms.DAYS, "30")
    monkeypatch.setenv(terms.BYTES, "20e9")
    assert Terms.from_environment() == Terms(30, 20e9)
    monkeypatch.setenv(terms.DAYS, "inf")
    assert Terms.from_environment().until(NOW) == float("inf")


@pytest.mark.parametrize("said", ["a year", "0", "-1", "nan"])
def test_terms_without_sense_are_refused(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(terms.DAYS, said)
    words = f"CONVSCOPE_KEEP_DAYS is {said!r}; expected a number of days above 0, such as 365, or inf for no limit."
    with pytest.raises(SettingRefused, match=re.escape(words)):
        Terms.from_environment()


def test_command_says_what_would_go_and_then_removes_it(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cnn_core.__main__ import main

    monkeypatch.setenv("CONVSCOPE_STORE", store.location)
    picture(store, 1)
    all_aged(store, 1.0)
    assert main(["collect", "--dry-run"]) == 0
    row = "picture                1           125\nin all                 1           125\n0 bytes are left.\n"
    assert capsys.readouterr().out == f"would be removed  number         bytes\n{row}" and store.stored()
    assert main(["collect"]) == 0
    assert capsys.readouterr().out == f"removed           number         bytes\n{row}" and not store.stored()
    monkeypatch.setenv(terms.BYTES, "-5")
    assert main(["collect"]) == 2
    assert "CONVSCOPE_KEEP_BYTES is '-5'; expected a number of bytes above 0" in capsys.readouterr().err
