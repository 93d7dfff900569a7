"""Whose turn it is: a queue that is fair across owners, and what one who waits may expect.

The store is the truth. A run is sent to a worker when its turn has come and not before, so nothing needs to be moved
in Dask, and the queue outlives everybody. The next run belongs to the owner with the fewest at work, and among those to
the one who has waited longest since their last turn (`Glance.queued`, which the store sets anew when a run of theirs
begins or ends): nobody with nothing at work sees another owner begin twice before them.
"""

import statistics
import time
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cnn_core.store.records import ENGINE, Glance
from cnn_core.store.runs import Store

SOONEST = 0.1  # of the work must be done before the time left can be told by its pace
_USUAL = 60.0  # seconds, in place of what is not known, to find the order; never told to anybody


@dataclass(frozen=True)
class Outlook:
    """What a waiting run may expect.

    Attributes:
        before: Runs that must end before it can begin.
        seconds: Until then, by what runs of their kinds took; None if that is not known.
    """

    before: int
    seconds: float | None


def waits(run: Glance) -> bool:
    """Tell whether an engine's run has not been taken up yet."""
    return run.carrier == ENGINE and run.state == "queued" and run.attempt == 0


def next_runs(live: Iterable[Glance], sent: Collection[str], free: int, most: int) -> list[Glance]:
    """Return the runs whose turn it is.

    Args:
        live: All live runs.
        sent: Ids of those that a worker has been given, or will be as soon as one is free.
        free: Workers that have nothing to do and were given nothing.
        most: Runs that one owner may have at work; 0 is no limit.
    """
    line, found = _Line(live, sent, most), list[Glance]()
    while len(found) < free and (run := line.pop()):
        found.append(run)
    return found


def outlook(live: Collection[Glance], workers: int, most: int, left: Mapping[str, float]) -> dict[str, Outlook]:
    """Return what each waiting run may expect if no other comes.

    Args:
        live: All live runs.
        workers: How many runs are carried out at the same time.
        most: Runs that one owner may have at work; 0 is no limit.
        left: Seconds that a run still takes, by its id; one that is missing is not known.
    """
    line, found, now, before, known = _Line(live, (), most), dict[str, Outlook](), 0.0, 0, True
    ends = {run.id: (left.get(run.id, _USUAL), run) for run in live if run.carrier == ENGINE and not waits(run)}
    while True:
        while len(ends) < workers and (run := line.pop()):
            found[run.id] = Outlook(before, now if known else None)
            ends[run.id] = (now + left.get(run.id, _USUAL), run)
        if not ends:
            return found
        (now, ended) = ends.pop(min(ends, key=lambda run_id: ends[run_id][0]))
        line.end(ended)
        before, known = before + 1, known and ended.id in left


def expected(store: Store, workers: int, most: int) -> dict[str, Outlook]:
    """Return what each waiting run of a store may expect."""
    live = store.live()
    usual = {kind: store.durations(kind) for kind in {run.kind for run in live}} if any(map(waits, live)) else {}
    left = {}
    for run in live:
        whole = statistics.median(usual[run.kind]) if usual.get(run.kind) else None
        rest = whole if waits(run) else time_left(store.progress(run.id), time.time() - (run.started or 0), whole)
        if rest is not None:
            left[run.id] = rest
    return outlook(live, workers, most, left)


def time_left(progress: Mapping[str, Any], elapsed: float, whole: float | None = None) -> float | None:
    """Return the seconds that a run still takes: as it tells them, by its pace, or by what its kind takes; or None.

    Example:
        >>> time_left({"left": 7.5}, 3), time_left({"fraction": 0.25}, 30), time_left({}, 30, 45), time_left({}, 30)
        (7.5, 90.0, 15, None)
    """
    fraction = progress.get("fraction") or 0.0
    if (told := progress.get("left")) is not None:
        return float(told)
    if fraction >= SOONEST:
        return float(elapsed * (1 - fraction) / fraction)
    return None if whole is None else max(0.0, whole - elapsed)


class _Line:
    """Those who wait, by owner."""

    def __init__(self, live: Iterable[Glance], sent: Collection[str], most: int) -> None:
        self._most = most
        self._at_work: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[Glance]] = defaultdict(deque)
        self._turns: dict[str, int] = {}  # of owners who have had one since: they stand behind the others, in order
        for run in sorted(live, key=lambda run: (run.queued, run.created, run.id)):
            if run.carrier != ENGINE:
                continue
            if waits(run) and run.id not in sent:
                self._waiting[run.owner].append(run)
            else:
                self._at_work[run.owner] += 1

    def pop(self) -> Glance | None:
        """Let the next one begin; None if nobody may."""
        may = [o for o in self._waiting if not (self._most and o) or self._at_work[o] < self._most]
        if not may:
            return None
        owner = min(may, key=self._place)
        run = self._waiting[owner].popleft()
        if not self._waiting[owner]:
            del self._waiting[owner]
        self._at_work[owner] += 1
        self._had_turn(owner)
        return run

    def end(self, run: Glance) -> None:
        """Take note of the end of one at work."""
        self._at_work[run.owner] -= 1
        self._had_turn(run.owner)

    def _had_turn(self, owner: str) -> None:
        self._turns[owner] = max(self._turns.values(), default=0) + 1

    def _place(self, owner: str) -> tuple[Any, ...]:
        head = self._waiting[owner][0]
        return self._at_work[owner], self._turns.get(owner, 0), head.queued, head.created, head.id
