"""Queries of completeness: which studies have news, who sent them, what lies where.

The watch loop asks several times a second, so each query is answered by an index and touches the
few studies that have news.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import func, select

from triage.store.session import UnitOfWork
from triage.store.tables import Association, Instance, Study

Header: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StudyNews:
    """How far a study has come."""

    study_uid: str
    state: str
    revision: int
    planned_revision: int
    published_revision: int
    last_received_at: datetime


@dataclass(frozen=True, slots=True)
class Carrier:
    """One association that brought something to a study."""

    association_id: str
    door: str
    calling_ae: str
    closed_at: datetime | None
    close_reason: str


@dataclass(frozen=True, slots=True)
class SenderActivity:
    """What a sender does at all, also with other studies."""

    open: int
    last_closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """One instance that takes part in volumes."""

    sop_uid: str
    series_uid: str
    digest: str


def news(uow: UnitOfWork, limit: int) -> list[StudyNews]:
    """Studies with an instance that is not in their published answer, longest silent first."""
    query = (
        select(*_NEWS)
        .where(Study.revision > Study.published_revision)
        .order_by(Study.last_received_at)
        .limit(limit)
    )
    return [StudyNews(*row) for row in uow.execute(query)]


def news_of(uow: UnitOfWork, study_uid: str) -> StudyNews | None:
    """How far one study has come; None when it is not here."""
    row = uow.execute(select(*_NEWS).where(Study.study_uid == study_uid)).one_or_none()
    return None if row is None else StudyNews(*row)


def carriers(uow: UnitOfWork, study_uid: str) -> list[Carrier]:
    """Associations that brought something to a study, by end; open ones last."""
    ids = select(Instance.association_id).where(Instance.study_uid == study_uid).distinct()
    query = select(
        Association.id,
        Association.door,
        Association.calling_ae,
        Association.closed_at,
        Association.close_reason,
    ).where(Association.id.in_(ids))
    found = [Carrier(*row) for row in uow.execute(query)]
    still_open = [c for c in found if c.closed_at is None]
    closed = [(c.closed_at, c) for c in found if c.closed_at is not None]
    return [c for _, c in sorted(closed, key=lambda pair: pair[0])] + still_open


def activity(uow: UnitOfWork, door: str, calling_ae: str) -> SenderActivity:
    """Open associations of a sender, and when its last one was closed."""
    of_sender = (Association.door == door) & (Association.calling_ae == calling_ae)
    is_open = Association.closed_at.is_(None)
    open_now = uow.scalar(select(func.count()).where(of_sender & is_open)) or 0
    last = uow.scalar(
        select(Association.closed_at)
        .where(of_sender & ~is_open)
        .order_by(Association.closed_at.desc())
        .limit(1)
    )
    return SenderActivity(open_now, last)


def instances(uow: UnitOfWork, study_uid: str, sop_classes: frozenset[str]) -> list[StoredInstance]:
    """Instances of a study that take part in volumes, by class; conflicts are left out."""
    query = (
        select(Instance.sop_uid, Instance.series_uid, Instance.digest)
        .where(_in_volumes(study_uid, sop_classes))
        .order_by(Instance.series_uid, Instance.sop_uid)
    )
    return [StoredInstance(*row) for row in uow.execute(query)]


def headers(
    uow: UnitOfWork, study_uid: str, sop_classes: frozenset[str]
) -> dict[str, dict[str, Header]]:
    """Stored headers of a study: by series UID, then by SOP UID."""
    query = select(Instance.series_uid, Instance.sop_uid, Instance.header).where(
        _in_volumes(study_uid, sop_classes)
    )
    found: dict[str, dict[str, Header]] = {}
    for series_uid, sop_uid, header in uow.execute(query):
        found.setdefault(series_uid, {})[sop_uid] = header
    return found


_NEWS = (
    Study.study_uid,
    Study.state,
    Study.revision,
    Study.planned_revision,
    Study.published_revision,
    Study.last_received_at,
)


def _in_volumes(study_uid: str, sop_classes: frozenset[str]) -> Any:
    return (
        (Instance.study_uid == study_uid)
        & Instance.conflict.is_(False)
        & Instance.sop_class.in_(sorted(sop_classes))
    )
