"""Where the laboratory shows what: a line a study, under its key. Each view is imported when it is looked at.

A page that shows one view need not wait for the others.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from cnn_core.training.lab.studies import STUDIES
from ui.shared.stage import Room, Step


@dataclass(frozen=True)
class View:
    """One view.

    Attributes:
        name: In links.
        title: On the way through the page.
        module: With its function.
        function: Draws it into a room.
        task: What to try.
    """

    name: str
    title: str
    module: str
    function: str
    task: str = ""

    def show(self, room: Room) -> bool | None:
        """Import and draw it; true if its task has just been done."""
        function: Callable[[Room], bool | None] = getattr(importlib.import_module(self.module), self.function)
        return function(room)

    def step(self, question: str) -> Step:
        """Return it as a step of the page."""
        return Step(self.title, question, self.show, self.task)


VIEWS = {
    "depth": View(
        "Depth",
        "What to freeze",
        "ui.laboratory.depth",
        "depth",
        "Measure it on pictures of your own: does your answer lie as deep as that for clothing?",
    ),
    "size": View(
        "Pictures",
        "How many pictures",
        "ui.laboratory.size",
        "size",
        "Measure it on pictures of your own, and read off whether taking twice as many would pay.",
    ),
    "recipes": View(
        "Recipes",
        "Which recipe",
        "ui.laboratory.recipes",
        "recipes",
        "Measure two recipes on pictures of your own: which would you never use again?",
    ),
    "sabotage": View(
        "Preprocessing",
        "Wrong preprocessing",
        "ui.laboratory.sabotage",
        "sabotage",
        "Measure it on pictures of your own: which mistake would you not even notice?",
    ),
    "backbones": View("Backbones", "Which network", "ui.laboratory.backbones", "backbones"),
    "labels": View(
        "Data",
        "Are the labels right?",
        "ui.laboratory.data",
        "data",
        "Measure it on your pictures, and decide on one suspect: move it, remove it, or keep it.",
    ),
    "augmentation": View(
        "Augmentation",
        "Altered copies",
        "ui.laboratory.augmentation",
        "augmentation",
        "Choose the copies that would ruin a set of letters and digits.",
    ),
}
VIEW_OF = {key: view.name for key, view in VIEWS.items()}
RUNS = View("Runs", "All my runs", "ui.laboratory.kept", "kept")  # no study, but all of them
STEPS = {view.name: view.step(STUDIES[key].question) for key, view in VIEWS.items()}
STEPS[RUNS.name] = RUNS.step("What have I measured so far?")
