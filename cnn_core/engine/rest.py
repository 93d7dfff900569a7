"""A worker that has grown and rests makes room for a fresh, light one: its nanny starts that in its place.

TensorFlow, once imported, holds half a gigabyte until its process ends, and a training what it left behind. Nothing is
lost at that moment: the scheduler sends a worker nothing more *if* it has sent it nothing yet, in one step of its event
loop, and what arrives then waits for the fresh one.
"""

import gc
import logging
import os
import sys
import time
from typing import Any

import psutil
from distributed.protocol.pickle import dumps
from tornado.ioloop import PeriodicCallback

from cnn_core.engine import probes, readiness
from cnn_core.engine.settings import idle_seconds

_EVERY = 1.0  # seconds between two looks
_GROWN = 250e6  # bytes above those at the start: the warm-up of a light one stays below, and what a walk holds

log = logging.getLogger(__name__)


def watch(worker: Any) -> None:
    """Look after this worker, of Dask's, from its event loop, as long as it lives; does nothing without a nanny."""
    if worker.nanny:
        worker.periodic_callbacks["rest"] = PeriodicCallback(_Watch(worker).look, _EVERY * 1000)


class _Watch:
    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._idle = idle_seconds()
        self._light = _memory()
        self._done, self._since, self._frozen = 0, time.monotonic(), False

    async def look(self) -> None:
        """Let the worker go if it is time."""
        if self._worked():
            self._since = time.monotonic()
            return
        heavy = "tensorflow" in sys.modules
        if heavy and not self._frozen:
            self._frozen = True
            gc.collect()
            gc.freeze()  # its million objects stay: without this, collecting costs a question up to a third of a second
        rested = time.monotonic() - self._since
        if rested < self._idle or not (heavy or _memory() - self._light > _GROWN):
            return
        worker = self._worker
        asked = {"function": dumps(probes.part_with), "args": dumps((worker.address,))}
        if (await worker.scheduler.run_function(**asked)).get("result"):
            log.info("%s rested for %.0f s with %.0f MB: a light one follows", worker.name, rested, _memory() / 1e6)
            os._exit(0)  # Dask's own way out waits two seconds for a thread of its nanny; TensorFlow's may take longer

    def _worked(self) -> bool:
        """Whether it works or warms up, or has worked since the last look."""
        state, before = self._worker.state, self._done
        self._done = state.executed_count
        if self._worker.active_threads or state.ready or state.constrained or self._done != before:
            return True
        return readiness.is_getting_ready()  # replaced amid that, on a slow machine, it would begin anew for ever


def _memory() -> int:
    held: int = psutil.Process().memory_info().rss
    return held
