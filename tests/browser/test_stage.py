"""Every step of every page by daylight: the result in sight at once and while the last control is turned, readable."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import Server, settled, steps, until_right
from .readable import DEEP, faults, unfold

PAGES = ("convolution", "pooling", "channels", "architectures", "transfer", "laboratory", "lessons")
SIZES = {"desk": (1280, 800), "tablet": (820, 1180), "phone": (390, 844)}
HIGHEST = {"desk": 200, "tablet": 200, "phone": 240}  # y at which the first computed visual begins, at most
ENOUGH = 300  # pixels of it in sight, or 60%
# The first computed visual within the stage, or in the story told beside it: where it begins, how much is in sight.
MEASURE = (
    "() => {"
    + DEEP
    + """
  const stage = document.querySelector('.st-key-story, .st-key-stage');
  const visual = stage && deep(stage).find((each) => {
    const { width, height } = each.getBoundingClientRect(), name = each.tagName.toLowerCase();
    if (name === 'svg') return width >= 80 && height >= 60;
    if (each.classList.contains('face')) return width > 20 && height > 20;  // of a wall
    if (name === 'li') return each.closest('.lesson-views') !== null;
    return ['canvas', 'img', 'table'].includes(name) && width > 20 && height > 20;
  });
  if (!visual) return null;
  // A drawing that scrolls in a window of its own, as a network's graph does, is as high as its window.
  let around = visual.parentElement;
  while (around && around !== stage && !/auto|scroll/.test(getComputedStyle(around).overflowY)) {
    around = around.parentElement;
  }
  const own = (around && around !== stage ? around : visual).getBoundingClientRect();
  const box = visual.getBoundingClientRect(), frame = stage.getBoundingClientRect();
  const way = document.querySelector('.st-key-way')?.getBoundingClientRect();
  const header = document.querySelector('[data-testid=stHeader]')?.getBoundingClientRect();
  const top = Math.max(box.top, own.top, frame.top, header?.bottom ?? 0);
  const bottom = Math.min(box.bottom, own.bottom, frame.bottom, way && way.height ? way.top : innerHeight);
  return { y: box.top, height: Math.min(box.height, own.height), seen: Math.max(0, bottom - top) };
}"""
)
# The legend or the buttons of a figure that the stage begins with: how far they reach below it.
CUT = """() => {
  const stage = document.querySelector('.st-key-stage'), edge = stage?.getBoundingClientRect();
  const charts = [...(stage?.querySelectorAll('[data-testid=stPlotlyChart]') ?? [])];
  return charts.filter((each) => each.getBoundingClientRect().top - edge.top < 24)
    .flatMap((each) => [...each.querySelectorAll('.legend, .updatemenu-container')])
    .map((each) => each.getBoundingClientRect().bottom - edge.bottom)
    .reduce((most, each) => Math.max(most, each), 0);
}"""
TURNED = MEASURE.replace(".st-key-story, ", "")  # of the stage, on which the controls act
LAST = """() => {
  const all = [...document.querySelectorAll('.st-key-controls :is(button, input, [role=slider], [role=radio])')]
    .filter((each) => each.getBoundingClientRect().height);
  if (all.length) all.at(-1).style.scrollMarginBottom = '90px';  // as one scrolls by hand: clear of the bar below
  all.at(-1)?.scrollIntoView({ block: 'end' });
  return all.length;
}"""


def in_sight(page: Page, measure: str = MEASURE, highest: float = float("inf")) -> list[str]:
    """Return what is wrong with the first visual."""
    found = page.evaluate(measure)
    if found is None:
        return ["nothing computed on the stage"]
    wrong = []
    if found["seen"] < min(ENOUGH, 0.6 * found["height"]):
        wrong.append(f"{found['seen']:.0f} of {found['height']:.0f} px in sight")
    if found["y"] > highest:
        wrong.append(f"begins at y {found['y']:.0f}")
    return wrong


def resize(page: Page, size: str) -> None:
    """Look through a window of another size."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(200)


def as_it_opens(page: Page, size: str) -> list[str]:
    """Return what is wrong with a step before anything was done."""
    resize(page, size)

    def look() -> list[str]:  # what is below may be drawn first, and is for a moment the first that is there
        page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
        page.wait_for_function(f"() => ({MEASURE})() !== null")
        wrong = in_sight(page, highest=HIGHEST[size])
        if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
            wrong.append("scrolls sideways")
        if (cut := page.evaluate(CUT)) > 0:
            wrong.append(f"{cut:.0f} px of a legend out of sight")
        return wrong

    return [f"{size}: {each}" for each in until_right(page, look)]


def with_the_last_control(page: Page, size: str) -> list[str]:
    """Return what is wrong while the last control is in use."""
    resize(page, size)

    def look() -> list[str]:
        page.evaluate(LAST)
        page.wait_for_timeout(200)
        return in_sight(page, TURNED)

    return [f"{size}, with the last control: {each}" for each in until_right(page, look)]


@pytest.mark.parametrize("name", PAGES)
def test_result_is_in_sight_and_every_step_is_for_everybody(
    name: str, server: Server, visitor: Callable[..., Page]
) -> None:
    page = visitor(f"{server.url}/{name}")
    found: dict[str, list[Any]] = {}
    for question in steps(page, name):
        found[question] = [wrong for size in SIZES for wrong in as_it_opens(page, size)]
        unfold(page)
        settled(page)
        found[question] += [wrong for size in SIZES for wrong in with_the_last_control(page, size)]
        resize(page, "desk")
        found[question] += faults(page)
    assert {question: wrong for question, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("size", SIZES)
def test_front_door_shows_the_picture_and_the_answer_at_once(
    size: str, server: Server, visitor: Callable[..., Page]
) -> None:
    width, height = SIZES[size]
    page = visitor(server.url, width)
    page.set_viewport_size({"width": width, "height": height})
    page.locator(".st-key-home_labels .bars").wait_for()
    settled(page)
    assert faults(page) == []

    def look() -> list[str]:
        picture, answer = (page.locator(f".st-key-front {each}").first.bounding_box() for each in ("img", ".bars"))
        if not picture or not answer:
            return ["picture or answer is away"]
        wrong = [] if picture["y"] <= HIGHEST[size] else [f"the picture begins at y {picture['y']:.0f}"]
        if (seen := height - answer["y"]) < min(ENOUGH, 0.6 * answer["height"]):
            wrong.append(f"{seen:.0f} px of the answer in sight")
        return wrong

    assert until_right(page, look) == []
