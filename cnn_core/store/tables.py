"""The tables of the store, and how a database is opened: made, brought up to date, or refused with a sentence.

A migration is a file in `migrations/versions` (Alembic). It runs when a store is opened, once, under a lock; a store
that is up to date is known by one look, without Alembic.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import sqlalchemy as sa

from cnn_core.store.location import CLUSTER
from cnn_core.store.troubles import StoreGone

REVISION = "0003"  # the newest file of `migrations/versions`
_LOCK = 0x436F6E76  # of PostgreSQL, for this application: "Conv"
BUSY = 10.0  # seconds for another writer of SQLite to be done
_PATIENCE = 120.0  # seconds for another process to finish its migration

metadata = sa.MetaData()
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("carrier", sa.String(16), nullable=False, server_default="engine"),
    sa.Column("owner", sa.String(64), nullable=False, server_default="", index=True),
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
    sa.Column("queued", sa.Float, nullable=False, server_default="0"),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
)
features = sa.Table(
    "features",
    metadata,
    sa.Column("extractor", sa.String(255), primary_key=True),
    sa.Column("picture", sa.String(64), primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)
lists = sa.Table(
    "lists",
    metadata,
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("entry", sa.String(64), primary_key=True),
    sa.Column("own", sa.Boolean, nullable=False),
    sa.Column("added", sa.Float, nullable=False),
)


class DatabaseRefused(ValueError):
    """A database that the store cannot live in; the text says why."""


def connect(url: str | sa.URL) -> sa.Engine:
    """Return an engine for SQLite or PostgreSQL.

    Raises:
        DatabaseRefused: If it is another database, or its driver is not installed.
    """
    try:
        engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)  # among them are the keys of links
    except ModuleNotFoundError as missing:
        raise DatabaseRefused(f"The store's database needs {missing.name}, which is not installed. {CLUSTER}") from None
    if engine.dialect.name not in ("sqlite", "postgresql"):
        raise DatabaseRefused(
            f"The store received a database of {engine.dialect.name}; it lives in SQLite (a folder) or PostgreSQL. "
            "Set CONVSCOPE_STORE to a folder, or to postgresql+psycopg://… and the URL of an object store."
        )
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        if engine.url.database:  # not in memory
            _watch_file(engine, engine.url.database)
    return engine


def _watch_file(engine: sa.Engine, path: str) -> None:
    """Refuse to go on with a file that is not in its folder any more: what is written there is lost without a word."""
    known: list[tuple[int, int]] = []

    def check(*_: Any) -> None:
        try:
            found = os.stat(path)
        except FileNotFoundError:
            raise StoreGone from None
        if not known:
            known.append((found.st_dev, found.st_ino))
        elif known[0] != (found.st_dev, found.st_ino):  # another store is in its place
            raise StoreGone

    sa.event.listen(engine, "connect", check)
    sa.event.listen(engine, "checkout", check)


def bring_up_to_date(engine: sa.Engine, folder: Path | None) -> bool:
    """Make or migrate the tables where they are not those of REVISION.

    Args:
        engine: The database.
        folder: Where its lock file goes; None where the database locks for itself.

    Returns:
        True if something was changed.

    Raises:
        DatabaseRefused: If the database is newer than this program.
    """
    if _revision(engine) == REVISION:
        return False
    with _alone(engine, folder):
        found = _revision(engine)
        if found == REVISION:  # another process was faster
            return False
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        migrations = Path(__file__).with_name("migrations").as_posix()
        config.set_main_option("script_location", migrations.replace("%", "%%"))
        known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
        if found and found not in known:
            raise DatabaseRefused(
                f"The store is of a newer ConvScope (its tables are revision {found}, known are those up to "
                f"{REVISION}). Update this installation, or use another store."
            )
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            if not found and sa.inspect(connection).has_table("runs"):  # version 0.1 knew no revisions
                command.stamp(config, "0001")
            command.upgrade(config, "head")
    return True


def insert_new(engine: sa.Engine, table: sa.Table) -> Any:
    """Return an INSERT that leaves a row alone whose key is there already."""
    from sqlalchemy.dialects import postgresql, sqlite

    dialect: Any = postgresql if engine.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def _revision(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return ""
        return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or "")


@contextlib.contextmanager
def _alone(engine: sa.Engine, folder: Path | None) -> Iterator[None]:
    """Hold the only right to migrate: several processes open a store at the same moment."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))
    elif not engine.url.database:  # in memory: nobody else sees it
        yield
    else:
        place = folder or Path(engine.url.database).resolve().parent
        with filelock.FileLock(place / "migration.lock", timeout=_PATIENCE):
            yield


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # WAL: readers (the pages) never wait for the writer (the worker). A busy writer is waited for, not an error.
    connection.execute(f"PRAGMA busy_timeout={round(1000 * BUSY)}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
