"""The engine's start and stop with the web server: `st.App("ui/main.py", lifespan=lifespan)`."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from cnn_core.engine import address, settings
from cnn_core.store.runs import Store

if TYPE_CHECKING:
    from cnn_core.engine.client import Engine


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncGenerator[None, None]:
    """Attach to the engine, or start the embedded one, while the server runs; runs may outlive it."""
    settings.check()
    starting = asyncio.get_running_loop().run_in_executor(None, _start_host)
    from cnn_core.engine import client  # brings Dask, for half a second, in which the host has begun
    from cnn_core.engine.reconcile import Reconciler

    await starting
    engine = await asyncio.to_thread(client.current)
    reconciler = Reconciler(engine, engine.store)
    reconciler.start()
    _say(await asyncio.to_thread(_greeting, engine))
    try:
        yield
    finally:
        await asyncio.to_thread(reconciler.stop)
        titles = [run.title for run in await asyncio.to_thread(engine.store.live)]
        await asyncio.to_thread(engine.close)
        if engine.embedded:
            (address.state_folder(engine.store) / "drain").touch()
        _say(_farewell(titles, engine.embedded))
        client.use(None)


def _start_host() -> None:
    if not os.environ.get("CONVSCOPE_ENGINE"):
        store = Store.default()
        address.start_host(store)
        store.close()


def _greeting(engine: "Engine") -> str:
    from cnn_core.engine import client

    status = engine.status()
    if engine.embedded and not status.run_workers:
        return f"the engine is starting (its log: {address.state_folder(engine.store) / 'engine.log'})."
    if not status.reachable:
        return status.message
    if not engine.embedded and status.message:
        return f"the engine at {status.address} is reached. {status.message}"
    if not status.ask_workers:
        return f"the engine at {status.address} is reached. {client.NO_ASKER}"
    return f"the engine at {status.address} is ready with {status.run_workers + status.ask_workers} workers."


def _farewell(titles: list[str], embedded: bool, *, outlives: bool = os.name != "nt") -> str:
    """Say what becomes of runs; on Windows Ctrl-C ends the engine too (it knows no `start_new_session`)."""
    if not titles:
        return "the engine ends." if embedded else "goodbye."
    if embedded and not outlives:
        return f"interrupted: {', '.join(titles)}. Start ConvScope again, and it goes on from what was kept."
    then = ", then the engine ends" if embedded else ""
    return f"still running: {', '.join(titles)}; it will be finished in the background{then}."


def _say(words: str) -> None:
    print(f"ConvScope: {words}", flush=True)
