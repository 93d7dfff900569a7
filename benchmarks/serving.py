"""A Streamlit server of its own for a benchmark, with a store of its own, and what ends both."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.film import options as camera_options
from cnn_core.engine import address
from cnn_core.store.runs import Store

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120.0  # seconds
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass(frozen=True)
class Server:
    """A server that answers.

    Attributes:
        url: Ends in a slash.
        process: Of the server alone.
        folder: Of its store.
        seconds: From the command to the first answer.
        processor_seconds: That the server had used until then.
        log: What it says.
        others: Further processes that serve the same address (`replicas.py`).
    """

    url: str
    process: psutil.Process
    folder: Path
    seconds: float
    processor_seconds: float
    log: Path
    others: tuple[psutil.Process, ...] = ()


@contextlib.contextmanager
def serving(app: str = "app.py", store: str = "") -> Iterator[Server]:
    """Serve an app of this repository until the block ends; then its engine ends too.

    Args:
        app: The file.
        store: A folder; by default a new one, which goes with the server.
    """
    # The socket keeps the port: while it is open, nobody else is given it.
    with socket.socket() as kept, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        port = kept.getsockname()[1]
        folder, log = store or temporary, Path(temporary) / "server.log"
        started = time.perf_counter()
        with log.open("wb") as says:
            server = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", app, "--server.port", str(port)],
                cwd=ROOT,
                env=os.environ | {"CONVSCOPE_STORE": folder},
                stdout=says,
                stderr=subprocess.STDOUT,
            )
        try:
            url = f"http://localhost:{port}/"
            answered(f"{url}_stcore/health", server)
            seconds, process = time.perf_counter() - started, psutil.Process(server.pid)
            yield Server(url, process, Path(folder), seconds, processor(process), log)
        finally:
            server.terminate()
            server.wait()
            _end_engine(Path(folder))


def processor(process: psutil.Process) -> float:
    """Return the processor seconds that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


@contextlib.contextmanager
def chromium(film: Path | None = None) -> Iterator[Browser]:
    """Start a headless Chromium, whose camera shows a film."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        sys.exit("No Chromium found. Install one (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *camera_options(film)]
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


def visit(browser: Browser, url: str) -> Page:
    """Open a page as a visitor of its own and wait until its script has run."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(url)
    page.wait_for_selector(SETTLED)
    return page


def answered(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Wait until a process answers at an address, or end the program."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit("The server did not start.")


def _end_engine(folder: Path) -> None:
    if not (folder / "engine").exists():
        return
    store = Store(folder)
    for run in store.live():
        store.request_stop(run.id)
    store.close()
    (folder / "engine" / "drain").touch()
    host = address.read(folder / "engine")
    if host is None:
        return
    try:
        process = psutil.Process(host.pid)
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:  # it has ended by itself
        return
    _, alive = psutil.wait_procs(family, timeout=20)
    for each in alive:
        each.kill()
