"""How long a test waits, on a machine that may have much else to do."""

import time
from collections.abc import Callable
from typing import Any

import psutil

PATIENCE = 5  # a loaded machine is so many times slower; who waits for a condition loses nothing on an idle one


def eventually(condition: Callable[[], Any], within: float = 20.0, of: str = "") -> Any:
    """Return the condition's value as soon as it is true; an idle machine needs less than `within` seconds."""
    deadline = time.monotonic() + PATIENCE * within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE * within:g} s: {of or condition}"
        time.sleep(0.05)
    return value


def promised(seconds: float) -> float:
    """Return a promise in seconds, so many times longer as there are processes for each processor."""
    return seconds * max(1.0, psutil.getloadavg()[0] / (psutil.cpu_count() or 1))
