"""Figures that show what readers call their pictures, classes and runs: the words are those, whatever is in them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from cnn_core.arithmetic.measures import Accuracy, Curve
from cnn_core.figures import comparison, data_look, home, transfer
from cnn_core.figures.drawing import Figure
from cnn_core.training.lab.labels import MapPoint
from tests.hostile import NAMES
from tests.looked_at import looked_at

OURS = re.compile(r"%\{[^}]*\}|<extra></extra>|<br>")  # templates that a figure itself has
ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}


def words(part: Any) -> Iterator[str]:
    """Every text of a figure that Plotly reads for tags and entities, without the figure's own."""
    if isinstance(part, str):
        yield OURS.sub("", part)
    elif isinstance(part, dict):
        for name, value in part.items():
            yield from () if name == "template" else words(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from words(value)


def shown(text: str) -> str:
    """A text as Plotly draws it, if it is markup nowhere."""
    assert "<" not in text and not re.search(r"\$[^$]*\$", text)
    return re.sub(r"&(#\d+|amp|lt|gt);", lambda e: chr(int(e[1][1:])) if e[1][0] == "#" else ENTITIES[e[1]], text)


def drawn(figure: Figure) -> list[str]:
    """Every text of a figure as it is drawn."""
    return [shown(text) for text in words(looked_at(figure).to_plotly_json())]


def cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


@pytest.mark.parametrize("name", NAMES)
def test_classes_are_words(name: str) -> None:
    short = cut(name, 14)
    confused = drawn(transfer.confusion([[3, 1], [0, 4]], (name, "dog"), "frozen"))
    assert confused.count(short) >= 2 + (short == name) and name in confused, "two axes, and in full under the pointer"
    answered = drawn(transfer.answers({"frozen": {name: 0.75, "dog": 0.25}}))
    assert short in answered and name in answered
    assert name in drawn(home.labels([{"label": name, "probability": 0.5}]))


@pytest.mark.parametrize("name", NAMES)
def test_pictures_and_their_classes_are_words_on_the_map(name: str) -> None:
    point = MapPoint("d", name, name, "dog", False, 0.1, (0.0, 0.0), (1.0, 1.0))
    texts = drawn(data_look.embedding_map([point], [name], "PCA"))
    assert name in texts and f"{name}: is {name}, judged dog" in texts


@pytest.mark.parametrize("name", NAMES)
def test_runs_are_words(name: str) -> None:
    assert cut(name, 40) in drawn(comparison.accuracies([(name, [Accuracy("frozen", 0.5, 0.4, 0.6)])]))
    assert f"{cut(name, 28)} · frozen" in drawn(comparison.curves([(name, [Curve("frozen", (1, 2), (0.5, 0.6))])]))
