"""The store: runs, their pictures and models, cached features. All that outlives a visit.

A run's row *is* the contract between the page that asks, the worker that trains and the engine that carries the
message: whoever knows the id can follow it, and nobody needs to talk to anybody else. A state changes only by an
UPDATE that names the state (and, for a worker, the attempt) it expects, so a run is safe to start twice.

Objects (pictures, models) are bytes under a key. By default both live in the folder `var/`; by `CONVSCOPE_STORE` in
any database SQLAlchemy speaks and any object store fsspec speaks.
"""

import json
import math
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import sqlalchemy as sa
from fsspec.implementations.local import LocalFileSystem

LIVE = ("queued", "running", "stopping")
FINAL = ("done", "stopped", "failed")
DEFAULT_LOCATION = Path(__file__).resolve().parents[2] / "var"

_metadata = sa.MetaData()
_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("environment", sa.JSON, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("stop_requested", sa.Float),
    sa.Column("beat", sa.Float),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
)
_features = sa.Table(
    "features",
    _metadata,
    sa.Column("extractor", sa.String(128), primary_key=True),
    sa.Column("picture", sa.String(64), primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)


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
class Run:
    """One execution of an experiment, as it stands in the store at the moment of reading.

    Times are seconds since the epoch, None where it has not happened. `progress`, `result` and `environment` are plain
    JSON; `error` is a sentence for the reader, empty while nothing went wrong. `attempt` counts how often a worker took
    it up.
    """

    id: str
    kind: str
    title: str
    state: str
    spec: dict[str, Any]
    progress: dict[str, Any]
    result: dict[str, Any]
    environment: dict[str, Any]
    error: str
    worker: str
    attempt: int
    stop_requested: float | None
    beat: float | None
    created: float
    started: float | None
    ended: float | None

    @property
    def live(self) -> bool:
        """True while something may still change."""
        return self.state in LIVE


class Store:
    """Runs, objects and features at one location.

    Args:
        location: A folder; or a database URL and an object URL with a space between them, for example
            `postgresql+psycopg://user@host/convscope s3://bucket/convscope`.

    Example:
        >>> import tempfile
        >>> store = Store(tempfile.mkdtemp())
        >>> run = store.create("transfer", {"seed": 0}, title="cats and dogs")
        >>> run.state
        'queued'
        >>> claimed = store.claim(run.id, worker="w1")
        >>> store.beat(claimed, {"fraction": 0.5})
        'go on'
        >>> store.finish(claimed, "done", result={"accuracy": 1.0})
        True
        >>> store.get(run.id).result
        {'accuracy': 1.0}
    """

    def __init__(self, location: str | Path) -> None:
        self.location = str(location)
        self.folder: Path | None = None  # set only if all of it lives in one folder
        database, _, objects = self.location.partition(" ")
        if not objects:
            folder = Path(location).expanduser().resolve()
            folder.mkdir(parents=True, exist_ok=True)
            self.location, self.folder = str(folder), folder
            database, objects = f"sqlite:///{folder / 'runs.sqlite'}", (folder / "objects").as_uri()
        self._files, self._root = fsspec.url_to_fs(objects)
        self._engine = sa.create_engine(database, pool_pre_ping=True)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
        try:
            _metadata.create_all(self._engine)
        except sa.exc.DatabaseError:  # another process created a table between our look and our CREATE
            _metadata.create_all(self._engine)

    @classmethod
    def default(cls) -> "Store":
        """Open the store that `CONVSCOPE_STORE` names, or the folder `var/` of this checkout."""
        return cls(os.environ.get("CONVSCOPE_STORE") or DEFAULT_LOCATION)

    def close(self) -> None:
        """Give the database connections back."""
        self._engine.dispose()

    # Runs -----------------------------------------------------------------------------------------------------------

    def create(self, kind: str, spec: Mapping[str, Any], title: str) -> Run:
        """Add a run in state `queued`; the engine is told of it by `engine.submit`."""
        run_id = secrets.token_hex(6)
        row = {key: {} for key in ("progress", "result", "environment")} | {
            "id": run_id,
            "kind": kind,
            "title": title,
            "state": "queued",
            "spec": plain(spec),
            "error": "",
            "worker": "",
            "attempt": 0,
            "created": time.time(),
        }
        with self._engine.begin() as connection:
            connection.execute(sa.insert(_runs).values(**row))
        return self.get(run_id)

    def get(self, run_id: str) -> Run:
        """Return the run as it stands now.

        Raises:
            RunNotFound: If the store has no such run.
        """
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_runs).where(_runs.c.id == run_id)).one_or_none()
        if row is None:
            raise RunNotFound(run_id)
        return Run(**row._mapping)

    def live(self) -> list[Run]:
        """Return the runs that have not ended, oldest first."""
        return self._select(_runs.c.state.in_(LIVE), order=_runs.c.created.asc())

    def recent(self, limit: int = 20) -> list[Run]:
        """Return the newest runs, newest first."""
        return self._select(sa.true(), order=_runs.c.created.desc(), limit=limit)

    def _select(self, where: Any, order: Any, limit: int | None = None) -> list[Run]:
        query = sa.select(_runs).where(where).order_by(order).limit(limit)
        with self._engine.connect() as connection:
            return [Run(**row._mapping) for row in connection.execute(query)]

    def claim(self, run_id: str, worker: str) -> Run | None:
        """Take a live run up as its next attempt; None if it has ended meanwhile.

        An earlier attempt that still trains somewhere is fenced off by this: its next beat changes no row.
        """
        now = time.time()
        return self._update(
            (_runs.c.id == run_id) & _runs.c.state.in_(LIVE),
            state=sa.case((_runs.c.state == "stopping", "stopping"), else_="running"),
            worker=worker,
            attempt=_runs.c.attempt + 1,
            beat=now,
            started=sa.func.coalesce(_runs.c.started, now),
        )

    def beat(self, run: Run, progress: Mapping[str, Any]) -> str:
        """Write progress and a heartbeat for this attempt; learn whether to go on.

        Returns:
            `go on`, `stop` (somebody asked to), or `lost` (the run ended or another attempt took over: write no more).
        """
        current = self._update(self._mine(run), beat=time.time(), progress=plain(progress))
        if current is None:
            return "lost"
        return "stop" if current.stop_requested else "go on"

    def finish(
        self,
        run: Run,
        state: str,
        *,
        result: Mapping[str, Any] | None = None,
        error: str = "",
        environment: Mapping[str, Any] | None = None,
    ) -> bool:
        """End this attempt's run; False if the run was no longer this attempt's to end."""
        assert state in FINAL, state
        values: dict[str, Any] = {"state": state, "error": error, "ended": time.time()}
        if result is not None:
            values["result"] = plain(result)
        if environment is not None:
            values["environment"] = plain(environment)
        return self._update(self._mine(run), **values) is not None

    def request_stop(self, run_id: str) -> bool:
        """Ask a live run to stop and keep what it has learnt; False if it has ended already."""
        where = (_runs.c.id == run_id) & _runs.c.state.in_(LIVE) & _runs.c.stop_requested.is_(None)
        return self._update(where, state="stopping", stop_requested=time.time()) is not None

    def end(self, run: Run, state: str, error: str) -> bool:
        """End a live run from outside (its worker is gone or silent), if nobody took it up since it was read."""
        assert state in FINAL, state
        return self._update(self._mine(run), state=state, error=error, ended=time.time()) is not None

    def rename(self, run_id: str, title: str) -> bool:
        """Give a run another title; False if there is no such run."""
        return self._update(_runs.c.id == run_id, title=title) is not None

    def delete(self, run_id: str) -> bool:
        """Remove a run that has ended, with its models; False if it is live or unknown.

        Pictures and features stay: they are kept by their contents, and other runs may use the same ones.
        """
        where = (_runs.c.id == run_id) & _runs.c.state.in_(FINAL)
        with self._engine.begin() as connection:
            if not connection.execute(sa.delete(_runs).where(where)).rowcount:
                return False
        folder = f"{self._root}/runs/{run_id}"
        if self._files.exists(folder):
            self._files.rm(folder, recursive=True)
        return True

    @staticmethod
    def _mine(run: Run) -> Any:
        return (_runs.c.id == run.id) & (_runs.c.attempt == run.attempt) & _runs.c.state.in_(LIVE)

    def _update(self, where: Any, **values: Any) -> Run | None:
        # The row comes back from the UPDATE itself: a second query could already see another worker's attempt.
        with self._engine.begin() as connection:
            row = connection.execute(sa.update(_runs).where(where).values(**values).returning(_runs)).one_or_none()
        return None if row is None else Run(**row._mapping)

    # Objects --------------------------------------------------------------------------------------------------------

    def write(self, key: str, data: bytes) -> None:
        """Keep bytes under a key such as `pictures/<digest>.png`; whole or not at all."""
        path = f"{self._root}/{key}"
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if not isinstance(self._files, LocalFileSystem):
            self._files.pipe_file(path, data)  # an object store shows an object when it is complete
            return
        partial = f"{path}.{secrets.token_hex(4)}.partial"
        try:
            self._files.pipe_file(partial, data)
            os.replace(partial, path)
        finally:
            Path(partial).unlink(missing_ok=True)

    def read(self, key: str) -> bytes:
        """Return the bytes under a key.

        Raises:
            FileNotFoundError: If there are none.
        """
        data: bytes = self._files.cat_file(f"{self._root}/{key}")
        return data

    def exists(self, key: str) -> bool:
        """Tell whether there are bytes under this key."""
        return bool(self._files.exists(f"{self._root}/{key}"))

    # Features -------------------------------------------------------------------------------------------------------

    def read_features(self, extractor: str, pictures: Iterable[str]) -> dict[str, bytes]:
        """Return the cached vectors of one extractor, by picture digest; missing ones are absent."""
        found: dict[str, bytes] = {}
        digests = list(dict.fromkeys(pictures))
        with self._engine.connect() as connection:
            for start in range(0, len(digests), 500):  # databases bound the number of parameters
                query = sa.select(_features.c.picture, _features.c.vector).where(
                    (_features.c.extractor == extractor) & _features.c.picture.in_(digests[start : start + 500])
                )
                found.update((row.picture, row.vector) for row in connection.execute(query))
        return found

    def write_features(self, extractor: str, vectors: Mapping[str, bytes]) -> None:
        """Add vectors; one that is there already (another run was faster) stays."""
        missing = vectors.keys() - self.read_features(extractor, vectors).keys()
        rows = [{"extractor": extractor, "picture": digest, "vector": vectors[digest]} for digest in sorted(missing)]
        for row in rows:
            try:
                with self._engine.begin() as connection:
                    connection.execute(sa.insert(_features).values(**row))
            except sa.exc.IntegrityError:  # written by another run between our look and our insert: the same vector
                continue


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # WAL: readers (the pages) never wait for the writer (the worker). A busy writer is waited for, not an error.
    connection.execute("PRAGMA busy_timeout=10000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


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
