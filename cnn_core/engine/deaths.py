"""Who died while carrying what, and of what: only what somebody saw.

A worker holds a slip while it carries a run or a question: a file that tells what. It goes when the work ends, in
whatever way. Its nanny (Dask's word for the process that starts it, and starts the next one) sees how the worker's
process ended. A process that ended by itself or was told to has not died; one that died with a slip in its hand died
while it carried that very work, and the nanny writes down how. Where nobody is left to see it (the whole machine went,
or the host with all its workers), nobody died of the run: it is sent again.

`dask worker … --preload cnn_core.engine.preload --preload-nanny cnn_core.engine.deaths` does the same in a cluster.
"""

import contextlib
import json
import logging
import os
import re
import shutil
import signal
import tempfile
import threading
import weakref
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from sqlalchemy.exc import SQLAlchemyError

from cnn_core.engine import probes
from cnn_core.engine.errors import MEMORY_WORDS
from cnn_core.store import keys
from cnn_core.store.records import Run, RunNotFound
from cnn_core.store.runs import Store

SLIP = "CONVSCOPE_SLIP"  # a variable of the worker's: where its slip goes
TOPIC = probes.DEATHS
_TOLD = (signal.SIGTERM, signal.SIGINT)  # whoever sends these wants an end in order
_NEAR = 0.9  # of the limit: a worker that used so much and was killed has probably been killed for it
_COUNTERS = ("/proc/vmstat", "/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_MOST = 2  # deaths of a run's workers without anything new that was kept in between
MAX_ATTEMPTS = 20  # whatever nobody saw: a run that takes its whole machine down has to end too

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Death:
    """How a worker's process ended while it carried something.

    Attributes:
        cause: `limit` (its nanny saw it use more than it may), `kernel` (killed, and the system counted one more
            process that was ended for want of memory), `signal` or `exit`.
        number: Of the signal, or the exit code.
        memory: Bytes in use at its last heartbeat; 0 where that is unknown.
        limit: Bytes that it was allowed; 0 where there was no limit.
        further: Something new was kept in this attempt: the next one begins further on.
    """

    cause: Literal["limit", "kernel", "signal", "exit"]
    number: int = 0
    memory: int = 0
    limit: int = 0
    further: bool = False

    @property
    def of_memory(self) -> bool:
        """True if a want of memory was seen."""
        return self.cause in ("limit", "kernel") or self._near

    @property
    def _near(self) -> bool:
        return self.number == probes.KILL and 0 < _NEAR * self.limit < self.memory

    def __str__(self) -> str:
        """Complete "its worker …".

        Example:
            >>> print(Death("signal", 9, memory=10**8, limit=10**9))
            ended with signal 9
            >>> print(Death("limit", 15, limit=400_000_000))
            reached its memory limit of 0.4 GB and was ended
        """
        if self.cause == "limit":
            return f"reached its memory limit{f' of {self.limit / 1e9:.1f} GB' if self.limit else ''} and was ended"
        if self.cause == "kernel":
            return "was ended by the system, which had no memory left"
        if self._near:
            return f"ended with signal 9 when it used {self.memory / 1e9:.1f} of the {self.limit / 1e9:.1f} GB allowed"
        return f"ended with {'signal' if self.cause == 'signal' else 'exit code'} {self.number}"


def too_many(deaths: Sequence[Death]) -> bool:
    """Tell whether a run is not tried again: two workers died of it, and nothing new was kept in between.

    Example:
        >>> killed, further = Death("signal", 9), Death("signal", 9, further=True)
        >>> too_many([killed, killed]), too_many([further, further, further]), too_many([killed, further, killed])
        (True, False, True)
    """
    row = 0
    for death in deaths:
        row = 1 if death.further else row + 1
    return row >= _MOST


def told(deaths: Sequence[Death]) -> str:
    """Return the last two deaths as a sentence, and what may help if it was memory.

    Example:
        >>> told([Death("signal", 9), Death("signal", 9)])
        'Its worker ended with signal 9, twice.'
        >>> told([Death("signal", 11), Death("exit", 1)])
        'Its worker ended with signal 11, and the next one ended with exit code 1.'
    """
    first, second = deaths[-_MOST:]
    alike = (first.cause, first.number) == (second.cause, second.number)
    words = f"Its worker {second}, twice." if alike else f"Its worker {first}, and the next one {second}."
    return f"{words} {MEMORY_WORDS}" if first.of_memory or second.of_memory else words


# In the worker -------------------------------------------------------------------------------------------------------


class Slip:
    """What this worker carries, for its nanny to find; without a nanny nothing is written."""

    def __init__(self, **what: Any) -> None:
        place = os.environ.get(SLIP)
        self._path = Path(place) if place else None
        self._what = what | {"pid": os.getpid(), "further": False, "killed": out_of_memory_kills()}

    def further(self) -> None:
        """Note that something new was kept, from any thread."""
        if not self._what["further"]:
            self._what["further"] = True
            self._write()

    def drop(self) -> None:
        """Carry nothing any more."""
        if self._path:
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self._write()
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def _write(self) -> None:
        if self._path:
            partial = self._path.with_suffix(".partial")
            try:
                partial.write_text(json.dumps(self._what))
                os.replace(partial, self._path)
            except OSError:  # the disk is full, say: a death would not be seen, which is no reason not to work
                log.warning("The slip of this work could not be written", exc_info=True)


def known(store: Store, run: Run) -> list[Death]:
    """Return the deaths of a run's workers that were seen, oldest first."""
    found = []
    for attempt in range(1, run.attempt):
        with contextlib.suppress(FileNotFoundError):
            found.append(Death(**json.loads(store.read(keys.death(run.id, attempt)))))
    return found


# In the nanny --------------------------------------------------------------------------------------------------------


def dask_setup(nanny: Any) -> None:
    """Have a nanny see how its worker ends, and write that down before the next one begins."""
    folder = tempfile.mkdtemp(prefix="convscope-")
    weakref.finalize(nanny, shutil.rmtree, folder, ignore_errors=True)
    nanny.env[SLIP] = str(Path(folder) / "slip.json")
    witness = _Witness(nanny)
    nanny._on_worker_exit_sync = witness.ended  # before its first process is made, which takes it along
    nanny.instantiate = witness.instantiate


class _Witness:
    """Stands between a nanny and the news of its worker's end."""

    def __init__(self, nanny: Any) -> None:
        self._nanny = nanny
        self._instantiate, self._pass_on = nanny.instantiate, nanny._on_worker_exit_sync
        self._told_to_end = False

    async def instantiate(self) -> Any:
        """Start a worker; note when it is told to end, as a restart and the nanny's own end do."""
        answer = await self._instantiate()
        process = self._nanny.process
        if process is not None and "kill" not in vars(process):
            end = process.kill

            async def kill(*args: Any, **kwargs: Any) -> None:
                self._told_to_end = True
                await end(*args, **kwargs)

            process.kill = kill
        return answer

    def ended(self, exitcode: int) -> None:
        """Hear of the worker's end, in the nanny's event loop."""
        told, self._told_to_end = self._told_to_end or self._nanny.status.name != "running", False
        slip = Path(self._nanny.env[SLIP])
        if told or not slip.exists():
            slip.unlink(missing_ok=True)
            self._pass_on(exitcode)
            return

        def write_down() -> None:  # the store may take its time, and the event loop has none
            try:
                self._write_down(slip, exitcode)
            except Exception:  # whatever it is, the next worker has to start
                log.exception("How a worker ended could not be written down")
            finally:
                self._nanny.loop.add_callback(self._pass_on, exitcode)

        threading.Thread(target=write_down, name="witness", daemon=True).start()

    def _write_down(self, slip: Path, exitcode: int) -> None:
        what = json.loads(slip.read_text())
        slip.unlink()
        limits = self._nanny.memory_manager
        death = _death(
            exitcode,
            over_its_limit=limits._last_terminated_pid == what["pid"],
            killed_for_memory=out_of_memory_kills() > what["killed"],
            limit=limits.memory_limit or 0,
            further=what["further"],
        )
        if death is None:
            log.info("The worker %s ended in order while it carried %s", self._nanny.name, what)
            return
        log.warning("The worker %s %s while it carried %s", self._nanny.name, death, what)
        if "key" in what:
            self._nanny.loop.add_callback(self._nanny.log_event, TOPIC, {"key": what["key"], "words": str(death)})
            return
        store = Store.existing()
        try:
            try:
                memory = store.progress(what["run"]).get("memory") or 0
            except (RunNotFound, SQLAlchemyError):
                memory = 0
            record = json.dumps(asdict(replace(death, memory=memory)))
            store.write(keys.death(what["run"], what["attempt"]), record.encode())
        finally:
            store.close()


def _death(exitcode: int, *, over_its_limit: bool, killed_for_memory: bool, limit: int, further: bool) -> Death | None:
    """Return what an exit code and the counters say; None for an end in order.

    Example:
        >>> seen = {"over_its_limit": False, "killed_for_memory": False, "limit": 0, "further": False}
        >>> print(_death(-11, **seen), "|", _death(-15, **seen), "|", _death(-15, **seen | {"over_its_limit": True}))
        ended with signal 11 | None | reached its memory limit and was ended
    """
    signal_number = -exitcode
    if over_its_limit:
        return Death("limit", signal_number, limit=limit, further=further)
    if exitcode == 0 or signal_number in _TOLD:
        return None
    if signal_number == probes.KILL and killed_for_memory:
        return Death("kernel", signal_number, limit=limit, further=further)
    if exitcode < 0:
        return Death("signal", signal_number, limit=limit, further=further)
    return Death("exit", exitcode, limit=limit, further=further)


def out_of_memory_kills() -> int:
    """Return how many processes the system has ended for want of memory, of this machine or container; 0 if unknown."""
    return sum(_count(Path(file)) for file in _COUNTERS)


def _count(file: Path) -> int:
    try:
        found = re.search(r"^oom_kill (\d+)$", file.read_text(), re.MULTILINE)
    except OSError:  # another system, another kind of container
        return 0
    return int(found[1]) if found else 0
