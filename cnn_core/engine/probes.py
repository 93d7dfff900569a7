"""Small functions that the client has executed inside the scheduler, a worker or a nanny, beside all tasks."""

import os
import signal
import time
from collections.abc import Iterable
from typing import Any

from cnn_core.engine import readiness

DEATHS = "convscope-deaths"  # topic of Dask's events: workers that died while they computed an answer
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows ends a process at once by any signal


def look(keys: Iterable[str], dask_scheduler: Any) -> dict[str, Any]:
    """In the scheduler: which of these keys it carries, how their workers died, what workers there are, and how many of
    their slots for runs are free: those that no run has, nor is on its way to.

    `lost` counts what Dask counts, workers lost while a key was with them, waiting or not; `deaths` has the words of
    those nannies who saw theirs die while it computed that very key.

    `busy` says that runs and questions share all processes, and that a run is at work in each.

    The keys are those of live runs. One that the scheduler holds as done is of an attempt before: a run that was sent
    again at the moment when that attempt ended was taken for it, and its key would be wanted, and held, for ever.
    """
    tasks = {key: dask_scheduler.tasks[key] for key in keys if key in dask_scheduler.tasks}
    for key in [key for key, task in tasks.items() if task.state == "memory"]:
        dask_scheduler.client_releases_keys(keys=[key], client="fire-and-forget")
        del tasks[key]
    held = sum(
        task.state in ("waiting", "queued", "no-worker", "processing") and "RUN" in (task.resource_restrictions or ())
        for task in dask_scheduler.tasks.values()
    )
    slots = sum(int(worker.resources.get("RUN", 0)) for worker in dask_scheduler.workers.values())
    seen = [event for _, event in dask_scheduler.get_events(DEATHS)]
    shared = [worker for worker in dask_scheduler.workers.values() if {"RUN", "ASK"} <= set(worker.resources)]
    askers = [worker for worker in dask_scheduler.workers.values() if "ASK" in worker.resources]
    at_run = [any("RUN" in (task.resource_restrictions or ()) for task in worker.processing) for worker in askers]
    return {
        "free": slots - held,
        "busy": bool(askers) and len(shared) == len(askers) and all(at_run),
        "lost": {key: task.suspicious for key, task in tasks.items() if task.state not in ("erred", "forgotten")},
        "deaths": {key: [each["words"] for each in seen if each["key"] == key] for key in tasks},
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


async def part_with(address: str, dask_scheduler: Any) -> bool:
    """In the scheduler: give up this worker if it has nothing to do; tell whether it may go now.

    It must not be the worker that decides: only the scheduler knows what it is sending there at this moment.
    """
    worker = dask_scheduler.workers.get(address)
    if worker is None or worker.processing:
        return False
    # From now on it is sent nothing more.
    dask_scheduler.handle_worker_status_change("closing_gracefully", worker, f"part-with-{time.time()}")
    # An answer that nobody has fetched yet moves elsewhere. The worker stays known: told that it is not, it would close
    # in its own way, with its nanny.
    await dask_scheduler.retire_workers([address], remove=False)
    return True


def is_executing(key: str, dask_worker: Any) -> bool:
    """In a worker: whether one of its threads executes this key at this moment."""
    with dask_worker.active_threads_lock:
        return key in dask_worker.active_threads.values()


def is_getting_ready(dask_worker: Any) -> bool:
    """In a worker: whether it warms up, or imports TensorFlow, at this moment."""
    return readiness.is_getting_ready()


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
