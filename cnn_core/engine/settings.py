"""What the environment says of the engine, and whether all of it can be understood, before anything starts. Light."""

import math
import os

from cnn_core.engine.limits import limits, processes
from cnn_core.store.location import urls
from cnn_core.store.terms import Terms

ADDRESS, STORE = "CONVSCOPE_ENGINE", "CONVSCOPE_STORE"
RUN_MEMORY, ASK_MEMORY = "CONVSCOPE_RUN_MEMORY", "CONVSCOPE_ASK_MEMORY"
WORKER_IDLE = "CONVSCOPE_WORKER_IDLE"
IDLE = 60.0  # seconds without work after which a worker rests


class SettingRefused(ValueError):
    """A setting that cannot be understood; the text says which, and what is expected."""


def check() -> None:
    """Read every setting of store and engine once: a server that starts without them fails later, and elsewhere.

    Raises:
        ValueError: If one cannot be understood, in a sentence.
    """
    limits(), processes(math.inf), stands_back(), idle(), Terms.from_environment()
    for variable in (RUN_MEMORY, ASK_MEMORY):
        gigabytes(variable)
    urls(os.environ.get(STORE, ""))
    address = os.environ.get(ADDRESS, "")
    if address and "://" not in address:
        raise SettingRefused(
            f"{ADDRESS} is {address!r}; expected is the scheduler's address, such as tls://scheduler:8786."
        )


def gigabytes(variable: str) -> float | None:
    """Return how much memory a variable gives to a worker, in gigabytes; None if it says nothing.

    Raises:
        SettingRefused: If it is no number, or none above 0.
    """
    return _above_zero(variable, 1e6, "a number of gigabytes above 0, such as 4")


def idle() -> float:
    """Return after how many seconds without work a worker that has grown is replaced: CONVSCOPE_WORKER_IDLE, or IDLE.

    Raises:
        SettingRefused: If it is no number, or none above 0.
    """
    return _above_zero(WORKER_IDLE, math.inf, "a number of seconds above 0, such as 60, or inf for never") or IDLE


def stands_back() -> int:
    """Return how far the engine stands back behind the web server, as `nice` counts it: CONVSCOPE_NICE, 0 to 19.

    Raises:
        SettingRefused: If it is anything else.
    """
    given = os.environ.get("CONVSCOPE_NICE", "5")
    if not (given.isascii() and given.isdigit() and int(given) <= 19):
        raise SettingRefused(
            f"CONVSCOPE_NICE is {given!r}; expected a whole number from 0, not at all, to 19, furthest."
        )
    return int(given)


def _above_zero(variable: str, most: float, expected: str) -> float | None:
    if not (text := os.environ.get(variable, "").strip()):
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= most:
        raise SettingRefused(f"{variable} is {text!r}; expected {expected}.")
    return number
