# ruff: noqa: T201
"""How long from a key press to the new picture on the screen: `python -m benchmarks.feel`.

Presses the ReLU switch of the convolution page forty times, with a 256-pixel picture, in a headless Chromium against a
server of its own, and prints median and 95th percentile in milliseconds. The clock runs in the browser: from the key
event to the moment when the new picture is decoded.
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
_CLOCK = """
() => {
  window.samples = [];
  let pressed = null, source = null;
  const image = () => document.querySelector('img[alt="Response"]');
  document.addEventListener('keydown', () => { pressed = performance.now(); source = image().src; }, true);
  const look = () => {
    const now = image();
    if (pressed !== null && now && now.src !== source && now.complete) {
      window.samples.push(performance.now() - pressed);
      pressed = null;
    }
    requestAnimationFrame(look);
  };
  look();
}
"""


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
            cwd=ROOT, env=os.environ | {"CONVSCOPE_STORE": folder},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait(f"http://localhost:{port}/_stcore/health")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
                )
                samples = _measure(browser.new_page(), f"http://localhost:{port}/convolution")
                browser.close()
        finally:
            server.terminate()
            server.wait()
            (Path(folder) / "engine" / "drain").touch()
            time.sleep(3)
    samples.sort()
    p95 = samples[int(0.95 * len(samples))]
    print(f"key press to picture, {len(samples)} presses: median {statistics.median(samples):.0f} ms, p95 {p95:.0f} ms")


def _measure(page: Page, url: str) -> list[float]:
    page.goto(f"{url}?convolution_view=Whole+picture")
    page.wait_for_selector('img[alt="Response"]', timeout=60_000)
    page.wait_for_timeout(15_000)  # the engine's workers import TensorFlow at the start
    switch = page.get_by_role("switch", name="ReLU")
    if not switch.count():
        switch = page.get_by_label("ReLU: negative becomes 0")
    switch.first.focus()
    page.evaluate(_CLOCK)
    for number in range(PRESSES):
        page.keyboard.press("Space")
        page.wait_for_function(f"() => window.samples.length > {number}", timeout=10_000)
        page.wait_for_timeout(150)
    samples: list[float] = page.evaluate("() => window.samples")
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
