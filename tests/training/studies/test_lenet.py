"""What a LeNet-5 run found: JSON, version 0.1, its row and curve of a comparison."""

import json
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from studies_toys import VERSION_01

from cnn_core.arithmetic.measures import Accuracy, Curve, Share
from cnn_core.training.studies.lenet import STUDY, BatchFigures, LeNet, LeNetResult, expected_seconds, seen_words
from cnn_core.training.studies.published import shipped
from cnn_core.training.studies.repeats import EpochFigures

SHIPPED = shipped(STUDY).result


def test_result_survives_json() -> None:
    assert LeNetResult.from_json(json.loads(json.dumps(SHIPPED.to_json()))) == SHIPPED
    begun = LeNetResult(batches=(BatchFigures(0.1, 2.3, 0.9),))
    assert LeNetResult.from_json(json.loads(json.dumps(begun.to_json()))) == begun, "a run that has only begun"


def test_result_of_version_01_is_read() -> None:
    values = json.loads((VERSION_01 / "lenet.json").read_text())
    result = LeNetResult.from_json(values)
    assert result.accuracy == Share(values["correct"], values["total"], *values["test_interval"])
    assert result.batches[0] == BatchFigures(*values["batches"][0])
    assert [list(map(list, kernels[0])) for kernels in result.kernels] == [kernels[0] for kernels in values["kernels"]]
    assert [(e.digit, e.said) for e in result.errors] == [(e["digit"], e["said"]) for e in values["errors"]]
    assert result.seconds == values["seconds"] and result.params == 61_706


def test_comparison_has_one_row_and_one_line() -> None:
    epochs = tuple(EpochFigures(n, 0.5, 0.2, 1 / 2**n, 1.0) for n in (1, 2))
    result = LeNetResult(epochs, accuracy=Share(17, 20, 0.7, 0.9), seconds=3.0)
    assert result.accuracies() == [Accuracy("LeNet-5", 0.85, 0.7, 0.9)]
    assert result.curves() == [Curve("LeNet-5", (1, 2), (0.5, 0.75))]
    assert result.lines() == ["17 of 20 test digits right, in 3 s"]
    untested = replace(result, accuracy=None, epochs=())
    assert untested.accuracies() == untested.curves() == [] and untested.lines() == ["It was not tested."]


@given(
    st.integers(0, 9),
    st.dictionaries(st.integers(0, 9), st.floats(0, 9) | st.just(math.nan), min_size=1),
    st.floats(0, 5) | st.just(math.nan),
)
def test_answer_is_only_as_good_as_what_was_seen(said: int, seen: dict[int, float], usual: float) -> None:
    told = seen_words(said, seen, usual)
    if told.endswith("as well."):
        assert seen[said] == min(seen.values()) <= usual, "the most alike is what it reads, and alike enough"


def test_words_for_a_drawing_that_is_new() -> None:
    assert seen_words(2, {2: 3.0, 8: 2.5}, 1.6).startswith("**It has seen nothing quite like yours**: even the most")
    assert "an 8" in seen_words(2, {2: 3.0, 8: 2.5}, 1.6)
    assert seen_words(2, {2: 1.5, 7: 1.2}, 1.6).endswith("is **a 7**: doubt its answer.")


def test_cost_is_in_proportion_to_the_epochs() -> None:
    assert expected_seconds(LeNet(epochs=30)) == 2 * expected_seconds(LeNet()) == 2 * shipped(STUDY).provenance.seconds
