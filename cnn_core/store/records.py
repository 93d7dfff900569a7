"""What a run is: its states, how it stands, and what it was asked and has found, as JSON knows it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LIVE = ("queued", "running", "stopping")
FINAL = ("done", "partial", "stopped", "failed")
AGAIN = ("partial", "failed")  # can be tried again, and then go on from their checkpoints
ENGINE, COMMAND_LINE = "engine", "command line"  # who carries a run out


class RunNotFound(KeyError):
    """No run has this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id

    def __str__(self) -> str:
        return (
            f"There is no run {self.run_id!r} in this store. Check the link: an id is 12 characters; "
            "a run of another server is not known here."
        )


@dataclass(frozen=True)
class Glance:
    """How an execution of an experiment stands, at the moment of reading: all that is light.

    Times are seconds since the epoch, None where it has not happened. `error` is a sentence for the reader, empty while
    nothing went wrong; of a run that is done in part it says what failed. `attempt` counts how often a worker took it
    up. `carrier` is ENGINE or COMMAND_LINE: the engine resends its own runs only. `owner` is the visit, or the account,
    that began it and alone may change it; empty for a run of the command line, which is nobody's on a page. `queued` is
    the time by which it gets its turn (`engine.turns`).
    """

    id: str
    kind: str
    title: str
    state: str
    carrier: str
    owner: str
    error: str
    worker: str
    attempt: int
    stop_requested: float | None
    beat: float | None
    created: float
    queued: float
    started: float | None
    ended: float | None

    @property
    def live(self) -> bool:
        """True while something may still change."""
        return self.state in LIVE


@dataclass(frozen=True)
class Run(Glance):
    """One execution with all that it was asked and has found: `spec`, `progress`, `result`, `environment`, plain JSON.

    A spec holds an entry a picture and a result one a tested picture: hundreds of kilobytes for some thousands.
    """

    spec: dict[str, Any]
    progress: dict[str, Any]
    result: dict[str, Any]
    environment: dict[str, Any]


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: NumPy's numbers and arrays become Python's, NaN and infinity become None.

    A loss that diverged is a NaN, and a database refuses it.

    Raises:
        TypeError: If JSON has no word for something in it.

    Example:
        >>> plain({"loss": float("nan"), "shape": (2, 3)})
        {'loss': None, 'shape': [2, 3]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"JSON has no word for {value!r}; use numbers, strings, lists and dicts.")


def to_json(value: Any) -> str:
    """Serialise deterministically, for keys and files."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
