"""The app in a folder, and for a user, whose names have spaces, percent signs, hashes and umlauts in them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cnn_core.engine import address
from cnn_core.engine.client import Engine
from cnn_core.pictures import kept, sets
from cnn_core.store.runs import Store
from cnn_core.training.transfer.spec import Experiment, Options
from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[1]
FOLDER, HOME = "Jürgen 50% #1", "Frau Müller's 100%25 #2"
SETTINGS = ("CONVSCOPE_", "STREAMLIT_", "PYTHONPATH", "XDG_")


class App:
    """A copy of this checkout in a folder with such a name, started in it, with nothing set that leads elsewhere."""

    def __init__(self, parent: Path) -> None:
        self.parent, self.folder, self.home = parent, parent / FOLDER, parent / HOME
        self.home.mkdir()
        for name in ("cnn_core", "ui", "pages", ".streamlit"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*cache"))
        shutil.copy(ROOT / "app.py", self.folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS)} | {
            "HOME": str(self.home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CONVSCOPE_NICE": "0",
        }
        self.process = self.started("streamlit", "run", "app.py", "--server.port", str(self.port))
        eventually(self._healthy, 60, "the app answers")

    def started(self, *module: str) -> "subprocess.Popen[bytes]":
        with (self.parent / "server.log").open("ab") as log:
            command = [sys.executable, "-m", *module]
            return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)

    def called(self, code: str) -> Any:
        """What a program prints, as JSON, that is started in the folder."""
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def host(self) -> address.Address:
        """Where the engine is, once it is ready."""

        def ready() -> address.Address | None:
            found = address.read(self.folder / "var" / "engine")
            return found if found and found.scheduler else None

        found: address.Address = eventually(ready, 60, "the engine tells its address")
        return found

    def close(self) -> None:
        known = address.read(self.folder / "var" / "engine")
        family = [psutil.Process(self.process.pid)]
        if known:
            family += [*psutil.Process(known.pid).children(recursive=True), psutil.Process(known.pid)]
        for process in family:
            process.kill()
        self.process.wait()
        psutil.wait_procs(family, timeout=10)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://localhost:{self.port}/_stcore/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    started = App(tmp_path_factory.mktemp("any"))
    yield started
    started.close()


def test_app_starts_keeps_its_store_there_and_tells_its_engine(app: App) -> None:
    code = (
        "import json; from cnn_core.store.runs import Store; from cnn_core.pictures import sets\n"
        "store = Store.default(); picture, label, part = next(sets.SAMPLES['textures'].pictures())\n"
        "item = sets.keep(store, picture, label, part)\n"
        "run = store.create('toy', {'items': [item.digest]}, 'ü 50% #')\n"
        "print(json.dumps([str(store.folder), item.digest, run.id, float(picture.pixels.sum())]))"
    )
    location, digest, run_id, total = app.called(code)
    assert location == str(app.folder / "var")
    store = Store(app.folder / "var")
    assert store.get(run_id).title == "ü 50% #"
    assert (
        kept.pixels(store, digest).sum() == total and (app.folder / "var/objects/pictures" / f"{digest}.json").exists()
    )
    assert app.host().scheduler.startswith("tls://127.0.0.1:")
    store.close()
    log = (app.parent / "server.log").read_text(encoding="utf-8")
    assert f"its log: {app.folder / 'var' / 'engine' / 'engine.log'}" in log and "Traceback" not in log
    beside = {path.name for path in app.parent.iterdir()}
    assert beside == {FOLDER, HOME, "server.log"}, "nothing is written elsewhere"
    assert {path.name for path in app.folder.iterdir()} == {"cnn_core", "ui", "pages", ".streamlit", "app.py", "var"}


@pytest.mark.slow
def test_its_engine_answers_and_trains(app: App) -> None:
    app.host()
    store = Store(app.folder / "var")
    engine = Engine(store)
    items = [
        sets.keep(store, picture, label, part)
        for number, (picture, label, part) in enumerate(sets.SAMPLES["textures"].pictures())
        if number % 8 == 0
    ]
    answer = engine.ask("classify", kept.pixels(store, items[0].digest), timeout=60 * PATIENCE)
    assert 0 < answer[0]["probability"] <= 1
    options = Options(arms=("frozen",), epochs=2)
    run = store.create("transfer", Experiment(tuple(items), options).to_json(), title="Jürgen")
    assert engine.submit(run.id)
    eventually(lambda: not store.get(run.id).live, 120, "the run ends")
    assert (store.get(run.id).state, store.get(run.id).error) == ("done", "")
    assert store.exists(f"runs/{run.id}/frozen.head.npz")
    engine.close()
    store.close()
    assert {path.name for path in app.parent.iterdir()} == {FOLDER, HOME, "server.log"}
