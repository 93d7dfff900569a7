"""Jobs and questions for the tests of the engine; CONVSCOPE_EXTRA_JOBS names this module in the workers."""

import importlib
import os
import sys
import time
from pathlib import Path

from cnn_core.engine.jobs import UnknownWork
from cnn_core.store import keys
from cnn_core.store.records import Run
from cnn_core.store.report import Outcome, Report, Stopped
from cnn_core.store.runs import Store

HELD: list[bytes] = []


def sleep(run: Run, store: Store, report: Report) -> Outcome:
    """Take `seconds`, or `again` at a later attempt, unless asked to stop."""
    report.update(pid=os.getpid())
    seconds = run.spec["seconds"] if run.attempt == 1 else run.spec.get("again", run.spec["seconds"])
    begin = time.monotonic()
    while (slept := time.monotonic() - begin) < seconds and not report.should_stop:
        report.update(slept=slept)
        time.sleep(0.02)
    return Outcome({"slept": slept}, {"pid": os.getpid()})


def stuck(run: Run, store: Store, report: Report) -> Outcome:
    """Never ask whether to stop."""
    report.update(pid=os.getpid())
    time.sleep(run.spec.get("seconds", 60))
    return Outcome({}, {})


def late(run: Run, store: Store, report: Report) -> Outcome:
    """Acknowledge a stop 2.5 s after it was asked for, having said that it takes so long."""
    report.update(pid=os.getpid(), reaction=60)
    while store.glance(run.id).state != "stopping":
        time.sleep(0.02)
    time.sleep(2.5)
    return Outcome({"heard": report.should_stop}, {})


def fail(run: Run, store: Store, report: Report) -> Outcome:
    """Raise what the spec names."""
    raise _error(run.spec["error"])


def hoard(run: Run, store: Store, report: Report) -> Outcome:
    """Take more and more memory."""
    hoarded = []
    while True:
        hoarded.append(bytearray(os.urandom(1000)) * 20_000)
        report.update(pieces=len(hoarded))
        time.sleep(0.01)


def grow_and_end(run: Run, store: Store, report: Report) -> Outcome:
    """Leave `megabytes` behind, and take `seconds`."""
    grow(run.spec["megabytes"])
    time.sleep(run.spec.get("seconds", 0))
    return Outcome({}, {"pid": os.getpid()})


def parts(run: Run, store: Store, report: Report) -> Outcome:
    """Find `parts` one after the other, but for those that an attempt before has found; `fail` names what goes wrong.

    What goes wrong does so once, or, with `always`, whenever it is tried.
    """
    found = dict(run.result)
    report.update(pid=os.getpid(), began_with=sorted(found))
    trouble = ""
    for name in run.spec["parts"]:
        if name in found:
            continue
        failure = run.spec.get("fail", {}).get(name) if run.spec.get("always") or not run.result else None
        if failure == "kill":
            while store.get(run.id).result != found:  # a heartbeat writes it
                time.sleep(0.02)
            os.kill(os.getpid(), 9)
        elif failure == "trouble":
            trouble = f"The part {name} did not work."
        elif failure:
            raise _error(failure)
        else:
            found[name] = run.attempt
            report.found(found)
    return Outcome(found, {}, trouble)


def steps(run: Run, store: Store, report: Report) -> Outcome:
    """Take `steps` of a tenth of a second and keep a checkpoint after each; die after those of `die_after`, once."""
    key = keys.checkpoint(run.id, "steps")
    began_at = done = int(store.read(key)) if store.exists(key) else 0
    report.update(pid=os.getpid())
    while done < run.spec["steps"] and not report.should_stop:
        time.sleep(0.1)
        done += 1
        store.write(key, str(done).encode())
        report.update(kept=done)
        if done in run.spec.get("die_after", []):
            os.kill(os.getpid(), 9)
    return Outcome({"began_at": began_at})


def give_up(run: Run, store: Store, report: Report) -> Outcome:
    """Hear the wish to stop before there is anything to keep."""
    report.update(pid=os.getpid())
    while not report.should_stop:
        time.sleep(0.02)
    raise Stopped


def taken(run: Run, store: Store, report: Report) -> Outcome:
    """Have another process claim or end the run while its job goes on."""
    if run.spec["by"] == "claim":
        store.claim(run.id, worker="another")
    else:
        store.end(run, "failed", "Ended by another.")
    if run.spec.get("raises"):
        while not report.should_stop:
            time.sleep(0.02)
        raise Stopped
    return Outcome({"own": True}, {})


def not_json(run: Run, store: Store, report: Report) -> Outcome:
    """Return something that no database can hold as JSON."""
    return Outcome({"thing": object()}, {})


def double(value: int, seconds: float = 0.0) -> int:
    """Answer after a while."""
    time.sleep(seconds)
    return 2 * value


def hold(begun: str, until: str) -> None:
    """Leave a file behind, and answer when there is another one."""
    Path(begun).touch()
    while not Path(until).exists():
        time.sleep(0.02)


def note(path: str) -> None:
    """Leave a file behind."""
    Path(path).touch()


def worker_pid() -> int:
    """Say who answers."""
    return os.getpid()


def refuse(error: str) -> None:
    """Raise what is named."""
    raise _error(error)


def die() -> None:
    """Take the worker down."""
    os.kill(os.getpid(), 9)


def loaded(module: str) -> bool:
    """Tell whether the worker has a module in memory."""
    return module in sys.modules


def fetch(module: str) -> int:
    """Import a module; say who did."""
    importlib.import_module(module)
    return os.getpid()


def grow(megabytes: int) -> None:
    """Hold memory from now on."""
    HELD.append(os.urandom(1000) * 1000 * megabytes)


def warm_up() -> None:
    """Take a moment, and leave a module behind."""
    time.sleep(0.3)
    sys.modules["warmed"] = sys.modules[__name__]


def slow_warm_up() -> None:
    """Say who warms up, and go on when there is a file `go on` beside that."""
    folder = Path(os.environ["CONVSCOPE_TOY_FOLDER"])
    (folder / "warming").write_text(str(os.getpid()))
    hold(str(folder / "begun"), str(folder / "go on"))


def _error(name: str) -> Exception:
    return {
        "purpose": UnknownWork("No such thing; take another."),
        "memory": MemoryError(),
        "disk": OSError(28, "No space left on device"),
        "value": ValueError("shapes (3, 4) and (5, 6) do not fit\nmore of it"),
    }[name]


JOBS = {
    name: f"engine_toys:{name}"
    for name in ("sleep", "stuck", "late", "fail", "hoard", "not_json", "parts", "steps", "give_up", "taken")
} | {"grow": "engine_toys:grow_and_end"}
QUESTIONS = {
    name: f"engine_toys:{name}"
    for name in ("double", "hold", "note", "worker_pid", "refuse", "die", "loaded", "fetch", "grow")
}
