"""The connection to a scheduler, made anew when the engine moved: all that is Dask's client is here and in `client`."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from distributed import Client
from distributed.security import Security
from distributed.utils import sync

from cnn_core.engine import address as addresses
from cnn_core.engine import probes, tls
from cnn_core.engine.errors import EngineUnreachable

CONNECT = 3.0  # seconds to reach a scheduler
RETRY = 2.0  # seconds before a failed connection is tried again; until then its error is repeated
PROBE = 3.0  # seconds for a scheduler's or worker's event loop to answer

log = logging.getLogger(__name__)
# Dask's client reports a lost scheduler with tracebacks. It is no news: we connect anew and say so in our own words.
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)


class Connection:
    """At most one Dask client, to a cluster's address or to wherever the embedded host is now.

    Args:
        address: A scheduler's address; empty for the embedded host.
        folder: The embedded host's state folder.
        name: What the scheduler's log calls this client.
        fixed: The host's own address, for the host itself.
    """

    def __init__(self, address: str, folder: Path, *, name: str, fixed: addresses.Address | None = None) -> None:
        self._address, self._folder, self._name, self._fixed = address, folder, name, fixed
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._failed = (0.0, "", "")
        self.where = address

    def client(self, patience: float = 0.0) -> Client:
        """Return a working client; with patience, wait for an embedded host that is starting.

        Raises:
            EngineUnreachable: If there is no connection to be had.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                with self._lock:
                    return self._connect()
            except EngineUnreachable:
                if self._address or time.monotonic() > deadline or addresses.read(self._folder) is None:
                    raise
                time.sleep(0.1)  # the host lives, so it is starting

    def look(self, keys: list[str]) -> dict[str, Any]:
        """Return the scheduler's view of these keys and of its workers (`probes.look`).

        Raises:
            EngineUnreachable: If it does not answer.
        """
        client: Any = self.client()
        try:
            view: dict[str, Any] = sync(client.loop, client.run_on_scheduler, probes.look, keys, callback_timeout=PROBE)
        except (OSError, RuntimeError, TimeoutError) as error:
            raise EngineUnreachable("The engine does not answer at the moment. It is tried again.") from error
        return view

    def probe(self, function: Callable[..., Any], *args: Any, workers: list[str], nanny: bool = False) -> bool:
        """Execute a probe in these workers (or their nannies); True if it returned True in any.

        Raises:
            TimeoutError: If one does not answer.
        """
        if not workers:
            return False
        client: Any = self.client()
        answers: dict[str, Any] = sync(
            client.loop,
            client.run,
            function,
            *args,
            workers=workers,
            nanny=nanny,
            on_error="ignore",
            callback_timeout=PROBE,
        )
        return any(answers.values())

    def close(self) -> None:
        """Close the client, if there is one."""
        with self._lock:
            self._disconnect()

    def _connect(self) -> Client:
        scheduler, security = self._whereabouts()
        if self._client is not None and self._client.status == "running" and self.where == scheduler:
            return self._client
        when, tried, why = self._failed
        if tried == scheduler and time.monotonic() - when < RETRY:
            raise EngineUnreachable(why)
        self._disconnect()
        try:
            self._client = Client(scheduler, security=security, timeout=CONNECT, name=self._name, set_as_default=False)
        except Exception as error:
            why = (
                f"The engine at {scheduler} cannot be reached ({type(error).__name__}). "
                "Check that it runs and that its address and certificates are right."
            )
            self._failed = (time.monotonic(), scheduler, why)
            raise EngineUnreachable(why) from error
        self.where = scheduler
        return self._client

    def _whereabouts(self) -> tuple[str, Security | None]:
        if self._address:
            try:
                return self._address, tls.from_environment()  # None: Dask's own settings
            except tls.CertificatesRefused as refusal:
                raise EngineUnreachable(str(refusal)) from None
        found = self._fixed or addresses.read(self._folder)
        if found is None:
            raise EngineUnreachable(
                "The engine is not running. It starts with the app; if this stays, restart the app and see engine.log."
            )
        if not found.scheduler:
            raise EngineUnreachable("The engine is starting; it is ready in a few seconds.")
        return found.scheduler, Security(
            require_encryption=True,
            tls_ca_file=found.certificate,
            tls_client_cert=found.certificate,
            tls_client_key=found.key,
        )

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                client.close(timeout=2)
            except Exception:
                log.warning("The connection to a former engine did not close cleanly", exc_info=True)
