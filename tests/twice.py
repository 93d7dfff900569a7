"""What drives a browser, a server or an engine is tried once more when it fails; what fails twice fails.

They race on a busy machine, and one failure in six thousand tests would keep a change from landing. What passed only
the second time is told at the end of pytest's output with what failed, to be mended like any fault.
"""

from pathlib import Path

import pytest
import pytest_timeout


def tried_twice(items: list[pytest.Item], folder: Path) -> None:
    """Mark all tests in a folder."""
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the second attempt have a time of its own: pytest-timeout stops its clock at the first failure."""
    if getattr(item, "execution_count", 1) > 1:
        settings = pytest_timeout._get_item_settings(item)
        if settings.timeout:
            item.config.pluginmanager.hook.pytest_timeout_set_timer(item=item, settings=settings)
