# ruff: noqa: T201
"""How much memory the app and its engine hold, process by process: `python -m benchmarks.memory [--out FILE]`.

Starts the app with a store of its own, answers the first question of the front page, and reads PSS (what a process has
for itself and its share of what it has in common with others; the sum is what the machine gives) at rest, while the
sample run of the page Transfer trains (the highest sum of all moments), and once its workers have rested too.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from cnn_core.engine import address
from cnn_core.engine.client import Engine
from cnn_core.pictures import sets
from cnn_core.pictures.bundled import BUNDLED
from cnn_core.store.runs import Store
from cnn_core.training.transfer.spec import Experiment

ROOT = Path(__file__).resolve().parents[1]
SETTLED = 20.0  # seconds after the first answer: what was imported for it is there, what was garbage is not
RESTED = 90.0  # seconds after a run: its worker has rested for a minute and was replaced
EVERY = 0.5  # seconds between two looks at a run
TARGETS = {"at rest": 700, "training": 1600, "rested": 700}  # MB

Moment = dict[str, float]  # process → MB


def main() -> int:
    """Measure, print, write; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    file = parser.parse_args().out
    if not Path("/proc/self/smaps_rollup").exists():
        print("PSS is read from /proc, which only Linux has.", file=sys.stderr)
        return 2
    with app() as (store, server):
        engine = Engine(store, name="benchmark")
        try:
            moments, seconds, first = measured(store, engine, server)
        finally:
            engine.close()
    print(f"First answer {first:.1f} s after the command; the sample run took {seconds:.0f} s. PSS in MB:\n")
    print(table(moments))
    if file:
        found = {"machine": platform.platform(), "python": platform.python_version(), "moments": moments}
        file.write_text(json.dumps(found | {"first_answer": first, "run": seconds}, indent=1))
    return 0


@contextmanager
def app() -> Iterator[tuple[Store, psutil.Process]]:
    """Serve the app with an empty store, as `make app` does; end it, its engine and its store."""
    folder = Path(tempfile.mkdtemp())
    store = Store(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    streamlit = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    server = subprocess.Popen(
        [*streamlit, "--server.port", str(port)],
        cwd=ROOT,
        env=os.environ | {"CONVSCOPE_STORE": store.location},
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: _healthy(port), 60)
        yield store, psutil.Process(server.pid)
    finally:
        host = address.read(address.state_folder(store))
        server.terminate()
        server.wait(60)
        if host:
            process = psutil.Process(host.pid)
            family = [process, *process.children(recursive=True)]
            process.terminate()
            for each in psutil.wait_procs(family, timeout=60)[1]:
                each.kill()
        store.close()
        shutil.rmtree(folder)


def measured(store: Store, engine: Engine, server: psutil.Process) -> tuple[dict[str, Moment], float, float]:
    """Return the moments, the seconds of the sample run, and those from the server's start to the first answer."""
    cat = BUNDLED["chelsea"].load().pixels
    until(lambda: address.read(address.state_folder(store)), 60)
    engine.ask("classify", cat, timeout=120)
    first = time.time() - server.create_time()
    time.sleep(SETTLED)
    moments = {"at rest": moment(engine, server)}
    experiment = Experiment(tuple(sets.read_sample(store, "textures")), source="textures")  # as the page Transfer does
    run = store.create("transfer", experiment.to_json(), title="sample")
    engine.submit(run.id)
    seen = []
    while store.get(run.id).live:
        seen.append(moment(engine, server))
        time.sleep(EVERY)
    ended = store.get(run.id)
    if ended.state != "done":
        raise SystemExit(f"The sample run ended as {ended.state}: {ended.error}")
    moments["training"] = max(seen, key=lambda each: sum(each.values()))
    moments["after"] = moment(engine, server)
    time.sleep(RESTED)
    moments["rested"] = moment(engine, server)
    return moments, (ended.ended or 0) - ended.created, first


def moment(engine: Engine, server: psutil.Process) -> Moment:
    """Return what each process of the app holds now, in MB."""
    found = address.read(address.state_folder(engine.store))
    assert found is not None, "the engine lives"
    names = workers(engine) | {server.pid: "web", found.pid: "engine host"}
    held: Moment = {}
    for process in {
        server,
        *server.children(True),
        psutil.Process(found.pid),
        *psutil.Process(found.pid).children(True),
    }:
        try:
            command = " ".join(process.cmdline())
            other = next((words for words in ("resource_tracker", "pictures.worker") if words in command), command)
            name = names.get(process.pid, other)
            held[name] = held.get(name, 0) + process.memory_full_info().pss / 1e6
        except psutil.NoSuchProcess:
            continue
    return held


def workers(engine: Engine) -> dict[int, str]:
    """Return the engine's workers, names by process."""
    client: Any = engine._connection.client()
    names = {each["address"]: each["name"] for each in engine._connection.look([])["workers"]}
    pids: dict[str, int] = client.run(os.getpid, on_error="ignore")
    return {pid: f"worker {names[where]}" for where, pid in pids.items() if where in names}


def table(moments: dict[str, Moment]) -> str:
    """Return the moments as a Markdown table, processes below each other."""
    names = sorted({name for held in moments.values() for name in held})
    rows = [["process", *moments], ["---"] + ["---:"] * len(moments)]
    rows += [[name, *(f"{held[name]:,.0f}" if name in held else "" for held in moments.values())] for name in names]
    rows.append(["**together**", *(f"**{sum(held.values()):,.0f}**" for held in moments.values())])
    rows.append(["target", *(f"{TARGETS[name]:,}" if name in TARGETS else "" for name in moments)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def until(condition: Callable[[], Any], seconds: float) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"The app was not ready within {seconds:.0f} s.")
        time.sleep(0.05)


def _healthy(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
