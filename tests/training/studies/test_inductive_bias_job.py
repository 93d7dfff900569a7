"""Convnet against ViT: equal parameters, equal pictures, equal tuning; the control; stopping. And the command line."""

import argparse
import json

import numpy as np
import pytest
from studies_toys import Listening, carry_out

from cnn_core.store.runs import Run, Store
from cnn_core.training.studies.commands import add_commands
from cnn_core.training.studies.digits import digits
from cnn_core.training.studies.inductive_bias_job import balanced, convnet, permuted, small_vit


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
def small(shelf: Store) -> tuple[Run, Listening]:
    report = Listening()
    options = {"sizes": (20,), "steps": 3, "seeds": 2, "learning_rates": (1e-3, 3e-3)}
    return carry_out(shelf, "inductive_bias", report, **options), report


def test_every_point_is_there_and_both_were_tuned_alike(small: tuple[Run, Listening]) -> None:
    run, report = small
    points = {(p["net"], p["shuffled"], p["size"], p["seed"]) for p in run.result["points"]}
    assert len(points) == len(run.result["points"]) == 2 * 2 * 2
    tried = [(t["net"], t["shuffled"], t["learning_rate"]) for t in run.result["tuning"]]
    assert len(set(tried)) == len(tried) == 2 * 2 * 2
    for net, rates in run.result["learning_rates"].items():
        for name, rate in rates.items():
            tries = [t for t in run.result["tuning"] if t["net"] == net and t["shuffled"] == (name == "shuffled")]
            best = max(t["validation_accuracy"] for t in tries)
            assert rate in [t["learning_rate"] for t in tries if t["validation_accuracy"] == best], (net, name)
    assert run.result["pictures"] == {"train": 1138, "validation": 300, "test": 359}
    assert report.fractions == sorted(report.fractions) and report.fractions[-2] == pytest.approx(1.0)


def test_stopped_run_keeps_its_points(shelf: Store) -> None:
    stop = Listening(lambda progress: len(progress.get("points", ())) == 1)
    run = carry_out(
        shelf, "inductive_bias", stop, sizes=(20, 40), steps=2, seeds=1, learning_rates=(1e-3,), shuffled=False
    )
    assert run.state == "stopped" and len(run.result["points"]) == 1 and run.result["points"][0]["size"] == 20


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
