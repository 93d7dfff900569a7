"""Runs: submitted, stopped, broken off and taken up again."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from cnn_core.engine import address, deaths, looks
from cnn_core.engine.reconcile import reconcile
from cnn_core.store import keys
from cnn_core.store.report import LiveReport
from cnn_core.store.runs import Store
from tests.waiting import PATIENCE, eventually, promised
from tests.writers import locked

from .conftest import Bench, kill

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Store]:
    """A store that no engine serves."""
    store = Store(tmp_path)
    yield store
    store.close()


def test_run_submitted_is_done(bench: Bench) -> None:
    bench.engine.ask("double", 1)  # waits for the engine's start
    run = bench.ended(bench.begin("sleep", seconds=0.3))
    assert (run.state, run.attempt, run.error) == ("done", 1, "")
    assert run.result["slept"] >= 0.3
    assert run.environment["pid"] == run.progress["pid"]
    assert run.progress["memory"] > 1e6 and run.progress["memory_limit"] > 1e9
    assert run.worker.startswith("tls://127.0.0.1:")


def test_question_is_answered_while_a_run_goes_on(bench: Bench) -> None:
    run = bench.running(bench.begin("sleep", seconds=30))
    assert bench.engine.ask("double", 21) == 42
    assert bench.engine.ask("worker_pid") != run.progress["pid"]
    assert bench.store.get(run.id).state == "running"
    bench.engine.stop(run.id)
    assert bench.ended(run).state == "stopped"


def test_stop_of_a_loop_keeps_what_was_learnt(bench: Bench) -> None:
    run = bench.running(bench.begin("sleep", seconds=30))
    begin = time.monotonic()
    bench.engine.stop(run.id)
    run = bench.ended(run)
    assert time.monotonic() - begin < promised(2.0)
    assert run.state == "stopped" and run.error == ""
    assert 0 < run.result["slept"] < 30
    assert run.progress["acknowledged"] is True


def test_stop_of_a_queued_run_is_immediate(bench: Bench) -> None:
    busy = bench.running(bench.begin("sleep", seconds=30))
    waiting = bench.begin("sleep", seconds=30)
    assert waiting.id in bench.engine.status().queued or bench.store.get(waiting.id).state == "queued"
    bench.engine.stop(waiting.id)
    stopped = bench.store.get(waiting.id)
    assert stopped.state == "stopped"
    assert stopped.error == "Stopped before a worker took it up; nothing was trained."
    bench.engine.stop(busy.id)
    assert bench.ended(busy).state == "stopped"
    assert bench.store.get(waiting.id) == stopped  # its turn does not come any more


def test_stop_of_a_slow_job_waits_as_long_as_the_job_said(bench: Bench) -> None:
    run = bench.running(bench.begin("late"))
    bench.engine.stop(run.id)
    run = bench.ended(run)
    assert (run.state, run.result, run.error) == ("stopped", {"heard": True}, "")


def test_stop_of_a_stuck_job_ends_its_worker_and_the_next_run_works(bench: Bench) -> None:
    run = bench.running(bench.begin("stuck"))
    waiting = bench.begin("sleep", seconds=0.1)
    bench.engine.stop(run.id)
    run = bench.ended(run, within=4)
    assert run.state == "stopped"
    assert run.error == "Stopped. The worker did not react within 1.5 s and was ended; nothing is kept."
    after = bench.ended(waiting)
    assert (after.state, after.attempt) == ("done", 1)
    assert after.progress["pid"] != run.progress["pid"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("purpose", "No such thing; take another."),
        ("memory", "There was not enough memory. Use fewer or smaller pictures, a smaller model or a smaller batch."),
        ("disk", "The disk is full, so nothing more can be saved. Free some space, then start again."),
        (
            "value",
            "This run failed with ValueError: shapes (3, 4) and (5, 6) do not fit. Details are in engine.log; the app "
            + "and other work go on.",
        ),
    ],
)
def test_failure_becomes_a_sentence(bench: Bench, error: str, words: str) -> None:
    run = bench.ended(bench.begin("fail", error=error))
    assert (run.state, run.attempt, run.error) == ("failed", 1, words)
    assert (words if error == "purpose" else "Traceback") in bench.log


def test_unknown_kind_and_unstorable_result_fail_in_words(bench: Bench) -> None:
    unknown = bench.ended(bench.begin("knitting"))
    assert unknown.state == "failed" and "know nothing of 'knitting'" in unknown.error
    unstorable = bench.ended(bench.begin("not_json"))
    assert unstorable.state == "failed" and "TypeError: JSON has no word for <object" in unstorable.error


def test_worker_killed_once_is_retried(bench: Bench) -> None:
    run = bench.running(bench.begin("sleep", seconds=300, again=0.1))
    kill(run)
    run = bench.ended(run)
    assert (run.state, run.attempt) == ("done", 2)
    assert run.progress["note"] == "The worker was lost while training; this is attempt 2, from the start."


def test_worker_killed_twice_fails_in_words(bench: Bench) -> None:
    run = bench.running(bench.begin("sleep", seconds=30))
    kill(run)
    kill(bench.running(run, attempt=2))
    run = bench.ended(run)
    assert (run.state, run.attempt, run.error) == ("failed", 3, "Its worker ended with signal 9, twice.")


def test_planned_restarts_are_no_death_of_the_run(bench: Bench) -> None:
    """Retired in mid-run with its nanny, as for an update, and then by a restart of the process alone."""
    run = bench.running(bench.begin("sleep", seconds=300))
    client = bench.engine._connection.client()
    client.retire_workers([bench.store.glance(run.id).worker])
    run = bench.running(run, attempt=2)
    client.restart_workers([bench.store.glance(run.id).worker], raise_for_error=False)
    run = bench.running(run, attempt=3)
    assert (run.state, deaths.known(bench.store, run)) == ("running", [])
    bench.engine.stop(run.id)
    run = bench.ended(run)
    assert (run.state, run.attempt, run.error) == ("stopped", 3, "")


def test_runs_that_get_further_before_each_death_are_tried_on(bench: Bench) -> None:
    """Three workers die one after the other, each after something new was kept."""
    run = bench.ended(bench.begin("steps", steps=4, die_after=[1, 2, 3]), within=60)
    assert (run.state, run.attempt, run.result) == ("done", 4, {"began_at": 3})
    assert [str(death) for death in deaths.known(bench.store, run)] == ["ended with signal 9"] * 3
    assert not bench.store.exists(keys.checkpoint(run.id, "steps")), "it goes when the run ends"


def test_worker_that_stands_still_is_told_and_goes_on(bench: Bench) -> None:
    """SIGSTOP: the page tells how old the last word is (tests/pages/test_faults.py), by the same looks."""
    run = bench.running(bench.begin("sleep", seconds=300))
    process = psutil.Process(run.progress["pid"])

    def silent() -> float:
        now = bench.store.glance(run.id)
        return looks.HERE.quiet(run.id, (now.attempt, now.beat))

    eventually(lambda: silent() < 2, of="it is heard of")
    process.suspend()
    eventually(lambda: silent() > 2, of="nothing is heard of it for 2 s")
    process.resume()
    eventually(lambda: silent() < 1, of="it is heard of again")
    bench.engine.stop(run.id)
    run = bench.ended(run)
    assert (run.state, run.attempt) == ("stopped", 1)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_database_locked_for_half_a_minute_loses_no_result(bench: Bench) -> None:
    """Longer than the 10 s that a single writer waits; the run ends meanwhile, and its worker and watchman wait."""
    run = bench.running(bench.begin("sleep", seconds=2))
    with locked(bench.store):
        time.sleep(30)
        assert bench.store.glance(run.id).state == "running"
    run = bench.ended(run, within=60)
    assert (run.state, run.attempt, run.error) == ("done", 1, "")
    assert bench.ended(bench.begin("sleep", seconds=0.1)).state == "done"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_host_lost_three_times_is_no_death_of_the_run(bench: Bench) -> None:
    run = bench.begin("steps", steps=100)
    for attempt in (1, 2, 3):
        bench.running(run, attempt)
        bench.host().kill()
    run = bench.ended(run, within=60)
    assert (run.state, run.attempt, run.error) == ("done", 4, "")
    assert deaths.known(bench.store, run) == []


# What is found is kept -----------------------------------------------------------------------------------------------


def test_failure_after_a_part_is_found_keeps_the_part(bench: Bench) -> None:
    run = bench.ended(bench.begin("parts", parts=["a", "b"], fail={"b": "memory"}))
    assert (run.state, run.attempt, run.result) == ("partial", 1, {"a": 1})
    assert run.error == (
        "There was not enough memory. Use fewer or smaller pictures, a smaller model or a smaller batch."
    )


def test_part_that_did_not_work_is_said_beside_the_others(bench: Bench) -> None:
    run = bench.ended(bench.begin("parts", parts=["a", "b", "c"], fail={"b": "trouble"}))
    assert (run.state, run.attempt, run.result) == ("partial", 1, {"a": 1, "c": 1})
    assert run.error == "The part b did not work."


def test_worker_killed_after_a_part_is_found_tries_only_the_rest(bench: Bench) -> None:
    run = bench.ended(bench.begin("parts", parts=["a", "b"], fail={"b": "kill"}))
    assert (run.state, run.attempt, run.result) == ("done", 2, {"a": 1, "b": 2})  # a is the first attempt's
    assert run.progress["began_with"] == ["a"]
    assert run.progress["note"] == (
        "The worker was lost while training; this is attempt 2, after what was found before."
    )


def test_worker_killed_twice_leaves_what_it_found(bench: Bench) -> None:
    run = bench.ended(bench.begin("parts", parts=["a", "b", "c"], fail={"b": "kill"}, always=True))
    assert (run.state, run.attempt, run.result) == ("partial", 3, {"a": 1})
    assert run.error == "Its worker ended with signal 9, twice."


def test_stop_before_anything_is_found_says_so(bench: Bench) -> None:
    run = bench.running(bench.begin("give_up"))
    bench.engine.stop(run.id)
    run = bench.ended(run)
    assert (run.state, run.error, run.result) == ("stopped", "Stopped before there was anything to keep.", {})


@pytest.mark.parametrize("failure", ["memory", "trouble"])
def test_run_reopened_tries_what_failed_under_the_same_key(bench: Bench, failure: str) -> None:
    """At once after its end, when the scheduler may still hold the key of the attempt before."""
    run = bench.ended(bench.begin("parts", parts=["a", "b"], fail={"b": failure}))
    assert run.state == "partial"
    begin = time.monotonic()
    assert bench.store.reopen(run.id) and bench.engine.submit(run.id)
    again = bench.ended(run)
    assert (again.state, again.attempt, again.error, again.result) == ("done", 1, "", {"a": 1, "b": 1})
    assert again.progress["began_with"] == ["a"]
    assert time.monotonic() - begin < promised(6), "it had to wait for the reconciler more than once"


def test_run_sent_again_as_its_attempt_before_ends_is_not_taken_for_that(bench: Bench) -> None:
    run = bench.ended(bench.begin("parts", parts=["a", "b"], fail={"b": "memory"}))
    client = bench.engine._connection.client()
    done = client.submit(int, key=run.id, pure=False)  # the scheduler holds the key as done
    done.result(timeout=PATIENCE * 20)
    assert bench.store.reopen(run.id) and bench.engine.submit(run.id)
    del done
    again = bench.ended(run)
    assert (again.state, again.attempt, again.result) == ("done", 1, {"a": 1, "b": 1})


def test_reopened_run_that_is_stopped_in_the_queue_keeps_what_it_found(bench: Bench) -> None:
    run = bench.ended(bench.begin("parts", parts=["a", "b"], fail={"b": "memory"}))
    busy = bench.running(bench.begin("sleep", seconds=30))
    assert bench.store.reopen(run.id) and bench.engine.submit(run.id)
    bench.engine.stop(run.id)
    stopped = bench.store.get(run.id)
    assert (stopped.state, stopped.result) == ("stopped", {"a": 1})
    assert stopped.error == "Stopped before a worker took it up; what it had found before is kept."
    bench.engine.stop(busy.id)
    bench.ended(busy)


def test_stale_attempt_is_fenced(alone: Store) -> None:
    run = alone.create("sleep", {"seconds": 9}, title="fenced")
    old = alone.claim(run.id, worker="old")
    assert old
    with LiveReport(alone, old) as report:
        new = alone.claim(run.id, worker="new")
        assert new and new.attempt == 2
        report.update(epoch=99)
        eventually(lambda: report.lost, within=2)
        assert report.should_stop
    assert not alone.finish(old, "done", result={"old": True})
    assert "epoch" not in alone.get(run.id).progress
    assert alone.finish(new, "done", result={"new": True})


def test_job_that_does_not_hear_of_its_loss_is_abandoned(alone: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnn_core.store.report.LOST", 0.1)
    abandoned: list[bool] = []
    run = alone.claim(alone.create("sleep", {"seconds": 9}, title="lost").id, worker="w")
    assert run
    with LiveReport(alone, run, abandon=lambda: abandoned.append(True)):
        assert alone.end(run, "stopped", "from outside")
        eventually(lambda: abandoned, within=3)


def test_report_refuses_what_is_not_json_in_the_job(alone: Store) -> None:
    run = alone.claim(alone.create("sleep", {}, title="odd").id, worker="w")
    assert run
    with LiveReport(alone, run) as report, pytest.raises(TypeError, match="JSON has no word for"):
        report.update(model=object())


def test_client_killed_leaves_its_run_going(bench: Bench) -> None:
    program = (
        "import os, sys; from cnn_core.engine.client import Engine; from cnn_core.store.runs import Store\n"
        "store = Store(sys.argv[1]); run = store.create('sleep', {'seconds': 1.5}, title='orphan')\n"
        "engine = Engine(store); engine.submit(run.id)\n"
        "import time\nwhile store.get(run.id).state != 'running': time.sleep(0.02)\n"
        "print(run.id, flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", program, bench.store.location]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == -9, child.stderr
    run = bench.ended(bench.store.get(child.stdout.strip()))
    assert (run.state, run.attempt) == ("done", 1)


def test_forgotten_run_is_sent_again(bench: Bench) -> None:
    run = bench.begin("sleep", submit=False, seconds=0.1)
    assert (bench.ended(run, within=8).state) == "done"


def test_silent_run_fails_and_its_worker_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnn_core.engine.connection.PROBE", 1.0)
    run = bench.running(bench.begin("stuck"))
    process = psutil.Process(run.progress["pid"])
    process.suspend()  # neither heartbeats nor its event loop go on

    def given_up() -> bool:
        reconcile(bench.engine, bench.store, silence=1.0)
        return not bench.store.glance(run.id).live

    eventually(given_up)
    run = bench.store.get(run.id)
    assert run.state == "failed"
    assert run.error == "The worker gave no sign of life for 1 s and was ended. Start the run again."
    eventually(lambda: not process.is_running(), within=8)


def test_host_killed_is_restarted_and_the_run_finishes(bench: Bench) -> None:
    run = bench.running(bench.begin("sleep", seconds=300, again=0.1))
    host = bench.host()
    workers = host.children(recursive=True)
    host.kill()
    with ThreadPoolExecutor() as pool:  # a question asked meanwhile fails in words or is answered, but does not hang
        asked = pool.submit(lambda: bench.engine.ask("double", 4, timeout=20))
        run = bench.ended(run)
        assert asked.exception(timeout=PATIENCE * 20) is None or "engine" in str(asked.exception())
    assert (run.state, run.attempt) == ("done", 2)
    assert bench.host().pid != host.pid
    eventually(lambda: not any(worker.is_running() for worker in workers))
    assert bench.engine.ask("double", 4) == 8


def test_address_file_is_private(bench: Bench) -> None:
    file = address.state_folder(bench.store) / "engine.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert bench.engine.ask("double", 4) == 8  # a host that has only just shown itself listens to nobody yet
    family = [bench.host(), *bench.host().children(recursive=True)]
    listening = [c.laddr.ip for process in family for c in process.net_connections() if c.status == "LISTEN"]
    assert listening and set(listening) == {"127.0.0.1"}
