"""The database: one engine set up for durability, one unit of work, the only commit.

SQLite runs with WAL and ``synchronous=FULL``; PostgreSQL with ``synchronous_commit=on``: a
committed row survives a power cut (design decision 3). A unit of work starts with
``BEGIN IMMEDIATE`` so that a read-then-write never meets a busy lock half way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session

UnitOfWork: TypeAlias = Session
Database: TypeAlias = Engine

_BUSY_TIMEOUT_MS = 30_000


class Store:
    """The database of one installation.

    Parameters
    ----------
    url : str
        SQLAlchemy URL: ``sqlite:///…`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self.engine = _open(url, begin_immediate=True)

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """Open the one place where things change; commits when the block ends well.

        Yields
        ------
        UnitOfWork
            Never keep it open across file or network input and output.
        """
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        """Open a consistent view for queries; nothing is written, no writer is held up.

        Yields
        ------
        UnitOfWork
        """
        readonly = self.engine.execution_options(triage_readonly=True)
        with Session(readonly, expire_on_commit=False) as session:
            yield session

    def open_for_workflows(self) -> Database:
        """Open a second engine on the same database for the workflow library.

        It manages its own transactions, so it gets the same durability settings and the driver's
        own IMMEDIATE mode instead of ours.
        """
        return _open(self.url, begin_immediate=False)

    def clock_s(self, uow: UnitOfWork) -> float:
        """The database's clock, epoch seconds: leases must not depend on the hosts' clocks."""
        query = (
            "SELECT (julianday('now') - 2440587.5) * 86400.0"
            if self.is_sqlite
            else "SELECT extract(epoch FROM clock_timestamp())::float8"
        )
        return float(uow.execute(text(query)).scalar_one())

    def upgrade(self) -> None:
        """Bring the schema up to this version's; safe to call from several processes."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(7341001)"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _open(url: str, *, begin_immediate: bool) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    arguments: dict[str, Any] = {"check_same_thread": False}
    if not begin_immediate:
        arguments["isolation_level"] = "IMMEDIATE"
    engine = create_engine(url, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        if begin_immediate:
            connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    if begin_immediate:

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            readonly = connection.get_execution_options().get("triage_readonly", False)
            connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    return engine
