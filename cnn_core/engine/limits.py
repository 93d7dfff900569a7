"""How much one owner may have at once: set in the environment, and good for a class of a hundred on one server."""

import math
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cnn_core.engine.errors import EngineBusy
from cnn_core.engine.jobs import WARM_MILLISECONDS
from cnn_core.store.settings import number

GB = 10**9
_LONG = 400  # milliseconds that a question takes, warm, from which on it counts as a long one
SETTINGS = {
    "running": "CONVSCOPE_LIMIT_RUNNING",
    "queued": "CONVSCOPE_LIMIT_QUEUED",
    "stored": "CONVSCOPE_LIMIT_STORED_GB",
    "questions": "CONVSCOPE_LIMIT_QUESTIONS",
}
LONG_QUESTIONS = frozenset(question for question, taken in WARM_MILLISECONDS.items() if taken >= _LONG)


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
        SettingRefused: If one of them is no number, or a negative one.

    Example:
        >>> limits().queued
        5
    """
    expected, usual = "a number of gigabytes, or 0 for no limit", Limits()
    stored = number(SETTINGS["stored"], usual.stored / GB, expected, lambda value: 0 <= value < math.inf)
    return Limits(
        _whole("running", usual.running),
        _whole("queued", usual.queued),
        round(stored * GB),
        _whole("questions", usual.questions),
    )


def _whole(name: str, usual: int) -> int:
    expected = "a whole number, or 0 for no limit"
    return int(number(SETTINGS[name], usual, expected, lambda value: 0 <= value < math.inf and value % 1 == 0))


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
