# ruff: noqa: T201
"""How long from a key press to the new result on the screen: `python -m benchmarks.feel`.

Presses a control forty times on each of two pages, with a 256-pixel picture, in a headless Chromium against a server
of its own, and prints median and 95th percentile in milliseconds. The clock runs in the browser: from the key event to
the moment when the new picture is decoded, or the new sentence stands there.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PRESSES = 40
PLACES = {  # title: path, role and name of the control, keys in turn, what is watched
    "convolution, ReLU switch to picture": (
        "convolution?convolution_view=Whole+picture",
        ("switch", "ReLU"),
        ("Space",),
        "document.querySelector('img[alt=\"Response\"]')?.src",
    ),
    "channels, layer slider to field": (
        "channels?channels_view=Field",
        ("slider", "After layer"),
        ("ArrowLeft", "ArrowRight"),
        "[...document.querySelectorAll('p')].find((p) => p.textContent.includes(' a unit sees '))?.textContent",
    ),
}


def main() -> None:
    """Measure and print."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium found. Install one (Debian: apt-get install chromium).")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
            cwd=ROOT,
            env=os.environ | {"CONVSCOPE_STORE": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(f"http://localhost:{port}/_stcore/health")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
                )
                for title, place in PLACES.items():
                    samples = sorted(_measure(browser.new_page(), f"http://localhost:{port}/", *place))
                    middle, p95 = statistics.median(samples), samples[int(0.95 * len(samples))]
                    print(f"{title}, {len(samples)} presses: median {middle:.0f} ms, p95 {p95:.0f} ms")
                browser.close()
        finally:
            server.terminate()
            server.wait()
            (Path(folder) / "engine" / "drain").touch()
            time.sleep(3)


def _measure(
    page: Page, url: str, path: str, control: tuple[str, str], keys: tuple[str, ...], watch: str
) -> list[float]:
    page.goto(url + path)
    page.wait_for_function(f"() => {watch}", timeout=60_000)
    page.wait_for_timeout(15_000)  # the engine's workers import TensorFlow at the start
    role, name = control
    page.get_by_role(role, name=name).first.focus()  # type: ignore[arg-type]
    page.add_script_tag(path=Path(__file__).with_suffix(".js"))
    page.evaluate(f"() => {{ window.samples = window.startClock(() => {watch}); }}")
    for number in range(PRESSES):
        page.keyboard.press(keys[number % len(keys)])
        page.wait_for_function(f"() => window.samples.length > {number}", timeout=10_000)
        page.wait_for_timeout(150)
    samples: list[float] = page.evaluate("() => window.samples")
    page.close()
    return samples


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit("The server did not start.")


if __name__ == "__main__":
    main()
