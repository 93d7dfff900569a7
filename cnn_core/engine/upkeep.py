"""Once an hour the host looks after the store: what has been kept long enough goes, and what nobody refers to."""

import logging
import threading

from cnn_core.store.collector import collect
from cnn_core.store.runs import Store
from cnn_core.store.terms import Terms

_EVERY = 3600.0  # seconds
_FIRST = 60.0  # seconds after the start: a host may never get an hour old

log = logging.getLogger(__name__)


class Upkeep:
    """A thread that collects; several, of hosts on one store, do no harm to each other.

    Args:
        store: What is looked after.
        first: Seconds until the first time.
        every: Seconds between two.
    """

    def __init__(self, store: Store, *, first: float = _FIRST, every: float = _EVERY) -> None:
        self._store, self._first, self._every = store, first, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="engine-upkeep", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the pass under way; one that is cut short is no harm (`removal`)."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _keep(self) -> None:
        wait = self._first
        while not self._ended.wait(wait):
            wait = self._every
            try:
                found = collect(self._store, Terms.from_environment())
            except Exception as error:  # a setting that makes no sense, or a store that is away: next hour again
                log.warning("Nothing is collected: %s", error, exc_info=not isinstance(error, ValueError))
                continue
            if found.things or found.over:
                log.info("Collected:\n%s", found.table())
