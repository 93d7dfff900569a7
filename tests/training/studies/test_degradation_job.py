"""Degradation: the verdict, a small run from end to end, stopping, and (slow) the defaults themselves."""

from typing import Any

import pytest
from studies_toys import Listening, carry_out

from cnn_core.store.runs import Run, Store
from cnn_core.training.studies.degradation_job import judge
from cnn_core.training.studies.published import ARMS
from cnn_core.training.studies.spec import Degradation

SMALL: dict[str, Any] = {"shallow_depth": 8, "deep_depth": 14, "width": 2, "epochs": 2, "seeds": 2, "batch_size": 512}


def _arms(**losses: list[float]) -> dict[str, Any]:
    def seeds(values: list[float]) -> list[dict[str, Any]]:
        return [
            {"seed": s, "complete": v > 0, "epochs": [{"train_loss": 9.0}, {"train_loss": v}]}
            for s, v in enumerate(values)
        ]

    return {arm: {"seeds": seeds(values)} for arm, values in losses.items()}


def test_verdict_asks_for_every_seed() -> None:
    arms = _arms(
        plain_shallow=[0.1, 0.2], plain_deep=[0.3, 0.3], residual_shallow=[0.05, 0.05], residual_deep=[0.04, 0.05]
    )
    assert judge(arms)["shown"] is True, "an equal residual loss is not above"
    worse = arms | _arms(residual_deep=[0.04, 0.06])
    assert judge(worse)["shown"] is False and [e["deep_above"] for e in judge(worse)["residual"]] == [False, True]
    assert judge(arms | _arms(plain_deep=[0.3, 0.2]))["shown"] is False, "equal is not above"


def test_verdict_leaves_out_what_is_not_complete() -> None:
    arms = _arms(plain_shallow=[0.1, 0.2], plain_deep=[0.3, 0.0], residual_shallow=[0.1])
    assert judge(arms)["shown"] is None
    assert judge(arms)["plain"] == [{"seed": 0, "shallow": 0.1, "deep": 0.3, "deep_above": True}]
    assert judge({}) == {"plain": [], "residual": [], "shown": None}


@pytest.fixture(scope="module")
def small(shelf: Store) -> tuple[Run, Listening]:
    report = Listening()
    return carry_out(shelf, "degradation", report, **SMALL), report


def test_every_arm_and_seed_has_its_curves(small: tuple[Run, Listening]) -> None:
    result = small[0].result
    assert tuple(result["arms"]) == ARMS
    for name, arm in result["arms"].items():
        assert arm["depth"] == (14 if name.endswith("deep") else 8) and arm["residual"] == name.startswith("residual")
        assert [entry["seed"] for entry in arm["seeds"]] == [0, 1]
        for entry in arm["seeds"]:
            assert entry["complete"] and [epoch["epoch"] for epoch in entry["epochs"]] == [1, 2]
            for epoch in entry["epochs"]:
                assert epoch["train_loss"] > 0 and 0 <= epoch["train_error"] <= 1 and 0 <= epoch["test_error"] <= 1
    assert result["verdict"]["shown"] in (True, False) and result["pictures"] == {"train": 1438, "test": 359}
    params = {
        kind: [result["arms"][f"{kind}_{d}"]["trainable_params"] for d in ("shallow", "deep")]
        for kind in ("plain", "residual")
    }
    assert params["plain"] == params["residual"], "only the additions differ"


def test_progress_rises_to_one_and_shows_the_curves(small: tuple[Run, Listening]) -> None:
    run, report = small
    assert report.fractions == sorted(report.fractions) and report.fractions[-1] == 1.0
    assert report.fractions[-2] == pytest.approx(1.0), "the last batch is the end"
    assert report.progress["curves"] == run.result["arms"]
    assert run.environment["seed"] == 0 and "tensorflow" in run.environment


def test_a_stopped_run_keeps_what_was_learnt(shelf: Store) -> None:
    # In the middle of the second network's only epoch.
    options = SMALL | {"epochs": 1, "batch_size": 128}
    stop = Listening(lambda progress: progress.get("arm") == "plain_deep" and progress["fraction"] > 0.15)
    run = carry_out(shelf, "degradation", stop, **options)
    assert run.state == "stopped" and list(run.result["arms"]) == ["plain_shallow", "plain_deep"]
    assert run.result["arms"]["plain_shallow"]["seeds"][0]["complete"]
    assert run.result["arms"]["plain_deep"]["seeds"][0] == {"seed": 0, "complete": False, "error": "", "epochs": []}
    assert run.result["verdict"]["shown"] is None


def test_loss_that_is_no_number_is_told_and_the_other_nets_go_on(shelf: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnn_core.training.studies import degradation_job as degradation
    from cnn_core.training.transfer.training import Diverged

    class Toy:
        """A trainer whose deep plain net diverges."""

        def __init__(self, build: Any, optimizer: Any) -> None:
            self.model = build()

        def start(self, seed: int) -> None:
            self.seed = seed

        def epoch(self, batches: Any, listen: Any) -> Any:
            if self.model.name == "cifar_plain14":
                raise Diverged("The loss became inf at step 3 of an epoch. Choose a lower learning rate.")
            return degradation_epoch

        def error(self, pictures: Any, labels: Any) -> float:
            return 0.5

    from cnn_core.training.studies.training import Epoch

    degradation_epoch = Epoch(1.0, 0.5)
    monkeypatch.setattr(degradation, "Trainer", Toy)
    result = carry_out(shelf, "degradation", Listening(), **SMALL | {"seeds": 1}).result
    assert result["arms"]["plain_deep"]["seeds"][0]["error"].startswith("The loss became inf")
    assert result["arms"]["residual_deep"]["seeds"][0]["complete"] and result["verdict"]["plain"] == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_defaults_show_degradation_in_every_seed_within_ten_minutes(shelf: Store) -> None:
    result = carry_out(shelf, "degradation", Listening()).result
    verdict = result["verdict"]
    assert [entry["seed"] for entry in verdict["plain"]] == list(Degradation().seed_list())
    assert all(entry["deep"] > entry["shallow"] for entry in verdict["plain"]), verdict
    assert all(entry["deep"] <= entry["shallow"] for entry in verdict["residual"]), verdict
    assert result["seconds"] < 600, f"{result['seconds']} s"
