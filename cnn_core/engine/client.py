"""The web side of the engine: submit a run, ask a question, stop a run, see how it stands.

The engine is the one that `CONVSCOPE_ENGINE` names (`tls://host:8786`, with the certificates of `CONVSCOPE_TLS` or
Dask's own settings), or the embedded host of this store. All state is in the store, so an `Engine` may be lost at any
moment.
"""

import contextlib
import logging
import os
import pickle
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from distributed import Future, fire_and_forget

from cnn_core.engine import address as addresses
from cnn_core.engine import probes, turns, worker
from cnn_core.engine.connection import Connection
from cnn_core.engine.errors import (
    AskFailed,
    AskTimedOut,
    EngineBusy,
    EngineError,
    EngineUnreachable,
    sentence,
)
from cnn_core.engine.limits import limits
from cnn_core.store.records import ENGINE, Glance
from cnn_core.store.runs import Store

__all__ = [
    "AskFailed",
    "AskTimedOut",
    "Engine",
    "EngineBusy",
    "EngineError",
    "EngineUnreachable",
    "Status",
    "connect",
    "current",
    "telling",
    "use",
]

OPEN_QUESTIONS = 16  # of this process, waiting or being answered; one more is refused
BEHIND_A_RUN = 5.0  # seconds that a question waits for a run where one process does both
_LOOK = 1.0  # seconds after which an asker looks whether the worker dies of the question
_LOSSES = 10  # workers that may be lost while a question is with them, if nobody saw that they died of it
_NOBODY = (
    15.0  # seconds for a cluster's worker that answers questions to come back; the host of an embedded one starts it
)
NO_ASKER = (
    "No worker of this cluster answers questions; runs go on. Whoever runs it can start one: "
    "python -m cnn_core.engine.cluster worker ask."
)
GETTING_READY = 300.0  # seconds for which a worker that warms up or imports TensorFlow costs a question no patience
_UNTOLD = 10.0  # of them, before the asker is told
_GLANCE = 1.0  # seconds for which a status serves all who look

log = logging.getLogger(__name__)
_tell: ContextVar[Callable[[], None] | None] = ContextVar("tell", default=None)


