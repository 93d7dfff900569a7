"""One embedded engine a test module, with toy jobs and without TensorFlow; nothing of it may be left behind."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from cnn_core.engine import address
from cnn_core.engine.client import Engine
from cnn_core.engine.reconcile import Reconciler
from cnn_core.store.records import COMMAND_LINE, Run
from cnn_core.store.runs import Store
from tests.twice import tried_twice
from tests.waiting import PATIENCE, eventually

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes; runs only when asked for by -m slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tried_twice(items, HERE)
    for item in items:
        if HERE in item.path.parents and "slow" in item.keywords and "slow" not in config.option.markexpr:
            item.add_marker(pytest.mark.skip(reason="slow: ask for it by -m slow"))


class Bench:
    """A store with its engine and watchman, and what tests do to them."""

    def __init__(self, store: Store) -> None:
        self.store, self.engine = store, Engine(store)

    def begin(self, kind: str, submit: bool = True, **spec: Any) -> Run:
        run = self.store.create(kind, spec, title=kind)
        if submit:
            eventually(lambda: self.engine.submit(run.id), of="the engine takes a run")
        return run

    def running(self, run: Run, attempt: int = 1, within: float = 20.0) -> Run:
        """Wait until the job of this attempt has said which process it is."""

        def there() -> Run | None:
            now = self.store.get(run.id)
            said = now.attempt == attempt and "pid" in now.progress  # it may be what a killed attempt has said
            return now if said and psutil.pid_exists(now.progress["pid"]) else None

        return eventually(there, within, f"{run.kind} runs as attempt {attempt}")

    def ended(self, run: Run, within: float = 20.0) -> Run:
        eventually(lambda: not self.store.get(run.id).live, within, f"{run.kind} ends")
        return self.store.get(run.id)

    def host(self) -> psutil.Process:
        return psutil.Process(eventually(lambda: address.read(address.state_folder(self.store))).pid)

    @property
    def log(self) -> str:
        return (address.state_folder(self.store) / "engine.log").read_text()


@contextlib.contextmanager
def answering(bench: Bench, folder: Path) -> Iterator[None]:
    """Keep the worker that answers at a question meanwhile, however long that takes."""
    begun, go_on = folder / "begun", folder / "go on"
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(bench.engine.ask, "hold", str(begun), str(go_on), timeout=PATIENCE * 60)
        try:
            eventually(begun.exists, of="the question is being answered")
            yield
        finally:
            go_on.touch()
        assert asked.result() is None


def kill(run: Run) -> None:
    """kill -9 the process that said it runs this."""
    psutil.Process(run.progress["pid"]).kill()


def end_host(store: Store) -> None:
    """End the host of a store orderly, and see that it takes all its processes along."""
    found = address.read(address.state_folder(store))
    if found is None:
        return
    host = psutil.Process(found.pid)
    family = [host, *host.children(recursive=True)]
    host.terminate()
    _, alive = psutil.wait_procs(family, timeout=PATIENCE * 30)
    for process in alive:
        process.kill()
    assert not alive, f"left behind: {alive}"


@pytest.fixture(scope="module")
def environment() -> Iterator[None]:
    """What a host started by these tests inherits; a test that wants more has a `monkeypatch` of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_EXTRA_JOBS", "engine_toys")
        patch.setenv("PYTHONPATH", str(HERE))
        patch.syspath_prepend(HERE)  # what is carried out here, as at the command line, needs the toys too
        patch.setenv("CONVSCOPE_WARM_UP", "")
        patch.delenv("CONVSCOPE_ENGINE", raising=False)
        yield


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, environment: None) -> Iterator[Bench]:
    """An engine with its watchman, one for the module."""
    store = Store(tmp_path_factory.mktemp("store"))
    bench = Bench(store)
    bench.engine.start()
    watchman = Reconciler(bench.engine, store, every=1.0)
    watchman.start()
    yield bench
    watchman.stop()
    bench.engine.close()
    end_host(store)
    store.close()


@pytest.fixture(autouse=True)
def _nothing_goes_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that failed midway leaves no run that the next ones would wait behind."""
    if "bench" not in request.fixturenames:
        yield
        return
    bench: Bench = request.getfixturevalue("bench")
    yield
    left = [run for run in bench.store.live() if run.carrier != COMMAND_LINE]
    for run in left:
        bench.engine.stop(run.id)
    for run in left:
        bench.ended(bench.store.get(run.id))
