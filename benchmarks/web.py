# ruff: noqa: T201
"""What the web process takes: `python -m benchmarks.web`.

Seconds from the command to the first answer, beside an app that computes nothing; its memory (PSS) at the start, after
a reader has looked at every page and view, and with forty more readers who do nothing.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.feel import machine
from benchmarks.serving import SETTLED, Server, chromium, serving, visit

STARTS, READERS = 5, 40
VIEWS = {
    "convolution": (
        "Step by step",
        "Whole picture",
        "Proof",
        "Why not dense",
        "Learn the kernel",
        "The chapter's example",
    ),
    "pooling": ("Steps", "Shift", "EQ-N2.2", "Cost", "Head", "Stride"),
    "channels": ("Layer", "Stride", "Cost", "Rhythm", "Effective", "Yours", "Field"),
    "architectures": ("Timeline", "Inside", "Picture", "Compare", "Degradation", "LeNet", "Prior"),
    "laboratory": ("Depth", "Pictures", "Recipes", "Preprocessing", "Backbones", "Data", "Augmentation", "Runs"),
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=STARTS, help="of each app (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    arguments = parser.parse_args()
    about = machine()
    print("; ".join(about.values()), flush=True)
    found: dict[str, object] = {"machine": about, "starts": _starts(arguments.starts)}
    with serving() as server, chromium() as browser:
        steps = {"started": memory(server)}
        reader = visit(browser, server.url)
        pages = ["transfer", *(f"{page}?{page}_view={view}" for page, views in VIEWS.items() for view in views)]
        for path in pages:
            reader.goto(server.url + path)
            reader.wait_for_selector(SETTLED)
        steps["every view"] = memory(server)
        for _ in range(READERS):
            visit(browser, server.url + "convolution")
        steps[f"{READERS} readers more"] = memory(server)
    print("\n| web process | MB |\n|---|---|")
    for name, size in steps.items():
        print(f"| {name} | {size:.0f} |")
    print(f"\n{(steps[f'{READERS} readers more'] - steps['every view']) / READERS:.2f} MB an idle reader")
    if arguments.out:
        arguments.out.write_text(json.dumps(found | {"memory": steps}, indent=1))
    return 0


def memory(server: Server) -> float:
    """Return the proportional set size of the server's processes, in MB."""
    return float(sum(each.memory_full_info().pss for each in (server.process, *server.others))) / 1e6


def _starts(number: int) -> dict[str, list[tuple[float, float]]]:
    """Start both apps in turns, ConvScope with a store that is there already; print medians."""
    starts: dict[str, list[tuple[float, float]]] = {"app.py": [], "benchmarks/empty.py": []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as store:
        with serving(store=store):
            pass
        for _ in range(number):
            for app, times in starts.items():
                with serving(app, store if app == "app.py" else "") as server:
                    times.append((server.seconds, server.processor_seconds))
    print("\n| started | seconds, median | least | processor seconds |\n|---|---|---|---|")
    for app, times in starts.items():
        seconds, used = zip(*times, strict=True)
        print(f"| {app} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {statistics.median(used):.2f} |")
    return starts


if __name__ == "__main__":
    sys.exit(main())
