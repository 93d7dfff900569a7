"""Degradation: a small run from end to end, stopping, going on, and (slow) the defaults themselves."""

from typing import Any

import pytest
from studies_toys import carry_on, carry_out

from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.loop import Diverged
from cnn_core.training.studies import degradation_job
from cnn_core.training.studies.degradation import ARMS, Degradation, DegradationResult
from cnn_core.training.studies.training import Epoch
from tests.reports import FakeReport

SMALL: dict[str, Any] = {"shallow_depth": 8, "deep_depth": 14, "width": 2, "epochs": 2, "seeds": 2, "batch_size": 512}


@pytest.fixture(scope="module")
def small(shelf: Store) -> tuple[Run, FakeReport]:
    report = FakeReport()
    return carry_out(shelf, "degradation", report, **SMALL), report


def test_every_arm_and_seed_has_its_curves(small: tuple[Run, FakeReport]) -> None:
    result = DegradationResult.from_json(small[0].result)
    assert tuple(result.arms) == ARMS
    for name, arm in result.arms.items():
        assert arm.depth == (14 if name.endswith("deep") else 8) and arm.residual == name.startswith("residual")
        assert [entry.seed for entry in arm.seeds] == [0, 1]
        for entry in arm.seeds:
            assert entry.complete and [epoch.epoch for epoch in entry.epochs] == [1, 2]
            for epoch in entry.epochs:
                assert epoch.train_loss > 0 and 0 <= epoch.train_error <= 1 and 0 <= epoch.test_error <= 1
        assert arm.accuracy and arm.accuracy.value == pytest.approx(sum(arm.last_accuracies) / 2, abs=1 / 359)
    assert result.verdict.shown is None and set(result.verdict.in_vain) >= {"residual_deep"}, "two epochs are too few"
    assert (result.pictures.train, result.pictures.test) == (1438, 359)
    params = {
        kind: [result.arms[f"{kind}_{depth}"].trainable_params for depth in ("shallow", "deep")]
        for kind in ("plain", "residual")
    }
    assert params["plain"] == params["residual"], "only the additions differ"


def test_progress_rises_to_one_and_shows_the_curves(small: tuple[Run, FakeReport]) -> None:
    run, report = small
    assert report.fractions == sorted(report.fractions) and report.fractions[-1] == 1.0
    assert report.fractions[-2] == pytest.approx(1.0), "the last batch is the end"
    assert report.progress["so_far"]["arms"] == run.result["arms"]
    assert run.environment["seed"] == 0 and "tensorflow" in run.environment
    assert len(report.kept) == 8, "each net is kept as soon as it has ended"


@pytest.mark.slow
def test_a_stopped_run_keeps_what_was_learnt_and_goes_on_from_it(shelf: Store) -> None:
    # In the middle of the second network's only epoch.
    options = SMALL | {"epochs": 1, "batch_size": 128, "seeds": 1}
    stop = FakeReport(lambda progress: progress.get("arm") == "plain_deep" and progress["fraction"] > 0.3)
    run = carry_out(shelf, "degradation", stop, **options)
    before = DegradationResult.from_json(run.result)
    assert run.state == "stopped" and list(before.arms) == ["plain_shallow", "plain_deep"]
    assert before.arms["plain_shallow"].seeds[0].complete
    (unfinished,) = before.arms["plain_deep"].seeds
    assert (unfinished.seed, unfinished.complete, unfinished.error, unfinished.epochs) == (0, False, "", ())
    assert before.verdict.shown is None

    assert shelf.reopen(run.id)
    report = FakeReport()
    after = DegradationResult.from_json(carry_on(shelf, run.id, report).result)
    assert after.arms["plain_shallow"] == before.arms["plain_shallow"], "what had ended is not trained again"
    assert [told["arm"] for told in report.told if told.get("phase") == "training"] == list(ARMS[1:])
    assert all(len(arm.seeds) == 1 and arm.seeds[0].complete for arm in after.arms.values())
    assert report.fractions[1] > report.fractions[0] == 0 and after.seconds > before.seconds


def test_loss_that_is_no_number_is_told_and_the_other_nets_go_on(shelf: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Toy:
        """A trainer whose deep plain net diverges."""

        def __init__(self, build: Any, optimizer: Any) -> None:
            self.model = build()

        def start(self, seed: int) -> None:
            self.seed = seed

        def epoch(self, batches: Any, listen: Any) -> Any:
            if self.model.name == "cifar_plain14":
                raise Diverged("The loss became inf at step 3 of an epoch. Choose a lower learning rate.")
            return Epoch(1.0, 0.5)

        def error(self, pictures: Any, labels: Any) -> float:
            return 0.5

    monkeypatch.setattr(degradation_job, "Trainer", Toy)
    run = carry_out(shelf, "degradation", FakeReport(), **SMALL | {"seeds": 1})
    result = DegradationResult.from_json(run.result)
    assert result.arms["plain_deep"].seeds[0].error.startswith("The loss became inf")
    assert result.arms["residual_deep"].seeds[0].complete and result.verdict.plain == ()
    assert run.state == "done", "that a net diverges is a result"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_defaults_show_degradation_in_every_seed_within_ten_minutes(shelf: Store) -> None:
    result = DegradationResult.from_json(carry_out(shelf, "degradation", FakeReport()).result)
    verdict = result.verdict
    assert [pair.seed for pair in verdict.plain] == list(Degradation().seed_list)
    assert all(pair.deep > pair.shallow for pair in verdict.plain), verdict
    assert all(pair.deep <= pair.shallow for pair in verdict.residual), verdict
    assert result.seconds < 600, f"{result.seconds} s"
