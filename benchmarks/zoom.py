# ruff: noqa: T201
"""How long a walk into a network takes: `python -m benchmarks.zoom`.

Drops photos on the front door and walks from ten of them to a product and back, in a headless Chromium: each step down
once where nobody has been, by clicks, and once where all has been drawn before; up by Escape, and by Back. The clock
runs in the browser, from the event until the new scene is drawn, its pictures are decoded and its products stand there
(`zoom.js`). Beside it: frames a second while things fly, bytes that came through the WebSocket, and processor time of
the server.
"""

import argparse
import io
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, WebSocket

from benchmarks.feel import SETTLING, machine, train
from benchmarks.serving import SETTLED, Server, chromium, processor, serving, visit
from cnn_core.pictures.bundled import BUNDLED

PHOTOS, WALKS, SIZE, PAUSE = 20, 10, (1600, 1200), 150  # how many are walked into; pixels; ms between two steps
CELL = "map → a cell, its products"
GOALS = {"drop": 1_000, "new": 500, "there": 150, "moved": 150, "up": 150, "Back": 150}  # ms by how one comes there
STAGES, WIDEST = 5, 4  # of the strip; which of them ends in 1,280 maps
OUTPUT = ".zoom .output .frame"


@dataclass
class Step:
    """What one step took, each time.

    Attributes:
        shown: Milliseconds until the scene was there.
        sent: Bytes that came.
        processor: Seconds of the server.
        frames: A second, while something moved; 0 where nothing did.
        gaps: The longest time between two of them, in milliseconds.
    """

    shown: list[float] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)


class Walk:
    """A page that is walked through, with what each step took by its title and by how one came there."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self.server, self.steps, self.bytes = server, defaultdict[tuple[str, str], Step](Step), 0
        self.page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("websocket", self._listen)
        self.page.add_init_script(path=Path(__file__).with_suffix(".js"))  # a script tag the policy refuses
        self.page.goto(server.url)
        self.page.wait_for_selector(SETTLED)
        self.page.locator(".zoom[data-level='0']").wait_for()
        self.page.wait_for_timeout(1_000)

    def _listen(self, socket: WebSocket) -> None:
        def came(payload: str | bytes) -> None:
            self.bytes += len(payload)

        socket.on("framereceived", came)

    def step(self, title: str, how: str, kind: str, act: Callable[[], object]) -> None:
        """Take one step; `kind` is the event that begins it."""
        self.page.evaluate("(kind) => window.arm(kind)", kind)
        self.bytes, used = 0, processor(self.server.process)
        act()
        took = self.page.wait_for_function("() => window.clock.took", polling=50).json_value()
        self.page.wait_for_selector(SETTLED)
        self.page.wait_for_timeout(PAUSE)
        each = self.steps[title, how]
        each.shown.append(took["shown"])
        each.sent.append(self.bytes)
        each.processor.append(processor(self.server.process) - used)
        if len(moving := took["moving"]) > 2:
            each.frames.append(1000 * (len(moving) - 1) / (moving[-1] - moving[0]))
            each.gaps.append(max(b - a for a, b in pairwise(moving)))

    def key(self, key: str) -> None:
        """Press a key where the walk hears it."""
        self.page.keyboard.press(key)


def drop(walk: Walk, photo: Path) -> None:
    """Give the front door a photo."""
    chooser = walk.page.locator("[class*='st-key-home_picture_'] input[type=file]")
    walk.step("photo → strip", "drop", "change", lambda: chooser.set_input_files(photo))


def down(walk: Walk, number: int, how: str) -> None:
    """Go from the strip to a product; `number` chooses the way."""
    page, stage = walk.page, number % STAGES
    wide = stage == WIDEST
    title = page.locator(".zoom .all").nth(stage)
    walk.step("strip → a layer's 1,280 maps" if wide else "strip → a layer's maps", how, "click", title.click)
    others = page.locator(".zoom .row button:not([aria-current])")
    if others.count():
        walk.step("layer → another of its block", how, "click", others.nth(number % others.count()).click)
    tile = page.locator(".zoom .tiles button").nth(number % 7)
    walk.step("layer → one map, its parts", how, "click", tile.click)
    output = page.locator(OUTPUT)
    output.scroll_into_view_if_needed()
    output.click()  # the cell is held
    page.wait_for_timeout(PAUSE)
    walk.step(CELL, how, "click", output.click)
    output.focus()
    walk.step("cell → the next (120 ms of it a rest)", "moved", "keydown", lambda: walk.key("ArrowRight"))


def up(walk: Walk, how: str) -> None:
    """Go back to the strip, by Escape or by the browser's button."""
    page = walk.page
    while (level := page.locator(".zoom").get_attribute("data-level")) != "0":
        title = ("", "layer → strip or layer", "map → layer", "cell → map")[int(level or 0)]
        if how == "Back":
            walk.step(title, how, "popstate", page.go_back)
        else:
            page.locator(f"{OUTPUT}, .zoom .tiles button[tabindex='0']").first.focus()
            walk.step(title, how, "keydown", lambda: walk.key("Escape"))


