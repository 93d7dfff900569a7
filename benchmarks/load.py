# ruff: noqa: T201
"""What a class does to the server: `python -m benchmarks.load [--readers N] [--seconds S] [--processes P]`.

Readers without a browser (`wire.py`) are spread over every page and view; each turns a real control of its page every
five seconds, and goes to another page now and then. One in twenty uploads 20 photos at some moment, one in forty
follows a live run; two trainings are queued, so that one trains all the while. Then the same number of readers turns
the slider of an app that computes nothing (`empty.py`), beside the same training. At last five sessions a reader are
opened and closed.

All of it goes to servers of this machine that the command starts and ends, and takes a bounded time. A wait is from the
message of the action to the end of its script; the browser's own work is not in it (`feel.py` has that). Generator,
server and training share the processors, so the figures are those of a server that is worse off than it looks.
"""

import argparse
import asyncio
import collections
import io
import json
import random
import sys
import time
from collections.abc import Awaitable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.feel import machine
from benchmarks.hand import another
from benchmarks.replicas import replicated
from benchmarks.serving import Server, processor, serving
from benchmarks.web import VIEWS, memory
from benchmarks.wire import PATIENCE, Reader, WireError
from cnn_core.pictures import sets
from cnn_core.store.runs import Store
from cnn_core.training.transfer.spec import Experiment, Options

EVERY = 5.0  # seconds between two actions of a reader
PHOTOS = 20  # that a reader uploads
AT_ONCE = 10  # readers that come or go at the same moment
KEPT = 128  # closed sessions that Streamlit keeps for two minutes, for who comes back
PATHS = ("", "transfer", "receipts", *(f"{page}?{page}_view={view}" for page, views in VIEWS.items() for view in views))
P95_MS, PEERS, SESSION_MB, GROWTH_MB = 150, 2.0, 1.0, 50


@dataclass
class Told:
    """What a crowd tells of its visit.

    Attributes:
        waits: Seconds of every action, by what it was.
        errors: Of all readers; none is allowed.
        refusals: Sentences in red, and how often each was read.
    """

    waits: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    errors: list[str] = field(default_factory=list)
    refusals: collections.Counter[str] = field(default_factory=collections.Counter)

    def add(self, reader: Reader) -> None:
        """Take over what a reader has seen."""
        self.errors += reader.seen.errors
        self.refusals.update(reader.seen.refusals)


