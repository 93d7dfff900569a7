"""What an experiment has found, as values: version 0.1 is read, verdicts are in words, and what is none is refused."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest

from cnn_core.arithmetic.measures import PairedAnswers, Share
from cnn_core.training.results import ResultUnreadable
from cnn_core.training.transfer.results import Transfer, _upgraded_pair

OLD = json.loads(Path(__file__).with_name("version_01.json").read_text(encoding="utf-8"))
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def found() -> Transfer:
    """What version 0.1 wrote for three arms, of which one had diverged; made by that version."""
    return Transfer.from_json(OLD)


def test_version_01_is_read_to_the_last_figure(found: Transfer) -> None:
    assert found.classes == ("brick", "grass", "gravel") and found.notes == () and found.seconds == OLD["seconds"]
    assert found.split_sizes == {"train": 12, "validation": 3, "test": 6}
    assert found.failed == {"scratch": "The loss became nan in epoch 1. Choose a lower learning rate."}
    assert list(found.arms) == ["frozen", "fine_tuned"]
    for name, arm in found.arms.items():
        old = OLD["arms"][name]
        assert arm.accuracy == Share(old["correct"], 6, *old["test_interval"])
        assert arm.accuracy.value == old["test_accuracy"]
        assert [list(row) for row in arm.confusion] == old["confusion"]
        assert [vars(row) | {"class": row.name} for row in arm.per_class] == [
            row | {"name": row["class"]} for row in old["per_class"]
        ]
        assert [vars(answer) for answer in arm.answers] == old["answers"]
        assert [vars(answer) for answer in arm.wrong] == old["wrong"]
        assert [vars(entry) for entry in arm.history] == old["history"]
        assert arm.seconds == old["seconds"] and arm.best_epoch == old["best_epoch"] and not arm.stopped
        assert arm.seconds["features"] == old["feature_seconds"] and arm.seconds["training"] == old["train_seconds"]
        assert (arm.trainable_params, arm.total_params) == (old["trainable_params"], old["total_params"])
    assert found.compared == (PairedAnswers("fine_tuned", "frozen", 1, 0, 1.0),)


def test_what_is_written_is_read_again(found: Transfer) -> None:
    written = json.loads(json.dumps(found.to_json()))
    assert written["version"] == 2 and "wrong" not in written["arms"]["frozen"], "what follows is not stored twice"
    assert Transfer.from_json(written) == found


def test_comparison_without_scipy_is_that_with_it() -> None:
    def answers(right: list[bool]) -> dict[str, Any]:
        return {"answers": [{"label": "a", "said": "a" if each else "b"} for each in right]}

    for only_first, only_second in [(0, 0), (1, 0), (7, 2), (3, 3), (15, 1), (900, 800)]:
        a = [True] * only_first + [False] * only_second + [True, False]
        b = [False] * only_first + [True] * only_second + [True, False]
        found = _upgraded_pair("a", "b", answers(a), answers(b))
        assert (found["only_first"], found["only_second"]) == (only_first, only_second)
        expected = binomtest(only_first, only_first + only_second).pvalue if only_first + only_second else 1.0
        assert found["p"] == pytest.approx(expected)


def damaged(**change: Any) -> dict[str, Any]:
    return Transfer.from_json(OLD).to_json() | change


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (damaged(version=3), "This result is of version 3, and this ConvScope reads those up to 2. Update it."),
        ({"version": 2, "split_sizes": {}}, "The run's result cannot be read as Transfer: it has no 'classes'."),
        ({"classes": []}, "The run's result cannot be read as Transfer: it has no 'arms'."),
    ],
)
def test_what_is_no_result_is_refused_with_the_reason(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ResultUnreadable) as refusal:
        Transfer.from_json(values)
    assert str(refusal.value) == message


def test_renamed_key_of_an_arm_is_an_error(found: Transfer) -> None:
    values = json.loads(json.dumps(found.to_json()))
    values["arms"]["frozen"]["correctness"] = values["arms"]["frozen"].pop("accuracy")
    with pytest.raises(ResultUnreadable, match="it has no 'accuracy'"):
        Transfer.from_json(values)


# In words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (
            PairedAnswers("fine_tuned", "frozen", 9, 0, 0.00390625),
            "Fine-tuned gets 9 pictures more right than frozen: chance alone would rarely do that (9 right only here, "
            "0 only there; McNemar's exact test, p = 0.0039).",
        ),
        (
            PairedAnswers("frozen", "scratch", 4, 3, 1.0),
            "Frozen gets 1 picture more right than from scratch: too few pictures to call it a difference (4 right "
            "only here, 3 only there; McNemar's exact test, p = 1).",
        ),
        (PairedAnswers("frozen", "scratch", 3, 3, 1.0), "Frozen and from scratch get equally many right."),
    ],
)
def test_verdict_says_who_won_and_whether_the_pictures_suffice(
    found: Transfer, pair: PairedAnswers, words: str
) -> None:
    assert replace(found, compared=(pair,)).verdicts() == [words]


def test_trouble_names_the_arms_that_failed(found: Transfer) -> None:
    assert found.trouble == "From scratch failed; what the others found is kept."
    both = replace(found, failed={"frozen": "a", "fine_tuned": "b"})
    assert both.trouble == "Frozen and fine-tuned failed; what the others found is kept."
    assert replace(found, failed={}).trouble == ""


def test_commonest_class_is_what_guessing_reaches(found: Transfer) -> None:
    assert found.chance == pytest.approx(1 / 3)
    assert replace(found, arms={}).chance == 0


def test_accuracies_and_curves_are_the_arms(found: Transfer) -> None:
    assert [(row.arm, row.value) for row in found.accuracies()] == [("frozen", 2 / 6), ("fine-tuned", 3 / 6)]
    assert all(row.low <= row.value <= row.high for row in found.accuracies())
    frozen, tuned = found.curves()
    assert (frozen.arm, frozen.epochs, tuned.epochs) == ("frozen", (1,), (1, 2))
    assert tuned.accuracy == tuple(entry["val_accuracy"] for entry in OLD["arms"]["fine_tuned"]["history"])


def test_reading_a_result_needs_neither_scipy_nor_keras() -> None:
    code = (
        "import json, sys; from cnn_core.training.transfer.results import Transfer; "
        "Transfer.from_json(json.load(sys.stdin)); "
        "heavy = {'scipy', 'sklearn', 'keras', 'tensorflow'} & sys.modules.keys(); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=json.dumps(OLD), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
