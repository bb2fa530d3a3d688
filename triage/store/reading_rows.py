"""Rows of one study as a reader meets them: findings, context, acts, and their before-images.

A finding's *image* is its row as a dict without key and version. Every act writes the image before
and after into its event, so any earlier state can be restored exactly, and the row is always the
fold of its events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, or_, select

from triage.errors import NotFound
from triage.store.session import UnitOfWork
from triage.store.tables import (
    Assessment,
    Context,
    Event,
    FindingRow,
    Instance,
    Outbox,
    Output,
    Quarantine,
    Result,
    Series,
    Study,
)

WITHDRAWN = "withdrawn"  # a reader's own mark, taken back: kept, but in no list
DECISION, ADDED, DISMISSED = "finding.decision", "finding.added", "finding.dismissed"
ACTS = (DECISION, ADDED, DISMISSED)

_IDENTITY = frozenset({"finding_id", "study_uid", "series_uid", "result_id", "number", "version"})
_FIXED = frozenset({"tracking_uid", "proposed", "model_version", "probability"})
IMAGE_FIELDS = tuple(
    column.name for column in FindingRow.__table__.columns if column.name not in _IDENTITY | _FIXED
)


def study(uow: UnitOfWork, study_uid: str, *, for_change: bool = False) -> Study:
    """Read a study; `for_change` makes acts on one study wait for each other.

    Raises
    ------
    NotFound
        No such study.
    """
    query = select(Study).where(Study.study_uid == study_uid)
    row = uow.scalars(query.with_for_update() if for_change else query).one_or_none()
    if row is None:
        raise NotFound("no such study", code="no_such_study")
    return row


def series_of(uow: UnitOfWork, study_uid: str) -> list[Series]:
    """All series of a study by series number."""
    query = select(Series).where(Series.study_uid == study_uid)
    return list(uow.scalars(query.order_by(Series.number, Series.series_uid)))


def series(uow: UnitOfWork, series_uid: str) -> Series:
    """Read one series.

    Raises
    ------
    NotFound
        No such series.
    """
    row = uow.get(Series, series_uid)
    if row is None:
        raise NotFound("no such series", code="no_such_series")
    return row


def slice_thickness_mm(uow: UnitOfWork, series_uid: str) -> float | None:
    """How thick the slices of a series are, mm: Slice Thickness (0018,0050) of the thickest.

    Of the slices that make up its volume, where it was packed; None when one of them does not say,
    since the one that is silent may be the thickest.
    """
    row = uow.get(Series, series_uid)
    used = (row.stream_info if row is not None else {}).get("sop_uids")
    query = select(Instance.sop_uid, Instance.header["slice_thickness"]).where(
        Instance.series_uid == series_uid, Instance.conflict.is_(False)
    )
    said = [mm for uid, mm in uow.execute(query) if used is None or uid in used]
    if not said or not all(isinstance(mm, int | float) and mm > 0 for mm in said):
        return None
    return float(max(said))


def result_of(uow: UnitOfWork, row: Study) -> Result | None:
    """Return the result that is shown for a study."""
    return None if row.result_id is None else uow.get(Result, row.result_id)


def finding(uow: UnitOfWork, finding_id: str) -> FindingRow:
    """Read one finding.

    Raises
    ------
    NotFound
        No such finding.
    """
    row = uow.get(FindingRow, finding_id)
    if row is None:
        raise NotFound("no such finding", code="no_such_finding")
    return row


def findings_of(uow: UnitOfWork, row: Study) -> list[FindingRow]:
    """Findings of the shown result and those readers added, by number; none that is withdrawn."""
    query = (
        select(FindingRow)
        .where(FindingRow.study_uid == row.study_uid, FindingRow.state != WITHDRAWN)
        .where(or_(FindingRow.result_id.is_(None), FindingRow.result_id == row.result_id))
        .order_by(FindingRow.number, FindingRow.finding_id)
    )
    return list(uow.scalars(query))


def top_finding(uow: UnitOfWork, row: Study) -> FindingRow | None:
    """Return the first finding that has not been rejected."""
    left = (f for f in findings_of(uow, row) if f.state not in {"rejected", "dismissed"})
    return next(left, None)


def image(row: FindingRow) -> dict[str, Any]:
    """What a reader can change of a finding, as plain JSON."""
    return {name: getattr(row, name) for name in IMAGE_FIELDS}


def write_image(row: FindingRow, values: Mapping[str, Any]) -> None:
    """Set a finding to an image, and raise its version."""
    for name in IMAGE_FIELDS:
        setattr(row, name, values[name])
    row.version += 1


def add_finding(uow: UnitOfWork, row: FindingRow) -> None:
    """Insert a reader's finding with the next free number of its study."""
    taken = select(func.max(FindingRow.number)).where(FindingRow.study_uid == row.study_uid)
    row.number = (uow.execute(taken).scalar_one_or_none() or 0) + 1
    uow.add(row)
    uow.flush()


