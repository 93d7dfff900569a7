"""The store: runs, their pictures and models, cached features. All that outlives a visit.

A run's row *is* the contract between the page that asks, the worker that trains and the engine that carries the
message: whoever knows the id can follow it, and nobody needs to talk to anybody else. A state changes only by an
UPDATE that names the state (and, for a worker, the attempt) it expects, so a run is safe to start twice.

Objects (pictures, models) are bytes under a key. By default both live in the folder `var/`; by `CONVSCOPE_STORE` in
SQLite or PostgreSQL and any object store fsspec speaks.
"""

import os
import secrets
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cnn_core.store import keys, owners
from cnn_core.store.features import Features
from cnn_core.store.lists import Lists, adopt_version_01
from cnn_core.store.location import DEFAULT_LOCATION, urls
from cnn_core.store.objects import Objects, adopt_mislaid
from cnn_core.store.records import AGAIN, ENGINE, FINAL, LIVE, Glance, Run, RunNotFound, plain
from cnn_core.store.tables import bring_up_to_date, connect
from cnn_core.store.tables import runs as _runs
from cnn_core.store.troubles import StoreGone, patient

DATABASE = "runs.sqlite"  # in a store's folder
_GLANCE = tuple(_runs.c[name] for name in Glance.__dataclass_fields__)