def photos(number: int, folder: Path) -> Iterator[Path]:
    """Write photos as they come from a camera, each another one."""
    pictures = [each.load().pixels for each in BUNDLED.values()]
    for at in range(number):
        turned = np.roll(pictures[at % len(pictures)], 31 * at, axis=1)
        path = folder / f"photo-{at}.jpg"
        buffer = io.BytesIO()
        Image.fromarray(turned).resize(SIZE).save(buffer, "JPEG", quality=90)
        path.write_bytes(buffer.getvalue())
        yield path


def measure(browser: Browser, server: Server, number: int) -> dict[tuple[str, str], Step]:
    """Drop photos, and walk into the first of them."""
    walk = Walk(browser, server)
    with tempfile.TemporaryDirectory() as folder:
        for at, photo in enumerate(photos(number, Path(folder))):
            drop(walk, photo)
            if not at:
                walk.steps.clear()  # the first one ever loads what reads pictures
            for how, back in (("new", "up"), ("there", "Back")) if at < WALKS else ():
                down(walk, at, how)
                up(walk, back)
    walk.page.context.close()
    return walk.steps


def show(steps: dict[tuple[str, str], Step], title: str) -> None:
    """Print a table for the docs."""
    print(
        f"\n| {title} | | times | median ms | p95 ms | goal | frames/s, median | longest gap ms | kB | processor ms |"
    )
    print("|---" * 10 + "|")
    for (name, how), each in steps.items():
        p95 = sorted(each.shown)[min(len(each.shown) - 1, int(0.95 * len(each.shown)))]
        goal = GOALS["there" if name == CELL else how]  # the maps of a cell are there always
        frames = f"{statistics.median(each.frames):.0f} | {max(each.gaps):.0f}" if each.frames else "– | –"
        print(
            f"| {name} | {how} | {len(each.shown)} | {statistics.median(each.shown):.0f} | {p95:.0f} | {goal} | "
            f"{frames} | {statistics.median(each.sent) / 1000:.0f} | {1000 * statistics.mean(each.processor):.0f} |"
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=PHOTOS, help="that are dropped (default: %(default)s)")
    parser.add_argument("--training", action="store_true", help="measure again while a sample run trains")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    arguments = parser.parse_args()
    about, tables = machine(), {}
    print("; ".join(about.values()), flush=True)
    with serving() as server, chromium() as browser:
        visit(browser, server.url).wait_for_timeout(SETTLING)
        tables["nothing trains"] = measure(browser, server, arguments.photos)
        show(tables["nothing trains"], "nothing trains")
        if arguments.training:
            train(server)
            visit(browser, server.url).wait_for_timeout(SETTLING)
            tables["during a training"] = measure(browser, server, arguments.photos)
            show(tables["during a training"], "during a training")
    if arguments.out:
        found = {
            name: [{"step": title, "how": how} | asdict(each) for (title, how), each in steps.items()]
            for name, steps in tables.items()
        }
        arguments.out.write_text(json.dumps({"machine": about} | found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
