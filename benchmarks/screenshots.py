# ruff: noqa: T201
"""README's pictures, taken from the running app: `make screenshots`.

Serves the app with a store of its own, looks at it in a headless Chromium, trains the sample set once for the result,
and writes `docs/pictures/*.webp`.
"""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.serving import PATIENCE, ROOT, SETTLED, chromium, serving

FOLDER = ROOT / "docs" / "pictures"
DESK, PHONE = (1280, 800), (390, 844)
TRAINING = 600_000  # ms


@dataclass(frozen=True)
class Shot:
    """A picture of a page.

    Attributes:
        name: Of the file.
        path: Of the page.
        size: Of the window.
        scheme: Its theme.
    """

    name: str
    path: str
    size: tuple[int, int] = DESK
    scheme: str = "light"


SHOTS = (
    Shot("see", ""),
    Shot("convolution", "convolution"),
    Shot("walk-dark", "?zoom=block3b_expand_relu6.17", scheme="dark"),
    Shot("study", "laboratory"),
    Shot("pooling-phone", "pooling", PHONE),
)


def settled(page: Page) -> None:
    """Wait until the script has run and pictures and figures have come."""
    page.wait_for_selector(SETTLED)
    page.wait_for_timeout(3_000)
    page.wait_for_selector(SETTLED)


def opened(browser: Browser, url: str, shot: Shot) -> Page:
    """Open a page as a visitor of its own."""
    size = {"width": shot.size[0], "height": shot.size[1]}
    page = browser.new_context(viewport=size, color_scheme=shot.scheme).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(url + shot.path)
    settled(page)
    return page


def keep(page: Page, name: str) -> Path:
    """Write what is in sight, with the pointer away from it."""
    page.mouse.move(0, 0)
    path = FOLDER / f"{name}.webp"
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, quality=85, method=6)
    return path


def main() -> int:
    """Take all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with serving() as server, chromium() as browser:
        teach = Shot("teach", "transfer")
        page = opened(browser, server.url, teach)
        page.get_by_role("button", name="Train and compare").click()
        page.get_by_text("that no arm has seen").wait_for(timeout=TRAINING)
        settled(page)
        taken = [keep(page, teach.name)]
        page.context.close()
        for shot in SHOTS:
            page = opened(browser, server.url, shot)
            taken.append(keep(page, shot.name))
            page.context.close()
    for path in taken:
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
