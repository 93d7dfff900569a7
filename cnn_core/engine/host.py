"""The embedded engine: `python -m cnn_core.engine.host --state FOLDER`, started by `address.start_host`.

A detached process with a Dask scheduler and one nanny a lane: RUN trains, ASK answers. It starts both directly:
`LocalCluster` left a run stuck after a worker's second crash. It outlives the web server, so a run does too, and it
ends when it is asked to (a file `drain`) or not needed any more.
"""

import argparse
import asyncio
import logging
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import psutil

from cnn_core.engine import address as addresses
from cnn_core.engine.preload import gpus, lower_priority
from cnn_core.engine.settings import ASK_MEMORY, RUN_MEMORY, memory_of, niceness, processes
from cnn_core.engine.upkeep import Upkeep
from cnn_core.store.runs import Store
from cnn_core.store.troubles import GONE, sentence

if TYPE_CHECKING:
    from cnn_core.engine.reconcile import Reconciler

_IDLE = 600.0  # seconds without client and work after which the host ends by itself
OWN_CLIENT = "convscope-host"
_LOCK_PATIENCE = 15.0  # the host before us may be closing

CONFIG: dict[str, object] = {
    # Our own count of attempts, in the store, decides: Dask also counts deaths against tasks that only waited there.
    "distributed.scheduler.allowed-failures": 1000,
    "distributed.scheduler.worker-ttl": None,  # a worker busy in C code is not dead; silence is judged by heartbeat
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.diagnostics.nvml": False,  # a monitor must not hold memory on the GPU
    "distributed.logging.distributed": "warning",
}

log = logging.getLogger("cnn_core.engine.host")


@dataclass(frozen=True)
class Lane:
    """One worker process: its name, the slots it offers (with one thread for all) and its share of the machine."""

    name: str
    resources: tuple[str, ...]
    memory: int
    environment: dict[str, str] = field(default_factory=dict)


def lanes(memory: int, gpu_count: int) -> list[Lane]:
    """Return the workers of this machine, by default one for questions and the others for runs (`lanes_apart`).

    Where memory is short, one worker does both (`settings.processes`): TensorFlow is there once, and a question waits
    for the run.
    """
    if processes(memory) == 1:
        return [Lane("all-0", ("RUN", "ASK"), memory_of(RUN_MEMORY, 0.70 * memory), _environment())]
    return lanes_apart(memory, gpu_count)


def lanes_apart(memory: int, gpu_count: int) -> list[Lane]:
    """Return a worker for runs a GPU (or one on the CPU), and one for questions.

    Questions stay on the CPU: they are short, and a model of theirs would take memory from the GPU's run.
    """
    hidden = {"CUDA_VISIBLE_DEVICES": "-1"} if gpu_count else {}
    visible = [{"CUDA_VISIBLE_DEVICES": str(index)} for index in range(gpu_count)] or [{}]
    share = memory_of(RUN_MEMORY, 0.60 * memory / len(visible))
    return [Lane("ask-0", ("ASK",), memory_of(ASK_MEMORY, 0.25 * memory), _environment() | hidden)] + [
        Lane(f"run-{index}", ("RUN",), share, _environment() | gpu) for index, gpu in enumerate(visible)
    ]


