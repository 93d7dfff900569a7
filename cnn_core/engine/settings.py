"""What the environment says of the engine, and whether all of it can be understood, before anything starts. Light."""

import math
import os

from cnn_core.engine.limits import GB, limits
from cnn_core.store.location import urls
from cnn_core.store.secret import given_secret
from cnn_core.store.settings import SettingRefused, number
from cnn_core.store.terms import Terms

ADDRESS, STORE = "CONVSCOPE_ENGINE", "CONVSCOPE_STORE"
PROCESSES = "CONVSCOPE_PROCESSES"
RUN_MEMORY, ASK_MEMORY = "CONVSCOPE_RUN_MEMORY", "CONVSCOPE_ASK_MEMORY"
_SMALL = 3e9  # bytes of memory, below which runs and questions share one process: TensorFlow twice takes a gigabyte


def check() -> None:
    """Read every setting of store and engine once: a server that starts without them fails later, and elsewhere.

    Raises:
        ValueError: If one of them makes no sense, in a sentence.
    """
    Terms.from_environment()
    urls(os.environ.get(STORE, ""))
    given_secret()
    address = os.environ.get(ADDRESS, "")
    if address and "://" not in address:
        raise SettingRefused(
            f"{ADDRESS} is {address!r}; expected the scheduler's address, such as tls://scheduler:8786."
        )
    limits()
    processes(math.inf)
    memory_of(RUN_MEMORY, 0)
    memory_of(ASK_MEMORY, 0)
    niceness()
    idle_seconds()


def processes(memory: float) -> int:
    """Return by how many kinds of processes an engine computes: 2, one for runs and one for questions; or 1 for both.

    Args:
        memory: Of this machine, bytes.

    Raises:
        SettingRefused: If CONVSCOPE_PROCESSES is neither.

    Example:
        >>> processes(16e9), processes(2.7e9)
        (2, 1)
    """
    text = os.environ.get(PROCESSES, "").strip()
    if text not in ("", "1", "2"):
        raise SettingRefused(
            f"{PROCESSES} is {text!r}; expected 2, one for runs and one for questions, or 1 for both, which takes "
            "less memory, and answers nothing while a run trains."
        )
    return int(text) if text else 1 if memory < _SMALL else 2


def memory_of(setting: str, share: float) -> int:
    """Return a worker's bytes: what RUN_MEMORY or ASK_MEMORY says in gigabytes, or else this share of the machine.

    Raises:
        SettingRefused: If it is no number above 0.
    """
    # TensorFlow alone takes half a GB: a smaller limit would end the worker before it did anything.
    usual = max(int(share), 2**30) / GB
    return round(GB * number(setting, usual, "a number of gigabytes above 0, such as 4", lambda value: 0 < value < 1e6))


def niceness() -> int:
    """Return how far the engine stands back behind the web server, as `nice` counts it: CONVSCOPE_NICE, 0 to 19.

    Raises:
        SettingRefused: If it is anything else.
    """
    expected = "a whole number from 0 (not at all) to 19 (as far as can be)"
    return int(number("CONVSCOPE_NICE", 5, expected, lambda value: value in range(20)))


def idle_seconds() -> float:
    """Return after how many seconds without work a worker that has grown is replaced: CONVSCOPE_WORKER_IDLE, or 60.

    Raises:
        SettingRefused: If it is no number of seconds.
    """
    expected = "a number of seconds above 0, such as 60, or inf for never"
    return number("CONVSCOPE_WORKER_IDLE", 60.0, expected, lambda value: value > 0)
