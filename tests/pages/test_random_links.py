"""No link crashes a page: whatever its parameters say, what cannot be is said in a sentence and left out."""

import os
import random
from collections import defaultdict
from typing import Any

import pytest

from cnn_core.engine.errors import EngineError
from tests.pages.test_every_control import PAGES as LESSONS
from tests.pages.test_every_control import controls, steps_of

PAGES = ("home", "transfer", *LESSONS)
USUAL, MANY = 40, 150  # links a page, in every run of the tests and where there is time
SEED = os.environ.get("FUZZ_SEED", "")  # `make fuzz` looks at other links each time
ODD = ("", "0", "-1", "1e309", "nan", "1e-9", "9" * 21, "½", "٣", "true", "None", "<b>", "a b", "%00", "é" * 400)
ALWAYS = (
    "picture",
    "with",
    "run",
    "set",
    "embed",
    "present",
    "show",
    "list",
    "item",
    "class",
    "zoom",
    "follow",
    "tour",
)
OLD = tuple(f"architectures_{name}" for name in ("layer", "unit_channel", "unit_row", "unit_column"))  # still read
PLACES = [
    "-",
    "stem_relu6",
    "block3b_out.17",
    "stem_relu6.3.99.1",
    "stem_relu6.3.9.1",
    "top_out.1e9",
    "c1.1",
    ".",
    "...",
]
ASIDE = {  # what Share says besides the address
    "convolution": ("convolution_at", "convolution_map"),
    "pooling": ("pooling_at",),
    "channels": ("channels_at",),
    "architectures": ("architectures_at", "architectures_turned", *OLD),
}


def names_of(page_name: str, page: Any, steps: list[str]) -> dict[str, list[str]]:
    """The parameters that the controls of a page have, each with values that it knows."""
    found: dict[str, list[str]] = {f"{page_name}_view": steps} | {name: [] for name in ALWAYS}
    found |= {"present": ["1"], "show": ["stride", "kernel,stride", "why"], "zoom": PLACES}
    found |= {"follow": ["412.305", "0.0", "1000.1000", "1001.1", "5"], "tour": ["1", "10", "11"]}
    found |= {name: ["0,0", "2,3", "99,99", "c1", ",", "1,"] for name in ASIDE.get(page_name, ())}
    for step in steps or [""]:
        for control in controls(page(page_name, **({f"{page_name}_view": step} if step else {}))):
            if control.key:
                found.setdefault(control.key, [*map(str, getattr(control, "options", ())), "1", "2", "3"])
    return found


def crashes(page_name: str, page: Any, steps: list[str], count: int) -> list[dict[str, str]]:
    """Open so many random links; return those at which the page fails."""
    known, draw, failed = names_of(page_name, page, steps), random.Random(page_name + SEED), []
    for _ in range(count):
        chosen = draw.sample(sorted(known), draw.randint(1, min(5, len(known))))
        link = {name: draw.choice([*ODD, *known[name]] if known[name] else ODD) for name in chosen}
        if page(page_name, **link).exception:
            failed.append(link)
    return failed


@pytest.mark.parametrize("count", [USUAL, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("page_name", PAGES)
def test_no_link_crashes(page_name: str, count: int, page: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        steps = list(steps_of(page_name, patch)) if page_name in LESSONS else []
    engine.answers = defaultdict(lambda: EngineError("The engine is away."))
    assert crashes(page_name, page, steps, count) == []
