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
    """Return a promise in seconds, so many times longer as this machine is slower now than an idle one.

    By the processes for each processor in the last minute, and by what one that computes gets this moment; for two
    processes that wait for each other it is the square.
    """
    began, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < 0.05:
        pass
    now = (time.perf_counter() - began) / 0.05
    return seconds * max(1.0, psutil.getloadavg()[0] / (psutil.cpu_count() or 1), now) ** 2
