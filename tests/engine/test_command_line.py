"""Runs of the command line: carried out there and nowhere else, also while an engine works on the same store."""

import contextlib
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cnn_core import __main__ as program
from cnn_core.engine.address import ROOT
from cnn_core.engine.here import RunTaken, carry_out, shortfall
from cnn_core.store.records import COMMAND_LINE
from cnn_core.store.runs import Store
from tests.waiting import PATIENCE, eventually

from .conftest import Bench

pytestmark = pytest.mark.filterwarnings("error")

CARRY_OUT = (
    "import sys, json\n"
    "from cnn_core.engine.here import carry_out\n"
    "from cnn_core.store.runs import Store\n"
    "run = carry_out(Store(sys.argv[1]), 'sleep', {'seconds': float(sys.argv[2])}, title='at the command line')\n"
    "print(json.dumps([run.id, run.state, run.result, run.environment]))\n"
)


@pytest.fixture
def alone(tmp_path: Path, environment: None) -> Iterator[Store]:
    """A store that no engine serves."""
    store = Store(tmp_path)
    yield store
    store.close()


def test_run_is_done_and_returned(alone: Store) -> None:
    run = carry_out(alone, "parts", {"parts": ["a", "b"]}, "two parts")
    assert (run.state, run.carrier, run.attempt, run.result) == ("done", COMMAND_LINE, 1, {"a": 1, "b": 1})
    assert run.worker.startswith("command line, process ")
    assert shortfall(run) == ""


@pytest.mark.parametrize("spec", [{"by": "claim"}, {"by": "end"}, {"by": "end", "raises": True}])
def test_run_that_another_took_is_not_this_command_s(alone: Store, spec: dict[str, Any]) -> None:
    with pytest.raises(RunTaken) as caught:
        carry_out(alone, "taken", spec, "taken")
    run = alone.get(alone.recent()[0].id)
    assert str(caught.value) == (
        f"Run {run.id} was ended or taken over by another process while it was computed here, so its result is not "
        "this command's. Look at it in the app, or run the command again."
    )
    assert run.result == {}
    assert (run.state, run.error) == (("running", "") if spec["by"] == "claim" else ("failed", "Ended by another."))


@pytest.mark.parametrize("failure", ["memory", "trouble"])
def test_run_done_in_part_keeps_what_it_found(alone: Store, failure: str) -> None:
    run = carry_out(alone, "parts", {"parts": ["a", "b"], "fail": {"b": failure}}, "in part")
    assert (run.state, run.result) == ("partial", {"a": 1})
    assert shortfall(run) == run.error
    assert run.error.startswith("There was not enough memory" if failure == "memory" else "The part b did not work.")


def test_failure_before_anything_is_found_is_raised_and_kept_in_words(alone: Store) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        carry_out(alone, "fail", {"error": "value"}, "fails")
    with pytest.raises(TypeError, match="JSON has no word"):
        carry_out(alone, "not_json", {}, "no JSON")
    no_json, fails = alone.recent()
    assert fails.state == no_json.state == "failed"
    assert fails.error.endswith("do not fit. Details stand in the terminal where the command was given.")


@pytest.mark.parametrize(("kind", "words"), [("sleep", ""), ("give_up", "Stopped before there was anything to keep.")])
def test_stop_in_the_app_ends_the_command(alone: Store, kind: str, words: str) -> None:
    def stop() -> None:
        run = eventually(lambda: [run for run in alone.live() if run.attempt])[0]
        alone.request_stop(run.id)

    stopper = threading.Thread(target=stop)
    stopper.start()
    run = carry_out(alone, kind, {"seconds": 30}, "stopped")
    stopper.join()
    assert (run.state, run.error) == ("stopped", words)
    assert shortfall(run) == (words or "Stopped by somebody in the app; the figures are of what was learnt until then.")


def test_app_and_command_line_work_on_one_store(bench: Bench) -> None:
    """Longer than a heartbeat may be late, beside a host and two watchmen who look every second or three."""
    bench.engine.ask("double", 1)  # the engine is there
    command = [sys.executable, "-c", CARRY_OUT, bench.store.location, "7"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    own = eventually(lambda: [run for run in bench.store.live() if run.carrier == COMMAND_LINE and run.attempt])[0]
    assert bench.ended(bench.begin("sleep", seconds=0.3)).state == "done"  # the app's own run goes on meanwhile
    output, errors = child.communicate(timeout=PATIENCE * 40)
    assert child.returncode == 0, errors
    run_id, state, result, environment = json.loads(output)
    run = bench.store.get(own.id)
    assert (run_id, state) == (run.id, "done")
    assert (run.state, run.attempt, run.error) == ("done", 1, "")
    assert environment["pid"] == run.environment["pid"] == child.pid
    assert result == run.result and run.result["slept"] >= 7
    assert run.worker == f"command line, process {child.pid}"
    assert run.id not in bench.log


def test_stop_in_the_app_reaches_the_command_line(bench: Bench) -> None:
    command = [sys.executable, "-c", CARRY_OUT, bench.store.location, "30"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    own = eventually(lambda: [run for run in bench.store.live() if run.carrier == COMMAND_LINE and run.attempt])[0]
    bench.engine.stop(own.id)
    output, errors = child.communicate(timeout=PATIENCE * 10)
    assert child.returncode == 0, errors
    run = bench.store.get(own.id)
    assert (run.state, run.attempt, run.error) == ("stopped", 1, "")
    assert json.loads(output)[1:3] == ["stopped", run.result] and run.result["slept"] < 30


# The program ----------------------------------------------------------------------------------------------------------


def said_by(
    alone: Store, monkeypatch: pytest.MonkeyPatch, kind: str, spec: dict[str, Any]
) -> tuple[int, str, list[str]]:
    """Exit code, standard output and lines of standard error of a command that carries out this job."""

    def command(options: Any) -> str:
        run = carry_out(alone, kind, spec, "toy")
        options.shortfall = shortfall(run)
        return json.dumps(run.result)

    monkeypatch.setattr(program, "_architectures", command)
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = program.main(["architectures"])
    return code, output.getvalue(), errors.getvalue().splitlines()


def test_program_says_in_one_line_that_its_run_was_taken(alone: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    code, output, errors = said_by(alone, monkeypatch, "taken", {"by": "end"})
    assert (code, output, len(errors)) == (2, "", 1)
    assert errors[0].startswith("python -m cnn_core: Run ") and "was ended or taken over by another" in errors[0]


def test_program_shows_the_figures_of_a_run_done_in_part(alone: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"parts": ["a", "b"], "fail": {"b": "trouble"}}
    code, output, errors = said_by(alone, monkeypatch, "parts", spec)
    assert (code, json.loads(output)) == (1, {"a": 1})
    assert errors == ["python -m cnn_core: The part b did not work."]


def test_program_is_content_with_a_run_that_is_done(alone: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said_by(alone, monkeypatch, "parts", {"parts": ["a"]}) == (0, '{"a": 1}\n', [])


@pytest.mark.slow
def test_real_study_at_the_command_line_is_its_own_beside_an_engine(bench: Bench) -> None:
    bench.engine.ask("double", 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_STORE", bench.store.location)
        command = [sys.executable, "-m", "cnn_core", "study", "lenet", "--epochs", "1", "--json"]
        begin = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE * 100, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    run = bench.store.get(said["run"])
    assert (run.state, run.attempt, run.carrier) == ("done", 1, COMMAND_LINE), time.monotonic() - begin
    assert run.result and said == run.result | {"run": run.id, "spec": run.spec, "environment": run.environment}