@dataclass(frozen=True)
class Figures:
    """Of a crowd at a server.

    Attributes:
        actions: Done by all readers together.
        due: One every `EVERY` seconds.
        waits: By kind of action: how many, median, 95th percentile, longest, in ms.
        processor_ms: Of the web process an action, all that it did divided by the actions.
        core: Share of one core that the web process used.
        opened_mb: Of the web process a reader, with their pages open and nothing done.
        session_mb: The same after all that they did, with what all readers share of it.
    """

    actions: int
    due: int
    waits: dict[str, tuple[int, float, float, float]]
    processor_ms: float
    core: float
    opened_mb: float
    session_mb: float
    errors: list[str]
    refusals: dict[str, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; return the exit code: 1 if there was an error or a limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=200, help="of each app (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement (default: %(default)s)")
    parser.add_argument(
        "--processes", type=int, default=1, help="of the web server, behind nginx (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args(arguments)
    if not (1 <= options.readers <= 400 and 5 <= options.seconds <= 600 and 1 <= options.processes <= 8):
        parser.error("readers are 1 to 400, seconds 5 to 600 and processes 1 to 8")
    about = machine()
    print("; ".join(about.values()), flush=True)
    with replicated("app.py", options.processes) as app, serving("benchmarks/empty.py") as peer:
        try:
            found, trained = asyncio.run(_measured(app, peer, options.readers, options.seconds))
        except (WireError, TimeoutError) as error:
            print(f"{error!r}\n\nThe end of the server's log:\n{_tail(app.log)}")
            return 1
        verdicts = _show(found, trained)
        if any(told.errors for told in (found["app"], found["peer"])) or found["growth_errors"]:
            print(f"\nThe end of the server's log:\n{_tail(app.log)}")
    if options.out:
        plain = {name: asdict(each) if isinstance(each, Figures) else each for name, each in found.items()}
        options.out.write_text(json.dumps({"machine": about, "readers": options.readers} | plain, indent=1) + "\n")
    return 0 if all(verdicts) else 1


async def _measured(app: Server, peer: Server, readers: int, seconds: float) -> tuple[dict[str, Any], list[str]]:
    told = Told()
    for path in PATHS:  # what every reader shares is there from here on
        async with Reader(app.url, path) as first:
            told.add(first)
    store = Store(app.folder)
    run = _train(store)
    await _until_it_trains(store, run)
    photos = [_photos(number) for number in range(max(1, readers // 20))]
    following = [f"transfer?run={run}"] * max(1, readers // 40)
    acting = [PATHS[number % len(PATHS)] for number in range(readers - len(following))]
    states = [store.glance(run).state]
    mine = await _crowd(app, acting, following, photos, seconds, told)
    states.append(store.glance(run).state)
    empty = await _crowd(peer, [""] * readers, [], [], seconds, Told())
    states.append(store.glance(run).state)
    growth, errors = await _growth(app, 5 * readers)
    store.close()
    found = {"app": mine, "peer": empty, "sessions": 5 * readers, "growth_mb": growth, "growth_errors": errors}
    return found, states


# What a crowd does ----------------------------------------------------------------------------------------------------


async def _crowd(
    server: Server,
    acting: list[str],
    following: list[str],
    photos: list[list[tuple[str, bytes]]],
    seconds: float,
    told: Told,
) -> Figures:
    """Let readers come, act for so many seconds, and go."""
    chance, before = random.Random(0), memory(server)
    readers = [Reader(server.url, path) for path in [*acting, *following]]
    doors = asyncio.Semaphore(AT_ONCE)
    try:
        await asyncio.gather(*(_through(doors, reader.open()) for reader in readers))
        opened = memory(server)
        began, used = time.perf_counter(), _processor(server)
        until = began + seconds
        actors = readers[: len(acting)]
        async with asyncio.timeout(seconds + 3 * PATIENCE), asyncio.TaskGroup() as group:
            for number, reader in enumerate(actors):
                brought = photos[number] if number < len(photos) else []
                group.create_task(
                    _behave(reader, random.Random(number), chance.uniform(0, EVERY), until, brought, told)
                )
            if not actors:
                await asyncio.sleep(seconds)
        took, used = time.perf_counter() - began, _processor(server) - used
        after = memory(server)
    finally:
        await asyncio.gather(*(_through(doors, reader.close()) for reader in readers))
    for reader in readers:
        told.add(reader)
    done = sum(map(len, told.waits.values()))
    return Figures(
        done,
        round(len(acting) * seconds / EVERY),
        {name: _summed(waits) for name, waits in _by_kind(told.waits).items()},
        1000 * used / max(1, done),
        used / took,
        (opened - before) / len(readers),
        (after - before) / len(readers),
        told.errors,
        dict(told.refusals.most_common()),
    )


async def _behave(
    reader: Reader, chance: random.Random, offset: float, until: float, photos: list[tuple[str, bytes]], told: Told
) -> None:
    """Do one thing every `EVERY` seconds; a reader who is kept waiting does the next one when the last is done.

    Photos are brought at some moment of the first four fifths: a class does not give its folders in one second.
    """
    next_at = began = time.perf_counter() + offset
    brought_at = began + chance.uniform(0, 0.8) * (until - began)
    try:
        while next_at < until:
            await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
            next_at = max(next_at + EVERY, time.perf_counter())
            if photos and next_at >= brought_at:
                await reader.go("transfer")
                waited = await reader.upload(reader.named("file_uploader", "A folder"), photos)
                told.waits[f"{PHOTOS} photos uploaded"].append(waited)
                photos = []
                continue
            kind, waited = await _act(reader, chance)
            told.waits[kind].append(waited)
    except WireError as error:
        told.errors.append(f"{reader.page}: {error}")


async def _act(reader: Reader, chance: random.Random) -> tuple[str, float]:
    """Turn a control, or go to another page; return what it was and the seconds that it took."""
    controls = reader.controls()
    chance.shuffle(controls)
    for control in controls if not reader.pages or chance.random() < 0.9 else []:
        if (value := another(control, reader.kept(control), chance)) is not None:
            waited = await reader.turn(control, value)
            return ("control that asks the engine" if reader.seen.asked else "control"), waited
    return "another page", await reader.go(chance.choice([name for name in reader.pages if name != reader.page]))


async def _growth(server: Server, sessions: int) -> tuple[float, list[str]]:
    """Open and close sessions; return by how many MB the web process has grown, and what went wrong."""
    doors, told = asyncio.Semaphore(AT_ONCE), Told()

    async def visit(number: int) -> None:
        async with doors, Reader(server.url, PATHS[number % len(PATHS)]) as reader:
            told.add(reader)

    await asyncio.gather(*map(visit, range(KEPT + AT_ONCE)))  # as many are kept before and after
    before = memory(server)
    await asyncio.gather(*map(visit, range(sessions)))
    return memory(server) - before, told.errors


def _processor(server: Server) -> float:
    return sum(map(processor, (server.process, *server.others)))


async def _through(doors: asyncio.Semaphore, way: Awaitable[object]) -> None:
    async with doors:
        await way


# What goes on beside --------------------------------------------------------------------------------------------------


def _train(store: Store) -> str:
    """Queue two trainings that last longer than all that is measured; return the id of the first."""
    experiment = Experiment(tuple(sets.read_sample(store, "textures")), Options(arms=("scratch",), epochs=200))
    first, _ = (store.create("transfer", experiment.to_json(), title=f"beside {number}") for number in range(2))
    return first.id


async def _until_it_trains(store: Store, run: str) -> None:
    until = time.monotonic() + 2 * PATIENCE
    while store.progress(run).get("phase") not in ("head", "blocks", "all", "training"):
        if time.monotonic() > until or store.glance(run).state not in ("queued", "running"):
            raise WireError(f"The training does not begin: {store.glance(run).state}, {store.progress(run)}")
        await asyncio.sleep(0.5)


def _photos(number: int) -> list[tuple[str, bytes]]:
    """Return soft patterns in two classes, as a folder of JPEG files; no two readers' are alike."""
    chance, files = np.random.default_rng(number), []
    for index in range(PHOTOS):
        coarse = Image.fromarray(chance.integers(0, 256, (12, 16, 3), np.uint8))
        buffer = io.BytesIO()
        coarse.resize((1280, 960), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        files.append((f"brought/{('moss', 'bark')[index % 2]}/{index}.jpg", buffer.getvalue()))
    return files


# What was found -------------------------------------------------------------------------------------------------------


def _by_kind(waits: dict[str, list[float]]) -> dict[str, list[float]]:
    """The waits of each kind, and those of all but the uploads, which a reader expects to take their time."""
    quick = [wait for kind, each in waits.items() if "photos" not in kind for wait in each]
    return {"all": quick, **dict(sorted(waits.items()))}


def _summed(waits: list[float]) -> tuple[int, float, float, float]:
    """Count, median, 95th percentile and longest, in ms.

    Example:
        >>> _summed([0.001 * n for n in range(1, 101)])
        (100, 50.5, 95.05, 100.0)
    """
    if not waits:
        return 0, float("nan"), float("nan"), float("nan")
    median, p95 = np.percentile(waits, (50, 95))
    return len(waits), round(1000 * float(median), 2), round(1000 * float(p95), 2), round(1000 * max(waits), 2)


def _show(found: dict[str, Any], trained: list[str]) -> list[bool]:
    """Print the tables for the docs; return whether each limit holds."""
    mine, peer = found["app"], found["peer"]
    print("\n| action | times | p50 ms | p95 ms | longest ms |\n|---|---|---|---|---|")
    for name, figures in (("ConvScope", mine), ("empty app", peer)):
        for kind, (count, *waits) in figures.waits.items():
            print(f"| {name}: {kind} | {count:,} | " + " | ".join(f"{wait:,.0f}" for wait in waits) + " |")
    print("\n| web process | ConvScope | empty app |\n|---|---|---|")
    print(f"| actions done, of those due | {mine.actions:,} of {mine.due:,} | {peer.actions:,} of {peer.due:,} |")
    print(f"| processor ms an action | {mine.processor_ms:.0f} | {peer.processor_ms:.0f} |")
    print(f"| share of a core | {mine.core:.0%} | {peer.core:.0%} |")
    print(f"| MB a session, opened | {mine.opened_mb:.2f} | {peer.opened_mb:.2f} |")
    print(f"| MB a session, after all that it did | {mine.session_mb:.2f} | {peer.session_mb:.2f} |")
    p95, allowed = mine.waits["all"][2], max(P95_MS, PEERS * peer.waits["all"][2])
    errors = [*mine.errors, *peer.errors, *found["growth_errors"]]
    limits = (
        ("errors", f"{len(errors)}", "0", not errors),
        ("p95 of all actions while a run trains", f"{p95:,.0f} ms", f"{allowed:,.0f} ms", p95 <= allowed),
        ("memory a session", f"{mine.session_mb:.2f} MB", f"{SESSION_MB:g} MB", mine.session_mb <= SESSION_MB),
        (
            f"growth after {found['sessions']:,} sessions",
            f"{found['growth_mb']:.1f} MB",
            f"{GROWTH_MB} MB",
            found["growth_mb"] < GROWTH_MB,
        ),
    )
    print("\n| limit | found | allowed | |\n|---|---|---|---|")
    for what, value, most, holds in limits:
        print(f"| {what} | {value} | {most} | {'holds' if holds else '**does not hold**'} |")
    print(f"\nThe training was {', '.join(trained)} before, between and after the two measurements.")
    for error, count in collections.Counter(errors).most_common(10):
        print(f"error, {count} times: {error}")
    for words, count in [*mine.refusals.items()][:10]:
        print(f"said in red, {count} times: {words}")
    return [holds for *_, holds in limits]


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-4000:]


if __name__ == "__main__":
    sys.exit(main())