def acts_on(uow: UnitOfWork, finding_ids: Iterable[str]) -> dict[str, list[Event]]:
    """Acts on findings that still stand, oldest first, by finding.

    An act that was taken back and the taking back itself are both left out; the last entry of
    each list is what ``retract`` would undo.
    """
    ids = list(finding_ids)
    standing: dict[str, list[Event]] = {one: [] for one in ids}
    query = select(Event).where(Event.finding_id.in_(ids), Event.kind.in_(ACTS))
    for event in uow.scalars(query.order_by(Event.seq)):
        acts = standing[event.finding_id or ""]
        if event.undoes is None:
            acts.append(event)
        else:
            acts[:] = [act for act in acts if act.seq != event.undoes]
    return standing


def context(uow: UnitOfWork, study_uid: str) -> Context:
    """Context of a study; an empty one, not yet stored, when nobody has said anything."""
    return uow.get(Context, study_uid) or Context(study_uid=study_uid, values={}, version=0)


def write_context(uow: UnitOfWork, row: Context, values: dict[str, Any]) -> None:
    """Set the values of a context and raise its version."""
    row.values = values
    row.version += 1
    uow.add(row)


def study_events(uow: UnitOfWork, study_uid: str) -> list[Event]:
    """Everything recorded about a study, oldest first."""
    query = select(Event).where(Event.study_uid == study_uid).order_by(Event.seq)
    return list(uow.scalars(query))


def last_study_seq(uow: UnitOfWork, study_uid: str) -> int:
    """Number of the last event of a study, 0 when there is none."""
    query = select(func.coalesce(func.max(Event.seq), 0)).where(Event.study_uid == study_uid)
    return uow.execute(query).scalar_one()


def reader_acts_after(uow: UnitOfWork, study_uid: str, seq: int) -> list[Event]:
    """Acts on findings and context of a study later than event `seq`."""
    query = select(Event).where(Event.study_uid == study_uid, Event.seq > seq)
    kinds = (*ACTS, "context.set")
    return list(uow.scalars(query.where(Event.kind.in_(kinds)).order_by(Event.seq)))


def last_signing(uow: UnitOfWork, study_uid: str) -> Event | None:
    """Return the event of the last signature, if there is one."""
    query = select(Event).where(Event.study_uid == study_uid, Event.kind == "study.signed")
    return uow.scalars(query.order_by(Event.seq.desc()).limit(1)).one_or_none()


def signings(uow: UnitOfWork, study_uids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """After-image of the last signature, by study."""
    query = select(Event).where(Event.study_uid.in_(list(study_uids)), Event.kind == "study.signed")
    rows = uow.scalars(query.order_by(Event.seq))
    return {row.study_uid or "": row.after or {} for row in rows}


def outputs_of(uow: UnitOfWork, study_uid: str) -> list[tuple[Output, Outbox | None]]:
    """Objects made for a study, each with the outbox row that carries it away.

    Where several nodes want one object, it is the row of one that does not have it yet, if there
    is any: "sent" means that all have it.
    """
    made = uow.scalars(
        select(Output).where(Output.study_uid == study_uid).order_by(Output.created_at)
    )
    sent = uow.scalars(
        select(Outbox).where(Outbox.subject == study_uid).order_by(Outbox.created_at)
    )
    open_last = sorted(sent, key=lambda row: row.state != "done")
    by_object = {row.payload.get("sop_uid"): row for row in open_last}
    return [(row, by_object.get(row.sop_uid)) for row in made]


def quarantined(uow: UnitOfWork, before_id: int | None, limit: int) -> tuple[list[Quarantine], int]:
    """Newest quarantined objects below `before_id`, and how many there are in all."""
    query = select(Quarantine).order_by(Quarantine.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(Quarantine.id < before_id)
    total = uow.execute(select(func.count()).select_from(Quarantine)).scalar_one()
    return list(uow.scalars(query)), total


def has_assessment(uow: UnitOfWork, study_uid: str, guideline: str, input_digest: str) -> bool:
    """Whether this guideline's answer to these inputs is kept already."""
    query = select(Assessment.id).where(
        Assessment.study_uid == study_uid,
        Assessment.guideline == guideline,
        Assessment.input_digest == input_digest,
    )
    return uow.scalars(query).first() is not None
