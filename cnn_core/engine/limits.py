"""How much one owner may have at once: set in the environment, and good for a class of a hundred on one server."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cnn_core.engine.errors import EngineBusy
from cnn_core.engine.jobs import WARM

GB = 10**9
LONG = 400  # milliseconds that a question takes, warm, from which on it counts as a long one
VARIABLES = {
    "running": "CONVSCOPE_LIMIT_RUNNING",
    "queued": "CONVSCOPE_LIMIT_QUEUED",
    "stored": "CONVSCOPE_LIMIT_STORED_GB",
    "questions": "CONVSCOPE_LIMIT_QUESTIONS",
}
LONG_QUESTIONS = frozenset(question for question, taken in WARM.items() if taken >= LONG)


class LimitRefused(ValueError):
    """A limit in the environment is none."""


@dataclass(frozen=True)
class Limits:
    """What one owner may have; 0 is no limit.

    Attributes:
        running: Runs that workers have at the same time.
        queued: Runs that wait.
        stored: Bytes of pictures and networks.
        questions: Long questions (LONG_QUESTIONS) at once, to one web process.
    """

    running: int = 1
    queued: int = 5
    stored: int = 2 * GB
    questions: int = 2


def limits() -> Limits:
    """Return the limits of this server.

    Raises:
        LimitRefused: If one of the variables holds no number, or a negative one.

    Example:
        >>> limits().queued
        5
    """
    found = {name: _number(variable) for name, variable in VARIABLES.items() if os.environ.get(variable)}
    if "stored" in found:
        found["stored"] *= GB
    return Limits(**{name: int(value) for name, value in found.items()})


def _number(variable: str) -> float:
    text, whole = os.environ[variable], not variable.endswith("_GB")
    try:
        value = float(text)
        if 0 <= value < float("inf") and not (whole and value % 1):
            return value
    except ValueError:
        pass
    what = "a whole number" if whole else "a number of gigabytes"
    raise LimitRefused(f"{variable} is {text!r}; expected {what}, or 0 for no limit. Correct it and start again.")


SMALL = 3e9  # bytes of memory, below which runs and questions share one process: TensorFlow twice takes a gigabyte
PROCESSES = "CONVSCOPE_PROCESSES"


def processes(memory: float) -> int:
    """Return by how many kinds of processes an engine computes: 2, one for runs and one for questions; or 1 for both.

    Args:
        memory: Of this machine, bytes.

    Raises:
        LimitRefused: If CONVSCOPE_PROCESSES is neither.

    Example:
        >>> processes(16e9), processes(2.7e9)
        (2, 1)
    """
    text = os.environ.get(PROCESSES, "").strip()
    if text not in ("", "1", "2"):
        raise LimitRefused(
            f"{PROCESSES} is {text!r}; expected 2, one for runs and one for questions, or 1 for both, which takes "
            "less memory, and answers nothing while a run trains. Correct it and start again."
        )
    return int(text) if text else 1 if memory < SMALL else 2


_open: Counter[str] = Counter()
_counting = threading.Lock()


@contextmanager
def counted(owner: str, question: str) -> Iterator[None]:
    """Count a long question of an owner's while it is being answered.

    Raises:
        EngineBusy: If the owner has as many open as one may have.
    """
    most = limits().questions
    if not most or not owner or question not in LONG_QUESTIONS:
        yield
        return
    with _counting:
        if _open[owner] >= most:
            raise EngineBusy(
                f"{most} of your long questions {'is' if most == 1 else 'are'} being answered, the most that one "
                "visitor may ask at once here. Wait for an answer, then ask again."
            )
        _open[owner] += 1
    try:
        yield
    finally:
        with _counting:
            _open[owner] -= 1
            if not _open[owner]:
                del _open[owner]
