"""Every question is quick, so that none waits behind anything longer: by what was measured, and by asking them all."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.questions import Call, calls
from cnn_core.engine import jobs
from cnn_core.engine.client import AskTimedOut
from cnn_core.networks.devices import import_keras
from cnn_core.store.runs import Store

from .conftest import Bench, answering

LOADED = 2.5  # times as long as alone, on a machine that does other things too; the best of ten tries


def too_slow(call: Call) -> str:
    """What is wrong with a question that has been asked before; empty if it is quick."""
    bound = LOADED * jobs.QUICK
    seconds = call.warm(tries=10, enough=bound)
    return "" if seconds <= bound else f"{call.question} ({call.about}): {seconds:.2f} s"


def test_every_question_was_measured_below_the_bound() -> None:
    assert set(jobs.WARM_MILLISECONDS) == set(jobs.QUESTIONS)
    assert {name: ms for name, ms in jobs.WARM_MILLISECONDS.items() if not 0 < ms <= 1000 * jobs.QUICK} == {}


def test_what_takes_longer_is_a_run() -> None:
    assert {"exports", "signals", "identity", "lab"} <= set(jobs.JOBS), "progress, Stop and a link"
    functions = set(jobs.QUESTIONS.values())
    assert not functions & set(jobs.JOBS.values())
    assert not [name for name in functions if "export" in name or "signals" in name or "sabotage" in name]


@pytest.mark.parametrize(("seconds", "verdict"), [(0.01, ""), (0.3, "double (toy): 0.3")])
def test_measure_finds_a_question_that_is_too_slow(
    monkeypatch: pytest.MonkeyPatch, environment: None, seconds: float, verdict: str
) -> None:
    monkeypatch.setattr(jobs, "QUICK", 0.1)
    found = too_slow(Call("double", "toy", (1, seconds)))
    assert found.startswith(verdict) and bool(found) == bool(verdict)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("questions"))
    yield store
    store.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_question_is_answered_within_the_bound(store: Store) -> None:
    import_keras()
    gc.collect()
    gc.freeze()  # as workers do
    asked, slow = set(), []
    for call in calls(store.location, networks=("resnet152", "vit_b16")):
        call.seconds(0)  # a network or a graph may be built
        asked.add(call.question)
        slow.append(too_slow(call))
    assert asked == set(jobs.QUESTIONS)
    assert list(filter(None, slow)) == []


def test_question_that_was_given_up_in_the_queue_is_not_computed(bench: Bench, tmp_path: Path) -> None:
    """Nobody waits for it any more: neither may those behind it."""
    assert bench.engine.ask("double", 1) == 2
    with answering(bench, tmp_path), pytest.raises(AskTimedOut):
        bench.engine.ask("note", str(tmp_path / "computed"), timeout=0.3)
    assert bench.engine.ask("double", 2) == 4
    assert not (tmp_path / "computed").exists()
    bench.engine.ask("note", str(tmp_path / "computed"))
    assert (tmp_path / "computed").exists(), "the note is written when somebody waits for it"
