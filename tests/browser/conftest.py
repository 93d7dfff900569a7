"""The app as its readers meet it: `streamlit run app.py` on a port of its own, in a real Chromium."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FloatRect, Locator, Page, expect, sync_playwright

from benchmarks.film import options as camera_options
from cnn_core.engine import address
from cnn_core.engine.client import Engine
from cnn_core.pictures import sets
from cnn_core.pictures.images import Picture
from cnn_core.store.records import Run
from cnn_core.store.runs import Store
from cnn_core.training.transfer.spec import Experiment, Options
from tests.twice import tried_twice
from tests.waiting import PATIENCE, eventually
from ui.shared.visits import COOKIE

from .answered import CALLS, QUIET, listening

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
LIMIT = PATIENCE * 30_000  # ms
HOW = "no Chromium found; install one to run the browser tests (Debian: apt-get install chromium)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tried_twice(items, Path(__file__).parent)
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
            if CHROMIUM is None and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason=HOW))


def kept_port() -> socket.socket:
    """Return a socket whose port is given to nobody else while it is open; who knows it may listen there."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    return kept


class Server:
    """A running app with its store; can be killed and started again."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self.store, self.settings = folder, Store(folder / "store"), settings
        self._kept = kept_port()
        self.port = self._kept.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        with (self.folder / "server.log").open("ab") as log:  # a pipe that nobody reads would stop the server
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env=os.environ
                | {"CONVSCOPE_STORE": str(self.folder / "store"), "CONVSCOPE_WORKER_IDLE": "inf"}
                | self.settings,
            )
        eventually(self._healthy, 60, "the app answers")

    def _healthy(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the app ended at its start: {(self.folder / 'server.log').read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def host(self) -> psutil.Process:
        known = address.read(address.state_folder(self.store))
        if known is None:
            raise psutil.NoSuchProcess(0, msg="no engine has shown itself")
        return psutil.Process(known.pid)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let the engine's workers stand still meanwhile."""
        workers = self.host().children(recursive=True)
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.suspend()
        try:
            yield
        finally:
            for worker in workers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.resume()

    def close(self) -> None:
        if self.process is not None:
            self.kill()
        self._kept.close()
        try:
            host = self.host()
            family = [*host.children(recursive=True), host]
        except psutil.NoSuchProcess:
            return
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("app"))
    running.start()
    engine = Engine(running.store)
    engine.ask("convolve", np.zeros((64, 64)), np.ones((3, 3)), timeout=PATIENCE * 60)  # TensorFlow is there and stays
    engine.close()
    yield running
    running.close()


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders with photos cut from the sample set: 12 of brick, 12 of gravel; one grass for later."""
    folder = tmp_path_factory.mktemp("photos")
    written = {"brick": 0, "gravel": 0, "grass": 0}
    for picture, label, _ in sets.SAMPLES["textures"].pictures():
        if written[label] < 13:
            path = folder / label / f"{written[label]:02}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(picture.png())
            written[label] += 1
    return folder


@pytest.fixture(scope="session")
def finished(server: Server, photos: Path) -> Run:
    """A finished run of two arms, carried out by the server's own worker."""
    items = [
        sets.keep(server.store, Picture(pixels(path), path.name), label)
        for label in ("brick", "gravel")
        for path in sorted((photos / label).iterdir())[:12]
    ]
    run = server.store.create("transfer", Experiment(tuple(items), Options(epochs=2)).to_json(), title="brick, gravel")
    eventually(lambda: not server.store.get(run.id).live, 120, "the run ends")
    return server.store.get(run.id)


def pixels(path: Path) -> np.ndarray:
    """Read a picture file."""
    return np.asarray(Image.open(path).convert("RGB"))


@contextlib.contextmanager
def launched(film: Path | None = None) -> Iterator[Browser]:
    """Start a Chromium whose camera shows a film (`benchmarks.film`), by default a green picture with a clock."""
    assert CHROMIUM is not None, HOW
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
        options += camera_options(film)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield listening(browser, LIMIT)
        browser.close()


@pytest.fixture(scope="module")  # not session: while it is open, its event loop occupies the thread
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def name_of(page: Page) -> str:
    """The visitor's name, which their cookie holds."""
    (value,) = (cookie["value"] for cookie in page.context.cookies() if cookie["name"] == COOKIE)
    return str(value).partition(".")[0]


def violations(page: Page) -> list[str]:
    """Collect what a page, its frames and workers do against the Content-Security-Policy, from here on."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if "Content Security Policy" in said.text else None)
    return found


@contextlib.contextmanager
def visits(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages as different people: each in a browser context of its own."""
    contexts: list[BrowserContext] = []
    refused: list[list[str]] = []

    def open_page(url: str, width: int = 1280, scheme: str = "light", height: int = 900, motion: str = "") -> Page:
        looks: Any = {"color_scheme": scheme, "reduced_motion": motion or None}
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}, **looks))
        page = contexts[-1].new_page()
        refused.append(violations(page))
        page.goto(url)
        settled(page)
        return page

    try:
        yield open_page
        assert [said for each in refused for said in each] == [], "whatever a test does keeps to the policy"
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Callable[..., Page]]:
    with visits(chromium) as open_page:
        yield open_page


def settled(page: Page) -> None:
    """Wait until the script has run for whatever the page has asked."""
    page.wait_for_function(QUIET, arg=next(CALLS), timeout=LIMIT)


@contextlib.contextmanager
def asking(page: Page) -> Iterator[None]:
    """Do meanwhile what the page tells the server, if only when one has come to rest; wait until it is answered."""
    before = page.evaluate("window.asks")
    yield
    page.wait_for_function("(before) => window.asks > before", arg=before)
    settled(page)


def until_right(page: Page, look: Callable[[], list[str]], within: float = 3.0) -> list[str]:
    """Return what is wrong with a page: nothing as soon as nothing is, else what still is when it had time to rest."""
    deadline = time.monotonic() + PATIENCE * within
    while (wrong := look()) and time.monotonic() < deadline:
        page.wait_for_timeout(200)  # ms, in which the browser is heard, too
    return wrong


def resting(place: Locator) -> FloatRect:
    """Return where an element is, once it is in sight, can be reached and moves no more."""
    place.scroll_into_view_if_needed()
    place.hover(trial=True)
    box = place.bounding_box()
    assert box is not None
    return box


def steps(page: Page, name: str) -> Iterator[str]:
    """Go through a page's steps by its button, from the one it is at; give the question of each, once it has run."""
    seen: set[str] = set()
    while True:
        settled(page)
        expect(page.locator("[data-testid=stSpinner]")).to_have_count(0)
        question = page.locator("h1").first.inner_text()
        if question in seen:
            return
        seen.add(question)
        yield question
        following = page.locator(f".st-key-{name}_view_next button")
        if not name or not following.count():
            return
        following.click()
        page.wait_for_function("(before) => document.querySelector('h1')?.innerText !== before", arg=question)


expect.set_options(timeout=LIMIT)
