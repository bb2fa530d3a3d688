"""The worklist: filter, search, order with its reason, pages by cursor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from triage.core.context import known
from triage.core.finding import ResultStatus, StudyState
from triage.review import assessment, priority, questions
from triage.review import cursor as cursors
from triage.review.schema import Worklist, WorklistCounts, WorklistItem
from triage.review.services import Services
from triage.review.session import Who, World
from triage.store import reading_rows, worklist_rows
from triage.store.session import UnitOfWork
from triage.store.worklist_rows import Page, Row

StateFilter = Literal["open", "to_read", "in_review", "not_ready", "signed", "signed_today", "all"]
Sort = Literal[
    "priority", "-priority", "wait", "-wait", "patient", "-patient", "study", "-study",
    "largest", "-largest", "findings", "-findings", "state", "-state", "reader", "-reader",
    "signed", "-signed",
]  # fmt: skip

_NOT_READY = tuple(
    s.value
    for s in (StudyState.RECEIVING, StudyState.INCOMPLETE, StudyState.RUNNING, StudyState.FAILED)
)
GROUPS: dict[str, tuple[str, ...]] = {
    "open": (*worklist_rows.READABLE, *_NOT_READY),
    "to_read": (StudyState.READY.value,),
    "in_review": (StudyState.IN_REVIEW.value,),
    "not_ready": _NOT_READY,
    "signed": (StudyState.SIGNED.value,),
    "signed_today": (StudyState.SIGNED.value,),
    "all": (),
}

router = APIRouter(tags=["worklist"])


@router.get("/api/worklist")
def worklist(
    *,
    world: World,
    _who: Who,
    sort: Sort | None = None,
    state: StateFilter = "open",
    q: Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> Worklist:
    """One page of studies.

    Without `sort`, open studies come by priority and signed ones newest first. `cursor` is the
    `next` of the page before; it keeps the moment by which waits are judged, so pages fit.
    """
    chosen = sort or ("-signed" if state.startswith("signed") else "priority")
    at = world.clock()
    come_from = None if cursor is None else cursors.read(cursor, chosen)
    judged_at = at if come_from is None else come_from.judged_at
    page = Page(
        states=GROUPS[state],
        text=q.strip(),
        sort=chosen.removeprefix("-"),
        descending=chosen.startswith("-"),
        limit=limit,
        waited_since=judged_at - priority.NEAR_LIMIT,
        default_rank=priority.IN_TURN,
        signed_since=_midnight(at) if state == "signed_today" else None,
        after=None if come_from is None else come_from.after(),
    )
    with world.store.reading() as uow:
        rows = worklist_rows.page_of(uow, page, priority.RULES)
        more, rows = len(rows) > limit, rows[:limit]
        oldest = worklist_rows.waiting_since(uow)
        signed_at, received_at = worklist_rows.last_times(uow)
        return Worklist(
            items=_items(uow, world, rows, at),
            next=cursors.written(rows[-1], chosen, judged_at) if more else None,
            total=worklist_rows.total_of(uow, page),
            counts=_counts(uow, at),
            longest_wait_s=None if oldest is None else _seconds(oldest, at),
            max_wait_s=int(priority.MAX_WAIT.total_seconds()),
            last_signed_at=signed_at,
            last_received_at=received_at,
            seq=worklist_rows.last_seq(uow),
        )


def _midnight(at: datetime) -> datetime:
    """Start of the site's day: the server's own time zone."""
    return at.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)


def _seconds(since: datetime, at: datetime) -> int:
    return max(0, int((at - since).total_seconds()))


def _counts(uow: UnitOfWork, at: datetime) -> WorklistCounts:
    by_state = worklist_rows.counts(uow)

    def of(group: str) -> int:
        return sum(by_state.get(name, 0) for name in GROUPS[group])

    return WorklistCounts(
        open=of("open"),
        to_read=of("to_read"),
        in_review=of("in_review"),
        not_ready=of("not_ready"),
        signed=of("signed"),
        signed_today=worklist_rows.signed_since(uow, _midnight(at)),
        all=sum(by_state.values()),
    )


def _items(uow: UnitOfWork, world: Services, rows: list[Row], at: datetime) -> list[WorklistItem]:
    uids = [row.study.study_uid for row in rows]
    contexts = worklist_rows.contexts(uow, uids)
    instances = worklist_rows.instance_counts(uow, uids)
    signings = reading_rows.signings(uow, uids)
    items = []
    for row in rows:
        uid = row.study.study_uid
        values = contexts.get(uid, {})
        category, preliminary = _category(uow, world, row, values, signings.get(uid))
        items.append(
            _item(row, values, instances.get(uid, 0), at).model_copy(
                update={"lung_rads": category, "lung_rads_preliminary": preliminary}
            )
        )
    return items


def _category(
    uow: UnitOfWork,
    world: Services,
    row: Row,
    values: Mapping[str, Any],
    signing: Mapping[str, Any] | None,
) -> tuple[str | None, bool]:
    """No category before the reader: only once every finding is decided, or signed."""
    if row.study.state == StudyState.SIGNED.value:
        return assessment.category_of((signing or {}).get("assessment")), False
    if row.study.state != StudyState.IN_REVIEW.value:
        return None, False
    outcome = assessment.preliminary(uow, world, row.study, values)
    return assessment.category_of(outcome), True


def _item(row: Row, values: Mapping[str, Any], instances: int, at: datetime) -> WorklistItem:
    study = row.study
    signed = study.state == StudyState.SIGNED.value
    readable = study.state in worklist_rows.READABLE
    wait_s = None if signed else _seconds(row.since, at)
    words, code, why_values = priority.why(row, wait_s or 0, _reason(row), instances)
    looked = row.status is not None and row.status != ResultStatus.NOT_ASSESSED.value
    return WorklistItem(
        study_uid=study.study_uid,
        patient_name=study.patient_name,
        patient_id=study.patient_id,
        patient_sex=study.patient_sex,
        patient_age=study.patient_age,
        accession=study.accession,
        study_date=study.study_date,
        study_time=study.study_time,
        description=study.description,
        state=StudyState(study.state),
        state_reason=study.state_reason,
        result_status=None if row.status is None else ResultStatus(row.status),
        provisional=row.status is not None and not row.published,
        questions=len(questions.open_questions(values)) if readable else 0,
        priority=priority.priority_of(row),
        why=words,
        why_code=code,
        why_values=why_values,
        wait_s=wait_s,
        lung_rads=None,
        lung_rads_preliminary=False,
        largest_mm=None if row.largest_mm is None else round(row.largest_mm, 1),
        findings=row.active if looked or row.active else None,
        prior=known(values, "prior_ct"),
        reader=study.reader or None,
        instances=instances,
        key_image_url=f"/api/studies/{study.study_uid}/key-image" if row.active else None,
    )


def _reason(row: Row) -> str:
    if row.reasons:
        return str(row.reasons[0].get("message", ""))
    return row.study.state_reason
