"""Rows around a report: what it is made of, what was made, and what wants one.

Readers of rows only, but for `add_output`, which is idempotent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from triage.errors import NotFound
from triage.store import events
from triage.store.reading_rows import ACTS
from triage.store.result_rows import StoredSlice, stored_slices
from triage.store.session import UnitOfWork
from triage.store.tables import (
    Event,
    FindingRow,
    Output,
    PlanVersion,
    Result,
    Series,
    Study,
    User,
)
from triage.store.work_rows import insert_new

PUBLISHED, SIGNED = "study.published", "study.signed"
#: What a finding's row says for ever, beside what readers change.
_FIXED = ("tracking_uid", "probability", "model_version", "proposed", "series_uid")


@dataclass(frozen=True, slots=True)
class News:
    """The last thing that happened to a study that a report has to follow."""

    study_uid: str
    kind: str
    seq: int
    said: Mapping[str, Any]


def news_after(uow: UnitOfWork, seq: int, limit: int = 500) -> list[News]:
    """Publications and signatures after event `seq`, oldest first."""
    query = select(Event).where(Event.kind.in_((PUBLISHED, SIGNED)), Event.seq > seq)
    rows = uow.scalars(query.order_by(Event.seq).limit(limit))
    return [News(row.study_uid or "", row.kind, row.seq, row.after or {}) for row in rows]


def last_plan(
    uow: UnitOfWork, study_uid: str, goal: str, fact: str, key: str
) -> PlanVersion | None:
    """The newest plan of a goal whose fact `fact` has this ``key``; None when there is none."""
    query = select(PlanVersion).where(PlanVersion.subject == study_uid, PlanVersion.goal == goal)
    for row in uow.scalars(query.order_by(PlanVersion.version.desc())):
        if row.facts.get(fact, {}).get("key") == key:
            return row
    return None


def signing(uow: UnitOfWork, study_uid: str, seq: int) -> Event:
    """The signature with that event number.

    Raises
    ------
    NotFound
        No such signature of this study.
    """
    row = uow.get(Event, seq)
    if row is None or row.kind != SIGNED or row.study_uid != study_uid:
        raise NotFound("no such signature of this study", code="no_such_signature")
    return row


def display_name(uow: UnitOfWork, login: str) -> str:
    """Name of a user as it is printed; the login name when no other is given."""
    row = uow.get(User, login)
    return (row.display_name if row is not None else "") or login


def result_of(uow: UnitOfWork, study_uid: str, result_id: str | None) -> Result:
    """A result of a study.

    Raises
    ------
    NotFound
        No such result of this study.
    """
    row = None if result_id is None else uow.get(Result, result_id)
    if row is None or row.study_uid != study_uid:
        raise NotFound("no such result of this study", code="no_such_result")
    return row


def proposed_findings(uow: UnitOfWork, result_id: str, as_of: int) -> list[dict[str, Any]]:
    """Findings of a result as the machine proposed them, with the state they had then.

    Parameters
    ----------
    as_of : int
        Event number, e.g. of the publication: what readers do later changes nothing here, so the
        same question always has the same answer.
    """
    query = select(FindingRow).where(FindingRow.result_id == result_id)
    rows = list(uow.scalars(query.order_by(FindingRow.number)))
    states = _states_at(uow, [row.finding_id for row in rows], as_of)
    return [
        {**row.proposed, **_fixed(row), "finding_id": row.finding_id, "number": row.number,
         "state": states.get(row.finding_id, "pending"), "key_sop_uid": _key(row)}
        for row in rows
    ]  # fmt: skip


def _states_at(uow: UnitOfWork, finding_ids: list[str], as_of: int) -> dict[str, str]:
    """State of each finding after its last act before event `as_of`."""
    query = select(Event).where(Event.finding_id.in_(finding_ids), Event.kind.in_(ACTS))
    acts = uow.scalars(query.where(Event.seq < as_of).order_by(Event.seq))
    return {act.finding_id or "": (act.after or {})["finding"]["state"] for act in acts}


def with_fixed(uow: UnitOfWork, signed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Findings of a signature, joined with what their rows say for ever.

    Raises
    ------
    NotFound
        A signed finding has no row.
    """
    found = []
    for one in signed:
        row = uow.get(FindingRow, one["finding_id"])
        if row is None:
            raise NotFound(f"finding {one['finding_id']} has no row", code="no_such_finding")
        found.append({**one, **_fixed(row)})
    return found


def _fixed(row: FindingRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _FIXED}


def _key(row: FindingRow) -> str | None:
    return row.key_sop_uid if row.center_lps_mm == row.proposed.get("center_lps_mm") else None


def instances_of(uow: UnitOfWork, study_uid: str) -> list[StoredSlice]:
    """Every stored instance of a study that is no conflicting copy, by series and UID."""
    query = stored_slices(study_uid)
    return [StoredSlice(*row) for row in uow.execute(query)]


def read_slices(uow: UnitOfWork, series_uids: Collection[str]) -> dict[str, list[str]]:
    """SOP Instance UIDs that make up the volume of each series, where it was packed."""
    query = select(Series).where(Series.series_uid.in_(sorted(series_uids)))
    return {
        row.series_uid: list(row.stream_info["sop_uids"])
        for row in uow.scalars(query)
        if "sop_uids" in row.stream_info
    }


def outputs_of(uow: UnitOfWork, study_uid: str, kind: str) -> list[Output]:
    """Objects of a kind made for a study, oldest first."""
    query = select(Output).where(Output.study_uid == study_uid, Output.kind == kind)
    return list(uow.scalars(query.order_by(Output.created_at, Output.sop_uid)))


def add_output(uow: UnitOfWork, values: dict[str, Any]) -> Output:
    """Insert an object, once; the row that stands, whoever wrote it.

    Parameters
    ----------
    values : dict
        Column values of `Output`.
    """
    uow.get(Study, values["study_uid"], with_for_update=True)
    if insert_new(uow, Output, values):
        after = {name: values[name] for name in ("sop_uid", "kind", "status")}
        events.append(uow, "study.output", study_uid=values["study_uid"], after=after)
    row = uow.get(Output, values["sop_uid"], populate_existing=True)
    if row is None:
        raise NotFound("an output vanished while it was written")
    return row
