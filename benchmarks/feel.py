# ruff: noqa: T201
"""How long from a key press to the new result on the screen: `python -m benchmarks.feel`.

Presses a control of each page, in turns with the slider of an app that computes nothing and has as many elements
(`empty.py`), in a headless Chromium, against a server each. The clock runs in the browser: from the key event to the
moment when the new picture is decoded, or the new sentence or line stands there. Beside it: the processor time of the
server a press.
"""

import argparse
import json
import os
import platform
import statistics
import sys
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.serving import SETTLED, Server, chromium, processor, serving, visit
from cnn_core.pictures import sets
from cnn_core.store.runs import Store
from cnn_core.training.transfer.spec import Experiment, Options

PRESSES, PAUSE = 40, 150  # of each; ms between two
SETTLING = 15_000  # ms: the engine's workers start
CLOCK = f"() => {{ {Path(__file__).with_suffix('.js').read_text(encoding='utf-8')} }}"  # no tag: the policy refuses it


@dataclass(frozen=True)
class Place:
    """A control and what answers it.

    Attributes:
        title: Of the row.
        path: Of the page.
        controls: Role and name of the control, or of several, pressed in turns.
        keys: Pressed in turns.
        selector: Of what is watched.
        text: That it contains.
        first: Role and name of buttons that are clicked before, to come there.
    """

    title: str
    path: str
    controls: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]
    selector: str
    text: str = ""
    first: tuple[tuple[str, str], ...] = ()


ARROWS = ("ArrowLeft", "ArrowRight")
PLACES = (
    Place(
        "convolution: ReLU → response",
        "convolution?convolution_view=Whole+picture",
        (("switch", "ReLU"),),
        ("Space",),
        "img[alt^=Response]",
    ),
    Place(
        "convolution: width of the bar → its edges",
        "convolution?convolution_view=The+chapter's+example",
        (("slider", "Width of the bar"),),
        ARROWS,
        "img[alt^='Its edges']",
    ),
    Place(
        "pooling: shift → drift of the network",
        "pooling?pooling_view=Shift",
        (("slider", "Shift your picture"),),
        ARROWS,
        ".st-key-pooling_network .shapelayer path",
    ),
    Place(
        "pooling: row of the peak → unpooled",
        "pooling?pooling_view=Cost",
        (("slider", "Row of the peak"),),
        ARROWS,
        "img[alt^='put back']",
    ),
    Place(
        "channels: layer → field",
        "channels?channels_view=Field",
        (("slider", "After layer"),),
        ARROWS,
        "p",
        " one neuron sees ",
    ),
    Place(
        "architectures: axis → timeline",
        "architectures",
        (("radio", "multiply-adds"), ("radio", "parameters")),
        ("Space",),
        "[class*=st-key-architectures_time] .g-ytitle text",
    ),
    Place(
        "architectures: epoch → LeNet's kernels",
        "architectures?architectures_view=LeNet",
        (("slider", "first kernels"),),
        ARROWS,
        "img[alt^='First kernels after epoch']",
    ),
    Place(
        "laboratory: threshold → refusal",
        "laboratory?laboratory_view=Data&laboratory_look=None-of-these",
        (("slider", "none of these"),),
        ARROWS,
        ".st-key-laboratory_refusal .shapelayer path",
        first=(("button", "Measure it"),),
    ),
)


@dataclass(frozen=True)
class Samples:
    """What many presses took: the median and the 95th percentile in ms, and the server's processor time, each."""

    median: float
    p95: float
    processor: float

    @classmethod
    def of(cls, samples: list[float], processor_seconds: float) -> "Samples":
        """Sum up milliseconds, and seconds of all presses."""
        ordered = sorted(samples)
        p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        return cls(statistics.median(ordered), p95, 1000 * processor_seconds / len(ordered))


@dataclass(frozen=True)
class Row:
    """A place held against the empty app."""

    title: str
    elements: int
    page: Samples
    empty: Samples

    @property
    def ratio(self) -> float:
        """Of the 95th percentiles."""
        return self.page.p95 / self.empty.p95


