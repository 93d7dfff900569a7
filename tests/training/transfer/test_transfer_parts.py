"""What a browser runs of a run's networks: parts that all share, the run's own, and what says that they agree."""

import hashlib
from typing import Any

import numpy as np
import pytest
from transfer_toys import Outcome

from cnn_core.networks.flatbuffer import Flatbuffer
from cnn_core.pictures import kept
from cnn_core.pictures.images import decode, square
from cnn_core.store import keys
from cnn_core.store.report import Stopped
from cnn_core.training.transfer import parts
from cnn_core.training.transfer.answers import NoModel, predict
from cnn_core.training.transfer.manifest import SHARED, live_manifest, part_bytes

ARMS = ["frozen", "fine_tuned", "scratch"]


@pytest.fixture(scope="module")
def made(outcome: Outcome) -> dict[str, Any]:
    return parts.make(outcome.store, outcome.run, ARMS)


def by_its_parts(outcome: Outcome, made: dict[str, Any], arm: str, seen: np.ndarray) -> np.ndarray:
    """Do what a browser does, by LiteRT's own interpreter and NumPy."""

    def data(name: str) -> bytes:
        return part_bytes(outcome.store, *made["parts"][name]["url"].split("/"))

    how, maps = made["arms"][arm], seen[None]
    for name in how["steps"]:
        maps = Flatbuffer(data(name))(maps)
    if "head" not in how:
        return np.asarray(maps[0])
    means, numbers = maps[0].mean(axis=(0, 1), dtype=np.float64), np.frombuffer(data(how["head"]), "<f4")
    kernel, bias = np.split(numbers.astype(np.float64), [len(means) * len(made["classes"])])
    logits = np.exp(means @ kernel.reshape(len(means), -1) + bias)
    return np.asarray(logits / logits.sum())


def test_frozen_arm_by_itself_is_the_whole_trunk_and_a_head(outcome: Outcome, made: dict[str, Any]) -> None:
    by_itself = parts.make(outcome.store, outcome.run, ["frozen"])
    assert by_itself["arms"]["frozen"]["steps"] == ["trunk"] and by_itself["parts"].keys() == {"trunk", "frozen-head"}
    seen = np.random.default_rng(1).integers(0, 256, (224, 224, 3)).astype(np.uint8)
    same = [by_its_parts(outcome, each, "frozen", seen) for each in (by_itself, made)]
    np.testing.assert_allclose(*same, atol=1e-6)
    parts.make(outcome.store, outcome.run, ARMS)


@pytest.mark.parametrize("arm", ARMS)
def test_parts_answer_as_the_server_does(outcome: Outcome, made: dict[str, Any], arm: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (240, 300, 3)).astype(np.uint8)
    said = by_its_parts(outcome, made, arm, square(pixels, made["size"], made["crop"]))
    expected = predict(outcome.run.id, pixels, location=outcome.store.location)[arm]
    np.testing.assert_allclose(said, [expected[name] for name in made["classes"]], atol=1e-5)


def test_what_was_not_trained_is_shared_and_the_rest_is_the_runs_own(outcome: Outcome, made: dict[str, Any]) -> None:
    assert made["arms"] == {
        "frozen": {"title": "Frozen", "steps": ["lower15", "above15"], "head": "frozen-head"},
        "fine_tuned": {"title": "Fine-tuned", "steps": ["lower15", "fine_tuned-upper"]},
        "scratch": {"title": "From scratch", "steps": ["scratch"]},
    }
    owners = {name: part["url"].partition("/")[0] for name, part in made["parts"].items()}
    mine = outcome.run.id
    assert owners == {
        "above15": SHARED, "frozen-head": mine, "lower15": SHARED, "fine_tuned-upper": mine, "scratch": mine,
    }  # fmt: skip
    for part in made["parts"].values():
        data = part_bytes(outcome.store, *part["url"].split("/"))
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (part["sha256"], part["bytes"])
    assert live_manifest(outcome.store, mine) == made


def test_ten_test_pictures_say_what_is_seen_and_expected(outcome: Outcome, made: dict[str, Any]) -> None:
    tested = {answer.digest for answer in outcome.arms["frozen"].answers}
    assert len(made["parity"]) == 10
    for picture in made["parity"]:
        pixels = decode(part_bytes(outcome.store, *picture["url"].split("/")), picture["name"]).pixels
        digest = picture["url"].partition("/")[2].partition(".")[0]
        assert digest in tested
        np.testing.assert_array_equal(pixels, kept.pixels(outcome.store, digest))
        seen = square(pixels, made["size"], made["crop"])
        assert hashlib.sha256(seen.tobytes()).hexdigest() == picture["seen"]
        assert picture["expected"].keys() == set(ARMS)
    answer = next(each for each in outcome.arms["scratch"].answers if each.digest == digest)
    said = dict(zip(made["classes"], picture["expected"]["scratch"], strict=True))
    assert said[answer.said] == pytest.approx(answer.probability, abs=1e-3)


def test_below_its_threshold_an_arm_was_in_one_of_twenty_answers_at_most(
    outcome: Outcome, made: dict[str, Any]
) -> None:
    for arm, least in made["threshold"].items():
        sure = [answer.probability for answer in outcome.arms[arm].answers]
        assert sum(p >= least for p in sure) >= 0.95 * len(sure) and least in sure


@pytest.mark.parametrize(
    ("of", "file"),
    [
        ("run", "manifest.json"),
        ("run", "other.tflite"),
        ("run", f"{'0' * 64}.png"),
        ("nobody", "scratch.tflite"),
        ("..", "secret.bin"),
        (SHARED, "../secret"),
        (SHARED, "other.tflite"),
    ],
)
def test_only_what_a_manifest_names_is_given(outcome: Outcome, made: dict[str, Any], of: str, file: str) -> None:
    outcome.store.write(keys.live(outcome.run.id, "other.tflite"), b"not named")
    with pytest.raises(FileNotFoundError):
        part_bytes(outcome.store, outcome.run.id if of == "run" else of, file)


def test_arm_without_a_network_is_named(outcome: Outcome) -> None:
    with pytest.raises(NoModel) as caught:
        parts.make(outcome.store, outcome.run, ["frozen", "other"])
    assert str(caught.value) == (
        f"Run {outcome.run.id} has no trained network 'other' to run in a browser. Choose another run."
    )


def test_it_tells_how_far_it_is_and_stops_between_arms(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float]] = []
    monkeypatch.setattr(parts._Making, "steps", lambda self, arm: parts.Steps((arm,)))

    def tell(phase: str, fraction: float) -> bool:
        told.append((phase, fraction))
        return len(told) > 1

    with pytest.raises(Stopped):
        parts.make(outcome.store, outcome.run, ["frozen", "scratch"], tell)
    assert told == [("converting, frozen", 0.0), ("converting, from scratch", 1 / 3)]
