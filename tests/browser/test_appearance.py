"""What every view must be, in both themes and at every width: readable, operable, spoken, still, nothing cut off."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from cnn_core.store.runs import Run
from tests.waiting import eventually

from .conftest import Server, settled, steps

Visitor = Callable[..., Page]
PAGES = ("", "convolution", "pooling", "channels", "architectures", "transfer", "laboratory")
# A phone in the dark and a desk in daylight always; the other two where there is time.
SCREENS = [
    (390, "dark"),
    (1280, "light"),
    pytest.param(390, "light", marks=pytest.mark.slow),
    pytest.param(1280, "dark", marks=pytest.mark.slow),
]
# Streamlit's own menu on a phone: in its list a section of pages is a `div` between `ul` and `li`. Nothing of ours is
# asked when the frame draws it, anew on every page.
FRAME = "[data-testid=stSidebarNavItems]"
# Deep through shadow roots: headings as they are read, and what is drawn with what is said of it.
SPOKEN = """() => {
  const deep = (root, found = []) => {
    for (const each of root.querySelectorAll('*')) {
      found.push(each);
      if (each.shadowRoot) deep(each.shadowRoot, found);
    }
    return found;
  };
  const seen = deep(document).filter((each) => each.getBoundingClientRect().height);
  return {
    headings: seen.filter((each) => /^H[1-6]$/.test(each.tagName)).map((each) => [+each.tagName[1], each.innerText]),
    figures: seen.filter((each) => each.matches('[data-testid=stPlotlyChart]'))
      .map((each) => each.getAttribute('aria-label') ?? each.querySelector('[aria-label]')?.getAttribute('aria-label')),
    moving: [document, ...seen.map((each) => each.shadowRoot).filter(Boolean)].flatMap((root) => root.getAnimations())
      .filter((each) => each.playState === 'running' && each.effect?.getTiming().iterations === Infinity)
      .map((each) => each.animationName ?? each.constructor.name),
  };
}"""


def _serious(page: Page) -> list[tuple[str, str, list[str]]]:
    found = Axe().run(page, context={"exclude": [[FRAME]]}).response["violations"]
    return [
        (violation["id"], node["html"][:160], [check["message"] for check in node["any"]])
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def faults(page: Page) -> list[Any]:
    """Return what is wrong with what is shown now: what axe finds serious, headings, figures that are not spoken."""
    settled(page)
    for _ in range(4):  # while a run replaces elements they are faded; what stays is what counts
        page.wait_for_timeout(500)
        if not (found := [*_serious(page)]):
            break
    spoken = page.evaluate(SPOKEN)
    levels = [level for level, _ in spoken["headings"]]
    if levels.count(1) != 1 or any(level > before + 1 for before, level in itertools.pairwise([0, *levels])):
        found.append(("headings", spoken["headings"], []))
    found += [("said of a figure", said, []) for said in spoken["figures"] if len((said or "").split()) < 5]
    main = page.locator("[data-testid=stMain]")
    # A chart that is drawn anew is as wide as before for a moment.
    eventually(lambda: main.evaluate("e => e.scrollWidth - e.clientWidth") <= 0, 2, "no page scrolls sideways")
    found += [("traceback", each.inner_text(), []) for each in page.locator("[data-testid=stException]").all()]
    return found


def assert_readable(page: Page) -> None:
    """Fail on what is wrong with what is shown now."""
    assert faults(page) == []


def unfold(page: Page) -> None:
    """Open what is folded: a reader will."""
    page.evaluate(
        "() => document.querySelectorAll('[data-testid=stMain] details:not([open]) > summary')"
        ".forEach((each) => each.click())"
    )


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("name", PAGES)
def test_every_view_is_for_everybody(server: Server, visitor: Visitor, name: str, width: int, scheme: str) -> None:
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


@pytest.mark.parametrize("name", PAGES)
def test_enlarged_twice_nothing_is_cut_off_and_nothing_moves_by_itself(
    server: Server, visitor: Visitor, name: str
) -> None:
    page = visitor(f"{server.url}/{name}", 640, height=400, motion="reduce")  # 1280 × 800 at 200 %
    for question in steps(page, name):
        page.mouse.move(0, 0)
        wide = "() => Math.max(document.documentElement.scrollWidth - innerWidth, ...['stMain', 'stMainBlockContainer']"
        wide += ".map((id) => document.querySelector(`[data-testid=${id}]`)).map((e) => e.scrollWidth - e.clientWidth))"
        eventually(lambda: page.evaluate(wide) <= 0, 2, f"{question} does not scroll sideways")  # noqa: B023
        eventually(lambda: _still(page), 4, f"nothing moves by itself: {question}")
        assert page.evaluate(SPOKEN)["moving"] == []


def _still(page: Page) -> bool:
    before = page.screenshot()
    page.wait_for_timeout(400)
    return page.screenshot() == before


def test_keyboard_comes_by_the_way_past_the_menu_then_by_share_and_then_to_the_page(
    server: Server, visitor: Visitor
) -> None:
    page = visitor(f"{server.url}/pooling")
    expect(page.locator(".st-key-stage").locator("img, canvas, .js-plotly-plot").first).to_be_visible()  # all is drawn:
    expect(page.locator("[data-testid=stSpinner]")).to_have_count(0)  # nothing takes the focus's place away
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("stSkipToContent")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stMain")).to_be_focused()
    for name in ("Share", "Change"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name, exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("() => !!document.activeElement.closest('.st-key-stage, .st-key-controls')")
