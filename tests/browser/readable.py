"""What is wrong with what a page shows: what axe finds serious, headings, figures that are not spoken, tracebacks."""

import itertools
import time
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.waiting import PATIENCE, eventually

from .conftest import settled

# Streamlit's own menu on a phone: in its list a section of pages is a `div` between `ul` and `li`. Nothing of ours is
# asked when the frame draws it, anew on every page.
FRAME = "[data-testid=stSidebarNavItems]"
DEEP = """
  const deep = (root, found = []) => {
    for (const each of root.querySelectorAll('*')) {
      found.push(each);
      if (each.shadowRoot) deep(each.shadowRoot, found);
    }
    return found;
  };
"""  # all elements, through shadow roots
# Headings as they are read, and what is drawn with what is said of it.
SPOKEN = (
    "() => {"
    + DEEP
    + """
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
)


def _serious(page: Page) -> list[tuple[str, str, list[str]]]:
    found = Axe().run(page, context={"exclude": [[FRAME]]}).response["violations"]
    return [
        (violation["id"], node["html"][:160], [check["message"] for check in node["any"]])
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def _unsaid(page: Page) -> list[Any]:
    spoken = page.evaluate(SPOKEN)
    levels = [level for level, _ in spoken["headings"]]
    found: list[Any] = []
    if levels.count(1) != 1 or any(level > before + 1 for before, level in itertools.pairwise([0, *levels])):
        found.append(("headings", spoken["headings"], []))
    return found + [("said of a figure", said, []) for said in spoken["figures"] if len((said or "").split()) < 5]


def faults(page: Page) -> list[Any]:
    """Return what is wrong with what is shown now: what axe finds serious, headings, figures that are not spoken."""
    settled(page)
    deadline = time.monotonic() + PATIENCE * 2
    while True:  # while a run replaces elements they are faded; what stays is what counts
        page.wait_for_timeout(500)
        found = [*_serious(page), *_unsaid(page)]
        if not found or time.monotonic() > deadline:
            break
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
        "() => document.querySelectorAll('[data-testid=stMain] details:not([open], .large-qr) > summary')"
        ".forEach((each) => each.click())"
    )
