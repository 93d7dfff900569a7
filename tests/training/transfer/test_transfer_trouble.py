"""An arm that fails costs nothing but itself, and another attempt trains only what is not there yet."""

import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from transfer_toys import attempt, carry_out

from cnn_core.engine.errors import MEMORY_WORDS
from cnn_core.pictures.items import Item
from cnn_core.store import keys
from cnn_core.store.runs import Store
from cnn_core.training import heads
from cnn_core.training.transfer import training
from cnn_core.training.transfer.results import Transfer
from tests.reports import FakeReport

SMALL: dict[str, Any] = {"epochs": 1, "batch_size": 6, "unfreeze_blocks": 1}
NO_MEMORY = f"The memory did not suffice. {MEMORY_WORDS}"


class ResourceExhaustedError(Exception):
    """Stands in for TensorFlow's, which is known by its name."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each part was trained."""
    found: Counter[str] = Counter()

    def counted(room: ModuleType, name: str) -> Callable[..., Any]:
        train = getattr(room, name)

        def count(*args: Any, **options: Any) -> Any:
            found[name] += 1
            return train(*args, **options)

        return count

    for room, name in ((heads, "fit_best"), (training, "fine_tuned"), (training, "scratch")):
        monkeypatch.setattr(room, name, counted(room, name))
    return found


def told(report: FakeReport) -> list[Transfer]:
    """What a run had found by then."""
    return [Transfer.from_json(known) for known in report.kept]


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **options: Any) -> Any:
        raise error

    return fail


def test_failing_arm_leaves_the_others_and_only_it_is_tried_again(
    shelf: Store, textures: tuple[Item, ...], calls: Counter[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "fine_tuned", failing(MemoryError()))
        first = carry_out(shelf, textures, arms=("frozen", "fine_tuned"), **SMALL)
    assert (first.run.state, first.run.error) == ("partial", "Fine-tuned failed; what the others found is kept.")
    assert list(first.arms) == ["frozen"] and first.result.failed == {"fine_tuned": NO_MEMORY}
    assert [list(known.arms) for known in told(first.report)] == [["frozen"], ["frozen"]]
    assert not told(first.report)[0].failed, "the frozen arm is a result before the other begins"
    assert first.environment["keras"] and calls == {"fit_best": 1}

    calls.clear()
    assert shelf.reopen(first.run.id)
    second = attempt(shelf, first.run.id)
    assert (second.run.state, second.run.error) == ("done", "")
    assert calls == {"fit_best": 1, "fine_tuned": 1}, "its head is needed again, and takes no time"
    assert second.arms["frozen"] == first.arms["frozen"] and second.result.failed == {}
    head = replace(second.arms["fine_tuned"].history[0], seconds=0.0)
    assert head == replace(first.arms["frozen"].history[0], seconds=0.0)
    assert len(second.result.compared) == 1 and second.result.seconds > first.result.seconds
    shown = second.report.progress["curves"]
    epochs = [entry["epoch"] for entry in shown["frozen"]["epochs"]]
    assert epochs == [entry.epoch for entry in first.arms["frozen"].history], "its curve is still shown"
    assert second.report.progress["features"]["computed"] == 0 and second.report.progress["fraction"] == 1.0


def test_what_an_attempt_had_found_survives_its_worker(
    shelf: Store, textures: tuple[Item, ...], calls: Counter[str]
) -> None:
    report = FakeReport()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "fine_tuned", failing(KeyboardInterrupt()))  # the worker is killed
        with pytest.raises(KeyboardInterrupt):
            carry_out(shelf, textures, report, arms=("frozen", "fine_tuned"), **SMALL)
    lost = shelf.live()[-1]
    (found,) = told(report)
    assert shelf.beat(lost, {}, found.to_json()) == "go on"
    calls.clear()
    second = attempt(shelf, lost.id)
    assert (second.run.state, second.run.attempt) == ("done", 2)
    assert calls == {"fit_best": 1, "fine_tuned": 1} and second.arms["frozen"] == found.arms["frozen"]


def test_figures_without_their_network_are_found_again(
    shelf: Store, textures: tuple[Item, ...], calls: Counter[str]
) -> None:
    first = carry_out(shelf, textures, arms=("frozen",), **SMALL)
    other = shelf.claim(shelf.create("transfer", first.run.spec, title="networks lost").id, "w")
    assert other
    shelf.beat(other, {}, first.result.to_json())
    calls.clear()
    assert attempt(shelf, other.id).run.state == "done" and calls["fit_best"] == 1


def test_arm_that_was_stopped_is_trained_to_its_end_later(shelf: Store, textures: tuple[Item, ...]) -> None:
    stop = FakeReport(lambda progress: bool(progress.get("curves", {}).get("frozen", {}).get("epochs")))
    first = carry_out(shelf, textures, stop, arms=("frozen",), epochs=3, batch_size=6)
    assert first.run.state == "stopped" and len(first.arms["frozen"].history) == 1 and first.arms["frozen"].stopped
    assert shelf.reopen(first.run.id)
    second = attempt(shelf, first.run.id)
    assert len(second.arms["frozen"].history) > 3 and not second.arms["frozen"].stopped


def test_failed_arm_gives_its_memory_back_before_the_next(
    shelf: Store, textures: tuple[Item, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[weakref.ref[Any]] = []

    class Maps:
        """Gigabytes."""

    def exhausted(*_: Any) -> Any:
        maps = Maps()
        kept.append(weakref.ref(maps))
        raise ResourceExhaustedError("OOM when allocating tensor")

    def looks(*_: Any) -> Any:
        assert kept[0]() is None, "still held"
        raise KeyError("layer")

    monkeypatch.setattr(training, "fine_tuned", exhausted)
    monkeypatch.setattr(training, "scratch", looks)
    outcome = carry_out(shelf, textures, arms=("frozen", "fine_tuned", "scratch"), **SMALL)
    assert outcome.run.error == "Fine-tuned and from scratch failed; what the others found is kept."
    assert outcome.result.failed == {
        "fine_tuned": NO_MEMORY,
        "scratch": "This arm failed with KeyError: 'layer'. Details are in engine.log; the app and other work go on.",
    }


def test_run_of_which_nothing_was_learnt_fails_with_the_reason(
    shelf: Store, textures: tuple[Item, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = FakeReport()
    monkeypatch.setattr(heads, "fit_best", failing(MemoryError("first")))
    with pytest.raises(MemoryError, match="first"):
        carry_out(shelf, textures, report, arms=("frozen", "fine_tuned"), **SMALL)
    assert all(not known.arms for known in told(report))


def test_whole_result_is_not_computed_again(shelf: Store, textures: tuple[Item, ...], calls: Counter[str]) -> None:
    """The worker died between the last arm and the end."""
    first = carry_out(shelf, textures, arms=("frozen",), **SMALL)
    run = shelf.create("transfer", first.run.spec, title="again")
    claimed = shelf.claim(run.id, "w")
    assert claimed
    shelf.write(keys.file(run.id, "frozen"), b"network")
    shelf.beat(claimed, {}, first.result.to_json())
    calls.clear()
    again = attempt(shelf, run.id)
    assert not calls and again.run.state == "done" and again.arms == first.arms
    assert Transfer.from_json(again.run.result).arms == first.arms