@contextlib.contextmanager
def telling(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell`, in the asker's thread, once a question asked inside has long waited for a worker to get ready."""
    before = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(before)


@dataclass(frozen=True)
class Status:
    """How the engine stands. `message` is empty when all is well, else a sentence for the page.

    `running` and `queued` are run ids from the store, oldest first; `devices` has a name for each RUN worker.
    """

    reachable: bool
    address: str
    run_workers: int
    ask_workers: int
    devices: tuple[str, ...]
    running: tuple[str, ...]
    queued: tuple[str, ...]
    message: str


class Engine:
    """A connection to the engine that works for a store; safe to share between threads.

    Args:
        store: Where the runs are.
        address: A scheduler's address; empty for the embedded host of this store.
        name: What the scheduler's log calls this client.
        fixed: For the host itself: its own address, which does not change.
    """

    def __init__(
        self, store: Store, address: str = "", *, name: str = "convscope", fixed: addresses.Address | None = None
    ) -> None:
        self.store = store
        self.embedded = not address and fixed is None
        self._connection = Connection(address, addresses.state_folder(store), name=name, fixed=fixed)
        self._status = (0.0, Status(False, address, 0, 0, (), (), (), ""))
        self._looking = threading.Lock()
        self._slots = threading.BoundedSemaphore(OPEN_QUESTIONS)

    # What a page calls ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the embedded host unless it lives (a cluster is not ours to start); does not wait until it is ready."""
        if self.embedded:
            addresses.start_host(self.store)

    def submit(self, run_id: str) -> bool:
        """Tell the engine that a run of the store waits: it begins when it is its turn, at once if a worker is free.

        Returns:
            False if the engine cannot be reached now; the run stays queued and the reconciler sends it later.
        """
        try:
            due = self.due()
        except EngineUnreachable as error:
            log.warning("Run %s stays queued: %s", run_id, error)
            return False
        return all(self.send(run.id) for run in due)

    def due(self) -> list[Glance]:
        """Return the runs whose turn it is and which no worker was given yet (see `turns`).

        Raises:
            EngineUnreachable: If there is no connection.
        """
        live = self.store.live()
        waiting = [run.id for run in live if turns.waits(run)]
        if not waiting:
            return []
        view = self._connection.look(waiting)
        return turns.next_runs(live, view["lost"], view["free"], limits().running)

    def send(self, run_id: str) -> bool:
        """Send a run to a RUN worker, whosever turn it is; False if the engine cannot be reached now."""
        try:
            client = self._connection.client()
        except EngineUnreachable as error:
            log.warning("Run %s stays queued: %s", run_id, error)
            return False
        # Sent and forgotten here, not there: it outlives this process. Under the same key it is never there twice.
        fire_and_forget(client.submit(worker.execute, run_id, key=run_id, resources={"RUN": 1}, pure=False))
        return True

    def ask(self, question: str, *args: Any, timeout: float = 60.0, **kwargs: Any) -> Any:
        """Have an ASK worker answer a question (a name in `jobs.QUESTIONS`), and wait for it.

        Args:
            question: The name.
            args: For the function; anything that pickles.
            timeout: Seconds until it is given up; an answer still being computed is then ended with its worker. They
                count from when the workers are ready (no warm-up, no import of TensorFlow goes on), at the latest
                from GETTING_READY after it was asked.
            kwargs: For the function.

        Raises:
            EngineBusy: If this process has too many open questions.
            EngineUnreachable: If there is no connection, or it broke.
            AskTimedOut: If the answer did not come in time.
            AskFailed: If the worker failed or died.
            ValueError: The question's own refusals, as they were raised.
        """
        if not self._slots.acquire(blocking=False):
            raise EngineBusy(f"{OPEN_QUESTIONS} questions are waiting for an answer already. Try again in a moment.")
        try:
            answer = self._ask(question, pickle.dumps((args, kwargs)), timeout)
        finally:
            self._slots.release()
        if isinstance(answer, worker.Unanswered):
            raise answer.error
        return answer

    def stop(self, run_id: str, *, by: str | None = None) -> None:
        """Ask a run to stop and keep what it has learnt; one that no worker took up yet ends at once.

        The worker hears of it at its next heartbeat; the reconciler ends a worker that does not react.

        Args:
            run_id: The run.
            by: Who asks; None is the server itself.

        Raises:
            NotYours: If it is another's.
        """
        if self.store.request_stop(run_id, by=by):
            run = self.store.glance(run_id)
            if run.attempt == 0 and run.carrier == ENGINE:
                kept = "what it had found before is kept" if self.store.get(run_id).result else "nothing was trained"
                self.store.end(run, "stopped", f"Stopped before a worker took it up; {kept}.")

    def status(self) -> Status:
        """Tell how the engine stands; at most one look a second, however many pages ask."""
        with self._looking:
            taken, status = self._status
            if time.monotonic() - taken > _GLANCE:
                status = self._look_around()
                self._status = (time.monotonic(), status)
            return status

    def close(self) -> None:
        """Let go of the connection; runs go on."""
        self._connection.close()

    # What the reconciler calls --------------------------------------------------------------------------------------

    def known(self, run_ids: list[str]) -> set[str]:
        """Return those of the runs that the scheduler knows: they wait, or a worker has them."""
        return set(self._connection.look(run_ids)["lost"])

    def executes(self, run: Glance) -> bool:
        """True if the worker that claimed the run is still at it, or does not answer at all."""
        try:
            return bool(self._connection.probe(probes.is_executing, run.id, workers=self._present(run)))
        except TimeoutError:
            return True

    def kill(self, run: Glance) -> bool:
        """End the worker process that executes this run, and only if it executes this run; True if one was ended."""
        present = self._present(run)
        try:
            return self._connection.probe(probes.die_if_executing, run.id, workers=present)
        except TimeoutError:
            # Its event loop is stuck too. The store says that it claimed this run and has not ended it.
            return self._connection.probe(probes.kill_process, workers=present, nanny=True)

    def _present(self, run: Glance) -> list[str]:
        return [run.worker] if run.worker in {each["address"] for each in self._connection.look([])["workers"]} else []

    # Inside ---------------------------------------------------------------------------------------------------------

    def _ask(self, question: str, arguments: bytes, timeout: float) -> Any:
        begin, tell = time.monotonic(), _tell.get()
        deadline = begin + timeout
        client = self._connection.client(patience=timeout)
        key = f"ask-{question}-{secrets.token_hex(6)}"
        future = client.submit(worker.answer, question, arguments, key, key=key, resources={"ASK": 1}, pure=False)
        try:
            while True:
                try:
                    return _fetched(future, max(0.0, min(_LOOK, deadline - time.monotonic())))
                except TimeoutError:
                    waited = time.monotonic() - begin
                    if self._check_patience(future, deadline, timeout, may_wait=waited < GETTING_READY):
                        deadline = time.monotonic() + timeout
                        if tell and waited > _UNTOLD:
                            tell()
                            tell = None
        except EngineError:
            raise
        except Exception as error:
            if future.status == "error":  # raised there, outside of the question: arguments of no use, say
                raise AskFailed(sentence(error, what="question")) from error
            raise EngineUnreachable(
                "The connection to the engine broke before the answer came. It restarts by itself: try again."
            ) from error
        finally:
            with contextlib.suppress(Exception):  # the client may be gone with its scheduler
                future.release()

    def _check_patience(
        self, future: "Future[Any]", deadline: float, timeout: float, *, may_wait: bool = False
    ) -> bool:
        """Give a question up if it is time; tell whether a worker is getting ready, for which one may wait."""
        key = str(future.key)
        view = self._connection.look([key])
        deaths, lost = view["deaths"].get(key, []), view["lost"].get(key, 0)
        if len(deaths) >= 2:
            future.release()
            raise AskFailed(
                f"The worker {deaths[-1]}, and so did the one before: each was at this question. Try another "
                "picture or network; engine.log says more."
            )
        if lost >= _LOSSES:
            future.release()
            raise AskFailed(f"The worker was lost {lost} times before it could answer. Try again in a moment.")
        now = time.monotonic()
        waited = now - deadline + timeout
        workers = [each["address"] for each in view["workers"] if "ASK" in each["lanes"]]
        if not workers and not self.embedded and waited > _NOBODY:
            future.release()
            raise AskTimedOut(NO_ASKER)
        if view["busy"] and waited > min(BEHIND_A_RUN, timeout) and not self._is_answered(key, view):
            future.release()
            raise EngineBusy(
                "A run is at work, and this server has one process for runs and answers. Answers come again when it "
                "has ended; “All my runs” on the page “Study” shows how far it is."
            )
        if may_wait and workers and self._probed(probes.is_getting_ready, workers=workers):
            return True
        if now < deadline:
            return False
        future.release()  # first: Dask would start it again after its worker died
        if not workers:
            raise AskTimedOut(f"No worker was there to answer within {timeout:g} s. Try again in a moment.")
        with contextlib.suppress(TimeoutError):
            self._connection.probe(probes.die_if_executing, key, workers=workers)
        raise AskTimedOut(
            f"The answer took longer than {timeout:g} s and was given up. The server is probably busy: try again in a "
            "moment."
        )

    def _is_answered(self, key: str, view: dict[str, Any]) -> bool:
        """Tell whether a worker is at this question now: what else is with it then waits, not this."""
        return self._probed(probes.is_executing, key, workers=[each["address"] for each in view["workers"]])

    def _probed(self, function: Callable[..., bool], *args: Any, workers: list[str]) -> bool:
        try:
            return self._connection.probe(function, *args, workers=workers)
        except TimeoutError:  # it is not known
            return False

    def _look_around(self) -> Status:
        runs = self.store.live()
        running = tuple(run.id for run in runs if run.state != "queued")
        queued = tuple(run.id for run in runs if run.state == "queued")
        try:
            workers = self._connection.look([])["workers"]
        except EngineUnreachable as error:
            return Status(False, self._connection.where, 0, 0, (), running, queued, str(error))
        trainers = [each for each in workers if "RUN" in each["lanes"]]
        askers = sum("ASK" in each["lanes"] for each in workers)
        devices = tuple(each["devices"] for each in trainers)
        message = "" if trainers else "Waiting: no worker is available for runs yet. They begin as soon as one is."
        return Status(True, self._connection.where, len(trainers), askers, devices, running, queued, message)


def _fetched(future: "Future[Any]", seconds: float) -> Any:
    """Return what a worker has answered; `TimeoutError` if it is not here within so many seconds.

    Dask cancels the transfer of an answer whose worker leaves meanwhile, and stumbles over it with `UnboundLocalError`
    (`distributed.utils.sync` catches no `CancelledError`). The answer is somewhere else then, or is computed anew.
    """
    try:
        return future.result(seconds)
    except UnboundLocalError as error:
        if future.status not in ("pending", "finished", "lost"):
            raise
        time.sleep(0.05)  # for Dask to notice who has gone
        raise TimeoutError("The worker left with the answer.") from error


def connect(store: Store | None = None) -> Engine:
    """Return the engine that `CONVSCOPE_ENGINE` names, or the embedded one of this store (by default the default's)."""
    return Engine(store or Store.default(), os.environ.get("CONVSCOPE_ENGINE", ""))


_current: Engine | None = None
_choosing = threading.Lock()


def current() -> Engine:
    """Return the one engine of this process; it connects when it is first needed."""
    global _current
    with _choosing:
        if _current is None:
            _current = connect()
        return _current


def use(engine: Engine | None) -> None:
    """Make this the engine of the process (a test's stand-in, say); None to choose anew at the next need."""
    global _current
    with _choosing:
        _current = engine
