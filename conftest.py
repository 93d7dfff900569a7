"""What every test begins with: a store of its own, the same seeds; and the order in which they come."""

import gc
import logging
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from cnn_core.store.runs import Store

pytest_plugins = ["tests.examples", "tests.databases", "tests.twice"]
TOGETHER = ("tests/training/transfer", "tests/training/lab", "tests/training/studies")
WALKS = ("test_stage.py", "test_appearance.py", "test_snapshots.py")  # half of the time in the browser
FIRST = ("tests/browser", *TOGETHER, "tests/pages", "tests/engine")  # what takes longest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CONVSCOPE_NICE", "0")  # nobody clicks: an engine that stands back keeps its test waiting
# No property of ours is one of time, and a loaded machine is no fault. `--hypothesis-profile=search` looks further.
settings.register_profile("same", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("search", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Never the one of the checkout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_STORE", str(tmp_path_factory.mktemp("convscope")))
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the project itself warns of in this test: what a library logs depends on the tests before."""
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("cnn_core") and record.levelno >= logging.WARNING
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Make disks of so many bytes, which are full when they are: a real `tmpfs`, which only root may mount."""
    mounted: list[Path] = []

    def make(size: int) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("a small disk can be mounted by root on Linux only")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=True)  # whoever has a file open there closes it later


# The same seeds, whatever ran before ----------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    config.option.randomly_reset_seed = False  # its seeds change with the order


def _reseed() -> None:
    random.seed(0)  # from here Keras draws the seed of a layer that was given none
    np.random.seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup() -> None:
    _reseed()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    _reseed()


# The order ------------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Do not look for garbage while collecting: nothing becomes any, and it takes a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()  # modules and tests stay till the end
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process works on alone at the end; the rest is shuffled by files."""
    first = {folder: place for place, folder in enumerate(FIRST)}
    items.sort(key=lambda item: first.get(_folder(item.nodeid), len(first)))


def _folder(nodeid: str) -> str:
    return nodeid.partition("::")[0].rpartition("/")[0]


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is not installed nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file in one process, and what shares a trained network or a server."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # by size; ours is by time

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder, file = _folder(nodeid), nodeid.partition("::")[0]
            if folder == "tests/browser":  # each process that has one of these starts a server and an engine
                return f"{folder}, the walks" if file.endswith(WALKS) else folder
            return folder if folder in TOGETHER else file

    return ByFile(config, log)