class Store(Objects):
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
        apart: tuple[str | sa.URL, str | Path] | None = urls(self.location)
        if not apart:
            folder = Path(location).expanduser().resolve()
            folder.mkdir(parents=True, exist_ok=True)
            self.location, self.folder = str(folder), folder
            # Not as a text, of which SQLAlchemy would read `%20` and `?` in another way.
            apart = sa.URL.create("sqlite", database=str(folder / DATABASE)), folder / "objects"
            adopt_mislaid(folder / "objects")
        super().__init__(apart[1])
        self._engine = connect(apart[0])
        weakref.finalize(self, self._engine.dispose)  # as Python 3.13 expects
        self.features, self.lists = Features(self._engine), Lists(self._engine)
        if bring_up_to_date(self._engine, self.folder):
            self.prepare()
            adopt_version_01(self, self.lists)

    @classmethod
    def default(cls) -> "Store":
        """Open the store that `CONVSCOPE_STORE` names, or else the one at DEFAULT_LOCATION."""
        return cls(os.environ.get("CONVSCOPE_STORE") or DEFAULT_LOCATION)

    @classmethod
    @patient
    def existing(cls) -> "Store":
        """Open the default store, for one who works for a store that somebody has made.

        Raises:
            StoreGone: If its folder has no store in it: it was deleted, and an empty one in its place helps nobody.
        """
        location = os.environ.get("CONVSCOPE_STORE") or str(DEFAULT_LOCATION)
        if urls(location) is None and not (Path(location).expanduser() / DATABASE).exists():
            raise StoreGone
        return cls(location)

    @patient
    def check(self) -> None:
        """Do nothing if the store is there.

        Raises:
            StoreGone: If its folder was deleted or moved.
            SQLAlchemyError: If its database does not answer.
        """
        with self._engine.connect():
            pass

    def close(self) -> None:
        """Give the database connections back."""
        self._engine.dispose()

    # Runs -----------------------------------------------------------------------------------------------------------

    @patient
    def create(
        self,
        kind: str,
        spec: Mapping[str, Any],
        title: str,
        *,
        carrier: str = ENGINE,
        owner: str = "",
        most: int = 0,
    ) -> Run:
        """Add a run in state `queued`; the engine is told of it by `engine.submit`, unless somebody else carries it.

        Raises:
            QuotaReached: If `most` runs of its owner wait already; 0 is no limit.
        """
        run_id, now = secrets.token_hex(6), time.time()
        row = {key: {} for key in ("progress", "result", "environment")} | {
            "id": run_id,
            "kind": kind,
            "title": title,
            "state": "queued",
            "carrier": carrier,
            "owner": owner,
            "spec": plain(spec),
            "error": "",
            "worker": "",
            "attempt": 0,
            "created": now,
            "queued": now,
        }
        # Looking and adding are one statement: two tabs that begin at once are not both let through.
        values = sa.select(*(sa.literal(value, _runs.c[name].type) for name, value in row.items()))
        added = sa.insert(_runs).from_select(list(row), values.where(owners.has_room(owner, most)))
        with self._engine.begin() as connection:
            if most and connection.dialect.name == "postgresql":  # where two statements see the same runs
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(owner))))
            if connection.scalar(added.returning(_runs.c.id)) is None:
                raise owners.queue_full(most)
        return self.get(run_id)

    def get(self, run_id: str) -> Run:
        """Return the run as it stands now, whole.

        Raises:
            RunNotFound: If the store has no such run.
        """
        return Run(**self._row(run_id, *_runs.c))

    def glance(self, run_id: str) -> Glance:
        """Return how a run stands, without what it was asked and has found.

        Raises:
            RunNotFound: If the store has no such run.
        """
        return Glance(**self._row(run_id, *_GLANCE))

    def progress(self, run_id: str) -> dict[str, Any]:
        """Return what a run reports of itself.

        Raises:
            RunNotFound: If the store has no such run.
        """
        progress: dict[str, Any] = self._row(run_id, _runs.c.progress)["progress"]
        return progress

    def spec(self, run_id: str) -> dict[str, Any]:
        """Return what a run was asked.

        Raises:
            RunNotFound: If the store has no such run.
        """
        spec: dict[str, Any] = self._row(run_id, _runs.c.spec)["spec"]
        return spec

    def live(self) -> list[Glance]:
        """Return the runs that have not ended, oldest first."""
        return self._select(_runs.c.state.in_(LIVE), order=_runs.c.created.asc())

    def recent(self, limit: int = 20) -> list[Glance]:
        """Return the newest runs, newest first."""
        return self._select(sa.true(), order=_runs.c.created.desc(), limit=limit)

    @patient
    def owned(self, owner: str) -> set[str]:
        """Return the ids of an owner's runs; nobody's are not listed."""
        with self._engine.connect() as connection:
            return set(connection.scalars(sa.select(_runs.c.id).where(_runs.c.owner == owner, _runs.c.owner != "")))

    @patient
    def give(self, run_ids: Sequence[str], owner: str) -> None:
        """Make runs an owner's, whosever they were: a private link was opened, or a visitor has signed in."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(_runs).where(_runs.c.id.in_(run_ids)).values(owner=owner))

    @patient
    def durations(self, kind: str, last: int = 10) -> list[float]:
        """Return how many seconds the last runs of a kind took that an engine has done, the newest first."""
        done = (_runs.c.kind == kind, _runs.c.state == "done", _runs.c.carrier == ENGINE, _runs.c.started.is_not(None))
        query = sa.select(_runs.c.ended - _runs.c.started).where(*done).order_by(_runs.c.ended.desc()).limit(last)
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

    def texts(self, owner: str | None = None) -> Iterator[tuple[Glance, str]]:
        """Yield each run, by default whosever it is, and as a text all that it was asked and has found."""
        whole = [sa.cast(_runs.c[name], sa.Text) for name in ("spec", "progress", "result", "environment")]
        query = sa.select(*_GLANCE, *whole).where(sa.true() if owner is None else owners.may_change(owner))
        with self._engine.connect().execution_options(yield_per=20) as connection:
            for row in connection.execute(query):
                yield Glance(*row[: len(_GLANCE)]), "\n".join(row[len(_GLANCE) :])

    @patient
    def _row(self, run_id: str, *columns: Any) -> dict[str, Any]:
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(*columns).where(_runs.c.id == run_id)).one_or_none()
        if row is None:
            raise RunNotFound(run_id)
        return dict(row._mapping)

    @patient
    def _select(self, where: Any, order: Any, limit: int | None = None) -> list[Glance]:
        query = sa.select(*_GLANCE).where(where).order_by(order).limit(limit)
        with self._engine.connect() as connection:
            return [Glance(**row._mapping) for row in connection.execute(query)]

    def claim(self, run_id: str, worker: str) -> Run | None:
        """Take a live run up as its next attempt; None if it has ended meanwhile.

        An earlier attempt that still trains somewhere is fenced off by this: its next beat changes no row. What that
        attempt has found stands in the `result`: the next one need not find it again.
        """
        now = time.time()
        row = self._update(
            (_runs.c.id == run_id) & _runs.c.state.in_(LIVE),
            *_runs.c,
            state=sa.case((_runs.c.state == "stopping", "stopping"), else_="running"),
            worker=worker,
            attempt=_runs.c.attempt + 1,
            beat=now,
            started=sa.func.coalesce(_runs.c.started, now),
        )
        if row is None:
            return None
        run = Run(**row)
        if run.attempt == 1:
            self._had_turn(run)
        return run

    def beat(self, run: Glance, progress: Mapping[str, Any], result: Mapping[str, Any] | None = None) -> str:
        """Write progress and a heartbeat for this attempt, and what it has found so far; learn whether to go on.

        Returns:
            `go on`, `stop` (somebody asked to), or `lost` (the run ended or another attempt took over: write no more).
        """
        values = {} if result is None else {"result": plain(result)}
        row = self._update(
            self._mine(run), _runs.c.stop_requested, beat=time.time(), progress=plain(progress), **values
        )
        if row is None:
            return "lost"
        return "stop" if row["stop_requested"] else "go on"

    def finish(
        self,
        run: Glance,
        state: str,
        *,
        result: Mapping[str, Any] | None = None,
        error: str = "",
        environment: Mapping[str, Any] | None = None,
    ) -> bool:
        """End this attempt's run; False if the run was no longer this attempt's to end.

        Without a result, what was found so far stays.
        """
        assert state in FINAL, state
        values: dict[str, Any] = {"state": state, "error": error, "ended": time.time()}
        if result is not None:
            values["result"] = plain(result)
        if environment is not None:
            values["environment"] = plain(environment)
        return self._end(run, **values)

    # Only its owner changes a run; `by` is who asks. None is the server itself, or the command line.

    def request_stop(self, run_id: str, *, by: str | None = None) -> bool:
        """Ask a live run to stop and keep what it has learnt; False if it has ended already.

        Raises:
            NotYours: If it is another's.
        """
        where = (_runs.c.id == run_id) & _runs.c.state.in_(LIVE) & _runs.c.stop_requested.is_(None)
        return self._change("stop it", run_id, by, where, state="stopping", stop_requested=time.time())

    def end(self, run: Glance, state: str, error: str) -> bool:
        """End a live run from outside (its worker is gone or silent), if nobody took it up since it was read."""
        assert state in FINAL, state
        return self._end(run, state=state, error=error, ended=time.time())

    def reopen(self, run_id: str, *, by: str | None = None, most: int = 0) -> bool:
        """Queue a run again that ended before all was found; it keeps what it has. False if it is live, done, unknown.

        Whoever carries it out tries only what is not in its result yet, and goes on from a checkpoint, if it has one.

        Raises:
            NotYours: If it is another's.
            QuotaReached: If `most` runs of its owner wait already; 0 is no limit.
        """
        ended = _runs.c.state.in_(("partial", "stopped", "failed"))
        fresh = {"state": "queued", "carrier": ENGINE, "error": "", "worker": "", "attempt": 0, "progress": {}}
        fresh |= {"queued": time.time()} | dict.fromkeys(("stop_requested", "beat", "started", "ended"))
        where = (_runs.c.id == run_id) & ended & owners.has_room(by or "", most)
        if self._change("try it again", run_id, by, where, **fresh):
            self.remove(keys.deaths(run_id))  # its attempts are counted anew
            return True
        if by and most and self._select((_runs.c.id == run_id) & ended, order=_runs.c.id):
            raise owners.queue_full(most)
        return False

    def rename(self, run_id: str, title: str, *, by: str | None = None) -> bool:
        """Give a run another title; False if there is no such run.

        Raises:
            NotYours: If it is another's.
        """
        return self._change("rename it", run_id, by, _runs.c.id == run_id, title=title)

    @patient
    def delete(self, run_id: str, *, by: str | None = None) -> bool:
        """Remove a run that has ended, with its models, from all lists; False if it is live or unknown.

        Pictures and features stay: other runs may use the same ones; `removal.remove_run` looks for who does.

        Raises:
            NotYours: If it is another's.
        """
        where = (_runs.c.id == run_id) & _runs.c.state.in_(FINAL) & owners.may_change(by)
        with self._engine.begin() as connection:
            gone = connection.execute(sa.delete(_runs).where(where)).rowcount
        if not gone:
            self._check_owner("delete it", run_id, by)
            return False
        self.lists.remove_everywhere(run_id)
        self.remove(keys.run(run_id))
        return True

    def _end(self, run: Glance, **values: Any) -> bool:
        if self._update(self._mine(run), _runs.c.id, **values) is None:
            return False
        if values["state"] not in AGAIN:
            self.remove(keys.checkpoints(run.id))
        if run.attempt:
            self._had_turn(run)
        return True

    @patient
    def _had_turn(self, run: Glance) -> None:
        """Put what else of an owner waits behind all who wait now: as a run of theirs begins, and as it ends."""
        now = time.time()
        waiting = (_runs.c.owner == run.owner) & (_runs.c.state == "queued") & (_runs.c.queued < now)
        if run.carrier == ENGINE:
            with self._engine.begin() as connection:
                connection.execute(sa.update(_runs).where(waiting).values(queued=now))

    def _change(self, what: str, run_id: str, by: str | None, where: Any, **values: Any) -> bool:
        """Change a run if it is of whoever asks: that is a part of the UPDATE, since a run may change hands."""
        if self._update(where & owners.may_change(by), _runs.c.id, **values) is not None:
            return True
        self._check_owner(what, run_id, by)
        return False

    def _check_owner(self, what: str, run_id: str, by: str | None) -> None:
        if by is None:
            return
        with self._engine.connect() as connection:
            owner = connection.scalar(sa.select(_runs.c.owner).where(_runs.c.id == run_id))
        if owner is not None and (owner != by or not by):
            raise owners.NotYours(what)

    @staticmethod
    def _mine(run: Glance) -> Any:
        return (_runs.c.id == run.id) & (_runs.c.attempt == run.attempt) & _runs.c.state.in_(LIVE)

    @patient
    def _update(self, where: Any, *columns: Any, **values: Any) -> dict[str, Any] | None:
        # The row comes back from the UPDATE itself: a second query could already see another worker's attempt.
        with self._engine.begin() as connection:
            statement = sa.update(_runs).where(where).values(**values).returning(*columns)
            row = connection.execute(statement).one_or_none()
        return None if row is None else dict(row._mapping)
