"""Where the embedded engine is: its state folder, its address file, and starting it.

The state folder holds `engine.json` (the address, readable by this user only: whoever has it may run code),
`engine.log`, `host.lock` and, if the host is asked to end, `drain`.
"""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from cnn_core.store.location import DEFAULT_LOCATION
from cnn_core.store.runs import Store

ROOT = Path(__file__).resolve().parents[2]
_LOG_BYTES = 5_000_000  # a log larger than this is set aside at the next start


@dataclass(frozen=True)
class Address:
    """The embedded host as its address file tells it; `scheduler` is empty while it starts."""

    pid: int
    created: float
    scheduler: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)  # a log never holds it

    @property
    def alive(self) -> bool:
        """True while that very process runs (a pid alone may have been given to another)."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def state_folder(store: Store) -> Path:
    """Return the folder of the embedded engine that works for this store."""
    return (store.folder or DEFAULT_LOCATION) / "engine"


def read(folder: Path) -> Address | None:
    """Return the address of the host that lives in this folder, None if none does."""
    try:
        address = Address(**json.loads((folder / "engine.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return address if address.alive else None


def write(folder: Path, address: Address) -> None:
    """Publish the address at once and for this user only."""
    partial = folder / f"engine.{os.getpid()}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(address), file)
    os.replace(partial, folder / "engine.json")


def start_host(store: Store, *options: str, patience: float = 5.0) -> Address | None:
    """Start the embedded host for this store unless it lives already; it outlives this process.

    Args:
        store: The store whose runs it executes.
        options: Command-line options of `cnn_core.engine.host`.
        patience: Seconds to wait until the host shows itself (not until it is ready).

    Raises:
        StoreGone: If the store's folder was deleted: a host would make an empty one in its place.
    """
    store.check()
    folder = state_folder(store)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "drain").unlink(missing_ok=True)  # somebody wants it
    if address := read(folder):
        return address
    log = folder / "engine.log"
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        os.replace(log, folder / "engine.old.log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cnn_core.engine.host", "--state", str(folder), *options],
            cwd=ROOT,
            env=os.environ | {"CONVSCOPE_STORE": store.location},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal of the web server is not meant for it
        )
    threading.Thread(target=process.wait, name="engine-host-reaper", daemon=True).start()  # leaves no zombie
    deadline = time.monotonic() + patience
    while (address := read(folder)) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return address
