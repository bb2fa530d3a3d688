"""Rows of the outbox: claimed under a lease, closed with a receipt or with a next try."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from triage.store.session import UnitOfWork
from triage.store.tables import Outbox, now


def effects_of(uow: UnitOfWork, subject: str) -> list[Outbox]:
    """Every effect of a subject, oldest first."""
    query = select(Outbox).where(Outbox.subject == subject)
    return list(uow.scalars(query.order_by(Outbox.created_at, Outbox.key)))


def next_effect(
    uow: UnitOfWork, kinds: Collection[str], owner: str, at: datetime, alive: Collection[str]
) -> Outbox | None:
    """Claim the effect that is due longest; it is ours while our lease lives.

    Parameters
    ----------
    kinds : collection of str
        That this process can send.
    owner : str
        Our executor id.
    at : datetime
        The present time by the database's clock.
    alive : collection of str
        Executors whose lease lives; what another one was sending is taken over.
    """
    abandoned = (Outbox.state == "sending") & Outbox.claimed_by.not_in(list(alive))
    due = (Outbox.state == "waiting") & (Outbox.next_at <= at)
    query = select(Outbox).where(Outbox.kind.in_(list(kinds)), abandoned | due)
    query = query.order_by(Outbox.next_at, Outbox.key).limit(1)
    row = uow.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    if row is not None:
        row.state = "sending"
        row.claimed_by = owner
        row.attempts += 1
        uow.flush()
    return row


def close_effect(
    uow: UnitOfWork,
    key: str,
    owner: str,
    attempt: int,
    *,
    receipt: dict[str, Any] | None,
    error: str = "",
    next_at: datetime | None = None,
) -> bool:
    """End a claim with a receipt, or with the time of the next try; False when it is not ours."""
    row = uow.get(Outbox, key, with_for_update=True, populate_existing=True)
    if row is None or row.state != "sending" or (row.claimed_by, row.attempts) != (owner, attempt):
        return False
    row.claimed_by = ""
    row.last_error = error
    if receipt is not None:
        row.state, row.receipt, row.done_at = "done", receipt, now()
    else:
        row.state, row.next_at = "waiting", next_at or now()
    uow.flush()
    return True


def release_effects(uow: UnitOfWork, owner: str) -> None:
    """Hand back what an earlier life of this executor was sending."""
    query = update(Outbox).where(Outbox.state == "sending", Outbox.claimed_by == owner)
    uow.execute(query.values(state="waiting", claimed_by=""))
