# ruff: noqa: T201
"""What of a view is in sight without scrolling: `python -m benchmarks.sight`.

For every step of every page, in a desk's window and a phone's: where its first computed visual begins (picture, canvas,
table, drawing; not a reader's own photo on the front door), how much of it is above the fold, how many controls come
before it in the document, and how long the page is. `tests/browser/test_stage.py` holds the pages to it.
"""

import argparse
import sys

from playwright.sync_api import Page

from benchmarks.serving import SETTLED, chromium, serving
from benchmarks.web import VIEWS

SIZES = {"1280 × 800": (1280, 800), "390 × 844": (390, 844)}
MEASURE = """() => {
  const deep = (root, found = []) => {
    for (const each of root.querySelectorAll('*')) {
      found.push(each);
      if (each.shadowRoot) deep(each.shadowRoot, found);
    }
    return found;
  };
  const main = document.querySelector('[data-testid=stMain]');
  const stage = document.querySelector('.st-key-story, .st-key-stage, .st-key-home_labels') ?? main;
  const visual = deep(stage).find((each) => {
    const { width, height } = each.getBoundingClientRect(), name = each.tagName.toLowerCase();
    if (name === 'svg') return width >= 80 && height >= 60;
    if (each.classList.contains('face')) return width > 20 && height > 20;  // of a wall
    return ['canvas', 'img', 'table'].includes(name) && width > 20 && height > 20;
  });
  if (!visual) return null;
  const box = visual.getBoundingClientRect();
  const way = document.querySelector('.st-key-way')?.getBoundingClientRect();
  const frame = stage.getBoundingClientRect().bottom, end = way?.height ? way.top : innerHeight;
  const fold = stage === main ? end : Math.min(end, frame);
  const controls = [...main.querySelectorAll('button, input, select, textarea, [role=slider]')].filter((each) =>
    each.getBoundingClientRect().height && each.compareDocumentPosition(stage) & Node.DOCUMENT_POSITION_FOLLOWING &&
    !each.closest('.st-key-header') && !stage.contains(each));
  const seen = Math.max(0, Math.min(box.bottom, fold) - box.top);
  const page = main.querySelector('[data-testid=stMainBlockContainer]').getBoundingClientRect().height;
  return [box.top, seen / box.height, controls.length, page];
}"""


def measure(page: Page, url: str) -> list[float]:
    """Return y, share above the fold, controls before and the page's height of a view; empty if nothing is computed."""
    page.goto(url)
    page.wait_for_selector(SETTLED)
    page.wait_for_timeout(1_500)
    page.wait_for_selector(SETTLED)
    return page.evaluate(MEASURE) or []


def main() -> int:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    paths = {"": "front door", "transfer": "transfer"}
    paths |= {f"{page}?{page}_view={view}": f"{page} · {view}" for page, views in VIEWS.items() for view in views}
    found: dict[str, list[list[float]]] = {path: [] for path in paths}
    with serving() as server, chromium() as browser:
        for width, height in SIZES.values():
            page = browser.new_context(viewport={"width": width, "height": height}).new_page()
            page.set_default_timeout(120_000)
            measure(page, server.url)  # the engine starts
            for path in paths:
                found[path].append(measure(page, server.url + path.replace(" ", "+")))
            page.context.close()
    print("| view | " + " | ".join(f"y, {size} | above the fold | controls before | page px" for size in SIZES) + " |")
    print("|---" * (1 + 4 * len(SIZES)) + "|")
    for path, rows in found.items():
        cells = ["{:.0f} | {:.0%} | {:.0f} | {:.0f}".format(*row) if row else "none | – | – | –" for row in rows]
        print(f"| {paths[path]} | " + " | ".join(cells) + " |")
    for place, size in enumerate(SIZES):
        measured = [rows[place] or [float("inf"), 0.0] for rows in found.values()]
        tops, shares = [row[0] for row in measured], [row[1] for row in measured]
        print(
            f"\n{size}: of {len(shares)} views {sum(share == 0 for share in shares)} show nothing without scrolling, "
            f"{sum(share >= 0.5 for share in shares)} at least half; y {min(tops):.0f} to {max(tops):.0f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
