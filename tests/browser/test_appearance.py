"""What every view must be, in both themes and at every width: readable, operable, spoken, still, nothing cut off."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cnn_core.store.records import Run
from tests.waiting import eventually

from .conftest import Server, settled, steps
from .content import held
from .readable import DEEP, SPOKEN, assert_readable, faults, unfold

Visitor = Callable[..., Page]
PAGES = ("", "convolution", "pooling", "channels", "architectures", "transfer", "laboratory")
WIDE = """() => Math.max(document.documentElement.scrollWidth - innerWidth,
  ...['stMain', 'stMainBlockContainer'].map((id) => document.querySelector(`[data-testid=${id}]`))
    .map((each) => each.scrollWidth - each.clientWidth))"""
PLACES = (
    "(body) => {"
    + DEEP
    + """
  return deep(body).map((each) => each.getBoundingClientRect()).map(({ x, y, width, height }) => [x, y, width, height]);
}"""
)
# A phone in the dark and a desk in daylight always; the other two where there is time.
SCREENS = [
    (390, "dark"),
    (1280, "light"),
    pytest.param(390, "light", marks=pytest.mark.slow),
    pytest.param(1280, "dark", marks=pytest.mark.slow),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_in_the_dark_every_step_is_for_everybody_and_enlarged_nothing_is_cut_off_or_moves_by_itself(
    server: Server, visitor: Visitor, name: str
) -> None:
    page = visitor(f"{server.url}/{name}", 390, "dark", motion="reduce")
    found: dict[str, list[Any]] = {}
    for question in steps(page, name):
        unfold(page)
        found[question] = faults(page)
        page.set_viewport_size({"width": 640, "height": 400})  # 1280 × 800 at 200%
        page.mouse.move(0, 0)
        eventually(lambda: page.evaluate(WIDE) <= 0, 2, f"{question} does not scroll sideways")
        eventually(lambda: _still(page), 4, f"nothing moves by itself: {question}")
        found[question] += page.evaluate(SPOKEN)["moving"]
        page.set_viewport_size({"width": 390, "height": 900})
    assert {question: wrong for question, wrong in found.items() if wrong} == {}


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_every_step_is_for_everybody(server: Server, visitor: Visitor, name: str, width: int, scheme: str) -> None:
    page = visitor(f"{server.url}/{name}", width, scheme)
    found: dict[str, list[Any]] = {}
    for question in steps(page, name):
        unfold(page)
        found[question] = faults(page)
    assert {question: wrong for question, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_result_is_for_everybody(server: Server, visitor: Visitor, finished: Run, width: int, scheme: str) -> None:
    page = visitor(f"{server.url}/transfer?run={finished.id}", width, scheme)
    expect(page.get_by_text("that no arm has seen")).to_be_visible()
    for tab in ("What was mistaken for what", "Figures", "Exports", "How it was computed"):
        page.get_by_role("tab", name=tab, exact=True).click()
        assert_readable(page)
    page.get_by_role("button", name="Train again with these").click()  # a set of one's own, and what was taught before
    expect(page.get_by_text("Taught so far")).to_be_visible()
    assert_readable(page)


def _still(page: Page) -> bool:
    """Tell whether nothing changes its place, its words or its pixels for a moment."""
    body = page.locator("body")
    before = (held(body), body.evaluate(PLACES))
    page.wait_for_timeout(400)
    return (held(body), body.evaluate(PLACES)) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_keyboard_is_seen_wherever_it_is(server: Server, visitor: Visitor, scheme: str) -> None:
    page = visitor(f"{server.url}/lessons", scheme=scheme)
    expect(page.locator(".lesson-views a")).to_have_count(10)
    accent = {"light": "rgb(15, 92, 99)", "dark": "rgb(92, 194, 201)"}[scheme]
    met = set()
    for _ in range(16):
        page.keyboard.press("Tab")
        here = page.locator("a:focus, button:focus, summary:focus")
        if here.count():
            met.add(here.inner_text().strip())
            expect(here).to_have_css("outline-color", accent)
            expect(here).to_have_css("outline-style", "solid")
            assert here.evaluate("(each) => parseFloat(getComputedStyle(each).outlineWidth)") >= 2
    assert {"Study", "The whole network"} <= met


def test_task_that_is_done_is_spoken(server: Server, visitor: Visitor) -> None:
    page = visitor(f"{server.url}/convolution")
    said = page.locator(".st-key-task").get_by_role("status")
    said.evaluate("(each) => { each.same = true; }")  # what is put in anew is spoken by some browsers only
    page.get_by_role("radio", name="Box blur").click()
    expect(said).to_contain_text("Done.")
    assert said.evaluate("(each) => each.same")


def test_keyboard_comes_by_the_way_past_the_menu_then_by_share_and_then_to_the_page(
    server: Server, visitor: Visitor
) -> None:
    page = visitor(f"{server.url}/pooling")
    expect(page.locator(".st-key-stage").locator("img, canvas, .js-plotly-plot").first).to_be_visible()  # all is drawn:
    expect(page.locator("[data-testid=stSpinner]")).to_have_count(0)  # nothing takes the focus's place away
    settled(page)
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("stSkipToContent")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stMain")).to_be_focused()
    for name in ("Share", "Change"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name, exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.wait_for_function("() => !!document.activeElement.closest('.st-key-stage, .st-key-controls')")
