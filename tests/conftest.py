"""What every test needs: a store of its own, never the one of the checkout."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

TOGETHER = ("tests/browser", "tests/training/transfer", "tests/training/lab", "tests/training/studies")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_STORE", str(tmp_path_factory.mktemp("convscope")))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process works on alone at the end."""
    items.sort(key=lambda item: _folder(item.nodeid) not in TOGETHER)


def _folder(nodeid: str) -> str:
    return nodeid.partition("::")[0].rpartition("/")[0]


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is not installed nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file in one process, and a folder whose tests share a server or a trained network."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # by size; ours is by time

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = _folder(nodeid)
            return folder if folder in TOGETHER else nodeid.partition("::")[0]

    return ByFile(config, log)