def measure(browser: Browser, app: Server, empty: Server, place: Place, presses: int) -> Row:
    """Press a control of a page and the empty app's in turns."""
    page = visit(browser, app.url + place.path)
    for role, name in place.first:
        page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]
    page.get_by_role(place.controls[0][0], name=place.controls[0][1]).first.wait_for()  # type: ignore[arg-type]
    page.wait_for_timeout(2_000)
    page.evaluate(CLOCK)
    shape = page.evaluate("([selector, text]) => window.shape(selector, text)", [place.selector, place.text])
    kind = next((letter for letter in shape if letter.isupper()), "")
    if not kind:
        raise LookupError(f"{place.title}: {place.selector} with {place.text!r} is not on the page")
    peer = visit(browser, f"{empty.url}?shape={shape}")
    peer.evaluate(CLOCK)
    watched = {"T": ("p", f"Text {shape.index(kind)}:"), "P": (f"img[alt='Picture {shape.index(kind)}']", "")}
    selector, text = watched.get(kind, (f".st-key-chart_{shape.index(kind)} .scatterlayer path.js-line", ""))
    mine = Place("empty", "", (("slider", "Value"),), ARROWS, selector, text)
    for each, what in ((page, place), (peer, mine)):
        each.evaluate(
            "([selector, text]) => { window.samples = window.startClock(selector, text); }", [what.selector, what.text]
        )
    used = {app.url: 0.0, empty.url: 0.0}
    for number in range(presses):
        for each, what, server in ((page, place, app), (peer, mine, empty)):
            before = processor(server.process)
            _press(each, what, number)
            used[server.url] += processor(server.process) - before
    found = [
        Samples.of(each.evaluate("() => window.samples"), used[server.url])
        for each, server in ((page, app), (peer, empty))
    ]
    for each in (page, peer):
        each.context.close()
    return Row(place.title, len(shape), *found)


def _press(page: Page, place: Place, number: int) -> None:
    role, name = place.controls[number % len(place.controls)]
    page.get_by_role(role, name=name).first.focus()  # type: ignore[arg-type]
    page.keyboard.press(place.keys[number % len(place.keys)])
    page.wait_for_function(f"() => window.samples.length > {number}")
    page.wait_for_selector(SETTLED)
    page.wait_for_timeout(PAUSE)


def train(server: Server) -> None:
    """Give the server's engine trainings to do, for longer than all measurements."""
    store = Store(server.folder)
    experiment = Experiment(tuple(sets.read_sample(store, "textures")), Options(epochs=50))
    for number in range(10):
        store.create("transfer", experiment.to_json(), title=f"beside {number}")
    store.close()


def machine() -> dict[str, str]:
    """Return what the figures are of."""
    with open("/proc/cpuinfo") as cpus:
        model = next((line.partition(":")[2].strip() for line in cpus if line.startswith("model name")), "")
    return {
        "processor": f"{model or platform.processor()}, {os.cpu_count()} cores",
        "load": ", ".join(f"{load:.1f}" for load in os.getloadavg()),
        "versions": f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("streamlit", "plotly", "numpy")),
    }


def show(rows: list[Row], title: str) -> None:
    """Print a table for the docs."""
    print(f"\n| {title} | elements | median ms | p95 ms | empty: median | p95 | p95 ratio | processor ms | empty |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        page, empty = row.page, row.empty
        print(
            f"| {row.title} | {row.elements} | {page.median:.0f} | {page.p95:.0f} | {empty.median:.0f} | "
            f"{empty.p95:.0f} | {row.ratio:.2f} | {page.processor:.0f} | {empty.processor:.0f} |"
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presses", type=int, default=PRESSES, help="of each control (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="WORD", help="places whose title has this word")
    parser.add_argument("--training", action="store_true", help="measure again while a sample run trains")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    arguments = parser.parse_args()
    places = [place for place in PLACES if arguments.only in place.title]
    about, tables = machine(), {}
    print("; ".join(about.values()), flush=True)
    with serving() as app, serving("benchmarks/empty.py") as empty, chromium() as browser:
        visit(browser, app.url).wait_for_timeout(SETTLING)
        tables["idle"] = [measure(browser, app, empty, place, arguments.presses) for place in places]
        show(tables["idle"], "nothing trains")
        if arguments.training:
            train(app)
            visit(browser, app.url).wait_for_timeout(SETTLING)
            # What had to be measured first has been, above; asked again it would wait behind the trainings.
            there = [replace(place, first=()) for place in places]
            tables["training"] = [measure(browser, app, empty, place, arguments.presses) for place in there]
            show(tables["training"], "during a training")
            for idle, busy in zip(tables["idle"], tables["training"], strict=True):
                mine, floor = busy.page.median / idle.page.median, busy.empty.median / idle.empty.median
                print(f"{idle.title}: slower by {mine:.2f}, the empty app by {floor:.2f}: {mine / floor:.2f}")
    if arguments.out:
        found = {name: [asdict(row) for row in rows] for name, rows in tables.items()}
        arguments.out.write_text(json.dumps({"machine": about} | found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
