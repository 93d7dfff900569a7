"""Whether a cluster is as it should be: each part in a line, what is wrong with what to do."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from cryptography import x509

from cnn_core.engine import client, tls
from cnn_core.engine.client import Engine
from cnn_core.store import keys, troubles
from cnn_core.store.runs import Store

_APART = 60.0  # seconds that clocks may differ: requests to S3 are refused from 15 minutes on, and that may grow
_SOON = 30  # days before their end in which certificates are told


async def check(engine_of: Callable[[Store], Engine], store_of: Callable[[], Store], wait: float) -> int:
    """Print how each part stands; return 0 if all is well and 1 otherwise.

    Args:
        engine_of: Gives the engine of a store.
        store_of: Opens the store.
        wait: Seconds to look again and again until all is well.
    """
    deadline = time.monotonic() + wait
    while True:
        found = await asyncio.to_thread(lambda: list(_parts(engine_of, store_of)))
        well = all(good for good, _ in found)
        if well or time.monotonic() > deadline:
            break
        await asyncio.sleep(1)
    for good, words in found:
        print(f"{'well' if good else 'NOT WELL'}: {words}", flush=True)
    return 0 if well else 1


def _parts(engine_of: Callable[[Store], Engine], store_of: Callable[[], Store]) -> Iterator[tuple[bool, str]]:
    if folder := os.environ.get(tls.SETTING):
        yield _certificates(Path(folder))
    try:
        store = store_of()
    except Exception as error:
        yield False, f"the store. {troubles.sentence(error) or error}"
        return
    try:
        yield _clock(lambda: _database_time(store), "the database")
        yield _clock(lambda: _bucket_time(store), "the object store")
        engine = engine_of(store)
        try:
            status = engine.status()
            if not status.reachable:
                yield False, f"the scheduler. {status.message}"
                return
            yield True, f"the scheduler at {status.address} answers"
            yield bool(status.run_workers), f"{status.run_workers} workers carry out runs ({_named(status.devices)})"
            asks = f"{status.ask_workers} workers answer questions"
            yield bool(status.ask_workers), asks if status.ask_workers else client.NO_ASKER
        finally:
            engine.close()
    finally:
        store.close()


def _named(devices: tuple[str, ...]) -> str:
    return "; ".join(sorted(set(devices))) or "none: python -m cnn_core.engine.cluster worker run"


def _certificates(folder: Path) -> tuple[bool, str]:
    try:
        until = x509.load_pem_x509_certificate((folder / tls.CERTIFICATE).read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return False, f"the certificates in {folder}. {error}. Make some: {tls.MAKE}"
    days = (until - datetime.now(UTC)).days
    return days > _SOON, f"the certificates end on {until:%Y-%m-%d}, in {days} days"


def _clock(of: Callable[[], float], what: str) -> tuple[bool, str]:
    try:
        apart = of() - time.time()
    except Exception as error:
        return False, f"{what}. {troubles.sentence(error) or error}"
    words = f"{what} keeps and gives; its clock is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} this one"
    return abs(apart) < _APART, words if abs(apart) < _APART else f"{words}. Have both set by a time server (NTP)"


def _database_time(store: Store) -> float:
    with store._engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            return time.time()  # it has no clock of its own
        return float(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


def _bucket_time(store: Store) -> float:
    key = keys.trial(secrets.token_hex(4))
    store.write(key, b"checked")
    try:
        found = store.look(key)
        if found is None or store.read(key) != b"checked":
            raise ValueError("What was written there a moment ago cannot be read")
        return found.written
    finally:
        store.remove(key)
