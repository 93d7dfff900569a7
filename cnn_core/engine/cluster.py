"""A cluster's processes, each by one command: `python -m cnn_core.engine.cluster COMMAND`.

    certificates FOLDER   make what the others know each other by
    scheduler             place runs, look after them and the store, as the embedded engine's host does
    worker run            carry out runs, one at a time (one for each GPU of this machine)
    worker ask            answer questions
    check                 look at certificates, database, bucket, clocks, scheduler and workers; 0 if all is well

They read what the web server reads: `CONVSCOPE_ENGINE` (the scheduler's address), `CONVSCOPE_STORE` (the URLs of a
database and of an object store) and `CONVSCOPE_TLS` (a folder with certificates). Dask's own commands do the same with
all its settings given by hand; these have those of the embedded engine.
"""

import argparse
import asyncio
import contextlib
import logging
import math
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
from distributed.security import Security

from cnn_core.engine import cluster_check, settings, tls
from cnn_core.engine.client import Engine
from cnn_core.engine.host import CONFIG, OWN_CLIENT, Lane, lanes_apart, occupy
from cnn_core.engine.preload import gpus
from cnn_core.engine.reconcile import Reconciler
from cnn_core.engine.upkeep import Upkeep
from cnn_core.store.location import urls
from cnn_core.store.runs import Store

PORT = 8786
SHARE = 0.85  # of the memory of a machine, or container, that a worker has to itself

log = logging.getLogger(__name__)


class ClusterRefused(ValueError):
    """A setting with which no cluster can work; the text says which, and what is expected."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s")
    dask.config.set(CONFIG)
    os.environ.setdefault("DASK_DISTRIBUTED__LOGGING__DISTRIBUTED", "warning")  # for the workers that this one starts
    for name in ("alembic", "distributed", "aiobotocore", "botocore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("distributed.comm.tcp").setLevel(logging.ERROR)  # whoever asks whether the port is open, say
    try:
        if given.command == "certificates":
            tls.make(given.folder)
            print(
                f"{given.folder} holds {', '.join(tls.FILES)}, good for a year. Every process of the cluster needs it:"
            )
            print(f"{tls.SETTING}={given.folder}. Whoever has the key may run code on every worker.")
            return 0
        settings.check()
        if given.command == "check":
            return asyncio.run(cluster_check.check(_engine, _store, given.wait))
        if given.command == "scheduler":
            asyncio.run(_until_told(_schedule(given.host, given.port)))
        else:
            asyncio.run(_until_told(_work(given.lane, given.memory, given.host, given.scratch)))
    except (ValueError, FileExistsError) as refusal:
        print(f"ConvScope: {refusal}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cnn_core.engine.cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    certificates = commands.add_parser("certificates", help="make the certificates by which the others know each other")
    certificates.add_argument("folder", type=Path, metavar="FOLDER", help="made if it is not there")
    scheduler = commands.add_parser("scheduler", help="start the scheduler")
    scheduler.add_argument("--host", default="0.0.0.0", help="the address to listen on (default: %(default)s, all)")
    scheduler.add_argument("--port", type=int, default=PORT, help="default: %(default)s")
    worker = commands.add_parser("worker", help="start a worker")
    worker.add_argument("lane", choices=("run", "ask"), help="run: for trainings and studies; ask: for questions")
    share = f"{round(100 * SHARE)}%% of this machine, divided by its GPUs"
    worker.add_argument("--memory", type=float, metavar="GB", help=f"gigabytes that it may use (default: {share})")
    worker.add_argument(
        "--host", help="the address to listen on (default: the one from which the scheduler is reached)"
    )
    scratch = Path(tempfile.gettempdir()) / "convscope-workers"
    worker.add_argument(
        "--scratch", type=Path, default=scratch, metavar="FOLDER", help="for Dask's files (default: %(default)s)"
    )
    check = commands.add_parser("check", help="look at every part, and say whether all is well")
    check.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="how long to wait until all is well")
    return parser


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Work until a signal tells this process to end."""
    task = asyncio.create_task(work)
    for name in ("SIGTERM", "SIGINT"):
        with contextlib.suppress(NotImplementedError):  # Windows: the signal ends the process at once
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _schedule(host: str, port: int) -> None:
    from distributed import Scheduler

    security, store = _security(), _store()
    # Its page is Dask's own, for whoever asks: it has no routes (`CONFIG`), and listens to this machine only.
    scheduler = await Scheduler(
        host=host, port=port, protocol="tls", security=security, dashboard=False, dashboard_address="127.0.0.1:0"
    )
    log.info("Scheduler at %s", scheduler.address)
    watchman = Reconciler(Engine(store, f"tls://{_reached(host)}:{port}", name=OWN_CLIENT), store)
    upkeep = Upkeep(store)
    watchman.start()
    upkeep.start()
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.to_thread(watchman.stop)
        await asyncio.to_thread(upkeep.stop)
        await scheduler.close()
        store.close()


def _reached(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)


async def _work(lane: str, memory: float | None, host: str | None, scratch: Path) -> None:
    from distributed.system import MEMORY_LIMIT

    if memory is not None and not 0 < memory < math.inf:
        raise ClusterRefused(f"--memory is {memory:g}; expected a number of gigabytes above 0.")
    security, address = _security(), _address()
    _store().close()  # one that cannot be opened is told now, and not by every run
    scratch.mkdir(parents=True, exist_ok=True)
    log.info("Workers for %s, to the scheduler at %s", lane, address)
    await asyncio.gather(
        *(occupy(each, address, security, scratch, host=host) for each in _lanes(lane, memory, MEMORY_LIMIT))
    )


def _lanes(lane: str, memory: float | None, machine: int) -> list[Lane]:
    """Return the workers of one kind on this machine, under names that no other machine has.

    Example:
        >>> [(each.resources, each.memory) for each in _lanes("ask", 1.5, 10**10)]
        [(('ASK',), 1500000000)]
    """
    count = len(gpus())
    mine = [each for each in lanes_apart(machine, count) if lane.upper() in each.resources]
    setting = settings.RUN_MEMORY if lane == "run" else settings.ASK_MEMORY
    size = round(memory * 1e9) if memory else settings.memory_of(setting, SHARE * machine / len(mine))
    unique = f"{socket.gethostname()}-{secrets.token_hex(2)}"
    return [replace(each, name=f"{unique}-{each.name}", memory=size) for each in mine]


# What the environment says --------------------------------------------------------------------------------------------


def _address() -> str:
    address = os.environ.get("CONVSCOPE_ENGINE", "")
    if not address.startswith("tls://"):
        raise ClusterRefused(
            f"CONVSCOPE_ENGINE is {address!r}; expected the scheduler's address, such as tls://scheduler:{PORT}."
        )
    return address


def _security() -> Security:
    found = tls.from_environment()
    if found is None:
        raise ClusterRefused(
            f"{tls.SETTING} is not set. Whoever reaches a scheduler may run code on its workers, so they know each "
            f"other by certificates: {tls.MAKE}, and {tls.SETTING}=FOLDER for every process."
        )
    return found


def _store() -> Store:
    location = os.environ.get("CONVSCOPE_STORE", "")
    if urls(location) is None:
        raise ClusterRefused(
            f"CONVSCOPE_STORE is {location!r}; several machines need a store that all of them reach: the URLs of a "
            "database and of an object store with a space between them, such as "
            "postgresql+psycopg://user:password@host/convscope s3://bucket/convscope."
        )
    return Store(location)


def _engine(store: Store) -> Engine:
    return Engine(store, _address(), name="convscope-check")


if __name__ == "__main__":
    sys.exit(main())
