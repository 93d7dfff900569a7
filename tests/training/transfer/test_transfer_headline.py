"""The sentence with which a result begins: of one, two and three arms, and never more than the pictures can tell."""

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_core.arithmetic.measures import PairedAnswers, Share, wilson
from cnn_core.training.transfer.headline import headline, missing
from cnn_core.training.transfer.published import CLOTHING
from cnn_core.training.transfer.results import Answer, Arm, ClassFigures, EpochFigures, Transfer

README = Path(__file__).parents[3] / "README.md"


def shares(**correct: int) -> dict[str, Share]:
    return {name: wilson(number, 60) for name, number in correct.items()}


def pair(better: str, worse: str, p: float) -> PairedAnswers:
    return PairedAnswers(better, worse, 5, 1, p)


NEAR = pair("fine_tuned", "frozen", 1.0)
FAR = [pair("fine_tuned", "scratch", 1e-6), pair("frozen", "scratch", 1e-6)]


@pytest.mark.parametrize(
    ("arms", "compared", "said"),
    [
        ({"frozen": 57}, [], "57 of 60 right"),
        ({"frozen": 57, "fine_tuned": 57}, [], "57 and 57 of 60: a tie"),
        ({"frozen": 57, "fine_tuned": 58}, [NEAR], "57 and 58 of 60: too close to call"),
        (
            {"frozen": 40, "fine_tuned": 58},
            [pair("fine_tuned", "frozen", 0.001)],
            "40 and 58 of 60: fine-tuned is ahead of frozen",
        ),
        ({"scratch": 55, "frozen": 57, "fine_tuned": 58}, [NEAR], "55, 57 and 58 of 60: too close to call"),
        (
            {"scratch": 17, "frozen": 57, "fine_tuned": 58},
            [NEAR, *FAR],
            "17, 57 and 58 of 60: fine-tuned and frozen are too close to call, from scratch is behind",
        ),
        (
            {"scratch": 17, "frozen": 40, "fine_tuned": 58},
            [pair("fine_tuned", "frozen", 0.001), *FAR],
            "17, 40 and 58 of 60: fine-tuned is ahead of frozen and from scratch",
        ),
    ],
)
def test_headline_says_what_the_pictures_can_tell(
    arms: dict[str, int], compared: list[PairedAnswers], said: str
) -> None:
    assert headline(shares(**arms), compared) == said


def test_headline_of_arms_that_know_no_more_than_guessing() -> None:
    told = headline(shares(frozen=20, fine_tuned=33), [pair("fine_tuned", "frozen", 1e-4)], chance=0.5)
    assert told == "20 and 33 of 60: not clearly better than guessing"
    assert headline(shares(frozen=20, fine_tuned=50), [pair("fine_tuned", "frozen", 1e-4)], chance=0.5).endswith(
        "fine-tuned is ahead of frozen"
    )


@given(
    st.lists(st.integers(0, 60), min_size=2, max_size=3),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.floats(0, 0.9),
)
def test_headline_calls_nobody_behind_whom_chance_may_have_put_there(
    right: list[int], values: list[float], chance: float
) -> None:
    names = ["scratch", "frozen", "fine_tuned"][: len(right)]
    found = {name: wilson(number, 60) for name, number in zip(names, right, strict=True)}
    compared = [PairedAnswers(a, b, 5, 1, p) for (a, b), p in zip(combinations(names, 2), values, strict=False)]
    said = headline(found, compared, chance)
    if "ahead of" in said or "behind" in said:
        assert min(pair.p for pair in compared) * len(compared) < 0.05, "Holm's first step"
        assert max(right) > min(right) and max(share.low for share in found.values()) > chance
    if chance and max(share.low for share in found.values()) <= chance:
        assert said.endswith("not clearly better than guessing")


def arm(*phases: str, stopped: bool = False) -> Arm:
    history = tuple(EpochFigures(phase, n, 1.0, 0.5, 0.5, 0.5, 0.5) for n, phase in enumerate(phases, 1))
    answer = Answer("d", "d.png", "cat", "cat", 0.9, 0.9)
    figures = ClassFigures("cat", 1.0, 1.0, 1.0, 1)
    return Arm(wilson(1, 1), ((1,),), (figures,), (answer,), history, 1, 1, 1, 1, {}, stopped)


def test_what_a_stop_has_cost_is_said_of_each_arm() -> None:
    found = Transfer(("cat",), {}, {"frozen": arm("head"), "fine_tuned": arm("head", "blocks", "blocks", stopped=True)})
    assert missing(found, ["frozen", "fine_tuned"], 10) == [
        "Fine-tuned was stopped after 2 of 10 epochs, and is measured as it was then."
    ]
    assert missing(found, ["scratch", "frozen", "fine_tuned"], 10)[0].startswith("From scratch is missing")
    failed = Transfer(("cat",), {}, {"frozen": arm("head")}, failed={"fine_tuned": "No memory."})
    assert missing(failed, ["frozen", "fine_tuned"], 10) == []


def test_published_example_is_what_the_readme_says() -> None:
    rows = {
        line.split("|")[1].split(",")[0].strip(): line for line in README.read_text("utf-8").splitlines() if "|" in line
    }
    frozen, tuned = rows["frozen"], rows["fine-tuned"]
    assert "57, 58, 58, 56, 57" in frozen and "6,405 of" in frozen and "1,958,533" in tuned and "24 s" in tuned
    assert CLOTHING.trained == {"frozen": 6405, "fine_tuned": 1_958_533}
    assert {name: (share.correct, share.total) for name, share in CLOTHING.shares.items()} == {
        "frozen": (57, 60),
        "fine_tuned": (57, 60),
    }
    assert all(f"{100 * CLOTHING.shares['frozen'].low:.1f} – " in row for row in (frozen, tuned))
