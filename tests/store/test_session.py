"""Units of work on both databases: commit, rollback, clock, concurrent upgrade."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import inspect, text

from triage.store import events
from triage.store.session import Store
from triage.store.tables import Base, Event


def test_upgrade_makes_exactly_the_declared_tables(any_store: Store) -> None:
    ours = {n for n in inspect(any_store.engine).get_table_names() if n.startswith("triage_")}
    assert ours - {"triage_alembic_version"} == set(Base.metadata.tables)


def test_migrated_schema_equals_declared_schema(any_store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or (name or "").startswith("triage_")

    with any_store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": ours, "version_table": "triage_alembic_version"},
        )
        assert compare_metadata(context, Base.metadata) == []


def test_two_processes_may_upgrade_at_once(database_url: str) -> None:
    stores = [Store(database_url), Store(database_url)]
    threads = [threading.Thread(target=s.upgrade) for s in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for opened in stores:
        with opened.reading() as uow:
            versions = uow.execute(text("SELECT count(*) FROM triage_alembic_version"))
            assert versions.scalar_one() == 1
        opened.close()


def test_unit_of_work_commits_whole_or_not_at_all(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        events.append(uow, "kept")
    with pytest.raises(RuntimeError), any_store.unit_of_work() as uow:
        events.append(uow, "lost")
        raise RuntimeError("half way")
    with any_store.reading() as uow:
        assert [e.kind for e in events.after(uow, 0)] == ["kept"]


def test_readers_do_not_wait_for_a_writer(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        events.append(uow, "first")
    with any_store.unit_of_work() as writer:
        events.append(writer, "unseen")
        with any_store.reading() as reader:
            assert [e.kind for e in events.after(reader, 0)] == ["first"]


def test_events_keep_the_order_of_commits(any_store: Store) -> None:
    def write(name: str) -> None:
        for _ in range(20):
            with any_store.unit_of_work() as uow:
                events.append(uow, name)

    writers = [threading.Thread(target=write, args=(f"w{i}",)) for i in range(4)]
    for writer in writers:
        writer.start()
    followed: list[int] = []
    deadline = time.monotonic() + 60
    while len(followed) < 80 and time.monotonic() < deadline:
        with any_store.reading() as uow:
            followed += [e.seq for e in events.after(uow, followed[-1] if followed else 0)]
    for writer in writers:
        writer.join(timeout=60)
    with any_store.reading() as uow:
        assert followed == [e.seq for e in events.after(uow, 0)]


def test_same_idempotency_key_is_refused_by_the_database(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        events.append(uow, "act", idempotency_key="k1")
    with any_store.reading() as uow:
        found = events.by_idempotency_key(uow, "k1")
        assert found is not None and found.kind == "act"
    with pytest.raises(Exception, match=r"(?i)unique"), any_store.unit_of_work() as uow:
        events.append(uow, "act", idempotency_key="k1")


def test_database_clock_advances_and_is_near_ours(any_store: Store) -> None:
    with any_store.reading() as uow:
        before = time.time()
        said = any_store.clock_s(uow)
        assert before - 0.1 <= said <= time.time() + 0.1


def test_times_come_back_aware(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        seq = events.append(uow, "timed").seq
    with any_store.reading() as uow:
        row = uow.get(Event, seq)
        assert row is not None and row.at.utcoffset() is not None


def test_sqlite_is_set_up_for_power_cuts(store: Store) -> None:
    with store.engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
