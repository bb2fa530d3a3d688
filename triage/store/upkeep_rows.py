"""What upkeep asks of the rows: counts, states, and every key that a file must stand behind."""

from __future__ import annotations

from sqlalchemy import func, select

from triage.store.session import UnitOfWork
from triage.store.tables import Instance, Output, Quarantine, Series, Study


def has_studies(uow: UnitOfWork) -> bool:
    """Whether anything ever arrived."""
    return uow.scalars(select(Study.study_uid).limit(1)).first() is not None


def study_count(uow: UnitOfWork) -> int:
    """How many studies there are."""
    return uow.scalars(select(func.count()).select_from(Study)).one()


def newest_state(uow: UnitOfWork) -> str | None:
    """State of the study that arrived last; None when there is none."""
    newest = select(Study.state).order_by(Study.first_received_at.desc()).limit(1)
    return uow.scalars(newest).first()


def instance_keys(uow: UnitOfWork) -> set[str]:
    """Keys of all stored instances."""
    return set(uow.scalars(select(Instance.digest)))


def quarantine_keys(uow: UnitOfWork) -> set[str]:
    """Keys of all quarantined objects."""
    return set(uow.scalars(select(Quarantine.digest)))


def other_keys(uow: UnitOfWork) -> set[str]:
    """Keys of packed pixels and of objects made for other systems."""
    streams = select(Series.stream_key).where(Series.stream_key.is_not(None))
    return {str(key) for key in uow.scalars(streams)} | set(uow.scalars(select(Output.digest)))
