"""The store: conditional changes, concurrent claims, whole objects, features."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from cnn_core.store import keys
from cnn_core.store.location import LocationRefused
from cnn_core.store.records import FINAL, LIVE, Run, RunNotFound, plain
from cnn_core.store.runs import Store

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(params=["folder", "memory", "file", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, database: Callable[[], str]) -> Iterator[Store]:
    location = {
        "folder": lambda: str(tmp_path),
        "memory": lambda: f"sqlite:///{tmp_path}/runs.sqlite memory://{tmp_path.name}",
        "file": lambda: f"sqlite:///{tmp_path}/runs.sqlite {(tmp_path / 'objects').as_uri()}",
        "postgresql": lambda: f"{database()} {(tmp_path / 'objects').as_uri()}",
    }[request.param]
    store = Store(location())
    yield store
    store.close()


def claimed(store: Store, worker: str = "w1") -> Run:
    run = store.claim(store.create("toy", {"seed": 0}, title="toy").id, worker)
    assert run
    return run


def test_created_run_is_queued_and_found(store: Store) -> None:
    run = store.create("toy", {"seed": 7, "shape": (2, 3)}, title="seven")
    assert (run.state, run.live, run.attempt, run.error) == ("queued", True, 0, "")
    assert run.spec == {"seed": 7, "shape": [2, 3]}
    assert store.get(run.id) == run
    assert store.live() == store.recent() == [store.glance(run.id)]
    glance = store.glance(run.id)
    assert (glance.id, glance.kind, glance.title) == (run.id, "toy", "seven") and not hasattr(glance, "spec")


def test_unknown_run_says_what_to_check(store: Store) -> None:
    with pytest.raises(RunNotFound, match="There is no run 'nope' in this store. Check the link"):
        store.get("nope")
    assert store.claim("nope", "w1") is None


def test_only_the_newest_attempt_may_write(store: Store) -> None:
    first = claimed(store)
    second = store.claim(first.id, "w2")
    assert second and (second.attempt, second.worker, second.started) == (2, "w2", first.started)
    assert store.beat(first, {"epoch": 9}) == "lost"
    assert not store.finish(first, "done", result={"who": "first"})
    assert not store.end(first, "failed", "silent")
    assert store.beat(second, {"epoch": 1}) == "go on"
    assert store.get(first.id).progress == {"epoch": 1}
    assert store.finish(second, "done", result={"who": "second"}, environment={"keras": "3"})
    assert store.get(first.id).result == {"who": "second"}


@pytest.mark.parametrize("state", FINAL)
def test_ended_run_does_not_change_any_more(store: Store, state: str) -> None:
    run = claimed(store)
    assert store.finish(run, state, error="words")
    ended = store.get(run.id)
    assert ended.ended and not ended.live
    assert store.claim(run.id, "w2") is None
    assert store.beat(run, {}) == "lost"
    assert not store.request_stop(run.id)
    assert not store.end(run, "failed", "other words")
    assert not store.finish(run, "done")
    assert store.get(run.id) == ended
    assert store.live() == []


def test_stop_is_heard_at_the_next_beat_and_survives_a_new_attempt(store: Store) -> None:
    run = claimed(store)
    assert store.beat(run, {}) == "go on"
    assert store.request_stop(run.id)
    assert not store.request_stop(run.id)  # once is enough
    assert store.beat(run, {}) == "stop"
    again = store.claim(run.id, "w2")
    assert again and again.state == "stopping" and again.stop_requested


def test_progress_takes_numpy_and_turns_nan_into_null(store: Store) -> None:
    run = claimed(store)
    store.beat(run, {"loss": np.float32("nan"), "counts": np.arange(3), "shape": (1, 2), "inf": float("inf")})
    assert store.get(run.id).progress == {"loss": None, "counts": [0, 1, 2], "shape": [1, 2], "inf": None}
    with pytest.raises(TypeError, match="JSON has no word for <object"):
        plain({"deep": [object()]})


def test_concurrent_claims_of_threads_get_attempts_of_their_own(store: Store) -> None:
    run = store.create("toy", {}, title="toy")
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: store.claim(run.id, f"w{n}"), range(40)))
    assert sorted(each.attempt for each in claims if each) == list(range(1, 41))
    last = store.get(run.id)
    assert {each.worker for each in claims if each and each.attempt == 40} == {last.worker}


def test_processes_open_the_same_new_store_and_claim_at_once(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; from cnn_core.store.runs import Store\n"
        "while time.time() < float(sys.argv[2]): pass\n"
        "store = Store(sys.argv[1])\n"
        "with store._engine.begin() as c: c.exec_driver_sql('INSERT OR IGNORE INTO runs "
        "(id, kind, title, state, spec, progress, result, environment, error, worker, attempt, created) VALUES "
        '("r", "toy", "", "queued", "{}", "{}", "{}", "{}", "", "", 0, 0)\')\n'
        "print(*[store.claim('r', 'w').attempt for _ in range(10)])"
    )
    begin = str(time.time() + 2.5)
    arguments = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "new"), begin]
    children = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [int(word) for child in children for word in child.communicate()[0].split()]
    assert sorted(said) == list(range(1, 31))


def test_run_is_renamed_whatever_its_state(store: Store) -> None:
    run = claimed(store)
    assert store.rename(run.id, "seven") and store.get(run.id).title == "seven"
    assert store.beat(run, {}) == "go on", "the attempt is still the worker's"
    assert store.finish(run, "done") and store.rename(run.id, "eight") and store.get(run.id).title == "eight"
    assert not store.rename("nope", "nine")


def test_deleted_run_goes_with_its_models_and_nothing_else(store: Store) -> None:
    run, other = claimed(store), claimed(store)
    for key in (f"runs/{run.id}/frozen.keras", f"runs/{other.id}/frozen.keras", "pictures/a.png"):
        store.write(key, b"x")
    store.features.write("resnet50", {"a": b"v"})
    assert not store.delete(run.id), "a live run is stopped first"
    assert store.finish(run, "done") and store.finish(other, "done")
    assert store.delete(run.id) and not store.delete(run.id) and not store.delete("nope")
    with pytest.raises(RunNotFound):
        store.get(run.id)
    assert not store.exists(f"runs/{run.id}/frozen.keras")
    assert store.recent() == [store.glance(other.id)] and store.exists(f"runs/{other.id}/frozen.keras")
    assert store.exists("pictures/a.png") and store.features.read("resnet50", ["a"]) == {"a": b"v"}
    never_kept = claimed(store)
    assert store.finish(never_kept, "failed") and store.delete(never_kept.id), "a run without models too"


def test_object_round_trip(store: Store) -> None:
    assert not store.exists("pictures/a.png")
    with pytest.raises(FileNotFoundError):
        store.read("pictures/a.png")
    store.write("pictures/a.png", b"one")
    store.write("pictures/a.png", b"two")
    assert store.exists("pictures/a.png") and store.read("pictures/a.png") == b"two"


def test_object_is_whole_while_others_write_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    contents = [bytes([n]) * 2_000_000 for n in range(4)]
    store.write("models/m.keras", contents[0])
    ended = threading.Event()

    def write(n: int) -> None:
        while not ended.is_set():
            store.write("models/m.keras", contents[n])

    with ThreadPoolExecutor(4) as pool:
        for n in range(4):
            pool.submit(write, n)
        try:
            assert all(store.read("models/m.keras") in contents for _ in range(60))
        finally:
            ended.set()
    assert os.listdir(tmp_path / "objects" / "models") == ["m.keras"]  # nothing partial is left
    store.close()


def test_failed_write_leaves_the_old_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.write("a/b", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            store.write("a/b", b"new")
    assert store.read("a/b") == b"old"
    assert os.listdir(tmp_path / "objects" / "a") == ["b"]
    store.close()


def test_features_round_trip_and_keep_the_first(store: Store) -> None:
    vectors = {f"{n:04}": bytes([n % 256]) for n in range(1200)}  # more than one query's worth
    store.features.write("resnet50", vectors)
    store.features.write("resnet50", {"0001": b"other", "new": b"n"})
    assert store.features.read("resnet50", [*vectors, "missing"]) == vectors
    assert store.features.read("resnet50", ["new"]) == {"new": b"n"}
    assert store.features.read("vgg16", vectors) == {}


def test_location_tells_the_folder_only_if_there_is_one(tmp_path: Path) -> None:
    local = Store(tmp_path / "here")
    remote = Store(f"sqlite:///{tmp_path}/runs.sqlite memory://elsewhere")
    assert local.folder == tmp_path / "here" and remote.folder is None
    assert set(LIVE) & set(FINAL) == set()
    local.close()
    remote.close()


HARD = ("Jürgen 50% #1", "a%20b", "what?x=1", "a::b", "100%25 [new]*", "~ {x} 'q'", "日本 ∂", "file: x")


@pytest.mark.parametrize("name", HARD)
def test_folder_may_have_any_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / name / "var"
    opened = Store(folder)
    opened.write("pictures/a.png", b"a")
    run = opened.create("toy", {}, title="toy")
    assert opened.folder == folder and opened.below("pictures") == list(opened.stored()) == ["pictures/a.png"]
    opened.close()
    assert {path.name for path in folder.iterdir()} == {"runs.sqlite", "objects", "migration.lock"}
    assert (folder / "objects" / "pictures" / "a.png").read_bytes() == b"a"
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing is written beside it"
    monkeypatch.chdir(tmp_path / name)
    monkeypatch.setenv("CONVSCOPE_STORE", "var")
    again = Store.existing()
    assert again.get(run.id).title == "toy"
    again.remove("pictures")
    assert again.stored() == {} and again.folder == folder
    again.close()


@pytest.mark.parametrize("as_uri", [False, True])
@pytest.mark.parametrize("name", ["Jürgen 50% #1", "my files", "日本"])
def test_urls_may_lead_to_any_folder(name: str, as_uri: bool, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    place = (folder / "objects").as_uri() if as_uri else f"file://{folder / 'objects'}"
    database = f"sqlite:///{folder / 'runs.sqlite'}"
    opened = Store(f"{database} {place}")
    opened.write("secret", b"s")
    opened.close()
    assert (folder / "objects" / "secret").read_bytes() == b"s" and (folder / "runs.sqlite").is_file()
    assert list(tmp_path.iterdir()) == [folder]


def test_folder_that_a_url_named_literally_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "a%20b").mkdir()
    database = f"sqlite:///{tmp_path}/runs.sqlite"
    opened = Store(f"{database} file://{tmp_path}/a%20b")
    opened.write("secret", b"s")
    opened.close()
    assert (tmp_path / "a%20b" / "secret").read_bytes() == b"s" and not (tmp_path / "a b").exists()


def test_objects_of_a_database_may_lie_in_a_plain_folder_but_not_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Store(f"sqlite:///{tmp_path}/runs.sqlite {tmp_path}/my objects")
    opened.write("secret", b"s")
    opened.close()
    assert (tmp_path / "my objects" / "secret").read_bytes() == b"s"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LocationRefused, match="received one URL, of sqlite, without an object store"):
        Store("sqlite:////srv/my files/runs.sqlite")
    assert {path.name for path in tmp_path.iterdir()} == {"runs.sqlite", "migration.lock", "my objects"}


def test_folder_of_version_01_with_spaces_and_umlauts_gets_its_objects(tmp_path: Path) -> None:
    folder = tmp_path / "frische küche" / "my store"
    opened = Store(folder)
    opened.write("pictures/a.png", b"a")
    assert opened.folder == folder and (folder / "objects" / "pictures" / "a.png").read_bytes() == b"a"
    opened.close()
    mislaid = Path((folder / "objects").as_uri().removeprefix("file://"))  # where version 0.1 put them
    mislaid.parent.mkdir(parents=True)
    (folder / "objects").rename(mislaid)
    again = Store(str(folder))
    assert again.read("pictures/a.png") == b"a" and not mislaid.exists()
    again.close()


def test_default_store_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_STORE", str(tmp_path / "named"))
    store = Store.default()
    assert store.folder == tmp_path / "named"
    store.close()


# Found so far, and tried again ----------------------------------------------------------------------------------------


def test_what_was_found_stays_when_the_run_fails(store: Store) -> None:
    run = claimed(store)
    assert store.beat(run, {}, {"frozen": 0.9}) == "go on" and store.beat(run, {"fraction": 0.7}) == "go on"
    assert store.finish(run, "partial", error="fine_tuned: the memory did not suffice.")
    ended = store.get(run.id)
    assert ended.result == {"frozen": 0.9} and ended.state == "partial" and not ended.live


@pytest.mark.parametrize("state", FINAL)
def test_run_is_opened_again_unless_it_is_done(store: Store, state: str) -> None:
    run = claimed(store)
    assert not store.reopen(run.id), "a live run goes on"
    store.beat(run, {"fraction": 0.5}, {"frozen": 0.9})
    store.request_stop(run.id)
    store.finish(run, state, error="why")
    assert store.reopen(run.id) == (state != "done") and not store.reopen("nope")
    again = store.get(run.id)
    if state != "done":
        assert (again.state, again.attempt, again.error, again.stop_requested) == ("queued", 0, "", None)
        assert again.result == {"frozen": 0.9} and again.progress == {}
        assert store.beat(run, {}) == "lost", "the attempt that ended writes no more"


# Lists ----------------------------------------------------------------------------------------------------------------


def test_threads_that_add_to_one_list_lose_nothing(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.lists.add("visit/v", f"r{n:03}", own=n % 2 == 0), range(160)))
    found = store.lists.entries("visit/v")
    assert len(found) == 160 and all(own == (int(entry[1:]) % 2 == 0) for entry, own in found.items())


def test_list_keeps_its_order_and_ownership_only_grows(store: Store) -> None:
    store.lists.add("visit/v", ["b", "a", "b"])
    store.lists.add("visit/v", "a", own=True)
    store.lists.add("visit/v", "a", own=False)
    store.lists.add("visit/w", "a")
    assert list(store.lists.entries("visit/v").items()) == [("b", False), ("a", True)]
    store.lists.remove("visit/v", ["b", "none"])
    assert store.lists.entries("visit/v") == {"a": True} and store.lists.entries("visit/w") == {"a": False}
    run = claimed(store)
    store.lists.add("visit/v", run.id, own=True)
    store.finish(run, "done")
    assert store.delete(run.id) and store.lists.entries("visit/v") == {"a": True}, "a deleted run is on no list"


def test_longest_name_of_a_feature_fits(store: Store) -> None:
    name = keys.extractor("efficientnet_lite0 " + "a" * 64, "pool of augmented mirror 11 seed 2147483647", "x" * 200)
    store.features.write(name, {"d": b"v"})
    assert len(name) == 255 and store.features.read(name, ["d"]) == {"d": b"v"}
    assert name != keys.extractor("efficientnet_lite0 " + "a" * 64, "pool of augmented mirror 12 seed 1", "x" * 200)


# What is read ---------------------------------------------------------------------------------------------------------


def test_watchers_and_beats_read_no_spec(store: Store) -> None:
    """A spec of thousands of pictures is 500 kB: only `get` and `claim` may ask for it."""
    run = claimed(store)
    asked: list[str] = []
    sa.event.listen(store._engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    store.live(), store.recent(), store.glance(run.id), store.progress(run.id)
    store.beat(run, {"fraction": 0.1}), store.request_stop(run.id), store.finish(run, "done"), store.reopen(run.id)
    assert len(asked) == 9 and not [statement for statement in asked if "spec" in statement]
    store.get(run.id)
    assert "spec" in asked[-1]
