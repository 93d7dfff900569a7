"""Convnet against ViT: equal parameters, pictures and tuning; the control; stopping, going on; the command line."""

import argparse
import json
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student
from studies_toys import carry_on, carry_out

from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.loop import Diverged
from cnn_core.training.studies.commands import add_commands
from cnn_core.training.studies.digits import digits
from cnn_core.training.studies.inductive_bias import InductiveBiasResult
from cnn_core.training.studies.inductive_bias_job import balanced, convnet, permuted, small_vit
from cnn_core.training.studies.training import Trainer
from tests.reports import FakeReport


def test_networks_have_equal_parameters_within_two_per_cent() -> None:
    counts = convnet().count_params(), small_vit().count_params()
    assert abs(counts[0] - counts[1]) / max(counts) < 0.02, counts
    assert (
        convnet().count_params() == sum((9 * a + 1) * b for a, b in ((1, 24), (24, 40), (40, 44))) + (4 * 44 + 1) * 10
    )


def test_permutation_is_the_same_for_every_picture() -> None:
    natural, shuffled = digits(), permuted(digits())
    columns = {}
    for place in range(64):
        values = natural.train.reshape(-1, 64)[:, place]
        where = np.flatnonzero((shuffled.train.reshape(-1, 64) == values[:, None]).all(axis=0))
        assert len(where), f"pixel {place} is nowhere"
        columns[place] = where
    assert len({where[0] for where in columns.values() if len(where) == 1}) > 50
    assert np.array_equal(shuffled.test_labels, natural.test_labels)


def test_chosen_pictures_are_balanced_different_and_of_the_seed() -> None:
    labels = digits().train_labels
    chosen = balanced(labels, 53, np.random.default_rng(1))
    assert len(set(chosen)) == 53 and set(np.bincount(labels[chosen])) == {5, 6}
    assert not np.array_equal(chosen, balanced(labels, 53, np.random.default_rng(2)))


@pytest.fixture(scope="module")
def small(shelf: Store) -> tuple[Run, FakeReport]:
    report = FakeReport()
    options = {"sizes": (20,), "steps": 3, "seeds": 2, "learning_rates": (1e-3, 3e-3)}
    return carry_out(shelf, "inductive_bias", report, **options), report


def test_every_point_is_there_and_both_were_tuned_alike(small: tuple[Run, FakeReport]) -> None:
    run, report = small
    result = InductiveBiasResult.from_json(run.result)
    points = {(p.net, p.shuffled, p.size, p.seed) for p in result.points}
    assert len(points) == len(result.points) == 2 * 2 * 2
    tried = [(t.net, t.shuffled, t.learning_rate) for t in result.tuning]
    assert len(set(tried)) == len(tried) == 2 * 2 * 2
    for net, rates in result.learning_rates.items():
        for name, rate in rates.items():
            tries = [t for t in result.tuning if t.net == net and t.shuffled == (name == "shuffled")]
            best = max(t.validation_accuracy or 0.0 for t in tries)
            assert rate in [t.learning_rate for t in tries if t.validation_accuracy == best], (net, name)
    pictures = result.pictures
    assert (pictures.train, pictures.validation, pictures.test) == (1138, 300, 359)
    assert report.fractions == sorted(report.fractions) and report.fractions[-2] == pytest.approx(1.0)


def test_leads_come_with_their_intervals(small: tuple[Run, FakeReport]) -> None:
    result = InductiveBiasResult.from_json(small[0].result)
    assert [(lead.size, lead.shuffled, lead.seeds) for lead in result.leads] == [(20, False, 2), (20, True, 2)]
    accuracy = {(p.net, p.seed): p.test_accuracy for p in result.points if not p.shuffled}
    gaps = [accuracy["convnet", seed] - accuracy["vit", seed] for seed in (0, 1)]
    low, high = student.interval(0.95, 1, np.mean(gaps), np.std(gaps, ddof=1) / np.sqrt(2))
    lead = result.leads[0]
    assert lead.half == pytest.approx((high - low) / 2) and lead.mean == pytest.approx((low + high) / 2)
    assert [row.arm for row in result.accuracies()][:2] == ["convnet, 20 pictures", "vit, 20 pictures"]


OPTIONS: dict[str, Any] = {"sizes": (20, 40), "steps": 2, "seeds": 1, "learning_rates": (1e-3,), "shuffled": False}


@pytest.mark.slow
def test_stopped_run_keeps_its_points_and_goes_on_from_them(shelf: Store) -> None:
    stop = FakeReport(lambda progress: "so_far" in progress)
    run = carry_out(shelf, "inductive_bias", stop, **OPTIONS)
    before = InductiveBiasResult.from_json(run.result)
    assert run.state == "stopped" and [point.size for point in before.points] == [20]
    assert stop.kept[-1]["points"] == run.result["points"], "a point is kept as soon as it is there"
    assert shelf.reopen(run.id)
    report = FakeReport()
    after = InductiveBiasResult.from_json(carry_on(shelf, run.id, report).result)
    assert after.points[0] == before.points[0] and len(after.points) == 4 and after.tuning == before.tuning
    assert report.fractions[1] > 3 / 6, "two rates and a point were not tried again"
    assert after.seconds > before.seconds


@pytest.mark.slow
def test_point_that_diverges_is_told_and_the_others_are_measured(shelf: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    epoch = Trainer.epoch

    def diverging(self: Trainer, shown: Any, listen: Any) -> Any:
        shown = list(shown)
        if self.model.name == "small_vit" and sum(len(labels) for _, labels in shown) == 20:
            raise Diverged("The loss became nan at step 1 of an epoch. Choose a lower learning rate.")
        return epoch(self, iter(shown), listen)

    monkeypatch.setattr(Trainer, "epoch", diverging)
    run = carry_out(shelf, "inductive_bias", FakeReport(), **OPTIONS)
    assert run.state == "partial"
    assert run.error.startswith("vit, 20 pictures, natural, seed 0: The loss became nan at step 1")
    assert {(p["net"], p["size"]) for p in run.result["points"]} == {("convnet", 20), ("convnet", 40), ("vit", 40)}


def _asked(arguments: list[str]) -> str:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    options = parser.parse_args(arguments)
    answer: str = options.command(options)
    return answer


def test_command_line_gives_the_result_as_json() -> None:
    options = [
        "--sizes",
        "20",
        "--steps",
        "2",
        "--seeds",
        "1",
        "--learning-rates",
        "0.01",
        "--no-shuffled",
        "--seed",
        "5",
    ]
    said = json.loads(_asked(["study", "inductive_bias", "--json", *options]))
    assert said["spec"]["seed"] == 5 and said["spec"]["sizes"] == [20] and not said["spec"]["shuffled"]
    assert {(p["net"], p["seed"]) for p in said["points"]} == {("convnet", 5), ("vit", 5)}
    assert said["environment"]["seed"] == 5 and said["run"]
