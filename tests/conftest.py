"""What every test needs: a store of its own, never the one of the checkout."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

BROWSER = Path(__file__).parent / "browser"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVSCOPE_STORE", str(tmp_path_factory.mktemp("convscope")))
        yield


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file in one process, and all browser tests in one: they share a server."""
    for item in items:
        group = "browser" if BROWSER in item.path.parents else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
