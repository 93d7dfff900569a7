"""The engine's start and stop with the web server: `st.App("ui/main.py", lifespan=lifespan)`."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from cnn_core.engine import client
from cnn_core.engine.address import state_folder
from cnn_core.engine.reconcile import Reconciler


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncGenerator[None, None]:
    """Attach to the engine, or start the embedded one, while the server runs; runs may outlive it."""
    engine = await asyncio.to_thread(client.current)
    await asyncio.to_thread(engine.start)
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
            (state_folder(engine.store) / "drain").touch()
        _say(_farewell(titles, engine.embedded))
        client.use(None)


def _greeting(engine: client.Engine) -> str:
    status = engine.status()
    if engine.embedded and not status.run_workers:
        return f"the engine is starting (its log: {state_folder(engine.store) / 'engine.log'})."
    if not status.reachable:
        return status.message
    return f"the engine at {status.address} is ready with {status.run_workers + status.ask_workers} workers."


def _farewell(titles: list[str], embedded: bool) -> str:
    if not titles:
        return "the engine ends." if embedded else "goodbye."
    then = ", then the engine ends" if embedded else ""
    return f"still running: {', '.join(titles)}; it will be finished in the background{then}."


def _say(words: str) -> None:
    print(f"ConvScope: {words}", flush=True)
