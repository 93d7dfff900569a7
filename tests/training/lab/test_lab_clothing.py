"""The issue's figures, on real photos: clothing5 beside the checkout."""

import argparse
import json
from pathlib import Path

import pytest

from cnn_core.training.lab.commands import add_commands

CLOTHING = Path(__file__).resolve().parents[4] / "shared" / "data" / "clothing5" / "train"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not CLOTHING.is_dir(), reason="the photos of clothing5 are not at ../shared/data/clothing5"),
]


def study(*arguments: str) -> dict:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    options = parser.parse_args(["lab", arguments[0], str(CLOTHING), "--json", *arguments[1:]])
    return dict(json.loads(options.command(options)))


def test_probe_accuracy_rises_with_depth() -> None:
    result = study("depth", "--frozen-blocks", "-2", "--training-splits", "2", "--epochs", "1")
    means = [stage["accuracy"]["mean"] for stage in result["stages"]]
    assert means == sorted(means) and means[0] < 0.6 and means[-1] > 0.9, means
    first, last = result["stages"][0], result["stages"][-1]
    assert first["accuracy"]["high"] < last["accuracy"]["low"], "the intervals do not meet"


def test_wrong_preprocessing_loses_what_was_measured() -> None:
    entry = study("sabotage")["backbones"][0]
    loss = {figures["name"]: figures["loss"] for figures in entry["distortions"]}
    same = {figures["name"]: figures["agreement"] for figures in entry["distortions"] if figures["agreement"]}
    agreement = {name: share["correct"] / share["total"] for name, share in same.items()}
    assert loss["scaled_twice"]["points"] < -60 and loss["scaled_twice"]["p"] < 0.001
    assert loss["raw_range"]["points"] < -20 and loss["lying"]["points"] < -8
    assert agreement["scaled_twice"] < 0.05 and max(agreement.values()) < 0.9


def test_most_exchanged_labels_are_found() -> None:
    finding = study("labels", "--flip", "0.1")["finding"]
    found = {name: finding[name]["correct"] / finding[name]["total"] for name in ("recall", "precision")}
    assert finding["flipped"] == 30 and found["recall"] > 0.6 and found["precision"] > 0.7, finding


def test_trap_moves_statistics_and_the_fix_moves_none() -> None:
    result = study(
        "recipes",
        "--recipes",
        "rate_100,batchnorm_training",
        "--training-splits",
        "1",
        "--epochs",
        "2",
        "--unfreeze-blocks",
        "3",
    )
    entries = {entry["name"]: entry for entry in result["recipes"]}
    assert max(entries["head_first"]["statistics_drift"]) == max(entries["rate_100"]["statistics_drift"]) == 0
    assert min(entries["batchnorm_training"]["statistics_drift"]) > 0
    assert max(entries["rate_100"]["distances"]) > 20 * max(entries["head_first"]["distances"])