def _environment() -> dict[str, str]:
    return {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2")}


async def serve(folder: Path, idle: float, asked_to_end: asyncio.Event) -> None:
    """Run the scheduler and keep its lanes occupied until the host is not needed any more."""
    from distributed import Scheduler
    from distributed.security import Security
    from distributed.system import MEMORY_LIMIT

    security = Security.temporary()  # made at each start, kept in memory and in the address file
    store = Store.default()
    scheduler = await Scheduler(
        host="127.0.0.1", port=0, protocol="tls", security=security, dashboard=False, dashboard_address="127.0.0.1:0"
    )
    published = _own_address(scheduler.address, security.tls_client_cert, security.tls_client_key)
    addresses.write(folder, published)
    log.info("Scheduler at %s; log of process %d", scheduler.address, os.getpid())
    keepers = [
        asyncio.create_task(occupy(lane, scheduler.address, security, folder / "scratch", host="127.0.0.1"))
        for lane in lanes(MEMORY_LIMIT, len(gpus()))
    ]
    watchman = await asyncio.to_thread(_start_watchman, store, published)
    upkeep = Upkeep(store)
    upkeep.start()
    try:
        await _until_not_needed(scheduler, store, folder, idle, asked_to_end)
    finally:
        (folder / "engine.json").unlink(missing_ok=True)  # first: nobody should attach to what is ending
        await asyncio.to_thread(watchman.stop)
        await asyncio.to_thread(upkeep.stop)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        await scheduler.close()
        store.close()


def _own_address(scheduler: str = "", certificate: str = "", key: str = "") -> addresses.Address:
    process = psutil.Process()
    return addresses.Address(process.pid, process.create_time(), scheduler, certificate, key)


def _start_watchman(store: Store, published: addresses.Address) -> "Reconciler":
    # Runs go on when the web server is gone, so somebody here has to resend, stop and end them too.
    from cnn_core.engine.client import Engine
    from cnn_core.engine.reconcile import Reconciler

    watchman = Reconciler(Engine(store, name=OWN_CLIENT, fixed=published), store)
    watchman.start()
    return watchman


async def occupy(lane: Lane, scheduler: str, security: object, scratch: Path, *, host: str | None = None) -> None:
    """Keep a worker in this lane: a nanny restarts its worker by itself, and here a nanny that closed is replaced.

    Args:
        lane: The worker.
        scheduler: Its address; one that is gone is asked again and again.
        security: The certificates.
        scratch: A folder of this machine's for Dask.
        host: The address to listen on; by default the one from which this machine reaches the scheduler.
    """
    from distributed import Nanny
    from distributed.core import Status

    while True:
        nanny = Nanny(
            scheduler,
            name=lane.name,
            nthreads=1,
            resources=dict.fromkeys(lane.resources, 1),
            memory_limit=lane.memory,
            env=lane.environment,
            preload=["cnn_core.engine.preload"],
            preload_nanny=["cnn_core.engine.deaths"],
            local_directory=str(scratch),
            host=host,
            dashboard_address="127.0.0.1:0",
            security=security,
            death_timeout=60,
        )
        try:
            await nanny
            missing = 0
            while nanny.status == Status.running and missing < 80:  # a restart leaves it without worker for a second
                await asyncio.sleep(0.25)
                missing = 0 if nanny.is_alive() else missing + 1
            log.warning("The worker %s is gone (%s); a new one takes its place", lane.name, nanny.status.name)
        except Exception:
            log.exception("The worker %s did not start; trying again", lane.name)
        finally:
            try:
                await nanny.close(timeout=2)
            except Exception as error:  # killed, but not gone in time on a machine with much else to do, say
                log.warning("The worker %s did not close in order (%s)", lane.name, type(error).__name__)
        await asyncio.sleep(1)


async def _until_not_needed(
    scheduler: object, store: Store, folder: Path, idle: float, asked_to_end: asyncio.Event
) -> None:
    needed, failing = time.monotonic(), False
    while not asked_to_end.is_set():
        now = time.monotonic()
        try:
            busy = _has_clients(scheduler) or bool(await asyncio.to_thread(store.live))
            failing = False
        except Exception as error:
            if sentence(error) == GONE:
                log.error("The store's folder was deleted or moved: the engine ends")
                return
            busy = True  # a store that does not answer may hold live runs
            if not failing:
                log.exception("The store does not answer; the host stays")
            failing = True
        if busy:
            needed = now
        elif (folder / "drain").exists() or now - needed > idle:
            log.info("Nobody is connected and nothing runs: the engine ends")
            return
        try:
            await asyncio.wait_for(asked_to_end.wait(), 0.3)
        except TimeoutError:
            continue


def _has_clients(scheduler: object) -> bool:
    clients: dict[str, object] = scheduler.clients  # type: ignore[attr-defined]
    return any(name != "fire-and-forget" and OWN_CLIENT not in name for name in clients)


async def _main(folder: Path, idle: float) -> None:
    asked_to_end = asyncio.Event()
    for name in ("SIGTERM", "SIGINT"):
        try:
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), asked_to_end.set)
        except NotImplementedError:  # Windows: the signal ends the process at once; runs are taken up again
            continue
    await serve(folder, idle, asked_to_end)


def main() -> None:
    """Become the host of this state folder, unless another process is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True, help="folder for the address, the log and the lock")
    parser.add_argument("--idle", type=float, default=_IDLE, help="seconds without client and work until it ends")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s")
    try:
        with filelock.FileLock(arguments.state / "host.lock", timeout=_LOCK_PATIENCE):
            addresses.write(arguments.state, _own_address())  # "starting"
            lower_priority(niceness(), session=True)
            import dask

            dask.config.set(CONFIG)
            asyncio.run(_main(arguments.state, arguments.idle))
    except filelock.Timeout:
        log.info("Another host lives in %s already", arguments.state)


if __name__ == "__main__":
    main()
