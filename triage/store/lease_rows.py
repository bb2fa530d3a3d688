"""Who is alive: leases of worker processes, by the database's clock."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, select, update

from triage.store.session import UnitOfWork
from triage.store.tables import Executor


def beat(uow: UnitOfWork, executor: str, queues: Collection[str], at_s: float) -> None:
    """Renew, or take, a lease.

    Parameters
    ----------
    at_s : float
        `Store.clock_s`: epoch seconds by the database's clock.
    """
    row = uow.get(Executor, executor, with_for_update=True)
    if row is None:
        uow.add(Executor(id=executor, beat=at_s, queues=list(queues)))
    else:
        row.beat = at_s
        row.queues = list(queues)
    uow.flush()


def let_go(uow: UnitOfWork, executor: str) -> None:
    """End a lease at once, leaving the row: whoever sees it takes the rest of the work over."""
    uow.execute(update(Executor).where(Executor.id == executor).values(beat=0.0))


def alive(uow: UnitOfWork, since_s: float) -> set[str]:
    """Executors whose last beat is not older than `since_s`."""
    return set(uow.scalars(select(Executor.id).where(Executor.beat >= since_s)))


def dead(uow: UnitOfWork, since_s: float, besides: str) -> dict[str, float]:
    """Executors whose lease ran out, with their last beat."""
    query = select(Executor).where(Executor.beat < since_s, Executor.id != besides)
    return {row.id: row.beat for row in uow.scalars(query)}


def bury(uow: UnitOfWork, beats: dict[str, float]) -> None:
    """Delete leases that did not move since they were found dead; call after the take-over."""
    for executor, last in beats.items():
        uow.execute(delete(Executor).where(Executor.id == executor, Executor.beat == last))


def serves(uow: UnitOfWork, queue: str, since_s: float) -> bool:
    """Whether an executor that lives serves a queue."""
    rows = uow.scalars(select(Executor).where(Executor.beat >= since_s))
    return any(queue in row.queues for row in rows)
