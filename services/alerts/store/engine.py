"""Opening the database: one URL for people, the right driver and settings behind it, and migrations."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.messages.faults import OperatorError

MIGRATIONS = Path(__file__).parent.parent / "migrations"
BUSY_MS = 10_000  # how long SQLite waits for another writer
_DRIVERS = {"sqlite": ("sqlite", "sqlite+aiosqlite"), "postgresql": ("postgresql+psycopg",) * 2}
_WRITES = "stormwacht_writes"


class DatabaseUrlError(OperatorError):
    """STORMWACHT_DATABASE has neither form; the message never quotes it, it may hold a password."""


def _url(url: str, *, asynchronous: bool) -> URL:
    try:
        parsed = make_url(url)
        drivers = _DRIVERS[parsed.drivername]
    except (ArgumentError, KeyError):
        raise DatabaseUrlError(
            "STORMWACHT_DATABASE: write sqlite:///file.db or postgresql://user:password@host/name"
        ) from None
    return parsed.set(drivername=drivers[asynchronous])


def is_sqlite(url: str) -> bool:
    """Tell whether the database is a file that this process has to itself."""
    return _url(url, asynchronous=False).get_backend_name() == "sqlite"


def open_engine(url: str) -> AsyncEngine:
    """Return an engine for the URL; nothing is connected yet."""
    engine = create_async_engine(
        _url(url, asynchronous=True),
        pool_pre_ping=not is_sqlite(url),
        hide_parameters=True,  # an error must not quote what people said
    )
    if is_sqlite(url):
        _prepare_sqlite(engine.sync_engine)
    return engine


def writing(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine for transactions that write: SQLite locks at their begin, never half-way."""
    return engine.execution_options(**{_WRITES: True})


def _prepare_sqlite(engine: Engine) -> None:
    """Set what SQLite needs to be safe under one writer and many readers."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver would begin by itself, too late and without a lock
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",  # a committed claim survives a power cut: what was sent is not forgotten
            "foreign_keys=ON",
            "secure_delete=ON",  # erased text is overwritten, not left in free pages
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _sync_engine(url: str) -> Engine:
    return create_engine(_url(url, asynchronous=False), poolclass=NullPool)


def pending_migrations(url: str) -> list[str]:
    """Return the revisions that `migrate` would apply, in order."""
    engine = _sync_engine(url)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_alembic())
    revisions = script.iterate_revisions("heads", current or "base")
    return [revision.revision for revision in revisions][::-1]


def migrate(url: str) -> None:
    """Bring the database to the newest schema; does nothing when it is there already."""
    config = _alembic()
    with _sync_engine(url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
