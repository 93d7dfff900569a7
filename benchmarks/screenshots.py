# ruff: noqa: T201
"""The pictures of README and of the tutorials, taken from the running app: `make screenshots`.

Serves the app with a store of its own, looks at it in a headless Chromium, and writes `docs/pictures/*.webp`: each
picture is a link of the app. For `teach` it trains the sample set once. Names choose some of them:
`make screenshots ARGS="see teach"`.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.film import film
from benchmarks.serving import PATIENCE, ROOT, SETTLED, chromium, serving
from cnn_core.pictures.sets import SAMPLES

FOLDER = ROOT / "docs" / "pictures"
DESK, PHONE, FRAME = (1280, 800), (390, 844), (800, 500)
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
    Shot("walk-layer", "?zoom=block3b_out"),
    Shot("walk-cell", "?zoom=block3b_depthwise_relu6.10.9.11"),
    Shot("convolution", "convolution"),
    Shot("convolution-window", "convolution?convolution_view=Step+by+step"),
    Shot("convolution-learn", "convolution?convolution_view=Learn+the+kernel"),
    Shot("pooling", "pooling?pooling_right=3"),
    Shot("pooling-window", "pooling?pooling_view=Steps"),
    Shot("channels", "channels"),
    Shot("channels-field", "channels?channels_view=Field"),
    Shot("architectures", "architectures"),
    Shot("architectures-inside", "architectures?architectures_view=Inside"),
    Shot("architectures-picture", "architectures?architectures_view=Picture"),
    Shot("teach-begin", "transfer"),
    Shot("study", "laboratory"),
    Shot("study-data", "laboratory?laboratory_view=Data"),
    Shot("lessons", "lessons"),
    Shot("present", "convolution?present=1&show=kernel", FRAME),
    Shot("walk-dark", "?zoom=block3b_expand_relu6.17", scheme="dark"),
    Shot("pooling-phone", "pooling", PHONE),
)
TEACH = Shot("teach", "transfer")
LIVE = Shot("live", "transfer")  # of the run that TEACH has trained: its camera shows a sample picture that moves
STILL = """() => !document.querySelector('[data-testid=stSpinner], [data-testid=stSkeleton]')
    && [...document.images].every((each) => each.complete)"""


def settled(page: Page) -> None:
    """Wait until the script has run, pictures and figures have come, and nothing flies any more."""
    for _ in range(2):  # a figure may be drawn, and ask something, after the script has run
        page.wait_for_selector(SETTLED)
        page.wait_for_function(STILL)
        page.wait_for_timeout(700)


def looked(browser: Browser, shots: Sequence[Shot]) -> Iterator[tuple[Shot, Page]]:
    """Open a page for each kind of window, as a visitor of its own."""
    pages: dict[tuple[tuple[int, int], str], Page] = {}
    for shot in shots:
        width, height = shot.size
        if (page := pages.get((shot.size, shot.scheme))) is None:
            look: Any = {"viewport": {"width": width, "height": height}, "color_scheme": shot.scheme}
            page = pages[shot.size, shot.scheme] = browser.new_context(**look).new_page()
            page.set_default_timeout(1000 * PATIENCE)
        yield shot, page


def keep(page: Page, name: str) -> Path:
    """Write what is in sight, with the pointer away from it."""
    page.mouse.move(0, 0)
    path = FOLDER / f"{name}.webp"
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, quality=85, method=6)
    return path


def _film(folder: Path) -> Path:
    """A hand-held camera before a wall of brick: a sample picture that moves to and fro."""
    pixels = next(picture.pixels for picture, label, _ in SAMPLES["textures"].pictures() if label == "brick")
    wall = np.asarray(Image.fromarray(pixels).resize((400, 400), Image.Resampling.BICUBIC))
    shifts = [*range(0, 40, 2), *range(40, 0, -2)]
    return film(folder / "film.y4m", [wall[shift : shift + 240, shift : shift + 320] for shift in shifts], rate=20)


def main() -> int:
    """Take all of them, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [shot.name for shot in (TEACH, LIVE, *SHOTS)]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)} (default: all)")
    wanted = parser.parse_args().names or names
    if unknown := sorted(set(wanted) - set(names)):
        parser.error(f"there is no picture {unknown[0]!r}; choose of {', '.join(names)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving() as server, chromium(_film(Path(folder))) as browser:
        for shot, page in looked(browser, [shot for shot in (*SHOTS, TEACH, LIVE) if shot.name in wanted]):
            trained = shot is LIVE and TEACH.name in wanted  # and its result is on the page
            if not trained:
                page.goto(server.url + shot.path)
                settled(page)
            if shot in (TEACH, LIVE) and not trained:
                page.get_by_role("button", name="Train and compare").click()
                page.get_by_text("that no arm has seen").wait_for(timeout=TRAINING)
                settled(page)
            if shot is LIVE:
                page.get_by_text("Live: answer in my browser").click()
                page.get_by_role("button", name="Use my camera").click(timeout=TRAINING)
                page.get_by_text("frames a second").wait_for()
                page.wait_for_timeout(3000)
            path = keep(page, shot.name)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
