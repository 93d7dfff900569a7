"""Small functions that the client has executed inside the scheduler, a worker or a nanny, beside all tasks."""

import os
import signal
from collections.abc import Iterable
from typing import Any

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows ends a process at once by any signal


def look(keys: Iterable[str], dask_scheduler: Any) -> dict[str, Any]:
    """In the scheduler: which of these keys it knows, how often their workers died, and what workers there are."""
    tasks = {key: dask_scheduler.tasks[key] for key in keys if key in dask_scheduler.tasks}
    return {
        "deaths": {key: task.suspicious for key, task in tasks.items() if task.state not in ("erred", "forgotten")},
        "workers": [
            {
                "address": worker.address,
                "name": str(worker.name),
                "lanes": sorted(worker.resources),
                "devices": worker.extra.get("devices", ""),
            }
            for worker in dask_scheduler.workers.values()
        ],
    }


def is_executing(key: str, dask_worker: Any) -> bool:
    """In a worker: whether one of its threads executes this key at this moment."""
    with dask_worker.active_threads_lock:
        return key in dask_worker.active_threads.values()


def die_if_executing(key: str, dask_worker: Any) -> bool:
    """In a worker: end this process if it executes this key; tell whether it does.

    It must not be the nanny or the scheduler that decides: only the worker knows what runs there at this moment.
    """

    def die() -> None:
        if is_executing(key, dask_worker):
            os.kill(os.getpid(), KILL)

    if not is_executing(key, dask_worker):
        return False
    dask_worker.loop.call_later(0.02, die)  # after this answer is on its way
    return True


def kill_process(dask_worker: Any) -> bool:
    """In a nanny: end its worker process, whose own event loop does not answer any more."""
    os.kill(dask_worker.process.pid, KILL)
    return True
