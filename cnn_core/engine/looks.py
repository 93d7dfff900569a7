"""How long something has not changed, by looks of one's own at one's own clock.

A heartbeat is written by the clock of the worker's machine, and no two clocks agree: one that was 11 minutes ahead had
a watchman end a run whose beat was 0.1 s old. So nobody compares a time that another has written with the time here.
Who watches remembers when it saw a value first, and for how long it has seen no other.
"""

import threading
import time
from collections.abc import Callable, Hashable

BLIND = 20.0  # seconds without a look, after which what was seen before says nothing of the time between
_FORGET = 3600.0  # seconds after which what nobody looks at any more is forgotten


class Looks:
    """What was seen, and since when; safe to share between threads.

    Args:
        clock: Seconds that only go forward.

    Example:
        >>> now = 0.0
        >>> looks = Looks(clock=lambda: now)
        >>> looks.quiet("run", 17.25)
        0.0
        >>> now = 12.0
        >>> looks.quiet("run", 17.25), looks.quiet("run", 17.5)
        (12.0, 0.0)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock, self._due = clock, threading.Lock(), 0.0
        self._seen: dict[Hashable, tuple[Hashable, float, float]] = {}  # value, first seen, last seen

    def quiet(self, name: Hashable, value: Hashable) -> float:
        """Look at a value; return for how many seconds it has been seen unchanged.

        A watchman that could not look (its database was away, its process stopped) begins anew: those who write could
        not do so either.
        """
        with self._lock:
            now = self._clock()
            self._tidy(now)
            before, first, last = self._seen.get(name, (value, now, now))
            if before != value or now - last > BLIND:
                first = now
            self._seen[name] = value, first, now
            return now - first

    def _tidy(self, now: float) -> None:
        if now >= self._due:
            self._seen = {name: seen for name, seen in self._seen.items() if now - seen[2] < _FORGET}
            self._due = now + _FORGET


HERE = Looks()  # of this process: its watchman and its pages share what they have seen
