"""Model card and notebook of classes with hostile names: a Markdown reader finds our headings and tables, and words."""

import json
from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cnn_core.arithmetic.measures import Share
from cnn_core.networks.backbones import backbone
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.transfer import documents
from cnn_core.training.transfer.results import Answer, Arm, ClassFigures, Transfer
from cnn_core.training.transfer.spec import Options
from tests.hostile import NAMES

LITE = backbone("efficientnet_lite0")


def run_of(store: Store, name: str) -> Run:
    """A finished run in which a class, the set and a note have this name."""
    arm = Arm(
        Share(1, 1, 0.2, 1.0),
        ((1, 0), (0, 0)),
        (ClassFigures(name, 1.0, 1.0, 1.0, 1), ClassFigures("dog", 0.0, 0.0, 0.0, 0)),
        (Answer("d0", "0.png", name, name, 0.9, 0.9),),
        (),
        1,
        10,
        100,
        1000,
        {"training": 1.0},
    )
    found = Transfer((name, "dog"), {"train": 8, "validation": 2, "test": 1}, {"frozen": arm}, notes=(name,))
    items = [[f"d{number}", label, f"{number}.png", ""] for label in (name, "dog") for number in range(6)]
    run = store.create("transfer", {"items": items, "options": Options().to_json(), "source": name}, title=name)
    claimed = store.claim(run.id, "w")
    assert claimed
    about = {"keras": "3", "tensorflow": "2", "device": "CPU"}
    store.finish(claimed, "done", result=found.to_json(), environment=about)
    return store.get(run.id)


def read(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def lines(tokens: list[Token]) -> list[str]:
    """The text of every block, without our own marks."""
    return ["".join(each.content for each in token.children or ()) for token in tokens if token.type == "inline"]


def kinds(tokens: list[Token]) -> set[str]:
    """What there is beside text."""
    inside = {child.type for token in tokens for child in token.children or ()}
    return ({token.type for token in tokens} | inside) - {"text", "text_special", "softbreak", "inline"}


def same(text: str) -> str:
    return " ".join(text.replace("\u2060", "").split())


@pytest.mark.parametrize("name", NAMES)
def test_card_shows_the_names_and_keeps_its_form(shelf: Store, name: str) -> None:
    self_test = {"formats": [{"name": "onnx", "words": name, "passed": False}]}
    ordinary = read(
        documents.model_card(run_of(shelf, "cat"), "frozen", LITE, self_test | {"formats": [{"words": "x"}]})
    )
    tokens = read(documents.model_card(run_of(shelf, name), "frozen", LITE, self_test))
    assert [token.type for token in tokens] == [token.type for token in ordinary]
    assert kinds(tokens) == kinds(ordinary), "no link, no picture, no HTML"
    said = [same(line) for line in lines(tokens)]
    assert f"Model card: {same(name)}, dog" in said
    assert said.count(same(name)) == 3, "a note, a row of the table, a line of the self-test"
    assert any(line.endswith(f"arm frozen, from {same(name)}.") for line in said)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_shows_the_names(shelf: Store, name: str) -> None:
    cells: list[Any] = json.loads(documents.notebook(run_of(shelf, name), "frozen"))["cells"]
    tokens = read("".join(cells[0]["source"]))
    assert kinds(tokens) == {"heading_open", "heading_close", "paragraph_open", "paragraph_close", "code_inline"}
    assert same(lines(tokens)[0]) == f"{same(name)}, dog"
    assert not [
        cell for cell in cells if cell["cell_type"] == "code" and name in "".join(cell["source"]) and len(name) > 4
    ]


def test_card_reads_as_plain_text_too(shelf: Store) -> None:
    note, device = "1 picture left out: the same picture has two labels.", "CPU: Xeon, 2 cores"
    run = run_of(shelf, "cat")
    run = replace(
        run,
        result=replace(Transfer.from_json(run.result), notes=(note,)).to_json(),
        environment=run.environment | {"device": device},
    )
    words = "fine_tuned.keras: 10 of 10 answers the same, probabilities differ by at most 1.2e-07; within 1e-04."
    card = documents.model_card(run, "frozen", LITE, {"formats": [{"name": "keras", "words": words, "passed": True}]})
    assert f"- {note}\n" in card and f"; {device}.\n" in card and f"- {words}\n" in card
    assert "\\" not in card


def test_download_of_a_run_that_ended_before_it_wrote_its_versions(shelf: Store) -> None:
    run = replace(run_of(shelf, "cat"), environment={})
    assert documents.UNKNOWN in documents.model_card(run, "frozen", LITE)
    needed = documents.scripts(run, "frozen", LITE)["requirements.txt"].splitlines()
    assert "keras" in needed and "tensorflow" in needed, "without a version that nobody knows"


def test_card_of_random_weights_names_no_licence_of_pretrained_ones(shelf: Store) -> None:
    run = run_of(shelf, "cat")
    result = Transfer.from_json(run.result)
    run = replace(run, result=replace(result, arms={"scratch": result.arms["frozen"]}).to_json())
    card = documents.model_card(run, "scratch", LITE)
    assert "begun from random weights" in card and LITE.licence not in card and "pretrained weights" not in card
    assert f"The pretrained weights: {LITE.licence}." in documents.model_card(run_of(shelf, "cat"), "frozen", LITE)
