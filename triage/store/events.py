"""The append-only list of everything that happened; readers of live changes follow it by number."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, text

from triage.store.session import UnitOfWork
from triage.store.tables import Event


def append(
    uow: UnitOfWork,
    kind: str,
    *,
    actor: str = "system",
    study_uid: str | None = None,
    finding_id: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
    undoes: int | None = None,
) -> Event:
    """Write one event in the caller's unit of work.

    Parameters
    ----------
    uow : UnitOfWork
    kind : str
        ``study.state``, ``finding.decision``, ``context.set``, ``study.signed`` ...
    actor : str
        User name; "system" for the product itself.
    before, after : dict or None
        What changed, whole.
    idempotency_key : str or None
        The same key is the same act: a second one violates a unique constraint.
    undoes : int or None
        `seq` of the event this one takes back.

    Returns
    -------
    Event
        With its `seq` set.
    """
    if uow.get_bind().dialect.name == "postgresql":
        # Sequence numbers must become visible in their order, or a follower would skip one.
        uow.execute(text("SELECT pg_advisory_xact_lock(7341002)"))
    row = Event(
        kind=kind,
        actor=actor,
        study_uid=study_uid,
        finding_id=finding_id,
        before=before,
        after=after,
        idempotency_key=idempotency_key,
        undoes=undoes,
    )
    uow.add(row)
    uow.flush()
    return row


def after(uow: UnitOfWork, seq: int, limit: int = 500) -> list[Event]:
    """Events that came after number `seq`, oldest first."""
    query = select(Event).where(Event.seq > seq).order_by(Event.seq).limit(limit)
    return list(uow.scalars(query))


def by_idempotency_key(uow: UnitOfWork, key: str) -> Event | None:
    """The act that already used this key, if any."""
    return uow.scalars(select(Event).where(Event.idempotency_key == key)).one_or_none()
